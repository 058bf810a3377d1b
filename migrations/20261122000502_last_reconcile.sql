-- Which reconcile of a project was the last, and when one last proved what is stored.
ALTER TABLE extractor.cursors
    ADD COLUMN reconcile_run_id uuid,
    ADD COLUMN reconciled_at timestamptz;

COMMENT ON COLUMN extractor.cursors.reconcile_run_id IS 'extractor.runs.id of the last reconcile that got to a certificate, whatever that says. Written when it ends.';
COMMENT ON COLUMN extractor.cursors.reconciled_at IS 'When the last reconcile ended whose certificate holds (complete or failures), by the database''s clock; null before there was one.';

-- Counting what is marked deleted reads only that.
CREATE INDEX issues_deleted_ix ON jira.issues (site, project_key, deleted_reason)
    WHERE deleted_at IS NOT NULL;
