//! What a limit is for: everything, or one resource asked in one way.

use std::borrow::Cow;
use std::fmt;

use reqwest::Method;

use super::endpoint::Endpoint;

/// What Jira limits when it limits something: in most cases everything, on Cloud also one endpoint
/// with one method. Processes of different versions exchange it as text, so an unknown one is as
/// good as any.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(Cow<'static, str>);

impl Scope {
    /// Every request. As text it is empty.
    pub const EVERYTHING: Self = Self(Cow::Borrowed(""));

    /// Requests of one kind to one resource.
    pub(super) fn endpoint(method: &Method, endpoint: Endpoint) -> Self {
        Self(Cow::Owned(format!("{method} {endpoint}")))
    }

    /// The scope that this text stands for.
    pub fn from_text(text: String) -> Self {
        Self(Cow::Owned(text))
    }

    /// The text that stands for it, such as `POST search`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "everything" } else { &self.0 })
    }
}
