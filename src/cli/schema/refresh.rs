//! `extractor schema refresh`: the views, now.

use serde_json::json;

use crate::cli::Context;
use crate::cli::console::Outcome;
use crate::cli::exit::ExitCode;
use crate::cli::failure::Failure;
use crate::cli::words::count;
use crate::daemon::advice;
use crate::store::{Store, StoreError, ViewsRefreshed};

pub(super) async fn run(store: &Store, context: &Context) -> Result<Outcome, Failure> {
    let refreshed = store.refresh_all_views().await?;
    context.console.say(&text(&refreshed));
    let failed: Vec<_> = refreshed
        .failed
        .iter()
        .map(|(view, error)| json!({"view": view, "reason": advice::sentence(error)}))
        .collect();
    let code = if failed.is_empty() { ExitCode::Done } else { ExitCode::Incomplete };
    let json = json!({
        "written": refreshed.written,
        "unchanged": refreshed.unchanged,
        "failed": failed,
        "reader": matches!(refreshed.reader, Some(Ok(true))),
        "exit_code": code.code(),
    });
    Ok(Outcome { code, json })
}

fn text(refreshed: &ViewsRefreshed) -> String {
    let mut lines = Vec::new();
    for view in &refreshed.written {
        lines.push(format!("jira_views.{view}: written"));
    }
    for (view, error) in &refreshed.failed {
        lines.push(format!("jira_views.{view}: not written: {}", advice::sentence(error)));
    }
    lines.push(format!(
        "{} already as it should be",
        count(refreshed.unchanged.len() as u64, "view")
    ));
    lines.push(reader(refreshed.reader.as_ref()));
    lines.join("\n")
}

fn reader(granted: Option<&Result<bool, StoreError>>) -> String {
    match granted {
        Some(Ok(true)) => "extractor_reader may read jira and jira_views".to_owned(),
        Some(Ok(false)) | None => {
            "there is no role extractor_reader: CREATE ROLE extractor_reader \
                                   NOLOGIN, then this again, and members of it may read"
                .to_owned()
        }
        Some(Err(error)) => {
            format!("extractor_reader was granted nothing new: {}", advice::sentence(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_what_became_of_each_view() {
        let refreshed = ViewsRefreshed {
            written: vec!["proj".into()],
            unchanged: vec!["all_issues".into()],
            failed: vec![("ops".into(), StoreError::LeaseLost { what: "view" })],
            reader: Some(Ok(false)),
        };
        let text = text(&refreshed);
        assert!(
            text.starts_with("jira_views.proj: written\njira_views.ops: not written: "),
            "{text}"
        );
        assert!(text.contains("1 view already as it should be\nthere is no role"), "{text}");
    }
}
