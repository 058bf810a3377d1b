//! Backfills and deltas of generated projects end equal to the simulated Jira.

use extractor::model::{RunKind, RunState, Verdict};
use jira_sim::{WorldProfile, generate};

use crate::app::App;
use crate::compare::assert_equal;

#[tokio::test]
async fn a_backfill_equals_the_world() {
    let world = generate(&WorldProfile::new("PROJ", 600, 7)).unwrap();
    let app = App::new(world).await;
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!((report.kind, report.state), (RunKind::Backfill, RunState::Completed));
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    assert_eq!(report.certificate.attempts, 1, "{report:?}");
    assert_equal(&app, "PROJ").await;
}
