//! OpenMetrics text, read by rules of the tests' own.

use std::collections::{BTreeMap, BTreeSet};

use extractor::telemetry::metric_names::{ALL, Kind, Metric, SITE};

/// One line with a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

/// One answer.
#[derive(Debug)]
pub(super) struct Exposition {
    pub(super) samples: Vec<Sample>,
    /// The kinds that were declared, by the names that were declared.
    pub(super) declared: BTreeMap<String, String>,
}

impl Exposition {
    /// Reads OpenMetrics text, which must end as it should.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.strip_suffix("# EOF\n").expect("the end mark");
        let mut found = Self { samples: Vec::new(), declared: BTreeMap::new() };
        for line in text.lines() {
            if let Some(declaration) = line.strip_prefix("# TYPE ") {
                let (name, kind) = declaration.split_once(' ').unwrap();
                let again = found.declared.insert(name.to_owned(), kind.to_owned());
                assert!(again.is_none(), "{name} is declared twice");
            } else if !line.starts_with("# HELP ") {
                found.samples.push(sample(line));
            }
        }
        found
    }

    /// The value with exactly these labels, the site apart; none if there is no such line.
    pub(super) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut wanted: BTreeMap<String, String> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        wanted.insert(SITE.to_owned(), crate::app::SITE.to_owned());
        let mut found = self.samples.iter().filter(|s| s.name == name && s.labels == wanted);
        let value = found.next().map(|sample| sample.value);
        assert!(found.next().is_none(), "{name} {labels:?} twice");
        value
    }

    /// The labels of each name, as a query sees it.
    pub(super) fn labels(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for sample in &self.samples {
            let of = labels.entry(&sample.name).or_default();
            of.extend(sample.labels.keys().map(String::as_str));
        }
        labels
    }

    /// Every value that a label of a name has.
    pub(super) fn values_of(&self, name: &str, label: &str) -> BTreeSet<&str> {
        let samples = self.samples.iter().filter(|sample| sample.name == name);
        samples.filter_map(|sample| sample.labels.get(label)).map(String::as_str).collect()
    }
}

/// The names of the lines that a metric makes.
pub(super) fn lines_of(metric: &Metric) -> Vec<String> {
    match metric.kind {
        Kind::Counter | Kind::Gauge => vec![metric.name.to_owned()],
        Kind::Histogram => {
            ["_bucket", "_sum", "_count"].map(|end| format!("{}{end}", metric.name)).to_vec()
        }
    }
}

fn sample(line: &str) -> Sample {
    let (name, rest) = line.split_once('{').expect("labels");
    let (labels, value) = rest.rsplit_once("} ").expect("a value");
    let labels = labels
        .split("\",")
        .map(|label| {
            let (name, value) = label.split_once("=\"").expect("a label");
            (name.to_owned(), value.trim_end_matches('"').to_owned())
        })
        .collect();
    let value = value.parse().unwrap_or_else(|_| panic!("a number: {line}"));
    Sample { name: name.to_owned(), labels, value }
}

/// Everything that is declared and shown is what the list says, and all of it.
pub(super) fn assert_is_what_the_list_says(exposition: &Exposition) {
    let declared: BTreeMap<String, String> = ALL
        .iter()
        .map(|metric| {
            let family = metric.name.strip_suffix("_total").unwrap_or(metric.name);
            (family.to_owned(), metric.kind.as_str().to_owned())
        })
        .collect();
    assert_eq!(exposition.declared, declared);
    let shown = exposition.labels();
    let mut expected: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for metric in ALL {
        for line in lines_of(metric) {
            let mut labels: BTreeSet<&str> = metric.labels.iter().copied().collect();
            labels.insert(SITE);
            if line.ends_with("_bucket") {
                labels.insert("le");
            }
            expected.insert(line, labels);
        }
    }
    let shown = shown.into_iter().map(|(name, labels)| (name.to_owned(), labels)).collect();
    assert_eq!(expected, shown);
}
