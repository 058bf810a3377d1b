//! How the service is, in one line for `systemctl status`. Pure.

use chrono::{DateTime, Utc};

use crate::admin::desk::{FollowedProject, Link, Phase, ServiceStatus};

/// The line: what the service does, then what is wrong, if anything is. The words come from
/// troubles, which hold no secrets.
pub fn status_line(status: &ServiceStatus) -> String {
    let mut parts = vec![doing(status)];
    parts.extend(down("database", &status.database));
    parts.extend(down("Jira", &status.jira));
    parts.extend(failing(&status.projects));
    if status.configuration.refused.is_some() {
        parts.push("the changed configuration was refused".to_owned());
    }
    one_line(&parts.join("; "))
}

fn doing(status: &ServiceStatus) -> String {
    let projects = count(status.projects.len(), "project");
    match status.phase {
        Phase::Starting => "Starting".to_owned(),
        Phase::Stopping if status.runs.is_empty() => "Stopping".to_owned(),
        Phase::Stopping => format!("Stopping, {} under way", count(status.runs.len(), "run")),
        Phase::Running if status.runs.is_empty() => match next(&status.projects) {
            Some(at) => format!("Following {projects}, next run at {} UTC", at.format("%H:%M:%S")),
            None => format!("Following {projects}"),
        },
        Phase::Running => {
            let mut keys: Vec<&str> = status.runs.iter().map(|run| run.project.as_str()).collect();
            keys.sort_unstable();
            format!("Following {projects}, at work on {}", keys.join(", "))
        }
    }
}

fn down(what: &str, link: &Link) -> Option<String> {
    match link {
        Link::Unknown | Link::Up { .. } => None,
        Link::Down { since, trouble } => {
            Some(format!("{what} down since {} UTC: {}", since.format("%F %T"), trouble.text))
        }
    }
}

fn failing(projects: &[FollowedProject]) -> Option<String> {
    let failing: Vec<&str> = projects
        .iter()
        .filter(|project| project.trouble.is_some())
        .map(|project| project.key.as_str())
        .collect();
    (!failing.is_empty()).then(|| format!("failing: {}", failing.join(", ")))
}

fn next(projects: &[FollowedProject]) -> Option<DateTime<Utc>> {
    projects.iter().filter_map(|project| project.next_run_at).min()
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// systemd takes a line for one state.
fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::desk::{ConfigurationFacts, LiveRun, Trouble};
    use crate::model::{FailureCategory, ProjectKey, RunId, RunKind};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn trouble(text: &str) -> Trouble {
        Trouble {
            text: text.to_owned(),
            category: FailureCategory::Temporary,
            remedy: String::new(),
        }
    }

    fn project(key: &str, next: Option<&str>) -> FollowedProject {
        FollowedProject {
            key: key.parse().unwrap(),
            next_run_at: next.map(at),
            failures_in_a_row: 0,
            trouble: None,
            next_reconcile_at: None,
            reconcile_trouble: None,
        }
    }

    fn run(key: &str) -> LiveRun {
        LiveRun {
            id: RunId(uuid::Uuid::nil()),
            project: key.parse::<ProjectKey>().unwrap(),
            kind: RunKind::Delta,
            since: at("2026-11-21T12:00:00Z"),
            progress: std::sync::Arc::default(),
        }
    }

    fn status(phase: Phase) -> ServiceStatus {
        ServiceStatus {
            phase,
            worker: None,
            database: Link::Unknown,
            jira: Link::Up { since: at("2026-11-21T12:00:00Z") },
            client: None,
            instance: None,
            projects: Vec::new(),
            runs: Vec::new(),
            configuration: ConfigurationFacts {
                loaded_at: at("2026-11-21T12:00:00Z"),
                refused: None,
                may_lag: std::time::Duration::from_secs(3_600),
                may_go_unproven: None,
            },
        }
    }

    #[test]
    fn it_says_what_is_done() {
        assert_eq!(status_line(&status(Phase::Starting)), "Starting");
        let mut running = status(Phase::Running);
        assert_eq!(status_line(&running), "Following 0 projects");
        running.projects.push(project("OPS", Some("2026-11-21T12:05:00Z")));
        assert_eq!(status_line(&running), "Following 1 project, next run at 12:05:00 UTC");
        running.projects.push(project("PROJ", Some("2026-11-21T12:04:00Z")));
        assert_eq!(status_line(&running), "Following 2 projects, next run at 12:04:00 UTC");
        running.runs.extend([run("PROJ"), run("OPS")]);
        assert_eq!(status_line(&running), "Following 2 projects, at work on OPS, PROJ");
        running.phase = Phase::Stopping;
        assert_eq!(status_line(&running), "Stopping, 2 runs under way");
    }

    #[test]
    fn it_says_what_is_wrong_in_one_line() {
        let mut running = status(Phase::Running);
        running.projects.push(FollowedProject {
            trouble: Some(trouble("no such project")),
            ..project("NOPE", None)
        });
        running.database = Link::Down {
            since: at("2026-11-21T12:01:02Z"),
            trouble: trouble("no answer\nfrom Postgres"),
        };
        running.configuration.refused = Some(trouble("unknown key"));
        assert_eq!(
            status_line(&running),
            "Following 1 project; database down since 2026-11-21 12:01:02 UTC: no answer from \
             Postgres; failing: NOPE; the changed configuration was refused"
        );
    }
}
