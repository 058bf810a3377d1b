//! What an operator sees of a reconcile that does not believe what it is told: the exit code, the
//! reason, and a database in which nothing is marked.

use jira_sim::{Auth, Flavor, Scope, SimConfig};
use rstest::rstest;

use super::{MINUTE, PROJECT, ids, world};
use crate::app::App;
use crate::binary::{Home, Program};
use crate::compare::assert_equal;

const ISSUES: usize = 90;
const TOKEN: &str = "a-token-that-no-output-may-hold";
const MARKED: &str = "SELECT count(*) FROM jira.issues WHERE deleted_at IS NOT NULL";

async fn stage(flavor: Flavor) -> (App, Home) {
    let config = SimConfig { flavor, auth: Auth::token(TOKEN), ..SimConfig::default() };
    let (app, home) = (App::with_config(config, world(ISSUES)).await, Home::new());
    program(&app, &home, "--backfill PROJ").run().await.with(0);
    app.sim.world_mut().advance(MINUTE * 60);
    (app, home)
}

fn program(app: &App, home: &Home, arguments: &str) -> Program {
    home.extractor_at(app, arguments).set("jira.token", TOKEN).set("jira.max_attempts", "2")
}

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn a_broken_index_is_exit_code_1_with_the_reason(
    #[case] flavor: Flavor,
    #[values(0.0, 0.5)] share: f64,
) {
    let (app, home) = stage(flavor).await;
    app.sim.world_mut().keep_in_index(&Scope::All, share);
    let ended = program(&app, &home, "reconcile PROJ").run().await.with(1);
    assert!(ended.stdout.contains("index"), "{}", ended.stdout);
    assert!(ended.stdout.contains("not complete"), "{}", ended.stdout);
    assert_eq!(app.number(MARKED).await, 0);
    app.sim.world_mut().reindex_to_document(&Scope::All);
    program(&app, &home, "reconcile PROJ").run().await.with(0);
    assert_equal(&app, PROJECT).await;
}

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn an_expired_token_is_exit_code_77_with_the_reason(#[case] flavor: Flavor) {
    let (app, home) = stage(flavor).await;
    app.sim.configure(|config| config.auth.expired = true);
    // Neither the override nor a second try makes it believe anything.
    for arguments in ["reconcile PROJ", "reconcile PROJ --allow-mass-delete"] {
        let ended = program(&app, &home, arguments).run().await.with(77);
        assert!(ended.complaint().contains("log"), "{}", ended.stderr);
        assert!(!format!("{}{}", ended.stdout, ended.stderr).contains(TOKEN));
        assert_eq!(app.number(MARKED).await, 0);
    }
    app.sim.configure(|config| config.auth.expired = false);
    program(&app, &home, "reconcile PROJ").run().await.with(0);
    assert_eq!(app.number(MARKED).await, 0);
}

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn most_of_a_project_gone_is_exit_code_1_until_it_is_allowed(#[case] flavor: Flavor) {
    let (app, home) = stage(flavor).await;
    let gone: Vec<_> = ids(&app, PROJECT).into_iter().take(ISSUES * 6 / 10).collect();
    {
        let mut world = app.sim.world_mut();
        gone.iter().for_each(|id| world.delete(*id).unwrap());
    }
    let ended = program(&app, &home, "reconcile PROJ").run().await.with(1);
    assert!(ended.stdout.contains("--allow-mass-delete"), "{}", ended.stdout);
    assert_eq!(app.number(MARKED).await, 0);
    program(&app, &home, "reconcile PROJ --allow-mass-delete").run().await.with(0);
    assert_eq!(app.number(MARKED).await, gone.len() as i64);
    assert_equal(&app, PROJECT).await;
}
