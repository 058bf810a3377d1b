//! The Cloud site and its gateway: addresses, credentials, scopes, lists.

use jira_sim::{Action, Auth, Endpoint, SimConfig, When};
use serde_json::{Value, json};

use crate::site::{Site, answer, ids, small_world};

#[tokio::test]
async fn the_site_describes_itself_and_its_caller() {
    let config = SimConfig { user_zone: chrono_tz::Tz::Europe__Berlin, ..SimConfig::cloud() };
    let mut world = small_world().0;
    world.set_zone(chrono_tz::Tz::America__New_York);
    let site = Site::start(config, world).await;
    for version in [2, 3] {
        let url = format!("{}/rest/api/{version}/serverInfo", site.server.base_url());
        let (_, info) = answer(site.client.get(url)).await;
        assert_eq!(info["deploymentType"], "Cloud");
        assert_eq!(info["version"], "1001.0.0-SNAPSHOT");
        assert_eq!(info["serverTimeZone"], "America/New_York");
        assert_eq!(info["serverTime"], "2024-05-01T12:04:06.000+0200");
        assert_eq!(info["baseUrl"], site.server.base_url());
    }
    let (_, me) = site.v3("myself").await;
    assert_eq!(me["timeZone"], "Europe/Berlin");
    assert_eq!(me["accountType"], "atlassian");
    assert!(me["accountId"].is_string() && me.get("name").is_none() && me.get("key").is_none());
    let (_, same) = site.v3(&format!("user?accountId={}", me["accountId"].as_str().unwrap())).await;
    assert_eq!(same["accountId"], me["accountId"]);
    site.server.configure(|config| config.cloud.hides_time_zone = true);
    assert!(site.v3("myself").await.1.get("timeZone").is_none());
}

#[tokio::test]
async fn lists_and_projects_have_clouds_form() {
    let (mut world, _) = small_world();
    for n in 0..60 {
        world.add_project(&format!("X{n:02}"), &format!("Extra {n}"));
    }
    world.archive_project("Q", true);
    world.forbid_project("X59", true);
    let site = Site::cloud(world).await;
    let (_, first) = site.v3("project/search").await;
    let size = |page: &Value| page["values"].as_array().unwrap().len();
    assert_eq!(
        (size(&first), first["total"].as_u64(), first["isLast"].as_bool()),
        (50, Some(60), Some(false))
    );
    let next = first["nextPage"].as_str().unwrap();
    let (_, second) = answer(site.client.get(next)).await;
    assert_eq!(
        (size(&second), second["isLast"].as_bool(), second.get("nextPage")),
        (10, Some(true), None)
    );
    for (query, keys) in [
        ("keys=P&keys=X01", "P X01"),
        ("keys=Q", ""),
        ("status=archived", "Q"),
        ("query=extra%2012", "X12"),
        ("keys=X59", ""),
    ] {
        let (_, page) = site.v3(&format!("project/search?{query}")).await;
        let found: Vec<&str> = page["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["key"].as_str().unwrap())
            .collect();
        assert_eq!(found.join(" "), keys, "{query}");
    }
    let (_, fields) = site.v3("field").await;
    assert!(fields.as_array().unwrap().iter().all(|field| field["key"] == field["id"]));
    let (_, types) = site.v3("issuetype").await;
    let levels: Vec<_> =
        types.as_array().unwrap().iter().map(|it| it["hierarchyLevel"].as_i64()).collect();
    assert!(levels.contains(&Some(-1)) && levels.contains(&Some(0)));
    for list in ["status", "priority", "resolution", "project/P/versions", "project/P/components"] {
        let (status, body) = site.v3(list).await;
        assert!(status == 200 && body.is_array(), "{list}");
        assert!(!body.to_string().contains("/rest/api/2/"), "{list}");
    }
    assert!(site.v3("issueLinkType").await.1["issueLinkTypes"].is_array());
    assert_eq!(site.v3("project/P").await.1["key"], "P");
    assert_eq!(site.v3("project/X59").await.0, 404);
    assert_eq!(site.v3("index/summary").await.0, 404);
    for (query, status) in [
        ("projectKey=P", 400),
        ("projectKey=P&permissions=BROWSE_PROJECTS", 200),
        ("permissions=BROWSE_PROJECTS,NONSENSE", 400),
        ("projectKey=X59&permissions=BROWSE_PROJECTS", 404),
    ] {
        assert_eq!(site.v3(&format!("mypermissions?{query}")).await.0, status, "{query}");
    }
    let (_, mine) = site.v3("mypermissions?permissions=BROWSE_PROJECTS").await;
    assert_eq!(mine["permissions"]["BROWSE_PROJECTS"]["havePermission"], true);
}

#[tokio::test]
async fn the_gateway_serves_the_same_site_below_its_cloud_id() {
    for context_path in ["", "/ex/jira/0e0e0e0e-1111-4222-8333-444444444444"] {
        let config = SimConfig { context_path: context_path.to_owned(), ..SimConfig::cloud() };
        let site = Site::start(config, small_world().0).await;
        let (site_url, gateway) = (site.server.site_url(), site.server.gateway_url());
        let (_, tenant) = answer(site.client.get(format!("{site_url}/_edge/tenant_info"))).await;
        assert!(gateway.ends_with(&format!("/ex/jira/{}", tenant["cloudId"].as_str().unwrap())));
        assert_eq!(
            site.server.base_url(),
            if context_path.is_empty() { &site_url } else { &gateway }
        );
        for base in [&site_url, &gateway] {
            let (status, issue) =
                answer(site.client.get(format!("{base}/rest/api/3/issue/P-1"))).await;
            assert_eq!(status, 200, "{base}");
            assert_eq!(issue["self"], format!("{base}/rest/api/3/issue/10000"));
            let (_, info) = answer(site.client.get(format!("{base}/rest/api/3/serverInfo"))).await;
            assert_eq!(info["baseUrl"], *site_url);
        }
        let elsewhere = format!("{site_url}/ex/jira/another/rest/api/3/issue/P-1");
        assert_eq!(answer(site.client.get(elsewhere)).await.0, 404);
        let by_gateway = site.server.requests().count(|record| record.seen.via_gateway);
        assert_eq!(by_gateway, 2);
    }
}

#[tokio::test]
async fn scoped_tokens_count_at_the_gateway_alone_and_for_their_scopes() {
    let mut config = SimConfig { auth: Auth::token("scoped"), ..SimConfig::cloud() };
    config.cloud.scoped_tokens = true;
    config.cloud.missing_scopes = vec!["issue/".to_owned()];
    let site = Site::start(config, small_world().0).await;
    let ask = async |base: String, resource: &str, token: Option<&str>| {
        let request = site.client.get(format!("{base}/{resource}"));
        answer(match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
        .await
    };
    let (site_url, gateway) = (site.server.site_url(), site.server.gateway_url());
    for (base, resource, token, status) in [
        (&site_url, "rest/api/3/myself", Some("scoped"), 401),
        (&site_url, "rest/api/3/serverInfo", Some("scoped"), 401),
        (&site_url, "rest/api/3/serverInfo", None, 200),
        (&site_url, "_edge/tenant_info", None, 200),
        (&gateway, "rest/api/3/myself", Some("scoped"), 200),
        (&gateway, "rest/api/3/myself", Some("wrong"), 401),
        (&gateway, "rest/api/3/search/jql?jql=project=P", Some("scoped"), 200),
        (&gateway, "rest/api/3/issue/P-1", Some("scoped"), 401),
    ] {
        let (got, body) = ask(base.clone(), resource, token).await;
        assert_eq!(got, status, "{base} {resource} {token:?}");
        if resource.ends_with("P-1") {
            assert_eq!(body, json!({"code": 401, "message": "Unauthorized; scope does not match"}));
        }
    }
}

#[tokio::test]
async fn credentials_that_do_not_count_are_answered_as_anonymous_with_a_tell_tale_header() {
    let auth = Auth {
        basic: Some(("me@example.invalid".to_owned(), "token".to_owned())),
        ..Auth::default()
    };
    let site = Site::start(SimConfig { auth, ..SimConfig::cloud() }, small_world().0).await;
    let url = format!("{}/rest/api/3", site.server.base_url());
    let search = |password: &str| {
        site.client
            .get(format!("{url}/search/jql?jql=project=P"))
            .basic_auth("me@example.invalid", Some(password))
    };
    let good = search("token").send().await.unwrap();
    assert!(!good.headers().contains_key("x-ausername"));
    assert!(!good.headers().contains_key("x-seraph-loginreason"));
    assert!(good.headers().contains_key("x-aaccountid"));
    assert_eq!(ids(&good.json().await.unwrap()).len(), 3);
    let bad = async |password: &str| {
        let found = search(password).send().await.unwrap();
        assert_eq!(found.status(), 200);
        assert_eq!(found.headers()["x-seraph-loginreason"], "AUTHENTICATED_FAILED");
        assert!(!found.headers().contains_key("x-aaccountid"));
        assert!(ids(&found.json().await.unwrap()).is_empty());
        let request = |resource: &str| {
            site.client
                .get(format!("{url}/{resource}"))
                .basic_auth("me@example.invalid", Some(password))
        };
        let myself = request("myself").send().await.unwrap();
        assert_eq!(myself.status(), 401);
        let text = myself.text().await.unwrap();
        assert_eq!(text, "Client must be authenticated to access this resource.");
        assert_eq!(answer_of(request("issue/P-1")).await, 404);
        assert_eq!(answer_of(request("project/P")).await, 404);
        let (_, projects) = answer(request("project/search")).await;
        assert_eq!(projects["total"], 0);
    };
    bad("wrong").await;
    site.server.configure(|config| config.auth.expired = true);
    bad("token").await;
    site.server.configure(|config| config.auth.expired = false);
    site.server.faults().on(Endpoint::Any, When::Always, Action::Anonymous);
    bad("token").await;
}

async fn answer_of(request: reqwest::RequestBuilder) -> u16 {
    answer(request).await.0
}
