-- A followed project has a schedule for its deltas, and one for its reconciles where those are wanted.
ALTER TABLE extractor.schedules
    ADD COLUMN kind text NOT NULL DEFAULT 'delta',
    ADD CONSTRAINT schedules_kind_ck CHECK (kind IN ('delta', 'reconcile')),
    DROP CONSTRAINT schedules_pk,
    ADD CONSTRAINT schedules_pk PRIMARY KEY (site, project_key, kind);

COMMENT ON TABLE extractor.schedules IS 'One row a project that a service follows, and a kind of its runs. Written by the services.';
COMMENT ON COLUMN extractor.schedules.kind IS 'Which runs: delta (sync.schedule) or reconcile (sync.reconcile_schedule; no row while that is off). A reconcile that gets to its end counts as the delta too.';
COMMENT ON COLUMN extractor.schedules.last_started_at IS 'When such a run of the project was last started or resumed, by any process, by the database''s clock; for deltas, when any run was.';
COMMENT ON COLUMN extractor.schedules.next_run_at IS 'When the next such run is due, by the database''s clock. Moved on when a scheduled run begins and again when it has ended.';
COMMENT ON COLUMN extractor.schedules.failures_in_a_row IS 'Such runs that failed since one got to its end. A cancelled one is neither.';
