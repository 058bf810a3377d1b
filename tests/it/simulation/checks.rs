//! What holds after every step of a script, and what holds once everything is quiet.

use std::time::Duration;

use extractor::model::RunKind;
use jira_sim::IndexLag;
use sqlx::AssertSqlSafe;

use super::changes::PROJECT;
use super::script::Run;
use super::settled::{Settled, assert_not_fetched_again};
use super::stage::Stage;
use crate::compare::differences;

impl Stage {
    /// What holds at any time.
    pub(super) async fn check_always(&mut self, step: usize) {
        let cursor: Option<(Option<i64>,)> = sqlx::query_as(
            "SELECT (extract(epoch FROM completed_until) * 1000)::bigint FROM extractor.cursors
             WHERE project_key = $1",
        )
        .bind(PROJECT)
        .fetch_optional(&self.app.pool)
        .await
        .unwrap();
        let cursor = cursor.and_then(|row| row.0);
        assert!(cursor >= self.cursor, "step {step}: the cursor fell: {:?}", self.cursor);
        self.cursor = cursor;
        let insane = self
            .app
            .number(
                "SELECT count(*) FROM extractor.runs
                 WHERE least(listed, unchanged, queued, hydrated, written, gone, failed, pages) < 0
                    OR unchanged > listed OR hydrated + gone + failed > queued",
            )
            .await;
        assert_eq!(insane, 0, "step {step}: {}", self.runs().await);
    }

    /// A quiet hour: everything heals.
    pub(super) async fn finish(&mut self) {
        {
            let mut world = self.app.sim.world_mut();
            world.set_index_lag(IndexLag::None);
            world.flush_index();
            world.advance(Duration::from_secs(1_800));
        }
        let hurry = "UPDATE extractor.failures SET next_try = clock_timestamp()";
        sqlx::query(hurry).execute(&self.app.pool).await.unwrap();
        for _ in 0..2 {
            self.run(&Run::quiet(RunKind::Delta)).await;
            self.app.sim.world_mut().advance(Duration::from_secs(60));
        }
        let missed = self.missing().await;
        if !missed.is_empty() {
            // Only what is shown again, with its old `updated`, is not a delta's to find.
            assert!(
                !self.flickering.is_empty(),
                "deltas missed {missed:#?}\n{}",
                self.runs().await
            );
            self.run(&Run::quiet(RunKind::Backfill)).await;
        }
        let missing = self.missing().await;
        assert!(missing.is_empty(), "{missing:#?}\n{}", self.runs().await);
        self.nothing_is_left().await;
    }

    async fn nothing_is_left(&self) {
        for (what, sql) in [
            ("pending", "SELECT count(*) FROM extractor.pending"),
            ("listed", "SELECT count(*) FROM extractor.listed"),
            ("failures", "SELECT count(*) FROM extractor.failures"),
            ("leases", "SELECT count(*) FROM extractor.cursors WHERE lease_worker IS NOT NULL"),
            (
                "open runs",
                "SELECT count(*) FROM extractor.runs
                 WHERE state IN ('running', 'interrupted', 'failed')",
            ),
            (
                "completed runs that lost count",
                "SELECT count(*) FROM extractor.runs
                 WHERE state IN ('completed', 'incomplete') AND hydrated + gone + failed <> queued",
            ),
        ] {
            assert_eq!(self.app.number(sql).await, 0, "{what} left:\n{}", self.runs().await);
        }
    }

    /// How the rows differ from the world, but for what only a reconcile takes away.
    async fn missing(&self) -> Vec<String> {
        let mut differences = differences(&self.app, PROJECT).await;
        differences.retain(|difference| !difference.ends_with("is too many"));
        differences
    }

    async fn runs(&self) -> String {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT r::text FROM extractor.runs r ORDER BY started_at")
                .fetch_all(&self.app.pool)
                .await
                .unwrap();
        rows.into_iter().map(|row| row.0 + "\n").collect()
    }

    /// Everything that only the holder of a lease may write.
    pub(super) async fn written(&self) -> String {
        let table = |name: &str| {
            format!(
                "(SELECT md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), '')) FROM {name} t)"
            )
        };
        let tables = [
            "jira.issues",
            "jira.comments",
            "extractor.runs",
            "extractor.cursors",
            "extractor.listed",
            "extractor.pending",
            "extractor.failures",
            "extractor.certificates",
        ];
        let sql = format!("SELECT concat_ws(' ', {})", tables.map(table).join(", "));
        let row: (String,) =
            sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&self.app.pool).await.unwrap();
        row.0
    }

    /// What was stored and has not changed since is not served whole again.
    pub(super) fn nothing_was_fetched_again(&self, mut stored: Settled, mark: usize) {
        stored.retain(|id, _| !self.flickering.contains(id));
        assert_not_fetched_again(&self.app.sim, PROJECT, &stored, mark);
    }
}
