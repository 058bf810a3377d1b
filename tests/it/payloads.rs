//! Real issues, served by the simulator and backfilled, are stored value for value. They are not
//! part of the repository: `EXTRACTOR_PAYLOADS` names the directory that holds them.

use std::path::{Path, PathBuf};

use extractor::model::{RunState, Verdict};
use jira_sim::load_payloads;

use crate::app::App;
use crate::compare::assert_equal;

/// Payloads of Server and Data Center, below the directory.
const FILES: [&str; 5] = [
    "apache-arrow/issues.jsonl",
    "apache-2025/issues_with_changelog.jsonl",
    "apache-2025/issues_all_navigable_fields.jsonl",
    "apache-2025/issues_five_fields.jsonl",
    "grimoirelab-fiware/issues.jsonl",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_issues_are_stored_value_for_value() {
    let files = payload_files();
    if files.is_empty() {
        eprintln!("SKIPPED: no real payloads in {}", directory().display());
        return;
    }
    for file in files {
        let (world, loaded) = load_payloads(&[&file]).unwrap();
        assert!(loaded.issues > 0, "{}", file.display());
        let app = App::new(world).await;
        for project in &loaded.projects {
            let report = app.backfill(project).await.unwrap();
            assert_eq!(report.state, RunState::Completed, "{}: {report:?}", file.display());
            assert_eq!(report.certificate.verdict, Verdict::Complete);
            assert_equal(&app, project).await;
        }
        let stored = app.number("SELECT count(*) FROM jira.issues WHERE tier = 'full'").await;
        assert_eq!(stored, i64::try_from(loaded.issues).unwrap());
        assert_eq!(app.number("SELECT count(*) FROM extractor.failures").await, 0);
        describe(&app, &file, &loaded.projects).await;
    }
}

pub(crate) fn directory() -> PathBuf {
    std::env::var_os("EXTRACTOR_PAYLOADS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from)
}

pub(crate) fn payload_files() -> Vec<PathBuf> {
    FILES.iter().map(|file| directory().join(file)).filter(|file| file.is_file()).collect()
}

/// Says what was found in a file (shown with `--nocapture`).
async fn describe(app: &App, file: &Path, projects: &[String]) {
    println!("{} ({})", file.display(), projects.join(", "));
    for (what, sql) in FOUND {
        println!("  {what}: {}", app.number(sql).await);
    }
}

const FOUND: [(&str, &str); 26] = [
    ("issues", "SELECT count(*) FROM jira.issues"),
    ("changes", "SELECT count(*) FROM jira.changes"),
    ("comments", "SELECT count(*) FROM jira.comments"),
    ("worklogs", "SELECT count(*) FROM jira.worklogs"),
    ("links", "SELECT count(*) FROM jira.links"),
    ("attachments", "SELECT count(*) FROM jira.attachments"),
    ("sprints of issues", "SELECT count(*) FROM jira.issue_sprints"),
    ("users", "SELECT count(*) FROM jira.users"),
    ("texts repaired", "SELECT count(*) FROM jira.issues WHERE text_repaired"),
    ("largest fields, bytes", "SELECT max(octet_length(fields::text))::int8 FROM jira.issues"),
    (
        "median fields, bytes",
        "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY octet_length(fields::text))::int8
         FROM jira.issues",
    ),
    (
        "most fields in an issue",
        "SELECT max((SELECT count(*) FROM jsonb_object_keys(fields))) FROM jira.issues",
    ),
    (
        "fewest fields in an issue",
        "SELECT min((SELECT count(*) FROM jsonb_object_keys(fields))) FROM jira.issues",
    ),
    ("most changes in an issue", "SELECT coalesce(max(n), 0) FROM (SELECT count(*) n FROM jira.changes GROUP BY issue_id) x"),
    ("most comments in an issue", "SELECT coalesce(max(n), 0) FROM (SELECT count(*) n FROM jira.comments GROUP BY issue_id) x"),
    ("most links in an issue", "SELECT coalesce(max(n), 0) FROM (SELECT count(*) n FROM jira.links GROUP BY issue_id) x"),
    ("no summary", "SELECT count(*) FROM jira.issues WHERE summary IS NULL"),
    ("no issue type", "SELECT count(*) FROM jira.issues WHERE issue_type IS NULL"),
    ("no status", "SELECT count(*) FROM jira.issues WHERE status IS NULL"),
    ("no priority", "SELECT count(*) FROM jira.issues WHERE priority IS NULL"),
    ("no creator", "SELECT count(*) FROM jira.issues WHERE creator_id IS NULL"),
    ("no reporter", "SELECT count(*) FROM jira.issues WHERE reporter_id IS NULL"),
    ("no updated", "SELECT count(*) FROM jira.issues WHERE updated IS NULL"),
    (
        "changes without author",
        "SELECT count(*) FROM jira.changes WHERE author_id IS NULL",
    ),
    (
        "control characters in the text",
        "SELECT count(*) FROM jira.issues WHERE fields::text ~ E'\\\\\\\\u00(0[1-8be-f]|1[0-9a-f])'",
    ),
    (
        "worklogs cut short inline",
        "SELECT count(*) FROM jira.issues
         WHERE (fields->'worklog'->>'total')::int > jsonb_array_length(fields->'worklog'->'worklogs')",
    ),
];
