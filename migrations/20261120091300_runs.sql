-- Runs: one pass of list, diff, hydrate and certify over one project.
CREATE TABLE extractor.runs (
    id             uuid        NOT NULL,
    site           text        NOT NULL,
    project_key    text        NOT NULL,
    kind           text        NOT NULL,
    state          text        NOT NULL,
    worker         uuid        NOT NULL,
    lists_from     timestamptz,
    horizon        timestamptz NOT NULL,
    filter         text,
    checkpoint     jsonb       NOT NULL,
    attempt        integer     NOT NULL DEFAULT 1,
    resumes        integer     NOT NULL DEFAULT 0,
    listed         bigint      NOT NULL DEFAULT 0,
    unchanged      bigint      NOT NULL DEFAULT 0,
    queued         bigint      NOT NULL DEFAULT 0,
    hydrated       bigint      NOT NULL DEFAULT 0,
    written        bigint      NOT NULL DEFAULT 0,
    gone           bigint      NOT NULL DEFAULT 0,
    failed         bigint      NOT NULL DEFAULT 0,
    pages          bigint      NOT NULL DEFAULT 0,
    started_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    finished_at    timestamptz,
    error          text,
    error_category text,
    CONSTRAINT runs_pk PRIMARY KEY (id),
    CONSTRAINT runs_kind_ck CHECK (kind IN ('backfill', 'delta', 'reconcile')),
    CONSTRAINT runs_state_ck CHECK (state IN ('running', 'interrupted', 'completed', 'incomplete', 'failed', 'cancelled')),
    CONSTRAINT runs_error_category_ck CHECK (error_category IN ('user_fixable', 'temporary', 'admin_required'))
);

CREATE INDEX runs_project_idx ON extractor.runs (site, project_key, started_at DESC);

COMMENT ON TABLE extractor.runs IS 'One row a run. Written by the process that holds the project; the counters of hydration by whoever hydrates.';
COMMENT ON COLUMN extractor.runs.id IS 'UUID v7: sorts by start.';
COMMENT ON COLUMN extractor.runs.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.runs.project_key IS 'The project.';
COMMENT ON COLUMN extractor.runs.kind IS 'backfill, delta or reconcile.';
COMMENT ON COLUMN extractor.runs.state IS 'running; interrupted and failed (the next run of the project resumes it); completed, incomplete and cancelled are final. A running run whose project nobody alive holds was killed.';
COMMENT ON COLUMN extractor.runs.worker IS 'The process that started or last resumed it (extractor.workers.id, for as long as that row lasts).';
COMMENT ON COLUMN extractor.runs.lists_from IS 'Issues updated from then on are listed; null: all.';
COMMENT ON COLUMN extractor.runs.horizon IS 'When the run started, by Jira''s clock: the cursor moves there when the run completes.';
COMMENT ON COLUMN extractor.runs.filter IS 'The extra JQL it was started with.';
COMMENT ON COLUMN extractor.runs.checkpoint IS 'How far the listing has got; written with every page.';
COMMENT ON COLUMN extractor.runs.attempt IS 'Which listing this is: 1, and one more for each repair.';
COMMENT ON COLUMN extractor.runs.resumes IS 'How often the run was taken up again.';
COMMENT ON COLUMN extractor.runs.listed IS 'Distinct issues listed.';
COMMENT ON COLUMN extractor.runs.unchanged IS 'Issues listed and found unchanged.';
COMMENT ON COLUMN extractor.runs.queued IS 'Issues queued for hydration.';
COMMENT ON COLUMN extractor.runs.hydrated IS 'Issues fetched whole.';
COMMENT ON COLUMN extractor.runs.written IS 'Rows of jira.issues inserted or rewritten.';
COMMENT ON COLUMN extractor.runs.gone IS 'Issues proven absent by a look-up.';
COMMENT ON COLUMN extractor.runs.failed IS 'Issues recorded in extractor.failures.';
COMMENT ON COLUMN extractor.runs.pages IS 'Listing pages read.';
COMMENT ON COLUMN extractor.runs.started_at IS 'By the database''s clock.';
COMMENT ON COLUMN extractor.runs.updated_at IS 'Last progress, by the database''s clock.';
COMMENT ON COLUMN extractor.runs.finished_at IS 'When the run reached a state other than running, by the database''s clock.';
COMMENT ON COLUMN extractor.runs.error IS 'Why it failed.';
COMMENT ON COLUMN extractor.runs.error_category IS 'user_fixable, temporary or admin_required.';

-- No foreign key to extractor.runs: each row would lock the run, which every writer counts in.
CREATE TABLE extractor.listed (
    run_id   uuid   NOT NULL,
    issue_id bigint NOT NULL,
    key      text   NOT NULL,
    updated  timestamptz,
    CONSTRAINT listed_pk PRIMARY KEY (run_id, issue_id)
);

COMMENT ON TABLE extractor.listed IS 'What a run has listed so far. Written with every page; removed when the run closes.';
COMMENT ON COLUMN extractor.listed.run_id IS 'extractor.runs.id';
COMMENT ON COLUMN extractor.listed.issue_id IS 'Jira''s numeric id.';
COMMENT ON COLUMN extractor.listed.key IS 'The key it was first listed with.';
COMMENT ON COLUMN extractor.listed.updated IS 'fields.updated it was first listed with.';
