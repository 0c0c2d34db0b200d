//! `bridgehead explain`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::process::{Demo, run, stderr, stdout};

/// A docroot and a configuration with a route of every kind.
struct Site {
    directory: TempDir,
}

impl Site {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("public");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("index.php"), "<?php").unwrap();
        std::fs::write(root.join("style.css"), "a{}").unwrap();
        let site = Self { directory };
        let text = CONFIG.replace("ROOT", root.to_str().unwrap());
        std::fs::write(site.file(), text).unwrap();
        site
    }

    /// The same with more tables; `HOME` is the directory that has everything.
    fn with(tables: &str) -> Self {
        let site = Self::new();
        let text = std::fs::read_to_string(site.file()).unwrap();
        let tables = tables.replace("HOME", site.path().to_str().unwrap());
        std::fs::write(site.file(), text + &tables).unwrap();
        site
    }

    fn file(&self) -> String {
        self.path().join("site.toml").to_str().unwrap().to_owned()
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let file = self.file();
        let mut all = vec!["explain", "-c", &file];
        all.extend(arguments);
        run(&all)
    }

    /// The text, with the docroot written as `ROOT`.
    fn explain(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        let root = self.path().canonicalize().unwrap().join("public");
        let text = stdout(&output).replace(root.to_str().unwrap(), "ROOT");
        text.replace(self.path().join("public").to_str().unwrap(), "ROOT")
    }
}

const CONFIG: &str = r#"
[server]
trusted_proxies = ["10.0.0.0/8"]

[[listen]]
address = "0.0.0.0:8080"

[upstream.php]
protocol = "fastcgi"
profile = "php-fpm"
endpoints = ["unix:/run/php/php-fpm.sock", "10.0.0.5:9000 weight=2 backup"]
max_connections = 20

[upstream.app]
protocol = "uwsgi"
profile = "uwsgi"
endpoints = ["127.0.0.1:3031"]
max_connections = "auto"
health = { interval = "1s", busy_status = 503, body = "fine" }

[upstream.web]
protocol = "http"
endpoints = ["127.0.0.1:3000"]

[upstream.shards]
protocol = "http"
endpoints = ["127.0.0.1:4001", "127.0.0.1:4002", "127.0.0.1:4003 drain"]
balance = "hash $cookie_user$arg_user"
sticky = { secret = "0123456789abcdef" }

[[route]]
host = "shop.example"
path = "/"
php = { upstream = "php", root = "ROOT", index = "index.php" }
params = { APP_ENV = "prod" }

[[route]]
path = "/api"
proxy = { upstream = "app", mount = "/api" }
limits = { body = "1MiB" }
buffering = { response = false }

[[route]]
path = "/web"
proxy = { upstream = "web" }

[[route]]
path = "/healthz"
respond = { status = 200, body = "ok\n" }

[[route]]
path = "/shards"
proxy = { upstream = "shards" }

[upstream.containers]
protocol = "uwsgi"
endpoints = ["dns:app.internal:3031 weight=2", "dns+srv:_uwsgi._tcp.app.internal backup"]

[[route]]
path = "/containers"
proxy = { upstream = "containers" }

[[route]]
path = "/metrics"
status = {}
"#;

/// Routes that lead into the same directory in different ways.
const DIRECTORIES: &str = r#"
[[route]]
host = "files.example"
path = "/public"
files = { root = "HOME" }

[[route]]
host = "files.example"
path = "/static"
files = { alias = "HOME/public" }

[[route]]
host = "files.example"
path = "/php"
php = { upstream = "php", alias = "HOME/public" }
"#;

#[test]
fn a_php_request_with_everything_that_php_gets() {
    let fields = [
        "-H",
        "X_Odd: 1",
        "-H",
        "X-Forwarded-For: 6.6.6.6",
        "-H",
        "Cookie: a=1",
    ];
    let mut arguments = vec![
        "GET",
        "http://shop.example/index.php/a%20b?x=1",
        "--from",
        "192.0.2.7",
    ];
    arguments.extend(fields);
    let site = Site::new();
    let root = site
        .path()
        .canonicalize()
        .unwrap()
        .join("public")
        .as_os_str()
        .len();
    assert_eq!(
        site.explain(&arguments),
        format!(
            "\
GET /index.php/a%20b?x=1 on shop.example

path       /index.php/a b
route      shop.example, path /: php below ROOT
script     ROOT/index.php
split      SCRIPT_NAME \"/index.php\", PATH_INFO \"/a b\"
upstream   php: fastcgi, 20 at a time each, a connection per request
endpoints (round_robin)
  unix:/run/php/php-fpm.sock
  10.0.0.5:9000 weight=2 backup
choice     unix:/run/php/php-fpm.sock: the only candidate
queue      1024 may wait for 30s
timeouts   connect 3s, send 1m, head 1m, read 1m
body       at most 64MiB, taken whole before a worker is (64KiB in memory, then up to 4GiB on disk)
response   taken ahead of the client (64KiB in memory, then up to 4GiB on disk)
client     192.0.2.7, http, forwarded for 192.0.2.7, forwarded host shop.example
left out
  X_Odd: only letters, digits and hyphens can become the name of a variable
  X-Forwarded-For: replaced by what the gateway itself knows about the client
variables (25, {size} bytes on the wire; block of at most 65535 bytes)
  REQUEST_METHOD=GET
  QUERY_STRING=x=1
  REQUEST_URI=/index.php/a%20b?x=1
  SERVER_PROTOCOL=HTTP/1.1
  SCRIPT_NAME=/index.php
  PATH_INFO=/a b
  DOCUMENT_URI=/index.php/a b
  SCRIPT_FILENAME=ROOT/index.php
  DOCUMENT_ROOT=ROOT
  REDIRECT_STATUS=200
  GATEWAY_INTERFACE=CGI/1.1
  SERVER_SOFTWARE=bridgehead/{VERSION} (like nginx)
  SERVER_NAME=shop.example
  REQUEST_SCHEME=http
  REMOTE_ADDR=192.0.2.7
  REMOTE_PORT=49152
  SERVER_ADDR=127.0.0.1
  SERVER_PORT=8080
  HTTP_X_FORWARDED_PROTO=http
  HTTP_X_FORWARDED_HOST=shop.example
  HTTP_X_FORWARDED_FOR=192.0.2.7
  HTTP_X_REAL_IP=192.0.2.7
  HTTP_HOST=shop.example
  HTTP_COOKIE=a=1
  APP_ENV=prod
",
            size = 621 + 2 * root,
            VERSION = env!("CARGO_PKG_VERSION"),
        )
    );
}

#[test]
fn a_proxied_application_behind_a_trusted_proxy() {
    let text = Site::new().explain(&[
        "POST",
        "/api/x",
        "--from",
        "10.1.1.1",
        "-H",
        "X-Forwarded-For: 6.6.6.6, 192.0.2.9",
        "-H",
        "X-Forwarded-Proto: https",
        "-H",
        "Content-Length: 5",
    ]);
    for line in [
        "route      every host, path /api: proxy",
        "split      SCRIPT_NAME \"/api\", PATH_INFO \"/x\"",
        "upstream   app: uwsgi, as many at a time as there are workers (1 to 1024, from what is seen), a connection \
         per request",
        "checks     GET / on localhost is 200-399, 503 is busy, with \"fine\", every 1s of silence, within 2s; down \
         after 3, up after 2",
        "body       at most 1MiB, taken whole before a worker is (64KiB in memory, then up to 4GiB on disk)",
        "response   at the pace of the client",
        "client     192.0.2.9, https, forwarded for 6.6.6.6, 192.0.2.9, 10.1.1.1, forwarded host localhost",
        "  CONTENT_LENGTH=5",
        "  HTTPS=on",
    ] {
        assert!(
            text.lines().any(|known| known == line),
            "{line:?} is not in\n{text}"
        );
    }
}

#[test]
fn an_http_application_gets_fields_and_no_script() {
    let text = Site::new().explain(&["GET", "/web//a/../x%20y"]);
    assert!(text.contains("\npath       /web/x y\n"), "{text}");
    assert!(
        text.contains("\nrequest    GET /web//a/../x%20y HTTP/1.1\n"),
        "{text}"
    );
    assert!(
        text.contains("\n  X-Real-IP: 127.0.0.1\n") && !text.contains("SCRIPT_NAME"),
        "{text}"
    );
}

#[test]
fn a_path_that_leaves_its_route_is_refused_with_the_setting_that_helps() {
    let text = Site::new().explain(&["GET", "/a/../web/x"]);
    assert!(
        text.contains(
            "\nanswer     400 (bad_path): `..` in the path leads out of its route (`normalize = true`"
        ),
        "{text}"
    );
}

#[test]
fn the_endpoint_is_named_when_the_request_decides() {
    let site = Site::new();
    let choice = |arguments: &[&str]| {
        let text = site.explain(arguments);
        let line = text.lines().find_map(|line| line.strip_prefix("choice     "));
        line.unwrap_or_else(|| panic!("no choice in\n{text}")).to_owned()
    };
    // nginx 1.22.1 sends these two there as well, with the last endpoint marked as down.
    assert_eq!(
        choice(&["GET", "/shards?user=8"]),
        "127.0.0.1:4002: by the hash of the key"
    );
    assert_eq!(
        choice(&["GET", "/shards?user=7"]),
        "127.0.0.1:4001: by the hash of the key"
    );
    assert_eq!(choice(&["GET", "/shards"]), "the next in turn, by weight");
    let session = "Cookie: bh_route=03a95c26bf67815fbeff071074efd015";
    assert_eq!(
        choice(&["GET", "/shards?user=8", "-H", session]),
        "127.0.0.1:4001: the session's"
    );
}

#[test]
fn refusals_say_more_than_the_client_may_know() {
    let site = Site::new();
    for (arguments, answer) in [
        (
            &["GET", "http://shop.example/none.php"][..],
            "404 (not_found): /none.php below ROOT: no such file, and there is no front_controller",
        ),
        (
            &["GET", "http://shop.example/INDEX.PHP"],
            "404 (not_found): /INDEX.PHP below ROOT: script suffix in a different case",
        ),
        (
            &["GET", "/nowhere"],
            "404 (not_found): no route for this host and path; there are shop.example, path /: php below ROOT; every host, path /api: proxy; every host, path /web: proxy; every host, path /healthz: respond; every host, path /shards: proxy; every host, path /containers: proxy; every host, path /metrics: status",
        ),
        (
            &["GET", "/api", "-H", "X-Real-Ip: 1", "-H", "X_Real_Ip: 2"],
            "400 (conflicting_fields): `X_Real_Ip` and `X-Real-Ip` become the same variable",
        ),
        (
            &["POST", "/api", "-H", "Content-Length: 1048577"],
            "413 (body_too_large): more than the limit of 1048576 bytes",
        ),
        (
            &["GET", "http://shop.example/style.css"],
            "200, by the gateway itself",
        ),
        (&["GET", "/healthz"], "200, by the gateway itself"),
    ] {
        let text = site.explain(arguments);
        let line = format!("answer     {answer}");
        assert!(
            text.lines().any(|known| known == line),
            "{line:?} is not in\n{text}"
        );
    }
}

#[test]
fn how_paths_lead_into_a_directory_is_said() {
    let site = Site::with(DIRECTORIES);
    for (url, route, more) in [
        (
            "/public/style.css",
            "path /public: files below HOME (root: with /public)",
            "answer     200, by the gateway itself",
        ),
        (
            "/static/style.css",
            "path /static: files below ROOT (alias: without /static)",
            "answer     200, by the gateway itself",
        ),
        (
            "/static/none",
            "path /static: files below ROOT (alias: without /static)",
            "answer     404 (not_found): nothing to send for /none below ROOT (names of PHP programs, such as .php, .php5, .phtml and .phar, are never sent as they are)",
        ),
        (
            "/php/index.php/x",
            "path /php: php below ROOT (alias: without /php)",
            "split      SCRIPT_NAME \"/php/index.php\", PATH_INFO \"/x\"",
        ),
    ] {
        let text = site.explain(&["GET", &format!("http://files.example{url}")]);
        let text = text.replace(site.path().to_str().unwrap(), "HOME");
        for line in [format!("route      files.example, {route}"), more.to_owned()] {
            assert!(
                text.lines().any(|known| known == line),
                "{line:?} is not in\n{text}"
            );
        }
    }
    let output = site.run(&["GET", "http://files.example/static/style.css", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let public = site.path().join("public");
    assert_eq!(json["route"]["alias"], public.to_str().unwrap());
    assert_eq!(json["route"]["root"], serde_json::Value::Null);
}

#[test]
fn an_application_that_cannot_take_the_request_is_shown_with_the_reason() {
    let cookie = format!("Cookie: {}", "x".repeat(5000));
    let text = Site::new().explain(&["GET", "/api", "-H", &cookie]);
    assert!(text.contains("\n  REQUEST_METHOD=GET\n"), "{text}");
    assert!(text.ends_with("answer     431 (variables_too_large): variable block of more than 4096 bytes, the limit of the upstream (max_block, which is to be no more than buffer-size of uWSGI)\n"), "{text}");
}

#[test]
fn the_running_gateway_agrees() {
    let demo = Demo::usual();
    let config = run(&["demo", "--print-config", "--listen", &demo.address]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, stdout(&config)).unwrap();
    let file = file.path().to_str().unwrap();
    for protocol in ["fastcgi", "uwsgi", "scgi"] {
        let path = format!("/{protocol}/./env?x=%20y");
        let fields = "X-Team: red\r\nX_Odd: 1\r\nCookie: a=1\r\nCookie: b=2\r\nX-Forwarded-For: 6.6.6.6\r\n";
        let (_, body) = demo.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: shop.example\r\n{fields}Connection: close\r\n\r\n"
        ));
        let mut sent: BTreeMap<String, String> = serde_json::from_str(&body).unwrap();
        let mut arguments = vec![
            "explain",
            "-c",
            file,
            "GET",
            &path,
            "-H",
            "Host: shop.example",
            "--json",
        ];
        for field in fields.lines() {
            arguments.extend(["-H", field]);
        }
        let json: serde_json::Value = serde_json::from_slice(&run(&arguments).stdout).unwrap();
        let list = &json["outcome"]["forwarded"]["sent"]["variables"]["list"];
        let list: Vec<(String, String)> = serde_json::from_value(list.clone()).unwrap();
        let mut explained: BTreeMap<_, _> = list.into_iter().collect();
        for variables in [&mut sent, &mut explained] {
            assert!(variables.remove("REMOTE_PORT").is_some());
        }
        assert_eq!(explained, sent);
    }
}

#[test]
fn json_says_the_same() {
    let output = Site::new().run(&["GET", "http://shop.example/index.php", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["route"]["handler"], "php");
    let forwarded = &json["outcome"]["forwarded"];
    assert_eq!(forwarded["upstream"]["endpoints"][1]["weight"], 2);
    assert_eq!(forwarded["sent"]["variables"]["list"][0][0], "REQUEST_METHOD");
}

#[test]
fn mistakes_end_with_64_and_a_root_that_is_asked_for_and_not_there_with_1() {
    let site = Site::new();
    for arguments in [
        &["GET"][..],
        &["G\u{e4}T", "/"],
        &["GET", "http://a b/"],
        &["GET", "/", "-H", "nonsense"],
        &["GET", "/", "--from", "here"],
    ] {
        assert_eq!(site.run(arguments).status.code(), Some(64), "{arguments:?}");
    }
    assert_eq!(
        run(&["explain", "-c", "/does/not/exist", "GET", "/"])
            .status
            .code(),
        Some(64)
    );
    std::fs::remove_dir_all(site.path().join("public")).unwrap();
    let output = site.run(&["GET", "http://shop.example/"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("cannot open the root"),
        "{}",
        stderr(&output)
    );
    // Other routes do not need it.
    for (url, answer) in [
        ("/healthz", "answer     200, by the gateway itself"),
        ("/web/x", "route      every host, path /web: proxy"),
    ] {
        let text = site.explain(&["GET", url]);
        assert!(text.lines().any(|line| line == answer), "{text}");
    }
}

#[test]
fn names_are_shown_and_not_asked_for() {
    let text = Site::new().explain(&["GET", "http://any.example/containers"]);
    for line in [
        "  dns:app.internal:3031 weight=2",
        "  dns+srv:_uwsgi._tcp.app.internal backup",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains("of those that the DNS names then"), "{text}");
}

#[test]
fn the_status_is_for_those_who_may_see_it() {
    let site = Site::new();
    let text = site.explain(&["GET", "http://any.example/metrics"]);
    assert!(text.contains("answer     200, by the gateway itself"), "{text}");
    let text = site.explain(&["GET", "http://any.example/metrics", "--from", "192.0.2.7"]);
    assert!(text.contains("answer     403 (not_allowed)"), "{text}");
}
