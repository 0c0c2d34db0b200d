//! The page at `/`: links to everything that there is to try, and the same for the command line.

use std::fmt::Write;
use std::num::NonZeroUsize;

use super::tour::stops;

/// The page for applications with so many workers each, for a client that came to `authority`.
pub(super) fn page(authority: &str, workers: NonZeroUsize) -> String {
    let base = format!("http://{}", address(authority));
    let mut list = String::new();
    for stop in stops(workers) {
        let (target, command) = (escaped(stop.target), escaped(&stop.command("curl", &base)));
        // Writing to a String cannot fail.
        let _ = write!(
            list,
            "<dt><a href=\"{target}\">{target}</a>: {}</dt>\n<dd><pre>{command}</pre></dd>\n",
            stop.shows
        );
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Bridgehead demo</title>\n\
         <h1>Bridgehead demo</h1>\n\
         <p>This page comes from an application behind the gateway, as do all that it links to. Everything that each \
         application answers: <a href=\"/fastcgi/\">FastCGI</a>, <a href=\"/uwsgi/\">uwsgi</a>, \
         <a href=\"/scgi/\">SCGI</a>, with {workers} workers each.</p>\n<dl>\n{list}</dl>\n</html>\n"
    )
}

/// Where the client found us, if that can stand in a page and in a shell as it is.
fn address(authority: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    match !authority.is_empty() && authority.bytes().all(plain) {
        true => authority,
        false => "localhost",
    }
}

/// A text for HTML, between tags or quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_the_address_that_the_client_used() {
        let page = page("[::1]:4711", NonZeroUsize::new(3).unwrap());
        assert!(
            page.contains("<pre>curl 'http://[::1]:4711/fastcgi/env'</pre>"),
            "{page}"
        );
        assert!(page.contains("seq 6"), "{page}");
        assert!(page.contains("count=10&amp;ms=500"), "{page}");
    }

    #[test]
    fn an_address_that_is_more_than_that_is_not_shown() {
        for authority in ["<b>", "a\"b", "a'$(date)'", "a b", ""] {
            let page = page(authority, NonZeroUsize::MIN);
            assert!(
                page.contains("curl 'http://localhost/fastcgi/env'"),
                "{authority}"
            );
        }
    }
}
