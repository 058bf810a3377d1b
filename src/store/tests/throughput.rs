//! How fast batches are written. Not part of the suite: `cargo test --release throughput --
//! --ignored --nocapture` prints issues per second.

use std::time::Instant;

use super::*;
use crate::model::PartialList;
use crate::store::testing::{change, comments};

const ISSUES: i64 = 20_000;
const BATCH: u32 = 100;

/// An issue of about 4 KB with two comments and two changes.
fn sizeable(id: i64) -> IssueDocument {
    let mut document = document(id);
    let filler: String = (0..90).map(|n| format!("{:x} ", (id * 7_919 + n) * 104_729)).collect();
    let fields: Vec<String> = (0..4).map(|n| format!("\"customfield_{n}\":\"{filler}\"")).collect();
    document.fields = format!("{{{}}}", fields.join(","));
    document.content_hash = {
        let mut hash = [0; 16];
        hash[..8].copy_from_slice(&id.to_be_bytes());
        hash
    };
    document.children.comments = comments(&[2 * id, 2 * id + 1], true);
    document.children.changes = Some(PartialList::whole(vec![change(2 * id), change(2 * id + 1)]));
    document
}

async fn drain(running: &Running, writers: usize, documents: &[IssueDocument]) -> f64 {
    let begun = Instant::now();
    let work = (0..writers).map(|_| async {
        while let Some(batch) = running.batch_of(BATCH).await {
            let fetched: Vec<_> = batch
                .items
                .iter()
                .map(|item| documents[usize::try_from(item.id.0 - 1).unwrap()].clone())
                .collect();
            running.write(&batch, &fetched).await.unwrap();
        }
    });
    futures::future::join_all(work).await;
    ISSUES as f64 / begun.elapsed().as_secs_f64()
}

async fn list(running: &Running, rows: &[ListedIssue]) -> f64 {
    let begun = Instant::now();
    for page in rows.chunks(1_000) {
        running.list(page).await;
    }
    ISSUES as f64 / begun.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn batches_are_written_fast() {
    let documents: Vec<_> = (1..=ISSUES).map(sizeable).collect();
    let bytes: usize = documents.iter().map(|d| d.fields.len()).sum();
    println!("{} bytes of fields an issue", bytes / documents.len());
    for writers in [1, 2, 4] {
        let running = Running::start().await;
        let page: Vec<_> = (1..=ISSUES).map(|id| listed(id, 1_000)).collect();
        let listed = list(&running, &page).await;
        let written = drain(&running, writers, &documents).await;
        running
            .store
            .run_sql(&format!(
                "INSERT INTO extractor.pending
                     (site, issue_id, project_key, run_id, key, queue_order, queued_at)
                 SELECT site, id, project_key, '{}', key, id, now() FROM jira.issues",
                running.run
            ))
            .await;
        let unchanged = drain(&running, writers, &documents).await;
        running.store.run_sql("TRUNCATE extractor.listed").await;
        let relisted = list(&running, &page).await;
        println!(
            "{writers} writers, issues/s: listed {listed:.0}, written {written:.0}, \
             fetched unchanged {unchanged:.0}, listed unchanged {relisted:.0}"
        );
    }
}
