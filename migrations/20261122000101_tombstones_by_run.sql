-- Finds what a run has marked. Small: only tombstones are in it.
CREATE INDEX issues_deleted_by_run_idx ON jira.issues (deleted_by_run) WHERE deleted_by_run IS NOT NULL;
