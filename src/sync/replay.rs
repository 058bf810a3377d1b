//! What the replay audit's findings call for: an issue whose changelog does not arrive at its present
//! values is fetched once more, since an entry may have come between two answers; what is found even
//! then is Jira's own, and reported. Pure.

use crate::store::ReplayAudit;

/// What to do after an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Fetch what was not fetched again yet, then audit once more.
    Refetch,
    /// Report what is left.
    Report,
}

/// Decides after the first, second, ... audit of a run, counted from 1.
pub(super) fn after(audit: ReplayAudit, audits: u32) -> Step {
    if audits == 1 && audit.unreplayed > 0 { Step::Refetch } else { Step::Report }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_fetched_again_once_and_then_reported() {
        let audit = |unreplayed| ReplayAudit { audited: 5, unreplayed };
        assert_eq!(after(audit(0), 1), Step::Report);
        assert_eq!(after(audit(2), 1), Step::Refetch);
        assert_eq!(after(audit(2), 2), Step::Report);
    }
}
