//! Which projects are followed: those that are named, or every visible one, looked at again every few
//! minutes. A list that is suddenly empty is trouble, not the end of every project.

use std::time::Duration;

use tokio::sync::watch;

use super::board::{self, Board};
use super::dice;
use super::trouble;
use crate::admin::desk::Trouble;
use crate::config::Projects;
use crate::daemon::backoff::Backoff;
use crate::daemon::wiring::Peer;
use crate::model::{FailureCategory, ProjectKey};

/// How often the list of visible projects is asked for at the least.
const LOOK_EVERY: Duration = Duration::from_secs(180);
/// How often at the most, where runs are due more often than that.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_secs(2);

/// The followed projects, by key; none before Jira was asked.
pub(super) type Roster = Option<Vec<ProjectKey>>;

/// Keeps the roster up to date, for ever; `period` is how often a project is run.
pub(super) async fn keep(
    (wanted, period): (Projects, Duration),
    peer: &Peer,
    board: &Board,
    roster: &watch::Sender<Roster>,
) {
    let every = period.clamp(LOOK_AT_MOST_EVERY, LOOK_EVERY);
    let mut failures = 0;
    match wanted {
        Projects::Only(mut keys) => {
            keys.sort();
            publish(roster, keys);
            std::future::pending().await
        }
        Projects::All => loop {
            match peer.visible_projects().await {
                Ok(keys) if keys.is_empty() => {
                    failures += 1;
                    board.down(board::Peer::Jira, none_visible());
                }
                Ok(mut keys) => {
                    failures = 0;
                    board.up(board::Peer::Jira);
                    keys.sort();
                    keys.dedup();
                    publish(roster, keys);
                }
                Err(error) => {
                    failures += 1;
                    board.down(board::Peer::Jira, trouble::of_jira(&error));
                }
            }
            let wait = match failures {
                0 => every.mul_f64(0.9 + dice() * 0.2),
                failures => Backoff::of_peer().wait(failures, dice()),
            };
            tokio::time::sleep(wait).await;
        },
    }
}

fn publish(roster: &watch::Sender<Roster>, keys: Vec<ProjectKey>) {
    roster.send_if_modified(|known| {
        let known_keys = known.as_deref().unwrap_or_default();
        for key in keys.iter().filter(|key| !known_keys.contains(key)) {
            tracing::info!(project.key = %key, "project is followed");
        }
        for key in known_keys.iter().filter(|key| !keys.contains(key)) {
            tracing::warn!(project.key = %key, "project is not visible any more, not followed");
        }
        let changed = known.as_ref() != Some(&keys);
        *known = Some(keys);
        changed
    });
}

/// What it means that no project can be seen.
pub(super) fn none_visible() -> Trouble {
    Trouble {
        text: "this account sees no project".to_owned(),
        category: FailureCategory::AdminRequired,
        remedy: "check the credentials and the account's Browse Projects permission".to_owned(),
    }
}
