//! Small pieces of markup that several pages use: states, times, buttons, notices.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use crate::admin::page::view::overall::Notice;
use crate::admin::page::view::{Tone, Word};
use crate::admin::page::words;

/// A state: a mark whose shape says the same as its colour, and words.
pub(super) fn state(word: &Word) -> Markup {
    html! { span class={ "state " (word.tone.class()) } { (mark(word.tone)) (word.text) } }
}

/// The mark of a tone. Its words stand beside it, so it is hidden from readers.
pub(super) fn mark(tone: Tone) -> Markup {
    html! {
        svg class={ "mark " (tone.class()) } viewBox="0 0 16 16" aria-hidden="true"
            focusable="false" {
            @match tone {
                Tone::Good => {
                    circle.disc cx="8" cy="8" r="7" {}
                    path.sign d="M4.8 8.3 7 10.5l4.2-4.8" {}
                }
                Tone::Busy => {
                    circle.ring cx="8" cy="8" r="6" {}
                    path.turn d="M8 2a6 6 0 0 1 6 6" {}
                }
                Tone::Quiet => {
                    circle.ring cx="8" cy="8" r="6" {}
                    path.sign d="M5.2 8h5.6" {}
                }
                Tone::Warn => {
                    path.disc d="M8 1.2 15.4 14.4H.6Z" {}
                    path.sign d="M8 6v3.8M8 12v.1" {}
                }
                Tone::Bad => {
                    path.disc d="M5 1h6l4 4v6l-4 4H5l-4-4V5Z" {}
                    path.sign d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8" {}
                }
            }
        }
    }
}

/// An instant in full.
pub(super) fn instant(at: DateTime<Utc>) -> Markup {
    html! { time datetime=(words::machine_instant(at)) { (words::instant(at)) } }
}

/// An instant told from now, with the full one for whoever points at it.
pub(super) fn told(at: DateTime<Utc>, text: &str) -> Markup {
    html! { time datetime=(words::machine_instant(at)) title=(words::instant(at)) { (text) } }
}

/// A number, or a dash where there is none to speak of.
pub(super) fn number(value: u64) -> Markup {
    html! { @if value == 0 { span.nothing { "0" } } @else { (words::number(value)) } }
}

/// Nothing to say.
pub(super) fn nothing() -> Markup {
    html! { span.nothing aria-label="none" { "–" } }
}

/// Something that a button asks of the run API.
#[derive(Debug)]
pub(super) struct Deed<'a> {
    /// The button's id, so that it keeps its place when the page changes.
    pub(super) id: String,
    /// What stands on it.
    pub(super) label: &'a str,
    /// What it is called for those who do not see where it stands.
    pub(super) name: String,
    /// Where it posts.
    pub(super) path: String,
    /// What it posts.
    pub(super) body: String,
    /// What to ask before: a title and a text.
    pub(super) confirm: Option<(String, String)>,
    /// Whether it is the main one of its place.
    pub(super) strong: bool,
}

/// A button. It is shown only where the script works.
pub(super) fn button(deed: &Deed<'_>) -> Markup {
    let (title, text) = match &deed.confirm {
        Some((title, text)) => (Some(title.as_str()), Some(text.as_str())),
        None => (None, None),
    };
    html! {
        button class=(if deed.strong { "button strong" } else { "button" }) type="button"
            id=(deed.id) data-post=(deed.path) data-body=(deed.body) data-name=(deed.name)
            data-confirm=[title] data-confirm-text=[text] aria-label=(deed.name) {
            (deed.label)
        }
    }
}

/// The button that lists and fetches what changed.
pub(super) fn sync_button(project: &str) -> Markup {
    button(&Deed {
        id: format!("sync-{project}"),
        label: "Sync now",
        name: format!("Sync {project} now"),
        path: "/api/v1/runs".to_owned(),
        body: serde_json::json!({"project": project, "kind": "delta"}).to_string(),
        confirm: None,
        strong: false,
    })
}

/// The button that lists everything.
pub(super) fn backfill_button(project: &str) -> Markup {
    button(&Deed {
        id: format!("backfill-{project}"),
        label: "Backfill",
        name: format!("Backfill {project}"),
        path: "/api/v1/runs".to_owned(),
        body: serde_json::json!({"project": project, "kind": "backfill"}).to_string(),
        confirm: Some((
            format!("Backfill {project}?"),
            format!(
                "Jira is asked for every issue of {project}. Issues that are stored as they are \
                 now are not fetched again. On a large project this takes a while."
            ),
        )),
        strong: false,
    })
}

/// The button that proves what is stored.
pub(super) fn reconcile_button(project: &str) -> Markup {
    button(&Deed {
        id: format!("reconcile-{project}"),
        label: "Reconcile",
        name: format!("Reconcile {project}"),
        path: "/api/v1/runs".to_owned(),
        body: serde_json::json!({"project": project, "kind": "reconcile"}).to_string(),
        confirm: Some((
            format!("Reconcile {project}?"),
            format!(
                "Jira is asked for a list of every issue of {project}, and for each one that is \
                 stored and not listed. What is proven to be gone is marked deleted, what is missing \
                 is fetched, and the rest is certified. Where more is gone than people usually \
                 delete, nothing is marked."
            ),
        )),
        strong: false,
    })
}

/// The button that ends a run.
pub(super) fn cancel_button(run: &str, project: &str, kind: &str) -> Markup {
    button(&Deed {
        id: format!("cancel-{run}"),
        label: "Cancel",
        name: format!("Cancel the {kind} of {project}"),
        path: format!("/api/v1/runs/{run}/cancel"),
        body: String::new(),
        confirm: None,
        strong: false,
    })
}

/// The button that takes a run up again.
pub(super) fn retry_button(run: &str, project: &str, kind: &str) -> Markup {
    button(&Deed {
        id: format!("retry-{run}"),
        label: "Retry",
        name: format!("Retry the {kind} of {project}"),
        path: format!("/api/v1/runs/{run}/retry"),
        body: String::new(),
        confirm: None,
        strong: false,
    })
}

/// Something that needs attention.
pub(super) fn notice(notice: &Notice) -> Markup {
    html! {
        li class={ "notice " (notice.tone.class()) } {
            (mark(notice.tone))
            div {
                h3 { (notice.title) }
                p { (notice.text) }
                @if let Some(remedy) = &notice.remedy {
                    p { strong { "What to do: " } (remedy) }
                }
            }
        }
    }
}

/// A page that has nothing but this to say.
pub(super) fn note(title: &str, text: &str) -> Markup {
    html! {
        section.hero id="note" {
            h1 { (title) }
            p.detail { (text) }
            p { a href="/" { "Back to the overview" } }
        }
    }
}
