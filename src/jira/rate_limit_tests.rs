//! Every form of rate-limit header that was seen or documented, and what it advises.

use reqwest::header::{HeaderName, HeaderValue};
use rstest::rstest;

use super::*;

/// Jira's clock in these tests is 2026-03-26T15:00:00Z.
fn now() -> DateTime<Utc> {
    "2026-03-26T15:00:00Z".parse().unwrap()
}

fn headers(lines: &[&str]) -> HeaderMap {
    lines
        .iter()
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            let name = HeaderName::try_from(name).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect()
}

fn advice(lines: &[&str]) -> Option<Advice> {
    advise(&headers(lines), 0, now())
}

fn secs(secs: f64) -> Duration {
    Duration::from_secs_f64(secs)
}

fn spread(interval: f64, lasts: f64) -> Option<Advice> {
    Some(Advice::Spread { interval: secs(interval), lasts: secs(lasts) })
}

fn hold(wait: f64, interval: f64, lasts: f64) -> Option<Advice> {
    let (wait, interval, lasts) = (secs(wait), secs(interval), secs(lasts));
    Some(Advice::Hold { wait, interval, lasts })
}

const FREE: Option<Advice> = Some(Advice::Free);
const HALVE: Option<Advice> = Some(Advice::HALVE);

/// Data Center's four headers for a bucket of 50 that gets 10 a minute, as on every answer.
fn bucket(remaining: &str) -> Vec<String> {
    vec![
        "X-RateLimit-Limit: 50".to_owned(),
        format!("X-RateLimit-Remaining: {remaining}"),
        "X-RateLimit-Interval-Seconds: 60".to_owned(),
        "X-RateLimit-FillRate: 10".to_owned(),
    ]
}

#[rstest]
#[case::full("50", FREE)]
#[case::above_a_fifth("11", FREE)]
#[case::a_fifth("10", spread(6.0, 240.0))]
#[case::the_last("1", spread(6.0, 294.0))]
#[case::empty("0", hold(60.0, 6.0, 300.0))]
#[case::garbled("many", None)]
#[case::negative("-1", None)]
fn data_centers_bucket_is_used_no_faster_than_it_fills_once_it_runs_out(
    #[case] remaining: &str,
    #[case] expected: Option<Advice>,
) {
    let lines = bucket(remaining);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(advice(&lines), expected);
    // The 0 of every success changes nothing.
    let with_zero: Vec<&str> = lines.iter().copied().chain(["Retry-After: 0"]).collect();
    assert_eq!(advice(&with_zero), expected);
}

#[test]
fn an_empty_bucket_says_itself_when_there_is_more() {
    let mut lines = bucket("0");
    lines.push("Retry-After: 17".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(advice(&lines), hold(17.0, 6.0, 300.0));
}

#[test]
fn what_is_under_way_counts_as_taken() {
    let lines = bucket("20");
    let headers = headers(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(advise(&headers, 19, now()), FREE);
    assert_eq!(advise(&headers, 20, now()), spread(6.0, 180.0));
}

#[rstest]
#[case::no_refill(&["X-RateLimit-Remaining: 5", "X-RateLimit-Interval-Seconds: 60", "X-RateLimit-FillRate: 0"], None)]
#[case::no_limit_told(&["X-RateLimit-Remaining: 5", "X-RateLimit-Interval-Seconds: 1", "X-RateLimit-FillRate: 20"], FREE)]
#[case::an_hour(&["X-RateLimit-Remaining: 0", "X-RateLimit-Interval-Seconds: 3600", "X-RateLimit-FillRate: 1"], hold(60.0, 60.0, 3600.0))]
fn a_bucket_that_lacks_something(#[case] lines: &[&str], #[case] expected: Option<Advice>) {
    assert_eq!(advice(lines), expected);
}

#[rstest]
#[case::near(&["X-RateLimit-NearLimit: true"], HALVE)]
#[case::in_other_letters(&["x-ratelimit-nearlimit: True"], HALVE)]
#[case::far(&["X-RateLimit-NearLimit: false"], FREE)]
#[case::garbled(&["X-RateLimit-NearLimit: soon"], None)]
#[case::reset_alone_leaves_unknown_how_much_there_is(
    &["X-RateLimit-NearLimit: true", "X-RateLimit-Reset: 2026-03-26T16:00Z"], HALVE)]
#[case::minutes(
    &["X-RateLimit-NearLimit: true", "X-RateLimit-Remaining: 360", "X-RateLimit-Reset: 2026-03-26T16:00Z"],
    spread(10.0, 3600.0))]
#[case::seconds(
    &["X-RateLimit-NearLimit: true", "X-RateLimit-Remaining: 10", "X-RateLimit-Reset: 2026-03-26T15:00:30Z"],
    spread(3.0, 30.0))]
#[case::an_offset(
    &["X-RateLimit-NearLimit: true", "X-RateLimit-Remaining: 60", "X-RateLimit-Reset: 2026-03-26T16:01+01:00"],
    spread(1.0, 60.0))]
#[case::fractions_and_an_offset_without_colon(
    &["X-RateLimit-NearLimit: true", "X-RateLimit-Remaining: 60", "X-RateLimit-Reset: 2026-03-26T15:01:00.000+0000"],
    spread(1.0, 60.0))]
#[case::already_past(
    &["X-RateLimit-NearLimit: true", "X-RateLimit-Remaining: 10", "X-RateLimit-Reset: 2026-03-26T14:00Z"], HALVE)]
#[case::now(
    &["X-RateLimit-NearLimit: true", "X-RateLimit-Remaining: 10", "X-RateLimit-Reset: 2026-03-26T15:00Z"], HALVE)]
#[case::a_reset_that_is_no_date(
    &["X-RateLimit-NearLimit: true", "X-RateLimit-Remaining: 10", "X-RateLimit-Reset: 1774540800"], HALVE)]
#[case::few_of_many(
    &["X-RateLimit-Limit: 350", "X-RateLimit-Remaining: 70", "X-RateLimit-Reset: 2026-03-26T15:01Z"],
    spread(60.0 / 70.0, 60.0))]
#[case::many_of_many(
    &["X-RateLimit-Limit: 350", "X-RateLimit-Remaining: 71", "X-RateLimit-Reset: 2026-03-26T15:01Z"], FREE)]
#[case::few_of_many_until_nobody_knows_when(
    &["X-RateLimit-Limit: 350", "X-RateLimit-Remaining: 7"], HALVE)]
#[case::none_of_many(
    &["X-RateLimit-Limit: 350", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 2026-03-26T15:00:20Z"],
    hold(20.0, 20.0, 20.0))]
#[case::many_of_this_quota_but_another_runs_out(
    &["X-RateLimit-NearLimit: true", "X-RateLimit-Limit: 350", "X-RateLimit-Remaining: 300"], HALVE)]
#[case::some_of_an_unknown_number(&["X-RateLimit-Remaining: 7"], None)]
#[case::a_limit_alone(&["X-Ratelimit-Limit: 350"], None)]
fn clouds_hints_and_resets(#[case] lines: &[&str], #[case] expected: Option<Advice>) {
    assert_eq!(advice(lines), expected);
}

#[rstest]
#[case::nothing_left_for_long(&[r#"Beta-RateLimit: "tenant-app-quota";r=0;t=2788"#], hold(60.0, 60.0, 2788.0))]
#[case::nothing_left_for_a_moment(&[r#"Beta-RateLimit: "tenant-app-quota";r=0;t=8"#], hold(8.0, 8.0, 8.0))]
#[case::as_it_was_seen(
    &[
        "X-Beta-Ratelimit-Reset: 2026-03-26T14:35Z",
        r#"Beta-Ratelimit: "tenant-app-quota";r=0;t=2788"#,
        "X-Ratelimit-Limit: 350",
    ],
    hold(60.0, 60.0, 2788.0))]
#[case::plenty(
    &[
        r#"Beta-RateLimit: "tenant-app-quota";r=90000;t=3000"#,
        r#"Beta-RateLimit-Policy: "tenant-app-quota";q=100100;w=3600"#,
    ],
    FREE)]
#[case::a_fifth(
    &[
        r#"Beta-RateLimit: "tenant-app-quota";r=20000;t=3000"#,
        r#"Beta-RateLimit-Policy: "tenant-app-quota";q=100100;w=3600"#,
    ],
    spread(0.15, 3000.0))]
#[case::of_several_the_scarcest(
    &[
        r#"Beta-RateLimit: "a";r=90;t=30, "b";r=5;t=30"#,
        r#"Beta-RateLimit-Policy: "a";q=100;w=60, "b";q=100;w=60"#,
    ],
    spread(6.0, 30.0))]
#[case::without_a_policy_it_is_not_known_to_be_near(&[r#"Beta-RateLimit: "q";r=5;t=30"#], None)]
#[case::unless_jira_says_so(&[r#"Beta-RateLimit: "q";r=5;t=30"#, "X-RateLimit-NearLimit: true"], spread(6.0, 30.0))]
#[case::without_a_time(&[r#"Beta-RateLimit: "q";r=0"#], HALVE)]
#[case::unquoted_and_spaced(&["RateLimit: q; r=0; t=8"], hold(8.0, 8.0, 8.0))]
#[case::garbled(&["Beta-RateLimit: ;;=,,r"], None)]
#[case::numbers_that_are_none(&[r#"Beta-RateLimit: "q";r=NaN;t=-3"#], None)]
#[case::a_reason_alone(&["RateLimit-Reason: jira-burst-based"], None)]
#[case::nothing(&["Content-Type: application/json"], None)]
fn clouds_named_quotas(#[case] lines: &[&str], #[case] expected: Option<Advice>) {
    assert_eq!(advice(lines), expected);
}

#[rstest]
#[case("RateLimit-Reason: jira-burst-based", true)]
#[case("ratelimit-reason: Jira-Burst-Based", true)]
#[case("RateLimit-Reason: jira-quota-tenant-based", false)]
#[case("RateLimit-Reason: jira-per-issue-on-write", false)]
#[case("RateLimit-Reason: jira-cost-based", false)]
#[case("RateLimit-Reason: jira-quota-based", false)]
#[case("RateLimit-Reason: something-of-tomorrow", false)]
#[case("Server: AtlassianEdge", false)]
fn a_burst_limit_alone_is_of_one_endpoint(#[case] line: &str, #[case] expected: bool) {
    assert_eq!(is_of_one_endpoint(&headers(&[line])), expected);
}
