//! Every row that an extraction of a Cloud site stores is as that site serves it; and both flavours
//! of one world end as the same rows where they agree.

use extractor::model::{Basis, RunState, Verdict};
use jira_sim::{CloudSite, SimConfig, World, WorldProfile, generate};
use rstest::rstest;

use crate::app::App;
use crate::compare::assert_exact;

fn world(issues: usize) -> World {
    generate(&WorldProfile::new("PROJ", issues, 31)).unwrap()
}

/// Everything is cut short everywhere, times are numbers, most bodies are rich.
fn hard() -> CloudSite {
    CloudSite {
        inline_changelog: 4,
        inline_comments: 1,
        inline_worklogs: 1,
        numeric_changelog_times: true,
        rich_bodies: 0.8,
        page_cap: 70,
        whole_page_cap: 30,
        ..CloudSite::default()
    }
}

#[rstest]
#[case::as_most_are(CloudSite::default())]
#[case::where_everything_is_cut_short(hard())]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_stores_every_row_as_cloud_serves_it(#[case] cloud: CloudSite) {
    let user_zone = chrono_tz::Asia::Kolkata;
    let config = SimConfig { cloud, user_zone, ..SimConfig::cloud() };
    let app = App::with_config(config, world(600)).await;
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert_eq!(
        (report.certificate.verdict, report.certificate.basis),
        (Verdict::Complete, Basis::Census)
    );
    assert_exact(&app, "PROJ").await;
    for (table, fewest) in [("changes", 2_000), ("comments", 500), ("worklogs", 100), ("links", 50)]
    {
        let rows = app.number(&format!("SELECT count(*) FROM jira.{table}")).await;
        assert!(rows >= fewest, "{rows} {table} show little");
    }
}
