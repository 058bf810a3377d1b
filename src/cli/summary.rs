//! What a run did, for a person and for a script. Pure.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::exit::ExitCode;
use super::words::{count, instant, number, size, span};
use crate::model::{AccountLine, Basis, Certificate, RunKind, RunState, Verdict};
use crate::sync::{DryRun, RunReport};

/// The summary of a run that got to its end.
pub(super) fn of_run(report: &RunReport) -> String {
    let RunReport { counters, .. } = report;
    let resumed = if report.resumed { ", going on with a run that was cut short" } else { "" };
    let mut text = format!(
        "{}: {} {} in {}{resumed}\n",
        report.project,
        report.kind,
        of_state(report.state),
        span(report.elapsed),
    );
    line(&mut text, "listed", &count(counters.listed, "issue"));
    line(&mut text, "unchanged", &number(counters.unchanged));
    line(&mut text, "fetched", &number(counters.hydrated));
    line(&mut text, "written", &number(counters.written));
    line(&mut text, "gone", &number(counters.gone));
    line(&mut text, "failed", &number(counters.failed));
    let requests = format!("{}, {} received", number(report.requests), size(report.bytes));
    line(&mut text, "requests", &requests);
    match report.kind {
        RunKind::Backfill | RunKind::Delta => {
            line(&mut text, "certificate", &of_certificate(&report.certificate));
        }
        RunKind::Reconcile => text.push_str(&full_certificate(report)),
    }
    text.truncate(text.trim_end().len());
    text
}

/// The certificate of a reconcile, to be handed on.
fn full_certificate(report: &RunReport) -> String {
    let certificate = &report.certificate;
    let mut text = format!(
        "\nCertificate for {}, of run {}\n  issues created before {}, by Jira's clock\n",
        report.project,
        report.run,
        instant(certificate.as_of)
    );
    for AccountLine { about, says } in certificate.account(report.kind) {
        let _ = writeln!(text, "  {about:<15} {says}");
    }
    let _ = writeln!(text, "  {:<15} {}", "conclusion", certificate.conclusion());
    text.push_str(findings(certificate).trim_start_matches('\n'));
    text
}

/// A certificate in words, with every finding below it.
pub(super) fn of_certificate(certificate: &Certificate) -> String {
    let verdict = match certificate.verdict {
        Verdict::Complete => "complete",
        Verdict::Missing => "DOES NOT HOLD: something that Jira counts is missing",
        Verdict::Failures => "accounted for, but some issues could not be fetched whole",
    };
    let counts = match certificate.basis {
        Basis::Count => "Jira counts",
        Basis::Census => "a census lists",
        Basis::Estimate => "Jira estimates",
    };
    let mut text = format!(
        "{verdict}; {counts} {}, stored {}, failed {} (created before {})",
        number(certificate.counted),
        number(certificate.stored),
        number(certificate.failed),
        instant(certificate.as_of),
    );
    if certificate.attempts > 1 {
        let _ = write!(text, ", after {} listings", certificate.attempts);
    }
    text + &findings(certificate)
}

fn findings(certificate: &Certificate) -> String {
    let mut text = String::new();
    for finding in &certificate.findings {
        let _ = write!(
            text,
            "\n    {}: expected {}, found {}: {}",
            finding.check,
            number(finding.expected),
            number(finding.found),
            finding.meaning
        );
    }
    text
}

/// A certificate for a script, with what follows from it.
pub(super) fn json_of_certificate(certificate: &Certificate) -> Value {
    let mut json = json!(certificate);
    json["conclusion"] = json!(certificate.conclusion());
    json
}

/// The same for a script.
pub(super) fn json_of_run(report: &RunReport, code: ExitCode) -> Value {
    json!({
        "project": report.project,
        "run_id": report.run,
        "kind": report.kind,
        "state": report.state,
        "resumed": report.resumed,
        "counters": report.counters,
        "listing": {
            "requests": report.listing.requests,
            "distrusted_jumps": report.listing.distrusted,
            "overfull_stretches": report.listing.overfull,
            "unloadable_entries": report.listing.unloadable,
            "tail_left": report.listing.tail_left,
            "restarts": report.listing.restarts,
        },
        "certificate": json_of_certificate(&report.certificate),
        "requests": report.requests,
        "bytes": report.bytes,
        "elapsed_secs": (report.elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
        "exit_code": code.code(),
    })
}

/// What a dry run found.
pub(super) fn of_dry_run(dry: &DryRun) -> String {
    let from = match dry.lists_from {
        Some(from) => format!("updated since {}", instant(from)),
        None => "all of it".to_owned(),
    };
    format!(
        "{}: dry run, nothing fetched and nothing written\n  lists        {from}\n  listed       \
         {} in {}\n  {:<12} {} in the project, by Jira",
        dry.project,
        count(dry.listed, "issue"),
        count(dry.requests, "request"),
        match dry.basis {
            Basis::Count | Basis::Census => "counted",
            Basis::Estimate => "estimated",
        },
        number(dry.counted),
    )
}

fn of_state(state: RunState) -> &'static str {
    match state {
        RunState::Completed => "completed",
        RunState::Incomplete => "finished, but is incomplete,",
        RunState::Queued => "waiting to be taken up",
        RunState::Running => "still running",
        RunState::Interrupted => "interrupted",
        RunState::Failed => "failed",
        RunState::Cancelled => "cancelled",
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:<12} {value}");
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
