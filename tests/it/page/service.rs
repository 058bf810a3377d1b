//! The buttons of the page, pressed in a real browser, before the real service.

use extractor::model::RunKind;
use jira_sim::{Action, Endpoint, Gate, SimConfig, When};
use serde_json::json;

use super::browser::{self, Browser};
use super::scene::world;
use crate::app::App;
use crate::binary::{Home, Program, Running};

const TOKEN: &str = "a-token-for-tests-0123456789abcdef";

fn service(home: &Home, app: &App) -> Program {
    home.extractor_at(app, "run --log-level info")
        .set("sync.projects", "WEB")
        .set("sync.schedule", "1h")
        .set("http.listen", "127.0.0.1:0")
        .set("jira.batch_size", "10")
}

/// Where it answers.
async fn address(running: &mut Running) -> String {
    let told = running.told_after("\"http.address\":\"").await;
    format!("http://{}", told.split('"').next().unwrap())
}

const LIVE: &str = "document.querySelector('#connection-words').textContent === 'Live'";

/// Moves the focus on with the keyboard until it is at an element with this id.
async fn tab_to(browser: &Browser, id: &str) {
    for _ in 0..60 {
        browser.press("Tab").await;
        // Between the last element and the first, nothing has the focus.
        if browser.text("document.activeElement.tagName").await == "BODY" {
            continue;
        }
        let outline = "getComputedStyle(document.activeElement).outlineStyle";
        assert_eq!(browser.text(outline).await, "solid", "the focus cannot be seen");
        if browser.text("document.activeElement.id").await == id {
            return;
        }
    }
    panic!("{id} cannot be reached with the keyboard");
}

async fn finished(browser: &Browser, runs: u32) {
    let done = "[...document.querySelectorAll('table.runs .state')]\
                .filter((state) => state.textContent === 'completed').length";
    browser.until(&format!("{done} === {runs}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buttons_sync_cancel_and_retry() {
    let Some(browser) = browser::open().await else { return };
    let (app, home) = (App::new(world(&[("WEB", 60)])).await, Home::new());
    let mut running = service(&home, &app).start();
    let url = address(&mut running).await;
    browser.goto(&url).await;
    browser.until(LIVE).await;
    finished(&browser, 1).await;

    tab_to(&browser, "sync-WEB").await;
    browser.press("Enter").await;
    browser
        .until("/Sync WEB now: asked for/.test(document.querySelector('#announcer').textContent)")
        .await;
    finished(&browser, 2).await;
    // What changed around the button left the focus on it.
    assert_eq!(browser.text("document.activeElement.id").await, "sync-WEB");

    let gate = Gate::new();
    app.sim.faults().on(Endpoint::SearchListing, When::Always, Action::StallUntil(gate.clone()));
    browser.value("document.querySelector('#sync-WEB').click()").await;
    browser.until("document.querySelector('#live button')").await;
    browser.value("document.querySelector('#sync-WEB').click()").await;
    browser.until("document.querySelector('.toast.bad')").await;
    let refusal = browser.text("document.querySelector('.toast.bad').innerText").await;
    assert!(refusal.contains("What to do"), "{refusal}");
    browser.value("document.querySelector('#live button').click()").await;
    let cancelled = "[...document.querySelectorAll('table.runs .state')]\
                     .some((state) => state.textContent === 'cancelled')";
    browser.until(cancelled).await;
    gate.release();
    app.sim.faults().clear();
    browser.value("document.querySelector('table.runs button').click()").await;
    finished(&browser, 3).await;
    running.terminate();
    running.ended().await.with(0);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_asks_back_and_a_run_tells_what_it_decided() {
    let Some(browser) = browser::open().await else { return };
    let (app, home) = (App::new(world(&[("WEB", 60)])).await, Home::new());
    let mut running = service(&home, &app).start();
    let url = address(&mut running).await;
    // The project has a page once the service knows it.
    browser.goto(&url).await;
    finished(&browser, 1).await;
    browser.goto(&format!("{url}/projects/WEB")).await;
    browser.until(LIVE).await;
    let open = "document.querySelector('dialog').open";
    for key in ["Escape", "Enter"] {
        tab_to(&browser, "backfill-WEB").await;
        browser.press("Enter").await;
        browser.until(open).await;
        assert_eq!(browser.text("document.activeElement.id").await, "confirmation-no");
        browser.press(key).await;
        browser.until(&format!("!{open}")).await;
    }
    assert_eq!(app.number("SELECT count(*) FROM extractor.runs").await, 1, "nobody said yes");
    browser.value("document.querySelector('#backfill-WEB').click()").await;
    browser.until(open).await;
    browser.value("document.querySelector('#confirmation-yes').click()").await;
    finished(&browser, 2).await;
    let kinds = "SELECT count(*) FROM extractor.runs WHERE kind = 'backfill'";
    assert_eq!(app.number(kinds).await, 2, "{}", RunKind::Backfill);

    let run = browser.text("document.querySelector('table.runs tbody a').href").await;
    browser.goto(&run).await;
    browser.until("document.querySelectorAll('.log li').length > 1").await;
    let log = browser.text("document.querySelector('.log').innerText").await;
    assert!(log.contains("Run started"), "{log}");
    let certificate = browser.text("document.querySelector('#certificate').innerText").await;
    assert!(certificate.contains("every issue that Jira shows (60) is stored"), "{certificate}");
    assert_eq!(browser.console().await, Vec::<String>::new());
    running.terminate();
    running.ended().await.with(0);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_token_is_set_a_browser_logs_in_once() {
    let Some(browser) = browser::open().await else { return };
    let app = App::with_config(SimConfig::default(), world(&[("WEB", 5)])).await;
    let home = Home::new();
    let mut running = service(&home, &app).set("http.token", TOKEN).start();
    let url = address(&mut running).await;
    browser.goto(&url).await;
    browser.until("location.pathname === '/login'").await;
    let enter = format!("document.querySelector('#token').value = {}", json!(TOKEN));
    browser.value(&enter).await;
    browser.value("document.querySelector('form button').click()").await;
    browser.until("location.pathname === '/'").await;
    browser.until(LIVE).await;
    finished(&browser, 1).await;
    browser.value("document.querySelector('#sync-WEB').click()").await;
    finished(&browser, 2).await;
    browser.value("document.querySelector('form[action=\"/logout\"] button').click()").await;
    browser.until("location.pathname === '/login'").await;
    running.terminate();
    running.ended().await.with(0);
    browser.close().await;
}
