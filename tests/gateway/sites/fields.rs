//! What routes do to the fields of requests and answers.

use testbed::{Response, Scripted};

use super::{ask, scripts};
use crate::start;

fn values<'a>(answer: &'a Response, name: &str) -> Vec<&'a str> {
    let named = answer.headers.iter().filter(|(own, _)| own == name);
    named.map(|(_, value)| value.as_str()).collect()
}

/// An application with fields of its own.
fn application() -> Scripted {
    Scripted::start(|mut connection| {
        let request = connection.read_fastcgi()?;
        let seen = ["HTTP_X_SITE", "HTTP_X_GONE", "HTTP_X_KEPT", "HOME_URL", "modRewriteWorking"];
        let seen = seen.map(|name| request.param(name).unwrap_or("-").to_owned());
        let answer = format!(
            "Content-Type: text/plain\r\nX-Powered-By: PHP\r\nX-Frame-Options: DENY\r\nSet-Cookie: id=1; Path=/\r\n\
             Set-Cookie: b=2; Secure\r\nAccess-Control-Allow-Origin: https://evil.test\r\n\
             Access-Control-Allow-Private-Network: true\r\n\r\n{}",
            seen.join("|")
        );
        connection.fastcgi_response(request.id, answer.as_bytes())
    })
    .unwrap()
}

const ROUTES: &str = r#"
[snippet.site]
headers = { preset = "security", add = { X-Who = "site" }, remove = ["X-Powered-By"] }

[[route]]
use = "site"
proxy = { upstream = "app" }
headers = { set = { X-Host = "$host" }, add = { X-Own = "1" } }
request = { headers = { set = { X-Site = "$scheme://$host" }, remove = ["X-Gone"], default = { X-Kept = "default" } } }
params = { HOME_URL = "https://$host$uri", modRewriteWorking = "true" }
cookies = { secure = true, http_only = true, same_site = "lax" }
cors = { origins = ["https://app.test"], credentials = true, expose = "X-Own" }

[[route]]
path = "/missing"
use = "site"
files = { root = "{dir}" }
cors = { origins = "*" }

[[route]]
path = "/quiet"
files = { root = "{dir}" }
headers = { X-A = "1", on_errors = false }
"#;

fn site(backend: &Scripted) -> testbed::Gateway {
    start(&format!(
        "[upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{}\"]\n{ROUTES}",
        backend.address()
    ))
}

#[test]
fn a_route_adds_to_its_snippet_and_nothing_is_lost() {
    let backend = application();
    let answer = ask(
        &site(&backend),
        "GET",
        "a.test",
        "/x%20y",
        &[("X-Gone", "1"), ("X-Kept", "mine")],
    );
    assert_eq!(answer.text(), "http://a.test|-|mine|https://a.test/x y|true");
    for (name, expected) in [
        ("x-powered-by", &[][..]),
        ("x-frame-options", &["DENY"]),
        ("x-content-type-options", &["nosniff"]),
        ("referrer-policy", &["strict-origin-when-cross-origin"]),
        ("x-who", &["site"]),
        ("x-own", &["1"]),
        ("x-host", &["a.test"]),
        (
            "set-cookie",
            &[
                "id=1; Path=/; Secure; HttpOnly; SameSite=Lax",
                "b=2; Secure; HttpOnly; SameSite=Lax",
            ],
        ),
    ] {
        assert_eq!(values(&answer, name), expected, "{name}");
    }
}

#[test]
fn errors_have_the_fields_of_their_route_unless_it_says_otherwise() {
    let backend = scripts();
    let gateway = site(&backend);
    let missing = ask(&gateway, "GET", "a.test", "/missing", &[]);
    assert_eq!(
        (missing.status, missing.header("x-content-type-options")),
        (404, Some("nosniff"))
    );
    assert_eq!(missing.header("x-who"), Some("site"));
    assert_eq!(missing.header("access-control-allow-origin"), Some("*"));
    assert_eq!(missing.header("bridgehead-error"), Some("not_found"));
    let quiet = ask(&gateway, "GET", "a.test", "/quiet", &[]);
    assert_eq!((quiet.status, quiet.header("x-a")), (404, None));
}

#[test]
fn pages_of_known_origins_are_told_what_they_may_do() {
    let backend = application();
    let gateway = site(&backend);
    let preflight = [
        ("Origin", "https://app.test"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "x-a, x-b"),
    ];
    let answer = ask(&gateway, "OPTIONS", "a.test", "/", &preflight);
    assert_eq!(
        (answer.status, backend.requests().len()),
        (204, 0),
        "the application is not asked"
    );
    for (name, expected) in [
        ("access-control-allow-origin", Some("https://app.test")),
        ("access-control-allow-credentials", Some("true")),
        (
            "access-control-allow-methods",
            Some("GET, HEAD, POST, PUT, PATCH, DELETE"),
        ),
        ("access-control-allow-headers", Some("x-a, x-b")),
        ("access-control-max-age", Some("3600")),
        ("access-control-expose-headers", None),
    ] {
        assert_eq!(answer.header(name), expected, "{name}");
    }
    assert_eq!(
        values(&answer, "vary"),
        ["Origin", "Access-Control-Request-Headers"]
    );
    let answer = ask(&gateway, "GET", "a.test", "/", &[("Origin", "https://app.test")]);
    assert_eq!(
        values(&answer, "access-control-allow-origin"),
        ["https://app.test"]
    );
    assert_eq!(answer.header("access-control-expose-headers"), Some("X-Own"));
    assert_eq!(answer.header("access-control-allow-private-network"), None);
    let stranger = ask(&gateway, "GET", "a.test", "/", &[("Origin", "https://evil.test")]);
    assert_eq!(
        values(&stranger, "access-control-allow-origin"),
        [""; 0],
        "nor what the application says"
    );
    assert_eq!(values(&stranger, "vary"), ["Origin"]);
}
