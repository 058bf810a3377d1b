//! Every scripted fault at every place of a run: it ends equal, or fails with the error that names
//! what came; the next run ends equal; and nothing is asked before Jira allows it.

use std::sync::Arc;
use std::time::Duration;

use extractor::jira::{Credentials, JiraError};
use extractor::model::{RunKind, RunState, Verdict};
use extractor::seek::ScanError;
use extractor::sync::{RunReport, SyncError};
use jira_sim::populate;
use jira_sim::{
    Action, Auth, CloudSite, Endpoint, Flavor, Gate, IssueId, RetryAfter, SimConfig, TokenFault,
    When, World, WorldProfile,
};
use rstest::rstest;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::app::{App, request};
use crate::compare::{assert_equal, differences};

const ISSUES: usize = 36;
/// Issues with more worklogs than come inline, and on Cloud with more changes.
const LONG_LISTS: usize = 6;
/// Runs under way at once, of both flavours together; most of them wait.
static PLACES: Semaphore = Semaphore::const_new(24);
const TOKEN: &str = "let-me-in";
/// The client's patience where a fault makes it wait for an answer.
const IMPATIENT: Duration = Duration::from_millis(1_500);

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

#[derive(Debug, Clone)]
struct Case {
    action: Action,
    endpoint: Endpoint,
    place: Place,
    lasting: Lasting,
}

impl Case {
    fn name(&self) -> String {
        let Self { action, endpoint, place, lasting } = self;
        let action = match action {
            Action::StallUntil(_) => "StallUntil".to_owned(),
            action => format!("{action:?}"),
        };
        format!("{action} {endpoint:?} {place:?} {lasting:?}")
    }
}

fn actions() -> Vec<Action> {
    let second = Duration::from_secs(1);
    vec![
        Action::TooManyRequests(RetryAfter::Seconds(1)),
        Action::TooManyRequests(RetryAfter::Date(second)),
        Action::TooManyRequests(RetryAfter::Absent),
        Action::FailRetryAfter(503, RetryAfter::Seconds(1)),
        Action::Fail(500),
        Action::FailAfterEffect(500),
        Action::Reset,
        Action::Truncate(40),
        Action::StallUntil(Gate::new()),
        Action::LoginPage,
        Action::Redirect("/login.jsp".to_owned()),
        Action::MalformedJson,
        Action::WrongShape,
        Action::Anonymous,
    ]
}

/// What only Cloud does: it errs with page tokens, and leaves out fields and issues.
fn cases_of_cloud() -> Vec<Case> {
    use Endpoint::{Children, SearchHydrate, SearchListing, WholeIssues};
    let some = long_lists(&world("SOME"), "SOME");
    let tokens = [
        TokenFault::Dropped,
        TokenFault::Repeated,
        TokenFault::Refused,
        TokenFault::Expired,
        TokenFault::EmptyPage,
        TokenFault::RowsAgain,
    ];
    let tokens = tokens.map(|fault| (Action::Token(fault), vec![SearchListing]));
    let fields = ["status", "comment", "issuelinks"].map(str::to_owned).map(Action::OmitField);
    let fields = fields.map(|field| (field, vec![SearchHydrate, WholeIssues]));
    let issues = (Action::OmitIssues(some), vec![SearchListing, SearchHydrate, Children]);
    let mut cases = Vec::new();
    for (action, endpoints) in tokens.into_iter().chain(fields).chain([issues]) {
        for endpoint in endpoints {
            for place in [Place::First, Place::Middle, Place::Last] {
                let (action, endpoint) = (action.clone(), endpoint.clone());
                cases.push(Case { action, endpoint, place, lasting: Lasting::Once });
            }
            let (action, place) = (action.clone(), Place::First);
            cases.push(Case { action, endpoint, place, lasting: Lasting::On });
        }
    }
    cases
}

fn cases(flavor: Flavor) -> Vec<Case> {
    let mut cases = cases_of_both();
    match flavor {
        Flavor::Server => {}
        Flavor::Cloud => cases.extend(cases_of_cloud()),
    }
    // What takes longest goes first.
    let is_strict = |case: &Case| case.endpoint == Endpoint::WholeIssues;
    cases.sort_by_key(|case| {
        (case.lasting == Lasting::Once, !is_strict(case), case.endpoint != Endpoint::Children)
    });
    cases
}

fn cases_of_both() -> Vec<Case> {
    let mut cases = Vec::new();
    for action in actions() {
        for endpoint in [Endpoint::SearchListing, Endpoint::SearchHydrate, Endpoint::Children] {
            for place in [Place::First, Place::Middle, Place::Last] {
                let mut add = |lasting| {
                    let (action, endpoint) = (action.clone(), endpoint.clone());
                    cases.push(Case { action, endpoint, place, lasting });
                };
                add(Lasting::Once);
                // Seconds of waiting for every issue alone, from wherever on, say no more.
                let waits = matches!(action, Action::StallUntil(_) | Action::FailRetryAfter(..));
                let is_costly = endpoint != Endpoint::SearchListing && place != Place::Middle;
                if !waits && !is_costly {
                    add(Lasting::On);
                }
            }
        }
    }
    cases
}

/// A project whose name is its own, among other things so that runs share one database.
fn world(project: &str) -> World {
    let mut world = World::new(1_577_836_800_000);
    populate(&mut world, &WorldProfile::new(project, ISSUES, 7).plain(400)).unwrap();
    for id in long_lists(&world, project) {
        for minutes in 1..=23 {
            world.add_worklog(id, 60 * minutes).unwrap();
        }
        world.advance(Duration::from_secs(61));
    }
    world.advance(Duration::from_secs(3_600));
    world
}

fn long_lists(world: &World, project: &str) -> Vec<IssueId> {
    world.issues(project).map(jira_sim::Issue::id).step_by(ISSUES / LONG_LISTS).collect()
}

/// How many requests of each kind an undisturbed run makes.
struct Course {
    listing: u64,
    hydration: u64,
    whole: u64,
    children: u64,
}

impl Course {
    async fn of(app: &App, project: &str) -> Self {
        let report = app.watched(project, RunKind::Backfill).await.unwrap();
        assert_eq!(report.certificate.verdict, Verdict::Complete, "{report:?}");
        assert_equal(app, project).await;
        let count = |endpoint: Endpoint| {
            app.sim.requests().count(|record| endpoint.matches(&record.seen)) as u64
        };
        let course = Self {
            listing: count(Endpoint::SearchListing),
            hydration: count(Endpoint::SearchHydrate),
            whole: count(Endpoint::WholeIssues),
            children: count(Endpoint::Children),
        };
        assert!(course.listing >= 3 && course.hydration >= 3 && course.children >= 3);
        course
    }

    fn nth(&self, endpoint: &Endpoint, place: Place) -> u64 {
        let last = match endpoint {
            Endpoint::SearchListing => self.listing,
            Endpoint::SearchHydrate => self.hydration,
            Endpoint::WholeIssues => self.whole,
            _ => self.children,
        };
        match place {
            Place::First => 1,
            Place::Middle => last.div_ceil(2),
            Place::Last => last,
        }
    }
}

/// Cloud, where changelogs are cut short too.
fn cloud() -> SimConfig {
    let cloud = CloudSite { inline_changelog: 10, ..CloudSite::default() };
    SimConfig { cloud, ..SimConfig::cloud() }
}

#[rstest]
#[case::server(SimConfig::default())]
#[case::cloud(cloud())]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_comes_a_run_ends_equal_or_names_it(#[case] config: SimConfig) {
    let config = SimConfig { auth: Auth::token(TOKEN), ..config };
    let mut base = App::with_config(config.clone(), world("CLEAN")).await;
    base.options.page_rows = 12;
    base.options.batch_size = 6;
    base.options.max_in_flight = 1;
    base.options.credentials = Credentials::Bearer(TOKEN.into());
    let course = Arc::new(Course::of(&base, "CLEAN").await);
    let base = Arc::new(base);
    let mut runs = JoinSet::new();
    for (n, case) in cases(config.flavor).into_iter().enumerate() {
        let (base, course, config) = (Arc::clone(&base), Arc::clone(&course), config.clone());
        runs.spawn(async move {
            let _place = PLACES.acquire().await.unwrap();
            let project = format!("P{n}");
            let mut app = base.beside(project.clone(), config, world(&project)).await;
            if matches!(case.action, Action::StallUntil(_)) {
                app.options.timeout = IMPATIENT;
            }
            let name = case.name();
            let hurt = tokio::spawn(async move { suffer(&app, &project, &case, &course).await });
            hurt.await.map_err(|_| name)
        });
    }
    let all = runs.len();
    let ended = runs.join_all().await;
    let failed: Vec<String> = ended.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{} of {all} cases failed: {failed:#?}", failed.len());
    for table in ["failures", "pending", "incomplete_issues"] {
        let left = base.number(&format!("SELECT count(*) FROM extractor.{table}")).await;
        assert_eq!(left, 0, "{table}");
    }
}

/// One run with the fault, and one without it.
async fn suffer(app: &App, project: &str, case: &Case, course: &Course) {
    let context = case.name();
    let nth = course.nth(&case.endpoint, case.place);
    let when = match case.lasting {
        Lasting::Once => When::Nth(nth),
        Lasting::On => When::Range(nth..=u64::MAX),
    };
    let process = app.process().await;
    let rule = app.sim.faults().on(case.endpoint.clone(), when, case.action.clone());
    let ended = process.engine.run_project(&request(project, RunKind::Backfill)).await;
    process.session.close().await.unwrap();
    assert!(app.sim.faults().hits(rule) > 0, "{context}: not hit");
    app.sim.faults().clear();
    assert_eq!(app.sim.requests().violations(), [], "{context}");
    assert_outcome(&ended, case);
    assert_nothing_wrong(app, project, case).await;
    if ended.is_ok_and(|report| report.state == RunState::Completed) {
        assert_equal(app, project).await;
    }
    make_failures_due(app).await;
    let report = app.backfill(project).await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{context}: {report:?}");
    assert_eq!(report.certificate.verdict, Verdict::Complete, "{context}");
    assert_equal(app, project).await;
}

/// Lets the time pass that the failures of this site wait before they are tried again.
async fn make_failures_due(app: &App) {
    sqlx::query("UPDATE extractor.failures SET next_try = clock_timestamp() WHERE site = $1")
        .bind(&app.options.site)
        .execute(&app.pool)
        .await
        .unwrap();
}

fn assert_outcome(ended: &Result<RunReport, SyncError>, case: &Case) {
    let context = case.name();
    let error = match ended {
        // Whatever could not be had is named as a failure, and what is not shown as missing.
        Ok(report) => {
            let named = match report.certificate.verdict {
                Verdict::Complete => false,
                Verdict::Failures => true,
                Verdict::Missing => is_about_listings(case),
            };
            assert!(report.state == RunState::Completed || named, "{context}: {report:?}");
            return;
        }
        Err(SyncError::Scan { source: ScanError::TokensBroken { .. }, .. }) => {
            let lasts = case.lasting == Lasting::On;
            assert!(lasts && matches!(case.action, Action::Token(_)), "{context}: {ended:?}");
            return;
        }
        Err(SyncError::Jira(error)) => error,
        Err(error) => panic!("{context}: {error:?}"),
    };
    assert!(names(&case.action, error), "{context}: {error:?}");
    // Asking again would bring the same: a maintenance page, another application, no log-in.
    let is_final =
        matches!(case.action, Action::Redirect(_) | Action::WrongShape | Action::Anonymous);
    assert!(case.lasting == Lasting::On || is_final, "{context}: once is not the end: {error:?}");
}

/// Whether the error says what came.
fn names(action: &Action, error: &JiraError) -> bool {
    match action {
        Action::TooManyRequests(_) => matches!(error, JiraError::RateLimited { .. }),
        Action::Redirect(_) => matches!(error, JiraError::Redirected { .. }),
        Action::Reset => matches!(error, JiraError::Unreachable { .. }),
        Action::Fail(_) | Action::FailAfterEffect(_) | Action::FailRetryAfter(..) => {
            matches!(error, JiraError::Unavailable { .. })
        }
        Action::Stall(_) | Action::StallUntil(_) => matches!(error, JiraError::Timeout { .. }),
        Action::Anonymous => {
            matches!(error, JiraError::NotLoggedIn { .. } | JiraError::Unauthorized { .. })
        }
        _ => matches!(error, JiraError::BadData { .. }),
    }
}

/// Whether Jira's search may show some issues in no listing, so that nothing but its own estimate
/// tells of them.
fn is_about_listings(case: &Case) -> bool {
    let lasts = case.lasting == Lasting::On;
    match case.action {
        Action::OmitIssues(_) => lasts && case.endpoint == Endpoint::SearchListing,
        Action::Token(_) => true,
        _ => false,
    }
}

/// The beginnings of what is said of issues of which it is known, and retried, that they lack
/// something.
async fn not_whole(app: &App) -> Vec<String> {
    let keys: Vec<(String,)> = sqlx::query_as(
        "SELECT key || ' ' FROM extractor.incomplete_issues i WHERE site = $1
           AND EXISTS (SELECT FROM extractor.failures f
               WHERE f.site = i.site AND f.issue_id = i.issue_id)
         UNION SELECT key || ' ' FROM extractor.failures
         WHERE site = $1 AND cause = 'lacking_fields'",
    )
    .bind(&app.options.site)
    .fetch_all(&app.pool)
    .await
    .unwrap();
    keys.into_iter().map(|(key,)| key).collect()
}

/// What is stored is as the world holds it. Issues may be missing; where the children failed,
/// children of issues that are still to be completed; and fields of issues that are known not to be
/// whole.
async fn assert_nothing_wrong(app: &App, project: &str, case: &Case) {
    let named = match case.action {
        Action::OmitField(_) => not_whole(app).await,
        _ => Vec::new(),
    };
    let mut differences = differences(app, project).await;
    differences.retain(|difference| {
        let children = [" worklogs: ", " changes: "];
        let lacks_children = children.iter().any(|list| difference.contains(list))
            && difference.ends_with("[] found");
        let excused = case.endpoint == Endpoint::Children && lacks_children;
        let lacks_field = [" null found", " None found", " [] found"];
        let lacks_field = lacks_field.iter().any(|end| difference.ends_with(end));
        let is_named = lacks_field && named.iter().any(|key| difference.starts_with(key));
        !difference.ends_with(" is missing") && !excused && !is_named
    });
    assert!(differences.is_empty(), "{}: {differences:#?}", case.name());
}
