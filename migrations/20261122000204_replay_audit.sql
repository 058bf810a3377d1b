-- The replay audit: does an issue's changelog arrive at its present values, without a break?

CREATE FUNCTION extractor.instant(text) RETURNS timestamptz
LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    RETURN date_trunc('second', $1::timestamptz);
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;
COMMENT ON FUNCTION extractor.instant(text) IS 'A time as Jira writes it, to the second; null for what is none. Used by extractor.same_value.';

CREATE FUNCTION extractor.plain(text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN $1 ~ '^-?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,2})?$' THEN trim_scale($1::numeric)::text
        WHEN $1 ~ '^\d{4}-\d\d-\d\d 00:00:00(\.0+)?$' THEN left($1, 10)
        ELSE btrim(regexp_replace($1, '\s+', ' ', 'g'))
    END
$$;
COMMENT ON FUNCTION extractor.plain(text) IS 'A text without what Jira does not record faithfully: line ends and blanks, trailing zeros, midnight. Used by extractor.same_value.';

-- Ids decide where both sides have some, because names change after the fact: statuses, versions,
-- options, sprints and people are renamed, and no changelog tells of it. People are also known by
-- different ids at different times (log-in name, key, account), so that their names count too.
CREATE FUNCTION extractor.same_value(field_id text, people boolean, a_id text, a_text text, b_id text, b_text text)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    ai text := nullif(nullif(a_id, ''), '[]');
    bi text := nullif(nullif(b_id, ''), '[]');
    at text := nullif(extractor.plain(a_text), '');
    bt text := nullif(extractor.plain(b_text), '');
BEGIN
    IF ai IS NULL AND (at IS NULL OR field_id = 'resolution' AND at = 'Unresolved' OR field_id = 'assignee' AND at = 'Unassigned') THEN
        RETURN bi IS NULL AND (bt IS NULL OR bt IN ('Unresolved', 'Unassigned'));
    ELSIF bi IS NULL AND bt IS NULL THEN
        RETURN false;
    END IF;
    -- A cascading option has its ids in its text.
    IF at LIKE 'Parent values: %' THEN
        ai := (SELECT string_agg(m[1], ',') FROM regexp_matches(at, '\((\d+)\)', 'g') AS m);
    END IF;
    IF bt LIKE 'Parent values: %' THEN
        bi := (SELECT string_agg(m[1], ',') FROM regexp_matches(bt, '\((\d+)\)', 'g') AS m);
    END IF;
    IF ai IS NULL OR bi IS NULL THEN
        IF field_id = 'labels' THEN
            RETURN (SELECT array_agg(DISTINCT l ORDER BY l) FROM regexp_split_to_table(at, ' ') AS l)
                = (SELECT array_agg(DISTINCT l ORDER BY l) FROM regexp_split_to_table(bt, ' ') AS l);
        END IF;
        RETURN coalesce(at = bt, false) OR coalesce(extractor.plain(ai) = bt, false)
            OR coalesce(at = extractor.plain(bi), false);
    ELSIF ai = bi THEN
        RETURN true;
    ELSIF ai ~ '^\d{4}-\d\d-\d\d' AND bi ~ '^\d{4}-\d\d-\d\d' THEN
        RETURN CASE WHEN length(ai) = 10 OR length(bi) = 10 THEN left(ai, 10) = left(bi, 10)
            ELSE coalesce(extractor.instant(ai) = extractor.instant(bi), false) END;
    END IF;
    RETURN (SELECT array_agg(DISTINCT i ORDER BY i) FROM regexp_split_to_table(btrim(ai, '[] '), '\s*,\s*') AS i)
            = (SELECT array_agg(DISTINCT i ORDER BY i) FROM regexp_split_to_table(btrim(bi, '[] '), '\s*,\s*') AS i)
        OR people AND coalesce(at = bt, false);
END $$;
COMMENT ON FUNCTION extractor.same_value(text, boolean, text, text, text, text) IS 'Whether two values of a field, as changelog items write them, are the same as far as Jira can tell: by their ids where both have some (people also by name), else by their text.';

CREATE TABLE extractor.unaudited (
    site        text   NOT NULL,
    issue_id    bigint NOT NULL,
    project_key text   NOT NULL,
    CONSTRAINT unaudited_pk PRIMARY KEY (site, issue_id)
);
CREATE INDEX unaudited_project_idx ON extractor.unaudited (project_key, site, issue_id);

COMMENT ON TABLE extractor.unaudited IS 'Issues that were written and whose changelog has not been replayed since. Written by hydration with the issue; emptied by the next run of the project, as a rule the one that wrote it.';
COMMENT ON COLUMN extractor.unaudited.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.unaudited.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN extractor.unaudited.project_key IS 'The issue''s project when it was written.';

CREATE TABLE extractor.replay_findings (
    site        text        NOT NULL,
    issue_id    bigint      NOT NULL,
    field_id    text        NOT NULL,
    project_key text        NOT NULL,
    why         text        NOT NULL,
    history_id  bigint,
    run_id      uuid        NOT NULL,
    found_at    timestamptz NOT NULL,
    refetched   boolean     NOT NULL,
    CONSTRAINT replay_findings_pk PRIMARY KEY (site, issue_id, field_id),
    CONSTRAINT replay_findings_why_ck CHECK (why IN ('end', 'break'))
);
CREATE INDEX replay_findings_project_idx ON extractor.replay_findings (project_key, site);

COMMENT ON TABLE extractor.replay_findings IS 'Fields whose changelog, replayed, does not arrive at the present value, or has a break. Written by the audit of the run that wrote the issue; removed when a later audit of the issue finds nothing wrong with the field.';
COMMENT ON COLUMN extractor.replay_findings.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.replay_findings.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN extractor.replay_findings.field_id IS 'The field, as in jira.issue_field_history.';
COMMENT ON COLUMN extractor.replay_findings.project_key IS 'The issue''s project when it was found.';
COMMENT ON COLUMN extractor.replay_findings.why IS 'end: the last entry''s value is not the present one, so a later entry is missing, or an entry was altered. break: an entry begins with another value than the one before it ended with, so one between them is missing or was altered.';
COMMENT ON COLUMN extractor.replay_findings.history_id IS 'jira.changes.history_id of the entry after the break, or of the last one.';
COMMENT ON COLUMN extractor.replay_findings.run_id IS 'The run that found it first.';
COMMENT ON COLUMN extractor.replay_findings.found_at IS 'When it was found first, by the database''s clock.';
COMMENT ON COLUMN extractor.replay_findings.refetched IS 'Whether the issue was fetched once more because of it; what is still found then is reported in the certificate.';

CREATE FUNCTION extractor.replay_mismatches(of_site text, ids bigint[])
RETURNS TABLE (issue_id bigint, field_id text, why text, history_id bigint)
LANGUAGE sql STABLE AS $$
    WITH items AS (
        SELECT i.id, i.key, f.id AS fid, c.history_id, c.from_id, c.from_text, c.to_id, c.to_text,
            row_number() OVER (PARTITION BY i.id ORDER BY c.at, c.history_id, c.item) AS n,
            CASE WHEN f.id = 'key' THEN to_jsonb(i.key) ELSE i.fields -> f.id END AS present
        FROM unnest(ids) AS u(id)
        -- One by one by their keys, whatever the planner believes of the tables.
        CROSS JOIN LATERAL (
            SELECT * FROM jira.issues WHERE site = of_site AND id = u.id LIMIT 1) AS i
        CROSS JOIN LATERAL (
            SELECT * FROM jira.changes WHERE site = of_site AND issue_id = i.id OFFSET 0) AS c
        CROSS JOIN LATERAL (SELECT jira.changelog_field(c.site, c.field, c.field_id) AS id OFFSET 0) AS f
        WHERE f.id IS NOT NULL AND i.tier <> 'minimal'
          AND coalesce(i.changes_held >= i.changes_expected, true)
          -- One of several fields of that name: which is not known.
          AND (c.field_id <> '' OR f.id NOT LIKE 'customfield%'
               OR (SELECT count(*) FROM jira.fields o WHERE o.site = of_site AND lower(o.name) = lower(c.field)) = 1)
    ), chained AS (
        SELECT t.*, lag(t.n) OVER w AS before, lag(t.to_id) OVER w AS had_id,
            lag(t.to_text) OVER w AS had_text, lead(t.n) OVER w IS NULL AS is_last,
            t.fid IN ('assignee', 'reporter', 'creator')
                OR coalesce(f.schema_type = 'user' OR f.raw #>> '{schema,items}' = 'user', false) AS people
        FROM items t LEFT JOIN jira.fields f ON f.site = of_site AND f.id = t.fid
        WHERE t.fid NOT IN ('fixVersions', 'versions', 'components')
        WINDOW w AS (PARTITION BY t.id, t.fid ORDER BY t.n)
    ), marks AS (
        SELECT id, fid, history_id, n, present, from_id AS element, from_text AS name, false AS there
        FROM items WHERE fid IN ('fixVersions', 'versions', 'components') AND coalesce(from_id, from_text, '') <> ''
        UNION ALL
        SELECT id, fid, history_id, n, present, to_id, to_text, true
        FROM items WHERE fid IN ('fixVersions', 'versions', 'components') AND coalesce(to_id, to_text, '') <> ''
    ), spans AS (
        SELECT m.*, lag(there) OVER w AS was_there, lead(n) OVER w IS NULL AS is_last
        FROM marks m
        WINDOW w AS (PARTITION BY id, fid, coalesce(element, name) ORDER BY n, there)
    ), found AS (
        SELECT id, fid, n, 'break' AS why, history_id FROM chained
        WHERE before IS NOT NULL AND NOT extractor.same_value(fid, people, had_id, had_text, from_id, from_text)
        UNION ALL
        SELECT id, fid, n, 'end', history_id FROM chained
        WHERE is_last AND present IS NOT NULL AND present ->> 'type' IS DISTINCT FROM 'doc'
          AND NOT extractor.same_value(fid, people, to_id, to_text,
              jira.value_id(fid, present), jira.value_text(present))
          -- The key of an epic or of a parent, which changes when that issue moves; and the
          -- project part of a key, when the whole project is renamed.
          AND NOT EXISTS (SELECT FROM jira.issue_keys k WHERE k.site = of_site
                          AND k.key = present #>> '{}' AND k.issue_id::text = to_id)
          AND NOT (fid = 'key' AND split_part(to_text, '-', 2) = split_part(present #>> '{}', '-', 2))
        UNION ALL
        SELECT id, fid, n, 'break', history_id FROM spans WHERE was_there = there
        UNION ALL
        SELECT id, fid, n, 'end', history_id FROM spans
        WHERE is_last AND jsonb_typeof(present) = 'array'
          AND there <> EXISTS (SELECT FROM jsonb_array_elements(present) AS e
                               WHERE jira.element_id(e) = element
                                  OR coalesce(element, '') = '' AND jira.element_text(e) = name)
    )
    SELECT DISTINCT ON (id, fid) id, fid, why, history_id FROM found ORDER BY id, fid, n, why
$$;
COMMENT ON FUNCTION extractor.replay_mismatches(text, bigint[]) IS 'What the replay audit finds wrong with these issues, at most one row a field, the first one. Issues whose changelog is known to be incomplete are left out; so are the ends of fields that did not come with the issue, and of Atlassian documents, which the changelog writes as other text.';
