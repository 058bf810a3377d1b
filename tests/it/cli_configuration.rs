//! Where the real program takes its configuration from, what wins, and what is refused: command
//! lines with 64, configurations with 78.

use jira_sim::{World, WorldProfile, generate};
use rstest::rstest;

use crate::app::{App, SITE};
use crate::binary::Home;
use crate::compare::assert_equal;

fn world() -> World {
    generate(&WorldProfile::new("PROJ", 30, 81).plain(700)).unwrap()
}

fn toml(app: &App) -> String {
    format!(
        "[jira]\nbase_url = \"{}\"\nsite = \"{SITE}\"\nrequests_per_second = 0\n\
         [database]\nurl = \"{}\"\n[sync]\nprojects = [\"PROJ\"]\n",
        app.sim.base_url(),
        app.database_url
    )
}

fn yaml(app: &App) -> String {
    format!(
        "jira:\n  base_url: {}\n  site: {SITE}\n  requests_per_second: 0\n\
         database:\n  url: {}\nsync:\n  projects: [PROJ]\n",
        app.sim.base_url(),
        app.database_url
    )
}

fn json(app: &App) -> String {
    serde_json::json!({
        "jira": {"base_url": app.sim.base_url(), "site": SITE, "requests_per_second": 0},
        "database": {"url": app.database_url},
        "sync": {"projects": ["PROJ"]},
    })
    .to_string()
}

#[rstest]
#[case::toml("extractor.toml", toml)]
#[case::yaml("settings.yaml", yaml)]
#[case::yml("settings.yml", yaml)]
#[case::json("settings.json", json)]
#[tokio::test]
async fn a_file_drives_a_run(#[case] name: &str, #[case] write: fn(&App) -> String) {
    let (app, home) = (App::new(world()).await, Home::new());
    let path = home.write(name, &write(&app));
    home.extractor("sync --config").arguments(&[&path]).run().await.with(0);
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn a_file_in_the_working_directory_is_found() {
    let (app, home) = (App::new(world()).await, Home::new());
    home.write("extractor.toml", &toml(&app));
    home.extractor("sync").run().await.with(0);
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn dot_env_in_the_working_directory_is_honoured() {
    let (app, home) = (App::new(world()).await, Home::new());
    let lines = [
        format!("EXTRACTOR_JIRA__BASE_URL={}", app.sim.base_url()),
        format!("EXTRACTOR_JIRA__SITE={SITE}"),
        format!("DATABASE_URL=\"{}\"", app.database_url),
        "EXTRACTOR_SYNC__PROJECTS=PROJ".to_owned(),
    ];
    home.write(".env", &lines.join("\n"));
    home.extractor("sync").run().await.with(0);
    assert_equal(&app, "PROJ").await;
    // The real environment wins over it.
    let over = home.extractor("sync --json").env("EXTRACTOR_SYNC__PROJECTS", "NOPE");
    over.run().await.with(77).complaining("NOPE");
}

#[tokio::test]
async fn a_token_is_read_from_a_file_as_secrets_are_given() {
    let (app, home) = (App::new(world()).await, Home::new());
    app.sim.configure(|config| config.auth = jira_sim::Auth::token("in-a-file-8086"));
    let path = home.write("token", "in-a-file-8086\n");
    let ended = home.extractor_at(&app, "--backfill PROJ").set("jira.token_file", &path);
    let ended = ended.set("log.level", "trace").run().await.with(0);
    assert!(!ended.stderr.contains("in-a-file-8086"), "the token is told");
    assert_equal(&app, "PROJ").await;
}

/// Each place names a site of its own, and the one that wins is the one in the database.
#[tokio::test]
async fn flags_beat_the_environment_which_beats_dot_env_which_beats_the_file() {
    let (app, home) = (App::new(world()).await, Home::new());
    let sites = || async {
        let sql = "SELECT site FROM extractor.cursors ORDER BY updated_at DESC LIMIT 1";
        let site: String = sqlx::query_scalar(sql).fetch_one(&app.pool).await.unwrap();
        site
    };
    let file = home.write("extractor.toml", &toml(&app).replace(SITE, "of-the-file"));
    let bare = home.extractor("sync").arguments(&["--config", &file]);
    bare.run().await.with(0);
    assert_eq!(sites().await, "of-the-file");
    home.write(".env", "EXTRACTOR_JIRA__SITE=of-dot-env");
    bare.run().await.with(0);
    assert_eq!(sites().await, "of-dot-env");
    let variable = bare.env("EXTRACTOR_JIRA__SITE", "of-the-environment");
    variable.run().await.with(0);
    assert_eq!(sites().await, "of-the-environment");
    variable.arguments(&["--site", "of-the-flag"]).run().await.with(0);
    assert_eq!(sites().await, "of-the-flag");
}

#[rstest]
#[case::unknown_command("extract", "unrecognized subcommand")]
#[case::unknown_flag("status --verbose", "unexpected argument")]
#[case::no_project("backfill", "required")]
#[case::lower_case("backfill proj", "did you mean PROJ?")]
#[case::two_commands("--backfill PROJ status", "cannot be combined")]
#[case::dry_run_alone("--dry-run", "--backfill")]
#[case::no_issues("demo --issues 0", "--issues")]
#[case::profile("status --profile quick", "--profile")]
#[tokio::test]
async fn a_command_line_that_makes_no_sense_ends_with_64(#[case] line: &str, #[case] told: &str) {
    let home = Home::new();
    let ended = home.extractor(line).run().await.with(64).complaining(told);
    assert!(ended.stdout.is_empty(), "{}", ended.stdout);
    assert!(home.entries().is_empty());
}

#[rstest]
#[case::no_address("--backfill PROJ", &[], "jira.base_url is not set")]
#[case::no_projects("sync", &[("EXTRACTOR_JIRA__BASE_URL", "https://j.invalid")], "no project")]
#[case::misspelt("status", &[("EXTRACTOR_JIRA__TOKN", "x")], "did you mean EXTRACTOR_JIRA__TOKEN?")]
#[case::duration("status", &[("EXTRACTOR_JIRA__TIMEOUT", "soon")], "bad value for jira.timeout")]
#[case::level("status", &[("EXTRACTOR_LOG__LEVEL", "inof")], "log.level")]
#[case::url("status", &[("DATABASE_URL", "mysql://hidden-pass@db/x")], "database")]
#[case::secret_file("status", &[("EXTRACTOR_JIRA__TOKEN_FILE", "/nowhere")], "jira.token_file")]
#[case::both(
    "status",
    &[("EXTRACTOR_JIRA__TOKEN", "hidden-token"), ("EXTRACTOR_JIRA__TOKEN_FILE", "/nowhere")],
    "are both set"
)]
#[case::gateway(
    "--backfill PROJ",
    &[("EXTRACTOR_JIRA__BASE_URL", "https://api.atlassian.com/jira")],
    "https://api.atlassian.com/ex/jira/"
)]
#[case::filter(
    "--backfill PROJ",
    &[("EXTRACTOR_JIRA__BASE_URL", "https://j.invalid"), ("EXTRACTOR_SYNC__FILTER", "a = (")],
    "sync.filter"
)]
#[case::user_in_address(
    "--backfill PROJ",
    &[("EXTRACTOR_JIRA__BASE_URL", "https://me:hidden-pass@j.invalid")],
    "jira.base_url"
)]
#[case::port("status", &[("DATABASE_URL", "postgres://me:hidden-pass@db:port/x")], "database.url")]
#[case::file("status --config nowhere.toml", &[], "nowhere.toml")]
#[tokio::test]
async fn a_configuration_that_cannot_be_used_ends_with_78(
    #[case] line: &str,
    #[case] variables: &[(&str, &str)],
    #[case] told: &str,
) {
    let home = Home::new();
    let program = home.extractor(line).arguments(&["--json"]);
    let program = variables.iter().fold(program, |program, (name, value)| program.env(name, value));
    let ended = program.run().await.with(78).complaining(told);
    assert_eq!(ended.json()["error"]["exit_code"], 78);
    assert!(!ended.stdout.contains("hidden") && !ended.stderr.contains("hidden"), "{ended:?}");
    assert!(home.entries().is_empty(), "{:?}", home.entries());
}

#[rstest]
#[case::file("extractor.toml", "[jira]\ntokn = \"hidden-token\"", "unknown key \"jira.tokn\"")]
#[case::toml("extractor.toml", "[jira]\ntoken = hidden-token", "is not valid TOML")]
#[case::dot_env(".env", "PLAIN=1\nhidden token\n", "line 2 of the file")]
#[tokio::test]
async fn a_file_that_is_wrong_is_named_without_what_it_holds(
    #[case] name: &str,
    #[case] text: &str,
    #[case] told: &str,
) {
    let home = Home::new();
    home.write(name, text);
    let ended = home.extractor("status").run().await.with(78).complaining(told);
    assert!(ended.complaint().contains(name), "{}", ended.complaint());
    assert!(!ended.stderr.contains("hidden"), "{}", ended.stderr);
}

#[tokio::test]
async fn help_and_version_are_no_errors() {
    let home = Home::new();
    let version = home.extractor("--version").run().await.with(0).stdout;
    assert_eq!(version.trim(), concat!("extractor ", env!("CARGO_PKG_VERSION")));
    for command in
        ["", "backfill", "sync", "check", "status", "cursor", "worker", "migrate", "demo"]
    {
        let help = home.extractor(&format!("{command} --help")).run().await.with(0).stdout;
        assert!(help.contains("Examples:"), "{command}: {help}");
    }
}
