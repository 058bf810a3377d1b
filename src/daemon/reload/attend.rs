//! Reads the configuration again whenever that is asked for (SIGHUP), has the service work by it or
//! keeps the old one, and says which.

use std::sync::Arc;

use super::{Changed, Reread, reread};
use crate::admin::desk::Trouble;
use crate::config::{Inputs, Loaded};
use crate::daemon::advice;
use crate::daemon::service::ServiceHandle;
use crate::daemon::systemd::Notifier;
use crate::model::FailureCategory;
use crate::shutdown::Reloads;
use crate::telemetry::LogLevel;

/// What to do about a configuration that was refused for what it says.
const MEND: &str = "mend the configuration, then reload again";

/// The one that reads the configuration again.
#[derive(Debug)]
pub struct Attendant {
    /// What the configuration is read from.
    pub inputs: Inputs,
    /// The configuration in force.
    pub current: Arc<Loaded>,
    /// The service that is to work by it.
    pub service: ServiceHandle,
    /// What follows `log.level`.
    pub log_level: LogLevel,
    /// Who is told that a reload begins and ends.
    pub notifier: Notifier,
}

impl Attendant {
    /// Attends to requests, for ever.
    pub async fn attend(mut self, mut reloads: Reloads) {
        loop {
            reloads.requested().await;
            self.notifier.reloading();
            match reread(&self.inputs, &self.current) {
                Reread::Unchanged => tracing::info!("the configuration is what it was"),
                Reread::Changed(changed) => self.apply(*changed),
                Reread::Refused { reason, remedy } => self.keep(reason, remedy),
            }
            self.notifier.ready();
        }
    }

    fn apply(&mut self, changed: Changed) {
        let Changed { loaded, keys, reach } = changed;
        if let Err(error) = self.service.apply(loaded.config.clone(), reach) {
            return self.keep(advice::sentence(&error), MEND);
        }
        // The configuration refuses a level that is none.
        if let Err(error) = self.log_level.set(&loaded.config.log.level) {
            tracing::warn!(error = %error, "the log level stays");
        }
        for warning in &loaded.warnings {
            tracing::warn!(advice = warning, "configuration is unwise");
        }
        tracing::info!(config.changed = keys.join(", "), "the configuration was read again");
        self.current = Arc::new(loaded);
    }

    fn keep(&self, reason: String, remedy: &str) {
        tracing::error!(error = reason, advice = remedy, "the old configuration stays in force");
        self.service.refuse(Trouble {
            text: reason,
            category: FailureCategory::UserFixable,
            remedy: remedy.to_owned(),
        });
    }
}
