-- Under which treatment of people the versions of issues are stored.
ALTER TABLE jira.issue_versions ADD COLUMN privacy text;

COMMENT ON COLUMN jira.issue_versions.privacy IS 'jira.issues.privacy of this version. Versions cannot be fetched again: a backfill or a reconcile rewrites those that were stored under another treatment, as far as less is to be stored now.';
