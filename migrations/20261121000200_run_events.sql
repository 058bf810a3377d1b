-- What a run decided, line by line, for people.
CREATE TABLE extractor.run_events (
    run_id  uuid        NOT NULL,
    seq     bigint      NOT NULL,
    at      timestamptz NOT NULL,
    level   text        NOT NULL,
    message text        NOT NULL,
    fields  jsonb       NOT NULL,
    CONSTRAINT run_events_pk PRIMARY KEY (run_id, seq),
    CONSTRAINT run_events_level_ck CHECK (level IN ('info', 'warn', 'error'))
);

CREATE INDEX run_events_at_idx ON extractor.run_events (at);

COMMENT ON TABLE extractor.run_events IS 'The log lines of runs from the level info on: the newest 1,000 of each run, for 30 days. Written in batches by the process that logs them; pruned by it and by the start of any run. No foreign key to extractor.runs: each row would lock the run, which every writer counts in.';
COMMENT ON COLUMN extractor.run_events.run_id IS 'extractor.runs.id';
COMMENT ON COLUMN extractor.run_events.seq IS 'Counts the lines of a run from 1 in the order in which they were written; not used again when old lines are pruned.';
COMMENT ON COLUMN extractor.run_events.at IS 'When it was logged, by the clock of the process.';
COMMENT ON COLUMN extractor.run_events.level IS 'info, warn or error.';
COMMENT ON COLUMN extractor.run_events.message IS 'What happened, in constant words.';
COMMENT ON COLUMN extractor.run_events.fields IS 'The particulars, by name; no secrets and nothing of what issues hold.';
