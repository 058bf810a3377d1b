//! Which exit code every error has, and what is said about it.

use std::path::PathBuf;
use std::time::Duration;

use chrono::DateTime;
use uuid::Uuid;

use super::*;
use crate::cli::console::complaint;
use crate::jira::{Came, Endpoint, Messages};
use crate::model::{RunId, WorkerId};
use crate::store::Holder;

fn host() -> String {
    "jira.example.com".to_owned()
}

fn project() -> ProjectKey {
    "PROJ".parse().unwrap()
}

fn holder() -> Holder {
    Holder {
        worker: WorkerId(Uuid::nil()),
        host: "db1".to_owned(),
        pid: 7,
        since: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        run: None,
    }
}

fn sqlx_error() -> sqlx::Error {
    sqlx::Error::PoolTimedOut
}

fn place() -> String {
    "db:5432/jira".to_owned()
}

#[test]
fn every_error_of_jira_has_its_code() {
    let endpoint = Endpoint::Search;
    let messages = Messages::default;
    let cases = [
        (JiraError::Settings { key: "jira.timeout", problem: "odd".into(), source: None }, 78),
        (JiraError::Unreachable { host: host(), source: "refused".into() }, 69),
        (JiraError::Tls { host: host(), source: "unknown issuer".into() }, 69),
        (JiraError::Timeout { host: host(), endpoint, limit: Duration::from_secs(1) }, 69),
        (JiraError::TooLarge { endpoint, limit_bytes: 1 }, 65),
        (JiraError::Unavailable { host: host(), endpoint, status: 503, messages: messages() }, 69),
        (JiraError::RateLimited { host: host(), until: None }, 75),
        (JiraError::Unauthorized { host: host(), detail: String::new(), remedy: "renew it" }, 77),
        (JiraError::NotLoggedIn { host: host(), sign: "anonymous".into() }, 77),
        (JiraError::Forbidden { endpoint, messages: messages() }, 77),
        (JiraError::Refused { endpoint, status: 400, messages: messages() }, 65),
        (JiraError::NotFound { endpoint, messages: messages() }, 65),
        (JiraError::NoEndpoint { host: host(), endpoint }, 78),
        (JiraError::Redirected { endpoint, status: 302, to: "sso".into() }, 65),
        (JiraError::Unsupported { what: "cloud".into() }, 78),
    ];
    for (error, code) in cases {
        let shown = format!("{error:?}");
        assert_eq!(of_jira(&error).code(), code, "{shown}");
        let wired = Failure::from(WiringError::from(error));
        assert_eq!(wired.exit_code().code(), code, "{shown}");
    }
    let came = Came::Truncated { received_bytes: 1 };
    let garbled = JiraError::BadData { endpoint, came };
    assert_eq!(Failure::from(SyncError::from(garbled)).exit_code(), ExitCode::BadData);
}

#[test]
fn every_error_of_the_store_has_its_code() {
    let target = place;
    let source = sqlx_error;
    let cases = [
        (StoreError::InvalidUrl(source()), 78),
        (StoreError::Unreachable { target: target(), source: source() }, 69),
        (StoreError::AuthenticationFailed { target: target(), source: source() }, 77),
        (StoreError::DatabaseMissing { target: target(), source: source() }, 78),
        (StoreError::Tls { target: target(), source: source() }, 69),
        (StoreError::ServerTooOld { found: "13.4".into(), needed: 14 }, 78),
        (StoreError::SchemaNewer { found: 2, known: 1 }, 78),
        (StoreError::SchemaOutdated { missing: 3 }, 78),
        (StoreError::SchemaDirty { version: 1 }, 78),
        (StoreError::SchemaModified { version: 1 }, 78),
        (StoreError::SchemaForeign { schema: "jira".into() }, 78),
        (StoreError::LeaseLost { what: "the project" }, 75),
        (StoreError::ProjectHeld(holder()), 75),
        (StoreError::RunNotOpen { id: RunId(Uuid::nil()) }, 70),
        (StoreError::DataRejected(source()), 70),
        (StoreError::Unavailable(source()), 69),
        (StoreError::DiskFull(source()), 69),
        (StoreError::NotPermitted(source()), 77),
        (StoreError::TimedOut(source()), 69),
        (StoreError::Contended(source()), 75),
        (StoreError::Unreadable { what: "key", value: "?".into() }, 70),
        (StoreError::Failed(source()), 70),
    ];
    for (error, code) in cases {
        let shown = format!("{error:?}");
        assert_eq!(of_store(&error).code(), code, "{shown}");
        assert_eq!(Failure::from(SyncError::from(error)).exit_code().code(), code, "{shown}");
    }
}

#[test]
fn every_error_of_the_private_postgres_has_its_code() {
    let data_dir = || PathBuf::from("/d");
    let text = || "text".to_owned();
    let io = || io::Error::other("odd");
    let cases = [
        (PrivatePostgresError::NotInstalled { searched: text() }, 78),
        (
            PrivatePostgresError::VersionMismatch {
                data_dir: data_dir(),
                cluster: 14,
                installed: text(),
            },
            78,
        ),
        (PrivatePostgresError::DownloadFailed { major: 17, source: "odd".into() }, 69),
        (PrivatePostgresError::NoServerUser, 78),
        (PrivatePostgresError::NotAllowed { path: data_dir(), reason: text(), source: None }, 77),
        (PrivatePostgresError::HeldByOther { data_dir: data_dir(), holder: text() }, 75),
        (PrivatePostgresError::DiskFull { path: data_dir() }, 69),
        (PrivatePostgresError::InitFailed { data_dir: data_dir(), output: text() }, 69),
        (PrivatePostgresError::StartFailed { log: data_dir(), tail: text() }, 69),
        (
            PrivatePostgresError::StillStarting {
                pid: 1,
                waited: Duration::from_secs(1),
                log: data_dir(),
                tail: text(),
            },
            75,
        ),
        (PrivatePostgresError::StopFailed { pid: 1 }, 69),
        (PrivatePostgresError::Refused { doing: "start", source: sqlx_error() }, 69),
        (PrivatePostgresError::Io { doing: "read", path: data_dir(), source: io() }, 69),
    ];
    for (error, code) in cases {
        assert_eq!(of_private_postgres(&error).code(), code, "{error:?}");
    }
}

#[test]
fn what_stops_a_run_has_its_code() {
    let stuck = ScanError::Stuck { at: "2024".to_owned(), requests: 9 };
    let cases = [
        (SyncError::Held { project: project(), holder: holder() }, 75),
        (SyncError::Interrupted, 75),
        (SyncError::ProjectNotVisible { project: project() }, 77),
        (SyncError::ProjectArchived { project: project() }, 77),
        (SyncError::Scan { project: project(), source: ScanError::NoTotal }, 65),
        (SyncError::Scan { project: project(), source: stuck }, 65),
    ];
    for (error, code) in cases {
        let failure = Failure::from(error);
        assert_eq!(failure.exit_code().code(), code, "{failure:?}");
    }
    assert_eq!(Failure::NoProjects.exit_code(), ExitCode::Config);
}

#[test]
fn only_being_told_to_stop_is_an_interruption() {
    assert!(Failure::from(SyncError::Interrupted).is_interruption());
    assert!(Failure::from(WiringError::Interrupted).is_interruption());
    assert!(!Failure::NoProjects.is_interruption());
}

#[test]
fn a_complaint_names_the_cause_and_the_way_out_in_one_line() {
    let source = sqlx::Error::Io(io::Error::from(io::ErrorKind::ConnectionRefused));
    let failure = Failure::from(StoreError::Unreachable { target: place(), source });
    let text = complaint(None, &failure);
    assert!(text.starts_with("error: no Postgres answers at db:5432/jira: "), "{text}");
    assert!(text.contains("connection refused"), "{text}");
    assert!(text.contains("DATABASE_URL"), "{text}");
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn a_complaint_names_the_project_once() {
    let own = Failure::from(SyncError::Held { project: project(), holder: holder() });
    let text = complaint(Some(&project()), &own);
    assert_eq!(text.matches("PROJ").count(), 1, "{text}");
    assert!(text.contains("process 7 on db1 since 2023-11-14T22:13:20Z"), "{text}");
    let silent = Failure::from(SyncError::Interrupted);
    assert!(complaint(Some(&project()), &silent).starts_with("error: PROJ: stopped"));
}

#[test]
fn a_cause_that_the_error_repeats_is_said_once() {
    let scan = SyncError::Scan { project: project(), source: ScanError::NoTotal };
    let text = Failure::from(scan).sentence();
    assert_eq!(text.matches("without `total`").count(), 1, "{text}");
}

#[test]
fn a_script_reads_message_advice_and_code() {
    let json = Failure::NoProjects.json();
    assert_eq!(json["exit_code"], 78);
    assert!(json["message"].as_str().unwrap().contains("sync.projects"));
    assert!(json["what_to_do"].as_str().unwrap().contains("extractor sync PROJ"));
}
