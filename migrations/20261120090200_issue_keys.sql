-- Every key an issue has had.
CREATE TABLE jira.issue_keys (
    site       text        NOT NULL,
    key        text        NOT NULL,
    issue_id   bigint      NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz,
    current    boolean     NOT NULL GENERATED ALWAYS AS (last_seen IS NULL) STORED,
    CONSTRAINT issue_keys_pk PRIMARY KEY (site, key, issue_id)
);

CREATE INDEX issue_keys_issue_idx ON jira.issue_keys (issue_id, site);

COMMENT ON TABLE jira.issue_keys IS 'Every key an issue was seen with. Written by hydration when an issue is new or its key changed.';
COMMENT ON COLUMN jira.issue_keys.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.issue_keys.key IS 'The key, such as PROJ-17.';
COMMENT ON COLUMN jira.issue_keys.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.issue_keys.first_seen IS 'When the issue was first fetched with this key, by Jira''s clock.';
COMMENT ON COLUMN jira.issue_keys.last_seen IS 'When the issue was first fetched with another key after this one, by Jira''s clock; null while this is its key.';
COMMENT ON COLUMN jira.issue_keys.current IS 'Whether this is the issue''s key now.';
