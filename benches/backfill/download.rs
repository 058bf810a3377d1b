//! The first limit: the requests of the backfill again, their answers read and thrown away.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use anyhow::Context as _;
use jira_sim::RequestRecord;
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::options::Options;
use crate::role::{Done, Work};

/// A request as it is sent again.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    url: String,
    body: Value,
    whole_issues: u64,
}

/// Writes the searches of a backfill down, in their order. The few other requests are left out.
pub(crate) fn record(records: &[RequestRecord], path: &Path) -> anyhow::Result<()> {
    let requests: Vec<Request> =
        records.iter().filter(|record| record.seen.is_search()).map(request).collect();
    Ok(std::fs::write(path, serde_json::to_vec(&requests)?)?)
}

fn request(record: &RequestRecord) -> Request {
    let seen = &record.seen;
    let body = json!({
        "jql": seen.jql,
        "startAt": seen.start_at.unwrap_or(0),
        "maxResults": seen.max_results,
        "fields": seen.fields,
        "expand": seen.expand,
        "validateQuery": seen.validate_query,
    });
    Request {
        url: seen.path.trim_start_matches('/').to_owned(),
        body,
        whole_issues: if seen.wants_whole_issues() { record.rows() as u64 } else { 0 },
    }
}

/// The requests, ready to be sent.
pub(crate) struct Download(Arc<Requests>);

struct Requests {
    client: Client,
    base_url: String,
    requests: Vec<Request>,
    clients: usize,
}

impl Download {
    pub(crate) async fn prepare(options: &Options) -> anyhow::Result<Self> {
        let recorded = std::fs::read(options.recorded.as_ref().context("nothing recorded")?)?;
        Ok(Self(Arc::new(Requests {
            client: Client::builder().no_proxy().build()?,
            base_url: options.base_url.clone().context("no base URL")?,
            requests: serde_json::from_slice(&recorded)?,
            clients: options.max_in_flight,
        })))
    }
}

impl Requests {
    #[expect(clippy::disallowed_methods, reason = "what is measured is a request without care")]
    async fn send(&self, request: &Request) -> anyhow::Result<u64> {
        let url = format!("{}/{}", self.base_url.trim_end_matches('/'), request.url);
        let builder = self.client.post(url).json(&request.body);
        let mut response = builder.send().await?.error_for_status()?;
        let mut bytes = 0;
        while let Some(chunk) = response.chunk().await? {
            bytes += chunk.len() as u64;
        }
        Ok(bytes)
    }
}

impl Work for Download {
    async fn run(&mut self) -> anyhow::Result<Done> {
        let (next, bytes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let this = Arc::clone(&self.0);
        let mut clients = JoinSet::new();
        for _ in 0..this.clients {
            let (this, next, bytes) = (Arc::clone(&this), Arc::clone(&next), Arc::clone(&bytes));
            clients.spawn(async move {
                while let Some(request) = this.requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    bytes.fetch_add(this.send(request).await?, Ordering::Relaxed);
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = clients.join_next().await {
            ended??;
        }
        Ok(Done {
            issues: this.requests.iter().map(|request| request.whole_issues).sum(),
            requests: this.requests.len() as u64,
            bytes: bytes.load(Ordering::Relaxed),
        })
    }
}
