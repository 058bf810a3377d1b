//! The Jira side of the service: client, engine and the share of the request rate. Built anew when
//! the configuration of Jira changes.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::base::Base;
use super::board::{self, Board};
use super::wishes::{Order, Waited, Wishes};
use crate::admin::desk::InstanceFacts;
use crate::config::Projects;
use crate::daemon::wiring::{
    Peer, WiringError, close_gates, engine_settings, jira_client, pass_on_gates, user_filter,
};
use crate::model::ProjectKey;
use crate::sync::{Budget, Engine};

/// How long telling others what Jira has asked for last may take.
const CLOSING: Duration = Duration::from_secs(3);

/// What runs need of Jira.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) peer: Arc<Peer>,
    pub(super) engine: Arc<Engine>,
    budget: Budget,
}

impl Crew {
    /// Asks the configured Jira what it is, however long that takes, but not while it has asked an
    /// earlier process to wait.
    ///
    /// # Errors
    /// What somebody has to mend, unless the service has `begun` before.
    pub(super) async fn meet(
        order: &Order,
        base: &Base,
        board: &Board,
        wishes: &mut Wishes,
        begun: bool,
    ) -> Result<Waited<Self>, WiringError> {
        let config = &order.config;
        let store = base.store();
        let stop = wishes.stop.clone();
        // What cannot be used at all is waited with, until the next order brings something else.
        let prepare = || async { Ok((user_filter(config)?, jira_client(&config.jira)?)) };
        let (filter, client) = match wishes.patiently(board, begun, prepare).await? {
            Waited::Done(prepared) => prepared,
            Waited::Told(wish) => return Ok(Waited::Told(wish)),
        };
        board.asking(&client);
        close_gates(&client, &config.jira, store).await;
        let named: &[ProjectKey] = match &config.sync.projects {
            Projects::All => &[],
            Projects::Only(keys) => keys,
        };
        let attempt = || async {
            let met = Peer::meet_by(client.clone(), &config.jira, named, &stop).await;
            if met.is_err() {
                pass_on_gates(&client, &config.jira, store).await;
            }
            met
        };
        let peer = match wishes.patiently(board, begun, attempt).await? {
            Waited::Done(peer) => peer,
            Waited::Told(wish) => return Ok(Waited::Told(wish)),
        };
        board.met(InstanceFacts {
            host: peer.client.host().to_owned(),
            flavor: peer.instance.flavor,
            version: peer.instance.version.clone(),
        });
        board.up(board::Peer::Jira);
        let worker = base.session().worker();
        let settings = engine_settings(config, &peer, filter);
        let kept = store.clone().keeping_history(config.sync.history);
        let (jira, instance) = (peer.client.clone(), peer.instance.clone());
        // Runs are told to end one by one, so that each is waited for.
        let never = CancellationToken::new();
        let engine = Engine::new(jira, kept, worker, instance, settings, never);
        let budget =
            Budget::start(peer.client.clone(), store.clone(), peer.site.clone(), worker).await;
        Ok(Waited::Done(Self { peer: Arc::new(peer), engine: Arc::new(engine), budget }))
    }

    /// Gives its share of the request rate back, and passes on what Jira has asked for last.
    pub(super) async fn close(self) {
        if tokio::time::timeout(CLOSING, self.budget.close()).await.is_err() {
            tracing::warn!("the share of the request rate is not given back in time");
        }
    }
}
