//! The numbers are true, from the start, and when the database is away.

use std::sync::Arc;

use extractor::sync::Progress;
use extractor::telemetry::metric_names::{ALL, Kind};

use super::exposition::assert_is_what_the_list_says;
use super::served::{Served, world};
use crate::app::App;

#[tokio::test]
async fn after_a_run_every_metric_of_the_list_is_served() {
    let app = App::new(world("PROJ", 60)).await;
    let served = Served::before_its_database(&app, &["PROJ"]).await;
    served.run(&app, "PROJ").await;
    // The simulated Jira lives in a year of its own.
    sqlx::query(
        "UPDATE extractor.cursors SET completed_until = clock_timestamp() - interval '100 seconds',
         reconciled_at = clock_timestamp() - interval '300 seconds'",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    served.store.send_replace(Some(app.store.clone()));
    let shown = served.scrape().await;
    assert_is_what_the_list_says(&shown);

    let one = |name: &str, labels: &[(&str, &str)]| {
        shown.value(name, labels).unwrap_or_else(|| panic!("no {name} {labels:?}"))
    };
    let project = ("project", "PROJ");
    assert_eq!(one("extractor_build_info", &[("version", "1.2.3")]), 1.0);
    assert_eq!(one("extractor_phase", &[("phase", "running")]), 1.0);
    assert_eq!(one("extractor_phase", &[("phase", "starting")]), 0.0);
    assert_eq!(one("extractor_database_up", &[]), 1.0);
    assert_eq!(one("extractor_jira_up", &[]), 1.0);
    assert_eq!(one("extractor_issues", &[project, ("tier", "full")]), 60.0);
    assert_eq!(one("extractor_queue_issues", &[project]), 0.0);
    assert_eq!(one("extractor_project_stalled", &[project]), 0.0);
    assert_eq!(one("extractor_project_certificate", &[project, ("verdict", "complete")]), 1.0);
    assert_eq!(one("extractor_project_certificate", &[project, ("verdict", "missing")]), 0.0);
    let lag = one("extractor_project_lag_seconds", &[project]);
    assert!((100.0..400.0).contains(&lag), "{lag}");
    let proven = one("extractor_project_reconcile_age_seconds", &[project]);
    assert!((300.0..900.0).contains(&proven), "{proven}");
    assert_eq!(one("extractor_project_reconcile_overdue", &[project]), 0.0);
    let deleted = [project, ("reason", "not_found")];
    assert_eq!(one("extractor_tombstoned_issues_total", &deleted), 0.0);
    assert_eq!(one("extractor_refused_deletion_issues", &[project]), 0.0);
    let ended = [("kind", "backfill"), ("state", "completed")];
    assert_eq!(one("extractor_runs_total", &ended), 1.0);
    assert_eq!(one("extractor_certificates_total", &[("verdict", "complete")]), 1.0);

    let stats = served.client().unwrap().stats();
    assert!(stats.ok > 0);
    #[expect(clippy::cast_precision_loss, reason = "a few requests")]
    let ok = stats.ok as f64;
    assert_eq!(one("extractor_jira_requests_total", &[("outcome", "ok")]), ok);
    let timed: f64 = ["listing", "issues", "children", "catalogue", "instance"]
        .map(|purpose| {
            one("extractor_jira_request_duration_seconds_count", &[("purpose", purpose)])
        })
        .iter()
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "a few requests")]
    let requests = stats.requests as f64;
    assert_eq!(timed, requests, "each request is timed once");
}

#[tokio::test]
async fn before_anything_answers_every_counter_is_there_at_0() {
    let shown = Served::start().await.scrape().await;
    for metric in ALL.iter().filter(|metric| metric.kind == Kind::Counter) {
        // Of projects and of transactions nothing is known yet; processor time is used already.
        if metric.labels.contains(&"project")
            || metric.labels.contains(&"transaction")
            || metric.name == "extractor_cpu_seconds_total"
        {
            continue;
        }
        let values: Vec<f64> =
            shown.samples.iter().filter(|s| s.name == metric.name).map(|s| s.value).collect();
        assert!(!values.is_empty(), "{}", metric.name);
        assert!(values.iter().all(|value| *value == 0.0), "{}: {values:?}", metric.name);
    }
    let kinds = shown.values_of("extractor_runs_total", "kind");
    assert_eq!(kinds, ["backfill", "delta", "reconcile"].into());
    let states = shown.values_of("extractor_runs_total", "state");
    let left = ["cancelled", "completed", "failed", "incomplete", "interrupted"];
    assert_eq!(states, left.into());
    let waits = shown.values_of("extractor_jira_waits_total", "reason");
    assert_eq!(waits, ["breaker", "bucket", "gate", "slowdown"].into());
    assert_eq!(shown.value("extractor_database_up", &[]), Some(0.0));
    assert_eq!(shown.value("extractor_jira_up", &[]), Some(0.0));
}

#[tokio::test]
async fn when_the_database_goes_away_the_rest_is_served_and_the_lag_grows() {
    let app = App::new(world("PROJ", 10)).await;
    let served = Served::of(&app, &["PROJ"]).await;
    served.run(&app, "PROJ").await;
    let proven = "UPDATE extractor.cursors SET reconciled_at = clock_timestamp()";
    sqlx::query(proven).execute(&app.pool).await.unwrap();
    let before = served.scrape().await;
    app.store.close().await;
    // What the database said is new for a few seconds.
    served.store.send_replace(None);
    let after = served.scrape().await;
    assert_eq!(after.value("extractor_database_up", &[]), Some(0.0));
    assert_is_what_the_list_says(&before);
    let lag = |of: &super::exposition::Exposition| {
        of.value("extractor_project_lag_seconds", &[("project", "PROJ")]).unwrap()
    };
    assert!(lag(&after) > lag(&before), "{} {}", lag(&before), lag(&after));
    let requests = [("outcome", "ok")];
    let sent = after.value("extractor_jira_requests_total", &requests);
    assert_eq!(sent, before.value("extractor_jira_requests_total", &requests));
}

#[tokio::test]
async fn a_run_under_way_shows_how_far_it_is() {
    let app = App::new(world("PROJ", 10)).await;
    let served = Served::of(&app, &["PROJ"]).await;
    let progress = Arc::new(Progress::default());
    served.show_run("PROJ", &progress);
    let shown = served.scrape().await;
    let project = [("project", "PROJ")];
    assert_eq!(shown.value("extractor_runs_in_progress", &[("kind", "backfill")]), Some(1.0));
    assert_eq!(shown.value("extractor_run_issues_per_second", &project), Some(0.0));
    // Nobody knows yet.
    assert_eq!(shown.value("extractor_run_time_left_seconds", &project), None);
    // Another project has none.
    assert_eq!(shown.value("extractor_project_lag_seconds", &project), None);
}

#[tokio::test]
async fn a_project_that_gets_nowhere_is_stalled() {
    let app = App::new(world("PROJ", 10)).await;
    let served = Served::of(&app, &["PROJ", "IDLE"]).await;
    for (project, since) in [("PROJ", "3 hours"), ("IDLE", "10 minutes")] {
        follow_since(&app, project, since).await;
    }
    let shown = served.scrape().await;
    let stalled = |project| shown.value("extractor_project_stalled", &[("project", project)]);
    assert_eq!((stalled("PROJ"), stalled("IDLE")), (Some(1.0), Some(0.0)));
}

#[tokio::test]
async fn a_project_that_no_reconcile_proves_is_overdue() {
    let app = App::new(world("PROJ", 10)).await;
    let served = Served::of(&app, &["PROJ", "FRESH", "OLD"]).await;
    sqlx::query(
        "UPDATE extractor.schedules SET followed_since = clock_timestamp() - interval '9 days'
         WHERE kind = 'reconcile' AND project_key <> 'FRESH'",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO extractor.cursors (site, project_key, lease_token, updated_at, reconciled_at)
         SELECT $1, key, 0, clock_timestamp(), clock_timestamp() - age
         FROM (VALUES ('PROJ', interval '3 hours'), ('OLD', interval '3 days')) AS n(key, age)",
    )
    .bind(crate::app::SITE)
    .execute(&app.pool)
    .await
    .unwrap();
    let shown = served.scrape().await;
    let overdue =
        |project| shown.value("extractor_project_reconcile_overdue", &[("project", project)]);
    assert_eq!(["PROJ", "FRESH", "OLD"].map(overdue), [Some(0.0), Some(0.0), Some(1.0)]);
}

/// As if a project were followed for so long.
pub(super) async fn follow_since(app: &App, project: &str, since: &str) {
    let updated = sqlx::query(
        "UPDATE extractor.schedules SET followed_since = clock_timestamp() - $2::interval
         WHERE project_key = $1 AND kind = 'delta'",
    )
    .bind(project)
    .bind(since)
    .execute(&app.pool)
    .await
    .unwrap();
    assert_eq!(updated.rows_affected(), 1);
}

#[tokio::test]
async fn without_the_token_nothing_is_told() {
    let served = Served::start().await;
    for headers in ["", "Authorization: Bearer another\r\n"] {
        let answer = served.ask(headers).await;
        assert!(answer.head.starts_with("http/1.1 401"), "{}", answer.head);
        assert!(!answer.body.contains("extractor_"), "{}", answer.body);
    }
}

#[tokio::test]
async fn who_does_not_ask_for_open_metrics_gets_the_older_format() {
    let served = Served::start().await;
    let older = served.answer("*/*").await;
    assert!(older.head.contains("content-type: text/plain; version=0.0.4"), "{}", older.head);
    assert!(older.body.contains("# TYPE extractor_jira_retries_total counter\n"));
    let newer = served.answer("application/openmetrics-text;version=1.0.0").await;
    let kind = "content-type: application/openmetrics-text; version=1.0.0";
    assert!(newer.head.contains(kind), "{}", newer.head);
    assert!(newer.body.ends_with("# EOF\n"));
}

#[tokio::test]
async fn counters_never_fall_from_one_scrape_to_the_next() {
    let app = App::new(world("PROJ", 20)).await;
    let served = Served::of(&app, &["PROJ"]).await;
    let mut before = served.scrape().await;
    for _ in 0..2 {
        served.run(&app, "PROJ").await;
        let after = served.scrape().await;
        let counters = ALL.iter().filter(|metric| metric.kind == Kind::Counter);
        for name in counters.map(|metric| metric.name) {
            // A client of its own for each run begins at 0, as after a reload.
            if name.starts_with("extractor_jira_") {
                continue;
            }
            for sample in before.samples.iter().filter(|sample| sample.name == name) {
                let now =
                    after.samples.iter().find(|s| s.name == name && s.labels == sample.labels);
                let now = now.unwrap_or_else(|| panic!("{name} is gone"));
                assert!(now.value >= sample.value, "{name} {:?}", sample.labels);
            }
        }
        before = after;
    }
}
