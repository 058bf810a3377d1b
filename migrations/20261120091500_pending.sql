-- The queue: issues to be fetched whole.
CREATE SEQUENCE extractor.pending_order;
CREATE SEQUENCE extractor.batch_token;

COMMENT ON SEQUENCE extractor.pending_order IS 'Numbers extractor.pending.queue_order.';
COMMENT ON SEQUENCE extractor.batch_token IS 'Numbers extractor.pending.lease_token.';

-- No foreign key to extractor.runs: each row would lock the run, which every writer counts in.
CREATE TABLE extractor.pending (
    site           text        NOT NULL,
    issue_id       bigint      NOT NULL,
    project_key    text        NOT NULL,
    run_id         uuid        NOT NULL,
    key            text        NOT NULL,
    listed_updated timestamptz,
    queue_order    bigint      NOT NULL,
    queued_at      timestamptz NOT NULL,
    attempts       integer     NOT NULL DEFAULT 0,
    not_before     timestamptz,
    lease_worker   uuid,
    lease_token    bigint,
    leased_until   timestamptz,
    CONSTRAINT pending_pk PRIMARY KEY (site, issue_id)
) WITH (fillfactor = 70);

CREATE INDEX pending_order_idx ON extractor.pending (queue_order);
CREATE INDEX pending_run_order_idx ON extractor.pending (run_id, queue_order);

COMMENT ON TABLE extractor.pending IS 'Issues that a listing found new or changed and that hydration has yet to fetch. Written by listings (queue) and by whoever hydrates (lease, remove).';
COMMENT ON COLUMN extractor.pending.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.pending.issue_id IS 'Jira''s numeric id.';
COMMENT ON COLUMN extractor.pending.project_key IS 'The project whose listing queued it last.';
COMMENT ON COLUMN extractor.pending.run_id IS 'The run that waits for it.';
COMMENT ON COLUMN extractor.pending.key IS 'The key it was listed with last.';
COMMENT ON COLUMN extractor.pending.listed_updated IS 'The newest fields.updated it was listed with: a document older than this is not the one that is wanted.';
COMMENT ON COLUMN extractor.pending.queue_order IS 'Order of hydration: the order of listing.';
COMMENT ON COLUMN extractor.pending.queued_at IS 'When it was first queued, by the database''s clock.';
COMMENT ON COLUMN extractor.pending.attempts IS 'How often it was fetched in vain.';
COMMENT ON COLUMN extractor.pending.not_before IS 'Not to be fetched before then, by the database''s clock.';
COMMENT ON COLUMN extractor.pending.lease_worker IS 'The process that fetches it now; counts only while that is in extractor.live_workers.';
COMMENT ON COLUMN extractor.pending.lease_token IS 'Fencing token of the batch it was leased with; a write that carries another one is refused.';
COMMENT ON COLUMN extractor.pending.leased_until IS 'The lease ends then at the latest, by the database''s clock.';
