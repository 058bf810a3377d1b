//! Rate limits as a client meets them, who broke them, and what links cost.

use std::time::{Duration, Instant};

use jira_sim::{
    Action, Auth, BucketLimit, BurstLimit, CostModel, Endpoint, LinkCost, QuotaLimit, RateLimits,
    RetryAfter, Served, SimConfig, ThrottleScope, Violation, When,
};
use reqwest::Response;

use crate::site::{Site, small_world};

/// Longer than a request may have been on its way.
const PATIENCE: Duration = Duration::from_millis(700);

fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

async fn limited(limits: RateLimits) -> Site {
    Site::start(SimConfig { limits, ..SimConfig::default() }, small_world().0).await
}

fn bucket(size: u32, fill: u32, interval: Duration) -> RateLimits {
    RateLimits { bucket: Some(BucketLimit { size, fill, interval }), ..RateLimits::default() }
}

impl Site {
    async fn fetch(&self, resource: &str) -> Response {
        self.get(resource).send().await.unwrap()
    }

    async fn statuses(&self, resource: &str, n: usize) -> Vec<u16> {
        let mut statuses = Vec::new();
        for _ in 0..n {
            statuses.push(self.fetch(resource).await.status().as_u16());
        }
        statuses
    }

    /// Asks for so long, or until somebody is found to have asked too early.
    async fn ask_for(&self, time: Duration, resource: &str) -> Vec<Violation> {
        let until = Instant::now() + time;
        loop {
            self.fetch(resource).await;
            let found = self.server.requests().violations();
            if !found.is_empty() || Instant::now() > until {
                return found;
            }
        }
    }
}

#[tokio::test]
async fn data_center_shows_its_bucket_and_refuses_from_an_empty_one() {
    let site = limited(bucket(3, 2, Duration::from_secs(90))).await;
    for left in ["2", "1"] {
        let answer = site.fetch("myself").await;
        assert_eq!(answer.status(), 200);
        for (name, value) in [
            ("x-ratelimit-limit", "3"),
            ("x-ratelimit-remaining", left),
            ("x-ratelimit-interval-seconds", "90"),
            ("x-ratelimit-fillrate", "2"),
            ("retry-after", "0"),
        ] {
            assert_eq!(header(&answer, name), Some(value), "{name}");
        }
    }
    let last = site.fetch("search?jql=project=P").await;
    assert_eq!((last.status().as_u16(), header(&last, "x-ratelimit-remaining")), (200, Some("0")));
    let refused = site.fetch("search?jql=project=P").await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = header(&refused, "retry-after").unwrap().parse().unwrap();
    assert!((80..=90).contains(&wait), "{wait}");
    assert_eq!(header(&refused, "ratelimit-reason"), None);
    for exempt in ["serverInfo", "issue/P-1/remotelink"] {
        assert_eq!(site.statuses(exempt, 3).await, [200; 3], "{exempt}");
    }
    assert_eq!(site.server.requests().count(|record| record.fault == Some("bucket")), 1);
}

#[tokio::test]
async fn a_bucket_fills_in_real_time_and_waits_are_named_in_whole_seconds() {
    let site = limited(bucket(2, 2, Duration::from_millis(300))).await;
    let mut answers = Vec::new();
    // Far more than a bucket holds, so one of them is refused however slowly they are sent.
    let refused = loop {
        let answer = site.fetch("myself").await;
        match answer.status().as_u16() {
            429 => break answer,
            status => answers.push(status),
        }
        assert!(answers.len() < 10_000);
    };
    assert!(answers.len() >= 2 && answers.iter().all(|status| *status == 200));
    assert_eq!(header(&refused, "retry-after"), Some("1"));
    while site.fetch("myself").await.status() == 429 {}
}

#[tokio::test]
async fn limits_are_switched_while_the_server_runs() {
    let site = limited(RateLimits::default()).await;
    let free = site.fetch("myself").await;
    assert_eq!(header(&free, "retry-after"), None);
    site.server.configure(|config| config.rate_limit_headers = true);
    let shown = site.fetch("myself").await;
    assert_eq!(
        (header(&shown, "retry-after"), header(&shown, "x-ratelimit-remaining")),
        (Some("0"), Some("49"))
    );
    site.server.configure(|config| config.limits = bucket(1, 1, Duration::from_secs(3_600)));
    assert_eq!(site.statuses("myself", 3).await, [200, 429, 429]);
    site.server.configure(|config| config.limits = bucket(2, 1, Duration::from_secs(3_600)));
    assert_eq!(site.statuses("myself", 3).await, [200, 200, 429]);
    site.server.configure(|config| config.limits = RateLimits::default());
    assert_eq!(site.statuses("myself", 3).await, [200; 3]);
}

#[tokio::test]
async fn only_who_is_logged_in_takes_from_the_bucket() {
    let config = SimConfig {
        auth: Auth::token("secret"),
        limits: bucket(1, 1, Duration::from_secs(3_600)),
        ..SimConfig::default()
    };
    let site = Site::start(config, small_world().0).await;
    for _ in 0..2 {
        let anonymous = site.fetch("search?jql=project=P").await;
        assert_eq!((anonymous.status().as_u16(), header(&anonymous, "retry-after")), (200, None));
    }
    for status in [200, 429] {
        let answer = site.get("myself").bearer_auth("secret").send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn a_burst_closes_one_endpoint_for_one_method() {
    let burst = BurstLimit { requests: 2, per: Duration::from_secs(3_600) };
    let site = limited(RateLimits { burst: Some(burst), ..RateLimits::default() }).await;
    assert_eq!(site.fetch("issue/P-1").await.status(), 200);
    assert_eq!(site.fetch("issue/P-2").await.status(), 200);
    let refused = site.fetch("issue/P-3").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(header(&refused, "ratelimit-reason"), Some("jira-burst-based"));
    assert!(header(&refused, "retry-after").unwrap().parse::<u64>().unwrap() > 3_500);
    // Written in minutes, by the instance's clock.
    let reset = header(&refused, "x-ratelimit-reset").unwrap();
    assert_eq!((reset.len(), &reset[..11], &reset[16..]), (17, "2024-05-01T", "Z"));
    for other in ["issue/P-1/comment", "search?jql=project=P", "myself"] {
        assert_eq!(site.fetch(other).await.status(), 200, "{other}");
    }
    let url = format!("{}/rest/api/2/search", site.server.base_url());
    for status in [200, 200, 429] {
        let body = serde_json::json!({"jql": "project = P"});
        let answer = site.client.post(&url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    assert_eq!(site.fetch("search?jql=project=P").await.status(), 200);
}

#[tokio::test]
async fn a_quota_warns_runs_out_and_counts_what_answers_bring() {
    let quota = QuotaLimit { per_issue: 1, ..QuotaLimit::new(10, Duration::from_secs(600)) };
    let site = limited(RateLimits { quota: Some(quota), ..RateLimits::default() }).await;
    let first = site.fetch("search?jql=project=P").await;
    let second = site.fetch("search?jql=project=P").await;
    for (answer, left, near) in [(&first, "6", None), (&second, "2", None)] {
        assert_eq!(header(answer, "x-ratelimit-remaining"), Some(left));
        assert_eq!(header(answer, "x-ratelimit-nearlimit"), near);
        assert_eq!(header(answer, "retry-after"), None);
    }
    let near = site.fetch("myself").await;
    assert_eq!(header(&near, "x-ratelimit-nearlimit"), Some("true"));
    assert_eq!(site.fetch("myself").await.status(), 200);
    let refused = site.fetch("myself").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(header(&refused, "ratelimit-reason"), Some("jira-quota-tenant-based"));
    assert!(header(&refused, "retry-after").unwrap().parse::<u64>().unwrap() > 500);
    let past = QuotaLimit { reset_is_past: true, ..quota };
    site.server.configure(|config| config.limits.quota = Some(past));
    let answer = site.fetch("myself").await;
    let reset = header(&answer, "x-ratelimit-reset").unwrap();
    assert!(reset < "2024-05-01T10:00Z", "{reset}");
}

#[tokio::test]
async fn who_asks_before_a_retry_after_has_passed_is_found() {
    let site = Site::small().await;
    let hour = Duration::from_secs(3_600);
    for (action, seconds) in [
        (Action::TooManyRequests(RetryAfter::Seconds(3_600)), 3_600),
        (Action::FailRetryAfter(503, RetryAfter::Date(hour)), 3_600),
        (Action::TooManyRequests(RetryAfter::Seconds(0)), 0),
        (Action::TooManyRequests(RetryAfter::Absent), 0),
        (Action::Fail(503), 0),
    ] {
        site.server.requests().clear();
        site.server.faults().on(Endpoint::Any, When::Nth(1), action.clone());
        let throttled = site.fetch("search?jql=project=P").await;
        assert!(!throttled.status().is_success());
        let violations = site.ask_for(PATIENCE, "myself").await;
        site.server.faults().clear();
        if seconds == 0 {
            assert!(violations.is_empty(), "{action:?} {violations:?}");
            continue;
        }
        let [violation] = violations.as_slice() else { panic!("{action:?} {violations:?}") };
        let all = site.server.requests().all();
        assert_eq!(violation.request, all.last().unwrap().number);
        assert_eq!(violation.throttled, all[0].number);
        assert_eq!(violation.scope, ThrottleScope::Everything);
        assert!(violation.early > hour - Duration::from_secs(60) && violation.early < hour);
    }
}

#[tokio::test]
async fn a_burst_is_broken_by_its_own_endpoint_only() {
    let burst = BurstLimit { requests: 1, per: Duration::from_secs(3_600) };
    let site = limited(RateLimits { burst: Some(burst), ..RateLimits::default() }).await;
    assert_eq!(site.statuses("issue/P-1", 2).await, [200, 429]);
    let violations = site.ask_for(PATIENCE, "issue/P-2").await;
    assert_eq!(violations[0].scope, ThrottleScope::Endpoint("GET issue/*".to_owned()));
    site.fetch("issue/P-1/comment").await;
    assert_eq!(site.server.requests().violations(), violations);
}

#[tokio::test]
async fn arrivals_are_counted_in_any_stretch_of_time() {
    let site = Site::small().await;
    assert_eq!(site.server.requests().most_in_any(Duration::from_secs(60)), 0);
    for _ in 0..5 {
        site.fetch("myself").await;
    }
    assert_eq!(site.server.requests().most_in_any(Duration::from_secs(60)), 5);
    assert_eq!(site.server.requests().most_in_any(Duration::from_nanos(1)), 1);
}

#[tokio::test]
async fn hubs_cost_by_the_published_curve_unless_asked_without_links() {
    let (mut world, ids) = small_world();
    world.add_project("FAR", "Elsewhere");
    let far = world.create_many("FAR", 10).unwrap();
    world.make_hub(ids[0], &far, 400).unwrap();
    let links = LinkCost::scaled(0.05);
    let cost = CostModel { links, ..CostModel::default() };
    let site = Site::start(SimConfig { cost, ..SimConfig::default() }, world).await;
    for (resource, served, count) in [
        ("issue/P-1", Served::Whole, 400),
        ("search?jql=project=P&fields=*all", Served::Whole, 400),
        ("issue/P-1?fields=issuelinks", Served::LinksAlone, 400),
        ("issue/P-1?fields=*all,-issuelinks", Served::WithoutLinks, 0),
        ("search?jql=project=P&fields=updated", Served::Neither, 0),
        ("issue/P-2", Served::Whole, 0),
    ] {
        site.server.requests().clear();
        site.fetch(resource).await.bytes().await.unwrap();
        let record = site.server.requests().all().remove(0);
        assert_eq!(record.links, count, "{resource}");
        let hub = if resource == "issue/P-2" { 0 } else { 400 };
        let expected = links.of(hub, served);
        assert!(record.took.unwrap() >= expected, "{resource} {record:?}");
    }
    assert!(links.of(400, Served::Whole) > Duration::from_millis(150));
}

#[test]
fn a_hub_weighs_what_real_ones_weigh_and_moves_nobody() {
    let (mut world, ids) = small_world();
    let before = world.issue(ids[0]).unwrap().updated();
    world.make_hub(ids[0], &[ids[3]], 8_000).unwrap();
    let hub = world.issue(ids[0]).unwrap();
    assert_eq!((hub.links().len(), hub.updated()), (8_000, before));
    let a_link = hub.fields_json().len() / 8_000;
    assert!((1_550..1_750).contains(&a_link), "{a_link}");
    let mut ids_of_links: Vec<u64> = hub.links().iter().map(|link| link.id).collect();
    ids_of_links.dedup();
    assert_eq!(ids_of_links.len(), 8_000);
    assert_eq!(world.issue(ids[3]).unwrap().links().len(), 8_000);
}
