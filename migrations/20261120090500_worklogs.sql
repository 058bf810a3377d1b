-- Worklogs.
CREATE TABLE jira.worklogs (
    site             text   NOT NULL,
    issue_id         bigint NOT NULL,
    worklog_id       bigint NOT NULL,
    author_id        text,
    update_author_id text,
    created          timestamptz,
    updated          timestamptz,
    started          timestamptz,
    time_spent_secs  bigint,
    comment          text,
    CONSTRAINT worklogs_pk PRIMARY KEY (site, issue_id, worklog_id)
);

COMMENT ON TABLE jira.worklogs IS 'Worklogs. Written by hydration with their issue.';
COMMENT ON COLUMN jira.worklogs.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.worklogs.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.worklogs.worklog_id IS 'Jira''s id of the worklog.';
COMMENT ON COLUMN jira.worklogs.author_id IS 'jira.users.id of the author.';
COMMENT ON COLUMN jira.worklogs.update_author_id IS 'jira.users.id of who edited it last.';
COMMENT ON COLUMN jira.worklogs.created IS 'When it was entered.';
COMMENT ON COLUMN jira.worklogs.updated IS 'When it was last edited.';
COMMENT ON COLUMN jira.worklogs.started IS 'When the work was begun.';
COMMENT ON COLUMN jira.worklogs.time_spent_secs IS 'Time spent, in seconds.';
COMMENT ON COLUMN jira.worklogs.comment IS 'The comment as text.';
