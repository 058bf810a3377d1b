//! Keeping the views for analysts in line with the catalogue. Nothing that goes wrong here stops a
//! run.

use super::Engine;
use crate::model::ProjectKey;
use crate::store::StoreError;

impl Engine {
    /// Brings the project's view and that of all issues in line. What cannot be written is said once
    /// for each view and process.
    pub(super) async fn refresh_views(&self, project: &ProjectKey) {
        match self.store.refresh_views(&self.settings.site, project).await {
            Ok(refreshed) => {
                if !refreshed.written.is_empty() {
                    tracing::info!(
                        views.written = refreshed.written.len(),
                        "views brought in line"
                    );
                }
                for (view, error) in &refreshed.failed {
                    self.tell_once(view, error);
                }
            }
            Err(error) => self.tell_once(project.as_str(), &error),
        }
    }

    fn tell_once(&self, view: &str, error: &StoreError) {
        let first = self.views_told.lock().is_ok_and(|mut told| told.insert(view.to_owned()));
        if first {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(
                view.name = view, error = %error, error.cause = cause,
                "view not written, and the run goes on; `extractor schema refresh` tries again"
            );
        }
    }
}
