//! What the program needs to run does not grow with the project.

use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use jira_sim::{
    Action, Endpoint, IssueId, Rule, SimConfig, SimServer, When, World, WorldProfile, generate,
};
use tokio::process::Command;

use crate::app;

const PROJECT: &str = "PROJ";
const ISSUE_BYTES: usize = 4_096;
/// A project, and one that is four times as large.
const SIZES: [usize; 2] = [3_000, 12_000];
/// What the larger project may take more: a third of what keeping its issues would take.
const MOST_GROWTH_KIB: u64 = (SIZES[1] - SIZES[0]) as u64 * ISSUE_BYTES as u64 / 1024 / 3;
const MOST_KIB: u64 = 200 * 1024;
const HUBS: usize = 30;
const HUB_LINKS: usize = 8_000;
/// A quarter of what the profile has in flight.
const HUBS_AT_ONCE: u64 = 2;
/// What a hub is in at the most: the answer, its parts, the whole, and what the database is sent,
/// each in room that has doubled as it grew.
const COPIES: u64 = 8;
const WITHOUT_HUBS_KIB: u64 = 64 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_the_project() {
    let small = peak_kib(world(SIZES[0]), &[]).await;
    let large = peak_kib(world(SIZES[1]), &[]).await;
    println!("peak of {} and {} issues: {small} and {large} KiB", SIZES[0], SIZES[1]);
    assert!(small > 0 && large < MOST_KIB, "{large} KiB");
    assert!(large < small + MOST_GROWTH_KIB, "{small} KiB, then {large} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_holds_no_more_than_a_few_hubs_at_once() {
    let mut world = world(SIZES[0]);
    world.add_project("FAR", "Far away");
    let far = world.create_many("FAR", 50).unwrap();
    let hubs: Vec<IssueId> =
        world.issues(PROJECT).step_by(SIZES[0] / HUBS).map(jira_sim::Issue::id).collect();
    for hub in &hubs {
        world.make_hub(*hub, &far, HUB_LINKS).unwrap();
    }
    let hub_kib = world.issue(hubs[0]).unwrap().fields_json().len() as u64 / 1024;
    let peak = peak_kib(world, &hubs).await;
    println!("peak with {HUBS} hubs of {hub_kib} KiB each: {peak} KiB");
    assert!(hub_kib > 12 * 1024, "{hub_kib} KiB");
    assert!(peak < WITHOUT_HUBS_KIB + HUBS_AT_ONCE * COPIES * hub_kib, "{peak} KiB");
    assert!(peak < HUBS as u64 * hub_kib, "{peak} KiB: all of them at once");
}

fn world(issues: usize) -> World {
    generate(&WorldProfile::new(PROJECT, issues, 1).plain(ISSUE_BYTES)).unwrap()
}

/// The most that a backfill had resident until it asked Jira for counts, which the certificate does
/// when everything is stored. The hubs do not come whole.
async fn peak_kib(world: World, hubs: &[IssueId]) -> u64 {
    let sim = SimServer::start(SimConfig::default(), world).await.unwrap();
    for hub in hubs {
        let (endpoint, action) = (Endpoint::Fields("*all".to_owned()), Action::Fail(500));
        sim.faults().add(Rule { endpoint, when: When::Always, issue: Some(*hub), action });
    }
    let pid = Arc::new(OnceLock::new());
    let peak_kib = Arc::new(AtomicU64::new(0));
    let (of, seen_kib) = (Arc::clone(&pid), Arc::clone(&peak_kib));
    // The program waits for its answer meanwhile, so it cannot end.
    sim.on_request(move |request, _| {
        if request.is_search() && request.max_results == Some(0) {
            seen_kib.store(resident_peak_kib(*of.wait()), Ordering::Relaxed);
        }
    });
    let home = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_extractor"))
        .args(["--backfill", PROJECT])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("EXTRACTOR_JIRA__BASE_URL", sim.base_url())
        .env("EXTRACTOR_DATABASE__URL", app::new_database().await)
        .env("EXTRACTOR_PROFILE", "balanced")
        .env("EXTRACTOR_LOG__LEVEL", "warn")
        .env("EXTRACTOR_JIRA__REQUESTS_PER_SECOND", "0")
        .env("EXTRACTOR_JIRA__MAX_ATTEMPTS", "1")
        // What is given back goes back to the system, so that what is held is seen.
        .env("MALLOC_MMAP_THRESHOLD_", "1000000")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    pid.set(program.id().unwrap()).unwrap();
    assert!(program.wait().await.unwrap().success());
    peak_kib.load(Ordering::Relaxed)
}

fn resident_peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
