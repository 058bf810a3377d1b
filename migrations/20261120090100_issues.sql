-- One row an issue, keyed by the numeric id, which survives moves and renames.
CREATE TABLE jira.issues (
    site            text        NOT NULL,
    id              bigint      NOT NULL,
    key             text        NOT NULL,
    project_key     text        NOT NULL,
    summary         text,
    issue_type      text,
    status          text,
    status_category text,
    priority        text,
    resolution      text,
    assignee_id     text,
    reporter_id     text,
    creator_id      text,
    parent_id       bigint,
    labels          text[]      NOT NULL,
    created         timestamptz,
    updated         timestamptz,
    resolved        timestamptz,
    due             date,
    fields          jsonb       NOT NULL,
    tier            text        NOT NULL,
    text_repaired   boolean     NOT NULL,
    content_hash    bytea       NOT NULL,
    extracted_at    timestamptz NOT NULL,
    deleted_at      timestamptz,
    CONSTRAINT issues_pk PRIMARY KEY (site, id),
    CONSTRAINT issues_tier_ck CHECK (tier IN ('full', 'hub', 'minimal')),
    CONSTRAINT issues_content_hash_ck CHECK (octet_length(content_hash) = 16)
);

-- Only the primary key leads with site: where statistics are missing, the planner takes any index
-- that does to be as good as the key. For the same reason, and for speed, children have no foreign
-- keys: they are written in their issue's transaction, and issues are never removed.
CREATE INDEX issues_key_idx ON jira.issues (key, site);
CREATE INDEX issues_project_updated_idx ON jira.issues (project_key, site, updated);

COMMENT ON TABLE jira.issues IS 'One row an issue, deleted ones included (deleted_at). Written by hydration, in the transaction that takes the issue off extractor.pending.';
COMMENT ON COLUMN jira.issues.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.issues.id IS 'Jira''s numeric id; survives moves and project renames.';
COMMENT ON COLUMN jira.issues.key IS 'Current key, such as PROJ-17; every key ever seen is in jira.issue_keys.';
COMMENT ON COLUMN jira.issues.project_key IS 'Project part of key.';
COMMENT ON COLUMN jira.issues.summary IS 'fields.summary';
COMMENT ON COLUMN jira.issues.issue_type IS 'fields.issuetype.name';
COMMENT ON COLUMN jira.issues.status IS 'fields.status.name';
COMMENT ON COLUMN jira.issues.status_category IS 'fields.status.statusCategory.key: new, indeterminate, done or undefined.';
COMMENT ON COLUMN jira.issues.priority IS 'fields.priority.name';
COMMENT ON COLUMN jira.issues.resolution IS 'fields.resolution.name; null while unresolved.';
COMMENT ON COLUMN jira.issues.assignee_id IS 'jira.users.id of the assignee.';
COMMENT ON COLUMN jira.issues.reporter_id IS 'jira.users.id of the reporter.';
COMMENT ON COLUMN jira.issues.creator_id IS 'jira.users.id of the creator.';
COMMENT ON COLUMN jira.issues.parent_id IS 'Id of the parent of a sub-task.';
COMMENT ON COLUMN jira.issues.labels IS 'fields.labels, in Jira''s order.';
COMMENT ON COLUMN jira.issues.created IS 'fields.created';
COMMENT ON COLUMN jira.issues.updated IS 'fields.updated of this version, by Jira''s clock; some issues have none.';
COMMENT ON COLUMN jira.issues.resolved IS 'fields.resolutiondate';
COMMENT ON COLUMN jira.issues.due IS 'fields.duedate';
COMMENT ON COLUMN jira.issues.fields IS 'Every field as Jira gave it.';
COMMENT ON COLUMN jira.issues.tier IS 'How completely the issue was fetched: full, hub (links apart) or minimal (a few fields).';
COMMENT ON COLUMN jira.issues.text_repaired IS 'U+0000 or a lone surrogate was replaced by U+FFFD somewhere in this issue.';
COMMENT ON COLUMN jira.issues.content_hash IS 'Changes when anything stored of the issue changes, its children included.';
COMMENT ON COLUMN jira.issues.extracted_at IS 'When Jira answered with this version, by Jira''s clock.';
COMMENT ON COLUMN jira.issues.deleted_at IS 'When the issue was proven absent from Jira (deleted or hidden), by the database''s clock; null while it is there.';

-- lz4 nearly doubles the write rate against pglz, but a server may be built without it.
DO $$
BEGIN
    ALTER TABLE jira.issues ALTER COLUMN fields SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'this server has no lz4: jira.issues.fields keeps the default compression';
END $$;
