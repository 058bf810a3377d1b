-- When each followed project is due, agreed on by all processes and kept over restarts.
CREATE TABLE extractor.schedules (
    site              text        NOT NULL,
    project_key       text        NOT NULL,
    next_run_at       timestamptz NOT NULL,
    failures_in_a_row integer     NOT NULL DEFAULT 0,
    trouble           text,
    trouble_category  text,
    trouble_remedy    text,
    last_started_at   timestamptz,
    followed_since    timestamptz NOT NULL,
    followed_by       uuid        NOT NULL,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT schedules_pk PRIMARY KEY (site, project_key),
    CONSTRAINT schedules_failures_ck CHECK (failures_in_a_row >= 0),
    CONSTRAINT schedules_trouble_ck CHECK (num_nonnulls(trouble, trouble_category, trouble_remedy) IN (0, 3)),
    CONSTRAINT schedules_trouble_category_ck CHECK (trouble_category IN ('user_fixable', 'temporary', 'admin_required'))
);

COMMENT ON TABLE extractor.schedules IS 'One row a project that a service follows. Written by the services.';
COMMENT ON COLUMN extractor.schedules.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.schedules.project_key IS 'The project.';
COMMENT ON COLUMN extractor.schedules.next_run_at IS 'When the next run is due, by the database''s clock. Moved on when a scheduled run begins and again when it has ended.';
COMMENT ON COLUMN extractor.schedules.failures_in_a_row IS 'Runs that failed since one got to its end.';
COMMENT ON COLUMN extractor.schedules.trouble IS 'Why the last of them failed; null when the last run got to its end.';
COMMENT ON COLUMN extractor.schedules.trouble_category IS 'Who can do something about that: user_fixable, temporary or admin_required.';
COMMENT ON COLUMN extractor.schedules.trouble_remedy IS 'What they can do.';
COMMENT ON COLUMN extractor.schedules.last_started_at IS 'When a run of the project was last started or resumed, by any process, by the database''s clock.';
COMMENT ON COLUMN extractor.schedules.followed_since IS 'When a service first followed the project, by the database''s clock.';
COMMENT ON COLUMN extractor.schedules.followed_by IS 'The worker that last said that it follows the project. While it lives, a service that does not follow the project leaves this row alone.';
COMMENT ON COLUMN extractor.schedules.updated_at IS 'When this row was last written, by the database''s clock.';
