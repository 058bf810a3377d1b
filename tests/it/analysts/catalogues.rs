//! The field catalogues of fourteen public instances, 65 to 516 fields each: every field has a
//! column, typed or with the reason why not.

use extractor::store::Store;
use sqlx::PgPool;

use super::{fields_in, learn, payload, rows};
use crate::app::{connect, new_database};

const INSTANCES: [&str; 14] = [
    "Apache",
    "Hyperledger",
    "IntelDAOS",
    "JFrog",
    "Jira",
    "JiraEcosystem",
    "Mojang",
    "MongoDB",
    "Qt",
    "RedHat",
    "Sakai",
    "SecondLife",
    "Sonatype",
    "Spring",
];

async fn database() -> (Store, PgPool) {
    let url = new_database().await;
    let store = connect(&url).await;
    store.migrate().await.unwrap();
    (store, PgPool::connect(&url).await.unwrap())
}

/// Fields of each kind, and those that the views leave to tables.
const KINDS: &str = "SELECT coalesce(c.kind, '-'), count(*)::text
    FROM jira.fields AS f LEFT JOIN extractor.view_columns AS c ON c.site = f.site AND c.field_id = f.id
    GROUP BY 1 ORDER BY 1";

/// Custom fields without a column, or with one of JSON that does not say why.
const UNEXPLAINED: &str = "SELECT f.id, f.name FROM jira.fields AS f
    LEFT JOIN extractor.view_columns AS c ON c.site = f.site AND c.field_id = f.id
    LEFT JOIN pg_attribute AS a
        ON a.attrelid = 'jira_views.p'::regclass AND a.attname = c.column_name
    WHERE f.id LIKE 'customfield%' AND (a.attnum IS NULL OR c.kind = 'json'
        AND col_description(a.attrelid, a.attnum) NOT LIKE '%as JSON, because %')";

#[tokio::test]
async fn every_field_of_public_catalogues_has_a_column_or_a_reason() {
    for instance in INSTANCES {
        let file = format!("catalogues-public-jiras/fields_{instance}.json");
        let Some(file) = payload(&file) else { return };
        let (store, pool) = database().await;
        let fields = fields_in(&file);
        let count = fields.len();
        learn(&store, instance, "P", fields).await;
        let kinds = rows(&pool, KINDS).await;
        let kinds: Vec<String> = kinds.iter().map(|row| row.join(" ")).collect();
        println!("{instance}: {count} fields: {}", kinds.join(", "));
        assert_eq!(rows(&pool, UNEXPLAINED).await, Vec::<Vec<String>>::new(), "{instance}");
        let typed = "SELECT count(*)::text FROM extractor.view_columns WHERE kind <> 'json'";
        let typed: usize = rows(&pool, typed).await[0][0].parse().unwrap();
        assert!(typed * 10 > count * 6, "{instance}: only {typed} of {count}");
        // Reads every column, of an issue that has none of them.
        rows(&pool, "SELECT * FROM jira_views.p").await;
    }
}
