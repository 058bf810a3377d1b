-- People, as issues mention them.
CREATE TABLE jira.users (
    site         text        NOT NULL,
    id           text        NOT NULL,
    name         text,
    display_name text,
    email        text,
    active       boolean,
    time_zone    text,
    seen_at      timestamptz NOT NULL,
    CONSTRAINT users_pk PRIMARY KEY (site, id)
);

COMMENT ON TABLE jira.users IS 'Everybody whom a fetched issue mentions. Written by hydration; a value that Jira stops showing is kept.';
COMMENT ON COLUMN jira.users.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.users.id IS 'accountId on Cloud; on Server the user key, or the log-in name where there is no key.';
COMMENT ON COLUMN jira.users.name IS 'Log-in name (Server).';
COMMENT ON COLUMN jira.users.display_name IS 'Display name.';
COMMENT ON COLUMN jira.users.email IS 'E-mail address, where Jira shows it.';
COMMENT ON COLUMN jira.users.active IS 'Whether the account is active.';
COMMENT ON COLUMN jira.users.time_zone IS 'IANA time zone.';
COMMENT ON COLUMN jira.users.seen_at IS 'When this row last changed, by the database''s clock.';
