//! The page of one run: how it went, its certificate, its log of decisions.

use maud::{Markup, html};

use super::layout::Page;
use super::overview::live_run;
use super::parts::{cancel_button, instant, mark, number, retry_button, state};
use super::tables::{facts, findings, maybe_instant};
use crate::admin::page::view::log::LogLine;
use crate::admin::page::view::projects::certificate_word;
use crate::admin::page::view::runs::{RunLine, remedy, state_meaning};
use crate::admin::page::view::{Sight, live, runs};
use crate::admin::page::words;
use crate::model::{Certificate, RunKind};
use crate::store::Run;

/// One run as it is seen.
pub(in crate::admin::page) fn run(
    run: &Run,
    certificate: Option<&Certificate>,
    log: &[LogLine],
    sight: &Sight<'_>,
) -> Page {
    let line = runs::line(run, sight);
    let name = format!("{} {}", line.project, line.kind);
    let live = live::of_run(run, sight);
    Page {
        title: name.clone(),
        trail: vec![
            (line.project.clone(), format!("/projects/{}", line.project)),
            (words::sentence(line.kind), format!("/runs/{}", line.id)),
        ],
        parts: vec![
            ("state", hero(run, &line, live.is_some(), sight)),
            (
                "live",
                html! {
                    section id="live" aria-labelledby="live-title" hidden[live.is_none()] {
                        h2 id="live-title" { "Under way" }
                        ul.live role="list" { @if let Some(live) = &live { (live_run(live)) } }
                    }
                },
            ),
            ("counters", counters(run, &line)),
            ("certificate", of_certificate(certificate, run.kind)),
            ("log", of_log(log)),
        ],
    }
}

fn hero(run: &Run, line: &RunLine, is_live: bool, sight: &Sight<'_>) -> Markup {
    let held = runs::is_held(run, sight);
    html! {
        section.hero id="state" aria-labelledby="headline" {
            div.headline {
                (mark(line.state.tone))
                h1 id="headline" {
                    (line.project) " " (line.kind) " " span.is aria-live="polite" { (line.state.text) }
                }
                div.choices {
                    @if line.cancellable && !is_live {
                        (cancel_button(&line.id, &line.project, line.kind))
                    }
                    @if line.retryable { (retry_button(&line.id, &line.project, line.kind)) }
                }
            }
            p.detail { (state_meaning(run, held)) }
            @if let Some(error) = &run.error {
                div.notice.bad {
                    (mark(crate::admin::page::view::Tone::Bad))
                    div {
                        h2 { "Why it failed" }
                        p { (words::stopped(&words::sentence(error))) }
                        p { strong { "What to do: " } (remedy(run.error_category)) }
                    }
                }
            }
        }
    }
}

fn counters(run: &Run, line: &RunLine) -> Markup {
    let counters = &run.counters;
    let times = [
        ("Started", instant(run.started_at)),
        ("Ended", maybe_instant(run.finished_at)),
        ("Took", html! { (line.took) }),
        ("Listed", number(counters.listed)),
        ("Unchanged", number(counters.unchanged)),
        ("Queued", number(counters.queued)),
        ("Fetched", number(counters.hydrated)),
        ("Written", number(counters.written)),
        ("Gone from Jira", number(counters.gone)),
        ("Failed", number(counters.failed)),
        ("Pages asked for", number(counters.pages)),
        ("Listings", number(u64::from(run.attempt))),
        ("Resumed", number(u64::from(run.resumes))),
        ("Retried by hand", number(u64::from(run.retries))),
    ];
    html! {
        section id="counters" aria-labelledby="counters-title" {
            h2 id="counters-title" { "What it did" }
            div.sheet.padded {
                (facts(&times))
                p.remarks {
                    "It lists issues updated "
                    @match run.lists_from {
                        Some(from) => { "since " (instant(from)) "." }
                        None => { "at any time." }
                    }
                    " Its id is " code { (line.id) } "."
                }
            }
        }
    }
}

fn of_certificate(certificate: Option<&Certificate>, kind: RunKind) -> Markup {
    html! {
        section id="certificate" aria-labelledby="certificate-title" {
            h2 id="certificate-title" { "Certificate" }
            @match certificate {
                None => { p.empty { "None: a run is certified when it gets to its end." } }
                Some(certificate) => { (certified(certificate, kind)) }
            }
        }
    }
}

fn certified(certificate: &Certificate, kind: RunKind) -> Markup {
    let told = certificate_word(certificate);
    let account = certificate.account(kind);
    let of_what = ("Issues created before", instant(certificate.as_of));
    let lines: Vec<(&str, Markup)> = account
        .iter()
        .map(|line| (line.about, html! { (line.says) }))
        .chain(std::iter::once(of_what))
        .collect();
    html! {
        div.sheet.padded {
            p { (state(&told.word)) }
            p.meaning { (words::stopped(&words::sentence(&certificate.conclusion()))) }
            (facts(&lines))
        }
        @if !certificate.findings.is_empty() {
            h3 { "Counts that do not agree" }
            (findings(&certificate.findings))
        }
    }
}

fn of_log(log: &[LogLine]) -> Markup {
    html! {
        section id="log" aria-labelledby="log-title" {
            h2 id="log-title" { "What it decided" }
            @if log.is_empty() {
                p.empty { "Nothing was written down." }
            } @else {
                ol.log role="list" {
                    @for line in log {
                        li class=(line.tone.class()) id={ "event-" (line.number) } {
                            time datetime=(words::machine_instant(line.at)) { (words::clock(line.at)) }
                            span.message {
                                @if let Some(level) = line.level { strong { (level) " " } }
                                (line.message)
                            }
                            @if !line.fields.is_empty() {
                                dl.fields {
                                    @for (name, value) in &line.fields {
                                        div { dt { (name) } dd { (value) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
