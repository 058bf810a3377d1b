-- How far each project has read Jira's feed of deleted worklogs.
ALTER TABLE extractor.cursors ADD COLUMN worklogs_until timestamptz;

COMMENT ON COLUMN extractor.cursors.worklogs_until IS 'Worklogs deleted until then, by Jira''s clock, have been taken out; null while the feed of deleted worklogs has not been read. Written by runs.';
