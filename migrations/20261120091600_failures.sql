-- Issues that could not be fetched or stored whole.
CREATE TABLE extractor.failures (
    site        text        NOT NULL,
    issue_id    bigint      NOT NULL,
    key         text        NOT NULL,
    project_key text        NOT NULL,
    run_id      uuid        NOT NULL,
    reason      text        NOT NULL,
    category    text        NOT NULL,
    what_to_do  text        NOT NULL,
    attempts    integer     NOT NULL,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    next_try    timestamptz NOT NULL,
    CONSTRAINT failures_pk PRIMARY KEY (site, issue_id),
    CONSTRAINT failures_category_ck CHECK (category IN ('user_fixable', 'temporary', 'admin_required'))
);

CREATE INDEX failures_project_idx ON extractor.failures (project_key, site);

COMMENT ON TABLE extractor.failures IS 'Issues that could not be fetched or stored whole. Written by hydration, and removed by it once the issue is stored or proven absent.';
COMMENT ON COLUMN extractor.failures.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.failures.issue_id IS 'Jira''s numeric id.';
COMMENT ON COLUMN extractor.failures.key IS 'The key it was listed with.';
COMMENT ON COLUMN extractor.failures.project_key IS 'The project whose listing named it.';
COMMENT ON COLUMN extractor.failures.run_id IS 'The run that failed last on it.';
COMMENT ON COLUMN extractor.failures.reason IS 'What went wrong.';
COMMENT ON COLUMN extractor.failures.category IS 'user_fixable, temporary or admin_required.';
COMMENT ON COLUMN extractor.failures.what_to_do IS 'What an operator can do about it.';
COMMENT ON COLUMN extractor.failures.attempts IS 'How many runs have failed on it.';
COMMENT ON COLUMN extractor.failures.first_at IS 'First failure, by the database''s clock.';
COMMENT ON COLUMN extractor.failures.last_at IS 'Last failure, by the database''s clock.';
COMMENT ON COLUMN extractor.failures.next_try IS 'When a run should try again, by the database''s clock.';
