-- What is stored of people: under which treatment, and who has been erased.
ALTER TABLE jira.issues ADD COLUMN privacy text;
ALTER TABLE jira.users ADD COLUMN privacy text;

COMMENT ON COLUMN jira.issues.privacy IS 'How e-mail addresses and display names were treated when this issue was stored (privacy.emails, privacy.display_names, and the first digits of a hash of the salt); null: kept as Jira gave them. Where it is not what is configured, a backfill or a reconcile fetches the issue again. Written by hydration.';
COMMENT ON COLUMN jira.users.privacy IS 'How this person''s e-mail address and display name were treated when they were stored, as jira.issues.privacy says it; "mixed" until the next run where mentions were treated in two ways. Written by hydration, and brought in line at the start of a run.';
COMMENT ON COLUMN jira.issues.content_hash IS 'Changes when anything changes that Jira has of the issue, its children included, and with privacy; not when a person is erased.';

CREATE TABLE extractor.people_keys (
    site    text        NOT NULL,
    key     bytea       NOT NULL DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT people_keys_pk PRIMARY KEY (site),
    CONSTRAINT people_keys_key_ck CHECK (octet_length(key) = 32)
);

COMMENT ON TABLE extractor.people_keys IS 'The key of the hashes by which erased people are known, random, one a site. Without it they would come back. Written once, by whoever needs it first.';
COMMENT ON COLUMN extractor.people_keys.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.people_keys.key IS '32 random bytes. Who has them can try whether somebody they know of was erased.';
COMMENT ON COLUMN extractor.people_keys.made_at IS 'When it was made, by the database''s clock.';

CREATE SEQUENCE extractor.erasure_number AS bigint;

COMMENT ON SEQUENCE extractor.erasure_number IS 'Numbers of erasures: extractor.erased_people.number.';

CREATE TABLE extractor.erased_people (
    site            text        NOT NULL,
    pseudonym       text        NOT NULL,
    marks           bytea[]     NOT NULL,
    number          bigint      NOT NULL DEFAULT nextval('extractor.erasure_number'),
    erased_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    rewritten_until bigint      NOT NULL DEFAULT 0,
    finished_at     timestamptz,
    CONSTRAINT erased_people_pk PRIMARY KEY (site, pseudonym)
);

COMMENT ON TABLE extractor.erased_people IS 'People who were erased, so that they stay erased when Jira mentions them again. Written by `extractor users erase`; every write of issues is checked against it.';
COMMENT ON COLUMN extractor.erased_people.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.erased_people.pseudonym IS 'What stands in the person''s place everywhere: jira.users.id and the columns that name one.';
COMMENT ON COLUMN extractor.erased_people.marks IS 'Hashes, keyed by extractor.people_keys.key, of the person''s ids, user name, e-mail address, and display name where nobody else had it. Nothing else is kept of the person.';
COMMENT ON COLUMN extractor.erased_people.number IS 'Rises with every erasure of the database: who writes issues says which they know of, and is refused where there is a newer one.';
COMMENT ON COLUMN extractor.erased_people.erased_at IS 'When the erasure was first asked for, by the database''s clock. From then on nothing new is stored of the person.';
COMMENT ON COLUMN extractor.erased_people.rewritten_until IS 'The issues up to this id have been rewritten; where an erasure that was cut short goes on.';
COMMENT ON COLUMN extractor.erased_people.finished_at IS 'When everything stored was rewritten, by the database''s clock; null while that is under way or was cut short.';
