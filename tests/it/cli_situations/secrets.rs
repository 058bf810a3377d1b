//! Secrets in places of their own: none is told, in whatever spelling.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[tokio::test]
async fn a_password_for_jira_is_told_to_nobody_in_any_spelling() {
    let case = Case::new().await;
    case.app.sim.configure(|config| {
        config.auth =
            Auth { basic: Some(("extractor".to_owned(), TOKEN.to_owned())), ..Auth::default() };
    });
    let basic = |password: &str| {
        case.home
            .extractor_at(&case.app, "backfill PROJ --json")
            .set("jira.username", "extractor")
            .set("jira.password", password)
            .set("database.url", &case.database_url())
            .set("log.level", LOUDEST)
    };
    // "extractor:" and the password in base64, as the header has it.
    let encoded = [
        "ZXh0cmFjdG9yOlBlcnNvbmFsLVRva2VuLTcxYzBmZmVl",
        "ZXh0cmFjdG9yOk1pc3R5cGVkLVRva2VuLTBiYWRjYWZl",
    ];
    for (password, code) in [(WRONG_TOKEN, 77), (TOKEN, 0)] {
        let ended = basic(password).run().await.with(code);
        assert_no_secret(&ended);
        for text in encoded {
            assert!(!ended.stdout.contains(text) && !ended.stderr.contains(text), "{text}");
        }
    }
    assert_equal(&case.app, PROJECT).await;
}

#[tokio::test]
async fn a_proxys_password_is_told_to_nobody() {
    let case = Case::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    std::thread::spawn(move || {
        listener.incoming().for_each(|_| _ = counted.fetch_add(1, Ordering::Relaxed));
    });
    let proxy = format!("http://{TOKEN}:{PASSWORD}@{address}");
    let program = case.backfill().set("jira.base_url", "http://jira.invalid");
    let program = program.env("HTTP_PROXY", &proxy).env("http_proxy", &proxy);
    case.fails(&program, 69, "no answer from Jira at jira.invalid").await;
    let tls = program.set("jira.base_url", "https://jira.invalid").env("HTTPS_PROXY", &proxy);
    case.fails(&tls, 69, "Jira at jira.invalid").await;
    assert!(asked.load(Ordering::Relaxed) >= 4, "the proxy was not asked");
    case.ends_well().await;
}
