//! Names and passwords: what is asked of clients, what applications are told, and what a guess costs.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use testbed::{Client, Gateway, Response, Scripted, eventually};

use crate::http::frames::{GET, Http2, Outcome};
use crate::lifecycle::reload;
use crate::start;

/// The password `geheim`: two names that `htpasswd` made, of bcrypt and of apr1.
const USERS: &str = "anna:$2y$05$bNu47bhf7gu84xAO6j6FMejgPV95cZ69b0akgDR214RqY9RlhHYKq\n\
                     jürgen:$apr1$k9ffr7FQ$joR0kSYV3w3k53z0SwPri0\n";

const ANNA: &str = "Basic YW5uYTpnZWhlaW0=";
const JUERGEN: &str = "Basic asO8cmdlbjpnZWhlaW0=";
const WRONG: &str = "Basic YW5uYTpmYWxzY2g=";

/// A FastCGI application that tells which name it was given.
fn application() -> Scripted {
    Scripted::start(|mut connection| {
        let request = connection.read_fastcgi()?;
        let param = |name| request.param(name).unwrap_or("-");
        let (user, kind) = (param("REMOTE_USER"), param("AUTH_TYPE"));
        let answer = format!("Content-Type: text/plain\r\n\r\n{user} {kind}");
        connection.fastcgi_response(request.id, answer.as_bytes())
    })
    .unwrap()
}

fn configuration(users: &Path, app: &Scripted) -> String {
    format!(
        r#"
        [server]
        temp_dir = "{{dir}}"
        trusted_proxies = ["127.0.0.0/8"]
        [log]
        access = "{{dir}}/access.log"
        error = "{{dir}}/error.log"
        access_format = "$remote_user $status"
        [upstream.app]
        protocol = "fastcgi"
        endpoints = ["{app}"]
        [snippet.office]
        access = {{ basic = {{ realm = "The \"Office\"", users_file = "{users}" }} }}
        [[route]]
        use = "office"
        proxy = {{ upstream = "app" }}
        [[route]]
        path = "/open"
        use = "office"
        access = {{ basic = false }}
        proxy = {{ upstream = "app" }}
        [[route]]
        path = "/either"
        use = "office"
        access = {{ allow = ["10.0.0.0/8"], satisfy = "any" }}
        respond = {{ body = "either" }}
        [[route]]
        path = "/both"
        use = "office"
        access = {{ allow = ["10.0.0.0/8"] }}
        respond = {{ body = "both" }}
        [[route]]
        path = "/shared"
        use = "office"
        access = {{ deny = ["192.0.2.9"] }}
        cors = {{ origins = ["https://app.example"] }}
        proxy = {{ upstream = "app" }}
        [[route]]
        path = "/page"
        use = "office"
        errors = {{ 401 = "/page/sorry" }}
        respond = {{ body = "page of $uri" }}
        "#,
        app = app.address(),
        users = users.display(),
    )
}

struct Site {
    gateway: Gateway,
    dir: TempDir,
    app: Scripted,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let users = dir.path().join("users");
        fs::write(&users, USERS).unwrap();
        let app = application();
        Self {
            gateway: start(&configuration(&users, &app)),
            dir,
            app,
        }
    }

    fn ask(&self, target: &str, fields: &[(&str, &str)]) -> Response {
        let mut client = Client::connect(self.gateway.addr()).unwrap();
        client
            .request("GET", target, &[&[("Host", "a.example")], fields].concat(), b"")
            .unwrap()
    }

    fn login(&self, target: &str, authorization: &str) -> (u16, String) {
        let answer = self.ask(target, &[("Authorization", authorization)]);
        (answer.status, answer.text().to_string())
    }

    fn users(&self, text: &str) {
        fs::write(self.dir.path().join("users"), text).unwrap();
    }
}

#[test]
fn a_client_without_a_name_is_asked_for_one_and_its_application_not_at_all() {
    let site = Site::new();
    let answer = site.ask("/", &[]);
    assert_eq!(
        (answer.status, answer.header("bridgehead-error")),
        (401, Some("unauthorized"))
    );
    let challenge = answer.header("www-authenticate").unwrap();
    assert_eq!(challenge, r#"Basic realm="The \"Office\"", charset="UTF-8""#);
    for other in ["Bearer YW5uYTpnZWhlaW0=", "Basic", "Basic !", "Basic YW5uYQ=="] {
        assert_eq!(site.login("/", other).0, 401, "{other}");
    }
    assert_eq!(site.app.connections(), 0);
    assert!(
        !site.gateway.errors().contains("login failed"),
        "nothing was guessed"
    );
}

#[test]
fn the_application_is_told_the_name_that_was_proved_and_no_other() {
    let site = Site::new();
    assert_eq!(site.login("/", ANNA), (200, "anna Basic".to_owned()));
    assert_eq!(site.login("/", JUERGEN), (200, "jürgen Basic".to_owned()));
    // A name that is not asked for is not proved.
    assert_eq!(site.login("/open", WRONG), (200, "- -".to_owned()));
    let fields = [("Remote-User", "root"), ("Authorization", ANNA)];
    assert_eq!(site.ask("/", &fields).text(), "anna Basic");
    assert_eq!(site.gateway.wait_access(2).unwrap()[0], "anna 200");
}

#[test]
fn a_wrong_password_is_refused_and_told_to_what_counts_them() {
    let site = Site::new();
    let answer = site.ask("/", &[("Authorization", WRONG), ("X-Forwarded-For", "192.0.2.7")]);
    assert_eq!(answer.status, 401);
    let log = site.gateway.wait_errors("login failed").unwrap();
    assert!(
        log.contains("login failed client=192.0.2.7 user=\"anna\""),
        "{log}"
    );
    // Right, then wrong: what was right is no help to another password.
    assert_eq!(site.login("/", ANNA).0, 200);
    assert_eq!(site.login("/", WRONG).0, 401);
    assert_eq!(
        site.login("/", "Basic bm9ib2R5OmdlaGVpbQ==").0,
        401,
        "an unknown name"
    );
}

#[test]
fn http_2_is_asked_the_same() {
    let site = Site::new();
    let mut http = Http2::begin(Client::connect(site.gateway.addr()).unwrap());
    assert!(matches!(http.ask(&GET, b""), Outcome::Answer(401, _)));
    let mut http = Http2::begin(Client::connect(site.gateway.addr()).unwrap());
    let fields = [&GET[..], &[("authorization", ANNA)]].concat();
    assert_eq!(
        http.ask(&fields, b""),
        Outcome::Answer(200, "anna Basic".to_owned())
    );
}

#[test]
fn a_body_waits_until_its_client_is_known() {
    let site = Site::new();
    let mut client = Client::connect(site.gateway.addr()).unwrap();
    let fields = [("Host", "a.example"), ("Authorization", JUERGEN)];
    for _ in 0..2 {
        let answer = client.request("POST", "/", &fields, &[b'x'; 100_000]).unwrap();
        assert_eq!((answer.status, &*answer.text()), (200, "jürgen Basic"));
    }
    let answer = client
        .request("POST", "/", &fields[..1], &[b'x'; 100_000])
        .unwrap();
    assert_eq!(answer.status, 401);
}

#[test]
fn a_network_is_enough_where_either_is_and_nothing_else_is_where_both_are() {
    let site = Site::new();
    let office = ("X-Forwarded-For", "10.1.2.3");
    let password = ("Authorization", ANNA);
    for (target, fields, status) in [
        ("/either", &[office][..], 200),
        ("/either", &[password], 200),
        ("/either", &[], 401),
        ("/both", &[office], 401),
        ("/both", &[password], 403),
        ("/both", &[office, password], 200),
    ] {
        assert_eq!(site.ask(target, fields).status, status, "{target} {fields:?}");
    }
}

#[test]
fn a_browser_that_asks_before_needs_no_password_and_what_it_does_then_does() {
    let site = Site::new();
    let origin = ("Origin", "https://app.example");
    let wanted = ("Access-Control-Request-Method", "PUT");
    let options = |target, fields: &[(&str, &str)]| {
        let mut client = Client::connect(site.gateway.addr()).unwrap();
        let fields = [&[("Host", "a.example")], fields].concat();
        client.request("OPTIONS", target, &fields, b"").unwrap()
    };
    let answer = options("/shared", &[origin, wanted]);
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (204, Some("https://app.example"))
    );
    for (target, fields) in [
        ("/shared", &[origin][..]),
        ("/shared", &[wanted]),
        ("/", &[origin, wanted]),
    ] {
        assert_eq!(options(target, fields).status, 401, "{target} {fields:?}");
    }
    let denied = [origin, wanted, ("X-Forwarded-For", "192.0.2.9")];
    assert_eq!(options("/shared", &denied).status, 403);
    let answer = site.ask("/shared", &[origin]);
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (401, Some("https://app.example"))
    );
    let answer = site.ask("/shared", &[origin, ("Authorization", ANNA)]);
    assert_eq!((answer.status, &*answer.text()), (200, "anna Basic"));
    assert_eq!(site.app.connections(), 1);
}

#[test]
fn the_page_of_a_refusal_is_for_the_client_that_was_refused() {
    let site = Site::new();
    let answer = site.ask("/page", &[]);
    assert_eq!((answer.status, &*answer.text()), (401, "page of /page/sorry"));
    assert!(answer.header("www-authenticate").is_some());
    assert_eq!(
        site.ask("/page/sorry", &[]).status,
        401,
        "it is not open for that"
    );
}

#[test]
fn another_file_has_other_users_at_once_and_a_bad_one_has_none() {
    let site = Site::new();
    assert_eq!(site.login("/", ANNA).0, 200);
    let (_, juergen) = USERS.split_once('\n').unwrap();
    site.users(juergen);
    eventually("anna is gone", || site.login("/", ANNA).0 == 401);
    assert_eq!(site.login("/", JUERGEN).0, 200);
    site.users("anna:geheim\n");
    eventually("nothing is known", || site.login("/", JUERGEN).0 == 500);
    let log = site
        .gateway
        .wait_errors("users:1: no hash that is known")
        .unwrap();
    assert!(log.contains("reason=\"users_failed\""), "{log}");
    site.users(USERS);
    eventually("anna is back", || site.login("/", ANNA).0 == 200);
}

#[test]
fn a_reload_has_other_users_and_a_file_that_is_none_is_refused() {
    let site = Site::new();
    assert_eq!(site.login("/", ANNA).0, 200);
    let other = site.dir.path().join("others");
    fs::write(&other, "otto:$apr1$k9ffr7FQ$joR0kSYV3w3k53z0SwPri0\n").unwrap();
    reload::reload(&site.gateway, &configuration(&other, &site.app));
    assert_eq!(site.login("/", ANNA).0, 401);
    assert_eq!(
        site.login("/", "Basic b3R0bzpnZWhlaW0="),
        (200, "otto Basic".to_owned())
    );
    fs::write(&other, "# none\notto\n").unwrap();
    let log = reload::refused(&site.gateway, &configuration(&other, &site.app));
    assert!(log.contains("others:2: no `NAME:HASH`"), "{log}");
    fs::remove_file(&other).unwrap();
    let log = reload::refused(&site.gateway, &configuration(&other, &site.app));
    assert!(log.contains("access.basic.users_file"), "{log}");
}
