//! The state of the whole in words: one sentence that answers "is it well?", and what needs a
//! person's attention. Pure.

use super::projects::{Standing, standings};
use super::{Sight, Tone};
use crate::admin::desk::{Link, Phase, Trouble};
use crate::admin::page::words::{ago, between, count, listed, sentence, span, stopped};
use crate::jira::BreakerState;
use crate::model::FailureCategory;

/// The state of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin::page) struct Overall {
    /// How it is.
    pub(in crate::admin::page) tone: Tone,
    /// In one sentence, without its full stop.
    pub(in crate::admin::page) headline: String,
    /// What else there is to say, in whole sentences.
    pub(in crate::admin::page) detail: String,
    /// What needs attention, the worst first.
    pub(in crate::admin::page) notices: Vec<Notice>,
}

/// Something that needs attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin::page) struct Notice {
    /// How bad it is.
    pub(in crate::admin::page) tone: Tone,
    /// What it is.
    pub(in crate::admin::page) title: String,
    /// More about it, in whole sentences.
    pub(in crate::admin::page) text: String,
    /// What to do about it.
    pub(in crate::admin::page) remedy: Option<String>,
}

/// The state of the whole as it is seen.
pub(in crate::admin::page) fn overall(sight: &Sight<'_>) -> Overall {
    let mut notices = notices(sight);
    notices.sort_by_key(|notice| std::cmp::Reverse(notice.tone));
    let (tone, headline) = headline(sight);
    Overall { tone, headline, detail: detail(sight), notices }
}

fn headline(sight: &Sight<'_>) -> (Tone, String) {
    let status = sight.status;
    match status.phase {
        Phase::Stopping => return (Tone::Quiet, "The service is stopping".to_owned()),
        Phase::Starting if !is_down(&status.database) && !is_down(&status.jira) => {
            return (Tone::Busy, "The service is starting".to_owned());
        }
        Phase::Starting | Phase::Running => {}
    }
    for (link, name) in [(&status.database, "Postgres"), (&status.jira, "Jira")] {
        if let Link::Down { since, .. } = link {
            let silent = span(between(*since, sight.now));
            return (Tone::Bad, format!("{name} has not answered for {silent}"));
        }
    }
    if sight.picture.known.is_none() {
        return (Tone::Busy, "The database is being read".to_owned());
    }
    of_projects(&standings(sight))
}

fn of_projects(standings: &[(String, Standing)]) -> (Tone, String) {
    let followed: Vec<_> =
        standings.iter().filter(|(_, standing)| *standing != Standing::Left).collect();
    let named = |wanted: fn(&Standing) -> bool| -> Vec<String> {
        followed.iter().filter(|(_, s)| wanted(s)).map(|(key, _)| key.clone()).collect()
    };
    let current = named(|standing| *standing == Standing::Current).len();
    if followed.is_empty() {
        return (Tone::Quiet, "No project is followed yet".to_owned());
    }
    if current == followed.len() {
        return match followed.as_slice() {
            [(key, _)] => (Tone::Good, format!("{key} is up to date")),
            _ => (Tone::Good, format!("All {current} projects are up to date")),
        };
    }
    let groups = [
        (Tone::Bad, named(|s| matches!(s, Standing::Failing { .. })), "failing", "failing"),
        (Tone::Bad, named(|s| *s == Standing::Stalled), "stalled", "stalled"),
        (Tone::Bad, named(|s| *s == Standing::Unproven), "not proven whole", "not proven whole"),
        (Tone::Warn, named(|s| *s == Standing::Late), "late", "late"),
        (Tone::Busy, named(|s| *s == Standing::New), "not extracted yet", "not extracted yet"),
    ];
    let tone = groups.iter().find(|(_, names, ..)| !names.is_empty()).map_or(Tone::Good, |g| g.0);
    let rest: Vec<String> = groups
        .iter()
        .filter(|(_, names, ..)| !names.is_empty())
        .map(|(_, names, one, many)| match names.as_slice() {
            [name] => format!("{name} is {one}"),
            [_, _] | [_, _, _] => format!("{} are {many}", listed(names)),
            _ => format!("{} are {many}", names.len()),
        })
        .collect();
    let rest = listed(&rest);
    if followed.len() == 1 {
        return (tone, rest);
    }
    let of = followed.len();
    let begin = match current {
        0 => format!("None of {of} projects is up to date"),
        1 => format!("1 of {of} projects is up to date"),
        _ => format!("{current} of {of} projects are up to date"),
    };
    (tone, format!("{begin}; {rest}"))
}

fn detail(sight: &Sight<'_>) -> String {
    let mut sentences = Vec::new();
    if let Some(known) = &sight.picture.known {
        let since_read = between(known.read_at, sight.now);
        let lags: Vec<_> = known.projects.iter().filter_map(|facts| facts.lag).collect();
        if let Some(oldest) = lags.iter().max() {
            let oldest = span(*oldest + since_read);
            sentences.push(match lags.as_slice() {
                [_] => format!("It is {oldest} behind Jira."),
                _ => format!("The oldest is {oldest} behind Jira."),
            });
        }
        let under_way = super::live::open_runs(known).count() as u64;
        match under_way {
            0 => {}
            1 => sentences.push("1 run is under way.".to_owned()),
            _ => sentences.push(format!("{} are under way.", count(under_way, "run"))),
        }
    }
    if let Some(since) = sight.picture.silent_since {
        sentences.push(match &sight.picture.known {
            Some(known) => {
                format!("What is shown of the database was read {}.", ago(known.read_at, sight.now))
            }
            None => format!("The database was asked first {}.", ago(since, sight.now)),
        });
    }
    sentences.join(" ")
}

fn notices(sight: &Sight<'_>) -> Vec<Notice> {
    let status = sight.status;
    let mut notices = Vec::new();
    for (link, name) in [(&status.database, "Postgres"), (&status.jira, "Jira")] {
        if let Link::Down { since, trouble } = link {
            let title = format!("{name} does not answer");
            let more = format!("It was last there {}.", ago(*since, sight.now));
            notices.push(of_trouble(Tone::Bad, title, trouble, &more));
        }
    }
    if let Some(refused) = &status.configuration.refused {
        let loaded = ago(status.configuration.loaded_at, sight.now);
        let more = format!("The one in force was read {loaded}.");
        notices.push(of_trouble(
            Tone::Warn,
            "The changed configuration was refused".to_owned(),
            refused,
            &more,
        ));
    }
    for project in &status.projects {
        if let Some(trouble) = &project.trouble {
            let times = u64::from(project.failures_in_a_row.max(1));
            let title = match times {
                1 => format!("The last run of {} failed", project.key),
                _ => format!("The last {times} runs of {} failed", project.key),
            };
            notices.push(of_trouble(Tone::Bad, title, trouble, ""));
        }
    }
    notices.extend(held_back(sight));
    notices
}

fn held_back(sight: &Sight<'_>) -> Option<Notice> {
    let stats = sight.stats?;
    match stats.breaker_state {
        BreakerState::Closed => None,
        BreakerState::Open | BreakerState::HalfOpen => Some(Notice {
            tone: Tone::Warn,
            title: "Requests to Jira are held back".to_owned(),
            text: "It did not answer several times in a row. One small request now and then asks \
                   whether it is back; the others wait."
                .to_owned(),
            remedy: None,
        }),
    }
}

fn of_trouble(tone: Tone, title: String, trouble: &Trouble, more: &str) -> Notice {
    let text = format!("{} {more}", stopped(&sentence(&trouble.text))).trim_end().to_owned();
    let remedy = match trouble.category {
        FailureCategory::Temporary => "It is tried again by itself.".to_owned(),
        FailureCategory::UserFixable | FailureCategory::AdminRequired => String::new(),
    };
    let told = if trouble.remedy.is_empty() { remedy } else { stopped(&sentence(&trouble.remedy)) };
    Notice { tone, title, text, remedy: (!told.is_empty()).then_some(told) }
}

fn is_down(link: &Link) -> bool {
    match link {
        Link::Down { .. } => true,
        Link::Unknown | Link::Up { .. } => false,
    }
}

#[cfg(test)]
#[path = "overall_tests.rs"]
mod tests;
