//! The style sheet and the script of the page: in the binary, by a name that says what they hold,
//! so that a browser may keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const STYLE: &str = include_str!("assets/page.css");
const SCRIPT: &str = include_str!("assets/page.js");
const ICON: &str = include_str!("assets/icon.svg");

/// How many characters of its hash a name has.
const HASH: usize = 16;

/// A file that is served.
struct Asset {
    name: String,
    content_type: &'static str,
    text: &'static str,
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        Asset::new("page", "css", "text/css; charset=utf-8", STYLE),
        Asset::new("page", "js", "text/javascript; charset=utf-8", SCRIPT),
        Asset::new("icon", "svg", "image/svg+xml", ICON),
    ]
});

impl Asset {
    fn new(stem: &str, ending: &str, content_type: &'static str, text: &'static str) -> Self {
        let hash = blake3::hash(text.as_bytes()).to_hex();
        Self { name: format!("{stem}-{}.{ending}", &hash[..HASH]), content_type, text }
    }
}

/// Where the style sheet is.
pub(super) fn style_path() -> String {
    format!("/assets/{}", ASSETS[0].name)
}

/// Where the script is.
pub(super) fn script_path() -> String {
    format!("/assets/{}", ASSETS[1].name)
}

/// Where the icon is.
pub(super) fn icon_path() -> String {
    format!("/assets/{}", ASSETS[2].name)
}

/// One of the files.
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, asset.text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_asked_of_anybody_else() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("http://") && !text.contains("https://"), "an address");
            assert!(!text.contains("@import"), "an import");
        }
    }

    #[test]
    fn names_change_with_what_they_name() {
        let (one, other) = (Asset::new("a", "css", "", "b {}"), Asset::new("a", "css", "", "c {}"));
        assert_ne!(one.name, other.name);
        assert_eq!(one.name.len(), "a-.css".len() + HASH);
    }
}
