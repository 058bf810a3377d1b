//! Every refusal is a problem document, whoever refuses; and the description says all of them.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::stage::{Stage, request};

const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

#[tokio::test]
async fn what_is_not_there_or_cannot_be_read_is_told_as_a_problem() {
    let stage = Stage::of(&["PROJ"]).await;
    for (path, name) in [
        ("/api/v1/nothing", "not-found"),
        ("/nothing", "not-found"),
        ("/api/v1/runs/17", "invalid-parameter"),
        ("/api/v1/runs?limit=0", "invalid-parameter"),
        ("/api/v1/runs?limit=201", "invalid-parameter"),
        ("/api/v1/runs?limit=many", "invalid-parameter"),
        ("/api/v1/runs?state=done", "invalid-parameter"),
        ("/api/v1/runs?project=proj", "invalid-parameter"),
        ("/api/v1/runs?cursor=17", "invalid-parameter"),
        ("/api/v1/runs?unknown=1", "invalid-parameter"),
        ("/api/v1/failures?category=mine", "invalid-parameter"),
        ("/api/v1/failures?cursor=-1", "invalid-parameter"),
    ] {
        assert_eq!(stage.get(path).await.problem(), name, "{path}");
    }
    let bodies: [(&str, Body, &str); 4] = [
        ("application/json", Body::from("{"), "invalid-json"),
        ("application/json", Body::empty(), "invalid-json"),
        ("text/plain", Body::from("{}"), "unsupported-media-type"),
        ("application/json", Body::from(vec![b' '; 65_537]), "too-large"),
    ];
    for (media_type, body, name) in bodies {
        let asked = request("POST", "/api/v1/runs")
            .header("content-type", media_type)
            .header("x-requested-with", "test")
            .body(body);
        assert_eq!(stage.ask(asked.unwrap()).await.problem(), name, "{media_type}");
    }
}

#[tokio::test]
async fn every_answer_carries_its_headers() {
    let stage = Stage::of(&[]).await;
    for path in ["/healthz", "/readyz", "/api/v1/runs", "/api/v1/nothing", "/api/v1/openapi.json"] {
        let answer = stage.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
    }
    let asked = request("GET", "/healthz").header("x-request-id", "trace-7");
    let answer = stage.ask(asked.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("x-request-id"), "trace-7");
}

#[tokio::test]
async fn every_described_operation_is_served_and_every_other_method_refused() {
    let stage = Stage::of(&[]).await;
    let document = stage.get("/api/v1/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 11);
    for (path, item) in paths {
        let described: BTreeSet<&str> =
            item.as_object().unwrap().keys().map(String::as_str).collect();
        let place = path.replace("{id}", NOBODY);
        for method in ["get", "post", "put", "delete", "patch"] {
            let asked = request(&method.to_uppercase(), &place)
                .header("x-requested-with", "test")
                .body(Body::empty())
                .unwrap();
            let answer = stage.ask(asked).await;
            let described_answers = &item[method]["responses"];
            if described.contains(method) {
                assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
                let status = answer.status.as_str();
                assert!(described_answers.get(status).is_some(), "{method} {path}: {status}");
                if answer.status == StatusCode::NOT_FOUND {
                    assert_eq!(answer.problem(), "run-not-found", "{method} {path}");
                }
            } else {
                assert_eq!(answer.problem(), "method-not-allowed", "{method} {path}");
                assert!(!answer.header("allow").is_empty(), "{method} {path}");
            }
        }
    }
    // Nothing is routed past the declarations.
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/admin/api")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains(".route("));
    }
}

#[tokio::test]
async fn without_the_database_the_api_says_so_and_when_to_ask_again() {
    let stage = Stage::of(&["PROJ"]).await;
    stage.store.close().await;
    let asked = [
        stage.get("/api/v1/runs").await,
        stage.get(&format!("/api/v1/runs/{NOBODY}")).await,
        stage.get("/api/v1/projects").await,
        stage.get("/api/v1/failures").await,
        stage.start("PROJ").await,
    ];
    for answer in asked {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.problem(), "database-unavailable");
        assert_eq!(answer.json()["category"], "temporary");
        assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    }
    assert_eq!(stage.get("/api/v1/status").await.json()["ready"], json!(false));

    stage.opened.send_replace(None);
    stage.status.send_modify(|status| {
        status.phase = extractor::admin::desk::Phase::Starting;
        status.database = extractor::admin::desk::Link::Unknown;
    });
    assert_eq!(stage.get("/api/v1/runs").await.problem(), "starting");
}

#[tokio::test]
async fn the_description_is_openapi_3_1_and_names_its_parts() {
    let stage = Stage::of(&[]).await;
    let answer = stage.get("/api/v1/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "extractor");
    let schemas: BTreeSet<&str> =
        document["components"]["schemas"].as_object().unwrap().keys().map(String::as_str).collect();
    for name in ["Problem", "Run", "NewRun", "RunPage", "Failure", "Project", "Certificate"] {
        assert!(schemas.contains(name), "{name} is not among {schemas:?}");
    }
    let kinds = &document["components"]["schemas"]["RunKind"]["enum"];
    assert_eq!(kinds, &json!(["backfill", "delta", "reconcile"]));
    assert!(document["components"]["securitySchemes"]["bearer"] != Value::Null);
}
