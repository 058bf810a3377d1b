//! Tests of the whole machine against a naive model of Jira.

mod examples;
mod naive_jira;
mod properties;
