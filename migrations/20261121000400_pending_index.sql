-- The queue is read run by run, through pending_run_order_idx: nothing reads it in this order any more.
DROP INDEX extractor.pending_order_idx;
