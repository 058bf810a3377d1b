//! Generated worlds, and worlds of real payloads where there are any.

use std::path::PathBuf;

use jira_sim::{SimConfig, WorldProfile, generate, load_payloads, populate};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::site::Site;

#[test]
fn a_seed_means_one_world() {
    let world = generate(&WorldProfile::new("GEN", 300, 11)).unwrap();
    let again = generate(&WorldProfile::new("GEN", 300, 11)).unwrap();
    let other = generate(&WorldProfile::new("GEN", 300, 12)).unwrap();
    let text = |world: &jira_sim::World| -> Vec<String> {
        world.issues("GEN").map(|issue| issue.fields_json() + &issue.changelog_json()).collect()
    };
    assert_eq!(text(&world), text(&again));
    assert_ne!(text(&world), text(&other));
    assert_eq!(world.visible_issues("GEN").count(), 300);
}

#[test]
fn a_realistic_world_has_what_real_ones_have() {
    let mut world = generate(&WorldProfile::new("GEN", 2_500, 5)).unwrap();
    populate(&mut world, &WorldProfile::new("NEXT", 50, 6)).unwrap();
    let issues: Vec<_> = world.visible_issues("GEN").collect();
    let count = |matches: &dyn Fn(&jira_sim::Issue) -> bool| {
        issues.iter().filter(|issue| matches(issue)).count()
    };
    let text = issues.iter().map(|issue| issue.fields_json()).collect::<Vec<_>>();
    for body in &text {
        serde_json::from_str::<&RawValue>(body).unwrap();
    }
    let mut sizes: Vec<usize> = text.iter().map(String::len).collect();
    sizes.sort_unstable();
    println!("fields: p50 {} p95 {} max {}", sizes[1250], sizes[2375], sizes[2499]);
    assert!(
        (8_000..16_000).contains(&sizes[1250]) && sizes[2499] > 40_000,
        "{} {}",
        sizes[1250],
        sizes[2499]
    );
    assert!((125..140).contains(&issues[0].field_names().count()));
    assert!(count(&|issue| issue.worklogs().len() > 20) > 0);
    assert!(count(&|issue| issue.links().len() > 100) > 0);
    assert!(count(&|issue| !issue.former_keys().is_empty()) > 20);
    assert!(count(&|issue| issue.field("parent").is_some()) > 300);
    assert!(count(&|issue| issue.field("creator").unwrap().is_null()) > 0);
    for odd in [r"\u0000", r"\\u0000", r"\ud83d alone", "Sprint@", "\"1E2", "Sprint 1"] {
        let found = issues.iter().any(|issue| {
            let whole = issue.fields_json() + &issue.changelog_json();
            whole.contains(odd.trim_start_matches('"'))
        });
        assert!(found, "{odd}");
    }
    assert_eq!(world.visible_issues("NEXT").count(), 50);
}

#[test]
fn a_plain_issue_has_its_size() {
    let world = generate(&WorldProfile::new("GEN", 50, 1).plain(4_096)).unwrap();
    let sizes =
        world.issues("GEN").map(|issue| issue.fields_json().len() + issue.changelog_json().len());
    let mean = sizes.sum::<usize>() / 50;
    assert!((4_000..4_400).contains(&mean), "{mean}");
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
/// Real payloads of these names; `None` (and a plain word about it) where there are none.
pub(crate) fn payload_files(names: &[&str]) -> Option<Vec<PathBuf>> {
    let base = std::env::var_os("EXTRACTOR_PAYLOADS")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let files: Vec<PathBuf> =
        names.iter().map(|name| base.join(name)).filter(|path| path.is_file()).collect();
    if files.is_empty() {
        println!("SKIPPED: no payloads in {}; set EXTRACTOR_PAYLOADS", base.display());
        return None;
    }
    Some(files)
}

#[tokio::test]
async fn real_payloads_come_back_token_for_token() {
    let Some(files) = payload_files(&[
        "apache-2025/issues_with_changelog.jsonl",
        "apache-2025/issues_all_navigable_fields.jsonl",
        "apache-2025/issues_five_fields.jsonl",
        "apache-arrow/issues.jsonl",
        "grimoirelab-fiware/issues.jsonl",
    ]) else {
        return;
    };
    let (world, report) = load_payloads(&files).unwrap();
    println!("loaded {report:?}");
    let site = Site::start(SimConfig::default(), world).await;
    let mut served = 0;
    let mut seen = std::collections::HashSet::new();
    for line in files.iter().flat_map(|path| {
        std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    }) {
        let sent: std::collections::HashMap<String, &RawValue> =
            serde_json::from_str(&line).unwrap();
        let id: String = serde_json::from_str(sent["id"].get()).unwrap();
        if !seen.insert(id.clone()) {
            continue;
        }
        let body = site
            .get(&format!("issue/{id}?expand=changelog"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let got: std::collections::HashMap<String, &RawValue> =
            serde_json::from_str(&body).unwrap();
        assert_eq!(got["fields"].get(), sent["fields"].get(), "{id}");
        if let Some(changelog) = sent.get("changelog") {
            assert_eq!(got["changelog"].get(), changelog.get(), "{id}");
        }
        served += 1;
    }
    assert_eq!(served, report.issues);
    for project in &report.projects {
        let page: Value = site.json(&format!("search?jql=project={project}&maxResults=0")).await;
        assert_eq!(
            page["total"].as_u64().unwrap() as usize,
            site.server.world().issues(project).count()
        );
    }
}
