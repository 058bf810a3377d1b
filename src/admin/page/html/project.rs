//! The page of one project, and the page of all failures.

use maud::{Markup, html};

use super::layout::Page;
use super::overview::{failure_groups, live_run};
use super::parts::{
    backfill_button, instant, mark, note, nothing, number, reconcile_button, state, sync_button,
    told,
};
use super::tables;
use crate::admin::page::view::failures::groups;
use crate::admin::page::view::projects::{ProjectLine, Stored, lines};
use crate::admin::page::view::{Sight, live, runs};
use crate::admin::page::words;
use crate::store::{Run, StoredFailure};

/// One project as it is seen, with its last runs and failures; none if nobody knows it.
pub(in crate::admin::page) fn project(
    key: &str,
    its_runs: &[Run],
    its_failures: &[StoredFailure],
    sight: &Sight<'_>,
) -> Option<Page> {
    let line = lines(sight).into_iter().find(|line| line.key == key)?;
    let live: Vec<_> = live::lines(sight).into_iter().filter(|run| run.project == key).collect();
    let runs: Vec<_> = its_runs.iter().map(|run| runs::line(run, sight)).collect();
    let last = groups(its_failures);
    Some(Page {
        title: key.to_owned(),
        trail: vec![(key.to_owned(), format!("/projects/{key}"))],
        parts: vec![
            ("state", hero(&line)),
            (
                "live",
                html! {
                    section id="live" aria-labelledby="live-title" hidden[live.is_empty()] {
                        h2 id="live-title" { "Under way" }
                        ul.live role="list" { @for run in &live { (live_run(run)) } }
                    }
                },
            ),
            ("stored", stored(&line.stored)),
            (
                "runs",
                html! {
                    section id="runs" aria-labelledby="runs-title" {
                        h2 id="runs-title" { "Runs" }
                        @if runs.is_empty() { p.empty { "None yet." } }
                        @else { (tables::runs(&runs, false)) }
                    }
                },
            ),
            (
                "failures",
                html! {
                    section id="failures" aria-labelledby="failures-title" {
                        h2 id="failures-title" { "Issues not fetched whole" }
                        @if last.is_empty() {
                            p.empty { "None. Every issue was fetched whole." }
                        } @else {
                            (failure_groups(&last))
                            (tables::failures(its_failures, sight.now))
                        }
                    }
                },
            ),
        ],
    })
}

fn hero(line: &ProjectLine) -> Markup {
    let behind = line.behind.as_ref().map_or_else(nothing, |text| html! { (text) });
    let next = line.next_run.as_ref().map_or_else(nothing, |(at, text)| told(*at, text));
    let certificate = line.certificate.as_ref().map_or_else(nothing, |told| {
        html! { (state(&told.word)) p.meaning { (told.meaning) } }
    });
    let when = |at: &Option<(chrono::DateTime<chrono::Utc>, String)>| {
        at.as_ref().map_or_else(nothing, |(at, text)| told(*at, text))
    };
    let proven = html! {
        (when(&line.reconcile.last_held))
        @if let Some(trouble) = &line.reconcile.trouble { p.meaning { (trouble) } }
    };
    html! {
        section.hero id="state" aria-labelledby="headline" {
            div.headline {
                (mark(line.standing.tone))
                h1 id="headline" { (line.key) " " span.is { (line.standing.text) } }
                @if line.followed {
                    div.choices {
                        (sync_button(&line.key))
                        (backfill_button(&line.key))
                        (reconcile_button(&line.key))
                    }
                }
            }
            (tables::facts(&[
                ("Behind Jira", behind),
                ("Next run", next),
                ("In the queue", number(line.queue)),
                ("Last certificate", certificate),
                ("Last proven by a reconcile", proven),
                ("Next reconcile", when(&line.reconcile.next)),
            ]))
        }
    }
}

fn stored(stored: &Stored) -> Markup {
    let total = stored.total();
    let tiers = [
        ("full", "whole, in one request", stored.tiers.full),
        ("hub", "whole, the links asked for apart", stored.tiers.hub),
        ("minimal", "a few fields only; tried again", stored.tiers.minimal),
    ];
    let by_reason: Vec<String> = stored
        .tombstones()
        .map(|(reason, issues)| format!("{} {}", words::number(issues), reason.words()))
        .collect();
    html! {
        section id="stored" aria-labelledby="stored-title" {
            h2 id="stored-title" { "Issues stored: " (words::number(total)) }
            div.sheet.padded {
                (bar(&tiers.map(|(name, _, issues)| (name, issues)), total))
                ul.legend role="list" {
                    @for (name, meaning, issues) in tiers {
                        li {
                            span class={ "swatch " (name) } aria-hidden="true" {}
                            strong { (words::number(issues)) } " " (name)
                            small { (meaning) }
                        }
                    }
                }
                p.remarks {
                    (words::count(stored.incomplete, "issue")) " known to lack something, "
                    (words::number(stored.deleted)) " marked deleted"
                    @if !by_reason.is_empty() { ": " (by_reason.join(", ")) }
                    "."
                }
            }
        }
    }
}

/// Parts of a whole, drawn beside each other.
fn bar(parts: &[(&str, u64)], total: u64) -> Markup {
    let mut x = 0.0;
    let parts: Vec<(&str, f64, f64)> = parts
        .iter()
        .filter(|(_, issues)| *issues > 0)
        .map(|(name, issues)| {
            let width = *issues as f64 / total.max(1) as f64 * 1_000.0;
            let from = x;
            x += width;
            (*name, from, width)
        })
        .collect();
    html! {
        svg.tiers viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.empty x="0" y="0" width="1000" height="10" {}
            @for (name, from, width) in parts {
                rect class=(name) x=(format!("{from:.1}")) y="0" width=(format!("{width:.1}"))
                    height="10" {}
            }
        }
    }
}

/// Every failure, one by one.
pub(in crate::admin::page) fn failures(failures: &[StoredFailure], sight: &Sight<'_>) -> Page {
    let groups = groups(failures);
    let title = match failures.len() {
        0 => "Every issue was fetched whole".to_owned(),
        n => format!("{} not fetched whole", words::count(n as u64, "issue")),
    };
    let at = sight.now;
    Page {
        title: "Failures".to_owned(),
        trail: vec![("Failures".to_owned(), "/failures".to_owned())],
        parts: vec![(
            "failures",
            html! {
                section.hero id="failures" aria-labelledby="headline" {
                    h1 id="headline" { (title) }
                    p.detail {
                        "Runs try them again, after a longer wait each time. "
                        code { "extractor failures retry" } " makes them due at once. As of "
                        (instant(at)) "."
                    }
                    @if !failures.is_empty() {
                        h2.visually-hidden { "By what to do" }
                        (failure_groups(&groups))
                        h2 { "One by one" }
                        (tables::failures(failures, at))
                    }
                }
            },
        )],
    }
}

/// A page in place of one that cannot be shown.
pub(in crate::admin::page) fn instead(title: &str, text: &str) -> Page {
    Page { title: title.to_owned(), trail: Vec::new(), parts: vec![("note", note(title, text))] }
}
