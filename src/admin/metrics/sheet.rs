//! What one scrape shows, and how it is written: OpenMetrics, or the older text format for whoever
//! does not ask for that. The values come from the files beside this one.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::model::Site;
use crate::telemetry::metric_names::{ALL, Kind, Metric, SITE};

/// The samples of one scrape, by metric.
#[derive(Debug)]
pub(super) struct Sheet {
    /// In the order of [`ALL`].
    families: Vec<Vec<Sample>>,
}

#[derive(Debug)]
struct Sample {
    labels: Vec<(&'static str, String)>,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Count(u64),
    Number(f64),
    Times { buckets: Vec<(f64, u64)>, total: Duration },
}

impl Sheet {
    pub(super) fn new() -> Self {
        Self { families: ALL.iter().map(|_| Vec::new()).collect() }
    }

    /// A whole number. `values` are those of the metric's labels, in their order.
    pub(super) fn count<const N: usize>(
        &mut self,
        metric: &Metric,
        values: [&str; N],
        count: impl TryInto<u64>,
    ) {
        self.add(metric, values, Value::Count(count.try_into().unwrap_or(u64::MAX)));
    }

    /// Any number.
    pub(super) fn number<const N: usize>(
        &mut self,
        metric: &Metric,
        values: [&str; N],
        number: f64,
    ) {
        self.add(metric, values, Value::Number(number));
    }

    /// 1 or 0.
    pub(super) fn flag<const N: usize>(&mut self, metric: &Metric, values: [&str; N], is: bool) {
        self.count(metric, values, u64::from(is));
    }

    /// A duration, in seconds.
    pub(super) fn secs<const N: usize>(
        &mut self,
        metric: &Metric,
        values: [&str; N],
        duration: Duration,
    ) {
        self.number(metric, values, duration.as_secs_f64());
    }

    /// Measured times: how many fell into each bucket. One bucket more than there are `bounds` is
    /// that of everything beyond them.
    pub(super) fn times<const N: usize>(
        &mut self,
        metric: &Metric,
        values: [&str; N],
        bounds: &[f64],
        counts: &[u64],
        total: Duration,
    ) {
        debug_assert_eq!(counts.len(), bounds.len() + 1, "{}", metric.name);
        let bounds = bounds.iter().copied().chain([f64::INFINITY]);
        let buckets = bounds.zip(counts.iter().copied()).collect();
        self.add(metric, values, Value::Times { buckets, total });
    }

    fn add<const N: usize>(&mut self, metric: &Metric, values: [&str; N], value: Value) {
        debug_assert_eq!(metric.labels.len(), N, "labels of {}", metric.name);
        let labels = metric.labels.iter().copied();
        let labels = labels.zip(values.map(str::to_owned)).collect();
        let place = ALL.iter().position(|other| other.name == metric.name);
        if let Some(family) = place.and_then(|at| self.families.get_mut(at)) {
            family.push(Sample { labels, value });
        }
    }

    /// As OpenMetrics text.
    pub(super) fn open_metrics(self, site: &Site) -> Result<String, fmt::Error> {
        let labels = [(Cow::Borrowed(SITE), Cow::Owned(site.to_string()))];
        let mut registry = Registry::with_labels(labels.into_iter());
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

impl Collector for Sheet {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (metric, samples) in ALL.iter().zip(&self.families) {
            let name = metric.name.strip_suffix("_total").unwrap_or(metric.name);
            let kind = match metric.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
            };
            let mut encoder = encoder.encode_descriptor(name, metric.help, None, kind)?;
            for sample in samples {
                sample.encode(metric.kind, encoder.encode_family(&sample.labels)?)?;
            }
        }
        Ok(())
    }
}

impl Sample {
    fn encode(&self, kind: Kind, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        match (&self.value, kind) {
            (Value::Count(count), Kind::Counter) => {
                encoder.encode_counter::<NoLabelSet, _, f64>(count, None)
            }
            (Value::Number(number), Kind::Counter) => {
                encoder.encode_counter::<NoLabelSet, _, f64>(number, None)
            }
            (Value::Count(count), Kind::Gauge) => encoder.encode_gauge(count),
            (Value::Number(number), Kind::Gauge) => encoder.encode_gauge(number),
            (Value::Times { buckets, total }, Kind::Histogram) => {
                let count = buckets.iter().map(|(_, count)| count).sum();
                encoder.encode_histogram::<NoLabelSet>(total.as_secs_f64(), count, buckets, None)
            }
            (Value::Times { .. }, Kind::Counter | Kind::Gauge)
            | (Value::Count(_) | Value::Number(_), Kind::Histogram) => Err(fmt::Error),
        }
    }
}

/// OpenMetrics text in the format of before: a counter's family has its whole name, and there is no
/// end mark.
pub(super) fn older_text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let counters: Vec<&str> = ALL
        .iter()
        .filter(|metric| metric.kind == Kind::Counter)
        .filter_map(|metric| metric.name.strip_suffix("_total"))
        .collect();
    for line in open_metrics.lines().filter(|line| *line != "# EOF") {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(word), Some(name), Some(rest)) if counters.contains(&name) => {
                text.push_str(&format!("# {word} {name}_total {rest}\n"));
            }
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metric_names as names;

    fn sheet() -> Sheet {
        let mut sheet = Sheet::new();
        sheet.count(&names::JIRA_REQUESTS, ["ok"], 3_u64);
        sheet.number(&names::JIRA_WAIT_TIME, ["gate"], 0.5);
        sheet.flag(&names::DATABASE_UP, [], true);
        sheet.number(&names::JIRA_ALLOWED_RATE, [], f64::INFINITY);
        let bounds = [0.1, 1.0];
        let total = Duration::from_millis(2500);
        sheet.times(&names::JIRA_REQUEST_DURATION, ["issues"], &bounds, &[1, 0, 2], total);
        sheet
    }

    #[test]
    fn a_scrape_is_open_metrics() {
        let text = sheet().open_metrics(&Site::new("jira.example")).unwrap();
        for line in [
            "# TYPE extractor_jira_requests counter",
            r#"extractor_jira_requests_total{site="jira.example",outcome="ok"} 3"#,
            r#"extractor_jira_wait_seconds_total{site="jira.example",reason="gate"} 0.5"#,
            "# TYPE extractor_database_up gauge",
            r#"extractor_database_up{site="jira.example"} 1"#,
            r#"extractor_jira_allowed_requests_per_second{site="jira.example"} inf"#,
            "# TYPE extractor_jira_request_duration_seconds histogram",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        assert!(text.ends_with("\n# EOF\n"));
    }

    #[test]
    fn buckets_hold_everything_below_them() {
        let text = sheet().open_metrics(&Site::new("s")).unwrap();
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("extractor_jira_request_duration_seconds"))
            .map(|line| line.trim_start_matches("extractor_jira_request_duration_seconds"))
            .collect();
        assert_eq!(
            lines,
            [
                r#"_sum{site="s",purpose="issues"} 2.5"#,
                r#"_count{site="s",purpose="issues"} 3"#,
                r#"_bucket{site="s",le="0.1",purpose="issues"} 1"#,
                r#"_bucket{site="s",le="1.0",purpose="issues"} 1"#,
                r#"_bucket{site="s",le="+Inf",purpose="issues"} 3"#,
            ]
        );
    }

    #[test]
    fn the_older_format_names_counters_whole_and_has_no_end() {
        let text = older_text(&sheet().open_metrics(&Site::new("s")).unwrap());
        for line in [
            "# TYPE extractor_jira_requests_total counter",
            r#"extractor_jira_requests_total{site="s",outcome="ok"} 3"#,
            "# TYPE extractor_database_up gauge",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        assert!(text.contains("# HELP extractor_jira_requests_total Requests to Jira"), "{text}");
        assert!(!text.contains("EOF"));
    }

    #[test]
    fn a_name_that_would_break_a_line_is_escaped() {
        let mut sheet = Sheet::new();
        sheet.count(&names::BUILD_INFO, ["a\"b\\c\nd"], 1_u64);
        let text = sheet.open_metrics(&Site::new("s")).unwrap();
        assert!(text.contains(r#"version="a\"b\\c\nd""#), "{text}");
    }
}
