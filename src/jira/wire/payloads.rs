//! Every real payload at hand is read, and says what a plain tree of the same JSON says.
//! Where they are is in `EXTRACTOR_PAYLOADS`; without them this tests nothing, and says so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use serde_json::value::RawValue;

use super::*;
use crate::model::{IssueDocument, PartialList, Tier};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("EXTRACTOR_PAYLOADS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    if !folder.is_dir() {
        println!("skipped: no real payloads in {}", folder.display());
        return None;
    }
    Some(folder)
}

/// Each issue as its line, its tree and its document.
fn each_issue(files: &[&str], mut check: impl FnMut(&str, &Value, &IssueDocument)) -> usize {
    let Some(folder) = folder() else { return 0 };
    let known = SprintFields::default();
    let extracted_at = "2026-01-01T00:00:00Z".parse().unwrap();
    let context = Context { extracted_at, tier: Tier::Full, sprint_fields: &known };
    let mut issues = 0;
    for file in files {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        for line in text.lines() {
            let raw: &RawValue = serde_json::from_str(line).unwrap();
            let tree: Value = serde_json::from_str(line).unwrap();
            let document = read_issue(raw, &context)
                .unwrap_or_else(|error| panic!("{file} {}: {error}", tree["key"]));
            check(line, &tree, &document);
            issues += 1;
        }
    }
    issues
}

const SERVER: &[&str] = &[
    "apache-arrow/issues.jsonl",
    "apache-2025/issues_with_changelog.jsonl",
    "apache-2025/issues_all_navigable_fields.jsonl",
    "apache-2025/issues_five_fields.jsonl",
    "grimoirelab-fiware/issues.jsonl",
];

fn same_list<T>(list: &Option<PartialList<T>>, tree: &Value, items: &str, place: &str) -> usize {
    let list_of = if items.is_empty() { tree } else { &tree[items] };
    let expected = list_of.as_array().map(Vec::len);
    assert_eq!(list.as_ref().map(|list| list.items.len()), expected, "{place}");
    if let (Some(list), Some(total)) = (list, tree["total"].as_u64()) {
        assert_eq!(list.complete, list.items.len() as u64 >= total, "{place}");
    }
    expected.unwrap_or(0)
}

#[test]
fn every_server_issue_is_read_as_a_tree_reads_it() {
    let (mut changes, mut comments, mut worklogs, mut links, mut cut) = (0, 0, 0, 0, 0);
    let issues = each_issue(SERVER, |line, tree, document| {
        let (fields, children) = (&tree["fields"], &document.children);
        let key = document.key.to_string();
        assert_eq!(tree["key"], key);
        assert_eq!(tree["id"], document.id.to_string());
        comments += same_list(&children.comments, &fields["comment"], "comments", &key);
        worklogs += same_list(&children.worklogs, &fields["worklog"], "worklogs", &key);
        links += same_list(&children.links, &fields["issuelinks"], "", &key);
        same_list(&children.attachments, &fields["attachment"], "", &key);
        let items = tree["changelog"]["histories"].as_array().map(|histories| {
            histories.iter().map(|history| history["items"].as_array().unwrap().len()).sum()
        });
        assert_eq!(children.changes.as_ref().map(|list| list.items.len()), items, "{key}");
        changes += items.unwrap_or(0);
        cut += usize::from(children.worklogs.as_ref().is_some_and(|list| !list.complete));

        assert_eq!(fields["summary"].as_str(), document.summary.as_deref());
        assert_eq!(fields["status"]["name"].as_str(), document.status.as_deref());
        assert_eq!(fields["issuetype"]["name"].as_str(), document.issue_type.as_deref());
        assert_eq!(fields["assignee"]["key"].as_str(), document.assignee_id.as_deref());
        assert_eq!(fields["updated"].is_string(), document.updated.is_some());
        assert_eq!(fields["resolutiondate"].is_string(), document.resolved.is_some());
        assert_eq!(fields["duedate"].is_string(), document.due.is_some());
        assert!(!document.text_repaired, "{key}");
        assert!(line.contains(&document.fields), "{key}: the fields are not verbatim");
        let ids: BTreeSet<&str> = document.users.iter().map(|user| user.id.as_str()).collect();
        assert_eq!(ids.len(), document.users.len(), "{key}: a user twice");
        let mentioned = [&document.assignee_id, &document.reporter_id, &document.creator_id];
        assert!(mentioned.into_iter().flatten().all(|id| ids.contains(id.as_str())), "{key}");
    });
    println!(
        "{issues} issues, {changes} changes, {comments} comments, {worklogs} worklogs in {cut} \
         cut lists, {links} links"
    );
    assert!(issues == 0 || (changes > 1000 && comments > 100 && worklogs > 20 && links > 100));
}

#[test]
fn cloud_issues_with_account_ids_are_read_too() {
    let files = ["grimoirelab-cloud/issues_finos.jsonl"];
    each_issue(&files, |_, tree, document| {
        let histories = tree["changelog"]["histories"].as_array().unwrap();
        let history_ids: BTreeSet<i64> = document
            .children
            .changes
            .as_ref()
            .unwrap()
            .items
            .iter()
            .map(|c| c.history_id)
            .collect();
        assert_eq!(histories.len(), history_ids.len());
        assert!(document.users.iter().any(|user| user.id.contains(':')), "no account id");
    });
}

#[test]
fn comment_pages_of_the_endpoint_are_read() {
    let Some(folder) = folder() else { return };
    for page in ["page_1", "page_2", "empty"] {
        let file = format!("grimoirelab-fiware/jira_comments_issue_{page}.json");
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let tree: Value = serde_json::from_str(&text).unwrap();
        let page: ChildPage<children::WireComment> = serde_json::from_str(&text).unwrap();
        let expected = tree["comments"].as_array().unwrap().len();
        let list = read_comments(page, &mut People::default()).unwrap();
        assert_eq!(list.items.len(), expected);
    }
}
