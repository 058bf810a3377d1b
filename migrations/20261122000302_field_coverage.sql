-- What became of the values of fields in the views: nothing is lost without being counted here.
CREATE VIEW jira_views.field_coverage AS
SELECT i.site, i.project_key, v.key AS field_id, f.name AS field_name,
    c.column_name, c.kind, count(*) AS filled,
    count(*) FILTER (WHERE NOT jira_views.is_readable(c.kind, v.value)) AS unread,
    count(*) FILTER (WHERE c.kind = 'instant' AND v.value #>> '{}' ~ ':[0-9]{2}([.,][0-9]+)?$') AS zoneless
FROM jira.issues AS i
CROSS JOIN LATERAL jsonb_each(i.fields) AS v
LEFT JOIN jira.fields AS f ON f.site = i.site AND f.id = v.key
LEFT JOIN extractor.view_columns AS c ON c.site = i.site AND c.field_id = v.key
WHERE i.deleted_at IS NULL AND v.value <> 'null'::jsonb
GROUP BY i.site, i.project_key, v.key, f.name, c.column_name, c.kind;

COMMENT ON VIEW jira_views.field_coverage IS 'For each field and project, how many issues have a value, and how many of those the column of the views cannot show. Reads every issue: narrow it by project_key.';
COMMENT ON COLUMN jira_views.field_coverage.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira_views.field_coverage.project_key IS 'The project.';
COMMENT ON COLUMN jira_views.field_coverage.field_id IS 'Id of the field: the key in jira.issues.fields.';
COMMENT ON COLUMN jira_views.field_coverage.field_name IS 'Its name now; null where issues have a field that Jira''s catalogue does not.';
COMMENT ON COLUMN jira_views.field_coverage.column_name IS 'Its column in the views; null where it has none, because a column of jira.issues or a table of its own holds it, or because the catalogue lacks it. A field whose type has changed has a row for each of its columns.';
COMMENT ON COLUMN jira_views.field_coverage.kind IS 'How values become that column.';
COMMENT ON COLUMN jira_views.field_coverage.filled IS 'Issues with a value, deleted ones left out.';
COMMENT ON COLUMN jira_views.field_coverage.unread IS 'Those of them whose value is not of the kind: the column is null, or lacks some of a list. jira.issues.fields has it.';
COMMENT ON COLUMN jira_views.field_coverage.zoneless IS 'Those of them that are times without a zone, which the column takes as UTC.';
