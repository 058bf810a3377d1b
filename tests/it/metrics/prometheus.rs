//! A stock Prometheus: its own tool approves of what is served and of the rules, it scrapes the
//! service, and the alert of a stalled project reaches whoever is to be told. Where there is no
//! Prometheus, nothing is shown, and said so.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::numbers::follow_since;
use super::served::{Served, TOKEN, world};
use crate::app::App;

/// How long Prometheus may take until it tells of an alert.
const PATIENCE: Duration = Duration::from_secs(300);

/// A program of Prometheus's, as `scripts/prometheus_bin.sh` finds it.
fn program(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = std::process::Command::new(root.join("scripts/prometheus_bin.sh"))
        .output()
        .expect("the script runs");
    if !found.status.success() {
        println!("SKIPPED: there is no Prometheus here (scripts/test.sh fetches Debian's)");
        return None;
    }
    Some(Path::new(String::from_utf8(found.stdout).unwrap().trim()).join(name))
}

/// What promtool says, which must be that all is well.
fn promtool(arguments: &[&str], input: Option<&str>) -> Option<String> {
    use std::io::Write as _;
    let mut tool = std::process::Command::new(program("promtool")?)
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = tool.stdin.take().unwrap();
    stdin.write_all(input.unwrap_or_default().as_bytes()).unwrap();
    drop(stdin);
    let said = tool.wait_with_output().unwrap();
    let text = [said.stdout, said.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(said.status.success(), "promtool {arguments:?}: {text}");
    Some(text)
}

#[test]
fn its_tool_approves_of_the_rules() {
    let Some(said) = promtool(&["check", "rules", "--lint-fatal", "alerts.yml"], None) else {
        return;
    };
    assert!(said.contains("SUCCESS"), "{said}");
}

#[test]
fn its_tool_approves_of_the_example_of_a_configuration() {
    promtool(&["check", "config", "--syntax-only", "prometheus.yml"], None);
}

#[test]
fn the_rules_do_what_their_tests_say() {
    promtool(&["test", "rules", "alerts_test.yml"], None);
}

#[tokio::test]
async fn its_tool_approves_of_what_is_served() {
    let app = App::new(world("PROJ", 30)).await;
    let served = Served::of(&app, &["PROJ"]).await;
    served.run(&app, "PROJ").await;
    let text = served.answer("text/plain").await.body;
    let said = tokio::task::spawn_blocking(move || promtool(&["check", "metrics"], Some(&text)));
    if let Some(said) = said.await.unwrap() {
        assert_eq!(said.trim(), "", "promtool has remarks");
    }
}

#[tokio::test]
async fn it_scrapes_the_service_and_tells_of_a_stalled_project() {
    let Some(program) = program("prometheus") else { return };
    let app = App::new(world("PROJ", 30)).await;
    let served = Served::of(&app, &["PROJ", "LATE"]).await;
    served.run(&app, "PROJ").await;
    follow_since(&app, "LATE", "3 hours").await;

    let (manager, mut told) = alert_manager().await;
    let directory = tempfile::tempdir().unwrap();
    configure(directory.path(), &served.address.to_string(), &manager);
    let mut prometheus = start(&program, directory.path());
    let alert = tokio::time::timeout(PATIENCE, async {
        loop {
            let alert = told.recv().await.expect("the alert manager lives");
            if alert["labels"]["alertname"] == "ExtractorProjectStalled" {
                return alert;
            }
        }
    });
    let alert = match alert.await {
        Ok(alert) => alert,
        Err(_) => panic!("no alert in time; Prometheus says:\n{}", said(&mut prometheus).await),
    };
    prometheus.start_kill().unwrap();
    prometheus.wait().await.unwrap();

    assert_eq!(alert["labels"]["project"], "LATE");
    assert_eq!(alert["labels"]["site"], crate::app::SITE);
    assert_eq!(alert["labels"]["severity"], "critical");
    let summary = alert["annotations"]["summary"].as_str().unwrap();
    assert_eq!(summary, format!("LATE of {} stands still", crate::app::SITE));
    while let Ok(alert) = told.try_recv() {
        assert_ne!(alert["labels"]["project"], "PROJ", "{alert}");
    }
}

/// Somewhere for Prometheus to send alerts to; its address, and what came.
async fn alert_manager() -> (String, mpsc::UnboundedReceiver<Value>) {
    let (tell, told) = mpsc::unbounded_channel();
    let take = async |State(tell): State<mpsc::UnboundedSender<Value>>, body: String| {
        let alerts: Vec<Value> = serde_json::from_str(&body).unwrap_or_default();
        for alert in alerts {
            let _ = tell.send(alert);
        }
    };
    let router = Router::new().route("/api/v2/alerts", post(take)).with_state(tell);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    (address, told)
}

/// The rules that are shipped, but for how long something must last, and the shipped example of a
/// configuration, but for addresses, intervals and the token's place.
fn configure(directory: &Path, service: &str, manager: &str) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    let rules = std::fs::read_to_string(shipped.join("alerts.yml")).unwrap();
    let rules: String = rules
        .lines()
        .filter(|line| !line.trim_start().starts_with("for: "))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(directory.join("alerts.yml"), rules).unwrap();
    std::fs::write(directory.join("token"), TOKEN).unwrap();
    let config = std::fs::read_to_string(shipped.join("prometheus.yml")).unwrap();
    let mut config = config
        .replace("127.0.0.1:8080", service)
        .replace("/etc/prometheus/extractor.token", "token")
        .replace("scrape_interval: 30s", "scrape_interval: 250ms");
    assert!(config.contains(service) && config.contains("250ms"), "{config}");
    config += &format!(
        "global:\n  evaluation_interval: 250ms\nalerting:\n  alertmanagers:\n    - static_configs:\n        - targets: ['{manager}']\n"
    );
    std::fs::write(directory.join("prometheus.yml"), config).unwrap();
}

fn start(program: &Path, directory: &Path) -> Child {
    Command::new(program)
        .arg("--config.file=prometheus.yml")
        .arg("--storage.tsdb.path=data")
        .arg("--web.listen-address=127.0.0.1:0")
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// What Prometheus has logged so far, once it was told to end.
async fn said(prometheus: &mut Child) -> String {
    let log = prometheus.stderr.take().unwrap();
    prometheus.start_kill().unwrap();
    let mut lines = BufReader::new(log).lines();
    let mut text = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        text += &line;
        text.push('\n');
    }
    text
}
