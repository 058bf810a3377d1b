-- Keys from before extraction began, and a way from any key to its issue.
COMMENT ON TABLE jira.issue_keys IS 'Every key an issue has had: those it was seen with, and those that its changelog tells of. Written by hydration when an issue is new or its key changed.';
COMMENT ON COLUMN jira.issue_keys.first_seen IS 'When the issue was first fetched with this key, by Jira''s clock; for a key that only the changelog tells of, when the issue was created.';
COMMENT ON COLUMN jira.issue_keys.last_seen IS 'When the issue was first fetched with another key after this one, by Jira''s clock; for a key that only the changelog tells of, when the issue got another; null while this is its key.';

CREATE FUNCTION jira.issue_id_of(key text, site text DEFAULT NULL) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT k.issue_id FROM jira.issue_keys k
        WHERE k.key = issue_id_of.key AND (issue_id_of.site IS NULL OR k.site = issue_id_of.site)
        ORDER BY k.current DESC, k.last_seen DESC NULLS LAST, k.issue_id LIMIT 1);

COMMENT ON FUNCTION jira.issue_id_of(text, text) IS 'The id of the issue that has this key, or else had it last; null where no issue is known to have had it. The site may be left out where there is one.';
