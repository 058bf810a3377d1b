//! `extractor probe`: one issue on every rung, shown while it runs, with no database.

use std::time::Duration;

use jira_sim::{
    Action, Endpoint, Gate, IssueId, Rule, SimConfig, SimServer, When, World, WorldProfile,
    generate,
};

use crate::binary::{Home, Program, assert_keys};

const RUNG: [&str; 10] = [
    "attachments",
    "bytes",
    "came",
    "changes",
    "comments",
    "elapsed_ms",
    "fields",
    "links",
    "rung",
    "waited_ms",
];

struct Site {
    sim: SimServer,
    home: Home,
    issue: IssueId,
    key: String,
}

impl Site {
    async fn with(change: impl FnOnce(&mut World, IssueId)) -> Self {
        let mut world = generate(&WorldProfile::new("PROJ", 30, 8).plain(600)).unwrap();
        let issue = world.issues("PROJ").nth(9).unwrap().id();
        change(&mut world, issue);
        world.advance(Duration::from_secs(60));
        let key = world.issue(issue).unwrap().key().to_string();
        let sim = SimServer::start(SimConfig::default(), world).await.unwrap();
        Self { sim, home: Home::new(), issue, key }
    }

    /// The command, away from any database.
    fn probe(&self, arguments: &str) -> Program {
        self.home.extractor(&format!("probe {arguments}")).jira(&self.sim)
    }

    fn spoil(&self, fields: &str, action: Action) {
        let (endpoint, issue) = (Endpoint::Fields(fields.to_owned()), Some(self.issue));
        self.sim.faults().add(Rule { endpoint, when: When::Always, issue, action });
    }
}

fn hub(world: &mut World, issue: IssueId) {
    world.add_project("FAR", "Far away");
    let far = world.create_many("FAR", 20).unwrap();
    world.make_hub(issue, &far, 600).unwrap();
}

#[tokio::test]
async fn every_rung_is_shown_with_what_it_took_and_brought() {
    let site = Site::with(|world, issue| {
        for minutes in 1..=31 {
            world.add_worklog(issue, minutes * 60).unwrap();
        }
        world.add_comment(issue, "a word").unwrap();
    })
    .await;
    let ended = site.probe(&format!("{} --json", site.key)).run().await.with(0);
    let json = ended.json();
    assert_eq!((&json["key"], &json["id"]), (&site.key.clone().into(), &site.issue.into()));
    assert_eq!((&json["stored_on"], &json["whole"]), (&"full".into(), &true.into()));
    let rungs = json["rungs"].as_array().unwrap();
    let names: Vec<&str> = rungs.iter().map(|rung| rung["rung"].as_str().unwrap()).collect();
    assert_eq!(names, ["full", "hub", "links", "minimal"]);
    for rung in rungs {
        assert_keys(rung, &[&RUNG[..], &["worklogs"]].concat());
        assert!(rung["came"].as_bool().unwrap() && rung["bytes"].as_u64().unwrap() > 0, "{rung}");
    }
    assert_eq!(rungs[0]["worklogs"], serde_json::json!({"expected": 31, "held": 20}));
    assert_eq!(rungs[1]["links"], serde_json::Value::Null);
    assert_eq!(rungs[3]["comments"], serde_json::Value::Null);

    let text = site.probe(&site.key).run().await.with(0).stdout;
    assert!(text.contains("20 of 31 worklogs"), "{text}");
    assert!(text.contains("would be stored on full"), "{text}");
    assert_eq!(text.lines().count(), 6, "{text}");
}

#[tokio::test]
async fn a_hub_is_shown_rung_by_rung_while_it_runs() {
    let site = Site::with(hub).await;
    let (fuse, links) = (Gate::new(), Gate::new());
    site.spoil("*all", Action::StallUntil(fuse.clone()));
    site.spoil("issuelinks", Action::StallUntil(links.clone()));
    let mut running = site.probe(&site.key).set("jira.timeout", "1s").start();
    links.reached_by(1).await;
    running.shows("hub ").await;
    running.shows("did not answer issue within 1s").await;
    links.release();
    let text = running.ended().await.with(0).stdout;
    assert!(text.contains("600 links"), "{text}");
    assert!(text.contains("would be stored on hub: whole"), "{text}");
    fuse.release();
}

#[tokio::test]
async fn an_issue_that_would_not_be_stored_whole_ends_with_one() {
    let site = Site::with(hub).await;
    site.spoil("*all", Action::MalformedJson);
    site.spoil("issuelinks", Action::MalformedJson);
    let json = site.probe(&format!("{} --json", site.key)).run().await.with(1).json();
    assert_eq!((&json["stored_on"], &json["whole"]), (&"hub".into(), &false.into()));
    site.spoil("*all,-issuelinks", Action::MalformedJson);
    let json = site.probe(&format!("{} --json", site.key)).run().await.with(1).json();
    assert_eq!(json["stored_on"], "minimal");
    assert!(json["rungs"][1]["error"].as_str().unwrap().contains("not the expected JSON"));
}

#[tokio::test]
async fn an_issue_that_is_not_there_is_named() {
    let site = Site::with(|_, _| {}).await;
    site.probe("PROJ-99999").run().await.with(77).complaining("there is no issue PROJ-99999");
    site.probe("proj-1").run().await.with(64).complaining("did you mean PROJ-1?");
}
