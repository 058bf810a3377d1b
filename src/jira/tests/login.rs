//! Who Jira takes us for: credentials out, signs of failure back, and no secret anywhere.

use rstest::rstest;

use super::server::Reply;
use super::*;

const NO_ROWS: &str = r#"{"total":0,"issues":[]}"#;

#[rstest]
#[case(&[("x-seraph-loginreason", "AUTHENTICATED_FAILED")])]
#[case(&[("x-seraph-loginreason", "AUTHENTICATION_DENIED"), ("x-ausername", "anonymous")])]
#[case(&[("x-ausername", "anonymous")])]
#[case(&[("x-seraph-loginreason", "OUT")])]
#[tokio::test]
async fn no_rows_for_nobody_is_no_answer(#[case] headers: &[(&'static str, &str)]) {
    let jira = FakeJira::scripted([Reply::of(200, headers, NO_ROWS)]).await;
    let error = client(&jira).list(JQL, &PageStart::FIRST, 10).await.unwrap_err();
    assert!(matches!(error, JiraError::NotLoggedIn { .. }), "{}", text(&error));
    assert_eq!(error.class().exit_code(), 77);
    assert_eq!(jira.asked().len(), 1);
}

#[tokio::test]
async fn a_refusal_that_speaks_of_anonymous_users_means_the_log_in() {
    let body = r#"{"errorMessages":["Field 'assignee' does not exist or this field cannot be viewed by anonymous users."]}"#;
    let jira = FakeJira::scripted([Reply::of(400, &[], body)]).await;
    let error = client(&jira).count(JQL).await.unwrap_err();
    assert!(matches!(error, JiraError::NotLoggedIn { .. }), "{}", text(&error));
}

#[rstest]
#[case(401, &[], "check jira.token")]
#[case(401, &[("x-seraph-loginreason", "AUTHENTICATION_DENIED")], "captcha")]
#[case(403, &[("x-authentication-denied-reason", "CAPTCHA_CHALLENGE; login-url=x")], "CAPTCHA_CHALLENGE")]
#[case(403, &[
    ("x-authentication-denied-reason", "CAPTCHA_CHALLENGE; login-url=x"),
    ("x-seraph-loginreason", "AUTHENTICATION_DENIED"),
    ("x-ausername", "anonymous"),
], "CAPTCHA_CHALLENGE")]
#[tokio::test]
async fn refused_credentials_say_what_to_do(
    #[case] status: u16,
    #[case] headers: &[(&'static str, &str)],
    #[case] says: &str,
) {
    let jira = FakeJira::scripted([Reply::of(status, headers, "<html>no</html>")]).await;
    let error = client(&jira).count(JQL).await.unwrap_err();
    assert!(matches!(error, JiraError::Unauthorized { .. }), "{}", text(&error));
    assert!(text(&error).contains(says), "{error}");
    assert_eq!(error.class().exit_code(), 77);
    assert_eq!(jira.asked().len(), 1);
}

#[tokio::test]
async fn anonymous_is_fine_for_who_sends_no_credentials() {
    let headers = [("x-ausername", "anonymous"), ("x-seraph-loginreason", "OUT")];
    let jira = FakeJira::scripted([Reply::of(200, &headers, NO_ROWS)]).await;
    let settings = JiraSettings { credentials: Credentials::Anonymous, ..settings(jira.url()) };
    JiraClient::new(&settings).unwrap().count(JQL).await.unwrap();
    assert_eq!(jira.asked()[0].authorization, None);
}

#[tokio::test]
async fn credentials_go_out_with_each_request_and_are_printed_nowhere() {
    let jira = FakeJira::scripted([Reply::json(NO_ROWS)]).await;
    let settings = settings(jira.url());
    let client = JiraClient::new(&settings).unwrap();
    client.count(JQL).await.unwrap();
    client.list(JQL, &PageStart::FIRST, 10).await.unwrap();
    for asked in jira.asked() {
        assert_eq!(asked.authorization.unwrap(), format!("Bearer {TOKEN}"));
    }
    assert!(!format!("{client:?} {settings:?}").contains(TOKEN));
    let mut with_password = settings;
    with_password.base_url.set_password(Some(TOKEN)).unwrap();
    assert!(!format!("{with_password:?}").contains(TOKEN));
    let error = JiraClient::new(&with_password).unwrap_err();
    assert!(text(&error).starts_with("jira.base_url"), "{error}");
}
