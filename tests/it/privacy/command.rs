//! `extractor users` and the keys `privacy.*`, as an operator meets them.

use jira_sim::SimConfig;

use super::{PROJECT, app, places};
use crate::app::App;
use crate::binary::{Home, Program};

struct Place {
    app: App,
    home: Home,
}

impl Place {
    async fn new() -> Self {
        let app = app(SimConfig::default(), 40).await;
        app.backfill(PROJECT).await.unwrap();
        Self { app, home: Home::new() }
    }

    fn alone(&self, arguments: &str) -> Program {
        self.home.extractor(arguments).set("database.url", &self.app.database_url)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_is_found_looked_at_and_erased() {
    let place = Place::new().await;
    let found = place.alone("users find ZIMMER --json").run().await.with(0);
    let users = found.json()["users"].clone();
    assert_eq!(users[0]["id"], "zoe.zimmer@corp.example", "{users}");
    let who = "zoe.zimmer@corp.example";

    let nobody = place.alone("users erase nobody --yes").run().await.with(64);
    assert!(
        nobody.stderr.contains("nobody is stored whom \"nobody\" could be"),
        "{}",
        nobody.stderr
    );
    let unsaid = place.alone(&format!("users erase {who}")).run().await.with(64);
    assert!(unsaid.stderr.contains("--yes"), "{}", unsaid.stderr);
    let dry = place.alone(&format!("users erase {who} --dry-run --json")).run().await.with(0);
    assert_eq!(dry.json()["erased"], false);
    let tells = ["Zimmer-Quux".to_owned()].into();
    assert!(!places(&place.app, &tells).await.is_empty());

    let done = place.alone(&format!("users erase {who} --yes --json")).run().await.with(0);
    let done = done.json();
    assert_eq!(done["rows"], dry.json()["rows"]);
    assert!(done["pseudonym"].as_str().unwrap().starts_with("erased-"), "{done}");
    assert!(places(&place.app, &tells).await.is_empty());
    place.alone(&format!("users erase {who} --yes")).run().await.with(64);
    let again = format!("users erase {} --yes", done["pseudonym"].as_str().unwrap());
    assert!(place.alone(&again).run().await.with(0).stdout.contains("erased already"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_of_several_people_names_nobody() {
    let place = Place::new().await;
    sqlx::query(
        "INSERT INTO jira.users (site, id, email, seen_at)
         VALUES ('sim', 'a', 'x@y.example', now()), ('sim', 'b', 'X@Y.example', now())",
    )
    .execute(&place.app.pool)
    .await
    .unwrap();
    let refused = place.alone("users erase x@y.example --yes").run().await.with(64);
    assert!(refused.stderr.contains("a (sim), b (sim)"), "{}", refused.stderr);
    place.alone("users erase a --yes").run().await.with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hashing_needs_a_salt_and_check_says_what_is_stored_otherwise() {
    let place = Place::new().await;
    let unsalted = place.alone("status").set("privacy.emails", "hash").run().await.with(78);
    for part in ["privacy.emails", "privacy.salt", "openssl rand -hex 32"] {
        assert!(unsalted.stderr.contains(part), "{}", unsalted.stderr);
    }
    let salted = place
        .home
        .extractor_at(&place.app, "check PROJ")
        .set("privacy.emails", "hash")
        .set("privacy.salt", "0123456789abcdef");
    let checked = salted.run().await;
    assert!(checked.stdout.contains("stored under another privacy setting"), "{}", checked.stdout);
}
