-- Projects whose key was changed in Jira: every issue has another key since, and the same id.
CREATE TABLE extractor.project_renames (
    site       text        NOT NULL,
    old_key    text        NOT NULL,
    new_key    text        NOT NULL,
    project_id text        NOT NULL,
    noticed_at timestamptz NOT NULL,
    CONSTRAINT project_renames_pk PRIMARY KEY (site, old_key)
);

COMMENT ON TABLE extractor.project_renames IS 'Keys that projects had before. Written by the run that is asked for such a project and finds that it has another key; services that are configured with the old key follow the new one.';
COMMENT ON COLUMN extractor.project_renames.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.project_renames.old_key IS 'The key it had.';
COMMENT ON COLUMN extractor.project_renames.new_key IS 'The key it has.';
COMMENT ON COLUMN extractor.project_renames.project_id IS 'Jira''s id of the project, which stays.';
COMMENT ON COLUMN extractor.project_renames.noticed_at IS 'When that was noticed first, by the database''s clock.';
