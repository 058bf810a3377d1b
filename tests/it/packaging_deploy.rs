//! The files under `deploy/` and `compose.yaml`: they name keys, commands, exit codes and secrets
//! that exist, and what they configure is a configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use config::{Config, File, FileFormat};
use extractor::cli::ExitCode;
use extractor::config::{DEFAULTS, Inputs, Loaded, Overrides, variable};
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::Home;

fn read(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of a YAML file.
fn documents(path: &str) -> Vec<Value> {
    let text = read(path);
    let documents = text.split("\n---\n").map(|document| {
        let source = File::from_str(document, FileFormat::Yaml);
        let parsed = Config::builder().add_source(source).build();
        parsed.and_then(Config::try_deserialize).unwrap_or_else(|error| panic!("{path}: {error}"))
    });
    documents.collect()
}

/// The variable of every key.
fn variables() -> BTreeSet<String> {
    let (mut section, mut variables) = (String::new(), BTreeSet::new());
    for line in DEFAULTS.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
        } else if let Some((key, _)) = line.split_once(" = ") {
            variables.insert(variable(&format!("{section}{key}")));
        }
    }
    variables
}

fn assert_known<'a>(names: impl IntoIterator<Item = &'a String>, place: &str) {
    let known = variables();
    let mut seen = 0;
    for name in names {
        assert!(known.contains(name), "{place}: {name} stands for no key");
        seen += 1;
    }
    assert!(seen > 0, "{place} sets nothing");
}

/// A directory with secrets, one in each file.
fn secrets(names: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for name in names {
        let secret = match *name {
            "database_url" => "postgres://extractor:secret@postgres/extractor",
            _ => "0123456789abcdef0123456789abcdef",
        };
        std::fs::write(directory.path().join(name), secret).unwrap();
    }
    directory
}

const SECRETS: [&str; 3] = ["jira_token", "database_url", "http_token"];

/// What a configuration for several machines must have.
fn assert_for_operators(loaded: &Loaded) {
    assert!(loaded.config.jira.instance().is_ok());
    let http = &loaded.config.http;
    assert_eq!(http.listen.unwrap().to_string(), "0.0.0.0:8080");
    assert!(http.token.is_some());
}

/// `Key=value` lines of a unit, in order.
fn unit(path: &str) -> Vec<(String, String)> {
    let text = read(path);
    let lines = text.lines().filter(|line| !line.starts_with(['#', '[']));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn of<'a>(unit: &'a [(String, String)], key: &str) -> Vec<&'a str> {
    unit.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).collect()
}

const UNITS: [&str; 3] = [
    "deploy/systemd/extractor.service",
    "deploy/systemd/extractor-sync.service",
    "deploy/systemd/extractor-reconcile.service",
];

#[tokio::test]
async fn units_start_commands_that_exist_and_set_keys_that_exist() {
    let home = Home::new();
    for path in UNITS {
        let unit = unit(path);
        let line = of(&unit, "ExecStart").concat();
        let arguments = line.strip_prefix("/usr/local/bin/extractor ").unwrap();
        // A command line that makes sense gets as far as the configuration.
        let ended = home.extractor(arguments).arguments(&["--config", "/nonexistent"]).run().await;
        ended.with(ExitCode::Config.code().into());

        let set: BTreeMap<String, String> = of(&unit, "Environment")
            .into_iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        assert_known(set.keys(), path);
        let credentials: BTreeSet<&str> = of(&unit, "LoadCredential")
            .into_iter()
            .filter_map(|pair| pair.split(':').next())
            .collect();
        let used: BTreeSet<&str> =
            set.values().filter_map(|value| value.strip_prefix("%d/")).collect();
        assert_eq!(credentials, used, "{path}");
        let grace = Duration::from_secs(20);
        let stop = of(&unit, "TimeoutStopSec").concat();
        assert!(humantime::parse_duration(&stop).unwrap() > grace, "{path}: {stop}");
        for code in of(&unit, "RestartPreventExitStatus").concat().split_whitespace() {
            let known = ExitCode::ALL.into_iter().any(|known| known.code().to_string() == code);
            assert!(known, "{path}: {code} is no exit code");
        }
    }
    assert!(DEFAULTS.contains("\ngrace = \"20s\"\n"), "the units count on the default grace");
    let service = unit(UNITS[0]);
    for (key, value) in [
        ("Type", "notify"),
        ("ProtectSystem", "strict"),
        ("StateDirectory", "extractor"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("RestartPreventExitStatus", "64 77 78"),
    ] {
        assert_eq!(of(&service, key), [value], "{key}");
    }
}

/// systemd's own opinion of the units, where systemd is.
#[test]
fn units_are_accepted_by_systemd_and_sandboxed() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for name in [
        "extractor.service",
        "extractor-sync.service",
        "extractor-reconcile.service",
        "extractor-sync.timer",
        "extractor-reconcile.timer",
    ] {
        let text = read(&format!("deploy/systemd/{name}"));
        let text = text.replace("/usr/local/bin/extractor", env!("CARGO_BIN_EXE_extractor"));
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        files.push(file);
    }
    let analyze = |arguments: &[&str]| {
        Command::new("systemd-analyze").args(arguments).args(&files[..3]).output()
    };
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        eprintln!("skipped: systemd-analyze is not here");
        return;
    };
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let version: u32 = version.split_whitespace().nth(1).unwrap().parse().unwrap();
    if version < 252 {
        eprintln!("skipped: systemd-analyze {version} cannot judge files");
        return;
    }
    let verified = analyze(&["verify", "--man=no"]).unwrap();
    assert!(verified.status.success() && verified.stderr.is_empty(), "{verified:?}");
    // Exposure from 0 (nothing) to 10 (everything): 1.2 with systemd 252. Above 2.0 this fails.
    let judged = analyze(&["security", "--offline=true", "--threshold=20"]).unwrap();
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stdout));
}

#[test]
fn compose_configures_the_service() {
    let document = documents("compose.yaml").remove(0);
    let service = &document["services"]["extractor"];
    let environment: BTreeMap<String, String> =
        serde_json::from_value(service["environment"].clone()).unwrap();
    assert_known(environment.keys(), "compose.yaml");
    let directory = secrets(&SECRETS);
    let run = directory.path().to_str().unwrap();
    for demo in [false, true] {
        let mut given: BTreeMap<&str, &str> =
            BTreeMap::from([("JIRA_BASE_URL", "https://jira.example.com")]);
        let file = read("deploy/compose/demo.env");
        if demo {
            given = file
                .lines()
                .filter(|line| !line.starts_with('#'))
                .filter_map(|line| line.split_once('='))
                .collect();
        }
        let environment = environment
            .iter()
            .map(|(name, value)| (name.clone(), substituted(value, &given)))
            .map(|(name, value)| (name, value.replace("/run/secrets", run)))
            .collect();
        let inputs = Inputs { environment, ..Inputs::isolated(Overrides::default()) };
        let loaded = extractor::config::load(&inputs).unwrap();
        assert_for_operators(&loaded);
        // The simulated Jira has no certificate.
        assert!(demo || loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    }
    let mounted = service["secrets"].as_array().unwrap();
    for secret in mounted {
        assert!(!document["secrets"][secret.as_str().unwrap()].is_null(), "{secret}");
    }
    assert_eq!(mounted.len(), SECRETS.len());
    assert_eq!(service["depends_on"]["postgres"]["condition"], "service_healthy");
    assert_eq!(service["read_only"], true);
    assert_eq!(document["services"]["simulator"]["profiles"], serde_json::json!(["demo"]));
}

/// `${NAME:-default}` and `${NAME:?complaint}` as compose puts values in their place.
fn substituted(text: &str, given: &BTreeMap<&str, &str>) -> String {
    let Some(inner) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return text.to_owned();
    };
    let (name, rest) = inner.split_once(':').unwrap();
    match (given.get(name), rest.strip_prefix('-')) {
        (Some(value), _) => (*value).to_owned(),
        (None, Some(default)) => default.to_owned(),
        (None, None) => panic!("{name} is not set"),
    }
}

#[test]
fn kubernetes_runs_several_replicas_of_what_the_configuration_says() {
    let all = documents("deploy/kubernetes/extractor.yaml");
    let kind = |kind: &str| all.iter().find(|document| document["kind"] == kind).unwrap();
    let secret = documents("deploy/kubernetes/secret.example.yaml").remove(0);
    let directory = secrets(&SECRETS);
    let kept: BTreeSet<&str> =
        secret["stringData"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(kept, SECRETS.into_iter().collect());
    let toml = kind("ConfigMap")["data"]["extractor.toml"].as_str().unwrap();
    let file = directory.path().join("extractor.toml");
    let here = directory.path().to_str().unwrap();
    std::fs::write(&file, toml.replace("/run/secrets/extractor", here)).unwrap();
    let overrides = Overrides { file: Some(file), ..Overrides::default() };
    let loaded = extractor::config::load(&Inputs::isolated(overrides)).unwrap();
    assert_for_operators(&loaded);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);

    let deployment = &kind("Deployment")["spec"];
    let pod = &deployment["template"]["spec"];
    let container = &pod["containers"][0];
    assert!(deployment["replicas"].as_u64().unwrap() > 1);
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(Duration::from_secs(grace) > loaded.config.shutdown.grace);
    for (probe, path) in
        [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
    {
        assert_eq!(container[probe]["httpGet"]["path"], path);
        assert_eq!(container[probe]["httpGet"]["port"], container["ports"][0]["name"]);
    }
    let port = loaded.config.http.listen.unwrap().port();
    assert_eq!(container["ports"][0]["containerPort"], port);
    let names: Vec<String> = container["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap().to_owned())
        .collect();
    assert_known(&names, "the Deployment");
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    let labels = &deployment["template"]["metadata"]["labels"];
    for selector in [
        &deployment["selector"]["matchLabels"],
        &kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        &kind("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        &kind("Service")["spec"]["selector"],
    ] {
        assert_eq!(selector, labels);
    }
}
