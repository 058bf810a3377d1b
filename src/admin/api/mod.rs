//! The run API: what programs ask and order, a file a family. Its form is written down as an OpenAPI
//! document, which is made from the same declarations as the routes.

mod document;
mod failures;
mod input;
mod names;
mod outcome;
mod projects;
mod run;
mod runs;
mod service;
mod views;

use axum::Router;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;

use super::office::AppState;

pub(super) use names::CategoryName;

/// Everything below `/api/v1`.
pub(super) fn routes() -> Router<AppState> {
    families().into()
}

/// The families of routes, with what they declare of themselves.
fn families() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(document::opening())
        .merge(runs::routes())
        .merge(run::routes())
        .merge(projects::routes())
        .merge(failures::routes())
        .merge(service::routes())
        .merge(document::routes())
}

/// How many rows of a list to answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
struct Limit(u32);

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u32> for Limit {
    type Error = &'static str;

    fn try_from(rows: u32) -> Result<Self, Self::Error> {
        if (1..=200).contains(&rows) { Ok(Self(rows)) } else { Err("limit must be 1 to 200") }
    }
}

impl Limit {
    /// How many rows to ask for, to know whether there are more than are answered with.
    fn with_one_more(self) -> u32 {
        self.0 + 1
    }

    /// The rows to answer with, and whether there are more.
    fn page_of<T>(self, mut rows: Vec<T>) -> (Vec<T>, bool) {
        let most = self.0 as usize;
        let more = rows.len() > most;
        rows.truncate(most);
        (rows, more)
    }
}

/// The number of a line in a run's log, or of an issue; small enough for every client's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
struct RowNumber(i64);

impl TryFrom<i64> for RowNumber {
    type Error = &'static str;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        if (0..1 << 53).contains(&number) {
            Ok(Self(number))
        } else {
            Err("it must be 0 to 9007199254740991")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_limits() {
        assert!(Limit::try_from(0).is_err());
        assert_eq!(Limit::try_from(200), Ok(Limit(200)));
        assert!(Limit::try_from(201).is_err());
        let two = Limit::try_from(2).unwrap();
        assert_eq!(two.with_one_more(), 3);
        assert_eq!(two.page_of(vec![1, 2, 3]), (vec![1, 2], true));
        assert_eq!(two.page_of(vec![1, 2]), (vec![1, 2], false));
        assert!(RowNumber::try_from(-1).is_err());
        assert!(RowNumber::try_from((1 << 53) - 1).is_ok());
        assert!(RowNumber::try_from(1 << 53).is_err());
    }
}
