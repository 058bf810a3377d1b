//! Replaying changelogs: which values are the same, what does not add up, and what becomes of it.

use super::*;
use crate::model::{Change, PartialList};
use crate::store::ReplayAudit;
use crate::store::testing::change;

/// An item of a changelog: field, from, fromString, to, toString.
type Item<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

fn item(history_id: i64, (field, from_id, from_text, to_id, to_text): Item<'_>) -> Change {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Change {
        at: at(600 + history_id),
        field: field.to_owned(),
        from_id: text(from_id),
        from_text: text(from_text),
        to_id: text(to_id),
        to_text: text(to_text),
        ..change(history_id)
    }
}

/// An issue with these fields, and a changelog with one entry for each item.
fn told(hash: u8, fields: &str, items: &[Item<'_>]) -> IssueDocument {
    let mut document = document(1);
    document.content_hash = [hash; 16];
    document.updated = Some(at(1_000 + i64::from(hash)));
    document.fields = fields.to_owned();
    let changes = (1..).zip(items).map(|(n, of)| item(n, *of)).collect();
    document.children.changes = Some(PartialList::whole(changes));
    document
}

async fn mismatches(running: &Running) -> String {
    let sql = "SELECT coalesce(string_agg(concat_ws(' ', field_id, why, history_id), ', '
            ORDER BY field_id), '') FROM extractor.replay_mismatches('jira.example', '{1}')";
    running.store.value(sql).await.unwrap()
}

#[tokio::test]
async fn values_are_the_same_as_far_as_jira_can_tell() {
    let running = Running::start().await;
    let cases = [
        ("status", ("1", "Open"), ("1", "To Do"), true),
        ("status", ("1", "Open"), ("2", "Open"), false),
        ("assignee", ("ann", "Ann Li"), ("JIRAUSER1", "Ann Li"), true),
        ("assignee", ("ann", "Ann Li"), ("bob", "Bob Li"), false),
        ("assignee", ("", "Unassigned"), ("", ""), true),
        ("resolution", ("", "Unresolved"), ("", ""), true),
        ("summary", ("", "one  two\r\n"), ("", "one two"), true),
        ("summary", ("", "one"), ("", "two"), false),
        ("summary", ("", ""), ("", "two"), false),
        ("labels", ("", "a b"), ("", "b a"), true),
        ("labels", ("", "a b"), ("", "a"), false),
        ("customfield_1", ("", "8"), ("", "8.0"), true),
        ("customfield_1", ("", "1E2"), ("", "100"), true),
        ("customfield_1", ("[2, 1]", "B, A"), ("[1,2]", "A, B"), true),
        ("customfield_1", ("[a, a]", "A, A"), ("[a]", "A"), true),
        ("customfield_1", ("[]", ""), ("", ""), true),
        ("customfield_1", ("5, 7", "S, T"), ("5,7", "S renamed, T"), true),
        ("customfield_1", ("13629075", "P-2"), ("", "P-2"), true),
        ("duedate", ("2024-01-01", "2024-01-01 00:00:00.0"), ("2024-01-01", "2024-01-01"), true),
        ("duedate", ("", "2024-01-01 00:00:00.0"), ("2024-01-01", "2024-01-01"), true),
        ("duedate", ("2024-01-01", "1/Jan/24"), ("2024-01-02", "2/Jan/24"), false),
        (
            "customfield_1",
            ("2024-01-01T10:00:00.000+0000", "x"),
            ("2024-01-01T12:00:00.000+0200", "y"),
            true,
        ),
        ("customfield_1", ("2024-99-01T10:00:00Z", ""), ("2024-99-01T10:00:01Z", ""), false),
        (
            "customfield_1",
            ("", "Parent values: A(1)Level 1 values: B(2)"),
            ("", "Parent values: A renamed(1)Level 1 values: B(2)"),
            true,
        ),
        ("customfield_1", ("", "Parent values: A(1)"), ("1", "A"), true),
        ("timespent", ("600", "600"), ("600", "600"), true),
    ];
    for (field, a, b, expected) in cases {
        for (a, b) in [(a, b), (b, a)] {
            let quoted = |text: &str| format!("nullif('{text}', '')");
            let sql = format!(
                "SELECT extractor.same_value('{field}', '{field}' = 'assignee', {}, {}, {}, {})",
                quoted(a.0),
                quoted(a.1),
                quoted(b.0),
                quoted(b.1),
            );
            let same = running.store.value(&sql).await;
            assert_eq!(
                same.as_deref(),
                Some(if expected { "true" } else { "false" }),
                "{field} {a:?} {b:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_changelog_adds_up_or_is_named_with_its_first_fault() {
    let running = Running::start().await;
    let status = r#"{"status":{"id":"3","name":"Done"}}"#;
    let versions = r#"{"fixVersions":[{"id":"7","name":"1.0"},{"id":"9","name":"3.0"}]}"#;
    let cases: &[(&str, &[Item<'_>], &str)] = &[
        (status, &[("status", "1", "Open", "2", "WIP"), ("status", "2", "WIP", "3", "Done")], ""),
        (status, &[("status", "1", "Open", "2", "WIP")], "status end 1"),
        (
            status,
            &[("status", "1", "Open", "2", "WIP"), ("status", "1", "Open", "3", "Done")],
            "status break 2",
        ),
        (status, &[("Link", "", "", "P-2", "blocks P-2"), ("Comment", "gone", "", "", "")], ""),
        (
            status,
            &[("Deleted field", "", "a", "", "b"), ("Deleted field", "", "c", "", "d")],
            "Deleted field break 2",
        ),
        (versions, &[("Fix Version", "", "", "7", "1.0"), ("Fix Version", "8", "2.0", "", "")], ""),
        (versions, &[("Fix Version", "", "", "8", "2.0")], "fixVersions end 1"),
        (versions, &[("Fix Version", "7", "1.0", "", "")], "fixVersions end 1"),
        (
            versions,
            &[("Fix Version", "", "", "7", "1.0"), ("Fix Version", "", "", "7", "1.0")],
            "fixVersions break 2",
        ),
        (r#"{"summary":"a"}"#, &[("status", "1", "Open", "2", "WIP")], ""),
        (
            r#"{"description":{"type":"doc","content":[{"type":"text","text":"b"}]}}"#,
            &[("description", "", "a", "", "*b*")],
            "",
        ),
        (status, &[("Key", "", "Q-5", "", "P-2")], "key end 1"),
        // The project was renamed since.
        (status, &[("Key", "", "Q-5", "", "OLD-1")], ""),
    ];
    for (n, (fields, items, expected)) in (1..).zip(cases) {
        running.hydrate(&[told(n, fields, items)]).await;
        assert_eq!(mismatches(&running).await, *expected, "{items:?}");
    }
}

#[tokio::test]
async fn what_does_not_replay_is_fetched_again_once_and_forgotten_when_it_does() {
    let running = Running::start().await;
    let done = r#"{"status":{"id":"3","name":"Done"}}"#;
    let (broken, whole) =
        (("status", "1", "Open", "2", "WIP"), ("status", "1", "Open", "3", "Done"));
    let (store, lease, run) = (&running.store, &running.lease, running.run);
    let count = || async { store.count_unreplayed(&site(), &project()).await.unwrap() };
    running.hydrate(&[told(1, done, &[broken]), document(2)]).await;
    let audit = store.audit_replay(lease, run).await.unwrap();
    assert_eq!(audit, ReplayAudit { audited: 2, unreplayed: 1 });
    assert_eq!(count().await, 1);
    assert_eq!(store.requeue_unreplayed(lease, run).await.unwrap(), 1);
    assert_eq!(store.requeue_unreplayed(lease, run).await.unwrap(), 0);
    let batch = running.batch().await;
    running.write(&batch, &[told(1, done, &[broken])]).await.unwrap();
    // It came back as it was: nothing is written, and so nothing is looked at again.
    let audit = store.audit_replay(lease, run).await.unwrap();
    assert_eq!((audit, count().await), (ReplayAudit::default(), 1));

    // Written anew with the same fault, it is not fetched for it again.
    running.hydrate(&[told(2, done, &[broken])]).await;
    assert_eq!(store.audit_replay(lease, run).await.unwrap().unreplayed, 1);
    assert_eq!((store.requeue_unreplayed(lease, run).await.unwrap(), count().await), (0, 1));
    running.hydrate(&[told(3, done, &[whole])]).await;
    assert_eq!(store.audit_replay(lease, run).await.unwrap().unreplayed, 0);
    assert_eq!(count().await, 0);
    assert_eq!(store.list_replay_findings(&site(), &project(), 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_field_that_never_replays_does_not_have_everything_fetched_again() {
    let running = Running::start().await;
    let done = r#"{"status":{"id":"3","name":"Done"}}"#;
    let broken = told(1, done, &[("status", "1", "Open", "2", "WIP")]);
    let of = |n: i64| IssueDocument {
        id: crate::model::IssueId(n),
        key: format!("P-{n}").parse().unwrap(),
        ..broken.clone()
    };
    let issues: Vec<IssueDocument> = (1..=130).map(of).collect();
    running.hydrate(&issues).await;
    let (store, lease, run) = (&running.store, &running.lease, running.run);
    assert_eq!(store.audit_replay(lease, run).await.unwrap().unreplayed, 130);
    assert_eq!(store.requeue_unreplayed(lease, run).await.unwrap(), 100);
    assert_eq!(store.requeue_unreplayed(lease, run).await.unwrap(), 0);
    assert_eq!(store.count_unreplayed(&site(), &project()).await.unwrap(), 130);
}

#[tokio::test]
async fn one_issue_s_history_is_read_by_its_key_in_the_index() {
    let running = Running::start().await;
    running.hydrate(&[document(1)]).await;
    for what in ["jira.issue_field_history", "jira.issue_as_of(now())", "jira.status_durations"] {
        let plan = running
            .store
            .explain(&format!("SELECT * FROM {what} WHERE site = 's' AND issue_id = 1"))
            .await;
        assert!(plan.contains("issues_pk") && plan.contains("changes_pk"), "{what}: {plan}");
        assert!(
            !plan.contains("Seq Scan on changes") && !plan.contains("Seq Scan on issues"),
            "{plan}"
        );
    }
}
