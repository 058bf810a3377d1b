//! `extractor probe`: one issue on every rung of the ladder, with what each took and brought. It
//! writes nothing; which rung an extraction would store is the pipeline's to say.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Context;
use super::args::ProbeArgs;
use super::console::Outcome;
use super::exit::ExitCode;
use super::failure::Failure;
use super::words::{count, size, span};
use crate::daemon::wiring::{Peer, WiringError};
use crate::jira::{FetchedRung, JiraClient, JiraError, Rung};
use crate::model::{IssueDocument, IssueId, PartialList};
use crate::sync::{Landing, is_of_the_issue, landing};

/// What one rung came to.
struct Tried {
    rung: Rung,
    /// With everything before the answer, such as waiting for its turn.
    waited: Duration,
    result: Result<Option<FetchedRung>, JiraError>,
}

pub(super) async fn run(args: ProbeArgs, context: &Context) -> Result<Outcome, Failure> {
    let stop = context.shutdown.token();
    let project = [args.key.project().clone()];
    let peer = Peer::meet(&context.loaded.config, &project, stop).await?;
    let client = &peer.client;
    let found = unless_stopped(stop, client.find_issue(&args.key)).await?;
    let Some((id, key)) = found else { return Err(Failure::NoIssue { key: args.key }) };
    let now_called = if key == args.key { String::new() } else { format!(", now {key}") };
    context.console.say(&format!("{} is issue {id}{now_called}", args.key));
    let mut tried = Vec::with_capacity(Rung::ALL.len());
    for rung in Rung::ALL {
        let one = try_rung(client, id, rung);
        let one = context.console.bars.wait(rung.as_str(), unless_stopped(stop, one)).await?;
        context.console.say(&text_of(&one));
        tried.push(one);
    }
    let landing = landing_of(client, &tried);
    context.console.say(verdict(landing));
    let code = exit_code(landing);
    let json = json!({
        "asked": args.key.to_string(),
        "key": key.to_string(),
        "id": id.0,
        "rungs": tried.iter().map(json_of).collect::<Vec<_>>(),
        "stored_on": landing.tier().map(|tier| tier.as_str()),
        "whole": landing.is_whole(),
        "exit_code": code.code(),
    });
    Ok(Outcome { code, json })
}

/// Asks on one rung. What is wrong with the issue is a result; what is wrong with Jira ends it all.
async fn try_rung(client: &JiraClient, id: IssueId, rung: Rung) -> Result<Tried, JiraError> {
    let began = Instant::now();
    match client.fetch_rung(id, rung).await {
        Err(error) if !is_of_the_issue(&error) => Err(error),
        result => Ok(Tried { rung, waited: began.elapsed(), result }),
    }
}

async fn unless_stopped<T>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, JiraError>>,
) -> Result<T, Failure> {
    tokio::select! {
        done = work => Ok(done?),
        () = stop.cancelled() => Err(WiringError::Interrupted.into()),
    }
}

fn landing_of(client: &JiraClient, tried: &[Tried]) -> Landing {
    landing(client.fuse(), |rung| {
        let one = tried.iter().find(|one| one.rung == rung)?;
        let answer = one.result.as_ref().ok()?;
        Some(answer.as_ref().map(|fetched| fetched.elapsed))
    })
}

fn verdict(landing: Landing) -> &'static str {
    match landing {
        Landing::Full => "would be stored on full: whole, together with other issues",
        Landing::Hub => "would be stored on hub: whole, the links fetched apart from the rest",
        Landing::WithoutLinks => "would be stored on hub, without its links, and tried again later",
        Landing::Minimal => "would be stored on minimal: a few fields, and tried again later",
        Landing::Nothing => "would not be stored, but recorded as a failure, and tried again later",
        Landing::Gone => "would be marked deleted: Jira says that it is gone",
    }
}

fn exit_code(landing: Landing) -> ExitCode {
    if landing.is_whole() { ExitCode::Done } else { ExitCode::Incomplete }
}

fn text_of(one: &Tried) -> String {
    let name = one.rung.as_str();
    match &one.result {
        Ok(Some(fetched)) => {
            let what = brought(one.rung, &fetched.document);
            let (bytes, elapsed) = (size(fetched.bytes), span(fetched.elapsed));
            format!("{name:<8} {elapsed:>7}  {bytes:>10}  {what}")
        }
        Ok(None) => format!("{name:<8} {:>7}  {:>10}  gone", span(one.waited), ""),
        Err(error) => format!("{name:<8} {:>7}  {:>10}  {error}", span(one.waited), ""),
    }
}

/// What came on a rung: of the links alone the links, of the others everything but them.
fn brought(rung: Rung, document: &IssueDocument) -> String {
    let links = list(document.children.links.as_ref(), "link");
    if rung == Rung::Links {
        return links.unwrap_or_else(|| "no links".to_owned());
    }
    let children = &document.children;
    let lists = [
        list(children.changes.as_ref(), "change"),
        list(children.comments.as_ref(), "comment"),
        list(children.worklogs.as_ref(), "worklog"),
        list(children.attachments.as_ref(), "attachment"),
        links,
    ];
    let fields = count(number_of_fields(document), "field");
    std::iter::once(fields).chain(lists.into_iter().flatten()).collect::<Vec<_>>().join(", ")
}

/// `20 of 31 worklogs`; nothing for a list that the document does not speak of.
fn list<T>(list: Option<&PartialList<T>>, thing: &str) -> Option<String> {
    let list = list?;
    let all = count(list.expected.max(list.held), thing);
    Some(if list.held < list.expected { format!("{} of {all}", list.held) } else { all })
}

fn number_of_fields(document: &IssueDocument) -> u64 {
    let fields: Result<serde_json::Map<String, Value>, _> = serde_json::from_str(&document.fields);
    fields.map_or(0, |fields| fields.len() as u64)
}

fn json_of(one: &Tried) -> Value {
    let mut json = json!({
        "rung": one.rung.as_str(),
        "came": matches!(one.result, Ok(Some(_))),
        "waited_ms": millis(one.waited),
    });
    match &one.result {
        Ok(Some(fetched)) => {
            let children = &fetched.document.children;
            json["elapsed_ms"] = millis(fetched.elapsed).into();
            json["bytes"] = fetched.bytes.into();
            json["fields"] = number_of_fields(&fetched.document).into();
            json["changes"] = json_list(children.changes.as_ref());
            json["comments"] = json_list(children.comments.as_ref());
            json["worklogs"] = json_list(children.worklogs.as_ref());
            json["attachments"] = json_list(children.attachments.as_ref());
            json["links"] = json_list(children.links.as_ref());
        }
        Ok(None) => json["error"] = "gone".into(),
        Err(error) => json["error"] = error.to_string().into(),
    }
    json
}

fn json_list<T>(list: Option<&PartialList<T>>) -> Value {
    list.map_or(Value::Null, |list| json!({"expected": list.expected, "held": list.held}))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
