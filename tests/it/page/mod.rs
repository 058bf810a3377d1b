//! The status page as a real browser shows it.

mod browser;
mod scene;
mod screenshots;
mod service;

use std::time::Duration;

use extractor::admin::desk::{Link, Trouble};
use extractor::clock::{Clock as _, SystemClock};
use extractor::model::{FailureCategory, RunKind, RunState};
use jira_sim::{Action, CostModel, SimConfig};

use browser::Browser;
use scene::Scene;

/// Checks that a page needs to pass for people who do not see it, or do not use a mouse.
const CHECKS: &str = include_str!("checks.js");

async fn assert_sound(browser: &Browser, place: &str) {
    let found = browser.value(&format!("({CHECKS})()")).await;
    assert_eq!(found, serde_json::json!([]), "{place}");
}

async fn assert_quiet(browser: &Browser) {
    assert_eq!(browser.console().await, Vec::<String>::new());
}

fn slow() -> SimConfig {
    let cost = CostModel { per_request: Duration::from_millis(100), ..CostModel::default() };
    SimConfig { cost, ..SimConfig::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_sound_in_both_schemes_and_at_both_widths() {
    let Some(browser) = browser::open().await else { return };
    let scene = Scene::of(&[("WEB", 60), ("OPS", 30)], SimConfig::default()).await;
    let poisoned = scene.app.sim.world().issues("WEB").nth(3).unwrap().id();
    scene.app.sim.faults().poison(poisoned, Action::WrongShape);
    assert_eq!(scene.run("WEB", RunKind::Backfill).await, RunState::Incomplete);
    assert_eq!(scene.run("OPS", RunKind::Backfill).await, RunState::Completed);
    browser.goto(&scene.url).await;
    browser.until("document.querySelectorAll('table.runs tbody tr').length === 2").await;
    let run = browser.text("document.querySelector('table.runs tbody a').href").await;
    let project = format!("{}/projects/WEB", scene.url);
    let failures = format!("{}/failures", scene.url);
    for page in [&scene.url, &run, &project, &failures, &format!("{}/runs/none", scene.url)] {
        browser.goto(page).await;
        for dark in [false, true] {
            browser.dark(dark).await;
            for width in [1280, 1130, 800, 390] {
                browser.resize(width, 844).await;
                let place = format!("{page}, dark: {dark}, width: {width}");
                assert_sound(&browser, &place).await;
                let over = "document.documentElement.scrollWidth - innerWidth";
                assert!(browser.value(over).await.as_i64().unwrap() <= 0, "{place}: too wide");
                let sheets = "[...document.querySelectorAll('.sheet')]\
                              .filter((sheet) => sheet.scrollWidth > sheet.clientWidth).length";
                assert_eq!(browser.value(sheets).await, 0, "{place}: a table is too wide");
            }
        }
        let console = browser.console().await;
        // A page that is not there is an error to the console, and rightly so.
        assert!(console.is_empty() || page.ends_with("none"), "{page}: {console:?}");
    }
    browser.close().await;
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_is_shown_as_it_happens() {
    let Some(browser) = browser::open().await else { return };
    let mut scene = Scene::of(&[("WEB", 400)], slow()).await;
    scene.app.options.batch_size = 4;
    scene.app.options.max_in_flight = 1;
    browser.goto(&scene.url).await;
    browser.until("document.querySelector('#connection-words').textContent === 'Live'").await;
    assert!(browser.text("document.querySelector('h1').textContent").await.contains("WEB"));
    let value = "document.querySelector('#live progress')?.value";
    let (state, ()) = tokio::join!(scene.run("WEB", RunKind::Backfill), async {
        browser.until(&format!("{value} > 0")).await;
        let seen = browser.value(value).await.as_f64().unwrap();
        browser.until(&format!("{value} > {seen}")).await;
        browser
            .until("/issues a minute/.test(document.querySelector('#live .how').textContent)")
            .await;
        assert_sound(&browser, "during a run").await;
    });
    assert_eq!(state, RunState::Completed);
    browser.until("document.querySelector('#live').hidden").await;
    browser.until("document.querySelector('h1').textContent === 'WEB is up to date'").await;
    browser.until("document.title === 'WEB is up to date · extractor'").await;
    assert_quiet(&browser).await;
    browser.close().await;
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_can_be_read_without_javascript() {
    let Some(browser) = browser::open().await else { return };
    let scene = Scene::of(&[("WEB", 40)], SimConfig::default()).await;
    scene.run("WEB", RunKind::Backfill).await;
    // The board is filled by the time that a page with scripts has heard of it.
    browser.goto(&scene.url).await;
    browser.until("document.querySelector('h1').textContent === 'WEB is up to date'").await;
    browser.scripts(false).await;
    browser.goto(&scene.url).await;
    let source = browser.client.source().await.unwrap();
    for told in ["WEB is up to date", "http-equiv=\"refresh\"", "40", "complete", "Last runs"] {
        assert!(source.contains(told), "{told}");
    }
    assert!(!source.contains("class=\"js\""));
    let buttons = browser.client.find_all(fantoccini::Locator::Css("button[data-post]")).await;
    for button in buttons.unwrap() {
        assert!(!button.is_displayed().await.unwrap(), "a button that does nothing");
    }
    browser.scripts(true).await;
    browser.close().await;
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_is_told_in_words_and_a_server_that_goes_is_noticed() {
    let Some(browser) = browser::open().await else { return };
    let scene = Scene::of(&[("WEB", 10)], SimConfig::default()).await;
    browser.goto(&scene.url).await;
    browser.until("document.querySelector('#connection-words').textContent === 'Live'").await;
    scene.status.send_modify(|status| {
        let since = SystemClock.now() - Duration::from_secs(310);
        let trouble = Trouble {
            text: "cannot reach jira.example.com: connection refused".to_owned(),
            category: FailureCategory::Temporary,
            remedy: "see whether it is down, and whether a proxy stands between".to_owned(),
        };
        status.jira = Link::Down { since, trouble };
    });
    let headline = "document.querySelector('h1').textContent";
    browser.until(&format!("{headline} === 'Jira has not answered for 5 minutes'")).await;
    let notice = browser.text("document.querySelector('.notice').innerText").await;
    assert!(notice.contains("What to do: See whether it is down"), "{notice}");
    assert_sound(&browser, "with trouble").await;
    scene.close().await;
    let words = "document.querySelector('#connection-words').textContent";
    browser.until(&format!("{words}.startsWith('Disconnected')")).await;
    browser.close().await;
}
