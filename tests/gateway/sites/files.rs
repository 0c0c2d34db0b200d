//! Files that are tried, what answers where none is, and paths without what stands in front.

use testbed::Scripted;

use super::{ask, fill, lines};
use crate::start;

#[test]
fn files_are_tried_in_their_order_and_then_another_route_answers() {
    let dir = tempfile::tempdir().unwrap();
    fill(
        dir.path(),
        &[
            "index.html",
            "about.html",
            "docs/index.html",
            "static/a.css",
            "shell.html",
        ],
    );
    let application = Scripted::start(lines).unwrap();
    let root = dir.path().display();
    let gateway = start(&format!(
        r#"
        [upstream.app]
        protocol = "http"
        endpoints = ["{}"]
        [[route]]
        files = {{ root = "{root}", try = ["$uri", "$uri.html", "$uri/"], else = "@app" }}
        [[route]]
        path = "/plain"
        files = {{ alias = "{root}", try = "$uri", else = "@app" }}
        [[route]]
        path = "/spa"
        files = {{ alias = "{root}", else = "/shell.html" }}
        [[route]]
        path = "@app"
        proxy = {{ upstream = "app" }}
        "#,
        application.address()
    ));
    for (method, target, expected) in [
        ("GET", "/about", "about.html"),
        ("GET", "/about.html", "about.html"),
        ("GET", "/", "index.html"),
        ("GET", "/docs/", "docs/index.html"),
        ("GET", "/static/a.css", "static/a.css"),
        ("GET", "/static/", "GET /static/"),
        ("GET", "/missing?x=%20", "GET /missing?x=%20"),
        ("POST", "/missing", "POST /missing"),
        ("GET", "/a%2Fb", "GET /a%2Fb"),
        ("GET", "/.env", "GET /.env"),
        ("GET", "/plain/static/a.css", "static/a.css"),
        ("GET", "/plain/docs/", "GET /plain/docs/"),
        ("GET", "/spa/static/a.css", "static/a.css"),
        ("GET", "/spa/a/b?c", "shell.html"),
    ] {
        let answer = ask(&gateway, method, "a.test", target, &[]);
        assert_eq!(
            (answer.status, &*answer.text()),
            (200, expected),
            "{method} {target}"
        );
    }
    let redirected = ask(&gateway, "GET", "a.test", "/docs?x", &[]);
    assert_eq!(
        (redirected.status, redirected.header("location")),
        (308, Some("/docs/?x"))
    );
    let posted = ask(&gateway, "POST", "a.test", "/about.html", &[]);
    assert_eq!(posted.status, 405, "a file takes no POST, as in nginx");
}

#[test]
fn an_application_gets_the_path_without_what_is_stripped() {
    let application = Scripted::start(lines).unwrap();
    let gateway = start(&format!(
        "[upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\n\
         [[route]]\npath = \"/api\"\nproxy = {{ upstream = \"app\", strip = \"/api\" }}\n",
        application.address()
    ));
    for (target, expected) in [
        ("/api", "GET /"),
        ("/api/", "GET /"),
        ("/api/users?x=1", "GET /users?x=1"),
        ("/api/a%2Fb", "GET /a%2Fb"),
        ("/%61pi/a//b", "GET /a//b"),
        ("/api/api", "GET /api"),
    ] {
        assert_eq!(
            ask(&gateway, "GET", "a.test", target, &[]).text(),
            expected,
            "{target}"
        );
    }
}

#[test]
fn an_answer_is_made_of_variables() {
    let gateway = start(
        "[[route]]\npath = \"/hello\"\nrespond = { status = 203, body = \"<b>$host$uri</b>\", content_type = \"text/html\" }\n",
    );
    let answer = ask(&gateway, "GET", "A.test:80", "/hello/%C3%BC", &[]);
    assert_eq!((answer.status, &*answer.text()), (203, "<b>a.test/hello/ü</b>"));
    assert_eq!(answer.header("content-type"), Some("text/html"));
}
