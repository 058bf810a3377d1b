-- What the number of issues in a certificate rests on: Jira Cloud does not count.
ALTER TABLE extractor.certificates
    ADD COLUMN basis text NOT NULL DEFAULT 'count',
    ADD CONSTRAINT certificates_basis_ck CHECK (basis IN ('count', 'census', 'estimate'));

COMMENT ON COLUMN extractor.certificates.basis IS 'What counted rests on: count (Jira Server or Data Center counted), census (Cloud: a second listing of the whole project, in another order), or estimate (Cloud, after a delta: a census proved what the run listed, and counted is Jira''s approximate number, which proves nothing). Written with the row.';
COMMENT ON COLUMN extractor.certificates.counted IS 'Issues that Jira counts, lists or estimates; see basis.';
