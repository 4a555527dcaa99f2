//! The files of the page, as `ui/build.mjs` made them.

/// The template of the single file, with placeholders for style, data and script.
pub(super) const SINGLE: &str = include_str!("../../ui/dist/single.html");
/// The script of the page.
pub(super) const SCRIPT: &str = include_str!("../../ui/dist/page.js");
/// The style of the page.
pub(super) const STYLE: &str = include_str!("../../ui/dist/page.css");

/// A file of the page, and its media type.
pub(super) fn of(path: &str) -> Option<(&'static str, &'static str)> {
    Some(match path {
        "/" => (
            include_str!("../../ui/dist/index.html"),
            "text/html; charset=utf-8",
        ),
        "/page.js" => (SCRIPT, "text/javascript; charset=utf-8"),
        "/page.css" => (STYLE, "text/css; charset=utf-8"),
        "/icon.svg" => (include_str!("../../ui/dist/icon.svg"), "image/svg+xml"),
        _ => return None,
    })
}
