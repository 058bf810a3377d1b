//! `extractor demo`: ends by itself where nobody watches, and leaves nothing behind.

use crate::binary::{Home, assert_keys};

#[tokio::test]
async fn the_demo_shows_certificate_counts_and_rows_and_leaves_nothing() {
    let home = Home::new();
    let temporary = Home::new();
    // Whatever is configured for real work counts for nothing here.
    let demo = home
        .extractor("demo --issues 200")
        .env("TMPDIR", temporary.path().to_str().unwrap())
        .env("DATABASE_URL", "postgres://nobody@db.invalid/warehouse")
        .set("jira.base_url", "https://jira.invalid");
    let text = demo.run().await.with(0).stdout;
    for part in [
        "200 issues in 1 project, generated from seed 1, at http://127.0.0.1:",
        "DEMO: backfill completed",
        "complete; Jira counts 200, stored 200, failed 0",
        "jira.issues\t200",
        "the issues updated last:",
        "the demo's database is removed",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let json = demo.arguments(&["--json"]).run().await.with(0).json();
    assert_keys(&json, &["runs", "tables", "exit_code"]);
    assert_eq!(json["runs"][0]["certificate"]["verdict"], "complete");
    let tables = json["tables"].as_array().unwrap();
    tables.iter().for_each(|table| assert_keys(table, &["table", "rows"]));
    assert!(tables.iter().any(|table| table["table"] == "jira.issues" && table["rows"] == 200));
    for place in [&home, &temporary] {
        assert!(place.entries().is_empty(), "left behind: {:?}", place.entries());
        assert!(place.processes().is_empty(), "left running: {:?}", place.processes());
    }
}

#[tokio::test]
async fn a_demo_that_is_told_to_stop_leaves_nothing_either() {
    let home = Home::new();
    let demo = home.extractor("demo --issues 20000").env("TMPDIR", home.path().to_str().unwrap());
    let mut demo = demo.start();
    demo.says("jira answers").await;
    demo.terminate();
    demo.ended().await.with(75);
    assert!(home.entries().is_empty(), "left behind: {:?}", home.entries());
    assert!(home.processes().is_empty(), "left running: {:?}", home.processes());
}

#[tokio::test]
async fn a_demo_in_a_place_of_its_own_can_be_looked_at_and_gone_on_with() {
    let home = Home::new();
    let place = home.path().join("kept");
    let place = place.to_str().unwrap();
    let demo = home.extractor("demo --issues 50 --json --dir").arguments(&[place]);
    let first = demo.run().await.with(0).json();
    assert_eq!(first["runs"][0]["counters"]["written"], 50);
    let status = home.extractor("status --json --data-dir").arguments(&[place]);
    let status = status.run().await.with(0).json();
    assert_eq!(status["projects"][0]["issues"]["full"], 50);
    let again = demo.run().await.with(0).json();
    assert_eq!(again["runs"][0]["counters"]["hydrated"], 0);
    assert!(home.processes().is_empty(), "left running: {:?}", home.processes());
}

#[tokio::test]
async fn payloads_that_cannot_be_served_are_bad_data() {
    let home = Home::new();
    let file = home.write("issues.ndjson", "{\"key\": \n");
    let demo = home.extractor("demo --payloads").arguments(&[&file]);
    demo.run().await.with(65).complaining("the payloads cannot be served");
}
