//! Real people, as public trackers show them: none of their names is left where Jira wrote it.

use extractor::model::Treatment;
use jira_sim::load_payloads;

use super::privacy;
use crate::app::App;
use crate::payloads::payload_files;

/// Where Jira writes names and addresses; what people typed is theirs.
const LEFT: [&str; 5] = [
    "SELECT count(*) FROM jira.issues, jsonb_path_query(fields, '$.**.displayName') AS name
     WHERE name #>> '{}' NOT LIKE 'person-%'",
    "SELECT count(*) FROM jira.issues, jsonb_path_query(fields, '$.**.emailAddress') AS email
     WHERE email #>> '{}' NOT LIKE 'email-%'",
    "SELECT count(*) FROM jira.issues,
         jsonb_path_query(fields, '$.** ? (exists (@.displayName)).avatarUrls.*')",
    "SELECT count(*) FROM jira.changes CROSS JOIN LATERAL (VALUES (from_text), (to_text)) t(name)
     WHERE field IN ('assignee', 'reporter', 'Reviewers', 'Authors') AND name <> ''
       AND name NOT LIKE 'person-%'",
    "SELECT count(*) FROM jira.users
     WHERE display_name NOT LIKE 'person-%' OR email NOT LIKE 'email-%'",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_name_that_jira_wrote_is_left_in_real_issues() {
    let files = payload_files();
    if files.is_empty() {
        eprintln!("SKIPPED: no real payloads");
        return;
    }
    for file in files {
        let (world, loaded) = load_payloads(&[&file]).unwrap();
        let mut app = App::new(world).await;
        app.options.privacy = privacy(Treatment::Hash, Treatment::Hash);
        for project in &loaded.projects {
            app.backfill(project).await.unwrap();
        }
        for sql in LEFT {
            assert_eq!(app.number(sql).await, 0, "{}: {sql}", file.display());
        }
        let named = "SELECT count(*) FROM jira.users WHERE display_name IS NOT NULL";
        assert!(app.number(named).await > 0, "{}", file.display());
    }
}
