-- One row a project: how far completed runs have got, and who holds the project now.
CREATE TABLE extractor.cursors (
    site            text        NOT NULL,
    project_key     text        NOT NULL,
    completed_until timestamptz,
    last_run_id     uuid,
    max_lag_secs    bigint      NOT NULL DEFAULT 0,
    lease_worker    uuid,
    lease_token     bigint      NOT NULL,
    leased_at       timestamptz,
    updated_at      timestamptz NOT NULL,
    CONSTRAINT cursors_pk PRIMARY KEY (site, project_key),
    CONSTRAINT cursors_lease_worker_fk FOREIGN KEY (lease_worker) REFERENCES extractor.workers (id) ON DELETE SET NULL
);

CREATE INDEX cursors_lease_worker_idx ON extractor.cursors (lease_worker);

COMMENT ON TABLE extractor.cursors IS 'One row a project. Written by the process that holds the project, and by extractor cursor reset.';
COMMENT ON COLUMN extractor.cursors.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.cursors.project_key IS 'The project.';
COMMENT ON COLUMN extractor.cursors.completed_until IS 'Start, by Jira''s clock, of the last completed run; never falls, except when an operator resets it. Null: no run has completed.';
COMMENT ON COLUMN extractor.cursors.last_run_id IS 'The last run that completed.';
COMMENT ON COLUMN extractor.cursors.max_lag_secs IS 'The latest that a row has been seen to arrive in the search index, in seconds after its change.';
COMMENT ON COLUMN extractor.cursors.lease_worker IS 'The process that holds the project; null when nobody does. It counts only while it is in extractor.live_workers.';
COMMENT ON COLUMN extractor.cursors.lease_token IS 'Fencing token: rises whenever the project is acquired; a write that carries an older one is refused.';
COMMENT ON COLUMN extractor.cursors.leased_at IS 'When the project was acquired, by the database''s clock.';
COMMENT ON COLUMN extractor.cursors.updated_at IS 'When this row was last written, by the database''s clock.';
