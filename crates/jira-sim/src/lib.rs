//! A simulated Jira, for tests, benchmarks and the demo.
