//! The names that documents use for kinds, states and the like, as schemas: they are the model's own,
//! so that the two cannot differ.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::model::{
    Absence, Basis, EventLevel, FailureCategory, FailureCause, RunKind, RunState, Verdict,
};

/// A text that stands for itself, beside the names of the model.
struct Plain(&'static str);

impl Plain {
    const fn as_str(&self) -> &'static str {
        self.0
    }
}

/// Declares the schema of a set of names: `Schema as "Name": "what they are" = [each of them]`.
macro_rules! names {
    ($($schema:ident as $name:literal: $about:literal = [$($value:expr),+ $(,)?];)+) => {$(
        #[doc = $about]
        pub(in crate::admin) struct $schema;

        impl PartialSchema for $schema {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($about))
                    .enum_values(Some([$($value.as_str()),+]))
                    .into()
            }
        }

        impl ToSchema for $schema {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    )+};
}

names! {
    KindName as "RunKind": "What a run lists: everything, or what was updated since the last one; a reconcile also looks up what is stored and not listed." = [
        RunKind::Backfill, RunKind::Delta, RunKind::Reconcile,
    ];
    ReasonName as "Absence": "Why an issue is marked deleted: deleted or hidden from this account (Jira does not say which), archived, moved to a project that is not followed, or with its whole project gone or archived." = [
        Absence::NotFound, Absence::Archived, Absence::Moved, Absence::ProjectGone,
        Absence::ProjectArchived,
    ];
    StateName as "RunState": "Where a run is in its life." = [
        RunState::Queued, RunState::Running, RunState::Interrupted, RunState::Completed,
        RunState::Incomplete, RunState::Failed, RunState::Cancelled,
    ];
    CategoryName as "Category": "Who can do something about a failure: whoever configured or started it, nobody needs to, or an administrator." = [
        FailureCategory::UserFixable, FailureCategory::Temporary, FailureCategory::AdminRequired,
    ];
    CauseName as "FailureCause": "What kind of thing went wrong with an issue." = [
        FailureCause::Timeout, FailureCause::TooLarge, FailureCause::Unreadable,
        FailureCause::Refused, FailureCause::ServerError, FailureCause::Unstorable,
        FailureCause::LackingLinks, FailureCause::LackingChildren, FailureCause::LackingFields,
        FailureCause::Other,
    ];
    VerdictName as "Verdict": "What a certificate concludes." = [
        Verdict::Complete, Verdict::Missing, Verdict::Failures,
    ];
    BasisName as "Basis": "What a certificate's count rests on." = [
        Basis::Count, Basis::Census, Basis::Estimate,
    ];
    LevelName as "EventLevel": "How much a line of a run's log matters." = [
        EventLevel::Info, EventLevel::Warn, EventLevel::Error,
    ];
    PhaseName as "Phase": "A phase of the service's life." = [
        Plain("starting"), Plain("running"), Plain("stopping"),
    ];
    FlavorName as "Flavor": "What kind of Jira it is." = [Plain("server"), Plain("cloud")];
}
