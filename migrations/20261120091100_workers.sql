-- Who is alive.
CREATE TABLE extractor.workers (
    id            uuid        NOT NULL,
    host          text        NOT NULL,
    pid           integer     NOT NULL,
    version       text        NOT NULL,
    backend_pid   integer     NOT NULL,
    backend_start timestamptz,
    started_at    timestamptz NOT NULL,
    heartbeat_at  timestamptz NOT NULL,
    CONSTRAINT workers_pk PRIMARY KEY (id)
);

COMMENT ON TABLE extractor.workers IS 'One row a process. Written by each process through its session, a connection of its own; rows of processes that are long gone are removed by the next one to start.';
COMMENT ON COLUMN extractor.workers.id IS 'Drawn by the process when it starts.';
COMMENT ON COLUMN extractor.workers.host IS 'Name of the machine.';
COMMENT ON COLUMN extractor.workers.pid IS 'Process id on that machine.';
COMMENT ON COLUMN extractor.workers.version IS 'Version of the program.';
COMMENT ON COLUMN extractor.workers.backend_pid IS 'pid in pg_stat_activity of the session''s backend.';
COMMENT ON COLUMN extractor.workers.backend_start IS 'backend_start in pg_stat_activity of the session''s backend, since pids are used again.';
COMMENT ON COLUMN extractor.workers.started_at IS 'When the process registered, by the database''s clock.';
COMMENT ON COLUMN extractor.workers.heartbeat_at IS 'When the process last said that it lives, by the database''s clock.';

CREATE FUNCTION extractor.worker_ttl() RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN interval '30 seconds';

COMMENT ON FUNCTION extractor.worker_ttl() IS 'How long a process that says nothing, but whose session exists, keeps what it leased.';

-- A killed process loses its session at once, a sleeping one only after the TTL.
-- backend_start is hidden from roles that may not see other sessions: the pid must do then.
CREATE VIEW extractor.live_workers AS
    SELECT w.*
    FROM extractor.workers w
    WHERE w.heartbeat_at > clock_timestamp() - extractor.worker_ttl()
      AND EXISTS (
          SELECT FROM pg_stat_activity a
          WHERE a.pid = w.backend_pid
            AND (a.backend_start IS NULL OR w.backend_start IS NULL OR a.backend_start = w.backend_start)
      );

COMMENT ON VIEW extractor.live_workers IS 'The workers whose leases count: heartbeat within the TTL, and the session''s backend exists.';
