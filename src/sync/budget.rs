//! One request rate for all processes of a site: a duty that tells the client how many share it and
//! what others were told to wait for, and tells the others what this client was told. What follows
//! from it is `jira`'s; the times are the database's.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::jira::{JiraClient, Scope};
use crate::model::{Site, WorkerId};
use crate::store::{Sharing, SharingListener, Store, StoreError, Throttle};

/// How often the others are looked at, besides whenever one of them lets us know; what this process
/// is told goes out at once.
pub const PERIOD: Duration = Duration::from_secs(1);
/// How long one look may take. Without an answer the last share stays.
const PATIENCE: Duration = Duration::from_secs(5);
/// Waits that differ by less are the same wait, told again.
const SAME: Duration = Duration::from_millis(50);

/// What the duty knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// Live processes that share the rate, this one included.
    pub processes: u32,
    /// How often the database has told us.
    pub looks: u64,
    /// Whether it did so the last time we asked.
    pub current: bool,
}

/// The running duty. Dropping it ends it; [`Budget::close`] also passes on what is left to say.
#[derive(Debug)]
pub struct Budget {
    shared: watch::Receiver<Shared>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Budget {
    /// Takes a share for `worker`, which must have an open session, and keeps it up to date. Where
    /// others are at work already, `jira` sends nothing until they have heard of this process.
    /// A database that does not answer is no error: the share is then all there is.
    pub async fn start(jira: JiraClient, store: Store, site: Site, worker: WorkerId) -> Self {
        let told = jira.told_to_wait();
        let (known, shared) = watch::channel(Shared { processes: 1, looks: 0, current: false });
        let (listener, passed_on) = (None, HashMap::new());
        let mut duty = Duty { jira, store, site, worker, listener, passed_on, known };
        duty.enter().await;
        let stop = CancellationToken::new();
        let task = tokio::spawn(duty.run(told, stop.clone()));
        Self { shared, stop, task }
    }

    /// What the duty knows, and whenever it has looked again.
    pub fn shared(&self) -> watch::Receiver<Shared> {
        self.shared.clone()
    }

    /// Ends the duty. What Jira has told this process last is passed on before.
    pub async fn close(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(error = %error, "budget task did not end in order");
        }
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Duty {
    jira: JiraClient,
    store: Store,
    site: Site,
    worker: WorkerId,
    /// `None` while there is no connection for it.
    listener: Option<SharingListener>,
    /// What the others know already.
    passed_on: HashMap<Scope, Instant>,
    known: watch::Sender<Shared>,
}

impl Duty {
    async fn run(mut self, mut told: watch::Receiver<u64>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
                Ok(()) = told.changed() => {}
                () = heard(&mut self.listener, &self.site) => {}
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.turn() => {}
            }
        }
        if let Err(error) = in_time(self.pass_on()).await {
            tracing::warn!(error = %error, "the others are not told how long jira asks to wait");
        }
    }

    /// The first look decides how this process begins.
    async fn enter(&mut self) {
        let looked = in_time(Box::pin(self.exchange())).await;
        if let Ok(sharing) = &looked
            && sharing.others > 0
        {
            self.jira.join(processes(sharing), PERIOD);
        }
        self.note(looked);
    }

    async fn turn(&mut self) {
        let looked = in_time(Box::pin(self.exchange())).await;
        self.note(looked);
    }

    async fn exchange(&mut self) -> Result<Sharing, StoreError> {
        self.pass_on().await?;
        if self.listener.is_none() {
            match self.store.listen_sharing().await {
                Ok(listener) => self.listener = Some(listener),
                Err(error) => tracing::debug!(error = %error, "changes are seen by looking only"),
            }
        }
        self.look().await
    }

    /// Tells the others what Jira has told this process.
    async fn pass_on(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        let mut gates = self.jira.told_gates();
        gates.retain(|(scope, wait)| {
            self.passed_on.get(scope).is_none_or(|known| now + *wait > *known + SAME)
        });
        if gates.is_empty() {
            return Ok(());
        }
        let throttle = |(scope, wait): &(Scope, Duration)| Throttle {
            scope: scope.as_str().to_owned(),
            wait: *wait,
        };
        let throttles: Vec<Throttle> = gates.iter().map(throttle).collect();
        self.store.record_throttles(&self.site, Some(self.worker), &throttles).await?;
        self.passed_on.extend(gates.into_iter().map(|(scope, wait)| (scope, now + wait)));
        Ok(())
    }

    /// Reads who is there and what has to wait. First it registers this process where it is not:
    /// the row of its session may have been written anew.
    async fn look(&self) -> Result<Sharing, StoreError> {
        let sharing = self.store.load_sharing(&self.site, self.worker).await?;
        if sharing.registered {
            return Ok(sharing);
        }
        self.store.register_sharing(&self.site, self.worker).await?;
        self.store.load_sharing(&self.site, self.worker).await
    }

    /// Hands over what was read.
    fn note(&self, looked: Result<Sharing, Missed>) {
        let before = *self.known.borrow();
        let after = match looked {
            Ok(sharing) => {
                self.jira.set_share(processes(&sharing));
                for throttle in &sharing.throttles {
                    let scope = Scope::from_text(throttle.scope.clone());
                    self.jira.close_gate(&scope, throttle.wait);
                }
                let looks = before.looks + 1;
                Shared { processes: processes(&sharing), looks, current: true }
            }
            Err(error) => {
                if before.current || before.looks == 0 {
                    tracing::warn!(error = %error, "the request rate is shared as it was last");
                }
                Shared { current: false, ..before }
            }
        };
        if after.processes != before.processes {
            tracing::debug!(processes = after.processes, "sharing the request rate");
        }
        self.known.send_replace(after);
    }
}

/// Waits until another process lets us know of something; for ever without a way to hear it.
async fn heard(listener: &mut Option<SharingListener>, site: &Site) {
    match listener {
        None => std::future::pending().await,
        Some(hears) => {
            if let Err(error) = hears.changed(site).await {
                tracing::debug!(error = %error, "changes are seen by looking only");
                *listener = None;
            }
        }
    }
}

fn processes(sharing: &Sharing) -> u32 {
    u32::try_from(sharing.others).unwrap_or(u32::MAX).saturating_add(1)
}

/// Why the database has said nothing.
#[derive(Debug, thiserror::Error)]
enum Missed {
    #[error(transparent)]
    Store(StoreError),
    #[error("the database did not answer within {PATIENCE:?}")]
    TooLate,
}

/// A pool may have no connection to give for a while.
async fn in_time<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, Missed> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(Missed::Store),
        Err(_) => Err(Missed::TooLate),
    }
}
