//! SIGHUP: the configuration is read again, and applied or refused; the service goes on either way.

use jira_sim::{Auth, SimConfig};

use super::{hang_up, world};
use crate::app::{App, SITE};
use crate::binary::{Home, Running};
use crate::compare::assert_equal;

const TOKEN: &str = "Personal-Token-71c0ffee";
const NEXT_TOKEN: &str = "Personal-Token-0badcafe";

/// A configuration file with a token in a file of its own.
fn configuration(app: &App, home: &Home, more: &str) -> String {
    format!(
        "[jira]\nbase_url = \"{}\"\nsite = \"{SITE}\"\nrequests_per_second = 0\n\
         token_file = \"{}\"\n[database]\nurl = \"{}\"\n[http]\nlisten = \"127.0.0.1:0\"\n{more}",
        app.sim.base_url(),
        home.path().join("token").display(),
        app.database_url
    )
}

/// A service at a Jira that wants a token, with a run behind it.
async fn started(more: &str) -> (App, Home, Running) {
    let config = SimConfig { auth: Auth::token(TOKEN), ..SimConfig::default() };
    let (app, home) = (App::with_config(config, world()).await, Home::new());
    home.write("token", TOKEN);
    home.write("extractor.toml", &configuration(&app, &home, more));
    let mut service = home.extractor("run").start();
    service.says("run ended").await;
    (app, home, service)
}

#[tokio::test]
async fn what_changed_is_applied_and_named() {
    let before = "[sync]\nprojects = ['PROJ']\nschedule = '1s'\n";
    let (app, home, mut service) = started(before).await;
    let after = format!("{}[log]\nlevel = 'debug'\n", before.replace("1s", "2s"));
    home.write("extractor.toml", &configuration(&app, &home, &after));
    hang_up(&service);
    service.says("the configuration was read again").await;
    service.says("\"config.changed\":\"sync.schedule, log.level\"").await;
    service.says("\"DEBUG\"").await;
    service.terminate();
    service.ended().await.with(0);
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn a_new_schedule_counts_at_once() {
    let (app, home, service) = started("[sync]\nprojects = ['PROJ']\nschedule = '1h'\n").await;
    let sooner = "[sync]\nprojects = ['PROJ']\nschedule = '1s'\n";
    app.sim.requests().clear();
    home.write("extractor.toml", &configuration(&app, &home, sooner));
    hang_up(&service);
    app.sim.requests().expect(1, |seen| seen.is_search()).wait().await;
    service.terminate();
    service.ended().await.with(0);
}

#[tokio::test]
async fn a_new_token_is_taken_up_without_a_restart() {
    let (app, home, mut service) = started("[sync]\nprojects = ['PROJ']\nschedule = '1s'\n").await;
    app.sim.configure(|config| config.auth = Auth::token(NEXT_TOKEN));
    home.write("token", NEXT_TOKEN);
    hang_up(&service);
    service.says("\"config.changed\":\"jira.token\"").await;
    let ended = "SELECT count(*) FROM extractor.runs WHERE state = 'completed'";
    let before = app.number(ended).await;
    // More than two runs send.
    app.sim.requests().expect(40, |_| true).wait().await;
    service.terminate();
    let ended_in_order = service.ended().await.with(0);
    assert!(app.number(ended).await > before, "{}", ended_in_order.stderr);
    for token in [TOKEN, NEXT_TOKEN] {
        assert!(!ended_in_order.stderr.contains(token));
    }
}

#[tokio::test]
async fn what_cannot_be_applied_is_refused_by_name_and_the_service_goes_on() {
    let text = "[sync]\nprojects = ['PROJ']\nschedule = '1s'\n";
    let (app, home, mut service) = started(text).await;
    for (wrong, said) in [
        ("[sync]\nshedule = '1s'\n", "did you mean"),
        ("[log]\nformat = 'pretty'\n", "log.format takes effect at a start only"),
        ("[sync]\nprojects = ['PROJ']\nfilter = 'ORDER BY key'\n", "sync.filter"),
    ] {
        home.write("extractor.toml", &configuration(&app, &home, wrong));
        hang_up(&service);
        service.says(said).await;
    }
    service.says("the old configuration stays in force").await;
    home.write("extractor.toml", &configuration(&app, &home, text));
    hang_up(&service);
    service.says("the configuration is what it was").await;
    service.terminate();
    service.ended().await.with(0);
    assert_equal(&app, "PROJ").await;
}
