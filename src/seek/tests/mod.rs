//! Tests of the whole machine against a naive model of Jira.

mod cloud_examples;
mod cloud_properties;
mod examples;
mod naive_cloud;
mod naive_jira;
mod properties;
