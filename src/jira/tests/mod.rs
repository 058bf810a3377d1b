//! The client against a tiny server on the loopback: one scripted answer after another. The
//! simulator stands in for a whole Jira elsewhere; here each fault is one of HTTP.

mod cloud;
mod cloud_children;
mod cloud_probing;
mod faults;
mod limits;
mod login;
mod probing;
mod reading;
mod server;
mod tls;

use std::error::Error;
use std::time::Duration;

use super::*;
use crate::model::{IssueId, PageStart};
use server::FakeJira;

const TOKEN: &str = "s3cr3t-t0ken";
const JQL: &str = "project = \"HIDDEN\"";

/// Settings that try again at once and never pace.
fn settings(url: url::Url) -> JiraSettings {
    JiraSettings {
        credentials: Credentials::Bearer(TOKEN.into()),
        timeout: Duration::from_secs(20),
        requests_per_second: 0.0,
        max_attempts: 4,
        backoff_base: Duration::from_millis(1),
        backoff_cap: Duration::from_millis(1),
        max_body_bytes: 64 * 1024,
        ..JiraSettings::new(url)
    }
}

fn client(server: &FakeJira) -> JiraClient {
    JiraClient::new(&settings(server.url())).unwrap()
}

/// Everything that could be printed of an error, after making sure that no secret is in it.
fn text(error: &JiraError) -> String {
    let mut text = format!("{error} | {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" | {cause} | {cause:?}"));
        source = cause.source();
    }
    assert!(!text.contains(TOKEN), "{text}");
    assert!(!text.contains("HIDDEN"), "{text}");
    text
}

fn id(number: i64) -> IssueId {
    IssueId(number)
}
