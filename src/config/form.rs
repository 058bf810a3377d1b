//! Which keys exist, what form each value must have, and how to say so.
//!
//! Values are checked here, one key at a time, before they are read into the sections, because only
//! here is it known where each was written.

use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use config::ValueKind;

use super::profile::Profile;
use super::{base_url, database, http, privacy, sync};
use crate::model::Schedule;
use crate::telemetry;

/// The form of a key's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// Any text; empty is unset.
    Text,
    /// Any text that must never be shown.
    Secret,
    /// The address of a Postgres database: shown without its password.
    DatabaseAddress,
    /// The address of Jira.
    JiraAddress,
    /// The short name of an instance.
    SiteName,
    /// A whole number between two bounds.
    Count(u32, u32),
    /// Requests per second.
    Rate,
    /// true or false.
    Switch,
    /// A duration above zero.
    Span,
    /// A duration, where zero means no limit.
    SpanOrNone,
    /// A duration, or `auto`.
    SpanOrAuto,
    /// A size in bytes.
    Size,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Project keys, or `*`.
    Projects,
    /// When runs are due.
    Schedule,
    /// The same, or `off`.
    ScheduleOrOff,
    /// An address and a port to listen on; empty for none.
    ListenAddress,
    /// A level, or filters.
    LogFilter,
}

/// Every key, in the order of `config/default.toml`.
pub(super) const KEYS: &[(&str, Form)] = &[
    ("profile", Form::Choice(&["fast", "balanced", "conservative"])),
    ("jira.base_url", Form::JiraAddress),
    ("jira.site", Form::SiteName),
    ("jira.flavor", Form::Choice(&["auto", "server", "cloud"])),
    ("jira.token", Form::Secret),
    ("jira.token_file", Form::Text),
    ("jira.email", Form::Text),
    ("jira.email_file", Form::Text),
    ("jira.username", Form::Text),
    ("jira.username_file", Form::Text),
    ("jira.password", Form::Secret),
    ("jira.password_file", Form::Text),
    ("jira.ca_bundle", Form::Text),
    ("jira.timeout", Form::Span),
    ("jira.hub_timeout", Form::Span),
    ("jira.connect_timeout", Form::Span),
    ("jira.http1_only", Form::Switch),
    ("jira.requests_per_second", Form::Rate),
    ("jira.burst", Form::Count(1, 10_000)),
    ("jira.max_in_flight", Form::Count(1, 256)),
    ("jira.batch_size", Form::Count(1, 1_000)),
    ("jira.max_attempts", Form::Count(1, 20)),
    ("jira.listing_page_size", Form::Count(2, 5_000)),
    ("jira.max_body", Form::Size),
    ("jira.max_retry_after", Form::Span),
    ("jira.max_outage", Form::Span),
    ("database.url", Form::DatabaseAddress),
    ("database.url_file", Form::Text),
    ("database.data_dir", Form::Text),
    ("database.postgres_bin", Form::Text),
    ("database.max_connections", Form::Count(4, 1_000)),
    ("database.statement_timeout", Form::SpanOrNone),
    ("database.auto_migrate", Form::Switch),
    ("sync.projects", Form::Projects),
    ("sync.overlap", Form::SpanOrAuto),
    ("sync.filter", Form::Text),
    ("sync.remote_links", Form::Switch),
    ("sync.watchers", Form::Switch),
    ("sync.voters", Form::Switch),
    ("sync.properties", Form::Switch),
    ("sync.history", Form::Switch),
    ("sync.schedule", Form::Schedule),
    ("sync.reconcile_schedule", Form::ScheduleOrOff),
    ("sync.max_runs", Form::Count(1, 64)),
    ("sync.stalled_after", Form::Span),
    ("privacy.emails", Form::Choice(&privacy::TREATMENTS)),
    ("privacy.display_names", Form::Choice(&privacy::TREATMENTS)),
    ("privacy.salt", Form::Secret),
    ("privacy.salt_file", Form::Text),
    ("shutdown.grace", Form::Span),
    ("http.listen", Form::ListenAddress),
    ("http.token", Form::Secret),
    ("http.token_file", Form::Text),
    ("log.format", Form::Choice(&["auto", "pretty", "json"])),
    ("log.level", Form::LogFilter),
];

/// The known key that `name` spells, with its form.
pub(super) fn known(name: &str) -> Option<(&'static str, Form)> {
    KEYS.iter().find(|(key, _)| *key == name).copied()
}

/// Whether `name` is a section, such as `jira`.
pub(super) fn is_section(name: &str) -> bool {
    KEYS.iter().any(|(key, _)| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

impl Form {
    /// Checks a value.
    ///
    /// # Errors
    /// What was expected instead, as the end of a sentence that begins with "expected".
    pub(super) fn check(self, value: &ValueKind) -> Result<(), String> {
        let ok = match self {
            Self::Count(low, high) => whole(value).is_some_and(|n| (low..=high).contains(&n)),
            Self::Rate => number(value).is_some_and(|n| (0.0..=10_000.0).contains(&n)),
            Self::Switch => switch(value),
            Self::Projects => {
                let list = list(value).ok_or_else(|| self.expected())?;
                return sync::Projects::try_from(list).map(drop);
            }
            Self::Text
            | Self::Secret
            | Self::DatabaseAddress
            | Self::JiraAddress
            | Self::SiteName
            | Self::Span
            | Self::SpanOrNone
            | Self::SpanOrAuto
            | Self::Size
            | Self::Choice(_)
            | Self::Schedule
            | Self::ScheduleOrOff
            | Self::ListenAddress
            | Self::LogFilter => {
                let ValueKind::String(text) = value else { return Err(self.expected_text(value)) };
                return self.check_text(text);
            }
        };
        if ok { Ok(()) } else { Err(self.expected()) }
    }

    fn check_text(self, text: &str) -> Result<(), String> {
        let span = || humantime::parse_duration(text).ok();
        let ok = match self {
            Self::Text | Self::Secret => true,
            Self::JiraAddress if !text.is_empty() => {
                return base_url::parse(text).map(drop).map_err(str::to_owned);
            }
            Self::Schedule => {
                return text.parse::<Schedule>().map(drop).map_err(|error| error.to_string());
            }
            Self::ScheduleOrOff if matches!(text.trim(), "" | sync::NEVER) => true,
            Self::ScheduleOrOff => {
                return text
                    .parse::<Schedule>()
                    .map(drop)
                    .map_err(|error| format!("off, or {error}"));
            }
            Self::ListenAddress => text.is_empty() || http::is_address(text),
            Self::DatabaseAddress => text.is_empty() || database::is_postgres_url(text),
            Self::SiteName => text.len() <= 100 && text.bytes().all(is_site_byte),
            Self::Span => span().is_some_and(|span| span > Duration::ZERO),
            Self::SpanOrNone => span().is_some(),
            Self::SpanOrAuto => text == "auto" || span().is_some(),
            Self::Size => ByteSize::from_str(text).is_ok_and(|size| size.as_u64() > 0),
            Self::Choice(words) => words.contains(&text),
            Self::LogFilter => telemetry::is_filter(text),
            Self::JiraAddress | Self::Count(..) | Self::Rate | Self::Switch | Self::Projects => {
                true
            }
        };
        if ok { Ok(()) } else { Err(self.expected()) }
    }

    /// A number or a boolean where a text is wanted: YAML and TOML may already have changed it
    /// (`0012e3` is 12000 there), so it is refused and never converted back.
    fn expected_text(self, value: &ValueKind) -> String {
        match value {
            ValueKind::Array(_) | ValueKind::Table(_) => self.expected(),
            _ => format!("{}, in quotes", self.expected()),
        }
    }

    fn expected(self) -> String {
        match self {
            Self::Text => "a text".into(),
            Self::Secret => "a text (shown nowhere)".into(),
            Self::DatabaseAddress => "an address such as postgres://user:password@host:5432/database \
                                      (characters such as @ : / # in the password written as %40 %3A %2F %23)"
                .into(),
            Self::JiraAddress => "an http or https address such as https://jira.example.com/jira".into(),
            Self::SiteName => "a short name of letters, digits, dots, dashes and underscores, such \
                               as jira.example.com"
                .into(),
            Self::Count(low, high) => format!("a whole number from {low} to {high}, such as {}", sample(low, high)),
            Self::Rate => "a number of requests per second from 0 (no limit) to 10000, such as 10 or 0.5".into(),
            Self::Switch => "true or false".into(),
            Self::Span => "a duration above zero, such as 250ms, 30s, 5m or 12h".into(),
            Self::SpanOrNone => "a duration such as 30s or 5m, or 0s for no limit".into(),
            Self::SpanOrAuto => "auto, or a duration such as 30m or 12h".into(),
            Self::Size => "a size such as 512KiB or 64MiB".into(),
            Self::Choice(words) => one_of(words),
            Self::Schedule => "an interval such as 5m, or a cron expression (in UTC) such as */15 * * * *".into(),
            Self::ScheduleOrOff => "off, an interval such as 24h, or a cron expression (in UTC) such as 0 3 * * *".into(),
            Self::ListenAddress => "an address and a port such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080 (empty: no HTTP)".into(),
            Self::Projects => "project keys such as [\"PROJ\", \"OPS\"] (PROJ,OPS in the environment), or \"*\"".into(),
            Self::LogFilter => "error, warn, info, debug, trace, or filters such as \
                                info,extractor::jira=debug"
                .into(),
        }
    }

    /// The value as a message or a listing may show it; `None` when it must stay hidden.
    pub(super) fn shown(self, value: &ValueKind) -> Option<String> {
        let text = text(value);
        match self {
            Self::Secret => None,
            Self::DatabaseAddress => database::without_password(&text),
            Self::JiraAddress if text.contains('@') => None,
            _ => Some(text),
        }
    }
}

/// A value as the environment would write it.
pub(super) fn text(value: &ValueKind) -> String {
    match value {
        ValueKind::String(text) => text.clone(),
        ValueKind::Array(items) => {
            items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn sample(low: u32, high: u32) -> u32 {
    (low.saturating_mul(10)).min(high)
}

fn is_site_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

fn whole(value: &ValueKind) -> Option<u32> {
    match value {
        ValueKind::I64(n) => u32::try_from(*n).ok(),
        ValueKind::U64(n) => u32::try_from(*n).ok(),
        ValueKind::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn number(value: &ValueKind) -> Option<f64> {
    match value {
        ValueKind::Float(n) => Some(*n),
        ValueKind::String(text) => text.trim().parse().ok(),
        other => whole(other).map(f64::from),
    }
}

fn switch(value: &ValueKind) -> bool {
    match value {
        ValueKind::Boolean(_) => true,
        ValueKind::String(text) => matches!(text.as_str(), "true" | "false"),
        _ => false,
    }
}

/// A list as a file writes it, or the comma-separated text that stands for it elsewhere.
fn list(value: &ValueKind) -> Option<Vec<String>> {
    match value {
        ValueKind::String(text) => Some(sync::split(text)),
        ValueKind::Array(items) => items
            .iter()
            .map(|item| match &item.kind {
                ValueKind::String(text) => Some(text.clone()),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// The profile a value names; anything else is reported by [`Form::check`].
pub(super) fn profile(value: &ValueKind) -> Option<Profile> {
    match value {
        ValueKind::String(name) => Profile::from_name(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(Form::Count(1, 20), "6", true)]
    #[case(Form::Count(1, 20), "0", false)]
    #[case(Form::Count(1, 20), "-1", false)]
    #[case(Form::Count(1, 20), "1.5", false)]
    #[case(Form::Count(1, 20), "yes", false)]
    #[case(Form::Rate, "0", true)]
    #[case(Form::Rate, "0.5", true)]
    #[case(Form::Rate, "NaN", false)]
    #[case(Form::Rate, "-1", false)]
    #[case(Form::Switch, "true", true)]
    #[case(Form::Switch, "yes", false)]
    #[case(Form::Span, "1h 30m", true)]
    #[case(Form::Span, "30", false)]
    #[case(Form::Span, "0s", false)]
    #[case(Form::SpanOrNone, "0s", true)]
    #[case(Form::SpanOrAuto, "auto", true)]
    #[case(Form::SpanOrAuto, "soon", false)]
    #[case(Form::Size, "64MiB", true)]
    #[case(Form::Size, "64 parsecs", false)]
    #[case(Form::Size, "0", false)]
    #[case(Form::SiteName, "a.b-c_1", true)]
    #[case(Form::SiteName, "a/b", false)]
    #[case(Form::Schedule, "5m", true)]
    #[case(Form::Schedule, "*/15 * * * *", true)]
    #[case(Form::Schedule, "", false)]
    #[case(Form::Schedule, "off", false)]
    #[case(Form::ScheduleOrOff, "off", true)]
    #[case(Form::ScheduleOrOff, "", true)]
    #[case(Form::ScheduleOrOff, "0 3 * * *", true)]
    #[case(Form::ScheduleOrOff, "never", false)]
    #[case(Form::Schedule, "61 * * * *", false)]
    #[case(Form::ListenAddress, "", true)]
    #[case(Form::ListenAddress, "127.0.0.1:0", true)]
    #[case(Form::ListenAddress, "[::1]:8080", true)]
    #[case(Form::ListenAddress, "localhost:8080", true)]
    #[case(Form::ListenAddress, ":8080", false)]
    #[case(Form::ListenAddress, "8080", false)]
    #[case(Form::ListenAddress, "example.com:80", false)]
    #[case(Form::ListenAddress, "0.0.0.0", false)]
    #[case(Form::LogFilter, "info,sqlx=debug", true)]
    #[case(Form::LogFilter, "loud=very=much", false)]
    fn texts_are_held_to_their_form(#[case] form: Form, #[case] text: &str, #[case] ok: bool) {
        assert_eq!(form.check(&ValueKind::String(text.into())).is_ok(), ok);
    }

    #[test]
    fn a_number_is_no_secret_because_its_digits_may_have_changed() {
        let said = Form::Secret.check(&ValueKind::Float(12000.0)).unwrap_err();
        assert!(said.ends_with("in quotes"), "{said}");
    }
}
