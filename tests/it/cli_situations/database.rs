//! What can be wrong with the database.

use rstest::rstest;

use super::*;

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

#[rstest]
#[case::interrupted("success = false", "was left half applied")]
#[case::of_another_build("checksum = '\\x00'", "is not the one this program has")]
#[tokio::test]
async fn a_schema_that_is_not_as_it_should_be_is_left_alone(
    #[case] change: &str,
    #[case] sentence: &str,
) {
    let case = Case::new().await;
    case.execute("CREATE TABLE public.kept AS SELECT * FROM extractor.schema_migrations").await;
    let last = "version = (SELECT max(version) FROM public.kept)";
    case.execute(&format!("UPDATE extractor.schema_migrations SET {change} WHERE {last}")).await;
    case.fails(&case.backfill(), 78, sentence).await;
    case.execute(
        "UPDATE extractor.schema_migrations m SET success = k.success, checksum = k.checksum
         FROM public.kept k WHERE k.version = m.version",
    )
    .await;
    case.ends_well().await;
}
