//! What several clients of one Jira have to know of each other: how many they are, and what one of
//! them was told. How they tell each other is not this module's business.

use std::time::Duration;

use tokio::sync::watch;

use super::JiraClient;
use super::pacing::Told;
use super::scope::Scope;

impl JiraClient {
    /// From now on this client is one of `processes` that share the configured rate and burst. A
    /// larger share comes without tokens, so nothing leaves in a burst because of it.
    pub fn set_share(&self, processes: u32) {
        self.sender().pacing.share_among(processes);
    }

    /// As [`JiraClient::set_share`], for a client that comes to others who do not know of it yet:
    /// nothing leaves before they have `heard_in`, and the burst that had been saved up is given
    /// back. Without a configured rate there is nothing to share.
    pub fn join(&self, processes: u32, heard_in: Duration) {
        self.sender().pacing.join(processes, heard_in);
    }

    /// Lets no request of `scope` leave for `wait` from now on, because another process was told
    /// so. A gate that is closed for longer already stays as it is.
    pub fn close_gate(&self, scope: &Scope, wait: Duration) {
        self.sender().pacing.close(scope, wait, Told::Elsewhere);
    }

    /// What Jira has told this client to wait for, and for how long from now.
    pub fn told_gates(&self) -> Vec<(Scope, Duration)> {
        self.sender().pacing.told_here()
    }

    /// Changes whenever [`JiraClient::told_gates`] has got longer.
    pub fn told_to_wait(&self) -> watch::Receiver<u64> {
        self.sender().pacing.told_to_wait()
    }
}
