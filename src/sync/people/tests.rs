//! Whole documents and rows.

use super::testing::{erasing, hashing, people};
use super::*;
use crate::model::{Children, IssueId, Tier, Treatment};

const ACCOUNT: &str = "5b10a2844c20165700ede21a";
const PSEUDONYM: &str = "erased-0123456789ab";

fn user(id: &str) -> User {
    User {
        id: id.to_owned(),
        name: None,
        display_name: Some("Ann Ames".to_owned()),
        email: Some("ann@example.org".to_owned()),
        active: Some(true),
        time_zone: Some("Europe/Berlin".to_owned()),
    }
}

fn document() -> IssueDocument {
    let adf = format!(
        r#"{{"type":"doc","content":[{{"type":"paragraph","content":[{{"type":"text","text":"by "}},{{"type":"mention","attrs":{{"id":"{ACCOUNT}","text":"@Ann Ames"}}}}]}}]}}"#
    );
    let comment = Comment {
        comment_id: 1,
        author_id: Some(ACCOUNT.to_owned()),
        update_author_id: None,
        created: None,
        updated: None,
        body: "by @Ann Ames".to_owned(),
        body_adf: Some(adf),
        visibility: None,
    };
    IssueDocument {
        id: IssueId(1),
        key: "P-1".parse().unwrap(),
        summary: Some("for Ann Ames".to_owned()),
        issue_type: None,
        status: None,
        status_category: None,
        priority: None,
        resolution: None,
        assignee_id: Some(ACCOUNT.to_owned()),
        reporter_id: None,
        creator_id: None,
        parent_id: None,
        labels: vec!["ci".to_owned()],
        created: None,
        updated: None,
        resolved: None,
        due: None,
        fields: format!(r#"{{"assignee":{{"accountId":"{ACCOUNT}","displayName":"Ann Ames"}}}}"#),
        tier: Tier::Full,
        archived: false,
        text_repaired: false,
        content_hash: [7; 16],
        privacy: None,
        extracted_at: chrono::DateTime::UNIX_EPOCH,
        lacking: Vec::new(),
        streams: Vec::new(),
        children: Children {
            comments: Some(PartialList::whole(vec![comment])),
            watchers: Some(PartialList::whole(vec![ACCOUNT.to_owned()])),
            ..Children::default()
        },
        users: vec![user(ACCOUNT)],
    }
}

fn through(people: &People) -> IssueDocument {
    let mut once = document();
    people.document(&mut once);
    let mut twice = once.clone();
    people.document(&mut twice);
    assert_eq!(once, twice, "twice is once");
    once
}

fn body(document: &IssueDocument) -> &str {
    &document.children.comments.as_ref().unwrap().items[0].body
}

#[test]
fn where_everything_is_kept_a_document_is_as_it_came() {
    assert_eq!(through(&people(Treatment::Keep, Treatment::Keep)), document());
}

#[test]
fn a_treatment_is_in_the_hash_and_the_same_everywhere() {
    let hashed = through(&hashing());
    let Fate::Becomes(name) = hashing().name("Ann Ames") else { panic!() };
    assert_eq!(hashed.users[0].display_name.as_ref(), Some(&name));
    assert!(hashed.fields.contains(&name), "{}", hashed.fields);
    assert_eq!(body(&hashed), format!("by @{name}"));
    assert_eq!(hashed.summary, document().summary, "what was typed is kept");
    let dropped = through(&people(Treatment::Drop, Treatment::Drop));
    assert_eq!(dropped.users[0].display_name, None);
    assert_eq!(body(&dropped), format!("by @{ACCOUNT}"));
    let hashes = [&hashed, &dropped, &document()].map(|document| document.content_hash);
    assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2] && hashes[0] != hashes[2]);
}

#[test]
fn an_erasure_leaves_the_hash_as_it_was() {
    let erased = through(&erasing(&[ACCOUNT]));
    assert_eq!((erased.content_hash, erased.privacy.as_ref()), ([7; 16], None));
    assert_eq!(erased.assignee_id.as_deref(), Some(PSEUDONYM));
    assert_eq!(erased.children.watchers.as_ref().unwrap().items, [PSEUDONYM]);
    assert_eq!(body(&erased), format!("by @{PSEUDONYM}"));
    let expected = User {
        id: PSEUDONYM.to_owned(),
        name: None,
        display_name: Some(PSEUDONYM.to_owned()),
        email: None,
        active: Some(true),
        time_zone: None,
    };
    assert_eq!(erased.users, [expected]);
}

#[test]
fn leads_of_projects_are_people_too() {
    let raw = r#"{"key":"P","lead":{"key":"ann","name":"ann","displayName":"Ann Ames"}}"#;
    let entry = CatalogueEntry { id: "1".into(), name: "P".into(), raw: raw.into() };
    let mut catalogue = Catalogue { projects: vec![entry], ..Catalogue::default() };
    hashing().catalogue(&mut catalogue);
    assert!(!catalogue.projects[0].raw.contains("Ann"), "{}", catalogue.projects[0].raw);
}
