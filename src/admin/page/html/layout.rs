//! What every page has around it: head, header, navigation, footer, and the places where the script
//! speaks.

use maud::{DOCTYPE, Markup, html};

use super::parts::instant;
use crate::admin::page::assets::{icon_path, script_path, style_path};
use crate::admin::page::visit::Visit;

/// A page: its name and its parts, each an element whose id is the part's name.
#[derive(Debug)]
pub(in crate::admin::page) struct Page {
    /// What the browser calls it.
    pub(in crate::admin::page) title: String,
    /// Where it is among the pages: links and the name of this one.
    pub(in crate::admin::page) trail: Vec<(String, String)>,
    /// Its parts, by id, in their order.
    pub(in crate::admin::page) parts: Vec<(&'static str, Markup)>,
}

/// The whole document; `live`: where it hears of changes, if they are to be heard.
pub(in crate::admin::page) fn document(page: &Page, visit: &Visit, live: Option<&str>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) " · extractor" }
                link rel="icon" href=(icon_path()) type="image/svg+xml";
                link rel="stylesheet" href=(style_path());
                script src=(script_path()) defer {}
                @if live.is_some() {
                    noscript { meta http-equiv="refresh" content="30"; }
                }
            }
            body data-events=[live] {
                a.skip href="#main" { "Skip to the content" }
                (header(page, visit))
                main id="main" tabindex="-1" {
                    @for (_, part) in &page.parts { (part) }
                }
                (footer(visit))
                div.visually-hidden id="announcer" role="status" aria-live="polite" {}
                div.toasts id="toasts" {}
                (confirmation())
            }
        }
    }
}

fn header(page: &Page, visit: &Visit) -> Markup {
    html! {
        header.top {
            div.wide {
                p.brand {
                    a href="/" { "extractor" }
                    span.site { (visit.host) }
                }
                nav aria-label="Pages" {
                    a href="/" aria-current=[page.trail.is_empty().then_some("page")] { "Overview" }
                    a href="/failures"
                        aria-current=[(page.title == "Failures").then_some("page")] { "Failures" }
                }
                p.connection id="connection" hidden {
                    span.lamp aria-hidden="true" {}
                    span id="connection-words" {}
                }
                @if visit.logged_in {
                    form method="post" action="/logout" {
                        button.quiet-button type="submit" { "Log out" }
                    }
                }
            }
            @if !page.trail.is_empty() {
                nav.trail.wide aria-label="Where this is" {
                    ol {
                        li { a href="/" { "Overview" } }
                        @for (place, (name, link)) in page.trail.iter().enumerate() {
                            li {
                                @if place + 1 == page.trail.len() {
                                    span aria-current="page" { (name) }
                                } @else {
                                    a href=(link) { (name) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn footer(visit: &Visit) -> Markup {
    html! {
        footer.bottom {
            div.wide {
                p {
                    "extractor " (visit.version) ", site " (visit.site)
                    @if let Some(instance) = &visit.instance { ", " (instance) }
                }
                p { "Started " (instant(visit.started_at)) ". Times are UTC." }
                noscript {
                    p {
                        "Without JavaScript this page reads itself again every half minute, and has no "
                        "buttons: " code { "extractor sync PROJ" } " and "
                        code { "extractor backfill PROJ" } " do the same."
                    }
                }
            }
        }
    }
}

/// What asks back before something dear is done; the script fills it in.
fn confirmation() -> Markup {
    html! {
        dialog id="confirmation" aria-labelledby="confirmation-title"
            aria-describedby="confirmation-text" {
            h2 id="confirmation-title" {}
            p id="confirmation-text" {}
            div.choices {
                button.button type="button" id="confirmation-no" { "Do nothing" }
                button.button.strong type="button" id="confirmation-yes" { "Go on" }
            }
        }
    }
}
