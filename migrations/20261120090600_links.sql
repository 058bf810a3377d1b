-- Issue links, one row for each end that is stored.
CREATE TABLE jira.links (
    site      text   NOT NULL,
    issue_id  bigint NOT NULL,
    link_id   bigint NOT NULL,
    direction text   NOT NULL,
    type      text   NOT NULL,
    other_id  bigint,
    other_key text   NOT NULL,
    CONSTRAINT links_pk PRIMARY KEY (site, issue_id, link_id, direction),
    CONSTRAINT links_direction_ck CHECK (direction IN ('outward', 'inward'))
);

CREATE INDEX links_other_idx ON jira.links (other_id, site);

COMMENT ON TABLE jira.links IS 'Issue links as seen from issue_id; a link between two stored issues has a row at each end. Written by hydration with the issue.';
COMMENT ON COLUMN jira.links.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.links.issue_id IS 'jira.issues.id of the end this row is seen from.';
COMMENT ON COLUMN jira.links.link_id IS 'Jira''s id of the link: the same at both ends.';
COMMENT ON COLUMN jira.links.direction IS 'outward: issue_id is the source; inward: issue_id is the target.';
COMMENT ON COLUMN jira.links.type IS 'Name of the link type, such as Blocks.';
COMMENT ON COLUMN jira.links.other_id IS 'jira.issues.id of the other end, where Jira gives it; that issue need not be stored.';
COMMENT ON COLUMN jira.links.other_key IS 'Key of the other end when the issue was fetched.';
