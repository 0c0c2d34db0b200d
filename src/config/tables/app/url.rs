//! `[app.NAME] warm`.

use http::Uri;

use crate::config::units::Text;

/// `/login` or `http://shop.example/login`.
pub(super) const URL: Text<String> = Text {
    words: "path or URL",
    read: |typed, complaints| {
        let is_url = |uri: &Uri| {
            matches!(uri.scheme_str(), None | Some("http" | "https")) && uri.path().starts_with('/')
        };
        let uri = typed.parse::<Uri>().ok().filter(is_url);
        if uri.is_none() {
            complaints
                .error(typed.span(), "neither a path nor a URL")
                .help("write \"/login\", or \"http://shop.example/login\" where the host matters");
        }
        Some(typed.to_string())
    },
    show: String::clone,
};
