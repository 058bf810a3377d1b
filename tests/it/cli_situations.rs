//! Everything that can be wrong around the program: each its exit code and its sentence, no secret
//! in any output, and nothing left that the next run trips over.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use jira_sim::{
    Action, Auth, Endpoint, Gate, RuleId, SimConfig, SimServer, When, World, WorldProfile, generate,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
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
        assert!(loud.stderr.contains("\"TRACE\""), "{}", loud.stderr);
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

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let case = Case::new().await;
    let program = case.backfill().set("jira.token", WRONG_TOKEN);
    case.fails(&program, 77, "refused the credentials").await;
    assert_eq!(case.app.number("SELECT count(*) FROM extractor.runs").await, 0);
    case.ends_well().await;
}

#[tokio::test]
async fn an_expired_token_that_jira_answers_as_a_visitor_is_refused() {
    let case = Case::new().await;
    case.app.sim.configure(|config| config.auth.expired = true);
    case.fails(&case.backfill(), 77, "did not log us in").await;
    assert_eq!(case.app.number("SELECT count(*) FROM extractor.runs").await, 0);
    case.app.sim.configure(|config| config.auth.expired = false);
    case.ends_well().await;
}

#[tokio::test]
async fn a_token_that_expires_in_the_middle_stops_the_run_which_then_goes_on() {
    let case = Case::new().await;
    case.fault(Endpoint::SearchHydrate, When::Range(3..=u64::MAX), Action::Anonymous);
    case.fails(&case.backfill(), 77, "did not log us in").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_forbidden_project_is_refused() {
    let case = Case::new().await;
    case.app.sim.world_mut().forbid_project(PROJECT, true);
    case.fails(&case.backfill(), 77, "project PROJ does not exist, or this account may not").await;
    case.app.sim.world_mut().forbid_project(PROJECT, false);
    case.ends_well().await;
}

#[tokio::test]
async fn an_unknown_project_is_refused() {
    let case = Case::new().await;
    let program = case.backfill().arguments(&["--backfill", "NOPE"]);
    let told = program.run().await.with(1).complaining("project NOPE does not exist");
    assert_no_secret(&told);
    let alone = case.home.extractor_at(&case.app, "backfill NOPE").set("jira.token", TOKEN);
    let alone = alone.set("database.url", &case.database_url());
    case.fails(&alone, 77, "project NOPE does not exist").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_host_without_an_address_is_unreachable() {
    let case = Case::new().await;
    let program = case.backfill().set("jira.base_url", "https://jira.invalid");
    case.fails(&program, 69, "no answer from Jira at jira.invalid").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_host_that_hangs_up_is_unreachable() {
    let case = Case::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let program = case.backfill().set("jira.base_url", &format!("http://{address}"));
    case.fails(&program, 69, "no answer from Jira at 127.0.0.1").await;
    case.ends_well().await;
}

#[tokio::test]
async fn tls_to_a_server_that_speaks_none_is_told_as_such() {
    let case = Case::new().await;
    let program = case.backfill();
    let https = case.app.sim.base_url().replace("http://", "https://");
    case.fails(&program.set("jira.base_url", &https), 69, "no TLS connection to Jira").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_not_trusted() {
    let case = Case::new().await;
    let (url, received) = untrusted_server();
    let program = case.backfill().set("jira.base_url", &url);
    case.fails(&program, 69, "jira.ca_bundle").await;
    assert!(received.try_recv().is_err(), "something was sent to a host that is not trusted");
    case.ends_well().await;
}

#[tokio::test]
async fn a_login_page_is_no_data() {
    let case = Case::new().await;
    case.fault(Endpoint::Any, When::Always, Action::LoginPage);
    case.fails(&case.backfill(), 65, "not the expected JSON").await;
    assert_eq!(case.app.number("SELECT count(*) FROM extractor.runs").await, 0);
    case.ends_well().await;
}

#[tokio::test]
async fn a_redirect_to_a_login_host_is_not_followed() {
    let case = Case::new().await;
    let login = SimServer::start(SimConfig::default(), World::new(0)).await.unwrap();
    let there = format!("{}/login", login.base_url());
    case.fault(Endpoint::Any, When::Always, Action::Redirect(there));
    case.fails(&case.backfill(), 65, "this is a log-in page").await;
    assert!(login.requests().all().is_empty(), "the log-in host was asked");
    case.ends_well().await;
}

#[tokio::test]
async fn a_login_host_that_steps_in_later_is_not_followed_either() {
    let case = Case::new().await;
    let login = SimServer::start(SimConfig::default(), World::new(0)).await.unwrap();
    let there = format!("{}/login", login.base_url());
    case.fault(Endpoint::SearchHydrate, When::Range(2..=u64::MAX), Action::Redirect(there));
    case.fails(&case.backfill(), 65, "this is a log-in page").await;
    assert!(login.requests().all().is_empty(), "the log-in host was asked");
    case.ends_well().await;
}

#[tokio::test]
async fn a_postgres_that_is_down_is_unreachable() {
    let case = Case::new().await;
    let nobody = format!(
        "postgres://postgres:{PASSWORD}@localhost/warehouse?host={}",
        case.home.path().display()
    );
    let program = case.backfill().set("database.url", &nobody);
    case.fails(&program, 69, "no Postgres answers at").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_database_that_is_not_there_is_a_matter_of_configuration() {
    let case = Case::new().await;
    let mut url = url::Url::parse(&case.database_url()).unwrap();
    url.set_path("nowhere");
    let program = case.backfill().set("database.url", url.as_str());
    case.fails(&program, 78, "there is no database").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_schema_of_a_newer_version_is_left_alone() {
    let case = Case::new().await;
    case.execute(
        "INSERT INTO extractor.schema_migrations
             (version, description, success, checksum, execution_time)
         VALUES (29990101000000, 'the future', true, '\\x00', 0)",
    )
    .await;
    case.fails(&case.backfill(), 78, "is newer than this program").await;
    case.execute("DELETE FROM extractor.schema_migrations WHERE version = 29990101000000").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_schema_that_is_somebody_elses_is_left_alone() {
    let case = Case::new().await;
    case.execute("DROP SCHEMA jira CASCADE; DROP SCHEMA extractor CASCADE").await;
    case.execute("CREATE SCHEMA jira; CREATE TABLE jira.issues (mine int)").await;
    case.fails(&case.backfill(), 78, "already holds tables that are not extractor's").await;
    assert_eq!(case.app.number("SELECT count(*) FROM jira.issues").await, 0);
    let ours = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'extractor'";
    assert_eq!(case.app.number(ours).await, 0);
    case.execute("DROP SCHEMA jira CASCADE").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_role_that_may_not_write_is_refused() {
    let case = Case::new().await;
    let role = format!("reader_{}", std::process::id());
    case.execute(&format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA jira, extractor TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA jira, extractor TO {role}"
    ))
    .await;
    let mut url = url::Url::parse(&case.database_url()).unwrap();
    url.set_username(&role).unwrap();
    let program = case.backfill().set("database.url", url.as_str());
    case.fails(&program, 77, "lacks a privilege").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_project_that_another_process_holds_is_named_with_who_and_since_when() {
    let case = Case::new().await;
    let gate = Gate::new();
    case.fault(Endpoint::SearchHydrate, When::Nth(1), Action::StallUntil(gate.clone()));
    let first = case.backfill().start();
    gate.reached_by(1).await;
    let sentence = format!("PROJ is being extracted by process {} on ", first.pid());
    let told = case.fails(&case.backfill(), 75, &sentence).await;
    assert!(told.complaint().contains(" since 20"), "{}", told.complaint());
    gate.release();
    first.ended().await.with(0);
    assert_equal(&case.app, PROJECT).await;
    case.ends_well().await;
}

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

/// A server whose certificate nobody vouches for, and what it is sent inside TLS.
fn untrusted_server() -> (String, std::sync::mpsc::Receiver<usize>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (sender, received) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            if let Ok(bytes) = stream.read(&mut [0; 4096]) {
                let _ = sender.send(bytes);
            }
            let _ = stream.flush();
        }
    });
    (url, received)
}
