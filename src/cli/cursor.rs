//! `extractor cursor`: how far completed runs have got, and forgetting it.

use serde_json::json;

use super::args::{CursorAction, CursorArgs};
use super::console::Outcome;
use super::exit::ExitCode;
use super::failure::Failure;
use super::table::Table;
use super::words::instant;
use super::{Context, status, stdout_is_terminal};
use crate::model::{ProjectKey, Site};
use crate::store::{CursorFacts, Store};

pub(super) async fn run(args: CursorArgs, context: &Context) -> Result<Outcome, Failure> {
    let Some(database) = status::open(context).await? else {
        return match args.action {
            Some(CursorAction::Reset { project }) => Err(Failure::NoCursor { project }),
            Some(CursorAction::List) | None => Ok(list(&[], context)),
        };
    };
    let site = context.loaded.config.jira.site.as_ref();
    let outcome = match args.action {
        Some(CursorAction::Reset { project }) => {
            reset(database.store(), site, project, context).await
        }
        Some(CursorAction::List) | None => {
            let cursors = database.store().list_cursors(site).await;
            cursors.map(|cursors| list(&cursors, context)).map_err(Failure::from)
        }
    };
    database.close().await;
    outcome
}

fn list(cursors: &[CursorFacts], context: &Context) -> Outcome {
    let mut table =
        Table::new(stdout_is_terminal(), &["SITE", "PROJECT", "COMPLETED UNTIL", "HELD", "RUN"]);
    for cursor in cursors {
        table.row(vec![
            cursor.site.to_string(),
            cursor.project.to_string(),
            cursor.completed_until.map_or_else(|| "-".to_owned(), instant),
            if cursor.held_by.is_some() { "yes" } else { "no" }.to_owned(),
            cursor.last_run.map_or_else(|| "-".to_owned(), |run| run.to_string()),
        ]);
    }
    context.console.say(&if table.is_empty() {
        "no project has a cursor yet".to_owned()
    } else {
        table.render()
    });
    let cursors: Vec<_> = cursors.iter().map(status::json_of_cursor).collect();
    Outcome { code: ExitCode::Done, json: json!({"cursors": cursors, "exit_code": 0}) }
}

async fn reset(
    store: &Store,
    site: Option<&Site>,
    project: ProjectKey,
    context: &Context,
) -> Result<Outcome, Failure> {
    let site = match site {
        Some(site) => site.clone(),
        None => only_site(&store.list_cursors(None).await?, &project)?,
    };
    if !store.reset_cursor(&site, &project).await? {
        return Err(Failure::NoCursor { project });
    }
    context.console.say(&format!(
        "cursor of {project} reset: its next run lists it from the beginning, and fetches only what \
         has changed"
    ));
    let json = json!({"site": site, "project": project, "exit_code": 0});
    Ok(Outcome { code: ExitCode::Done, json })
}

/// The site of the project's cursor, where the configuration names none and there is one only.
fn only_site(cursors: &[CursorFacts], project: &ProjectKey) -> Result<Site, Failure> {
    let sites: Vec<&Site> =
        cursors.iter().filter(|c| c.project == *project).map(|c| &c.site).collect();
    match sites.as_slice() {
        [] => Err(Failure::NoCursor { project: project.clone() }),
        [site] => Ok((*site).clone()),
        several => {
            let names: Vec<&str> = several.iter().map(|site| site.as_str()).collect();
            Err(Failure::AmbiguousSite { project: project.clone(), sites: names.join(", ") })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;

    use super::*;

    fn cursor(site: &str, project: &str) -> CursorFacts {
        CursorFacts {
            site: Site::new(site),
            project: project.parse().unwrap(),
            completed_until: None,
            last_run: None,
            reconcile_run: None,
            reconciled_at: None,
            max_index_lag: Duration::ZERO,
            held_by: None,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_site_is_guessed_only_where_there_is_one() {
        let cursors = [cursor("a", "P"), cursor("b", "P"), cursor("b", "Q")];
        let key = |text: &str| text.parse::<ProjectKey>().unwrap();
        assert_eq!(only_site(&cursors, &key("Q")).unwrap().as_str(), "b");
        let several = only_site(&cursors, &key("P")).unwrap_err();
        assert_eq!(several.exit_code(), ExitCode::Config);
        assert!(several.sentence().contains("a, b"), "{several}");
        let none = only_site(&cursors, &key("R")).unwrap_err();
        assert_eq!(none.exit_code(), ExitCode::Usage);
    }
}
