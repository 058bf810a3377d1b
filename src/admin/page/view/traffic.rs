//! What was asked of Jira, and how it bears it. Pure.

use super::{Tone, Word};
use crate::admin::page::words::{count, number, short_span};
use crate::jira::{BreakerState, ClientStats};

/// What was asked of Jira, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin::page) struct Traffic {
    /// How the requests fare at the moment.
    pub(in crate::admin::page) state: Word,
    /// Names and what there is to say of each.
    pub(in crate::admin::page) lines: Vec<(&'static str, String)>,
}

/// The requests of this process in words.
pub(in crate::admin::page) fn traffic(stats: &ClientStats) -> Traffic {
    let state = match stats.breaker_state {
        BreakerState::Closed => Word::new(Tone::Good, "Jira is asked as fast as it allows"),
        BreakerState::Open => Word::new(Tone::Bad, "Jira is down; requests wait"),
        BreakerState::HalfOpen => Word::new(Tone::Warn, "Jira is asked whether it is back"),
    };
    let lines =
        vec![("Pace", pace(stats)), ("Sent", sent(stats)), ("Asked to wait", patience(stats))];
    Traffic { state, lines }
}

fn pace(stats: &ClientStats) -> String {
    let share = match stats.processes {
        0 | 1 => String::new(),
        n => format!(", this process's share among {n}"),
    };
    match stats.allowed_per_second {
        Some(limit) => format!("at most {limit:.1} requests a second{share}").replace(".0 ", " "),
        None => "no limit of our own".to_owned(),
    }
}

fn sent(stats: &ClientStats) -> String {
    let mut text = count(stats.requests, "request");
    let bad = stats.failed + stats.timed_out;
    let parts = [
        (stats.retries, "repeated"),
        (bad, "broken or not answered in time"),
        (stats.refused, "refused"),
    ];
    for (times, what) in parts.into_iter().filter(|(times, _)| *times > 0) {
        text.push_str(&format!(", {} {what}", number(times)));
    }
    text
}

fn patience(stats: &ClientStats) -> String {
    let waited = stats.gate.time + stats.slowdown.time;
    match (stats.throttled, waited.as_secs()) {
        (0, 0) => "never".to_owned(),
        (0, _) => {
            format!("not in words, but slowed down by its headers for {}", short_span(waited))
        }
        (1, _) => format!("once; {} waited, by all requests together", short_span(waited)),
        (n, _) => {
            format!("{} times; {} waited, by all requests together", number(n), short_span(waited))
        }
    }
}
