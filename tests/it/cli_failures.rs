//! `extractor failures`: told without Jira, retried by hand, healed or still there.

use std::time::Duration;

use jira_sim::{
    Action, Endpoint, IssueId, Rule, SimConfig, When, WorldProfile, generate, populate,
};

use crate::app::{App, new_database};
use crate::binary::{Ended, Home, Program, assert_keys};
use crate::compare::assert_equal;

const FAILURE: &str = "site project issue_id key reason category cause what_to_do attempts first_at \
                       last_at next_try";

/// A backfill of two projects that has left two issues of PROJ and one of OPS.
struct Left {
    app: App,
    home: Home,
    poisoned: [IssueId; 3],
}

impl Left {
    async fn behind() -> Self {
        let mut world = generate(&WorldProfile::new("PROJ", 40, 61).plain(600)).unwrap();
        populate(&mut world, &WorldProfile::new("OPS", 20, 62).plain(600)).unwrap();
        let app = App::with_config(SimConfig::default(), world).await;
        let nth = |project, n| app.sim.world().issues(project).nth(n).unwrap().id();
        let poisoned = [nth("PROJ", 3), nth("PROJ", 7), nth("OPS", 5)];
        // Nothing of these comes in any way.
        for (issue, action) in poisoned.into_iter().zip([
            Action::MalformedJson,
            Action::Fail(500),
            Action::MalformedJson,
        ]) {
            app.sim.faults().poison(issue, action.clone());
            let (endpoint, when) = (Endpoint::Issue, When::Always);
            app.sim.faults().add(Rule { endpoint, when, issue: Some(issue), action });
        }
        let left = Self { app, home: Home::new(), poisoned };
        left.at_jira("--backfill PROJ,OPS").run().await.with(1);
        left
    }

    fn key(&self, n: usize) -> String {
        self.app.sim.world().issue(self.poisoned[n]).unwrap().key().to_string()
    }

    /// A command that has no Jira to ask.
    fn alone(&self, arguments: &str) -> Program {
        self.home.extractor(arguments).set("database.url", &self.app.database_url)
    }

    fn at_jira(&self, arguments: &str) -> Program {
        self.home.extractor_at(&self.app, arguments).set("jira.max_attempts", "2")
    }
}

/// The keys of a list of failures.
fn keys(ended: &Ended, list: &str) -> Vec<String> {
    let mut keys: Vec<String> = ended.json()[list]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["key"].as_str().unwrap_or_else(|| entry.as_str().unwrap()).to_owned())
        .collect();
    keys.sort_unstable();
    keys
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn failures_are_told_without_jira_by_project_and_category() {
    let left = Left::behind().await;
    left.app.sim.requests().clear();
    let all = left.alone("failures --json").run().await.with(0);
    assert_keys(&all.json(), &["failures", "exit_code"]);
    assert_keys(&all.json()["failures"][0], &FAILURE.split_whitespace().collect::<Vec<_>>());
    assert_eq!(keys(&all, "failures"), sorted((0..3).map(|n| left.key(n)).collect()));
    let ops = left.alone("failures list --project OPS --json").run().await.with(0);
    assert_eq!(keys(&ops, "failures"), [left.key(2)]);
    let causes: Vec<_> = all.json()["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| failure["cause"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(sorted(causes), ["server_error", "unreadable", "unreadable"]);
    let none = left.alone("failures list --category user_fixable --json").run().await.with(0);
    assert!(keys(&none, "failures").is_empty());
    let one = left.alone("failures list --limit 1").run().await.with(0).stdout;
    assert_eq!(one.lines().count(), 2, "{one}");
    assert!(one.contains("admin_required") && one.contains("look into its log"), "{one}");
    assert!(left.app.sim.requests().all().is_empty());
}

#[tokio::test]
async fn a_database_without_failures_has_nothing_to_tell_and_nothing_to_retry() {
    let left = Left::behind().await;
    let url = new_database().await;
    let list = left.alone("failures").set("database.url", &url).run().await.with(0);
    assert!(list.stdout.contains("no failure is recorded"), "{}", list.stdout);
    let retry = left.at_jira("failures retry").set("database.url", &url).run().await.with(0);
    assert!(retry.stdout.contains("nothing to retry"), "{}", retry.stdout);
}

#[tokio::test]
async fn a_retry_heals_what_can_be_had_now_and_certifies_it() {
    let left = Left::behind().await;
    left.app.sim.faults().clear();
    let retry = left.at_jira("failures retry --json").run().await.with(0);
    let json = retry.json();
    assert_keys(&json, &["healed", "remaining", "without_failure", "runs", "exit_code"]);
    assert_eq!(keys(&retry, "healed"), sorted((0..3).map(|n| left.key(n)).collect()));
    assert!(keys(&retry, "remaining").is_empty());
    let runs = json["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for run in runs {
        assert_eq!((&run["kind"], &run["state"]), (&"delta".into(), &"completed".into()));
        assert_eq!(run["certificate"]["verdict"], "complete");
    }
    assert_eq!(left.app.number("SELECT count(*) FROM extractor.failures").await, 0);
    assert_equal(&left.app, "PROJ").await;
    assert_equal(&left.app, "OPS").await;
}

#[tokio::test]
async fn a_retry_of_some_leaves_the_others_and_tells_what_remains() {
    let left = Left::behind().await;
    left.app.sim.faults().clear();
    left.app.sim.faults().poison(left.poisoned[1], Action::WrongShape);
    left.app.sim.requests().clear();
    let named = format!("failures retry {} {} PROJ-4711", left.key(0), left.key(1));
    let retry = left.at_jira(&named).run().await.with(1).stdout;
    assert!(retry.contains(&format!("healed: {}", left.key(0))), "{retry}");
    assert!(retry.contains("not fetched whole even now: 1 issue"), "{retry}");
    assert!(retry.contains("PROJ-4711: no failure is recorded"), "{retry}");
    // The other project was left alone, its failure with it.
    let times = left.app.times_hydrated();
    assert!(!times.contains_key(&left.poisoned[2]), "{times:?}");
    let still = left.alone("failures --json").run().await.with(0);
    assert_eq!(keys(&still, "failures"), sorted(vec![left.key(1), left.key(2)]));
    let again = left.at_jira("failures retry --project OPS").run().await.with(0).stdout;
    assert!(again.contains(&format!("healed: {}", left.key(2))), "{again}");
}

#[tokio::test]
async fn a_retry_that_goes_on_with_a_run_cut_short_tries_the_failures_too() {
    let left = Left::behind().await;
    {
        let mut world = left.app.sim.world_mut();
        let id = world.issues("OPS").next().unwrap().id();
        world.edit(id, &[("summary", "changed since".into())]).unwrap();
        world.advance(Duration::from_secs(60));
    }
    left.app.sim.faults().on(Endpoint::WholeIssues, When::Always, Action::Redirect("/".into()));
    left.at_jira("sync OPS").run().await.with(65);
    left.app.sim.faults().clear();
    let retry = left.at_jira("failures retry --project OPS --json").run().await.with(0);
    assert_eq!(retry.json()["runs"][0]["resumed"], true);
    assert_eq!(keys(&retry, "healed"), [left.key(2)]);
}
