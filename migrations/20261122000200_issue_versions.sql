-- With sync.history: every version that an issue had since extraction began (slowly changing
-- dimension, type 2).
CREATE TABLE jira.issue_versions (
    site            text        NOT NULL,
    issue_id        bigint      NOT NULL,
    version         integer     NOT NULL,
    valid_from      timestamptz NOT NULL,
    valid_to        timestamptz,
    observed_at     timestamptz NOT NULL,
    change          text        NOT NULL,
    deleted_reason  text,
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
    content_hash    bytea       NOT NULL,
    CONSTRAINT issue_versions_pk PRIMARY KEY (site, issue_id, version),
    CONSTRAINT issue_versions_change_ck CHECK (change IN ('created', 'changed', 'deleted', 'restored')),
    CONSTRAINT issue_versions_deleted_ck CHECK ((change = 'deleted') = (deleted_reason IS NOT NULL)),
    CONSTRAINT issue_versions_forward_ck CHECK (valid_to > valid_from)
);
-- Together these leave no gap and no overlap: every version but the open one is followed by exactly
-- one, which begins where it ends.
CREATE UNIQUE INDEX issue_versions_from_idx ON jira.issue_versions (site, issue_id, valid_from);
CREATE UNIQUE INDEX issue_versions_open_idx ON jira.issue_versions (site, issue_id) WHERE valid_to IS NULL;
CREATE UNIQUE INDEX issue_versions_next_idx ON jira.issue_versions (site, issue_id, valid_to) WHERE valid_to IS NOT NULL;
ALTER TABLE jira.issue_versions ADD CONSTRAINT issue_versions_next_fk
    FOREIGN KEY (site, issue_id, valid_to)
    REFERENCES jira.issue_versions (site, issue_id, valid_from) DEFERRABLE INITIALLY DEFERRED;

COMMENT ON TABLE jira.issue_versions IS 'Every version that an issue had since extraction began, where sync.history is on: exactly one open version an issue (valid_to null), without gap or overlap. Written in the transaction that writes, marks or restores the issue in jira.issues; a backfill or reconcile opens one for what was stored before. What lies before is in jira.issue_field_history.';
COMMENT ON COLUMN jira.issue_versions.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.issue_versions.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.issue_versions.version IS 'Counts up from 1.';
COMMENT ON COLUMN jira.issue_versions.valid_from IS 'Jira''s updated of this version where that is later than the previous valid_from, else observed_at: removals, moves and much else do not move updated.';
COMMENT ON COLUMN jira.issue_versions.valid_to IS 'valid_from of the next version; null while this one holds.';
COMMENT ON COLUMN jira.issue_versions.observed_at IS 'When the version was written, by the database''s clock.';
COMMENT ON COLUMN jira.issue_versions.change IS 'created: the first version known; changed: anything stored of the issue differs, its children included; deleted: marked as no longer in Jira (jira.issues.deleted_at), the columns as last seen; restored: there again.';
COMMENT ON COLUMN jira.issue_versions.deleted_reason IS 'jira.issues.deleted_reason of a deleted version; null for others.';
COMMENT ON COLUMN jira.issue_versions.key IS 'jira.issues.key, as are the following columns, of this version.';
COMMENT ON COLUMN jira.issue_versions.project_key IS 'Project part of key.';
COMMENT ON COLUMN jira.issue_versions.summary IS 'fields.summary';
COMMENT ON COLUMN jira.issue_versions.issue_type IS 'fields.issuetype.name';
COMMENT ON COLUMN jira.issue_versions.status IS 'fields.status.name';
COMMENT ON COLUMN jira.issue_versions.status_category IS 'fields.status.statusCategory.key';
COMMENT ON COLUMN jira.issue_versions.priority IS 'fields.priority.name';
COMMENT ON COLUMN jira.issue_versions.resolution IS 'fields.resolution.name; null while unresolved.';
COMMENT ON COLUMN jira.issue_versions.assignee_id IS 'jira.users.id of the assignee.';
COMMENT ON COLUMN jira.issue_versions.reporter_id IS 'jira.users.id of the reporter.';
COMMENT ON COLUMN jira.issue_versions.creator_id IS 'jira.users.id of the creator.';
COMMENT ON COLUMN jira.issue_versions.parent_id IS 'Id of the parent of a sub-task.';
COMMENT ON COLUMN jira.issue_versions.labels IS 'fields.labels, in Jira''s order.';
COMMENT ON COLUMN jira.issue_versions.created IS 'fields.created';
COMMENT ON COLUMN jira.issue_versions.updated IS 'fields.updated';
COMMENT ON COLUMN jira.issue_versions.resolved IS 'fields.resolutiondate';
COMMENT ON COLUMN jira.issue_versions.due IS 'fields.duedate';
COMMENT ON COLUMN jira.issue_versions.fields IS 'Every field as Jira gave it.';
COMMENT ON COLUMN jira.issue_versions.tier IS 'How completely the issue was fetched.';
COMMENT ON COLUMN jira.issue_versions.content_hash IS 'jira.issues.content_hash of this version.';

DO $$
BEGIN
    ALTER TABLE jira.issue_versions ALTER COLUMN fields SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'this server has no lz4: jira.issue_versions.fields keeps the default compression';
END $$;
