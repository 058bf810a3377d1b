-- The changelog, one row an item.
CREATE TABLE jira.changes (
    site       text        NOT NULL,
    issue_id   bigint      NOT NULL,
    history_id bigint      NOT NULL,
    item       integer     NOT NULL,
    author_id  text,
    at         timestamptz NOT NULL,
    field      text        NOT NULL,
    field_id   text,
    from_id    text,
    from_text  text,
    to_id      text,
    to_text    text,
    CONSTRAINT changes_pk PRIMARY KEY (site, issue_id, history_id, item)
);

COMMENT ON TABLE jira.changes IS 'The changelog, one row an item of an entry. Written by hydration with its issue.';
COMMENT ON COLUMN jira.changes.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.changes.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.changes.history_id IS 'Jira''s id of the changelog entry.';
COMMENT ON COLUMN jira.changes.item IS 'Position of the item inside its entry, from 0.';
COMMENT ON COLUMN jira.changes.author_id IS 'jira.users.id of who made the change; null for anonymous changes.';
COMMENT ON COLUMN jira.changes.at IS 'When the change was made.';
COMMENT ON COLUMN jira.changes.field IS 'Display name of the field when it was changed.';
COMMENT ON COLUMN jira.changes.field_id IS 'Id of the field, where Jira gives it.';
COMMENT ON COLUMN jira.changes.from_id IS 'The old value''s id ("from").';
COMMENT ON COLUMN jira.changes.from_text IS 'The old value as text ("fromString").';
COMMENT ON COLUMN jira.changes.to_id IS 'The new value''s id ("to").';
COMMENT ON COLUMN jira.changes.to_text IS 'The new value as text ("toString").';
