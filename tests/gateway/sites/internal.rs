//! Answers in place of others: what applications ask for by X-Accel-Redirect and X-Sendfile, and pages for errors.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use anyhow::Result;
use testbed::{Client, Gateway, Response, Scripted, ScriptedConnection, ScriptedRequest, fastcgi_record};

use super::{ask, fill};
use crate::http::frames::{GET, Http2, Outcome};
use crate::lifecycle::reload::reload;
use crate::spoken::{self, PROTOCOLS};
use crate::start;

const ROUTES: &str = r#"
[upstream.app]
protocol = "PROTOCOL"
max_connections = 1
keep_alive = 1
endpoints = ["APP"]
[[route]]
proxy = { upstream = "app" }
accel = true
send_file = ["@media"]
errors = { 502 = "/pages/502.html", 404 = "/pages/404.html", 410 = { to = "@gone", status = "own" }, 403 = "https://status.example/$host", 5xx = "/app-page?asked=$request_uri", intercept = true }
[[route]]
path = "/unheeded"
proxy = { upstream = "app" }
errors = { 404 = "/pages/404.html" }
[[route]]
path = "/passed"
proxy = { upstream = "app" }
accel = true
pass_headers = ["X-Accel-Redirect"]
[[route]]
path = "/private"
internal = true
files = { alias = "ROOT/private" }
headers = { X-Route = "private" }
errors = { 404 = "/pages/404.html" }
[[route]]
path = "/pages"
files = { alias = "ROOT/pages" }
headers = { X-Route = "pages" }
[[route]]
path = "/guarded"
files = { alias = "ROOT/private" }
access = { deny = ["127.0.0.1"] }
errors = { 403 = "/private/none" }
[[route]]
path = "/teapot"
respond = { status = 418 }
errors = { 4xx = { to = "/pages/404.html", status = 200 } }
[[route]]
path = "/told"
respond = { status = 404, body = "told" }
errors = { 404 = "/pages/404.html" }
[[route]]
path = "/posted"
files = { alias = "ROOT/pages" }
errors = { 405 = { to = "@app", status = "own" } }
[[route]]
path = "@media"
files = { root = "ROOT/media" }
[[route]]
path = "@gone"
respond = { status = 200, body = "it was here" }
[[route]]
path = "@app"
internal = true
accel = true
proxy = { upstream = "app" }
"#;

/// What applications answer: status, fields and body.
fn said(path: &str, method: &str, root: &str) -> (u16, String, String) {
    let accel = |to: &str| format!("X-Accel-Redirect: {to}\r\n");
    let of_file = "Content-Type: text/x-own\r\nSet-Cookie: a=1\r\nContent-Disposition: attachment\r\n\
                   Cache-Control: private\r\nExpires: 0\r\nX-Secret: 1\r\nETag: \"mine\"\r\n\
                   X-Accel-Charset: koi8-r\r\nX-Accel-Expires: 60\r\n";
    let fields = match path {
        "/file" | "/unheeded/file" | "/passed/file" => accel("/private/a b.txt") + of_file,
        "/named" => accel("@app"),
        "/second" => accel("/plain?from=second"),
        "/missing" => accel("/private/none.txt") + of_file,
        "/climbs" => accel("/private/../secret.txt"),
        "/round" => accel("/round"),
        "/nowhere" => accel("@nowhere"),
        "/slow" => accel("/private/a b.txt") + "X-Accel-Limit-Rate: 20\r\n",
        "/sendfile" => format!("X-Sendfile: {root}/media/100%.txt\r\n"),
        "/lighttpd" => format!("X-LIGHTTPD-send-file: {root}/media/100%.txt\r\n"),
        "/stolen" => format!("X-Sendfile: {root}/private/a b.txt\r\n"),
        _ => String::new(),
    };
    let status = path
        .strip_prefix("/status/")
        .and_then(|status| status.parse().ok());
    let status = match path {
        "/unheeded/404" => 404,
        "/file" => 201,
        _ => status.unwrap_or(200),
    };
    (status, fields, format!("{method} {path}"))
}

fn reply(
    protocol: &str,
    connection: &mut ScriptedConnection,
    request: &ScriptedRequest,
    root: &str,
) -> Result<()> {
    let target = match protocol {
        "http" => request.line.split(' ').nth(1).unwrap_or_default().to_owned(),
        _ => {
            let query = request.param("QUERY_STRING").filter(|query| !query.is_empty());
            let path = request.param("PATH_INFO").unwrap_or_default();
            path.to_owned() + &query.map(|query| format!("?{query}")).unwrap_or_default()
        }
    };
    let method = match protocol {
        "http" => request.line.split(' ').next().unwrap_or_default(),
        _ => request.param("REQUEST_METHOD").unwrap_or_default(),
    };
    let (status, fields, body) = said(&target, method, root);
    let body = match request.body.is_empty() {
        true => body,
        false => format!("{body} {}", String::from_utf8_lossy(&request.body)),
    };
    let length = body.len();
    let text = format!("{fields}Content-Length: {length}\r\n\r\n{body}");
    match protocol {
        "fastcgi" => {
            connection.fastcgi_response(request.id, format!("Status: {status} X\r\n{text}").as_bytes())
        }
        "scgi" => connection.write(format!("Status: {status} X\r\n{text}")),
        _ => connection.write(format!("HTTP/1.1 {status} X\r\n{text}")),
    }
}

struct Site {
    gateway: Gateway,
    dir: tempfile::TempDir,
    config: String,
    _application: Scripted,
}

impl Site {
    fn new(protocol: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fill(
            dir.path(),
            &[
                "private/a b.txt",
                "pages/404.html",
                "pages/502.html",
                "media/100%.txt",
                "secret.txt",
            ],
        );
        let root = dir.path().display().to_string();
        let files = root.clone();
        let application = Scripted::start(move |mut connection| {
            loop {
                let request = spoken::read(protocol, &mut connection)?;
                reply(protocol, &mut connection, &request, &files)?;
                if protocol == "scgi" {
                    return Ok(());
                }
            }
        })
        .unwrap();
        let config = ROUTES
            .replace("PROTOCOL", protocol)
            .replace("APP", &application.address())
            .replace("ROOT", &root);
        Self {
            gateway: start(&config),
            dir,
            config,
            _application: application,
        }
    }

    fn get(&self, target: &str) -> Response {
        ask(&self.gateway, "GET", "a.example", target, &[])
    }

    /// Status and body by HTTP/1, and by HTTP/2.
    #[track_caller]
    fn expect(&self, method: &str, target: &str, status: u16, body: &str) -> Response {
        let answer = ask(&self.gateway, method, "a.example", target, &[]);
        assert_eq!(
            (answer.status, &*answer.text()),
            (status, body),
            "{method} {target}"
        );
        for field in [
            "x-accel-redirect",
            "x-accel-charset",
            "x-accel-expires",
            "x-accel-limit-rate",
            "x-sendfile",
        ] {
            assert_eq!(answer.header(field), None, "{target}");
        }
        let mut http2 = Http2::begin(Client::connect(self.gateway.addr()).unwrap());
        let head = GET.map(|(name, value)| match name {
            ":path" => (name, target),
            ":method" => (name, method),
            _ => (name, value),
        });
        let outcome = http2.ask(&head, b"");
        assert_eq!(
            outcome,
            Outcome::Answer(status, body.to_owned()),
            "HTTP/2 {method} {target}"
        );
        answer
    }
}

#[test]
fn an_application_has_a_file_sent_that_clients_cannot_ask_for() {
    for protocol in PROTOCOLS {
        let site = Site::new(protocol);
        site.expect("GET", "/private/a%20b.txt", 404, "pages/404.html");
        let answer = site.expect("GET", "/file", 200, "private/a b.txt");
        for (name, value) in [
            ("content-type", Some("text/x-own; charset=koi8-r")),
            ("set-cookie", Some("a=1")),
            ("content-disposition", Some("attachment")),
            ("cache-control", Some("private")),
            ("expires", Some("0")),
            ("x-route", Some("private")),
            ("x-secret", None),
            ("accept-ranges", Some("bytes")),
            ("content-length", Some("15")),
        ] {
            assert_eq!(answer.header(name), value, "{protocol}: {name}");
        }
        assert_ne!(answer.header("etag"), Some("\"mine\""));
        let part = ask(
            &site.gateway,
            "GET",
            "a.example",
            "/file",
            &[("Range", "bytes=0-6")],
        );
        assert_eq!((part.status, &*part.text()), (206, "private"));
        let etag = answer.header("etag").unwrap();
        let known = ask(
            &site.gateway,
            "GET",
            "a.example",
            "/file",
            &[("If-None-Match", etag)],
        );
        assert_eq!((known.status, known.header("content-type")), (304, None));
        let head = ask(&site.gateway, "HEAD", "a.example", "/file", &[]);
        assert_eq!((head.status, head.header("content-length")), (200, Some("15")));
        let posted = Client::connect(site.gateway.addr())
            .unwrap()
            .request("POST", "/file", &[("Host", "a.example")], b"body")
            .unwrap();
        assert_eq!((posted.status, &*posted.text()), (200, "private/a b.txt"));
    }
}

#[test]
fn an_application_has_another_route_or_another_application_answer() {
    for protocol in PROTOCOLS {
        let site = Site::new(protocol);
        site.expect("GET", "/second", 200, "GET /plain?from=second");
        site.expect("POST", "/second", 200, "GET /plain?from=second");
        // By its name it gets the same request, and asks for the same.
        for target in ["/named", "/round"] {
            let answer = site.get(target);
            let told = (answer.status, answer.header("bridgehead-error"));
            assert_eq!(told, (500, Some("internal_cycle")), "{protocol}: {target}");
        }
        site.expect("GET", "/nowhere", 404, "pages/404.html");
    }
}

#[test]
fn what_an_application_may_not_ask_for_is_not_sent() {
    for protocol in PROTOCOLS {
        let site = Site::new(protocol);
        let climbs = site.expect("GET", "/climbs", 404, "pages/404.html");
        assert_eq!(climbs.header("bridgehead-error"), Some("bad_internal_uri"));
        let stolen = site.expect("GET", "/stolen", 404, "pages/404.html");
        assert_eq!(stolen.header("bridgehead-error"), Some("bad_internal_uri"));
        let missing = site.expect("GET", "/missing", 404, "pages/404.html");
        assert_eq!(missing.header("bridgehead-error"), Some("not_found"));
        let kept = ["set-cookie", "content-disposition"].map(|name| missing.header(name));
        assert_eq!(kept, [Some("a=1"), None]);
        site.expect("GET", "/sendfile", 200, "media/100%.txt");
        site.expect("GET", "/lighttpd", 200, "media/100%.txt");
        let unheeded = site.expect("GET", "/unheeded/file", 200, "GET /unheeded/file");
        assert_eq!(unheeded.header("x-secret"), Some("1"));
        let passed = site.get("/passed/file");
        assert_eq!(passed.header("x-accel-redirect"), Some("/private/a b.txt"));
        site.gateway
            .wait_errors("something that it may not here")
            .unwrap();
    }
}

#[test]
fn errors_have_pages_with_their_own_status_or_another() {
    for protocol in PROTOCOLS {
        let site = Site::new(protocol);
        for (target, status, body) in [
            ("/status/404", 404, "pages/404.html"),
            ("/status/502", 502, "pages/502.html"),
            ("/status/500", 500, "GET /app-page?asked=/status/500"),
            ("/status/410", 200, "it was here"),
            ("/status/409", 409, "GET /status/409"),
            ("/unheeded/404", 404, "GET /unheeded/404"),
            ("/teapot", 200, "pages/404.html"),
            ("/told", 404, "told"),
        ] {
            let answer = site.expect("GET", target, status, body);
            let page = ["etag", "last-modified"].map(|name| answer.header(name));
            assert!(status == 200 || page == [None; 2], "{target}: {page:?}");
            assert_eq!(answer.header("bridgehead-error"), None, "{target}");
        }
        let elsewhere = site.get("/status/403");
        let location = elsewhere.header("location");
        assert_eq!(
            (elsewhere.status, location),
            (302, Some("https://status.example/a.example"))
        );
        let conditions = [("If-None-Match", "*"), ("Range", "bytes=0-0")];
        let asked = ask(&site.gateway, "GET", "a.example", "/status/404", &conditions);
        assert_eq!((asked.status, &*asked.text()), (404, "pages/404.html"));
        site.expect("HEAD", "/status/404", 404, "");
        site.expect("POST", "/posted/404.html", 200, "POST /posted/404.html");
    }
}

#[test]
fn a_page_that_fails_leaves_the_error_that_it_was_for() {
    let site = Site::new("fastcgi");
    let answer = site.get("/guarded");
    assert_eq!(
        (answer.status, answer.header("bridgehead-error")),
        (403, Some("not_allowed"))
    );
    assert!(answer.text().contains("not_allowed"), "{}", answer.text());
    std::fs::remove_file(site.dir.path().join("pages/404.html")).unwrap();
    let answer = site.get("/status/404");
    assert_eq!((answer.status, &*answer.text()), (404, "404 Not Found\n"));
    site.gateway.wait_errors("the page for an error failed").unwrap();
    let last = site.gateway.wait_access(2).unwrap().remove(1);
    assert!(last.contains("\"status\":404"), "{last}");
}

#[test]
fn pages_stand_in_for_what_the_gateway_refuses_and_the_log_says_why() {
    let site = Site::new("http");
    let refused = site.config.replace("unix:", "unix:/nonexistent");
    reload(&site.gateway, &refused);
    let answer = site.get("/");
    assert_eq!((answer.status, &*answer.text()), (502, "pages/502.html"));
    let told = ["bridgehead-error", "x-route"].map(|name| answer.header(name));
    assert_eq!(told, [Some("socket_missing"), Some("pages")]);
    reload(&site.gateway, &site.config);
    assert_eq!(site.get("/plain").text(), "GET /plain");
    let log = site.gateway.wait_access(2).unwrap();
    assert!(
        log[0].contains("socket_missing") && log[0].contains("\"status\":502"),
        "{}",
        log[0]
    );
}

#[test]
fn a_body_that_is_too_large_has_its_page_on_a_connection_that_lives_on() {
    let site = Site::new("fastcgi");
    let config = site
        .config
        .replacen("send_file =", "limits = { body = 4 }\nsend_file =", 1);
    reload(
        &site.gateway,
        &config
            .replace("4xx", "413")
            .replace("502 = ", "413 = \"/pages/404.html\", 502 = "),
    );
    let mut client = Client::connect(site.gateway.addr()).unwrap();
    for _ in 0..2 {
        let answer = client
            .request("POST", "/", &[("Host", "a.example")], b"12345")
            .unwrap();
        assert_eq!((answer.status, &*answer.text()), (413, "pages/404.html"));
        assert_eq!(answer.header("bridgehead-error"), Some("body_too_large"));
    }
    assert_eq!(
        client
            .request("GET", "/plain", &[("Host", "a.example")], b"")
            .unwrap()
            .text(),
        "GET /plain"
    );
}

#[test]
fn a_rate_that_an_application_asks_for_holds() {
    let site = Site::new("http");
    std::fs::write(site.dir.path().join("private/a b.txt"), [b'x'; 50]).unwrap();
    let start = Instant::now();
    let answer = site.get("/slow");
    assert_eq!((answer.status, answer.body.len()), (200, 50));
    // Twenty bytes go at once, and thirty in their time: never faster, however slow this machine is.
    assert!(start.elapsed().as_millis() >= 1000);
}

/// The worker is asked for something else; what it still says is nothing to the client.
#[test]
fn the_worker_is_free_as_soon_as_it_has_asked_for_something_else() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), &["a.txt"]);
    for flood in [false, true] {
        let written = Arc::new(AtomicUsize::new(0));
        let counted = written.clone();
        let application = Scripted::start(move |mut connection| {
            let request = connection.read_fastcgi()?;
            connection.write(fastcgi_record(
                6,
                request.id,
                b"X-Accel-Redirect: /private/a.txt\r\n\r\n",
            )?)?;
            if !flood {
                return connection.wait_close().map(drop);
            }
            loop {
                connection.write(fastcgi_record(6, request.id, &[b'x'; 1024])?)?;
                counted.fetch_add(1024, std::sync::atomic::Ordering::Relaxed);
            }
        })
        .unwrap();
        let gateway = start(&format!(
            "[upstream.app]\nprotocol = \"fastcgi\"\nmax_connections = 1\nendpoints = [\"{}\"]\n\
             [[route]]\naccel = true\nproxy = {{ upstream = \"app\" }}\n\
             [[route]]\npath = \"/private\"\ninternal = true\nfiles = {{ alias = \"{}\" }}\n",
            application.address(),
            dir.path().display()
        ));
        for _ in 0..2 {
            assert_eq!(ask(&gateway, "GET", "a", "/", &[]).text(), "a.txt");
        }
        crate::http::bodiless::assert_freed(&application, &written);
    }
}

#[test]
fn pages_and_internal_routes_change_with_a_reload_on_kept_connections() {
    let site = Site::new("scgi");
    let mut client = Client::connect(site.gateway.addr()).unwrap();
    let mut get = |target: &str| {
        let answer = client
            .request("GET", target, &[("Host", "a.example")], b"")
            .unwrap();
        (answer.status, answer.text())
    };
    assert_eq!(get("/status/404"), (404, "pages/404.html".to_owned()));
    assert_eq!(get("/private/a%20b.txt").0, 404);
    let config = site
        .config
        .replace("404 = \"/pages/404.html\"", "404 = \"/pages/502.html\"");
    reload(
        &site.gateway,
        &config.replace("internal = true\nfiles", "internal = false\nfiles"),
    );
    assert_eq!(get("/status/404"), (404, "pages/502.html".to_owned()));
    assert_eq!(get("/private/a%20b.txt"), (200, "private/a b.txt".to_owned()));
}
