-- What Jira has told one process to wait for, for all of them.
CREATE TABLE extractor.throttles (
    site   text        NOT NULL,
    scope  text        NOT NULL,
    until  timestamptz NOT NULL,
    set_by uuid,
    set_at timestamptz NOT NULL,
    CONSTRAINT throttles_pk PRIMARY KEY (site, scope)
);

COMMENT ON TABLE extractor.throttles IS 'What Jira has asked for by Retry-After: nobody sends it before. Written by the process that was asked, within a moment; obeyed by every process of the site, also by one that starts later. Rows stay; to go on sooner, at your own risk, delete them.';
COMMENT ON COLUMN extractor.throttles.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.throttles.scope IS 'What must wait: empty for every request, else a method and an endpoint, such as ''POST search'', which Jira limits by itself.';
COMMENT ON COLUMN extractor.throttles.until IS 'Not before then, by the database''s clock; it only moves forward.';
COMMENT ON COLUMN extractor.throttles.set_by IS 'The process that was asked; null if it ended before it was registered.';
COMMENT ON COLUMN extractor.throttles.set_at IS 'When it said so, by the database''s clock.';
