//! Everything that can be wrong around the program: each its exit code and its sentence, no secret
//! in any output, and nothing left that the next run trips over.

mod database;
mod jira;
mod secrets;
mod tls;

use jira_sim::{Action, Auth, Endpoint, RuleId, SimConfig, When, World, WorldProfile, generate};
use sqlx::AssertSqlSafe;

use crate::app::App;
use crate::binary::{Ended, Home, Program};
use crate::compare::assert_equal;

const PROJECT: &str = "PROJ";
const ISSUES: usize = 60;
const TOKEN: &str = "Personal-Token-71c0ffee";
const WRONG_TOKEN: &str = "Mistyped-Token-0badcafe";
const PASSWORD: &str = "Database-Password-5eed";
/// Everything that any library can say.
const LOUDEST: &str = "trace,sqlx=trace,hyper=trace,hyper_util=trace,h2=trace,reqwest=trace,\
                       rustls=trace,tower=trace";

/// A Jira that wants a token, a database with a password, and the program between them.
struct Case {
    app: App,
    home: Home,
}

impl Case {
    async fn new() -> Self {
        let config = SimConfig { auth: Auth::token(TOKEN), ..SimConfig::default() };
        let app = App::with_config(config, world(ISSUES)).await;
        Self { app, home: Home::new() }
    }

    fn database_url(&self) -> String {
        with_password(&self.app.database_url)
    }

    /// The backfill with everything in order.
    fn backfill(&self) -> Program {
        self.home
            .extractor_at(&self.app, "--backfill PROJ")
            .set("jira.token", TOKEN)
            .set("jira.max_attempts", "2")
            .set("jira.batch_size", "10")
            .set("jira.max_in_flight", "2")
            .set("database.url", &self.database_url())
    }

    /// Runs it as it is, and again as loud as can be.
    async fn fails(&self, program: &Program, code: i32, sentence: &str) -> Ended {
        let quiet = program.run().await.with(code).complaining(sentence);
        assert!(quiet.stdout.is_empty(), "{}", quiet.stdout);
        assert_no_secret(&quiet);
        let loud = program.clone().set("log.level", LOUDEST).arguments(&["--json"]).run().await;
        let loud = loud.with(code).complaining(sentence);
        // Without a database Jira is not even asked, and there is less to say.
        let levels = ["\"TRACE\"", "\"DEBUG\""];
        assert!(levels.iter().any(|level| loud.stderr.contains(level)), "{}", loud.stderr);
        assert_no_secret(&loud);
        let error = &loud.json()["error"];
        assert_eq!(error["exit_code"], code);
        assert!(error["message"].as_str().unwrap().len() > 10, "{error}");
        quiet
    }

    fn fault(&self, endpoint: Endpoint, when: When, action: Action) -> RuleId {
        self.app.sim.faults().on(endpoint, when, action)
    }

    /// Everything is in order again: the backfill ends, and what is stored is what Jira holds.
    async fn ends_well(&self) {
        self.app.sim.faults().clear();
        let ended = self.backfill().set("log.level", LOUDEST).run().await.with(0);
        assert_no_secret(&ended);
        assert_equal(&self.app, PROJECT).await;
        for left in [
            "SELECT count(*) FROM extractor.runs WHERE state = 'running'",
            "SELECT count(*) FROM extractor.pending",
            "SELECT count(*) FROM extractor.failures",
            "SELECT count(*) FROM extractor.cursors WHERE lease_worker IS NOT NULL",
        ] {
            assert_eq!(self.app.number(left).await, 0, "{left}");
        }
    }

    async fn execute(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&self.app.pool).await.unwrap();
    }
}

fn world(issues: usize) -> World {
    generate(&WorldProfile::new(PROJECT, issues, 41).plain(800)).unwrap()
}

fn with_password(database_url: &str) -> String {
    let mut url = url::Url::parse(database_url).unwrap();
    url.set_password(Some(PASSWORD)).unwrap();
    url.to_string()
}

fn assert_no_secret(ended: &Ended) {
    for secret in [TOKEN, WRONG_TOKEN, PASSWORD] {
        for output in [&ended.stdout, &ended.stderr] {
            let line = output.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "a secret is told: {line:?}");
        }
    }
}
