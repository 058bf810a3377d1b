//! The issues that could not be fetched or stored whole: which, why, and what to do. What the issues
//! hold is not told here.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::input::Parameters;
use super::names::CategoryName;
use super::views::FailureView;
use crate::admin::office::AppState;
use crate::admin::problem::Problem;
use crate::model::{FailureCategory, IssueId, ProjectKey};
use crate::store::FailureFilter;

/// The routes of the family.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which failures to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Only failures of this project.
    #[param(value_type = Option<String>, pattern = "^[A-Z][A-Z0-9_]*$", nullable = false)]
    project: Option<ProjectKey>,
    /// Only failures that these people can do something about.
    #[param(value_type = Option<CategoryName>, nullable = false)]
    category: Option<FailureCategory>,
    /// How many at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50, nullable = false)]
    limit: Option<super::Limit>,
    /// Where to go on: `next_cursor` of the page before.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991i64, nullable = false)]
    cursor: Option<super::RowNumber>,
}

/// A page of failures, by the issue's id.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FailurePage)]
struct FailurePage {
    /// The failures.
    failures: Vec<FailureView>,
    /// The `cursor` of the next page; null when this is the last.
    next_cursor: Option<i64>,
}

/// Lists the issues that could not be fetched or stored whole.
#[utoipa::path(get, path = "/api/v1/failures", tag = "failures", operation_id = "list_failures",
    params(Which),
    responses((status = 200, description = "A page of failures.", body = FailurePage)))]
async fn list(
    State(office): State<AppState>,
    Parameters(which): Parameters<Which>,
) -> Result<Json<FailurePage>, Problem> {
    let limit = which.limit.unwrap_or_default();
    let filter = FailureFilter {
        site: Some(office.desk.site.clone()),
        project: which.project,
        category: which.category,
        ..FailureFilter::default()
    };
    let after = which.cursor.map(|cursor| IssueId(cursor.0));
    let rows = limit.with_one_more();
    let failures =
        office.ask(async |store| store.page_failures(&filter, after, rows).await).await?;
    let (failures, more) = limit.page_of(failures);
    Ok(Json(FailurePage {
        next_cursor: failures.last().filter(|_| more).map(|last| last.failure.id.0),
        failures: failures.into_iter().map(FailureView::of).collect(),
    }))
}
