-- The columns of the view of live workers say what they are, as those of tables do.
COMMENT ON COLUMN extractor.live_workers.id IS 'extractor.workers.id';
COMMENT ON COLUMN extractor.live_workers.host IS 'extractor.workers.host';
COMMENT ON COLUMN extractor.live_workers.pid IS 'extractor.workers.pid';
COMMENT ON COLUMN extractor.live_workers.version IS 'extractor.workers.version';
COMMENT ON COLUMN extractor.live_workers.backend_pid IS 'extractor.workers.backend_pid';
COMMENT ON COLUMN extractor.live_workers.backend_start IS 'extractor.workers.backend_start';
COMMENT ON COLUMN extractor.live_workers.started_at IS 'extractor.workers.started_at';
COMMENT ON COLUMN extractor.live_workers.heartbeat_at IS 'extractor.workers.heartbeat_at';
COMMENT ON COLUMN extractor.live_workers.site IS 'extractor.workers.site';
