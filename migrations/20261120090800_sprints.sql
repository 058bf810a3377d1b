-- Sprints, and which issues are or were in them.
CREATE TABLE jira.sprints (
    site         text        NOT NULL,
    id           bigint      NOT NULL,
    board_id     bigint,
    name         text,
    state        text,
    goal         text,
    started_at   timestamptz,
    ends_at      timestamptz,
    completed_at timestamptz,
    seen_at      timestamptz NOT NULL,
    CONSTRAINT sprints_pk PRIMARY KEY (site, id)
);

COMMENT ON TABLE jira.sprints IS 'Sprints as the newest fetched issue describes them. Written by hydration.';
COMMENT ON COLUMN jira.sprints.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.sprints.id IS 'Jira Software''s sprint id.';
COMMENT ON COLUMN jira.sprints.board_id IS 'The board it belongs to.';
COMMENT ON COLUMN jira.sprints.name IS 'The name.';
COMMENT ON COLUMN jira.sprints.state IS 'future, active or closed.';
COMMENT ON COLUMN jira.sprints.goal IS 'The goal.';
COMMENT ON COLUMN jira.sprints.started_at IS 'Start.';
COMMENT ON COLUMN jira.sprints.ends_at IS 'Planned end.';
COMMENT ON COLUMN jira.sprints.completed_at IS 'When it was completed.';
COMMENT ON COLUMN jira.sprints.seen_at IS 'When the issue was fetched that last changed this row, by Jira''s clock.';

CREATE TABLE jira.issue_sprints (
    site      text   NOT NULL,
    issue_id  bigint NOT NULL,
    sprint_id bigint NOT NULL,
    CONSTRAINT issue_sprints_pk PRIMARY KEY (site, issue_id, sprint_id)
);

CREATE INDEX issue_sprints_sprint_idx ON jira.issue_sprints (sprint_id, site);

COMMENT ON TABLE jira.issue_sprints IS 'Which sprints an issue is or was in. Written by hydration with the issue.';
COMMENT ON COLUMN jira.issue_sprints.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.issue_sprints.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.issue_sprints.sprint_id IS 'jira.sprints.id';
