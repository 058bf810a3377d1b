-- Every issue as it was at an instant.
CREATE FUNCTION jira.issue_as_of(instant timestamptz)
RETURNS TABLE (site text, issue_id bigint, key text, project_key text, summary text,
    issue_type text, status text, status_id text, priority text, resolution text,
    assignee_id text, reporter_id text, creator_id text, parent_id bigint, labels text[],
    due date, fix_versions text[], affects_versions text[], components text[],
    sprint_ids bigint[], created timestamptz, "values" jsonb)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT i.site, i.id, v.had #>> '{key,text}', split_part(v.had #>> '{key,text}', '-', 1),
        v.had #>> '{summary,text}', v.had #>> '{issuetype,text}', v.had #>> '{status,text}',
        v.had #>> '{status,id}', v.had #>> '{priority,text}', v.had #>> '{resolution,text}',
        v.had #>> '{assignee,id}', v.had #>> '{reporter,id}', i.creator_id,
        CASE WHEN v.had #>> '{parent,id}' ~ '^\d{1,18}$' THEN (v.had #>> '{parent,id}')::bigint END,
        coalesce(string_to_array(v.had #>> '{labels,text}', ' '), '{}'),
        CASE WHEN v.had #>> '{duedate,id}' ~ '^\d{4}-\d\d-\d\d'
            THEN left(v.had #>> '{duedate,id}', 10)::date END,
        ARRAY(SELECT jsonb_array_elements_text(v.had #> '{fixVersions,names}')),
        ARRAY(SELECT jsonb_array_elements_text(v.had #> '{versions,names}')),
        ARRAY(SELECT jsonb_array_elements_text(v.had #> '{components,names}')),
        ARRAY(SELECT n::bigint FROM unnest(s.fields) AS f,
                  regexp_split_to_table(v.had #>> ARRAY[f, 'id'], '[^0-9]+') AS n
              WHERE n ~ '^\d{1,18}$'),
        i.created, v.had
    FROM jira.issues i
    LEFT JOIN (SELECT f.site, array_agg(f.id) AS fields FROM jira.fields f
               WHERE f.raw #>> '{schema,custom}' LIKE '%:gh-sprint' GROUP BY f.site) AS s
        ON s.site = i.site
    CROSS JOIN LATERAL (
        SELECT jsonb_strip_nulls(jsonb_build_object('key', jsonb_build_object('text', i.key))
            || coalesce((
                SELECT jsonb_object_agg(e.key, jsonb_build_object(
                    'id', jira.value_id(e.key, e.value), 'text', jira.value_text(e.value),
                    'names', CASE WHEN e.key IN ('fixVersions', 'versions', 'components')
                        THEN jsonb_path_query_array(e.value, '$[*].name') END))
                FROM jsonb_each(i.fields) AS e
                WHERE jsonb_typeof(e.value) <> 'null' AND e.value <> '[]' AND e.value <> '""'
                  AND jira.is_replayed(e.key)), '{}')
            || coalesce((
                SELECT jsonb_object_agg(c.field_id, CASE WHEN c.value_id <> '' OR c.value_text <> ''
                    THEN jsonb_build_object('id', c.value_id, 'text', c.value_text,
                        'names', c.names) END)
                FROM (SELECT DISTINCT ON (r.field_id) r.field_id, r.value_id, r.value_text, r.names
                      FROM jira.replay(i.site, i.id, i.fields, i.created, i.creator_id) AS r
                      WHERE r.at <= instant ORDER BY r.field_id, r.step DESC) AS c), '{}')) AS had
        OFFSET 0
    ) AS v
    WHERE coalesce(i.created, '-infinity') <= instant
      AND coalesce(i.deleted_at, 'infinity') > instant
$$;

COMMENT ON FUNCTION jira.issue_as_of(timestamptz) IS 'One row for each issue that existed at the instant, as it was then, replayed from its changelog: the key and the names of that time, every field in "values" (field id -> {id, text}, and names for versions and components, as in jira.issue_field_history), where fields without a value are left out. Issues deleted later are there as last seen. Join jira.statuses for the category of a status. A filter by site and issue_id is cheap; without one every issue is replayed, some 10,000 a second.';
