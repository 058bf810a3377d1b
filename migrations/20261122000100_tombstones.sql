-- Why an issue is marked deleted, and which run found it absent.
ALTER TABLE jira.issues
    ADD COLUMN deleted_reason text,
    ADD COLUMN deleted_by_run uuid;

UPDATE jira.issues SET deleted_reason = 'not_found' WHERE deleted_at IS NOT NULL;

ALTER TABLE jira.issues
    ADD CONSTRAINT issues_deleted_reason_ck
        CHECK (deleted_reason IN ('not_found', 'archived', 'moved', 'project_gone', 'project_archived')),
    ADD CONSTRAINT issues_tombstone_ck CHECK ((deleted_at IS NULL) = (deleted_reason IS NULL));

COMMENT ON COLUMN jira.issues.deleted_at IS 'When the issue was proven to be no longer among what Jira shows in the followed projects, by the database''s clock; null while it is there. The rest of the row is as it was fetched last.';
COMMENT ON COLUMN jira.issues.deleted_reason IS 'Why: not_found (deleted, or hidden from this account: Jira does not say which), archived, moved (to a project that is not followed), project_gone (not found, and neither is its project) or project_archived; null while it is there. Written with deleted_at.';
COMMENT ON COLUMN jira.issues.deleted_by_run IS 'extractor.runs.id of the run that found it absent; null while it is there, and for what earlier versions marked.';

-- What a run looked for and did not find where it should be. Nothing is marked deleted before all
-- of it is known, so that a lost permission is not taken for a mass deletion.
CREATE TABLE extractor.absences (
    run_id      uuid        NOT NULL,
    issue_id    bigint      NOT NULL,
    site        text        NOT NULL,
    key         text        NOT NULL,
    found       text,
    found_key   text,
    noticed_at  timestamptz NOT NULL,
    settled     boolean     NOT NULL DEFAULT false,
    CONSTRAINT absences_pk PRIMARY KEY (run_id, issue_id),
    CONSTRAINT absences_found_ck CHECK (found IN ('not_found', 'archived', 'elsewhere', 'listed', 'unlisted', 'outside_filter'))
);

COMMENT ON TABLE extractor.absences IS 'Issues that are stored and that a run missed: in its listing (reconcile), or when it fetched them by id. Written by the run; kept as long as the run.';
COMMENT ON COLUMN extractor.absences.run_id IS 'extractor.runs.id';
COMMENT ON COLUMN extractor.absences.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN extractor.absences.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.absences.key IS 'The key it is stored with.';
COMMENT ON COLUMN extractor.absences.found IS 'What a look-up by id said: not_found, archived, elsewhere (under found_key), listed (Jira''s search shows it after all), unlisted (there, but no search shows it) or outside_filter; null while it has not been looked up.';
COMMENT ON COLUMN extractor.absences.found_key IS 'The key it was found under.';
COMMENT ON COLUMN extractor.absences.noticed_at IS 'When it was missed, by the database''s clock.';
COMMENT ON COLUMN extractor.absences.settled IS 'Whether what was found has been acted upon: the row marked deleted, or the issue queued to be fetched.';

-- What certificates are made of, beyond their counts.
ALTER TABLE extractor.certificates
    ADD COLUMN details jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN conclusion text NOT NULL DEFAULT '';

COMMENT ON COLUMN extractor.certificates.details IS 'What stands behind the counts: tiers, incomplete, healed, moved, tombstoned by reason, unlisted, outside_filter, unreplayed, and Jira''s own summary of its index where this account may ask for it. Written with the row.';
COMMENT ON COLUMN extractor.certificates.conclusion IS 'What follows, in one sentence. Written with the row.';
