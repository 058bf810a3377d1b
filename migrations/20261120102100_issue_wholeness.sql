-- What Jira said there is of an issue, what of it is held, and which issues are not whole.
ALTER TABLE jira.issues
    ADD COLUMN changes_expected  integer,
    ADD COLUMN changes_held      integer,
    ADD COLUMN comments_expected integer,
    ADD COLUMN comments_held     integer,
    ADD COLUMN worklogs_expected integer,
    ADD COLUMN worklogs_held     integer,
    ADD COLUMN lacking           text[],
    ADD COLUMN streams           text[];

COMMENT ON COLUMN jira.issues.changes_expected IS 'How many entries Jira said the changelog has, each of one or more rows of jira.changes; null while no fetch has said. Written by hydration, as are the five columns like it.';
COMMENT ON COLUMN jira.issues.changes_held IS 'How many of them the last fetch that said so delivered; fewer than expected: the issue is in extractor.incomplete_issues.';
COMMENT ON COLUMN jira.issues.comments_expected IS 'How many comments Jira said there are; null while no fetch has said.';
COMMENT ON COLUMN jira.issues.comments_held IS 'How many of them the last fetch that said so delivered.';
COMMENT ON COLUMN jira.issues.worklogs_expected IS 'How many worklogs Jira said there are; null while no fetch has said.';
COMMENT ON COLUMN jira.issues.worklogs_held IS 'How many of them the last fetch that said so delivered.';
COMMENT ON COLUMN jira.issues.lacking IS 'What the last fetch should have brought and could not, such as {links}: of these the rows of an earlier fetch stay, and the issue is fetched again. Null when nothing is lacking. Written by hydration.';
COMMENT ON COLUMN jira.issues.streams IS 'The optional streams that were asked for with this version, such as {watchers}; null when none was. Written by hydration.';

-- Small however large the table is: it has the issues of the view below only, and its condition is
-- the view's, word for word.
CREATE INDEX issues_incomplete_idx ON jira.issues (project_key, site)
    WHERE deleted_at IS NULL
      AND (tier = 'minimal' OR lacking IS NOT NULL OR changes_held < changes_expected
           OR comments_held < comments_expected OR worklogs_held < worklogs_expected);

CREATE VIEW extractor.incomplete_issues AS
SELECT site, id AS issue_id, key, project_key, tier,
    ARRAY(SELECT DISTINCT name FROM unnest(lacking || ARRAY[
            CASE WHEN tier = 'minimal' THEN 'fields' END,
            CASE WHEN changes_held < changes_expected THEN 'changes' END,
            CASE WHEN comments_held < comments_expected THEN 'comments' END,
            CASE WHEN worklogs_held < worklogs_expected THEN 'worklogs' END]) AS n(name)
        WHERE name IS NOT NULL ORDER BY name) AS what,
    changes_expected, changes_held, comments_expected, comments_held,
    worklogs_expected, worklogs_held, updated, extracted_at
FROM jira.issues
WHERE deleted_at IS NULL
  AND (tier = 'minimal' OR lacking IS NOT NULL OR changes_held < changes_expected
       OR comments_held < comments_expected OR worklogs_held < worklogs_expected);

COMMENT ON VIEW extractor.incomplete_issues IS 'Stored issues of which something is known to be lacking; empty after a good run. Issues of which nothing could be stored are in extractor.failures alone.';
COMMENT ON COLUMN extractor.incomplete_issues.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN extractor.incomplete_issues.issue_id IS 'jira.issues.id';
COMMENT ON COLUMN extractor.incomplete_issues.key IS 'Current key.';
COMMENT ON COLUMN extractor.incomplete_issues.project_key IS 'Project part of key.';
COMMENT ON COLUMN extractor.incomplete_issues.tier IS 'jira.issues.tier';
COMMENT ON COLUMN extractor.incomplete_issues.what IS 'What is lacking: fields (all but a few), changes, comments, worklogs, links, remote_links, watchers, voters or properties.';
COMMENT ON COLUMN extractor.incomplete_issues.changes_expected IS 'jira.issues.changes_expected';
COMMENT ON COLUMN extractor.incomplete_issues.changes_held IS 'jira.issues.changes_held';
COMMENT ON COLUMN extractor.incomplete_issues.comments_expected IS 'jira.issues.comments_expected';
COMMENT ON COLUMN extractor.incomplete_issues.comments_held IS 'jira.issues.comments_held';
COMMENT ON COLUMN extractor.incomplete_issues.worklogs_expected IS 'jira.issues.worklogs_expected';
COMMENT ON COLUMN extractor.incomplete_issues.worklogs_held IS 'jira.issues.worklogs_held';
COMMENT ON COLUMN extractor.incomplete_issues.updated IS 'jira.issues.updated';
COMMENT ON COLUMN extractor.incomplete_issues.extracted_at IS 'jira.issues.extracted_at';
