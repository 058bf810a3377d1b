//! `/metrics` as Prometheus sees it: every name in the list is served, the numbers are true, and
//! alerts, dashboard and documentation speak of nothing else.

mod documents;
mod exposition;
mod numbers;
mod prometheus;
mod promql;
mod served;
