//! The cases, with the events that anybody who knows the applications and the protocols expects.

use testbed::Kind;

use super::APPS;
use super::case::{Case, Turn};
use super::plain::{DIGITS, END, HELLO, TEXT, TEXT_EVENT, every, plain};
use super::server::Server;

/// Every capture.
pub(crate) fn cases() -> Vec<Case> {
    [
        php_fpm(Server::Real(Kind::PhpFpm)),
        php_cgi(Server::Real(Kind::PhpCgi)),
        libfcgi(Server::Libfcgi),
        fcgiwrap(Server::Real(Kind::Fcgiwrap)),
        uwsgi_fastcgi(Server::Real(Kind::UwsgiFastcgi)),
        uwsgi(Server::Real(Kind::UwsgiUwsgi)),
        gunicorn_uwsgi(Server::Real(Kind::GunicornUwsgi)),
        uwsgi_scgi(Server::Real(Kind::UwsgiScgi)),
        plain(Server::Real(Kind::UwsgiHttp), &["get", "head", "stream"]),
        gunicorn_http(Server::Real(Kind::GunicornHttp)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn php_fpm(server: Server) -> Vec<Case> {
    let mut cases = every(server);
    for case in cases.iter_mut().filter(|case| case.name == "fail-late") {
        case.events.insert(4, uncaught_in_php("fail-late")); // after the body
    }
    cases.push(logged(
        server,
        r#"stderr "PHP message: stderr line 0; PHP message: stderr line 1""#,
    ));
    let what = "A fatal error: STDERR holds the message, STDOUT an empty page";
    let events = ["status 500", r#"body """#, &uncaught_in_php("fail"), END];
    cases.push(Case::new(
        server,
        "fail",
        what,
        vec![Turn::new(server, "GET", "/fail", None)],
        &events,
    ));
    let unknown = r#"stderr "Primary script unknown""#;
    cases.push(missing_script(
        server,
        &["status 404", r#"body "File not found.\n""#, unknown, END],
    ));
    cases.push(values(server, &["value FCGI_MPXS_CONNS=0"]));
    cases.push(kept(server, END));
    cases
}

fn php_cgi(server: Server) -> Vec<Case> {
    let mut cases = plain(server, &["get", "echo-20k", "status-404", "redirect"]);
    cases.push(logged(server, r#"stderr "stderr line 0\nstderr line 1\n""#));
    cases.push(missing_script(
        server,
        &["status 404", r#"body "No input file specified.\n""#, END],
    ));
    let pairs = [
        "value FCGI_MPXS_CONNS=0",
        "value FCGI_MAX_REQS=2",
        "value FCGI_MAX_CONNS=2",
    ];
    cases.push(values(server, &pairs));
    cases.push(kept(server, END));
    cases
}

fn libfcgi(server: Server) -> Vec<Case> {
    let head = [
        "status 200",
        "header content-type: text/plain",
        "header x-method: POST",
    ];
    let hello = [&head[..], &["header content-length: 5", r#"body "hello""#]].concat();
    let text = [&head[..], &["header content-length: 20000", TEXT_EVENT, END]].concat();
    let post = |target, body| vec![Turn::new(server, "POST", target, Some(body))];
    let echoed = [&hello[..], &[END]].concat();
    let failed = [
        &hello[..],
        &[r#"stderr "stderr line\n""#, "end app_status=3 protocol_status=0"],
    ]
    .concat();
    let kept = || Turn::kept(server, "POST", "/", Some(b"hello"));
    let pairs = [
        "value FCGI_MAX_CONNS=1",
        "value FCGI_MAX_REQS=1",
        "value FCGI_MPXS_CONNS=0",
    ];
    let five = "A body of five bytes, sent back";
    let many = "A body of 20,000 bytes in several records, sent back";
    let stderr = "A line on STDERR, which then ends with an empty record, and an application status";
    vec![
        Case::new(server, "echo-5", five, post("/", b"hello"), &echoed),
        Case::new(server, "echo-20k", many, post("/", TEXT), &text),
        Case::new(server, "stderr", stderr, post("/?stderr", b"hello"), &failed),
        Case::new(server, "keep-conn", KEPT, vec![kept(), kept()], &echoed.repeat(2)),
        values(server, &pairs),
    ]
}

/// fcgiwrap ends lines with `\r\n` until the head is complete, on standard error too.
fn fcgiwrap(server: Server) -> Vec<Case> {
    let mut cases = plain(server, &["get", "echo-5", "cookies", "status-204", "redirect"]);
    cases.push(logged(server, r#"stderr-begins "stderr line 0""#)); // \r\n follows, or only \n
    let what = "The program exits with status 1 after a line on standard error and none on standard output";
    let turn = Turn::new(server, "GET", "/fail-raw", None);
    let events = [r#"stderr "fail-raw\r\n""#, END];
    cases.push(Case::new(server, "fail-raw", what, vec![turn], &events));
    cases
}

fn uwsgi_fastcgi(server: Server) -> Vec<Case> {
    let mut cases = plain(
        server,
        &["get", "echo-5", "download-70k", "head", "stream", "fail-late"],
    );
    cases.push(uncaught(server, &[END]));
    cases
}

fn uwsgi(server: Server) -> Vec<Case> {
    let mut cases = every(server);
    cases.push(uncaught(server, &["eof"]));
    cases
}

fn uwsgi_scgi(server: Server) -> Vec<Case> {
    let mut cases = plain(
        server,
        &["get", "echo-5", "cookies", "status-304", "head", "stream"],
    );
    cases.push(uncaught(server, &["eof"]));
    cases
}

fn gunicorn_uwsgi(server: Server) -> Vec<Case> {
    let names = [
        "get",
        "echo-20k",
        "cookies",
        "status-204",
        "head",
        "stream",
        "fail-late",
    ];
    let mut cases = plain(server, &names);
    cases.push(kept(server, "length"));
    cases.push(uncaught(server, GUNICORN_PAGE));
    cases
}

fn gunicorn_http(server: Server) -> Vec<Case> {
    let mut cases = plain(
        server,
        &["get", "echo-5", "status-304", "head", "stream", "fail-late"],
    );
    cases.push(kept(server, "length"));
    cases.push(uncaught(server, GUNICORN_PAGE));
    cases
}

/// An answer besides which the application has logged two lines.
fn logged(server: Server, stderr: &str) -> Case {
    let what = "Two lines to the log stream besides a normal answer";
    let turn = Turn::new(server, "GET", "/stderr?lines=2", None);
    let events = [
        "status 200",
        "header content-length: 7",
        r#"body "logged\n""#,
        stderr,
        END,
    ];
    Case::new(server, "stderr", what, vec![turn], &events)
}

fn uncaught(server: Server, events: &[&str]) -> Case {
    let what = "The application raises an exception before it has said anything";
    Case::new(
        server,
        "fail-raw",
        what,
        vec![Turn::new(server, "GET", "/fail-raw", None)],
        events,
    )
}

fn missing_script(server: Server, events: &[&str]) -> Case {
    let what = "SCRIPT_FILENAME names no file";
    Case::new(
        server,
        "missing-script",
        what,
        vec![Turn::missing_script(server)],
        events,
    )
}

fn values(server: Server, events: &[&str]) -> Case {
    let what = "GET_VALUES for the three names of the specification";
    Case::new(server, "get-values", what, vec![Turn::values()], events)
}

fn kept(server: Server, ending: &str) -> Case {
    let digits = Turn::kept(server, "GET", "/head-test", None);
    let hello = Turn::kept(server, "POST", "/echo", Some(b"hello"));
    let events = [DIGITS, &[ending], HELLO, &[ending]].concat();
    Case::new(server, "keep-conn", KEPT, vec![digits, hello], &events)
}

fn uncaught_in_php(message: &str) -> String {
    let prefix = "PHP message: PHP Fatal error:  Uncaught RuntimeException:";
    format!(r#"stderr-begins "{prefix} {message} in {APPS}/php/index.php:""#)
}

const KEPT: &str = "Two requests on a kept connection";
const GUNICORN_PAGE: &[&str] = &[
    "status 500",
    "header connection: close",
    "header content-length: 141",
    concat!(
        r#"body "<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n  <body>\n"#,
        r#"    <h1><p>Internal Server Error</p></h1>\n    \n  </body>\n</html>\n""#
    ),
    "length",
];
