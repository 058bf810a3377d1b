//! What the demo shows when the backfill is done.

use serde_json::{Value, json};

use super::place::Place;
use super::simulated::Simulated;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::stdout_is_terminal;
use crate::cli::table::Table;
use crate::cli::words::instant;
use crate::daemon::wiring::Services;
use crate::store::{SampleIssue, TableCount};

/// How many issues are shown.
const ISSUES: u32 = 5;
/// How many characters of a summary are shown.
const SUMMARY: usize = 50;

/// Shows how much is stored, and a few issues; answers the counts for a script.
pub(super) async fn show(services: &Services, console: &Console) -> Result<Value, Failure> {
    let (store, site) = (services.database.store(), &services.peer.site);
    let tables = store.count_tables(site).await?;
    let issues = store.sample_issues(site, ISSUES).await?;
    let terminal = stdout_is_terminal();
    console.say(&format!(
        "\nstored:\n{}\n\nthe issues updated last:\n{}\n",
        of_tables(&tables, terminal).render(),
        of_issues(&issues, terminal).render()
    ));
    Ok(tables.iter().map(|count| json!({"table": count.table, "rows": count.rows})).collect())
}

/// What a person can do while the demo waits.
pub(super) fn directions(simulated: &Simulated, place: &Place, services: &Services) -> String {
    let psql = services.database.private().map(|private| private.psql_command());
    let project = simulated.projects().first().map_or("DEMO", |project| project.as_str());
    let (url, dir) = (simulated.url().as_str().trim_end_matches('/'), place.path().display());
    let select = "select key, status, summary from jira.issues limit 5";
    format!(
        "while this runs, in another terminal:\n  {psql} -c '{select}'\n  \
         curl -s '{url}/rest/api/2/search?jql=project={project}&maxResults=1'\n  \
         extractor sync {project} --base-url {url} --site {site} --data-dir {dir}\n  \
         extractor status --data-dir {dir}",
        psql = psql.unwrap_or_default(),
        site = services.peer.site,
    )
}

fn of_tables(tables: &[TableCount], terminal: bool) -> Table {
    let mut table = Table::new(terminal, &["TABLE", "ROWS"]);
    for count in tables {
        let rows = table.number(count.rows);
        table.row(vec![count.table.clone(), rows]);
    }
    table
}

fn of_issues(issues: &[SampleIssue], terminal: bool) -> Table {
    let headings = ["KEY", "TYPE", "STATUS", "UPDATED", "CHANGES", "COMMENTS", "SUMMARY"];
    let mut table = Table::new(terminal, &headings);
    for issue in issues {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        table.row(vec![
            issue.key.clone(),
            text(&issue.issue_type),
            text(&issue.status),
            issue.updated.map_or_else(|| "-".to_owned(), instant),
            table.number(issue.changes),
            table.number(issue.comments),
            shortened(&text(&issue.summary)),
        ]);
    }
    table
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SUMMARY) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_summaries_are_cut_at_a_character() {
        assert_eq!(shortened("short"), "short");
        let cut = shortened(&"é".repeat(80));
        assert_eq!(cut.chars().count(), SUMMARY + 1);
    }

    #[test]
    fn issues_are_shown_in_a_line_each() {
        let issue = SampleIssue {
            key: "P-1".to_owned(),
            issue_type: Some("Bug".to_owned()),
            status: None,
            updated: chrono::DateTime::from_timestamp(1_700_000_000, 0),
            summary: Some("a\nb".to_owned()),
            changes: 3,
            comments: 0,
        };
        let text = of_issues(&[issue], false).render();
        let line = text.lines().nth(1).unwrap();
        assert_eq!(line, "P-1\tBug\t-\t2023-11-14 22:13:20 UTC\t3\t0\ta b");
    }
}
