-- Attachments: metadata only.
CREATE TABLE jira.attachments (
    site          text   NOT NULL,
    issue_id      bigint NOT NULL,
    attachment_id bigint NOT NULL,
    author_id     text,
    created       timestamptz,
    filename      text   NOT NULL,
    mime_type     text,
    size_bytes    bigint,
    content_url   text,
    CONSTRAINT attachments_pk PRIMARY KEY (site, issue_id, attachment_id)
);

COMMENT ON TABLE jira.attachments IS 'Metadata of attachments. Written by hydration with their issue.';
COMMENT ON COLUMN jira.attachments.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.attachments.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.attachments.attachment_id IS 'Jira''s id of the attachment.';
COMMENT ON COLUMN jira.attachments.author_id IS 'jira.users.id of who attached it.';
COMMENT ON COLUMN jira.attachments.created IS 'When it was attached.';
COMMENT ON COLUMN jira.attachments.filename IS 'Name of the file as Jira has it: not unique within an issue, not safe as a path.';
COMMENT ON COLUMN jira.attachments.mime_type IS 'MIME type as Jira has it.';
COMMENT ON COLUMN jira.attachments.size_bytes IS 'Size in bytes.';
COMMENT ON COLUMN jira.attachments.content_url IS 'Where Jira serves the content.';
