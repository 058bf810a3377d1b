//! Makes the pictures under docs/screenshots again, for scripts/screenshots.sh. Not a test of
//! anything, so it runs only when it is asked for.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use extractor::admin::desk::Trouble;
use extractor::clock::{Clock, SystemClock};
use extractor::model::{EventLevel, FailureCategory, RunKind};
use extractor::store::RunEvent;
use jira_sim::{Action, CostModel, Gate, LiveScript, SimConfig};
use serde_json::json;

use super::browser::{self, Browser};
use super::scene::Scene;

/// How much faster the time goes at first.
const FASTER: i32 = 20;
/// How long ago it begins.
const BEGINS: TimeDelta = TimeDelta::minutes(31);

/// A clock that begins half an hour ago and runs until it has caught up, so that the chart has a
/// past.
#[derive(Debug)]
struct CatchingUp {
    began: (DateTime<Utc>, Instant),
}

impl CatchingUp {
    fn new() -> Self {
        Self { began: (SystemClock.now(), SystemClock.instant()) }
    }
}

impl Clock for CatchingUp {
    fn now(&self) -> DateTime<Utc> {
        let passed = TimeDelta::from_std(self.began.1.elapsed()).unwrap();
        let fast = self.began.0 - BEGINS + passed * FASTER;
        fast.min(SystemClock.now())
    }

    fn instant(&self) -> Instant {
        SystemClock.instant()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "makes pictures; see scripts/screenshots.sh"]
async fn screenshots() {
    let browser = browser::open().await.expect("chromium is needed for pictures");
    let cost = CostModel { per_request: Duration::from_millis(60), ..CostModel::default() };
    let config = SimConfig { cost, clock_runs: true, ..SimConfig::default() };
    let projects = [("DATA", 9_400), ("MOBILE", 2_600), ("OPS", 1_900), ("WEB", 4_200)];
    let clock = Arc::new(CatchingUp::new());
    let mut scene = Scene::by(&projects, config, clock.clone()).await;
    scene.rate = 25.0;
    past(&mut scene, &clock).await;
    due(&scene);
    browser.goto(&scene.url).await;
    browser.until("document.querySelectorAll('table.projects .state.good').length >= 8").await;
    browser.until("document.querySelector('#live').hidden").await;
    take(&browser, "idle", &[(1280, false), (390, false)]).await;

    failures(&mut scene).await;
    browser.goto(&scene.url).await;
    browser.until("document.querySelectorAll('.group').length >= 3").await;
    browser.until("document.querySelector('#live').hidden").await;
    take(&browser, "failures", &[(1280, false), (390, true)]).await;
    let run = browser.text("document.querySelector('table.runs tbody a').href").await;
    browser.goto(&run).await;
    take(&browser, "run", &[(1280, false)]).await;
    browser.goto(&format!("{}/projects/OPS", scene.url)).await;
    take(&browser, "project", &[(1280, true)]).await;

    scene.status.send_modify(|status| {
        for project in &mut status.projects {
            (project.failures_in_a_row, project.trouble) = (0, None);
        }
    });
    backfill(&mut scene, &browser).await;
    browser.close().await;
    scene.close().await;
}

/// Half an hour of work.
async fn past(scene: &mut Scene, clock: &CatchingUp) {
    (scene.app.options.batch_size, scene.app.options.max_in_flight) = (20, 2);
    let mut edits: Vec<LiveScript> =
        ["OPS", "WEB", "MOBILE"].iter().map(|key| LiveScript::new(key, 7)).collect();
    for project in ["OPS", "MOBILE", "WEB", "DATA"] {
        scene.run(project, RunKind::Backfill).await;
    }
    while clock.now() + TimeDelta::seconds(20) < SystemClock.now() {
        for (script, project) in edits.iter_mut().zip(["OPS", "WEB", "MOBILE"]) {
            for _ in 0..60 {
                script.step(&mut scene.app.sim.world_mut()).unwrap();
            }
            scene.run(project, RunKind::Delta).await;
        }
    }
    for project in ["OPS", "MOBILE", "WEB"] {
        scene.run(project, RunKind::Delta).await;
    }
}

fn due(scene: &Scene) {
    let now = SystemClock.now();
    scene.status.send_modify(|status| {
        for (minutes, project) in (1..).zip(&mut status.projects) {
            project.next_run_at = Some(now + TimeDelta::seconds(minutes * 65 + 30));
        }
    });
}

async fn failures(scene: &mut Scene) {
    let actions = [Action::Fail(500), Action::MalformedJson, Action::StallUntil(Gate::new())];
    for (n, action) in [3, 90, 411, 700, 702, 1_204].into_iter().zip(actions.iter().cycle()) {
        let id = scene.app.sim.world().issues("OPS").nth(n).unwrap().id();
        scene.app.sim.faults().poison(id, action.clone());
    }
    scene.app.options.timeout = Duration::from_secs(2);
    scene.app.options.hub_timeout = Duration::from_secs(2);
    forget(scene, "OPS").await;
    scene.run("OPS", RunKind::Backfill).await;
    let (run,): (uuid::Uuid,) =
        sqlx::query_as("SELECT id FROM extractor.runs ORDER BY started_at DESC LIMIT 1")
            .fetch_one(&scene.app.pool)
            .await
            .unwrap();
    let run = extractor::model::RunId(run);
    let events: Vec<_> = log().into_iter().map(|event| (run, event)).collect();
    scene.app.store.record_events(&events).await.unwrap();
    scene.status.send_modify(|status| {
        let mobile = &mut status.projects[1];
        mobile.failures_in_a_row = 2;
        mobile.trouble = Some(Trouble {
            text: "jira.example.com refuses to show MOBILE to extractor (status 403)".to_owned(),
            category: FailureCategory::AdminRequired,
            remedy: "give the account the permission to browse MOBILE, or take it out of \
                     sync.projects"
                .to_owned(),
        });
    });
    due(scene);
}

/// Makes what is stored of a project look old, so that all of it is fetched again.
async fn forget(scene: &Scene, project: &str) {
    let sql = "UPDATE jira.issues SET updated = updated - interval '1 day' WHERE project_key = $1";
    sqlx::query(sql).bind(project).execute(&scene.app.pool).await.unwrap();
}

fn log() -> Vec<RunEvent> {
    let now = SystemClock.now();
    let line = |secs: i64, level, message: &str, fields| RunEvent {
        at: now - TimeDelta::seconds(secs),
        level,
        message: message.to_owned(),
        fields,
    };
    vec![
        line(
            21,
            EventLevel::Info,
            "run started",
            json!({"run.kind": "backfill", "run.resumed": false}),
        ),
        line(
            20,
            EventLevel::Info,
            "progress",
            json!({"listing.rows": 1_000, "issues.fetched": 140, "issues.queued": 1_000}),
        ),
        line(
            14,
            EventLevel::Warn,
            "batch halved",
            json!({"batch.issues": 20, "error.class": "timeout"}),
        ),
        line(
            9,
            EventLevel::Warn,
            "issue recorded as a failure",
            json!({"issue.key": "OPS-412", "failure.cause": "server_error"}),
        ),
        line(
            2,
            EventLevel::Info,
            "certificate",
            json!({"certificate.verdict": "failures", "certificate.counted": 1_900, "certificate.stored": 1_900}),
        ),
    ]
}

async fn backfill(scene: &mut Scene, browser: &Browser) {
    scene.app.sim.faults().clear();
    (scene.app.options.batch_size, scene.app.options.max_in_flight) = (4, 2);
    forget(scene, "DATA").await;
    due(scene);
    browser.goto(&scene.url).await;
    let stop = async {
        browser.until("document.querySelector('#live progress')?.value > 800").await;
        browser.until("/left/.test(document.querySelector('#live .how').textContent)").await;
        take(browser, "backfill", &[(1280, false), (1280, true), (390, false)]).await;
    };
    tokio::select! {
        _ = scene.run("DATA", RunKind::Backfill) => {}
        () = stop => {}
    }
}

/// A picture for each width and scheme, of the page from its top to its end.
async fn take(browser: &Browser, name: &str, of: &[(u32, bool)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    if let Some(place) = std::env::var_os("EXTRACTOR_PAGES") {
        let page = browser.client.source().await.unwrap();
        std::fs::write(Path::new(&place).join(format!("{name}.html")), page).unwrap();
    }
    for (width, dark) in of {
        browser.resize(*width, 800).await;
        browser.dark(*dark).await;
        browser.until("document.fonts.status === 'loaded'").await;
        let height = browser.value("document.documentElement.scrollHeight").await;
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let wanted = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let taken = browser.devtools("Page.captureScreenshot", wanted).await;
        let scheme = if *dark { "-dark" } else { "" };
        let device = if *width < 500 { "phone" } else { "desktop" };
        let picture = decoded(taken["data"].as_str().unwrap());
        std::fs::write(folder.join(format!("{name}-{device}{scheme}.png")), picture).unwrap();
    }
    browser.dark(false).await;
    browser.resize(1280, 800).await;
}

/// Bytes from base64 (RFC 4648, section 4).
fn decoded(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let letters: Vec<u8> = text.bytes().filter(|letter| *letter != b'=').collect();
    let mut bytes = Vec::with_capacity(letters.len() * 3 / 4);
    for group in letters.chunks(4) {
        let bits = group.iter().fold(0_u32, |bits, letter| (bits << 6) | u32::from(value(*letter)));
        let bits = bits << (6 * (4 - group.len()));
        bytes.extend(bits.to_be_bytes()[1..group.len()].iter());
    }
    bytes
}
