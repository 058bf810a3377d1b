-- How the changelog names fields and writes values. Shared by the history, the audit of it, and what
-- builds on them. Nothing here reads more than the catalogue of fields.

-- Old Server names fields in its changelog, Cloud and newer Data Center give ids as well.
CREATE INDEX fields_name_idx ON jira.fields (lower(name), site);

-- Functions with a SELECT inside are not inlined by the planner, so these have their own names and
-- are called only where they are needed.
CREATE FUNCTION jira.field_named(of_site text, of_name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT id FROM jira.fields
    WHERE lower(name) = lower(of_name) AND site = of_site ORDER BY id LIMIT 1
$$;
COMMENT ON FUNCTION jira.field_named(text, text) IS 'The id of the field of this name, whatever its case; of several the lowest.';

-- Not replayed, because their entries tell of events and not of values:
--   Link, RemoteIssueLink, Epic Child: what other issues are tied to; the present is in jira.links
--     and jira.remote_links, and both ends change together, under keys that do not stay.
--   Attachment, Comment, WorklogId: things with a life of their own, named by id or by their text.
--   Rank: says only "ranked higher" or "ranked lower". Workflow: the scheme, not the issue.
CREATE FUNCTION jira.changelog_field(site text, name text, field_id text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN lower(name) IN ('link', 'remoteissuelink', 'remotelink', 'epic child', 'attachment',
            'comment', 'worklogid', 'worklogtimespent', 'rank', 'workflow')
            OR field_id IN ('issuelinks', 'attachment', 'comment', 'worklog') THEN NULL
        WHEN field_id = 'issuekey' THEN 'key'
        WHEN field_id <> '' THEN field_id
        WHEN lower(name) IN ('summary', 'description', 'environment', 'status', 'priority',
            'resolution', 'issuetype', 'assignee', 'reporter', 'creator', 'labels', 'duedate',
            'timeestimate', 'timeoriginalestimate', 'timespent', 'security', 'project', 'key',
            'parent') THEN lower(name)
        WHEN lower(name) IN ('fix version', 'fix version/s', 'fix versions') THEN 'fixVersions'
        WHEN lower(name) IN ('version', 'affects version', 'affects version/s', 'affects versions')
            THEN 'versions'
        WHEN lower(name) IN ('component', 'component/s', 'components') THEN 'components'
        WHEN lower(name) IN ('parent issue', 'issueparentassociation') THEN 'parent'
        WHEN lower(name) = 'issue type' THEN 'issuetype'
        WHEN lower(name) = 'due date' THEN 'duedate'
        ELSE coalesce(jira.field_named(site, name), name)
    END
$$;
COMMENT ON FUNCTION jira.changelog_field(text, text, text) IS 'The id of the field that a changelog item is about, from its name and, where Jira gives it, its id; the name where the catalogue has no such field (any more), and null for items that tell of an event rather than of a value: links, attachments, comments, worklogs, ranks, workflows. Of several custom fields of one name, the one with the lowest id.';

-- Derived, counted or moved without an entry: their present value says nothing about the past.
CREATE FUNCTION jira.is_replayed(field_id text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT field_id NOT IN ('created', 'updated', 'lastViewed', 'resolutiondate', 'workratio',
        'statuscategorychangedate', 'statusCategory', 'issuelinks', 'subtasks', 'comment', 'attachment',
        'worklog', 'votes', 'watches', 'progress', 'aggregateprogress', 'timetracking',
        'aggregatetimespent', 'aggregatetimeestimate', 'aggregatetimeoriginalestimate', 'thumbnail',
        'issuerestriction', 'archiveddate', 'archivedby')
$$;
COMMENT ON FUNCTION jira.is_replayed(text) IS 'Whether a field that never changed according to the changelog has had its present value from the beginning. Not so for what Jira derives or counts itself (times, progress, votes, sub-tasks, links).';

CREATE FUNCTION jira.element_id(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN jsonb_typeof(value) = 'string'
            THEN substring(value #>> '{}' FROM '[[,]id=([0-9]+)')
        WHEN value ? 'accountId' OR value ? 'displayName' OR value ? 'emailAddress'
            THEN coalesce(value ->> 'accountId', value ->> 'key', value ->> 'name')
        ELSE coalesce(value ->> 'id', value ->> 'name')
    END
$$;
COMMENT ON FUNCTION jira.element_id(jsonb) IS 'The id of one element of a list that a field holds, as the changelog would write it; of a sprint in either wire form.';

CREATE FUNCTION jira.element_text(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN jsonb_typeof(value) <> 'string' THEN coalesce(value ->> 'displayName',
            value ->> 'name', value ->> 'value', value ->> 'key', value ->> 'id', value #>> '{}')
        WHEN value #>> '{}' LIKE 'com.atlassian.greenhopper%' THEN coalesce(
            substring(value #>> '{}' FROM '[[,]name=(.*?)(?:,[A-Za-z]+=|]$)'), value #>> '{}')
        ELSE value #>> '{}'
    END
$$;
COMMENT ON FUNCTION jira.element_text(jsonb) IS 'One element of a list that a field holds as text: the name of a sprint (in either wire form), version or component, the value of an option, the display name of a person.';

CREATE FUNCTION jira.list_id(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN jsonb_typeof(value -> 0) = 'object' AND NOT value -> 0 ? 'state'
            THEN '[' || string_agg(jira.element_id(e), ', ' ORDER BY n) || ']'
        WHEN jsonb_typeof(value -> 0) = 'object' OR value ->> 0 LIKE 'com.atlassian.greenhopper%'
            THEN string_agg(jira.element_id(e), ', ' ORDER BY n)
    END
    FROM jsonb_array_elements(value) WITH ORDINALITY AS l(e, n)
$$;
COMMENT ON FUNCTION jira.list_id(jsonb) IS 'What jira.value_id is of a list.';

CREATE FUNCTION jira.list_text(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT string_agg(jira.element_text(e), CASE WHEN jsonb_typeof(value -> 0) = 'string'
        AND value ->> 0 NOT LIKE 'com.atlassian.greenhopper%' THEN ' ' ELSE ', ' END ORDER BY n)
    FROM jsonb_array_elements(value) WITH ORDINALITY AS l(e, n)
$$;
COMMENT ON FUNCTION jira.list_text(jsonb) IS 'What jira.value_text is of a list.';

CREATE FUNCTION jira.document_text(document jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT string_agg(t #>> '{}', ' ') FROM jsonb_path_query(document, 'strict $.**.text') AS t
$$;
COMMENT ON FUNCTION jira.document_text(jsonb) IS 'The words of an Atlassian document (ADF), without their form.';

CREATE FUNCTION jira.value_id(field_id text, value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'string' THEN substring(value #>> '{}' FROM '^\d{4}-\d\d-\d\d$|^\d{4}-\d\d-\d\d[T ]\d\d:.*')
        WHEN 'number' THEN CASE WHEN field_id LIKE 'time%' THEN value #>> '{}' END
        WHEN 'object' THEN CASE
            WHEN value ? 'accountId' OR value ? 'displayName' OR value ? 'emailAddress'
                THEN coalesce(value ->> 'accountId', value ->> 'key', value ->> 'name')
            WHEN NOT value ? 'child' THEN value ->> 'id'
        END
        WHEN 'array' THEN jira.list_id(value)
    END
$$;
COMMENT ON FUNCTION jira.value_id(text, jsonb) IS 'A field''s value as the ids that the changelog would write: the account of a person, the id of a status or an option, [1, 2] for lists, 1, 2 for sprints, dates as they are; null for text, numbers, labels and cascading options, which the changelog writes as text only.';

CREATE FUNCTION jira.value_text(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'number' THEN trim_scale((value #>> '{}')::numeric)::text
        WHEN 'object' THEN CASE
            WHEN value ? 'child' THEN 'Parent values: ' || (value ->> 'value') || '('
                || (value ->> 'id') || ')Level 1 values: ' || (value #>> '{child,value}') || '('
                || (value #>> '{child,id}') || ')'
            WHEN value ->> 'type' = 'doc' THEN jira.document_text(value)
            ELSE coalesce(value ->> 'displayName', value ->> 'name', value ->> 'value',
                value ->> 'key', value ->> 'id', value #>> '{}')
        END
        WHEN 'array' THEN jira.list_text(value)
        ELSE value #>> '{}'
    END
$$;
COMMENT ON FUNCTION jira.value_text(jsonb) IS 'A field''s value as the text that the changelog would write: names, display names, numbers without trailing zeros, labels between spaces, other lists between commas, both levels of a cascading option, the words of an Atlassian document.';
