-- The bodies of comments and worklogs as Jira Cloud writes them.
ALTER TABLE jira.comments ADD COLUMN body_adf jsonb;
ALTER TABLE jira.worklogs ADD COLUMN comment_adf jsonb;

COMMENT ON COLUMN jira.comments.body IS 'The text: wiki markup on Server, the plain text of body_adf on Cloud.';
COMMENT ON COLUMN jira.comments.body_adf IS 'The body as Atlassian document (ADF), as Cloud gave it; null on Server. Written by hydration.';
COMMENT ON COLUMN jira.worklogs.comment IS 'The comment as text: wiki markup on Server, the plain text of comment_adf on Cloud.';
COMMENT ON COLUMN jira.worklogs.comment_adf IS 'The comment as Atlassian document (ADF), as Cloud gave it; null on Server. Written by hydration.';

DO $$
BEGIN
    ALTER TABLE jira.comments ALTER COLUMN body_adf SET COMPRESSION lz4;
    ALTER TABLE jira.worklogs ALTER COLUMN comment_adf SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'this server has no lz4: body_adf and comment_adf keep the default compression';
END $$;
