//! The gates that `Retry-After` closes: one for everything, one for each endpoint that Jira limits
//! by itself. Pure: the present is an argument.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::jira::scope::Scope;

/// Who was told that a gate is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jira) enum Told {
    /// This client, by Jira.
    Here,
    /// Another process, which let us know.
    Elsewhere,
}

/// Each closed until an instant that only moves forward.
#[derive(Debug, Default)]
pub(super) struct Gates {
    closed: HashMap<Scope, Instant>,
    /// Those of the above that Jira closed for this client.
    told_here: HashMap<Scope, Instant>,
}

impl Gates {
    /// Closes the gate of `scope` until `until`; never opens it earlier than was said before.
    /// Whether that is later than this client was told before.
    pub(super) fn close(&mut self, scope: &Scope, until: Instant, told: Told) -> bool {
        later(&mut self.closed, scope, until);
        match told {
            Told::Here => later(&mut self.told_here, scope, until),
            Told::Elsewhere => false,
        }
    }

    /// Until when a request of `scope` has to wait; `None` if it need not.
    pub(super) fn closed_until(&self, scope: &Scope, now: Instant) -> Option<Instant> {
        let of = |scope: &Scope| self.closed.get(scope).copied().filter(|until| *until > now);
        of(&Scope::EVERYTHING).max(of(scope))
    }

    /// For how long Jira has told this client to wait.
    pub(super) fn told_here(&self, now: Instant) -> Vec<(Scope, Duration)> {
        let remaining = |until: &Instant| until.checked_duration_since(now);
        self.told_here
            .iter()
            .filter_map(|(scope, until)| Some((scope.clone(), remaining(until)?)))
            .filter(|(_, wait)| !wait.is_zero())
            .collect()
    }
}

fn later(closed: &mut HashMap<Scope, Instant>, scope: &Scope, until: Instant) -> bool {
    match closed.get_mut(scope) {
        Some(known) if *known >= until => false,
        Some(known) => {
            *known = until;
            true
        }
        None => {
            closed.insert(scope.clone(), until);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::from_text(text.to_owned())
    }

    #[test]
    fn a_gate_only_closes_further() {
        let now = Instant::now();
        let secs = |secs| now + Duration::from_secs(secs);
        let mut gates = Gates::default();
        assert!(gates.close(&Scope::EVERYTHING, secs(20), Told::Here));
        assert!(!gates.close(&Scope::EVERYTHING, secs(1), Told::Here));
        assert!(!gates.close(&Scope::EVERYTHING, secs(10), Told::Elsewhere));
        assert_eq!(gates.closed_until(&scope("GET x"), now), Some(secs(20)));
        assert_eq!(gates.closed_until(&scope("GET x"), secs(20)), None);
    }

    #[test]
    fn the_gate_of_an_endpoint_is_no_other_endpoints() {
        let now = Instant::now();
        let mut gates = Gates::default();
        let until = now + Duration::from_secs(5);
        gates.close(&scope("POST search"), until, Told::Here);
        assert_eq!(gates.closed_until(&scope("POST search"), now), Some(until));
        for open in ["GET search", "POST issue/bulkfetch", ""] {
            assert_eq!(gates.closed_until(&scope(open), now), None, "{open}");
        }
        let all = now + Duration::from_secs(9);
        gates.close(&Scope::EVERYTHING, all, Told::Here);
        assert_eq!(gates.closed_until(&scope("POST search"), now), Some(all));
    }

    #[test]
    fn what_others_were_told_is_not_passed_on() {
        let now = Instant::now();
        let secs = |secs| now + Duration::from_secs(secs);
        let mut gates = Gates::default();
        gates.close(&Scope::EVERYTHING, secs(60), Told::Elsewhere);
        gates.close(&scope("POST search"), secs(5), Told::Here);
        assert_eq!(gates.told_here(now), [(scope("POST search"), Duration::from_secs(5))]);
        assert_eq!(gates.told_here(secs(5)), []);
    }
}
