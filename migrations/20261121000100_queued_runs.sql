-- Runs that wait to be taken up by a service, and what operators ask of runs.
ALTER TABLE extractor.runs
    ADD COLUMN queued_at           timestamptz,
    ADD COLUMN progressed_at       timestamptz,
    ADD COLUMN cancel_requested_at timestamptz,
    ADD COLUMN retries             integer NOT NULL DEFAULT 0,
    ALTER COLUMN horizon DROP NOT NULL,
    ALTER COLUMN worker DROP NOT NULL,
    DROP CONSTRAINT runs_state_ck,
    ADD CONSTRAINT runs_state_ck CHECK (state IN ('queued', 'running', 'interrupted', 'completed', 'incomplete', 'failed', 'cancelled')),
    ADD CONSTRAINT runs_begun_ck CHECK (state IN ('queued', 'failed', 'cancelled') OR (horizon IS NOT NULL AND worker IS NOT NULL)),
    ADD CONSTRAINT runs_queued_at_ck CHECK (state <> 'queued' OR queued_at IS NOT NULL),
    ADD CONSTRAINT runs_retries_ck CHECK (retries BETWEEN 0 AND 3);

-- A project has one run at a time, be it under way or waiting.
CREATE UNIQUE INDEX runs_open_idx ON extractor.runs (site, project_key) WHERE state IN ('queued', 'running');

-- What the start of a run looks for among all the runs that a project ever had.
CREATE INDEX runs_unfinished_idx ON extractor.runs (site, project_key) WHERE state NOT IN ('completed', 'incomplete');

COMMENT ON COLUMN extractor.runs.state IS 'queued (a service takes it up: a new run, or one that goes on); running; interrupted and failed (the next run of the project resumes it); completed, incomplete and cancelled are final, but for a retry of what an operator cancelled. A running run whose project nobody alive holds was killed.';
COMMENT ON COLUMN extractor.runs.worker IS 'The process that started or last resumed it (extractor.workers.id, for as long as that row lasts); null before the first has taken it up.';
COMMENT ON COLUMN extractor.runs.horizon IS 'When the run started, by Jira''s clock: the cursor moves there when the run completes. Null before a process has taken the run up for the first time.';
COMMENT ON COLUMN extractor.runs.started_at IS 'When it started, by the database''s clock; when it was asked for, while nobody has taken it up.';
COMMENT ON COLUMN extractor.runs.queued_at IS 'When it was last asked for over the run API, by the database''s clock; null for one that was never asked for. Written by whoever asks.';
COMMENT ON COLUMN extractor.runs.updated_at IS 'When this row was last written, by the database''s clock.';
COMMENT ON COLUMN extractor.runs.progressed_at IS 'When it last stored a page of its listing or a batch of issues, by the database''s clock; null before the first. Written by listings and by hydration.';
COMMENT ON COLUMN extractor.runs.cancel_requested_at IS 'When an operator asked for its end, by the database''s clock: the process that runs it obeys. A cancelled run that has it can be retried; a reset of the cursor takes it away. Written by whoever asks.';
COMMENT ON COLUMN extractor.runs.retries IS 'How often an operator had it tried again; three times at most. Written by whoever asks.';
