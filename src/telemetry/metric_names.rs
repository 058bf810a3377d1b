//! Every metric: its name, what it is, its labels and what it tells. Constants only; what the values
//! are is the business of `admin::metrics`. No label carries an issue key or a query.

/// What kind of number a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rises from 0 while the process lives; its name ends in `_total`.
    Counter,
    /// Any number, at the moment it is asked for.
    Gauge,
    /// How many measurements were at most so large.
    Histogram,
}

impl Kind {
    /// As Prometheus names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, with its unit and, if it is a counter, `_total`.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// Its own labels, in the order in which values are given; [`SITE`] comes on top.
    pub labels: &'static [&'static str],
    /// What it tells, without a full stop.
    pub help: &'static str,
}

/// The label that every metric has: the short name of the Jira instance.
pub const SITE: &str = "site";

/// Declares the metrics, and with them the list of all.
macro_rules! metrics {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(
            #[doc = $help]
            pub const $constant: Metric = Metric {
                name: concat!("extractor_", $name),
                kind: Kind::$kind,
                labels: &[$($label),*],
                help: $help,
            };
        )+

        /// Every metric, in the order in which they are shown.
        pub const ALL: &[Metric] = &[$($constant),+];
    };
}

metrics! {
    // The process.
    BUILD_INFO = Gauge "build_info" ["version"]
        "Always 1; which version this is";
    START_TIME = Gauge "start_time_seconds" []
        "When this process started, in seconds since 1970";
    PHASE = Gauge "phase" ["phase"]
        "1 for the phase of life that the service is in (starting, running, stopping), 0 for the others";
    READY = Gauge "ready" []
        "1 if /readyz says that the service is ready, else 0";
    LAST_TURN_AGE = Gauge "last_turn_age_seconds" []
        "How long ago the service's loop last made a turn; it does so every few seconds";
    CONFIGURATION_LOADED_TIME = Gauge "configuration_loaded_time_seconds" []
        "Since when the configuration is in force, in seconds since 1970";
    CONFIGURATION_REFUSED = Gauge "configuration_refused" []
        "1 if the last reload was refused and the older configuration is in force, else 0";
    RESIDENT_MEMORY = Gauge "resident_memory_bytes" []
        "Memory of this process that is in RAM";
    CPU_TIME = Counter "cpu_seconds_total" []
        "Processor time that this process has used";
    OPEN_FILES = Gauge "open_files" []
        "Files and connections that this process has open";
    RUN_EVENTS_DROPPED = Counter "run_events_dropped_total" []
        "Lines of runs' logs that were not stored because there were too many at once or the database was away";

    // Jira.
    JIRA_UP = Gauge "jira_up" []
        "1 if Jira answers, else 0";
    JIRA_REQUESTS = Counter "jira_requests_total" ["outcome"]
        "Requests to Jira by what came of them: ok, refused (401, 403, 404, 400), throttled (429, or a server error with Retry-After), failed (broken, or a server error) or timed_out";
    JIRA_REQUEST_DURATION = Histogram "jira_request_duration_seconds" ["purpose"]
        "How long requests to Jira took, waits before them apart, by what they ask for: listing, issues, children, catalogue or instance";
    JIRA_REQUESTS_IN_FLIGHT = Gauge "jira_requests_in_flight" []
        "Requests to Jira under way";
    JIRA_RETRIES = Counter "jira_retries_total" []
        "Requests to Jira sent again after a failure";
    JIRA_RECEIVED = Counter "jira_received_bytes_total" []
        "Bytes of Jira's answers, after decompression";
    JIRA_WAITS = Counter "jira_waits_total" ["reason"]
        "Waits of requests before they left, by reason: gate (Retry-After), breaker (Jira is down), slowdown (Jira's rate limit headers) or bucket (the configured rate)";
    JIRA_WAIT_TIME = Counter "jira_wait_seconds_total" ["reason"]
        "How long requests waited before they left, by the same reasons; several wait at the same time";
    JIRA_BREAKER_STATE = Gauge "jira_breaker_state" ["state"]
        "1 for the state of the circuit breaker (closed, open, half_open), 0 for the others";
    JIRA_BREAKER_OPENINGS = Counter "jira_breaker_openings_total" []
        "How often the circuit breaker opened because Jira was down";
    JIRA_ALLOWED_RATE = Gauge "jira_allowed_requests_per_second" []
        "Requests a second that this process may send: its share of the configured rate, or less where Jira advises it; infinite without a limit";
    JIRA_RATE_SHARERS = Gauge "jira_rate_sharing_processes" []
        "Processes that share the rate of this site, this one included";

    // The database.
    DATABASE_UP = Gauge "database_up" []
        "1 if the database answered the last time it was asked, else 0";
    DATABASE_CONNECTIONS = Gauge "database_connections" ["state"]
        "Connections of the pool: in_use or idle";
    DATABASE_CONNECTIONS_MAX = Gauge "database_connections_max" []
        "The most connections that the pool opens";
    DATABASE_WAIT = Histogram "database_wait_seconds" []
        "How long transactions waited for a connection of the pool";
    DATABASE_TRANSACTION_DURATION = Histogram "database_transaction_duration_seconds" ["transaction"]
        "How long transactions took, by name, with waits and retries";
    DATABASE_TRANSACTION_RETRIES = Counter "database_transaction_retries_total" ["transaction"]
        "Transactions that were begun again because they collided with others, by name";
    DATABASE_TRANSACTION_ERRORS = Counter "database_transaction_errors_total" ["transaction"]
        "Transactions that failed, by name";
    FACTS_TIME = Gauge "facts_time_seconds" []
        "When the database was last asked for what is told of projects below, in seconds since 1970";
    FACTS_ERRORS = Counter "facts_errors_total" []
        "How often it was asked for that and did not answer in time";
    WORKERS = Gauge "workers" []
        "Live processes that work for this site, by the database";

    // Runs of this process.
    RUNS = Counter "runs_total" ["kind", "state"]
        "Runs of this process that ended, by kind and by the state in which it left them";
    RUNS_IN_PROGRESS = Gauge "runs_in_progress" ["kind"]
        "Runs that this process has under way";
    CERTIFICATES = Counter "certificates_total" ["verdict"]
        "Certificates that closed runs of this process, by verdict";
    TOMBSTONED_ISSUES = Counter "tombstoned_issues_total" ["project", "reason"]
        "Issues that the runs of this process have marked deleted, by reason: not_found (deleted or hidden), archived, moved (to a project that is not followed), project_gone or project_archived";
    HYDRATED_ISSUES = Counter "hydrated_issues_total" ["project"]
        "Issues that the runs of this process have taken out of the queue: fetched, gone or failed";
    RUN_EXPECTED_ISSUES = Gauge "run_expected_issues" ["project"]
        "Issues that Jira counts for the listing of the run under way here; 0 while nothing is";
    RUN_LISTED_ISSUES = Gauge "run_listed_issues" ["project"]
        "Issues that the run under way here has listed; 0 while nothing is";
    RUN_QUEUED_ISSUES = Gauge "run_queued_issues" ["project"]
        "Issues that the run under way here has queued for fetching; 0 while nothing is";
    RUN_HYDRATED_ISSUES = Gauge "run_hydrated_issues" ["project"]
        "Issues that the run under way here has taken out of the queue; 0 while nothing is";
    RUN_RATE = Gauge "run_issues_per_second" ["project"]
        "How fast the run under way here takes issues out of the queue; 0 while nothing is";
    RUN_TIME_LEFT = Gauge "run_time_left_seconds" ["project"]
        "How long the run under way here still takes at that rate; 0 while nothing is, absent before there is a rate";
    BATCH_SIZE = Gauge "batch_size_issues" ["project"]
        "Issues that are asked for in one request by the run under way here; 0 while nothing is";
    BATCHES_IN_FLIGHT = Gauge "batches_in_flight" ["project"]
        "Batches that the run under way here may have under way at once; 0 while nothing is";

    // Projects, by the database: the same from every process of a site.
    PROJECT_LAG = Gauge "project_lag_seconds" ["project"]
        "Seconds since the newest instant up to which everything in the project is known to be stored; absent before the first completed run";
    PROJECT_STALLED = Gauge "project_stalled" ["project"]
        "1 if the project is stalled: too far behind, and no run makes progress; else 0";
    PROJECT_NEXT_RUN_TIME = Gauge "project_next_run_time_seconds" ["project"]
        "When the next run is due, in seconds since 1970";
    PROJECT_FAILED_RUNS = Gauge "project_failed_runs_in_a_row" ["project"]
        "Runs that failed since one succeeded";
    PROJECT_CERTIFICATE = Gauge "project_certificate" ["project", "verdict"]
        "1 for the verdict of the newest certificate (complete, missing, failures), 0 for the others; all 0 before the first";
    PROJECT_RECONCILE_AGE = Gauge "project_reconcile_age_seconds" ["project"]
        "How long ago a reconcile of the project last ended with a certificate that holds; absent before one did";
    PROJECT_RECONCILE_OVERDUE = Gauge "project_reconcile_overdue" ["project"]
        "1 if for twice its schedule and sync.stalled_after no reconcile of the project has held, else 0; absent where none is scheduled";
    PROJECT_NEXT_RECONCILE_TIME = Gauge "project_next_reconcile_time_seconds" ["project"]
        "When the next reconcile is due, in seconds since 1970; absent where none is scheduled";
    REFUSED_DELETIONS = Gauge "refused_deletion_issues" ["project"]
        "Absent issues that the last reconcile did not mark deleted because they are more than people usually delete";
    UNLISTED_ISSUES = Gauge "unlisted_issues" ["project"]
        "Issues that are there, but that no search showed to the last reconcile";
    UNREPLAYED_ISSUES = Gauge "unreplayed_issues" ["project"]
        "Issues whose changelog did not lead to their present values at the last reconcile";
    PROJECT_INDEX_LAG = Gauge "index_lag_seconds" ["project"]
        "The latest that a row of the project was seen to arrive in Jira's search after its change";
    ISSUES = Gauge "issues" ["project", "tier"]
        "Stored issues by how whole they are: full, hub (links fetched apart) or minimal (a few fields)";
    DELETED_ISSUES = Gauge "deleted_issues" ["project"]
        "Stored issues that are marked deleted";
    INCOMPLETE_ISSUES = Gauge "incomplete_issues" ["project"]
        "Stored issues of which something is known to be lacking";
    FAILED_ISSUES = Gauge "failed_issues" ["project", "category"]
        "Issues that could not be fetched or stored whole, by who can do something about it: user_fixable, temporary or admin_required";
    FAILED_ISSUES_BY_CAUSE = Gauge "failed_issues_by_cause" ["project", "cause"]
        "The same issues by what went wrong";
    QUEUE_ISSUES = Gauge "queue_issues" ["project"]
        "Issues that wait to be fetched, the leased ones included";
    QUEUE_OLDEST = Gauge "queue_oldest_seconds" ["project"]
        "How long the oldest issue in the queue has waited; 0 while it is empty";
    QUEUE_LEASED_ISSUES = Gauge "queue_leased_issues" ["project"]
        "Issues that a process is fetching";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_say_what_they_are() {
        let mut seen = HashSet::new();
        for metric in ALL {
            assert!(seen.insert(metric.name), "{} twice", metric.name);
            let lowercase = metric.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(lowercase, "{}", metric.name);
            let counts = metric.name.ends_with("_total");
            assert_eq!(counts, metric.kind == Kind::Counter, "{}", metric.name);
            // These are made of a histogram's name.
            for suffix in ["_bucket", "_sum", "_count"] {
                assert!(!metric.name.ends_with(suffix), "{}", metric.name);
            }
        }
    }

    #[test]
    fn a_help_is_one_line_that_needs_no_escape() {
        for metric in ALL {
            assert!(metric.help.len() > 10, "{}", metric.name);
            assert!(!metric.help.contains(['\n', '\\', '"']), "{}", metric.name);
            assert!(!metric.help.ends_with('.'), "{}", metric.name);
        }
    }

    #[test]
    fn labels_are_words_and_never_taken_twice() {
        for metric in ALL {
            for label in metric.labels {
                assert!(label.bytes().all(|b| b.is_ascii_lowercase()), "{label}");
                assert!(![SITE, "le", "job", "instance"].contains(label), "{}", metric.name);
            }
        }
    }
}
