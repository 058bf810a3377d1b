//! Answers that are not what was asked for, at any place of a run: it ends equal, or fails with the
//! error that names what came; and the next run ends equal.

use extractor::jira::JiraError;
use extractor::model::{RunKind, RunState, Verdict};
use extractor::sync::{RunReport, SyncError};
use jira_sim::{Action, Endpoint, When, World, WorldProfile, populate};
use rstest::rstest;

use crate::app::App;
use crate::compare::{assert_equal, assert_nothing_wrong};

const ISSUES: usize = 48;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Middle,
    Last,
}

/// How long it lasts: one request, or until it is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lasting {
    Once,
    On,
}

#[rstest]
#[case::a_redirect(Action::Redirect("/login.jsp".to_owned()))]
#[case::a_login_page(Action::LoginPage)]
#[case::malformed_json(Action::MalformedJson)]
#[case::another_shape(Action::WrongShape)]
#[case::a_truncated_body(Action::Truncate(40))]
#[case::a_reset(Action::Reset)]
#[case::a_server_error(Action::Fail(503))]
#[case::a_server_error_after_the_effect(Action::FailAfterEffect(500))]
#[tokio::test]
async fn a_run_survives_or_names(#[case] action: Action) {
    let cases: Vec<(Endpoint, Place, Lasting)> = [Endpoint::SearchListing, Endpoint::SearchHydrate]
        .into_iter()
        .flat_map(|endpoint| {
            [Place::First, Place::Middle, Place::Last].map(|place| (endpoint.clone(), place))
        })
        .flat_map(|(endpoint, place)| {
            [Lasting::Once, Lasting::On].map(|lasting| (endpoint.clone(), place, lasting))
        })
        .collect();
    let mut world = World::new(1_577_836_800_000);
    for n in 0..=cases.len() {
        populate(&mut world, &WorldProfile::new(&format!("P{n}"), ISSUES, n as u64).plain(400))
            .unwrap();
    }
    let mut app = App::new(world).await;
    app.options.page_rows = 16;
    app.options.batch_size = 8;
    app.options.max_in_flight = 1;
    // Every project is as large, so one of them tells which request is the last of its kind.
    app.watched(&format!("P{}", cases.len()), RunKind::Backfill).await.unwrap();
    let last_page = app.sim.requests().listings().len() as u64;
    let last_batch = app.sim.requests().hydrations().len() as u64;
    for (n, (endpoint, place, lasting)) in cases.into_iter().enumerate() {
        let project = format!("P{n}");
        let last = if endpoint == Endpoint::SearchListing { last_page } else { last_batch };
        let nth = match place {
            Place::First => 1,
            Place::Middle => last / 2,
            Place::Last => last,
        };
        let when = match lasting {
            Lasting::Once => When::Nth(nth),
            Lasting::On => When::Range(nth..=u64::MAX),
        };
        let context = format!("{action:?} {endpoint:?} {place:?} {lasting:?}");
        let process = app.process().await;
        let rule = app.sim.faults().on(endpoint, when, action.clone());
        let request = crate::app::request(&project, RunKind::Backfill);
        let ended = process.engine.run_project(&request).await;
        process.session.close().await.unwrap();
        assert!(app.sim.faults().hits(rule) > 0, "{context}: not hit");
        app.sim.faults().clear();
        assert_outcome(&ended, &action, lasting, &context);
        assert_nothing_wrong(&app, &project).await;
        if ended.is_ok_and(|report| report.state == RunState::Completed) {
            assert_equal(&app, &project).await;
        }
        let report = app.backfill(&project).await.unwrap();
        assert_eq!(report.state, RunState::Completed, "{context}: {report:?}");
        assert_eq!(report.certificate.verdict, Verdict::Complete, "{context}");
        assert_equal(&app, &project).await;
    }
    assert_eq!(app.number("SELECT count(*) FROM extractor.failures").await, 0);
    assert_eq!(app.number("SELECT count(*) FROM extractor.pending").await, 0);
}

fn assert_outcome(
    ended: &Result<RunReport, SyncError>,
    action: &Action,
    lasting: Lasting,
    context: &str,
) {
    let error = match ended {
        // Whatever could not be had is named as a failure.
        Ok(report) => {
            let named = report.certificate.verdict == Verdict::Failures;
            assert!(report.state == RunState::Completed || named, "{context}: {report:?}");
            return;
        }
        Err(SyncError::Jira(error)) => error,
        Err(error) => panic!("{context}: {error:?}"),
    };
    let names_it = match action {
        Action::Redirect(_) => matches!(error, JiraError::Redirected { .. }),
        Action::Reset => matches!(error, JiraError::Unreachable { .. }),
        Action::Fail(_) | Action::FailAfterEffect(_) => {
            matches!(error, JiraError::Unavailable { .. })
        }
        _ => matches!(error, JiraError::BadData { .. }),
    };
    assert!(names_it, "{context}: {error:?}");
    // Asking again would bring the same: a maintenance page, another application.
    let is_final = matches!(action, Action::Redirect(_) | Action::WrongShape);
    assert!(lasting == Lasting::On || is_final, "{context}: once is not the end: {error:?}");
}
