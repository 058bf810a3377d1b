//! The tables: projects, runs, failures. On a narrow screen each row becomes a card; the roles are
//! written out, because that undoes what browsers tell of a table.

use maud::{Markup, html};

use super::parts::{instant, nothing, number, retry_button, state, sync_button, told};
use crate::admin::page::view::Tone;
use crate::admin::page::view::failures::cause_words;
use crate::admin::page::view::projects::{CertificateWord, ProjectLine};
use crate::admin::page::view::runs::RunLine;
use crate::admin::page::words;
use crate::model::Finding;
use crate::store::StoredFailure;

/// A table: its caption, which is for readers, its headings and its rows.
fn table(name: &str, caption: &str, headings: &[&str], rows: &Markup) -> Markup {
    html! {
        div.sheet {
            table class=(name) role="table" {
                caption.visually-hidden { (caption) }
                thead role="rowgroup" {
                    tr role="row" {
                        @for heading in headings {
                            th role="columnheader" scope="col"
                                class=[is_number(heading).then_some("number")] {
                                @if *heading == "Actions" {
                                    span.visually-hidden { (heading) }
                                } @else {
                                    (heading)
                                }
                            }
                        }
                    }
                }
                tbody role="rowgroup" { (rows) }
            }
        }
    }
}

fn is_number(heading: &str) -> bool {
    matches!(
        heading,
        "Behind"
            | "Issues"
            | "Queue"
            | "Failures"
            | "Took"
            | "Listed"
            | "Fetched"
            | "Failed"
            | "Tries"
            | "Expected"
            | "Found"
    )
}

/// A cell with its heading for narrow screens.
fn cell(heading: &str, content: &Markup) -> Markup {
    let number = is_number(heading);
    html! {
        td role="cell" data-label=(heading) class=[number.then_some("number")] {
            div.value { (content) }
        }
    }
}

/// The table of projects.
pub(super) fn projects(lines: &[ProjectLine]) -> Markup {
    let headings = [
        "Project",
        "State",
        "Behind",
        "Issues",
        "Queue",
        "Failures",
        "Certificate",
        "Last run",
        "Next run",
        "Actions",
    ];
    let rows = html! {
        @for line in lines {
            tr role="row" id={ "project-" (line.key) } {
                th role="rowheader" scope="row" {
                    a href={ "/projects/" (line.key) } { (line.key) }
                }
                (cell("State", &state(&line.standing)))
                (cell("Behind", &line.behind.as_ref().map_or_else(nothing, |b| html! { (b) })))
                (cell("Issues", &stored(line)))
                (cell("Queue", &number(line.queue)))
                (cell("Failures", &number(line.failures)))
                (cell("Certificate", &certificate(line.certificate.as_ref())))
                (cell("Last run", &last_run(line)))
                (cell("Next run", &next_run(line)))
                td.actions role="cell" {
                    @if line.followed { (sync_button(&line.key)) }
                }
            }
        }
    };
    table("projects", "Every project and how it is doing", &headings, &rows)
}

fn stored(line: &ProjectLine) -> Markup {
    let remarks = line.stored.remarks();
    html! {
        (number(line.stored.total()))
        @if !remarks.is_empty() { small { (remarks) } }
    }
}

fn certificate(told: Option<&CertificateWord>) -> Markup {
    told.map_or_else(nothing, |told| html! { span title=(told.meaning) { (state(&told.word)) } })
}

fn last_run(line: &ProjectLine) -> Markup {
    line.last_run.as_ref().map_or_else(nothing, |run| {
        html! {
            a href={ "/runs/" (run.id) } { (words::sentence(run.kind)) }
            small {
                (told(run.started_at, &run.started))
                @if run.state.tone != Tone::Good { ", " (run.state.text) }
            }
        }
    })
}

fn next_run(line: &ProjectLine) -> Markup {
    line.next_run.as_ref().map_or_else(nothing, |(at, text)| told(*at, text))
}

/// The table of runs; `with_project`: the project is named in each row.
pub(super) fn runs(lines: &[RunLine], with_project: bool) -> Markup {
    let mut headings =
        vec!["Run", "State", "Started", "Took", "Listed", "Fetched", "Failed", "Actions"];
    if with_project {
        headings.insert(1, "Project");
    }
    let rows = html! {
        @for line in lines {
            tr role="row" id={ "run-" (line.id) } {
                th role="rowheader" scope="row" {
                    a href={ "/runs/" (line.id) } { (words::sentence(line.kind)) }
                }
                @if with_project {
                    (cell("Project", &html! {
                        a href={ "/projects/" (line.project) } { (line.project) }
                    }))
                }
                (cell("State", &html! {
                    (state(&line.state))
                    @if let Some(error) = &line.error { small.error { (error) } }
                }))
                (cell("Started", &told(line.started_at, &line.started)))
                (cell("Took", &html! { (line.took) }))
                (cell("Listed", &number(line.listed)))
                (cell("Fetched", &number(line.fetched)))
                (cell("Failed", &number(line.failed)))
                td.actions role="cell" {
                    @if line.retryable { (retry_button(&line.id, &line.project, line.kind)) }
                }
            }
        }
    };
    table("runs", "Runs, the newest first", &headings, &rows)
}

/// The table of failures.
pub(super) fn failures(failures: &[StoredFailure], now: chrono::DateTime<chrono::Utc>) -> Markup {
    let headings = ["Issue", "What went wrong", "What to do", "Tries", "Last try", "Next try"];
    let rows = html! {
        @for failure in failures {
            tr role="row" {
                th role="rowheader" scope="row" { (failure.failure.key) }
                (cell("What went wrong", &html! { (cause_words(failure.failure.cause)) }))
                (cell("What to do", &html! { (words::sentence(&failure.failure.what_to_do)) }))
                (cell("Tries", &number(u64::from(failure.attempts))))
                (cell("Last try", &told(failure.last_at, &words::ago(failure.last_at, now))))
                (cell("Next try", &told(failure.next_try, &words::until(failure.next_try, now))))
            }
        }
    };
    table("failures", "Issues that could not be fetched whole, the latest first", &headings, &rows)
}

/// The table of counts that do not agree.
pub(super) fn findings(findings: &[Finding]) -> Markup {
    let headings = ["What", "Expected", "Found", "What that means"];
    let rows = html! {
        @for finding in findings {
            tr role="row" {
                th role="rowheader" scope="row" { (words::sentence(&finding.check)) }
                (cell("Expected", &html! { (words::number(finding.expected)) }))
                (cell("Found", &html! { (words::number(finding.found)) }))
                (cell("What that means", &html! { (words::sentence(&finding.meaning)) }))
            }
        }
    };
    table("findings", "Counts that do not agree", &headings, &rows)
}

/// Names and values, as a list of descriptions.
pub(super) fn facts(lines: &[(&str, Markup)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in lines {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

/// An instant in full, or nothing.
pub(super) fn maybe_instant(at: Option<chrono::DateTime<chrono::Utc>>) -> Markup {
    at.map_or_else(nothing, instant)
}
