//! Whether Jira answers us: asked when a run failed in a way that makes one wonder, and again and
//! again while it does not. Credentials that it refuses are tried seldom, so that no account is locked.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::board::{self, Board};
use super::dice;
use super::roster::none_visible;
use super::trouble;
use crate::config::Projects;
use crate::daemon::backoff::Backoff;
use crate::daemon::wiring::Peer;
use crate::jira::{ErrorClass, JiraError};

/// How often refused credentials are tried again.
const AFTER_REFUSAL: Duration = Duration::from_secs(300);
/// How often the board is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Asks Jira, one question at a time.
#[derive(Debug)]
pub(super) struct JiraWatch {
    peer: Arc<Peer>,
    wanted: Projects,
    board: Board,
    asking: Mutex<()>,
}

/// What Jira answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Well,
    Away,
    Refused,
}

impl JiraWatch {
    pub(super) fn new(peer: Arc<Peer>, wanted: Projects, board: Board) -> Self {
        Self { peer, wanted, board, asking: Mutex::new(()) }
    }

    /// Asks a small question that needs our credentials, and tells the board.
    pub(super) async fn ask(&self) -> Answer {
        let _turn = self.asking.lock().await;
        let (trouble, answer) = match self.question().await {
            Ok(true) => {
                self.board.up(board::Peer::Jira);
                return Answer::Well;
            }
            Ok(false) => (none_visible(), Answer::Refused),
            Err(error) => {
                let refused = error.class() == ErrorClass::Refused;
                let answer = if refused { Answer::Refused } else { Answer::Away };
                (trouble::of_jira(&error), answer)
            }
        };
        self.board.down(board::Peer::Jira, trouble);
        answer
    }

    /// Whether anything of what is wanted can be seen.
    async fn question(&self) -> Result<bool, JiraError> {
        match &self.wanted {
            Projects::Only(keys) => match keys.first() {
                // That this one is hidden or gone is its own trouble.
                Some(key) => self.peer.client.project(key).await.map(|_| true),
                None => Ok(true),
            },
            Projects::All => self.peer.visible_projects().await.map(|keys| !keys.is_empty()),
        }
    }

    /// While Jira is away, asks until it is back. For ever.
    pub(super) async fn keep(&self) {
        let mut failures = 0;
        loop {
            if !self.board.is_down(board::Peer::Jira) {
                failures = 0;
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            failures += 1;
            tokio::time::sleep(Backoff::of_peer().wait(failures, dice())).await;
            match self.ask().await {
                Answer::Well | Answer::Away => {}
                Answer::Refused => tokio::time::sleep(AFTER_REFUSAL).await,
            }
        }
    }
}
