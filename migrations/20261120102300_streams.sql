-- The optional streams: what takes requests of its own for each issue, and is fetched only where
-- the configuration says so. But for remote links, none of it moves an issue's updated in Jira, so
-- it is as of the last fetch of the issue.
CREATE TABLE jira.remote_links (
    site             text   NOT NULL,
    issue_id         bigint NOT NULL,
    remote_link_id   bigint NOT NULL,
    global_id        text,
    relationship     text,
    application_type text,
    application_name text,
    url              text,
    title            text,
    summary          text,
    resolved         boolean,
    raw              jsonb  NOT NULL,
    CONSTRAINT remote_links_pk PRIMARY KEY (site, issue_id, remote_link_id)
);

COMMENT ON TABLE jira.remote_links IS 'Links to things outside Jira or in another Jira, as of the last fetch of the issue. Written by hydration with the issue where sync.remote_links is on.';
COMMENT ON COLUMN jira.remote_links.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.remote_links.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.remote_links.remote_link_id IS 'Jira''s id of the remote link.';
COMMENT ON COLUMN jira.remote_links.global_id IS 'What the application that made the link calls it ("globalId").';
COMMENT ON COLUMN jira.remote_links.relationship IS 'How the issue relates to it, such as causes.';
COMMENT ON COLUMN jira.remote_links.application_type IS 'Kind of the application, such as com.atlassian.confluence.';
COMMENT ON COLUMN jira.remote_links.application_name IS 'Name of the application.';
COMMENT ON COLUMN jira.remote_links.url IS 'Where it is ("object.url").';
COMMENT ON COLUMN jira.remote_links.title IS 'Its title ("object.title").';
COMMENT ON COLUMN jira.remote_links.summary IS 'Its summary ("object.summary").';
COMMENT ON COLUMN jira.remote_links.resolved IS 'Whether it counts as resolved there ("object.status.resolved").';
COMMENT ON COLUMN jira.remote_links.raw IS 'The whole link as Jira gave it.';

CREATE TABLE jira.watchers (
    site     text   NOT NULL,
    issue_id bigint NOT NULL,
    user_id  text   NOT NULL,
    CONSTRAINT watchers_pk PRIMARY KEY (site, issue_id, user_id)
);

CREATE INDEX watchers_user_idx ON jira.watchers (user_id, site);

COMMENT ON TABLE jira.watchers IS 'Who watches an issue, as of the last fetch of the issue. Written by hydration with the issue where sync.watchers is on.';
COMMENT ON COLUMN jira.watchers.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.watchers.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.watchers.user_id IS 'jira.users.id';

CREATE TABLE jira.voters (
    site     text   NOT NULL,
    issue_id bigint NOT NULL,
    user_id  text   NOT NULL,
    CONSTRAINT voters_pk PRIMARY KEY (site, issue_id, user_id)
);

CREATE INDEX voters_user_idx ON jira.voters (user_id, site);

COMMENT ON TABLE jira.voters IS 'Who voted for an issue, as of the last fetch of the issue. Written by hydration with the issue where sync.voters is on.';
COMMENT ON COLUMN jira.voters.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.voters.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.voters.user_id IS 'jira.users.id';

CREATE TABLE jira.issue_properties (
    site     text   NOT NULL,
    issue_id bigint NOT NULL,
    key      text   NOT NULL,
    value    jsonb  NOT NULL,
    CONSTRAINT issue_properties_pk PRIMARY KEY (site, issue_id, key)
);

COMMENT ON TABLE jira.issue_properties IS 'Entity properties of issues, as apps and scripts keep them, as of the last fetch of the issue. Written by hydration with the issue where sync.properties is on.';
COMMENT ON COLUMN jira.issue_properties.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.issue_properties.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.issue_properties.key IS 'The property''s key.';
COMMENT ON COLUMN jira.issue_properties.value IS 'The property''s value as Jira gave it.';
