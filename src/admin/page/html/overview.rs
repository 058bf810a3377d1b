//! The first page: the state of the whole, runs under way, projects, throughput, failures.

use maud::{Markup, html};

use super::layout::Page;
use super::parts::{cancel_button, mark, notice, state};
use super::tables;
use crate::admin::page::view::chart::{self, Chart, HEIGHT, WIDTH};
use crate::admin::page::view::failures::{FailureGroup, category_words, groups};
use crate::admin::page::view::live::{self, LiveLine};
use crate::admin::page::view::overall::{Overall, overall};
use crate::admin::page::view::traffic::{Traffic, traffic};
use crate::admin::page::view::{Sight, projects, runs};
use crate::admin::page::words;
use crate::store::ProjectFacts;

/// How many runs are shown.
const RUNS: usize = 6;

/// The first page as it is seen.
pub(in crate::admin::page) fn overview(sight: &Sight<'_>) -> Page {
    let overall = overall(sight);
    let known = sight.picture.known.as_ref();
    let last: Vec<_> =
        known.iter().flat_map(|k| &k.runs).take(RUNS).map(|run| runs::line(run, sight)).collect();
    let failures = known.map_or_else(Vec::new, |known| groups(&known.failures));
    let drawing = chart::chart(&sight.picture.samples, sight.now);
    Page {
        title: overall.headline.clone(),
        trail: Vec::new(),
        parts: vec![
            ("state", hero(&overall, sight)),
            ("live", live_runs(&live::lines(sight))),
            ("projects", of_projects(&projects::lines(sight))),
            ("activity", activity(&drawing, sight.stats.as_ref().map(traffic).as_ref())),
            ("failures", of_failures(&failures, sight)),
            ("runs", of_runs(&last)),
        ],
    }
}

fn hero(overall: &Overall, sight: &Sight<'_>) -> Markup {
    html! {
        section.hero id="state" aria-labelledby="headline" {
            div.headline {
                (mark(overall.tone))
                h1 id="headline" aria-live="polite" { (overall.headline) }
            }
            @if !overall.detail.is_empty() { p.detail { (overall.detail) } }
            (totals(sight))
            @if !overall.notices.is_empty() {
                h2.visually-hidden { "What needs attention" }
                ul.notices role="list" {
                    @for one in &overall.notices { (notice(one)) }
                }
            }
        }
    }
}

fn totals(sight: &Sight<'_>) -> Markup {
    let Some(known) = &sight.picture.known else { return html! {} };
    let sum = |of: fn(&ProjectFacts) -> u64| known.projects.iter().map(of).sum::<u64>();
    let tiers = known.counts.iter().map(|counts| counts.issues);
    let stored: u64 = tiers.map(|tiers| tiers.full + tiers.hub + tiers.minimal).sum();
    let failures = sum(|facts| facts.failures);
    html! {
        dl.totals {
            div { dt { "Issues stored" } dd { (words::number(stored)) } }
            div {
                dt { "In the queue" }
                dd { (words::number(sum(|facts| facts.queue.depth))) }
            }
            div {
                dt { "Not fetched whole" }
                dd {
                    @if failures == 0 { "0" }
                    @else { a href="/failures" { (words::number(failures)) } }
                }
            }
        }
    }
}

fn live_runs(lines: &[LiveLine]) -> Markup {
    html! {
        section id="live" aria-labelledby="live-title" hidden[lines.is_empty()] {
            h2 id="live-title" { "Under way" }
            ul.live role="list" {
                @for line in lines { (live_run(line)) }
            }
        }
    }
}

/// A run under way; also on its own page.
pub(super) fn live_run(line: &LiveLine) -> Markup {
    let name = format!("{} {}", line.project, line.kind);
    html! {
        li.run id={ "live-" (line.id) } {
            div.who {
                h3 {
                    a href={ "/runs/" (line.id) } { (line.project) " " span.kind { (line.kind) } }
                }
                p.doing { (line.doing) }
                (cancel_button(&line.id, &line.project, line.kind))
            }
            @match line.bar {
                Some((done, of)) => {
                    progress max=(of.max(1)) value=(done) aria-label=(name) {
                        (words::percent(done, of)) " percent"
                    }
                }
                None => { progress aria-label=(name) {} }
            }
            p.how {
                span.done { (line.done) }
                @if let Some(speed) = &line.speed { span.speed { (speed) } }
                @if let Some(left) = &line.left { span.left { (left) } }
            }
            p.remarks { (line.remarks.join(" · ")) }
            p.visually-hidden aria-live="polite" { (line.announcement) }
        }
    }
}

fn of_projects(lines: &[projects::ProjectLine]) -> Markup {
    html! {
        section id="projects" aria-labelledby="projects-title" {
            h2 id="projects-title" { "Projects" }
            @if lines.is_empty() {
                p.empty { "None yet. They are named by " code { "sync.projects" } "." }
            } @else {
                (tables::projects(lines))
            }
        }
    }
}

fn activity(chart: &Chart, traffic: Option<&Traffic>) -> Markup {
    html! {
        div.beside id="activity" {
            section aria-labelledby="throughput-title" {
                h2 id="throughput-title" { "Issues fetched" }
                (drawing(chart))
            }
            section aria-labelledby="traffic-title" {
                h2 id="traffic-title" { "Requests to Jira" }
                div.sheet.padded {
                    @match traffic {
                        Some(traffic) => {
                            p { (state(&traffic.state)) }
                            dl.facts.single {
                                @for (name, value) in &traffic.lines {
                                    div { dt { (name) } dd { (value) } }
                                }
                            }
                        }
                        None => { p.empty { "None was sent yet." } }
                    }
                }
            }
        }
    }
}

fn drawing(chart: &Chart) -> Markup {
    let (width, height) = (WIDTH.to_string(), HEIGHT.to_string());
    html! {
        figure.sheet.padded {
            figcaption id="throughput-words" { (chart.words) }
            div.plot {
                div.scale aria-hidden="true" {
                    @for (_, value) in &chart.marks { span { (value) } }
                    span { "0" }
                }
                svg role="img" aria-labelledby="throughput-title throughput-words"
                    viewBox={ "0 0 " (width) " " (height) } preserveAspectRatio="none" {
                    @for (y, _) in &chart.marks {
                        line.grid x1="0" x2=(width) y1=(format!("{y:.1}")) y2=(format!("{y:.1}")) {}
                    }
                    line.ground x1="0" x2=(width) y1=(height) y2=(height) {}
                    @if !chart.line.is_empty() {
                        path.area d=(chart.area) {}
                        path.curve d=(chart.line) {}
                    }
                }
                div.times aria-hidden="true" {
                    span { "30 min ago" } span { "20" } span { "10" } span { "now" }
                }
            }
            details {
                summary { "In numbers" }
                table.numbers {
                    caption.visually-hidden { "Issues fetched a minute, on average" }
                    thead { tr { th scope="col" { "When" } th.number scope="col" { "Issues a minute" } } }
                    tbody {
                        @for (when, value) in &chart.table {
                            tr { th scope="row" { (when) } td.number { (value) } }
                        }
                    }
                }
            }
        }
    }
}

fn of_failures(groups: &[FailureGroup], sight: &Sight<'_>) -> Markup {
    let unknown = sight.picture.known.is_none();
    html! {
        section id="failures" aria-labelledby="failures-title" {
            h2 id="failures-title" { "Issues not fetched whole" }
            @if groups.is_empty() {
                p.empty {
                    @if unknown { "Not known yet." } @else { "None. Every issue was fetched whole." }
                }
            } @else {
                (failure_groups(groups))
                p.more { a href="/failures" { "All of them, one by one" } }
            }
        }
    }
}

/// Failures by what to do about them.
pub(super) fn failure_groups(groups: &[FailureGroup]) -> Markup {
    let mut last = None;
    html! {
        div.groups {
            @for group in groups {
                @let begins = last.replace(group.category) != Some(group.category);
                @if begins { h3.category { (category_words(group.category)) } }
                div.group {
                    p.cause { strong { (group.cause) } " · " (group.issues) }
                    p { (group.what_to_do) }
                    ul.keys role="list" aria-label="Issues" {
                        @for key in &group.keys { li { (key) } }
                        @if group.more > 0 {
                            li.more { "and " (words::number(group.more)) " more" }
                        }
                    }
                }
            }
        }
    }
}

fn of_runs(lines: &[runs::RunLine]) -> Markup {
    html! {
        section id="runs" aria-labelledby="runs-title" {
            h2 id="runs-title" { "Last runs" }
            @if lines.is_empty() {
                p.empty { "None yet." }
            } @else {
                (tables::runs(lines, true))
            }
        }
    }
}
