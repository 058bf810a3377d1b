-- A reconcile that was asked for may be allowed to mark more deleted than people usually delete.
ALTER TABLE extractor.runs
    ADD COLUMN allow_mass_delete boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN extractor.runs.allow_mass_delete IS 'Whether whoever asked for this reconcile over the run API allows it to mark any number of issues deleted. Written when it is asked for.';
