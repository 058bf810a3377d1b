//! A service whose clock jumps by years goes on as if nothing had happened: what is due, and for how
//! long something is leased, is decided by the database's clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use extractor::clock::{Clock as _, ManualClock};
use extractor::config::{Config, Inputs, Overrides};
use extractor::daemon::service::Service;
use tokio_util::sync::CancellationToken;

use super::world;
use crate::app::{App, SITE};
use crate::compare::assert_equal;

/// A service that runs every second, on the test's Jira and database.
fn config(app: &App) -> Config {
    let environment: BTreeMap<String, String> = [
        ("JIRA__BASE_URL", app.sim.base_url()),
        ("JIRA__SITE", SITE),
        ("JIRA__REQUESTS_PER_SECOND", "0"),
        ("DATABASE__URL", &app.database_url),
        ("SYNC__PROJECTS", "PROJ"),
        ("SYNC__SCHEDULE", "1s"),
    ]
    .map(|(name, value)| (format!("EXTRACTOR_{name}"), value.to_owned()))
    .into();
    let inputs = Inputs { environment, ..Inputs::isolated(Overrides::default()) };
    extractor::config::load(&inputs).unwrap().config
}

#[tokio::test]
async fn a_service_whose_clock_jumps_keeps_its_schedule() {
    let app = App::new(world()).await;
    let start: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let stop = CancellationToken::new();
    let service = Service::new(config(&app), clock.clone(), stop.clone()).unwrap();
    let mut status = service.desk().status;
    let running = tokio::spawn(Box::pin(service.run()));
    let completed = "SELECT count(*) FROM extractor.runs WHERE state = 'completed'";
    let (ten_years, mut wanted) = (TimeDelta::days(3650), 0);
    for jump in [TimeDelta::zero(), ten_years, -ten_years * 3, ten_years] {
        clock.set(clock.now() + jump);
        wanted = wanted.max(app.number(completed).await) + 2;
        let enough = async {
            while app.number(completed).await < wanted {
                status.changed().await.unwrap();
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(120), enough).await;
        assert!(in_time.is_ok(), "no more runs after a jump by {jump}");
    }
    let off = "SELECT count(*) FROM extractor.schedules
        WHERE failures_in_a_row > 0 OR (kind = 'delta'
              AND abs(extract(epoch FROM next_run_at - clock_timestamp())) > 3600)";
    assert_eq!(app.number(off).await, 0);
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_equal(&app, "PROJ").await;
}
