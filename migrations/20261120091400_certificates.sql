-- Certificates: the proof of completeness that closes a run.
CREATE TABLE extractor.certificates (
    run_id      uuid        NOT NULL,
    attempts    integer     NOT NULL,
    site        text        NOT NULL,
    project_key text        NOT NULL,
    as_of       timestamptz NOT NULL,
    counted     bigint      NOT NULL,
    listed      bigint      NOT NULL,
    stored      bigint      NOT NULL,
    failed      bigint      NOT NULL,
    verdict     text        NOT NULL,
    findings    jsonb       NOT NULL,
    created_at  timestamptz NOT NULL,
    CONSTRAINT certificates_pk PRIMARY KEY (run_id, attempts),
    CONSTRAINT certificates_verdict_ck CHECK (verdict IN ('complete', 'missing', 'failures')),
    CONSTRAINT certificates_run_fk FOREIGN KEY (run_id) REFERENCES extractor.runs (id) ON DELETE CASCADE
);

CREATE INDEX certificates_project_idx ON extractor.certificates (site, project_key, created_at DESC);

COMMENT ON TABLE extractor.certificates IS 'One row for each time a run was certified; the one with the most attempts counts. Written by the process that holds the project.';
COMMENT ON COLUMN extractor.certificates.run_id IS 'extractor.runs.id';
COMMENT ON COLUMN extractor.certificates.attempts IS 'How many listings the run had needed by then.';
COMMENT ON COLUMN extractor.certificates.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.certificates.project_key IS 'The project.';
COMMENT ON COLUMN extractor.certificates.as_of IS 'Issues created before then were counted, by Jira''s clock.';
COMMENT ON COLUMN extractor.certificates.counted IS 'Issues that Jira counts.';
COMMENT ON COLUMN extractor.certificates.listed IS 'Distinct issues the run listed.';
COMMENT ON COLUMN extractor.certificates.stored IS 'Issues of the project stored and not deleted.';
COMMENT ON COLUMN extractor.certificates.failed IS 'Issues of the project in extractor.failures that are not stored.';
COMMENT ON COLUMN extractor.certificates.verdict IS 'complete, missing or failures.';
COMMENT ON COLUMN extractor.certificates.findings IS 'Every count that does not agree, with what it means.';
COMMENT ON COLUMN extractor.certificates.created_at IS 'By the database''s clock.';
