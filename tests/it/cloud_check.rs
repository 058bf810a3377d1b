//! `extractor check` against a simulated Cloud site, and with the wrong idea of what it is.

use jira_sim::{Auth, SimConfig, WorldProfile, generate};

use crate::app::App;
use crate::binary::Home;

async fn site() -> (App, Home) {
    let world = generate(&WorldProfile::new("PROJ", 40, 3)).unwrap();
    let config = SimConfig { auth: Auth::token("right"), ..SimConfig::cloud() };
    let app = App::with_config(config, world).await;
    (app, Home::new())
}

#[tokio::test]
async fn check_says_what_a_cloud_site_can_do_and_that_it_only_estimates() {
    let (app, home) = site().await;
    for flavor in ["auto", "cloud"] {
        let check = home.extractor_at(&app, "check").set("sync.projects", "*");
        let check = check.set("jira.token", "right");
        let text = check.set("jira.flavor", flavor).run().await.with(0).stdout;
        for part in ["(Cloud)", "logged in as", "epoch milliseconds", "about 40 issues"] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
        assert!(text.contains("changelogs of many issues at once"), "{text}");
        assert!(!text.contains("warn"), "{text}");
    }
}

#[tokio::test]
async fn check_explains_a_flavour_that_is_set_wrong() {
    let (app, home) = site().await;
    let check = home.extractor_at(&app, "check PROJ --json").set("jira.token", "right");
    let ended = check.set("jira.flavor", "server").run().await.with(78);
    assert!(ended.stdout.contains("set jira.flavor to auto or to cloud"), "{}", ended.stdout);
    assert!(ended.stderr.contains("another kind of jira"), "{}", ended.stderr);
}

#[tokio::test]
async fn check_names_the_scopes_that_a_token_lacks() {
    let (app, home) = site().await;
    app.sim.configure(|config| config.cloud.missing_scopes = vec!["project".to_owned()]);
    let check = home.extractor_at(&app, "check PROJ --json").set("jira.token", "right");
    let ended = check.run().await.with(77);
    assert!(ended.stdout.contains("read:jira-work"), "{}", ended.stdout);
}
