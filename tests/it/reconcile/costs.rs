//! What a reconcile costs where nothing has changed: the pages of its listing, a few questions
//! beside them, and little of our own time.
//!
//! `RECONCILE_ISSUES=100000` measures the size that is promised.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jira_sim::{Flavor, SimConfig, WorldProfile, generate};
use rstest::rstest;

use super::{MINUTE, PROJECT};
use crate::app::App;
use crate::binary::Home;

const ISSUES: usize = 6_000;
/// Rows of a page.
const PAGE: usize = 1_000;
/// Rows of it that the page before had, at the most.
const ROWS_AGAIN: usize = 20;
/// Who we are, what Jira is and can do, the catalogues, the counts of the certificate.
const MOST_BESIDE: usize = 40;
/// Clock ticks in a second, of which Linux always tells 100.
const TICKS: u64 = 100;
/// What 100,000 issues may take of our own time.
const MOST_CPU: Duration = Duration::from_secs(30);

#[rstest]
#[case::server(Flavor::Server, 1)]
// On Cloud everything is listed in two orders.
#[case::cloud(Flavor::Cloud, 2)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reconcile_of_what_has_not_changed_costs_its_listing(
    #[case] flavor: Flavor,
    #[case] listings: usize,
) {
    let issues = env::var("RECONCILE_ISSUES").map_or(ISSUES, |text| text.parse().unwrap());
    let world = generate(&WorldProfile::new(PROJECT, issues, 81).plain(300)).unwrap();
    let config = SimConfig { flavor, ..SimConfig::default() };
    let app = App::with_config(config, world).await;
    let home = Home::new();
    let begun = Instant::now();
    app.backfill(PROJECT).await.unwrap();
    eprintln!("{issues} issues stored in {:?}", begun.elapsed());
    app.sim.world_mut().advance(MINUTE * 60 * 24);
    app.sim.requests().clear();
    let extracted =
        "SELECT (max(extract(epoch FROM extracted_at)) * 1000)::bigint FROM jira.issues";
    let before = app.number(extracted).await;
    let pid = Arc::new(OnceLock::new());
    let ticks = Arc::new(AtomicU64::new(0));
    let (of, seen) = (Arc::clone(&pid), Arc::clone(&ticks));
    // The program waits for its answer meanwhile, so it cannot end.
    app.sim.on_request(move |_, _| seen.store(cpu_ticks(*of.wait()), Ordering::Relaxed));
    let begun = Instant::now();
    let running = home.extractor_at(&app, "reconcile PROJ --json").start();
    pid.set(running.pid()).unwrap();
    let ended = running.ended().await.with(0);
    let (took, log) = (begun.elapsed(), app.sim.requests());
    // What asks for a row at most is a question about Jira, or a count.
    let pages = log.listings().iter().filter(|record| record.rows() > 1).count();
    let beside = log.count(|_| true) - pages;
    let cpu = Duration::from_millis(ticks.load(Ordering::Relaxed) * 1_000 / TICKS);
    eprintln!("{issues} issues: {pages} pages, {beside} other requests, {cpu:?} of cpu, {took:?}");
    // A page begins with the second in which the one before it ended.
    let expected = listings * issues.div_ceil(PAGE - ROWS_AGAIN);
    assert!(pages <= expected + listings, "{pages} pages, not {expected}");
    assert!(beside <= MOST_BESIDE, "{beside} requests beside the listing");
    assert!(log.hydrations().is_empty(), "nothing is fetched");
    assert!(cpu < MOST_CPU, "{cpu:?}");
    let document = &ended.json()["runs"][0];
    assert_eq!(document["certificate"]["verdict"], "complete", "{document:#}");
    assert_eq!(document["counters"]["written"], 0);
    assert_eq!(app.number(extracted).await, before, "no issue was written");
}

/// What a process has taken of the processors so far, in clock ticks.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    // User and system time are fields 14 and 15 of the line, of which two were cut off.
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
