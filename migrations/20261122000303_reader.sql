-- A role that may read what is meant to be read, where this role may make it.
CREATE FUNCTION extractor.grant_reader() RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'extractor_reader') THEN
        RETURN false;
    END IF;
    GRANT USAGE ON SCHEMA jira, jira_views TO extractor_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA jira, jira_views TO extractor_reader;
    ALTER DEFAULT PRIVILEGES IN SCHEMA jira GRANT SELECT ON TABLES TO extractor_reader;
    ALTER DEFAULT PRIVILEGES IN SCHEMA jira_views GRANT SELECT ON TABLES TO extractor_reader;
    RETURN true;
END
$$;
COMMENT ON FUNCTION extractor.grant_reader() IS 'Lets the role extractor_reader, if there is one, read the schemas jira and jira_views with what the caller will make in them. Called by the migrations and by `extractor schema refresh`.';

-- The databases of a cluster share their roles: it may be there, or be made by another at this moment.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'extractor_reader') THEN
        CREATE ROLE extractor_reader NOLOGIN;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'this role may not create roles: have somebody create extractor_reader, and run `extractor schema refresh`';
    WHEN duplicate_object OR unique_violation THEN
        NULL;
END $$;

DO $$
BEGIN
    PERFORM extractor.grant_reader();
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'this role may not grant what is in the schemas jira and jira_views to extractor_reader';
END $$;
