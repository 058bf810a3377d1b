-- How the values of fields become columns. None of these functions ever fails: what is not of the
-- kind gives null, and jira_views.field_coverage counts it.

CREATE OR REPLACE FUNCTION jira_views.parse_number(value text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN length(value) < 400
        AND value ~ '^\s*[-+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9]{1,3})?\s*$'
        THEN value::numeric END
$$;
COMMENT ON FUNCTION jira_views.parse_number(text) IS 'The number that a text is, such as 3.0 or 1E2; null for other text.';

CREATE OR REPLACE FUNCTION jira_views.parse_date(value text) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN value ~ '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])($|[T ])'
        THEN make_date(substr(value, 1, 4)::int, substr(value, 6, 2)::int, substr(value, 9, 2)::int)
        WHEN value ~ '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(29|30|31)($|[T ])'
         AND substr(value, 9, 2)::int <= extract(day FROM
             make_date(substr(value, 1, 4)::int, substr(value, 6, 2)::int, 1) + interval '1 month -1 day')
        THEN make_date(substr(value, 1, 4)::int, substr(value, 6, 2)::int, substr(value, 9, 2)::int)
    END
$$;
COMMENT ON FUNCTION jira_views.parse_date(text) IS 'The day of a text such as 2024-02-29, which may go on with a time; null for other text.';

CREATE OR REPLACE FUNCTION jira_views.parse_offset(value text) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN value ~ '[+-][0-9]{2}:?[0-9]{2}$' THEN make_interval(
            hours => (left(right(replace(value, ':', ''), 5), 3))::int,
            mins => (left(right(replace(value, ':', ''), 5), 1) || right(value, 2))::int)
        ELSE interval '0' END
$$;
COMMENT ON FUNCTION jira_views.parse_offset(text) IS 'How far the zone at the end of a text is ahead of UTC: +0200, -07:00, Z; none is 0.';

CREATE OR REPLACE FUNCTION jira_views.parse_java_time(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value ~ '^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} (UTC|GMT) [0-9]{4}$'
        THEN right(value, 4) || '-'
            || lpad(((strpos('JanFebMarAprMayJunJulAugSepOctNovDec', substr(value, 5, 3)) + 2) / 3)::text, 2, '0')
            || '-' || substr(value, 9, 2) || 'T' || substr(value, 12, 8) || 'Z'
        ELSE value END
$$;
COMMENT ON FUNCTION jira_views.parse_java_time(text) IS 'Fri Aug 26 16:05:52 UTC 2022, as Java prints times, as 2022-08-26T16:05:52Z; other text as it is.';

CREATE OR REPLACE FUNCTION jira_views.parse_instant(value text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value ~ '^[0-9-]{10}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?\s?(Z|[+-](0[0-9]|1[0-8]):?[0-5][0-9])?)?$'
        THEN timezone('UTC', jira_views.parse_date(value)
            + make_interval(
                hours => coalesce(nullif(substr(value, 12, 2), ''), '0')::int,
                mins => coalesce(nullif(substr(value, 15, 2), ''), '0')::int,
                secs => coalesce(replace(substring(value FROM '^.{16}:([0-9]{2}([.,][0-9]{1,9})?)'), ',', '.'), '0')::double precision)
            - CASE WHEN length(value) > 16 THEN jira_views.parse_offset(substr(value, 17)) ELSE interval '0' END)
    END
$$;
COMMENT ON FUNCTION jira_views.parse_instant(text) IS 'The instant of a text such as 2024-01-02T03:04:05.678+0000: T or a blank between day and time, up to 9 digits of a second, the zone as +0200, +02:00 or Z. Without a zone it is taken as UTC, a day without a time as its midnight. Null for other text.';

CREATE OR REPLACE FUNCTION jira_views.document_text(node jsonb, depth integer DEFAULT 0) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    parts text;
BEGIN
    IF jsonb_typeof(node) <> 'object' THEN
        RETURN NULL;
    ELSIF depth > 100 THEN
        RETURN (SELECT string_agg(found #>> '{}', ' ') FROM jsonb_path_query(node, '$.**.text') AS f(found));
    ELSIF node ->> 'type' = 'hardBreak' THEN
        RETURN E'\n';
    ELSIF jsonb_typeof(node -> 'content') = 'array' THEN
        SELECT string_agg(jira_views.document_text(e.value, depth + 1),
                CASE WHEN node ->> 'type' IN ('paragraph', 'heading', 'codeBlock', 'taskItem', 'decisionItem', 'caption')
                    THEN '' WHEN node ->> 'type' = 'tableRow' THEN ' | ' ELSE E'\n' END ORDER BY e.at)
            INTO parts FROM jsonb_array_elements(node -> 'content') WITH ORDINALITY AS e(value, at);
        RETURN parts;
    END IF;
    RETURN coalesce(node ->> 'text', node #>> '{attrs,text}', node #>> '{attrs,shortName}',
        node #>> '{attrs,title}', node #>> '{attrs,alt}', node #>> '{attrs,url}');
END
$$;
COMMENT ON FUNCTION jira_views.document_text(jsonb, integer) IS 'The text of an Atlassian document (ADF), as Cloud has it in descriptions and multi-line fields: a line for each block, without marks. depth is how far it is nested in another.';

CREATE OR REPLACE FUNCTION jira_views.as_number(value jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'number' THEN value::numeric
        WHEN 'string' THEN jira_views.parse_number(value #>> '{}') END
$$;
COMMENT ON FUNCTION jira_views.as_number(jsonb) IS 'A number, or the number that a text is; null for anything else.';

CREATE OR REPLACE FUNCTION jira_views.as_count(value jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jira_views.as_number(CASE jsonb_typeof(value)
        WHEN 'object' THEN coalesce(value -> 'votes', value -> 'watchCount') ELSE value END)
$$;
COMMENT ON FUNCTION jira_views.as_count(jsonb) IS 'How many votes or watchers, of the object that Jira writes for either; null for anything else.';

CREATE OR REPLACE FUNCTION jira_views.as_date(value jsonb) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value) WHEN 'string' THEN jira_views.parse_date(value #>> '{}') END
$$;
COMMENT ON FUNCTION jira_views.as_date(jsonb) IS 'The day that a text is (jira_views.parse_date); null for anything else.';

CREATE OR REPLACE FUNCTION jira_views.as_instant(value jsonb) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value) WHEN 'string'
        THEN jira_views.parse_instant(jira_views.parse_java_time(value #>> '{}')) END
$$;
COMMENT ON FUNCTION jira_views.as_instant(jsonb) IS 'The instant that a text is (jira_views.parse_instant, jira_views.parse_java_time); null for anything else.';

CREATE OR REPLACE FUNCTION jira_views.as_text(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'null' THEN NULL
        WHEN 'object' THEN CASE WHEN value ->> 'type' = 'doc'
            THEN coalesce(jira_views.document_text(value), '') ELSE value::text END
        WHEN 'array' THEN value::text
        ELSE value #>> '{}' END
$$;
COMMENT ON FUNCTION jira_views.as_text(jsonb) IS 'Text as it is, an Atlassian document as its text, anything else as JSON.';

CREATE OR REPLACE FUNCTION jira_views.as_name(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'null' THEN NULL
        WHEN 'object' THEN coalesce(value ->> 'value', value ->> 'name', value ->> 'key',
            value ->> 'displayName', value ->> 'id')
        WHEN 'array' THEN CASE jsonb_array_length(value)
            WHEN 0 THEN NULL WHEN 1 THEN jira_views.as_text(coalesce(value -> 0 -> 'value', value -> 0 -> 'name', value -> 0))
            ELSE value::text END
        ELSE value #>> '{}' END
$$;
COMMENT ON FUNCTION jira_views.as_name(jsonb) IS 'What an option, version, priority, group, project and the like is called; text as it is. A list of one is that one, a longer one is JSON.';

CREATE OR REPLACE FUNCTION jira_views.as_names(value jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'array' THEN ARRAY(
            SELECT jira_views.as_name(e.value) FROM jsonb_array_elements(value) WITH ORDINALITY AS e(value, at)
            WHERE jira_views.as_name(e.value) IS NOT NULL ORDER BY e.at)
        WHEN 'null' THEN NULL
        ELSE ARRAY[jira_views.as_name(value)] END
$$;
COMMENT ON FUNCTION jira_views.as_names(jsonb) IS 'What the options, versions, components and the like of a list are called, in its order.';

CREATE OR REPLACE FUNCTION jira_views.as_user(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'object' THEN nullif(coalesce(nullif(value ->> 'accountId', ''), nullif(value ->> 'key', ''), value ->> 'name', ''), '')
        WHEN 'string' THEN value #>> '{}' END
$$;
COMMENT ON FUNCTION jira_views.as_user(jsonb) IS 'jira.users.id of a person.';

CREATE OR REPLACE FUNCTION jira_views.as_users(value jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'array' THEN ARRAY(
            SELECT jira_views.as_user(e.value) FROM jsonb_array_elements(value) WITH ORDINALITY AS e(value, at)
            WHERE jira_views.as_user(e.value) IS NOT NULL ORDER BY e.at)
        WHEN 'null' THEN NULL
        ELSE ARRAY[jira_views.as_user(value)] END
$$;
COMMENT ON FUNCTION jira_views.as_users(jsonb) IS 'jira.users.id of the people of a list, in its order.';

CREATE OR REPLACE FUNCTION jira_views.as_cascade(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'object' AND jsonb_typeof(value -> 'child') = 'object'
        THEN concat_ws(' / ', jira_views.as_name(value), jira_views.as_name(value -> 'child'))
        ELSE jira_views.as_name(value) END
$$;
COMMENT ON FUNCTION jira_views.as_cascade(jsonb) IS 'A cascading select as Parent / Child; the parent alone where no child is chosen.';

CREATE OR REPLACE FUNCTION jira_views.as_sprint_ids(value jsonb) RETURNS bigint[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'array' THEN ARRAY(
        SELECT id::bigint FROM jsonb_array_elements(value) WITH ORDINALITY AS e(value, at),
            LATERAL (SELECT CASE jsonb_typeof(e.value)
                WHEN 'object' THEN substring(e.value ->> 'id' FROM '^[0-9]{1,18}$')
                WHEN 'number' THEN substring(e.value #>> '{}' FROM '^[0-9]{1,18}$')
                WHEN 'string' THEN substring(e.value #>> '{}' FROM '[[,]id=([0-9]{1,18})[],]') END AS id) AS s
        WHERE id IS NOT NULL ORDER BY e.at) END
$$;
COMMENT ON FUNCTION jira_views.as_sprint_ids(jsonb) IS 'jira.sprints.id of the sprints of a list, which are objects, or on older servers text such as …Sprint@1f[id=7,state=CLOSED,…].';

CREATE OR REPLACE FUNCTION jira_views.is_readable(kind text, value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(CASE kind
        WHEN 'number' THEN jira_views.as_number(value) IS NOT NULL
        WHEN 'count' THEN jira_views.as_count(value) IS NOT NULL
        WHEN 'date' THEN jira_views.as_date(value) IS NOT NULL
        WHEN 'instant' THEN jira_views.as_instant(value) IS NOT NULL
        WHEN 'text' THEN true
        WHEN 'name' THEN jira_views.as_name(value) IS NOT NULL
        WHEN 'names' THEN cardinality(jira_views.as_names(value))
            = CASE jsonb_typeof(value) WHEN 'array' THEN jsonb_array_length(value) ELSE 1 END
        WHEN 'user' THEN jira_views.as_user(value) IS NOT NULL
        WHEN 'users' THEN cardinality(jira_views.as_users(value))
            = CASE jsonb_typeof(value) WHEN 'array' THEN jsonb_array_length(value) ELSE 1 END
        WHEN 'cascade' THEN jira_views.as_cascade(value) IS NOT NULL
        WHEN 'sprints' THEN cardinality(jira_views.as_sprint_ids(value))
            = CASE jsonb_typeof(value) WHEN 'array' THEN jsonb_array_length(value) ELSE 1 END
        WHEN 'json' THEN true END, false)
$$;
COMMENT ON FUNCTION jira_views.is_readable(text, jsonb) IS 'Whether a value becomes a column of this kind (extractor.view_columns.kind) without loss.';
