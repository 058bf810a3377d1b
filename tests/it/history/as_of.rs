//! `jira.issue_as_of` is what the simulator knows that issues were.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use extractor::model::Verdict;
use jira_sim::{
    Flavor, Issue, IssueId, LiveScript, Millis, Random, SimConfig, World, WorldProfile, Written,
    account_id, generate, jira_text,
};
use serde_json::Value;

use super::rows;
use crate::app::{App, SITE};

const ISSUES: usize = 600;
const PICKED: usize = 200;
const INSTANTS: usize = 20;
/// Fields whose texts Cloud writes as documents, which the changelog does not.
const BODIES: [&str; 2] = ["description", "environment"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn issues_of_server_are_at_any_instant_what_they_were() {
    equal_at_any_instant(SimConfig::default(), 51).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn issues_of_cloud_are_at_any_instant_what_they_were() {
    let config = SimConfig { flavor: Flavor::Cloud, ..SimConfig::default() };
    equal_at_any_instant(config, 52).await;
}

/// A generated project, edited, moved and imported into since.
fn world(seed: u64) -> World {
    let mut world = generate(&WorldProfile::new("PROJ", ISSUES, seed)).unwrap();
    world.add_project("SIDE", "Side");
    let mut script = LiveScript::new("PROJ", seed);
    let mut random = Random::new(seed);
    for step in 0..300 {
        world.advance(Duration::from_secs(97));
        script.step(&mut world).unwrap();
        let ids: Vec<IssueId> = world.issues("PROJ").map(Issue::id).collect();
        let id = *random.pick(&ids).unwrap();
        let status = *random.pick(&["Open", "In Progress", "Closed"]).unwrap();
        world
            .edit(id, &[("status", status.into()), ("labels", vec!["one", "two"].into())])
            .unwrap();
        if step % 30 == 0 {
            let away = *random.pick(&ids).unwrap();
            world.move_issue(away, "SIDE").unwrap();
            world.move_issue(away, "PROJ").unwrap();
        }
    }
    world.advance(Duration::from_secs(3_600));
    world
}

async fn equal_at_any_instant(config: SimConfig, seed: u64) {
    let cloud = config.flavor == Flavor::Cloud;
    let app = App::with_config(config, world(seed)).await;
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete, "{report:?}");
    assert_eq!(report.certificate.details.unreplayed, 0);
    assert_eq!(app.number("SELECT count(*) FROM extractor.replay_findings").await, 0);

    let mut random = Random::new(seed);
    let (mut absent, mut compared) = (0, 0);
    let bodies: BTreeSet<String> =
        rows(&app, "SELECT id FROM jira.fields WHERE raw #>> '{schema,custom}' LIKE '%:textarea'")
            .await
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .chain(BODIES.map(str::to_owned))
            .collect();
    let picked = picked(&app.sim.world(), &mut random);
    for id in picked {
        let instants = instants(&app.sim.world(), id, &mut random);
        let found = as_of(&app, id, &instants).await;
        for (at, found) in instants.into_iter().zip(&found) {
            let expected = app.sim.world().fields_at(id, at);
            let (Some(expected), Some(found)) = (&expected, found) else {
                assert!(
                    expected.is_none() && found.is_none(),
                    "{id} at {at}: {expected:?} {found:?}"
                );
                absent += 1;
                continue;
            };
            compare(expected, found, cloud, &bodies, &format!("{id} at {at}"));
            compared += 1;
        }
    }
    assert_eq!(absent + compared, PICKED * INSTANTS);
    assert!(absent > PICKED && compared > absent, "{absent} {compared}");
}

fn picked(world: &World, random: &mut Random) -> Vec<IssueId> {
    let mut ids: Vec<IssueId> = world.issues("PROJ").map(Issue::id).collect();
    (0..PICKED).map(|_| ids.swap_remove(random.below(ids.len()))).collect()
}

/// Any time from before the issue was created until now; a third of them at the very instant of a
/// change, a third just before one.
fn instants(world: &World, id: IssueId, random: &mut Random) -> Vec<Millis> {
    let created = world.issue(id).unwrap().created().unwrap();
    let changes = world.changes_of(id);
    let first = created - 86_400_000;
    let span = usize::try_from(world.now() - first).unwrap();
    (0..INSTANTS)
        .map(|n| match (n, random.pick(&changes)) {
            (0, _) => created - 1,
            (1, _) => world.now(),
            (_, Some(change)) if n % 3 == 0 => *change,
            (_, Some(change)) if n % 3 == 1 => change - 1,
            _ => first + random.below(span) as Millis,
        })
        .collect()
}

/// The issue at each of the instants.
async fn as_of(app: &App, id: IssueId, instants: &[Millis]) -> Vec<Option<Value>> {
    let zone = app.sim.world().zone();
    let texts: Vec<String> = instants.iter().map(|at| jira_text(*at, zone)).collect();
    let sql = format!(
        "SELECT n, to_jsonb(a) AS issue
         FROM unnest('{{{}}}'::timestamptz[]) WITH ORDINALITY AS t(at, n)
             LEFT JOIN LATERAL (
                 SELECT * FROM jira.issue_as_of(t.at)
                 WHERE site = '{SITE}' AND issue_id = {id}) AS a ON true
         ORDER BY n",
        texts.join(",")
    );
    let found = rows(app, &sql).await;
    found.into_iter().map(|row| Some(row["issue"].clone()).filter(|row| !row.is_null())).collect()
}

fn compare(
    expected: &BTreeMap<String, Written>,
    found: &Value,
    cloud: bool,
    bodies: &BTreeSet<String>,
    context: &str,
) {
    let values = found["values"].as_object().unwrap();
    let names = |names: Vec<&String>| names.into_iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(expected.keys().collect()), names(values.keys().collect()), "{context}");
    for (field, expected) in expected {
        let value = &values[field];
        let context = format!("{context}, {field}: {expected:?} {value}");
        let id = match (&expected.id, value["id"].as_str()) {
            (Some(id), Some(found)) if cloud && account_id(id) == found => Some(found.to_owned()),
            (id, _) => id.clone(),
        };
        assert_eq!(sorted(id.as_deref()), sorted(value["id"].as_str()), "{context}");
        if expected.exact && !(cloud && bodies.contains(field)) {
            let found = value["text"].as_str();
            let equal = match field.as_str() {
                "fixVersions" | "versions" | "components" => {
                    sorted(expected.text.as_deref()) == sorted(found)
                }
                _ => expected.text.as_deref() == found,
            };
            assert!(equal, "{context}");
        }
    }
    let text = |field: &str| expected.get(field).and_then(|value| value.text.clone());
    for (column, field) in [
        ("key", "key"),
        ("summary", "summary"),
        ("status", "status"),
        ("issue_type", "issuetype"),
        ("priority", "priority"),
        ("resolution", "resolution"),
        ("due", "duedate"),
    ] {
        assert_eq!(found[column].as_str().map(str::to_owned), text(field), "{context}, {column}");
    }
    let project = text("key").unwrap().split('-').next().unwrap().to_owned();
    assert_eq!(found["project_key"], project.as_str());
    assert_eq!(
        found["assignee_id"],
        values.get("assignee").map_or(&Value::Null, |v| &v["id"]).clone()
    );
    let list = |column: &str| {
        let names: Vec<&str> =
            found[column].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        names.join(", ")
    };
    for (column, field) in [
        ("fix_versions", "fixVersions"),
        ("affects_versions", "versions"),
        ("components", "components"),
    ] {
        assert_eq!(
            sorted(Some(&list(column))),
            sorted(Some(&text(field).unwrap_or_default())),
            "{context}"
        );
    }
    assert_eq!(list("labels").replace(", ", " "), text("labels").unwrap_or_default(), "{context}");
}

/// The order of a list says nothing.
fn sorted(list: Option<&str>) -> Option<Vec<String>> {
    let mut parts: Vec<String> =
        list?.trim_matches(['[', ']']).split(", ").map(str::to_owned).collect();
    parts.sort();
    Some(parts)
}
