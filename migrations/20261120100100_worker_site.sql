-- Which processes share a site's request rate.
ALTER TABLE extractor.workers ADD COLUMN site text;

COMMENT ON COLUMN extractor.workers.site IS 'Short name of the Jira instance whose request rate the process shares with the others; null for one that sends nothing to Jira. Written by the process once it is registered.';

CREATE OR REPLACE VIEW extractor.live_workers AS
    SELECT w.*
    FROM extractor.workers w
    WHERE w.heartbeat_at > clock_timestamp() - extractor.worker_ttl()
      AND EXISTS (
          SELECT FROM pg_stat_activity a
          WHERE a.pid = w.backend_pid
            AND (a.backend_start IS NULL OR w.backend_start IS NULL OR a.backend_start = w.backend_start)
      );
