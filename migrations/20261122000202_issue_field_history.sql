-- Every value that every field had, replayed from the changelog.

-- One row for each value, in order. A field that is a list in which the changelog has an item for
-- each element that came or went (versions, components) is put together again, backwards from the
-- first mention of each element: one that is first mentioned as leaving was there from the beginning.
CREATE FUNCTION jira.replay(site text, issue_id bigint, fields jsonb, created timestamptz, creator_id text)
RETURNS TABLE (field_id text, field text, step bigint, at timestamptz, author_id text, value_id text, value_text text, names jsonb)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH items AS (
        SELECT f.id AS fid, c.field, c.at, c.author_id, c.from_id, c.from_text, c.to_id, c.to_text,
            row_number() OVER (ORDER BY c.at, c.history_id, c.item) AS n,
            first_value(c.item) OVER (PARTITION BY f.id, c.at, c.history_id ORDER BY c.item DESC) = c.item AS settles,
            CASE WHEN f.id IN ('fixVersions', 'versions', 'components') THEN coalesce(nullif(c.from_id, ''), nullif(c.from_text, '')) END AS gone,
            CASE WHEN f.id IN ('fixVersions', 'versions', 'components') THEN coalesce(nullif(c.to_id, ''), nullif(c.to_text, '')) END AS come
        FROM jira.changes c
        CROSS JOIN LATERAL (SELECT jira.changelog_field(c.site, c.field, c.field_id) AS id OFFSET 0) AS f
        WHERE c.site = replay.site AND c.issue_id = replay.issue_id AND f.id IS NOT NULL
    ), lists AS (
        SELECT fid, min(field) AS field, min(at) AS first_at FROM items
        WHERE fid IN ('fixVersions', 'versions', 'components') GROUP BY fid
    ), marks AS (
        SELECT fid, n, gone AS element, from_text AS name, false AS there FROM items WHERE gone IS NOT NULL
        UNION ALL
        SELECT fid, n, come, to_text, true FROM items WHERE come IS NOT NULL
    ), spans AS (
        SELECT fid, element, name, n AS starts, there, lead(n) OVER w AS ends,
            lag(n) OVER w IS NULL AS is_first
        FROM marks WINDOW w AS (PARTITION BY fid, element ORDER BY n, there)
    ), members AS (
        SELECT fid, element, name, starts, ends FROM spans WHERE there
        UNION ALL
        SELECT fid, element, name, 0, starts FROM spans WHERE is_first AND NOT there
        UNION ALL
        SELECT l.fid, jira.element_id(e), jira.element_text(e), 0, NULL
        FROM lists l, jsonb_array_elements(CASE jsonb_typeof(fields -> l.fid) WHEN 'array' THEN fields -> l.fid ELSE '[]' END) AS e
        WHERE NOT EXISTS (SELECT FROM marks m WHERE m.fid = l.fid AND m.element = jira.element_id(e))
    ), steps AS (
        SELECT fid, field, n, at, author_id FROM items WHERE settles AND fid IN (SELECT fid FROM lists)
        UNION ALL
        SELECT fid, field, 0, least(created, first_at), creator_id FROM lists
    )
    SELECT fid, field, n, at, author_id, nullif(to_id, ''),
        CASE WHEN to_id ~ '^\d{4}-\d\d-\d\d([T ]|$)' THEN to_id ELSE nullif(to_text, '') END, NULL::jsonb
    FROM items WHERE fid NOT IN (SELECT fid FROM lists)
    UNION ALL
    (SELECT DISTINCT ON (fid) fid, field, 0, least(created, at), creator_id, nullif(from_id, ''),
        CASE WHEN from_id ~ '^\d{4}-\d\d-\d\d([T ]|$)' THEN from_id ELSE nullif(from_text, '') END, NULL
    FROM items WHERE fid NOT IN (SELECT fid FROM lists) ORDER BY fid, n)
    UNION ALL
    SELECT s.fid, s.field, s.n, s.at, s.author_id, v.id, v.text, coalesce(v.names, '[]')
    FROM steps s CROSS JOIN LATERAL (
        SELECT '[' || string_agg(m.element, ', ' ORDER BY m.starts, m.element) || ']' AS id,
            string_agg(m.name, ', ' ORDER BY m.starts, m.element) AS text,
            jsonb_agg(m.name ORDER BY m.starts, m.element) AS names
        FROM members m WHERE m.fid = s.fid AND m.starts <= s.n AND (m.ends > s.n OR m.ends IS NULL)) AS v
$$;
COMMENT ON FUNCTION jira.replay(text, bigint, jsonb, timestamptz, text) IS 'The values that the changelog of one issue tells of, the initial ones included (step 0), in order: what jira.issue_field_history and jira.issue_as_of are made from. Takes the issue''s fields, created and creator_id as jira.issues has them.';

CREATE VIEW jira.issue_field_history AS
SELECT i.site, i.id AS issue_id, i.key, coalesce(f.name, h.field) AS field, h.field_id,
    h.from_id, h.from_text, h.to_id, h.to_text, h.valid_from,
    coalesce(h.valid_to, i.deleted_at) AS valid_to, h.author_id
FROM jira.issues i
CROSS JOIN LATERAL (
    WITH replayed AS MATERIALIZED (
        SELECT * FROM jira.replay(i.site, i.id, i.fields, i.created, i.creator_id)
    ), changed AS MATERIALIZED (
        SELECT ARRAY(SELECT DISTINCT r.field_id FROM replayed r) AS ids
    )
    SELECT r.field_id, r.field,
        lag(r.value_id) OVER w AS from_id, lag(r.value_text) OVER w AS from_text,
        r.value_id AS to_id, r.value_text AS to_text,
        r.at AS valid_from, lead(r.at) OVER w AS valid_to, r.author_id
    FROM replayed r
    WINDOW w AS (PARTITION BY r.field_id ORDER BY r.step)
    UNION ALL
    SELECT e.key, e.key, NULL, NULL, jira.value_id(e.key, e.value), jira.value_text(e.value),
        i.created, NULL, i.creator_id
    FROM changed, jsonb_each(i.fields) AS e
    WHERE e.value <> ALL (ARRAY['null', '[]', '""']::jsonb[]) AND jira.is_replayed(e.key)
      AND e.key <> ALL (changed.ids)
    UNION ALL
    SELECT 'key', 'Key', NULL, NULL, NULL, i.key, i.created, NULL, i.creator_id
    FROM changed WHERE 'key' <> ALL (changed.ids)
) AS h
LEFT JOIN jira.fields f ON f.site = i.site AND f.id = h.field_id;

COMMENT ON VIEW jira.issue_field_history IS 'Every value that every field of an issue had, from its creation on, replayed from jira.changes: the value before the first change, and fields that never changed with their present value. A field without a row never had a value. Not replayed: what the changelog tells of as events (links, attachments, comments, worklogs, rank) and what Jira derives itself (times, progress, votes, watches, sub-tasks). Filter by site and issue_id: each issue is replayed by itself.';
COMMENT ON COLUMN jira.issue_field_history.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.issue_field_history.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN jira.issue_field_history.key IS 'Current key.';
COMMENT ON COLUMN jira.issue_field_history.field IS 'Present name of the field, or the changelog''s name where the catalogue has no such field (any more).';
COMMENT ON COLUMN jira.issue_field_history.field_id IS 'jira.fields.id, such as status, fixVersions or customfield_10010; key for the issue''s key; the changelog''s name where the catalogue has no such field.';
COMMENT ON COLUMN jira.issue_field_history.from_id IS 'Id of the value before; null for the first value and where the changelog writes no ids.';
COMMENT ON COLUMN jira.issue_field_history.from_text IS 'The value before as text.';
COMMENT ON COLUMN jira.issue_field_history.to_id IS 'Id of the value: an account, an option, [1, 2] for lists, 1, 2 for sprints, a date; null where the changelog writes no ids.';
COMMENT ON COLUMN jira.issue_field_history.to_text IS 'The value as text, with the names of that time; null for no value. Dates are as in to_id.';
COMMENT ON COLUMN jira.issue_field_history.valid_from IS 'When the value came: the change, or the issue''s creation.';
COMMENT ON COLUMN jira.issue_field_history.valid_to IS 'When the next value came, or the issue was marked deleted; null while it holds. Equal to valid_from where it was replaced at the same instant.';
COMMENT ON COLUMN jira.issue_field_history.author_id IS 'jira.users.id of who made the change; of the creator for the first value; null for anonymous changes.';
