//! How fast issues were fetched lately: a ring of short intervals, filled from counters that only
//! grow. Pure; who reads the counters and when is `board`'s.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::model::RunId;

/// How long one interval is.
pub(super) const INTERVAL: Duration = Duration::from_secs(15);
/// How many intervals are kept: half an hour.
pub(super) const INTERVALS: usize = 120;
/// Over how long the speed of a run is measured.
const PACE_OVER: Duration = Duration::from_secs(60);
/// Marks that the pace of one run keeps at the most.
const MARKS: usize = 130;
/// Runs whose counters are remembered.
const RUNS: usize = 200;

/// What one run has done so far, in issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// The run.
    pub(super) run: RunId,
    /// Issues taken out of the queue: fetched, gone or failed.
    pub(super) done: u64,
    /// Issues listed.
    pub(super) listed: u64,
}

/// The throughput of the last half hour, and the speed of each run under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples {
    /// Issues done in each interval, the newest last; the number of the interval counts from 1970.
    intervals: VecDeque<(i64, u64)>,
    runs: BTreeMap<RunId, Marks>,
    /// When the first reading came.
    began: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Default)]
struct Marks {
    marks: VecDeque<(DateTime<Utc>, u64, u64)>,
}

/// How fast a run goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Speed {
    /// Issues taken out of the queue, a minute.
    pub(super) done: f64,
    /// Issues listed, a minute.
    pub(super) listed: f64,
}

impl Samples {
    /// Takes the counters as they were at `now`. A run that was never seen before counts from what
    /// it has by then, but for one that began while this watched: `fresh` says so.
    pub(super) fn take(
        &mut self,
        readings: &[Reading],
        now: DateTime<Utc>,
        fresh: impl Fn(RunId) -> bool,
    ) {
        let first = self.began.is_none();
        self.began.get_or_insert(now);
        let mut done = 0;
        for reading in readings {
            let known = self.runs.get(&reading.run).and_then(|run| run.marks.back().copied());
            done += match known {
                Some((_, before, _)) => reading.done.saturating_sub(before),
                None if !first && fresh(reading.run) => reading.done,
                None => 0,
            };
            self.runs.entry(reading.run).or_default().mark(now, reading);
        }
        self.add(done, now);
        self.runs.retain(|run, _| readings.iter().any(|reading| reading.run == *run));
        while self.runs.len() > RUNS {
            self.runs.pop_first();
        }
    }

    fn add(&mut self, done: u64, now: DateTime<Utc>) {
        let number = number_of(now);
        match self.intervals.back_mut() {
            Some((last, sum)) if *last == number => *sum += done,
            // The clock went back: what was measured stays where it is.
            Some((last, sum)) if *last > number => *sum += done,
            Some(_) | None => self.intervals.push_back((number, done)),
        }
        while self.intervals.len() > INTERVALS {
            self.intervals.pop_front();
        }
    }

    /// How fast a run went in the last minute; none before there are two readings of it.
    pub(super) fn speed(&self, run: RunId) -> Option<Speed> {
        self.runs.get(&run)?.speed()
    }

    /// Issues a minute in each interval of the last half hour that has ended, the newest last.
    /// None where nothing was measured.
    pub(super) fn rates(&self, now: DateTime<Utc>) -> Vec<Option<f64>> {
        let Some((began, _)) = self.intervals.front().copied() else {
            return vec![None; INTERVALS];
        };
        let measured: BTreeMap<i64, u64> = self.intervals.iter().copied().collect();
        let scale = 60.0 / INTERVAL.as_secs_f64();
        let last = number_of(now);
        let count = i64::try_from(INTERVALS).unwrap_or(i64::MAX);
        (last - count..last)
            .map(|number| match measured.get(&number) {
                Some(done) => Some(*done as f64 * scale),
                None if number < began => None,
                None => Some(0.0),
            })
            .collect()
    }

    /// Issues done in the last half hour, the interval that has not ended included.
    pub(super) fn total(&self, now: DateTime<Utc>) -> u64 {
        let last = number_of(now);
        let count = i64::try_from(INTERVALS).unwrap_or(i64::MAX);
        self.intervals.iter().filter(|(number, _)| *number >= last - count).map(|(_, n)| n).sum()
    }

    /// Since when this is measured.
    pub(super) fn began(&self) -> Option<DateTime<Utc>> {
        self.began
    }
}

impl Marks {
    fn mark(&mut self, now: DateTime<Utc>, reading: &Reading) {
        // A listing that begins again, or a clock that went back: the past says nothing any more.
        if let Some((at, done, listed)) = self.marks.back()
            && (*at >= now || *done > reading.done || *listed > reading.listed)
        {
            self.marks.clear();
        }
        self.marks.push_back((now, reading.done, reading.listed));
        while self.marks.len() > MARKS
            || self.marks.get(1).is_some_and(|(at, ..)| now - *at > PACE_OVER_CHRONO)
        {
            self.marks.pop_front();
        }
    }

    fn speed(&self) -> Option<Speed> {
        let (from, done_from, listed_from) = *self.marks.front()?;
        let (to, done_to, listed_to) = *self.marks.back()?;
        let minutes = (to - from).to_std().ok()?.as_secs_f64() / 60.0;
        // Less than two seconds says little.
        (minutes > 2.0 / 60.0).then(|| Speed {
            done: (done_to - done_from) as f64 / minutes,
            listed: (listed_to - listed_from) as f64 / minutes,
        })
    }
}

const PACE_OVER_CHRONO: chrono::TimeDelta = match chrono::TimeDelta::from_std(PACE_OVER) {
    Ok(span) => span,
    Err(_) => chrono::TimeDelta::MAX,
};

fn number_of(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(i64::try_from(INTERVAL.as_secs()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const RUN: RunId = RunId(Uuid::from_u128(1));
    const OTHER: RunId = RunId(Uuid::from_u128(2));

    fn at(secs: i64) -> DateTime<Utc> {
        // The beginning of an interval.
        DateTime::from_timestamp(1_700_000_010 + secs, 0).unwrap()
    }

    fn reading(run: RunId, done: u64) -> Reading {
        Reading { run, done, listed: done * 2 }
    }

    #[test]
    fn what_was_done_before_anybody_watched_is_not_counted() {
        let mut samples = Samples::default();
        samples.take(&[reading(RUN, 5_000)], at(0), |_| true);
        samples.take(&[reading(RUN, 5_040)], at(10), |_| true);
        assert_eq!(samples.total(at(10)), 40);
    }

    #[test]
    fn a_run_that_began_meanwhile_counts_whole_and_an_old_one_does_not() {
        let mut samples = Samples::default();
        samples.take(&[], at(0), |_| true);
        samples.take(&[reading(RUN, 30), reading(OTHER, 9_000)], at(5), |run| run == RUN);
        assert_eq!(samples.total(at(5)), 30);
    }

    #[test]
    fn intervals_that_have_ended_have_a_rate() {
        let mut samples = Samples::default();
        samples.take(&[reading(RUN, 0)], at(0), |_| true);
        samples.take(&[reading(RUN, 100)], at(14), |_| true);
        samples.take(&[reading(RUN, 120)], at(20), |_| true);
        // The third interval passed unseen; the fourth is not over.
        samples.take(&[reading(RUN, 120)], at(46), |_| true);
        let rates = samples.rates(at(46));
        assert_eq!(rates.len(), INTERVALS);
        assert_eq!(rates[INTERVALS - 3..], [Some(400.0), Some(80.0), Some(0.0)]);
        assert_eq!(rates[INTERVALS - 4], None);
    }

    #[test]
    fn the_ring_forgets_after_half_an_hour() {
        let mut samples = Samples::default();
        samples.take(&[reading(RUN, 0)], at(0), |_| true);
        for step in 1..=400 {
            samples.take(&[reading(RUN, u64::try_from(step).unwrap())], at(step * 15), |_| true);
        }
        assert_eq!(samples.intervals.len(), INTERVALS);
        assert!(samples.total(at(6_000)) <= 121);
    }

    #[test]
    fn the_speed_is_that_of_the_last_minute() {
        let mut samples = Samples::default();
        samples.take(&[reading(RUN, 0)], at(0), |_| true);
        assert_eq!(samples.speed(RUN), None);
        samples.take(&[reading(RUN, 600)], at(60), |_| true);
        assert_eq!(samples.speed(RUN), Some(Speed { done: 600.0, listed: 1_200.0 }));
        samples.take(&[reading(RUN, 630)], at(90), |_| true);
        samples.take(&[reading(RUN, 660)], at(120), |_| true);
        samples.take(&[reading(RUN, 660)], at(125), |_| true);
        let speed = samples.speed(RUN).unwrap().done;
        assert!((50.0..70.0).contains(&speed), "{speed}");
    }

    #[test]
    fn counters_that_begin_again_and_clocks_that_go_back_do_no_harm() {
        let mut samples = Samples::default();
        samples.take(&[reading(RUN, 500)], at(0), |_| true);
        samples.take(&[reading(RUN, 10)], at(30), |_| true);
        samples.take(&[reading(RUN, 20)], at(-100), |_| true);
        assert_eq!(samples.total(at(30)), 10);
        assert_eq!(samples.speed(RUN), None);
    }

    #[test]
    fn runs_that_are_over_are_forgotten() {
        let mut samples = Samples::default();
        samples.take(&[reading(RUN, 0)], at(0), |_| true);
        samples.take(&[], at(10), |_| true);
        assert!(samples.runs.is_empty());
    }
}
