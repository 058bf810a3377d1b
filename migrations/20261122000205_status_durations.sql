-- How long issues were in which status, and what follows from it.
CREATE VIEW jira.status_durations AS
SELECT i.site, i.id AS issue_id, i.key, i.project_key, y.status_id, y.status,
    coalesce(s.category,
        (SELECT o.category FROM jira.statuses o
         WHERE o.site = i.site AND lower(o.name) = lower(y.status) ORDER BY o.id LIMIT 1),
        CASE WHEN i.status = y.status THEN i.status_category END,
        CASE WHEN y.n = 0 THEN 'new' ELSE 'indeterminate' END) AS category,
    s.id IS NOT NULL AS status_exists, y.n::integer AS stay, y.entered_at, y.left_at,
    extract(epoch FROM coalesce(y.left_at, i.deleted_at, now()) - y.entered_at)::double precision
        AS seconds,
    y.left_at IS NULL AND i.deleted_at IS NULL AS is_open, y.entered_by, y.left_by
FROM jira.issues i
LEFT JOIN (
    SELECT c.site, c.issue_id, c.at, c.author_id, c.from_id, c.from_text, c.to_id, c.to_text,
        row_number() OVER w AS n, lead(c.at) OVER w AS next_at, lead(c.author_id) OVER w AS next_author
    FROM jira.changes c WHERE lower(c.field) = 'status'
    WINDOW w AS (PARTITION BY c.site, c.issue_id ORDER BY c.at, c.history_id, c.item)
) AS m ON m.site = i.site AND m.issue_id = i.id
CROSS JOIN LATERAL (
    SELECT 0 AS n, coalesce(m.from_id, i.fields #>> '{status,id}') AS status_id,
        coalesce(m.from_text, i.status) AS status, least(i.created, m.at) AS entered_at,
        m.at AS left_at, i.creator_id AS entered_by, m.author_id AS left_by
    WHERE m.n = 1 OR m.n IS NULL
    UNION ALL
    SELECT m.n, m.to_id, m.to_text, m.at, m.next_at, m.author_id, m.next_author
    WHERE m.n IS NOT NULL
) AS y
LEFT JOIN jira.statuses s ON s.site = i.site AND s.id = y.status_id
WHERE y.status IS NOT NULL;

COMMENT ON VIEW jira.status_durations IS 'Time in status: one row for each stay of an issue in a status, from its creation on, replayed from jira.changes. Stays of no length (two changes at one instant) are kept, so that every change is there.';
COMMENT ON COLUMN jira.status_durations.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.status_durations.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.status_durations.key IS 'Current key.';
COMMENT ON COLUMN jira.status_durations.project_key IS 'Project part of the current key.';
COMMENT ON COLUMN jira.status_durations.status_id IS 'jira.statuses.id; statuses that are gone have an id that is not there.';
COMMENT ON COLUMN jira.status_durations.status IS 'The status by its name of that time.';
COMMENT ON COLUMN jira.status_durations.category IS 'new, indeterminate or done: of the status with that id, else of one with that name; for a status that is gone, new where the issue began in it, else indeterminate.';
COMMENT ON COLUMN jira.status_durations.status_exists IS 'Whether jira.statuses has the status; else its category is a guess.';
COMMENT ON COLUMN jira.status_durations.stay IS 'Counts the stays of the issue, from 0.';
COMMENT ON COLUMN jira.status_durations.entered_at IS 'The change into the status, or the issue''s creation.';
COMMENT ON COLUMN jira.status_durations.left_at IS 'The change out of it; null in the last one.';
COMMENT ON COLUMN jira.status_durations.seconds IS 'How long: until it was left, until the issue was marked deleted, or until now.';
COMMENT ON COLUMN jira.status_durations.is_open IS 'Whether the issue is there and in this status now.';
COMMENT ON COLUMN jira.status_durations.entered_by IS 'jira.users.id of who made the change, or created the issue; null for anonymous changes.';
COMMENT ON COLUMN jira.status_durations.left_by IS 'jira.users.id of who made the change out of it.';

CREATE VIEW jira.cycle_times AS
WITH stays AS (
    SELECT d.*, lag(d.category) OVER (PARTITION BY d.site, d.issue_id ORDER BY d.stay) AS before
    FROM jira.status_durations d
), sums AS (
    SELECT site, issue_id,
        min(entered_at) FILTER (WHERE category = 'indeterminate') AS first_in_progress_at,
        min(entered_at) FILTER (WHERE category = 'done') AS first_done_at,
        max(entered_at) FILTER (WHERE category = 'done' AND before IS DISTINCT FROM 'done') AS last_done_at,
        count(*) FILTER (WHERE before = 'done' AND category <> 'done') AS times_reopened,
        coalesce(bool_or(category = 'done') FILTER (WHERE left_at IS NULL), false) AS is_done,
        sum(seconds) FILTER (WHERE category = 'new') AS new_secs,
        sum(seconds) FILTER (WHERE category = 'indeterminate') AS in_progress_secs
    FROM stays GROUP BY site, issue_id
)
SELECT i.site, i.id AS issue_id, i.key, i.project_key, i.issue_type, i.created,
    s.first_in_progress_at, s.first_done_at, s.last_done_at, s.is_done, s.times_reopened,
    CASE WHEN s.is_done THEN extract(epoch FROM s.last_done_at - i.created)::double precision END AS lead_secs,
    CASE WHEN s.is_done AND s.first_in_progress_at <= s.last_done_at
        THEN extract(epoch FROM s.last_done_at - s.first_in_progress_at)::double precision END AS cycle_secs,
    coalesce(s.new_secs, 0) AS new_secs, coalesce(s.in_progress_secs, 0) AS in_progress_secs
FROM sums s JOIN jira.issues i ON i.site = s.site AND i.id = s.issue_id;

COMMENT ON VIEW jira.cycle_times IS 'One row an issue: when work on it began and ended, by status category, from jira.status_durations.';
COMMENT ON COLUMN jira.cycle_times.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.cycle_times.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.cycle_times.key IS 'Current key.';
COMMENT ON COLUMN jira.cycle_times.project_key IS 'Project part of the current key.';
COMMENT ON COLUMN jira.cycle_times.issue_type IS 'fields.issuetype.name';
COMMENT ON COLUMN jira.cycle_times.created IS 'fields.created';
COMMENT ON COLUMN jira.cycle_times.first_in_progress_at IS 'When it first entered a status of category indeterminate; null if it never did.';
COMMENT ON COLUMN jira.cycle_times.first_done_at IS 'When it first entered a status of category done.';
COMMENT ON COLUMN jira.cycle_times.last_done_at IS 'When it last entered category done from another one, whether or not it was reopened since.';
COMMENT ON COLUMN jira.cycle_times.is_done IS 'Whether its status is of category done now, or was when it was marked deleted.';
COMMENT ON COLUMN jira.cycle_times.times_reopened IS 'How often it left category done.';
COMMENT ON COLUMN jira.cycle_times.lead_secs IS 'From creation to last_done_at, in seconds; null while it is not done.';
COMMENT ON COLUMN jira.cycle_times.cycle_secs IS 'From first_in_progress_at to last_done_at, in seconds; null while it is not done, and where it was never in progress.';
COMMENT ON COLUMN jira.cycle_times.new_secs IS 'All stays in category new, in seconds.';
COMMENT ON COLUMN jira.cycle_times.in_progress_secs IS 'All stays in category indeterminate, in seconds.';
