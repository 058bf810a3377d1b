//! The parts together, in paused time.

use std::sync::Arc;

use futures::future::join_all;
use proptest::prelude::*;

use super::*;

const LONG: Duration = Duration::from_secs(3600);

fn limits(requests_per_second: f64, burst: u32) -> Limits {
    Limits {
        requests_per_second,
        burst,
        max_in_flight: 1_000,
        max_retry_after: LONG,
        probe_after: Duration::from_secs(1),
        max_outage: Duration::from_secs(120),
        probe: scope("GET serverInfo"),
    }
}

fn pacing(requests_per_second: f64, burst: u32) -> Pacing {
    Pacing::new(limits(requests_per_second, burst))
}

fn scope(text: &str) -> Scope {
    Scope::from_text(text.to_owned())
}

fn secs(secs: f64) -> Duration {
    Duration::from_secs_f64(secs)
}

/// Waits for a turn of something and gives the place back at once.
async fn pass(pacing: &Pacing) -> Result<(), Refusal> {
    pass_as(pacing, "GET x").await
}

async fn pass_as(pacing: &Pacing, what: &str) -> Result<(), Refusal> {
    match pacing.turn(&scope(what)).await? {
        Turn::Go(_) => Ok(()),
        Turn::Probe(_) => panic!("nothing is down"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_leaves_at_once_and_the_rest_at_the_rate() {
    let pacing = pacing(10.0, 5);
    let start = Instant::now();
    for _ in 0..105 {
        pass(&pacing).await.unwrap();
    }
    let elapsed = start.elapsed();
    assert!(elapsed >= secs(10.0), "{elapsed:?}");
    assert!(elapsed < secs(10.3), "{elapsed:?}");
    let stats = pacing.stats();
    assert_eq!(stats.bucket.count, 100);
    assert!(stats.bucket.time >= secs(9.9) && stats.bucket.time <= elapsed, "{stats:?}");
    assert_eq!(stats.allowed_per_second, Some(10.0));
}

#[tokio::test(start_paused = true)]
async fn no_rate_is_no_limit() {
    let pacing = pacing(0.0, 1);
    let start = Instant::now();
    for _ in 0..1000 {
        pass(&pacing).await.unwrap();
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(pacing.stats().allowed_per_second, None);
}

#[tokio::test(start_paused = true)]
async fn nobody_passes_the_closed_gate_even_with_a_token_in_hand() {
    let pacing = pacing(2.0, 1);
    pass(&pacing).await.unwrap();
    let start = Instant::now();
    let waiters = join_all((0..4).map(|_| async {
        pass(&pacing).await.unwrap();
        start.elapsed()
    }));
    let closer = async {
        tokio::time::sleep(secs(0.25)).await;
        pacing.close(&Scope::EVERYTHING, secs(17.0), Told::Here);
    };
    let (passed, ()) = tokio::join!(waiters, closer);
    assert!(passed.iter().all(|at| *at >= secs(17.25)), "{passed:?}");
    assert!(pacing.stats().gate.count >= 3, "{:?}", pacing.stats());
}

#[tokio::test(start_paused = true)]
async fn a_shorter_wait_does_not_open_the_gate_earlier() {
    let pacing = pacing(0.0, 1);
    for wait in [20.0, 1.0] {
        pacing.close(&Scope::EVERYTHING, secs(wait), Told::Here);
    }
    let start = Instant::now();
    pass(&pacing).await.unwrap();
    assert!(start.elapsed() >= secs(20.0));
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_limit_is_reported_at_once() {
    let pacing = pacing(0.0, 1);
    pacing.close(&Scope::EVERYTHING, LONG + secs(1.0), Told::Elsewhere);
    let start = Instant::now();
    let refusal = pass(&pacing).await.unwrap_err();
    assert!(matches!(refusal, Refusal::ClosedTooLong { remaining } if remaining > LONG));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_one_endpoint_keeps_nobody_else() {
    let mut limits = limits(0.0, 1);
    limits.max_in_flight = 1;
    let pacing = Pacing::new(limits);
    pacing.close(&scope("POST search"), secs(30.0), Told::Here);
    let start = Instant::now();
    let limited = async {
        pass_as(&pacing, "POST search").await.unwrap();
        start.elapsed()
    };
    let others = async {
        for _ in 0..10 {
            pass_as(&pacing, "GET issue").await.unwrap();
        }
        start.elapsed()
    };
    let (limited, others) = tokio::join!(limited, others);
    assert!(limited >= secs(30.0));
    assert_eq!(others, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn of_bucket_and_advice_the_slower_wins() {
    let pacing = pacing(10.0, 1);
    pacing.heed(Advice::Spread { interval: secs(2.0), lasts: LONG });
    assert_eq!(pacing.stats().allowed_per_second, Some(0.5));
    let start = Instant::now();
    for _ in 0..11 {
        pass(&pacing).await.unwrap();
    }
    assert!(start.elapsed() >= secs(20.0), "{:?}", start.elapsed());
    assert_eq!(pacing.stats().slowdown.count, 10);
    pacing.heed(Advice::Spread { interval: secs(0.01), lasts: LONG });
    assert_eq!(pacing.stats().allowed_per_second, Some(10.0));
    let start = Instant::now();
    for _ in 0..11 {
        pass(&pacing).await.unwrap();
    }
    assert!(start.elapsed() >= secs(1.0), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_waits_hears_that_it_may_go_faster() {
    let pacing = pacing(10.0, 1);
    pacing.heed(Advice::Spread { interval: secs(60.0), lasts: LONG });
    pass(&pacing).await.unwrap();
    let start = Instant::now();
    let waiter = pass(&pacing);
    let adviser = async {
        tokio::time::sleep(secs(1.0)).await;
        pacing.heed(Advice::Free);
    };
    waiter_and(waiter, adviser).await;
    assert!(start.elapsed() < secs(1.2), "{:?}", start.elapsed());

    pacing.share_among(600);
    pass(&pacing).await.unwrap();
    let start = Instant::now();
    let leaver = async {
        tokio::time::sleep(secs(1.0)).await;
        pacing.share_among(1);
    };
    waiter_and(pass(&pacing), leaver).await;
    assert!(start.elapsed() < secs(1.3), "{:?}", start.elapsed());
}

async fn waiter_and(
    waiter: impl Future<Output = Result<(), Refusal>>,
    other: impl Future<Output = ()>,
) {
    tokio::join!(waiter, other).0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_comes_to_others_waits_until_they_have_heard_and_has_no_burst() {
    let pacing = pacing(10.0, 20);
    pacing.join(2, secs(1.0));
    let start = Instant::now();
    for _ in 0..10 {
        pass(&pacing).await.unwrap();
    }
    assert!(start.elapsed() >= secs(3.0), "{:?}", start.elapsed());
    assert!(start.elapsed() < secs(3.1), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn while_the_instance_is_down_one_asks_and_all_go_on_when_it_is_back() {
    let pacing = Arc::new(pacing(0.0, 1));
    let (up_at, start) = (secs(20.0), Instant::now());
    pacing.note(Health::Alive);
    let sent = Arc::new(Mutex::new(Vec::new()));
    let workers = join_all((0..8).map(|_| {
        let (pacing, sent) = (Arc::clone(&pacing), Arc::clone(&sent));
        async move {
            loop {
                let turn = pacing.turn(&scope("POST search")).await.unwrap();
                sent.lock().unwrap().push(start.elapsed());
                let health = if start.elapsed() < up_at { Health::Down } else { Health::Alive };
                match turn {
                    Turn::Probe(probe) => probe.end(health),
                    Turn::Go(_) => {
                        pacing.note(health);
                        if health == Health::Alive {
                            return start.elapsed();
                        }
                    }
                }
            }
        }
    }));
    let done = workers.await;
    let sent = sent.lock().unwrap();
    let while_down: Vec<_> = sent.iter().filter(|at| **at < up_at).collect();
    // Four failures open it; probes follow after 1, 2, 4 and 8 seconds.
    assert_eq!(while_down.len(), 8, "{while_down:?}");
    assert!(done.iter().all(|at| *at == secs(31.0)), "{done:?}");
    assert_eq!(pacing.stats().breaker_openings, 1);
    assert!(pacing.stats().breaker.count >= 8);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_the_longest_outage() {
    let pacing = pacing(0.0, 1);
    pacing.note(Health::Alive);
    for _ in 0..4 {
        pacing.note(Health::Down);
    }
    let start = Instant::now();
    let refusal = loop {
        match pacing.turn(&scope("POST search")).await {
            Ok(Turn::Probe(probe)) => probe.end(Health::Down),
            Ok(Turn::Go(_)) => panic!("it is down"),
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal, Refusal::Outage);
    assert_eq!(start.elapsed(), secs(120.0));
}

#[tokio::test(start_paused = true)]
async fn a_probe_keeps_to_the_gate() {
    let pacing = pacing(0.0, 1);
    pacing.note(Health::Alive);
    for _ in 0..4 {
        pacing.note(Health::Down);
    }
    pacing.close(&scope("GET serverInfo"), secs(9.0), Told::Here);
    let start = Instant::now();
    let turn = pacing.turn(&scope("POST search")).await.unwrap();
    assert!(matches!(turn, Turn::Probe(_)));
    assert!(start.elapsed() >= secs(9.0));
}

/// What happens to a client while its workers want to send all the time.
#[derive(Debug, Clone)]
enum Event {
    Share(u32),
    Advise(Advice),
    Close(f64),
}

fn events() -> impl Strategy<Value = Vec<(f64, Event)>> {
    let advice = prop_oneof![
        Just(Advice::Free),
        Just(Advice::HALVE),
        (0.01..2.0f64, 0.1..5.0f64).prop_map(|(interval, lasts)| Advice::Spread {
            interval: secs(interval),
            lasts: secs(lasts)
        }),
        (0.1..2.0f64, 0.01..1.0f64).prop_map(|(wait, interval)| Advice::Hold {
            wait: secs(wait),
            interval: secs(interval),
            lasts: secs(3.0)
        }),
    ];
    let event = prop_oneof![
        3 => (1..9u32).prop_map(Event::Share),
        3 => advice.prop_map(Event::Advise),
        1 => (0.01..1.5f64).prop_map(Event::Close),
    ];
    prop::collection::vec((0.0..1.0f64, event), 0..40)
}

/// When the requests of eight workers left, and how long the gate was closed.
fn departures(
    rate: f64,
    burst: u32,
    events: Vec<(f64, Event)>,
) -> (Vec<Instant>, Vec<[Instant; 2]>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let pacing = pacing(rate, burst);
        let left = Mutex::new(Vec::new());
        let workers = join_all((0..8).map(|_| async {
            loop {
                pass(&pacing).await.unwrap();
                left.lock().unwrap().push(Instant::now());
            }
        }));
        let mut closed = Vec::new();
        let script = async {
            for (pause, event) in events {
                tokio::time::sleep(secs(pause)).await;
                match event {
                    Event::Share(processes) => pacing.share_among(processes),
                    Event::Advise(advice) => pacing.heed(advice),
                    Event::Close(wait) => {
                        let now = Instant::now();
                        closed.push([now, now + secs(wait)]);
                        pacing.close(&Scope::EVERYTHING, secs(wait), Told::Here);
                    }
                }
            }
            tokio::time::sleep(secs(3.0)).await;
        };
        tokio::select! {
            _ = workers => unreachable!("they never end"),
            () = script => {}
        }
        (left.into_inner().unwrap(), closed)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_happens_no_second_sees_more_than_rate_and_burst(
        rate in 1.0..30.0f64,
        burst in 1..30u32,
        events in events(),
    ) {
        let (left, closed) = departures(rate, burst, events);
        let allowed = rate.ceil() as usize + burst as usize;
        for (i, first) in left.iter().enumerate() {
            let second = left[i..].iter().take_while(|at| **at - *first < secs(1.0)).count();
            prop_assert!(second <= allowed, "{second} requests of {allowed}");
        }
        for at in &left {
            for [from, until] in &closed {
                prop_assert!(at <= from || at >= until, "left through the closed gate");
            }
        }
        prop_assert!(!left.is_empty());
    }
}
