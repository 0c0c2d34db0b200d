//! Hosts, paths and conditions of routes.

use super::ask;
use crate::start;

const ROUTES: &str = r#"
[[route]]
respond = { body = "any" }
[[route]]
host = ["shop.example", "*.shop.example"]
respond = { body = "shop" }
[[route]]
host = "shop.example"
path = "= /exact"
respond = { body = "exact" }
[[route]]
host = "shop.example"
path = "~ \\.php$"
respond = { body = "pattern" }
[[route]]
host = "shop.example"
path = "*.css"
respond = { body = "suffix" }
[[route]]
host = "shop.example"
path = "^~ /static"
respond = { body = "firm" }
[[route]]
host = "shop.example"
path = "/beta"
respond = { body = "stable" }
[[route]]
host = "shop.example"
path = "/beta"
when = { header = { X-Beta = "1" }, method = "GET" }
respond = { body = "beta" }
[[route]]
host = "shop.example"
path = "/beta"
when = { query = { preview = true } }
respond = { body = "preview" }
[[route]]
host = "shop.example"
path = "/beta"
when = { cookie = { stage = "~ ^be" }, from = "127.0.0.0/8", secure = false }
respond = { body = "cookie" }
[[route]]
host = "shop.example"
path = "/beta"
when = { from = "10.0.0.0/8", method = ["GET"], cookie = { stage = true }, secure = false, port = 1 }
respond = { body = "never" }
[[route]]
host = "~ ^www\\.(?<domain>.+)$"
redirect = { to = "https://$domain$request_uri", status = 301 }
[[route]]
path = "~ ^/blog/(?<year>[0-9]{4})/(.*)$"
redirect = { to = "/archive/$year?page=$2" }
[[route]]
path = "~ ^/wiki/(.+)$"
rewrite = { to = "/index?title=$1" }
[[route]]
path = "= /index"
redirect = { to = "/seen?$args&asked=$request_uri" }
[[route]]
path = "/round"
rewrite = { to = "/round$uri" }
"#;

#[test]
fn the_most_special_route_answers() {
    let gateway = start(ROUTES);
    for (host, target, fields, expected) in [
        ("other.example", "/", &[][..], "any"),
        ("SHOP.example.", "/", &[], "shop"),
        ("a.shop.example", "/exact", &[], "shop"),
        ("shop.example", "/exact", &[], "exact"),
        ("shop.example", "/exact/", &[], "shop"),
        ("shop.example", "/%65xact", &[], "exact"),
        ("shop.example", "/a/../b.php", &[], "pattern"),
        ("shop.example", "/b.php/", &[], "shop"),
        ("shop.example", "/%FF.php", &[], "pattern"),
        ("shop.example", "/a.css", &[], "suffix"),
        ("shop.example", "/static/a.php", &[], "firm"),
        ("shop.example", "/beta", &[], "stable"),
        ("shop.example", "/beta", &[("X-Beta", "1")], "beta"),
        ("shop.example", "/beta", &[("X-Beta", "2")], "stable"),
        ("shop.example", "/beta?a&preview=", &[], "preview"),
        ("shop.example", "/beta?preview", &[], "stable"),
        (
            "shop.example",
            "/beta",
            &[("Cookie", "a=b; stage=beta")],
            "cookie",
        ),
        ("shop.example", "/beta", &[("Cookie", "stage=old")], "stable"),
    ] {
        let answer = ask(&gateway, "GET", host, target, fields);
        assert_eq!(
            (answer.status, &*answer.text()),
            (200, expected),
            "{host}{target} {fields:?}"
        );
    }
    let posted = ask(&gateway, "POST", "shop.example", "/beta", &[("X-Beta", "1")]);
    assert_eq!(posted.text(), "stable");
}

#[test]
fn what_patterns_take_out_is_a_variable_and_is_encoded_again() {
    let gateway = start(ROUTES);
    for (host, target, status, location) in [
        ("www.shop.test", "/a%20b?c", 301, "https://shop.test/a%20b?c"),
        (
            "a.test",
            "/blog/2026/a%26b%20c?x",
            302,
            "/archive/2026?page=a%26b%20c",
        ),
        (
            "a.test",
            "/wiki/Main%3FPage?action=edit",
            302,
            "/seen?title=Main%3FPage&action=edit&asked=/wiki/Main%3FPage?action=edit",
        ),
    ] {
        let answer = ask(&gateway, "GET", host, target, &[]);
        assert_eq!(
            (answer.status, answer.header("location")),
            (status, Some(location)),
            "{target}"
        );
    }
}

#[test]
fn a_rewrite_that_goes_round_ends() {
    let gateway = start(ROUTES);
    let answer = ask(&gateway, "GET", "a.test", "/round", &[]);
    assert_eq!(
        (answer.status, answer.header("bridgehead-error")),
        (500, Some("internal_cycle"))
    );
}
