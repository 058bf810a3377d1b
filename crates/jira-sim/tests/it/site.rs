//! A small world and an HTTP client, for the other tests.

use std::time::Duration;

use jira_sim::{Draft, IssueId, Millis, SimConfig, SimServer, World, parse_jira};
use serde_json::Value;

/// An instant written as Jira writes it.
pub(crate) fn at(text: &str) -> Millis {
    parse_jira(text).unwrap()
}

/// Projects P and Q; three issues in P, a minute and 1.5 seconds apart, and one in Q.
pub(crate) fn small_world() -> (World, Vec<IssueId>) {
    let mut world = World::new(at("2024-05-01T10:00:00.000Z"));
    world.add_project("P", "Project P");
    world.add_project("Q", "Project Q");
    let mut ids = Vec::new();
    for (project, summary) in [("P", "first"), ("P", "second"), ("P", "third"), ("Q", "other")] {
        ids.push(world.create(project, Draft::new(summary)).unwrap());
        world.advance(Duration::from_millis(61_500));
    }
    (world, ids)
}

/// A running server and a client that follows no redirects.
pub(crate) struct Site {
    pub(crate) server: SimServer,
    pub(crate) client: reqwest::Client,
}

impl Site {
    pub(crate) async fn start(config: SimConfig, world: World) -> Self {
        let server = SimServer::start(config, world).await.unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only([])
            .build()
            .unwrap();
        Self { server, client }
    }

    pub(crate) async fn small() -> Self {
        Self::start(SimConfig::default(), small_world().0).await
    }

    pub(crate) fn get(&self, resource: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}/rest/api/2/{resource}", self.server.base_url()))
    }

    pub(crate) async fn json(&self, resource: &str) -> Value {
        self.get(resource).send().await.unwrap().json().await.unwrap()
    }

    /// The same world as Cloud.
    pub(crate) async fn cloud(world: World) -> Self {
        Self::start(SimConfig::cloud(), world).await
    }

    /// A resource of REST v3: its status and its JSON (null where it is none).
    pub(crate) async fn v3(&self, resource: &str) -> (u16, Value) {
        answer(self.client.get(format!("{}/rest/api/3/{resource}", self.server.base_url()))).await
    }

    /// The same with a body.
    pub(crate) async fn post_v3(&self, resource: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/rest/api/3/{resource}", self.server.base_url());
        answer(self.client.post(url).json(&body)).await
    }

    pub(crate) async fn search(&self, body: Value) -> Value {
        let url = format!("{}/rest/api/2/search", self.server.base_url());
        self.client.post(url).json(&body).send().await.unwrap().json().await.unwrap()
    }
}

/// The keys of the rows.
pub(crate) fn keys(page: &Value) -> Vec<&str> {
    page["issues"].as_array().unwrap().iter().map(|issue| issue["key"].as_str().unwrap()).collect()
}

/// The status and the JSON of an answer; null where it is none.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// The ids of the rows.
pub(crate) fn ids(page: &Value) -> Vec<IssueId> {
    let rows = page["issues"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_str().unwrap().parse().unwrap()).collect()
}
