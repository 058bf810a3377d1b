//! The client against a simulated Cloud site: what it finds out, what it brings, and that both
//! flavours of one world say the same where they agree.

use std::time::Duration;

use extractor::jira::{
    Credentials, Flavor, JiraClient, JiraError, JiraSettings, complete_changes, complete_comments,
    complete_worklogs,
};
use extractor::jql::TimeGrid;
use extractor::model::{IssueDocument, IssueId, PageStart};
use jira_sim::{
    Action, Auth, CloudSite, Endpoint, SimConfig, SimServer, When, WorldProfile, generate,
};

const PROJECT: &str = "project = \"PROJ\"";

async fn serve(config: SimConfig, issues: usize) -> SimServer {
    let world = generate(&WorldProfile::new("PROJ", issues, 7)).unwrap();
    SimServer::start(config, world).await.unwrap()
}

fn client_at(url: &str, credentials: Credentials) -> JiraClient {
    let mut settings = JiraSettings::new(url.parse().unwrap());
    settings.requests_per_second = 0.0;
    settings.max_attempts = 2;
    settings.backoff_base = Duration::from_millis(1);
    settings.credentials = credentials;
    JiraClient::new(&settings).unwrap()
}

/// A client that has asked what it speaks to, and which fields hold sprints.
async fn client(sim: &SimServer) -> JiraClient {
    let client = client_at(sim.base_url(), Credentials::Anonymous);
    client.identify().await.unwrap();
    client.learn_sprint_fields().await.unwrap();
    client
}

fn token(text: &str) -> Credentials {
    Credentials::Bearer(text.into())
}

async fn ids(client: &JiraClient) -> Vec<IssueId> {
    let (mut ids, mut start) = (Vec::new(), PageStart::FIRST);
    loop {
        let page = client.list(&format!("{PROJECT} ORDER BY key ASC"), &start, 70).await.unwrap();
        ids.extend(page.rows.iter().map(|row| row.id));
        start = match (client.flavor(), page.next) {
            (Flavor::Cloud, Some(token)) => PageStart::Token(token),
            (Flavor::Server, None) if (ids.len() as u64) < page.total.unwrap() => {
                PageStart::Offset(ids.len() as u64)
            }
            (Flavor::Cloud, None) | (Flavor::Server, _) => return ids,
        };
    }
}

/// Every issue with everything that was cut short, by id; children of many at once where that
/// goes. An issue that did not come with the others is looked up alone, as hydration does it.
async fn everything(client: &JiraClient) -> Vec<IssueDocument> {
    let mut all = Vec::new();
    for ids in ids(client).await.chunks(100) {
        let batch = client.fetch_issues(ids).await.unwrap();
        assert_eq!(batch.unreadable, []);
        let came: Vec<IssueId> = batch.issues.iter().map(|issue| issue.id).collect();
        all.extend(batch.issues);
        for id in ids.iter().filter(|id| !came.contains(id)) {
            all.push(client.fetch_issue(*id).await.unwrap().unwrap());
        }
    }
    let mut all = complete(client, all).await;
    all.sort_by_key(|document| document.id);
    all
}

async fn complete(client: &JiraClient, documents: Vec<IssueDocument>) -> Vec<IssueDocument> {
    let cut = |document: &&IssueDocument| {
        document.children.changes.as_ref().is_some_and(|list| !list.complete)
    };
    let cut: Vec<IssueId> = documents.iter().filter(cut).map(|document| document.id).collect();
    let mut changelogs = client.fetch_changelogs(&cut).await.unwrap();
    let mut whole = Vec::new();
    for mut document in documents {
        let id = document.id;
        if let Some(at) = changelogs.iter().position(|(of, _)| *of == id) {
            document = complete_changes(document, changelogs.swap_remove(at).1);
        }
        if document.children.comments.as_ref().is_some_and(|list| !list.complete) {
            let more = client.fetch_comments(id).await.unwrap();
            document = complete_comments(document, more);
        }
        if document.children.worklogs.as_ref().is_some_and(|list| !list.complete) {
            let more = client.fetch_worklogs(id).await.unwrap();
            document = complete_worklogs(document, more);
        }
        whole.push(document);
    }
    whole
}

#[tokio::test]
async fn a_site_is_known_for_what_it_is() {
    for hides_time_zone in [false, true] {
        let cloud = CloudSite { hides_time_zone, ..CloudSite::default() };
        let auth = Auth { token: Some("t0ken".to_owned()), ..Auth::default() };
        let sim = serve(SimConfig { cloud, auth, ..SimConfig::cloud() }, 60).await;
        let client = client_at(sim.base_url(), token("t0ken"));
        let found = client.probe(Some(&"PROJ".parse().unwrap())).await.unwrap();
        assert_eq!((found.flavor, found.deployment.as_str()), (Flavor::Cloud, "Cloud"));
        assert_eq!(found.time_grid, TimeGrid::Seconds);
        assert_eq!(found.time_zone.is_none(), hides_time_zone);
        assert!(!found.user.unwrap().id.is_empty());
        assert_eq!((found.page_cap, found.batch_cap), (5_000, 100));
        // Nobody has waited for one thing after another for long.
        assert!(sim.requests().all().len() <= 5, "{:?}", sim.requests().all());
    }
}

#[tokio::test]
async fn a_site_that_does_not_take_milliseconds_is_asked_by_the_minute() {
    let sim = serve(SimConfig { epoch_millis: false, ..SimConfig::cloud() }, 60).await;
    let auth = Auth { token: Some("t0ken".to_owned()), ..Auth::default() };
    sim.configure(|config| config.auth = auth);
    let found = client_at(sim.base_url(), token("t0ken")).probe(None).await.unwrap();
    assert_eq!(found.time_grid, TimeGrid::Minutes(found.time_zone.unwrap()));
}

#[tokio::test]
async fn a_token_with_scopes_works_at_the_gateway_only_and_is_told_what_it_lacks() {
    let auth = Auth { token: Some("t0ken".to_owned()), ..Auth::default() };
    let cloud = CloudSite { scoped_tokens: true, ..CloudSite::default() };
    let sim = serve(SimConfig { cloud, auth, ..SimConfig::cloud() }, 20).await;
    let at_site = client_at(&sim.site_url(), token("t0ken"));
    let error = at_site.probe(None).await.unwrap_err();
    assert!(matches!(error, JiraError::Unauthorized { .. }), "{error}");

    let at_gateway = client_at(&sim.gateway_url(), token("t0ken"));
    at_gateway.probe(None).await.unwrap();
    assert_eq!(ids(&at_gateway).await.len(), 20);

    sim.configure(|config| config.cloud.missing_scopes = vec!["search".to_owned()]);
    let error = at_gateway.list(PROJECT, &PageStart::FIRST, 10).await.unwrap_err();
    assert!(error.to_string().contains("read:jira-work"), "{error}");
    assert_eq!(error.class().exit_code(), 77);
}

#[tokio::test]
async fn expired_credentials_are_not_taken_for_an_empty_site() {
    let auth = Auth { token: Some("t0ken".to_owned()), ..Auth::default() };
    let sim = serve(SimConfig { auth, ..SimConfig::cloud() }, 20).await;
    let client = client_at(sim.base_url(), token("t0ken"));
    client.probe(None).await.unwrap();
    sim.configure(|config| config.auth.expired = true);
    for error in [
        client.list(PROJECT, &PageStart::FIRST, 10).await.unwrap_err(),
        client.fetch_issues(&[IssueId(10_000)]).await.unwrap_err(),
    ] {
        assert!(matches!(error, JiraError::NotLoggedIn { .. }), "{error}");
    }
    let error = client_at(sim.base_url(), token("t0ken")).probe(None).await.unwrap_err();
    assert_eq!(error.class().exit_code(), 77, "{error}");
}

#[tokio::test]
async fn a_flavour_that_is_forced_and_wrong_is_explained() {
    for (config, forced) in
        [(SimConfig::cloud(), Flavor::Server), (SimConfig::default(), Flavor::Cloud)]
    {
        let sim = serve(config, 5).await;
        let client = client_at(sim.base_url(), Credentials::Anonymous);
        client.assume_flavor(forced);
        let error = client.probe(None).await.unwrap_err();
        assert!(error.to_string().contains("set jira.flavor to auto"), "{error}");
        assert_eq!(error.class().exit_code(), 78);
    }
}

#[tokio::test]
async fn estimates_and_projects_and_catalogues_are_there() {
    let sim = serve(SimConfig::cloud(), 30).await;
    let client = client(&sim).await;
    assert_eq!(client.approximate_count(PROJECT).await.unwrap(), 30);
    assert!(matches!(client.count(PROJECT).await, Err(JiraError::Unsupported { .. })));
    let keys: Vec<String> =
        client.projects().await.unwrap().into_iter().map(|project| project.key).collect();
    assert!(keys.contains(&"PROJ".to_owned()), "{keys:?}");
    let catalogue = client.fetch_catalogue(&"PROJ".parse().unwrap()).await.unwrap();
    assert!(catalogue.fields.len() > 20 && !catalogue.statuses.is_empty());
    assert!(!catalogue.link_types.is_empty() && catalogue.projects.len() == 1);
    assert!(client.project(&"NOWHERE".parse().unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn both_flavours_of_a_world_say_the_same_where_they_agree() {
    let plain = CloudSite {
        rich_bodies: 0.0,
        numeric_changelog_times: true,
        inline_changelog: 5,
        inline_comments: 2,
        ..CloudSite::default()
    };
    let cloud = serve(SimConfig { cloud: plain, ..SimConfig::cloud() }, 300).await;
    let server = serve(SimConfig::default(), 300).await;
    let on_cloud = everything(&client(&cloud).await).await;
    let on_server = everything(&client(&server).await).await;
    assert_eq!(on_cloud.len(), 300);
    let (mut changes, mut comments) = (0, 0);
    for (cloud, server) in on_cloud.iter().zip(&on_server) {
        let key = &server.key;
        assert_eq!((cloud.id, &cloud.key), (server.id, key));
        assert_eq!(columns(cloud), columns(server), "{key}");
        assert_eq!(changes_of(cloud), changes_of(server), "{key}");
        assert_eq!(comments_of(cloud), comments_of(server), "{key}");
        assert_eq!(others_of(cloud), others_of(server), "{key}");
        assert!(
            cloud.children.comments.iter().flat_map(|list| &list.items).all(|comment| {
                comment.body_adf.as_ref().is_some_and(|adf| adf.starts_with('{'))
            })
        );
        changes += changes_of(cloud).len();
        comments += comments_of(cloud).len();
    }
    assert!(changes > 1_000 && comments > 100, "{changes} {comments}");
    let bulk = cloud.requests().count(|record| record.seen.resource() == "changelog/bulkfetch");
    assert!(bulk < 20, "changelogs are completed by the hundred, not one by one: {bulk}");
}

fn columns(document: &IssueDocument) -> String {
    let IssueDocument { summary, issue_type, status, status_category, priority, .. } = document;
    let IssueDocument { resolution, parent_id, labels, created, updated, resolved, due, .. } =
        document;
    format!(
        "{summary:?} {issue_type:?} {status:?} {status_category:?} {priority:?} {resolution:?} \
         {parent_id:?} {labels:?} {created:?} {updated:?} {resolved:?} {due:?} {:?} {:?}",
        document.assignee_id.is_some(),
        document.reporter_id.is_some()
    )
}

/// What people are called differs, so changes of people are told by their number.
fn changes_of(document: &IssueDocument) -> Vec<String> {
    let list = document.children.changes.as_ref().unwrap();
    assert!(list.complete, "{}", document.key);
    let mut all: Vec<_> = list.items.iter().collect();
    all.sort_by_key(|change| (change.history_id, change.item));
    all.iter()
        .map(|c| {
            let what = (&c.field, &c.from_text, &c.to_text, c.author_id.is_some());
            format!("{} {} {} {what:?}", c.history_id, c.item, c.at)
        })
        .collect()
}

fn comments_of(document: &IssueDocument) -> Vec<String> {
    let list = document.children.comments.as_ref().unwrap();
    assert!(list.complete, "{}", document.key);
    let mut all: Vec<_> = list.items.iter().collect();
    all.sort_by_key(|comment| comment.comment_id);
    all.iter()
        .map(|c| {
            let words: Vec<&str> = c.body.split_whitespace().collect();
            format!("{} {:?} {:?} {:?} {words:?}", c.comment_id, c.created, c.updated, c.visibility)
        })
        .collect()
}

fn others_of(document: &IssueDocument) -> String {
    let children = &document.children;
    let worklogs = children.worklogs.as_ref().unwrap();
    assert!(worklogs.complete, "{}", document.key);
    let mut worked: Vec<_> = worklogs
        .items
        .iter()
        .map(|w| (w.worklog_id, w.started, w.created, w.time_spent_secs))
        .collect();
    worked.sort_unstable();
    let links: Vec<_> = children.links.iter().flat_map(|list| &list.items).collect();
    let files: Vec<_> = children
        .attachments
        .iter()
        .flat_map(|list| &list.items)
        .map(|file| (file.attachment_id, &file.filename, file.size_bytes))
        .collect();
    format!("{worked:?} {links:?} {files:?} {:?}", children.sprints)
}

#[tokio::test]
async fn nothing_is_rewritten_because_it_came_another_way() {
    let sim = serve(SimConfig::cloud(), 120).await;
    let client = client(&sim).await;
    let before = everything(&client).await;
    sim.configure(|config| {
        config.cloud.inline_changelog = 3;
        config.cloud.inline_comments = 1;
        config.cloud.inline_worklogs = 1;
        config.cloud.numeric_changelog_times = true;
    });
    let after = everything(&client).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.content_hash, after.content_hash, "{}", before.key);
        assert_eq!(before.users, after.users, "{}", before.key);
    }
    let alone = client.fetch_issue(before[0].id).await.unwrap().unwrap();
    let alone = complete(&client, vec![alone]).await.remove(0);
    assert_eq!(alone.content_hash, before[0].content_hash);
}

#[tokio::test]
async fn rich_documents_keep_every_word() {
    let rich = CloudSite { rich_bodies: 1.0, ..CloudSite::default() };
    let cloud = serve(SimConfig { cloud: rich, ..SimConfig::cloud() }, 120).await;
    let server = serve(SimConfig::default(), 120).await;
    let on_cloud = everything(&client(&cloud).await).await;
    let on_server = everything(&client(&server).await).await;
    let mut words = 0;
    for (cloud, server) in on_cloud.iter().zip(&on_server) {
        let bodies = |document: &IssueDocument| {
            let list = document.children.comments.clone().unwrap();
            let mut all: Vec<_> =
                list.items.into_iter().map(|comment| (comment.comment_id, comment.body)).collect();
            all.sort_unstable();
            all
        };
        for ((same, text), (id, source)) in bodies(cloud).into_iter().zip(bodies(server)) {
            assert_eq!(same, id);
            // Marks part a word, and lists and tables put something between two.
            let text: String = text.split_whitespace().collect();
            let mut rest = text.as_str();
            for word in source.split_whitespace() {
                let found = rest.split_once(word);
                let (_, after) =
                    found.unwrap_or_else(|| panic!("{id} lacks {word:?} of {source:?}: {text}"));
                rest = after;
                words += 1;
            }
        }
    }
    assert!(words > 1_000, "{words}");
}

#[tokio::test]
async fn a_field_that_does_not_load_is_not_taken_for_one_that_is_not_there() {
    for (at, field) in [(1, "status"), (1, "comment"), (2, "summary"), (2, "worklog")] {
        let sim = serve(SimConfig::cloud(), 150).await;
        let client = client(&sim).await;
        let sound = everything(&client).await;
        let fresh = self::client(&sim).await;
        let action = Action::OmitField(field.to_owned());
        sim.faults().on(Endpoint::SearchHydrate, When::Nth(at), action);
        let all = everything(&fresh).await;
        assert_eq!(sim.requests().count(|record| record.fault == Some("omit_field")), 1);
        for (one, other) in all.iter().zip(&sound) {
            assert_eq!(one.content_hash, other.content_hash, "{field} of {}", one.key);
        }
    }
}

#[tokio::test]
async fn learning_what_issues_have_costs_a_few_requests_and_no_more() {
    let sim = serve(SimConfig::cloud(), 600).await;
    let client = client(&sim).await;
    let ids = ids(&client).await;
    sim.requests().clear();
    for ids in ids.chunks(100) {
        assert_eq!(client.fetch_issues(ids).await.unwrap().issues.len(), ids.len());
    }
    let alone = sim.requests().count(|record| record.seen.is_issue());
    let bulk = sim.requests().hydrations().len();
    assert!(alone <= 20 && bulk <= 7, "{alone} alone, {bulk} in bulk");
}
