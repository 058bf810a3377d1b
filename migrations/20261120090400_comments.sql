-- Comments.
CREATE TABLE jira.comments (
    site             text   NOT NULL,
    issue_id         bigint NOT NULL,
    comment_id       bigint NOT NULL,
    author_id        text,
    update_author_id text,
    created          timestamptz,
    updated          timestamptz,
    body             text   NOT NULL,
    visibility       text,
    CONSTRAINT comments_pk PRIMARY KEY (site, issue_id, comment_id)
);

COMMENT ON TABLE jira.comments IS 'Comments. Written by hydration with their issue.';
COMMENT ON COLUMN jira.comments.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.comments.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.comments.comment_id IS 'Jira''s id of the comment.';
COMMENT ON COLUMN jira.comments.author_id IS 'jira.users.id of the author.';
COMMENT ON COLUMN jira.comments.update_author_id IS 'jira.users.id of who edited it last.';
COMMENT ON COLUMN jira.comments.created IS 'When it was written.';
COMMENT ON COLUMN jira.comments.updated IS 'When it was last edited.';
COMMENT ON COLUMN jira.comments.body IS 'The text (wiki markup on Server).';
COMMENT ON COLUMN jira.comments.visibility IS 'Who may see it, as type:value such as role:Developers; null when everybody may.';

DO $$
BEGIN
    ALTER TABLE jira.comments ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'this server has no lz4: jira.comments.body keeps the default compression';
END $$;
