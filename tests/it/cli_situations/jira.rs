//! What can be wrong with Jira, with the account, and with what stands between.

use std::net::TcpListener;

use jira_sim::{Action, Endpoint, Gate, RetryAfter, SimConfig, SimServer, When, World};

use super::*;

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let case = Case::new().await;
    let program = case.backfill().set("jira.token", WRONG_TOKEN);
    case.fails(&program, 77, "refused the credentials").await;
    assert_eq!(case.app.number("SELECT count(*) FROM extractor.runs").await, 0);
    case.ends_well().await;
}

#[tokio::test]
async fn an_expired_token_that_jira_answers_as_a_visitor_is_refused() {
    let case = Case::new().await;
    case.app.sim.configure(|config| config.auth.expired = true);
    case.fails(&case.backfill(), 77, "did not log us in").await;
    assert_eq!(case.app.number("SELECT count(*) FROM extractor.runs").await, 0);
    case.app.sim.configure(|config| config.auth.expired = false);
    case.ends_well().await;
}

#[tokio::test]
async fn a_token_that_expires_in_the_middle_stops_the_run_which_then_goes_on() {
    let case = Case::new().await;
    case.fault(Endpoint::SearchHydrate, When::Range(3..=u64::MAX), Action::Anonymous);
    case.fails(&case.backfill(), 77, "did not log us in").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_forbidden_project_is_refused() {
    let case = Case::new().await;
    case.app.sim.world_mut().forbid_project(PROJECT, true);
    case.fails(&case.backfill(), 77, "project PROJ does not exist, or this account may not").await;
    case.app.sim.world_mut().forbid_project(PROJECT, false);
    case.ends_well().await;
}

#[tokio::test]
async fn an_archived_project_is_refused() {
    let case = Case::new().await;
    case.app.sim.world_mut().archive_project(PROJECT, true);
    case.fails(&case.backfill(), 77, "project PROJ is archived").await;
    case.app.sim.world_mut().archive_project(PROJECT, false);
    case.ends_well().await;
}

#[tokio::test]
async fn an_unknown_project_is_refused() {
    let case = Case::new().await;
    let program = case.backfill().arguments(&["--backfill", "NOPE"]);
    let told = program.run().await.with(1).complaining("project NOPE does not exist");
    assert_no_secret(&told);
    let alone = case.home.extractor_at(&case.app, "backfill NOPE").set("jira.token", TOKEN);
    let alone = alone.set("database.url", &case.database_url());
    case.fails(&alone, 77, "project NOPE does not exist").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_host_without_an_address_is_unreachable() {
    let case = Case::new().await;
    let program = case.backfill().set("jira.base_url", "https://jira.invalid");
    case.fails(&program, 69, "no answer from Jira at jira.invalid").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_host_that_hangs_up_is_unreachable() {
    let case = Case::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let program = case.backfill().set("jira.base_url", &format!("http://{address}"));
    case.fails(&program, 69, "no answer from Jira at 127.0.0.1").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_login_page_is_no_data() {
    let case = Case::new().await;
    case.fault(Endpoint::Any, When::Always, Action::LoginPage);
    case.fails(&case.backfill(), 65, "not the expected JSON").await;
    assert_eq!(case.app.number("SELECT count(*) FROM extractor.runs").await, 0);
    case.ends_well().await;
}

#[tokio::test]
async fn a_redirect_to_a_login_host_is_not_followed() {
    let case = Case::new().await;
    let login = SimServer::start(SimConfig::default(), World::new(0)).await.unwrap();
    let there = format!("{}/login", login.base_url());
    case.fault(Endpoint::Any, When::Always, Action::Redirect(there));
    case.fails(&case.backfill(), 65, "this is a log-in page").await;
    assert!(login.requests().all().is_empty(), "the log-in host was asked");
    case.ends_well().await;
}

#[tokio::test]
async fn a_login_host_that_steps_in_later_is_not_followed_either() {
    let case = Case::new().await;
    let login = SimServer::start(SimConfig::default(), World::new(0)).await.unwrap();
    let there = format!("{}/login", login.base_url());
    case.fault(Endpoint::SearchHydrate, When::Range(2..=u64::MAX), Action::Redirect(there));
    case.fails(&case.backfill(), 65, "this is a log-in page").await;
    assert!(login.requests().all().is_empty(), "the log-in host was asked");
    case.ends_well().await;
}

#[tokio::test]
async fn a_project_that_another_process_holds_is_named_with_who_and_since_when() {
    let case = Case::new().await;
    let gate = Gate::new();
    case.fault(Endpoint::SearchHydrate, When::Nth(1), Action::StallUntil(gate.clone()));
    let first = case.backfill().start();
    gate.reached_by(1).await;
    let sharing = "SELECT count(*) FROM extractor.live_workers WHERE site IS NOT NULL";
    assert_eq!(case.app.number(sharing).await, 1);
    let sentence = format!("PROJ is being extracted by process {} on ", first.pid());
    let told = case.fails(&case.backfill(), 75, &sentence).await;
    assert!(told.complaint().contains(" since 20"), "{}", told.complaint());
    gate.release();
    first.ended().await.with(0);
    assert_equal(&case.app, PROJECT).await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_rate_limit_beyond_what_is_granted_means_to_come_back() {
    let case = Case::new().await;
    let an_hour = RetryAfter::Seconds(3_600);
    case.fault(Endpoint::SearchHydrate, When::Range(2..=999), Action::TooManyRequests(an_hour));
    case.fails(&case.backfill(), 75, "limits our rate").await;
    // The next process is told by the database, and asks Jira nothing; nor does a dry run.
    case.app.sim.requests().clear();
    for flags in [&[][..], &["--dry-run"]] {
        let program = case.backfill().arguments(flags);
        case.fails(&program, 75, "limits our rate; not before 20").await;
    }
    assert_eq!(case.app.sim.requests().all().len(), 0);
    case.execute("DELETE FROM extractor.throttles").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_rate_limit_at_the_very_start_is_remembered_as_well() {
    let case = Case::new().await;
    let an_hour = RetryAfter::Seconds(3_600);
    case.fault(Endpoint::Any, When::Always, Action::TooManyRequests(an_hour));
    case.fails(&case.backfill(), 75, "limits our rate").await;
    case.app.sim.requests().clear();
    case.fails(&case.backfill(), 75, "limits our rate").await;
    assert_eq!(case.app.sim.requests().all().len(), 0);
}

#[tokio::test]
async fn a_jira_that_is_in_maintenance_is_unavailable() {
    let case = Case::new().await;
    case.fault(Endpoint::Any, When::Always, Action::Fail(503));
    case.fails(&case.backfill(), 69, "with status 503").await;
    assert_eq!(case.app.number("SELECT count(*) FROM extractor.runs").await, 0);
    case.ends_well().await;
}

#[tokio::test]
async fn a_context_path_that_is_forgotten_is_a_matter_of_configuration() {
    let case = Case::new().await;
    let deeper = format!("{}/jira", case.app.sim.base_url());
    let program = case.backfill().set("jira.base_url", &deeper);
    case.fails(&program, 78, "is jira.base_url right, with its context path?").await;
    case.ends_well().await;
}
