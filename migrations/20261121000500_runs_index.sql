-- The newest runs of an instance, whatever their project, are what the run API and the status page ask for.
CREATE INDEX runs_site_idx ON extractor.runs (site, started_at DESC);

COMMENT ON TABLE extractor.runs IS 'One row a run. Written by the process that holds the project; the counters of hydration by whoever hydrates; requests to start, cancel or retry by whoever is asked. Runs that began more than 90 days ago are removed with their certificates when the project starts another, but for the last that completed.';
