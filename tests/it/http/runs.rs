//! Starting, watching, cancelling and retrying runs.

use axum::http::StatusCode;
use extractor::model::{RunId, Site};
use serde_json::{Value, json};

use super::stage::Stage;

#[tokio::test]
async fn a_run_is_started_once_watched_cancelled_and_retried_three_times() {
    let stage = Stage::of(&["PROJ"]).await;
    let accepted = stage.start("PROJ").await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{accepted:?}");
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    let href = accepted.header("location").to_owned();
    assert_eq!(href, format!("/api/v1/runs/{id}"));
    assert_eq!(accepted.json(), json!({"id": id, "href": href, "resumed": false}));

    let again = stage.start("PROJ").await;
    assert_eq!((again.status, again.problem()), (StatusCode::CONFLICT, "run-active".to_owned()));
    assert_eq!(again.json()["run_id"], id.as_str());
    assert_eq!(again.header("location"), href);

    let run = stage.get(&href).await.json();
    assert_eq!((&run["state"], &run["kind"]), (&json!("queued"), &json!("backfill")));
    assert_eq!((&run["started_at"], &run["progress"]), (&Value::Null, &Value::Null));
    assert!(run["queued_at"].is_string());

    for retries in 1..=3 {
        let cancelled = stage.post(&format!("{href}/cancel"), &Value::Null).await;
        assert_eq!(cancelled.status, StatusCode::ACCEPTED);
        assert_eq!(cancelled.json()["ended"], true);
        assert_eq!(stage.get(&href).await.json()["state"], "cancelled");
        let late = stage.post(&format!("{href}/cancel"), &Value::Null).await;
        assert_eq!((late.status, late.problem()), (StatusCode::CONFLICT, "run-ended".to_owned()));

        let retried = stage.post(&format!("{href}/retry"), &Value::Null).await;
        assert_eq!(retried.status, StatusCode::ACCEPTED, "{retried:?}");
        assert_eq!(retried.json()["retries"], retries);
        let busy = stage.post(&format!("{href}/retry"), &Value::Null).await;
        assert_eq!(busy.problem(), "run-active");
    }
    stage.post(&format!("{href}/cancel"), &Value::Null).await;
    let exhausted = stage.post(&format!("{href}/retry"), &Value::Null).await;
    assert_eq!(exhausted.status, StatusCode::CONFLICT);
    assert_eq!(exhausted.problem(), "retries-exhausted");
    assert_eq!(exhausted.json()["category"], "admin_required");
}

#[tokio::test]
async fn a_run_that_did_not_fail_is_not_retried() {
    let stage = Stage::of(&["PROJ"]).await;
    let id = stage.start("PROJ").await.json()["id"].as_str().unwrap().to_owned();
    sqlx::query(
        "UPDATE extractor.runs SET state = 'completed', horizon = now(), worker = $1,
             finished_at = now()",
    )
    .bind(uuid::Uuid::now_v7())
    .execute(&stage.pool)
    .await
    .unwrap();
    let retried = stage.post(&format!("/api/v1/runs/{id}/retry"), &Value::Null).await;
    assert_eq!(retried.problem(), "run-not-retryable");
    let cancelled = stage.post(&format!("/api/v1/runs/{id}/cancel"), &Value::Null).await;
    assert_eq!(cancelled.problem(), "run-ended");
    let run = stage.get(&format!("/api/v1/runs/{id}")).await.json();
    assert!(run["started_at"].is_string() && run["finished_at"].is_string());
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_with_what_to_do() {
    let stage = Stage::of(&["PROJ"]).await;
    let start = async |body: Value| stage.post("/api/v1/runs", &body).await;
    let delta = json!({"project": "PROJ", "kind": "delta", "allow_mass_delete": true});
    let delta = start(delta).await;
    assert_eq!(delta.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(delta.problem(), "not-for-this-kind");
    let other = stage.start("OTHER").await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.problem(), "project-not-followed");
    for wrong in [
        json!({"project": "proj", "kind": "delta"}),
        json!({"project": "PROJ", "kind": "full"}),
        json!({"project": "PROJ"}),
        json!({"project": "PROJ", "kind": "delta", "extra": 1}),
        json!([]),
    ] {
        assert_eq!(start(wrong.clone()).await.problem(), "invalid-body", "{wrong}");
    }
    assert!(stage.get("/api/v1/runs").await.json()["runs"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_reconcile_is_asked_for_with_or_without_the_override() {
    let stage = Stage::of(&["PROJ", "OPS"]).await;
    for (project, more) in [("PROJ", json!({})), ("OPS", json!({"allow_mass_delete": true}))] {
        let mut body = json!({"project": project, "kind": "reconcile"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let accepted = stage.post("/api/v1/runs", &body).await;
        assert_eq!(accepted.status, StatusCode::ACCEPTED, "{accepted:?}");
        let run = stage.get(accepted.header("location")).await.json();
        assert_eq!((&run["kind"], &run["state"]), (&json!("reconcile"), &json!("queued")));
    }
    let allowed: Vec<String> =
        sqlx::query_scalar("SELECT project_key FROM extractor.runs WHERE allow_mass_delete")
            .fetch_all(&stage.pool)
            .await
            .unwrap();
    assert_eq!(allowed, ["OPS"]);
}

#[tokio::test]
async fn runs_of_another_site_are_none_of_this_services() {
    let stage = Stage::of(&["PROJ"]).await;
    let other = Site::new("other");
    let project = "PROJ".parse().unwrap();
    let asked = stage.store.request_run(&other, &project, extractor::model::RunKind::Backfill);
    let extractor::store::Requested::Queued { run, .. } = asked.await.unwrap() else {
        panic!("nothing stands in its way");
    };
    let unknown = RunId(uuid::Uuid::now_v7());
    for id in [run, unknown] {
        assert_eq!(stage.get(&format!("/api/v1/runs/{id}")).await.problem(), "run-not-found");
        for verb in ["cancel", "retry"] {
            let answer = stage.post(&format!("/api/v1/runs/{id}/{verb}"), &Value::Null).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
        }
    }
    let still = stage.store.load_run(run).await.unwrap().unwrap();
    assert_eq!(still.state, extractor::model::RunState::Queued);
    assert!(stage.get("/api/v1/runs").await.json()["runs"].as_array().unwrap().is_empty());
}
