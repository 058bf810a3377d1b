//! What was measured, as a table with medians.
#![expect(clippy::print_stdout, reason = "this is the benchmark's output")]

use crate::measure::Measured;
use crate::options::Options;

/// One measurement: of the processes that did it, and of those that served them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) measured: Measured,
    pub(crate) sim_cpu_secs: f64,
    pub(crate) postgres_cpu_secs: f64,
}

impl Line {
    fn issues_a_second(&self) -> f64 {
        self.measured.issues as f64 / self.measured.elapsed_secs.max(f64::EPSILON)
    }
}

/// Everything measured once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) extract: Line,
    pub(crate) download: Option<Line>,
    pub(crate) copy: Option<Line>,
    pub(crate) both: Option<Line>,
}

/// Says that a round is done.
pub(crate) fn progress(number: usize, round: &Round) {
    let ratio = |limit: Option<Line>| {
        limit.map_or_else(
            || "-".to_owned(),
            |limit| format!("{:.2}", round.extract.issues_a_second() / limit.issues_a_second()),
        )
    };
    println!(
        "round {number}: {:.0} issues/s; {} of download, {} of copy, {} of both at once",
        round.extract.issues_a_second(),
        ratio(round.download),
        ratio(round.copy),
        ratio(round.both),
    );
}

/// Prints the medians.
pub(crate) fn print(options: &Options, rounds: &[Round]) {
    println!(
        "\n{} issues of {} bytes, batches of {}, {} in flight, {} copying connections; \
         medians of {}\n",
        options.issues,
        options.issue_bytes,
        options.batch_size,
        options.max_in_flight,
        options.copiers,
        rounds.len(),
    );
    println!(
        "| what | issues/s | extractor / this | requests | MB | peak RSS MiB | CPU s | \
         Postgres CPU s | Jira CPU s |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    row("extractor --backfill", rounds, |round| Some(round.extract));
    row("same requests, thrown away", rounds, |round| round.download);
    row("same rows, COPY", rounds, |round| round.copy);
    row("both limits at once", rounds, |round| round.both);
}

fn row(name: &str, rounds: &[Round], which: impl Fn(&Round) -> Option<Line>) {
    let of = |value: &dyn Fn(&Line) -> f64| {
        median(rounds.iter().filter_map(&which).map(|line| value(&line)).collect())
    };
    let ratio = median(
        rounds
            .iter()
            .filter_map(|round| {
                Some(round.extract.issues_a_second() / which(round)?.issues_a_second())
            })
            .collect(),
    );
    if rounds.iter().all(|round| which(round).is_none()) {
        return;
    }
    println!(
        "| {name} | {:.0} | {ratio:.2} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} | {:.1} |",
        of(&Line::issues_a_second),
        of(&|line| line.measured.requests as f64),
        of(&|line| line.measured.bytes as f64 / 1e6),
        of(&|line| line.measured.peak_rss_kib as f64 / 1024.0),
        of(&|line| line.measured.cpu_secs),
        of(&|line| line.postgres_cpu_secs),
        of(&|line| line.sim_cpu_secs),
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
