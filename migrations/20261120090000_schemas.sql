-- The two schemas: data for everyone to read, and the program's own state.
CREATE SCHEMA IF NOT EXISTS jira;
CREATE SCHEMA IF NOT EXISTS extractor;

COMMENT ON SCHEMA jira IS 'What Jira holds, for everyone to read. Written by extractor only.';
COMMENT ON SCHEMA extractor IS 'State of the extractor program: workers, cursors, runs, queue, failures. Written by extractor only.';
COMMENT ON TABLE extractor.schema_migrations IS 'Which migrations have been applied. Written by the migrator only.';
