//! The access log: one line for every request, whatever became of it.

use std::time::Duration;

use serde_json::Value;
use testbed::{Client, Scripted};

use super::site::{Site, echo, gate};
use crate::start;

#[test]
fn a_line_says_what_happened() {
    let site = Site::new();
    let fields = [("User-Agent", "test/1 \"quoted\""), ("Referer", "http://a/")];
    site.request("POST", "/first?a=b", &fields, b"0123456789");
    let [line] = site.log(1).try_into().unwrap();
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(text("remote"), "127.0.0.1");
    assert_eq!(text("method"), "POST");
    assert_eq!(text("host"), "test.example");
    assert_eq!(text("target"), "/first?a=b");
    assert_eq!(text("version"), "HTTP/1.1");
    assert_eq!(text("user_agent"), "test/1 \"quoted\"");
    assert_eq!(text("referer"), "http://a/");
    assert_eq!(text("upstream"), "app");
    assert_eq!(text("endpoint"), site.backend.address());
    assert_eq!(line["status"], 200);
    assert_eq!(line["upstream_status"], 200);
    assert_eq!(line["attempts"], 1);
    assert_eq!(line["request_bytes"], 10);
    assert_eq!(line["response_bytes"], "POST /first?a=b 10".len());
    assert_eq!((&line["reason"], &line["rule"]), (&Value::Null, &Value::Null));
    let total = line["total_us"].as_u64().unwrap();
    for phase in ["body_us", "queue_us", "connect_us", "head_us"] {
        assert!(line[phase].as_u64().unwrap() <= total, "{line}");
    }
    assert_eq!(text("id").len(), 16);
}

#[test]
fn every_request_has_one_line() {
    let site = Site::new();
    site.request("GET", "/first", &[], b"");
    site.request("GET", "/fixed", &[], b"");
    site.request("HEAD", "/first", &[], b"");
    site.request("POST", "/small", &[], b"0123456789a");
    site.request("GET", "/%00", &[], b"");
    site.request("GET", "/", &[("Host", "a b")], b"");
    site.request("OPTIONS", "*", &[], b"");
    site.closing("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n");
    site.closing("rubbish\r\n\r\n");
    site.closing(format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000)));
    let log = site.log(10);
    // Lines are written behind their answers: those of several connections in any order.
    let mut seen: Vec<_> = log
        .iter()
        .map(|line| {
            (
                line["status"].as_u64().unwrap(),
                line["reason"].as_str().unwrap_or("-"),
            )
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            (200, "-"),
            (200, "-"),
            (200, "-"),
            (204, "-"),
            (400, "bad_host"),
            (400, "bad_path"),
            (400, "bad_request"),
            (405, "method_not_allowed"),
            (413, "body_too_large"),
            (431, "head_too_large"),
        ]
    );
    let good = log.iter().filter(|line| line["status"] == 200);
    let mut bytes: Vec<_> = good.map(|line| line["response_bytes"].as_u64()).collect();
    bytes.sort_unstable();
    assert_eq!(bytes, [Some(0), Some(6), Some(12)]);
}

#[test]
fn a_line_stays_a_line() {
    let site = Site::new();
    let mut client = site.client();
    client
        .send(b"GET /\"\xc3\xa9 HTTP/1.1\r\nHost: a\r\nUser-Agent: \"\\\xff\xe2\x80\xa8\x9b\r\nConnection: close\r\n\r\n")
        .unwrap();
    client.rest().unwrap();
    site.log(1);
}

#[test]
fn combined_lines_are_apaches() {
    let backend = Scripted::start(echo).unwrap();
    let gateway = start(&format!(
        "[log]\naccess = \"{{dir}}/access.log\"\nerror = \"{{dir}}/error.log\"\n\
         [upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{}\"]\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ));
    let mut client = Client::connect(gateway.addr()).unwrap();
    let agent = [("User-Agent", "a\"b")];
    client.request("GET", "/x", &agent, b"").unwrap();
    client.request("GET", "/%", &[], b"").unwrap();
    let lines = gateway.wait_access(2).unwrap();
    assert!(lines[0].starts_with("127.0.0.1 - - ["), "{}", lines[0]);
    assert!(
        lines[0].contains("] \"GET /x HTTP/1.1\" 200 8 \"-\" \"a\\x22b\" rt=0."),
        "{}",
        lines[0]
    );
    let up = format!("up=\"app {}\" us=200 try=1 reason=- id=", backend.address());
    assert!(lines[0].contains(&up), "{}", lines[0]);
    assert!(
        lines[1].contains(" up=\"-\" us=- try=0 reason=bad_path"),
        "{}",
        lines[1]
    );
}

#[test]
fn lines_name_the_host_that_was_asked_for() {
    let site = Site::with(
        "",
        "[upstream.gone]\nprotocol = \"scgi\"\nendpoints = [\"unix:/nonexistent/app.sock\"]\n\
         warn_unreachable = false\n[[route]]\npath = \"/gone\"\nproxy = { upstream = \"gone\" }",
    );
    let asked = [
        ("a.example", "/first"),
        ("b.example:8080", "/fixed"),
        ("c.example", "/gone"),
        ("d.example", "/%00"),
    ];
    for (host, target) in asked {
        site.request("GET", target, &[("Host", host)], b"");
        let fields = [
            (":method", "GET"),
            (":scheme", "http"),
            (":path", target),
            (":authority", host),
        ];
        site.http2().ask(&fields, b"");
    }
    let log = site.log(2 * asked.len());
    for (host, target) in asked {
        let own = log.iter().filter(|line| line["target"] == target);
        let hosts: Vec<_> = own.map(|line| line["host"].as_str()).collect();
        assert_eq!(hosts, [Some(host); 2], "{log:#?}");
    }
    let errors = site.gateway.wait_errors("host=\"c.example\"").unwrap();
    let line = errors.lines().find(|line| line.contains("c.example")).unwrap();
    assert!(
        line.contains("request failed") && line.contains("reason=\"socket_missing\""),
        "{line}"
    );
}

#[test]
fn refused_requests_are_told_apart_in_combined_lines() {
    let gateway = start(
        "[log]\naccess = \"{dir}/access.log\"\nerror = \"{dir}/error.log\"\n\
         [[route]]\nrespond = { body = \"fixed\" }\n",
    );
    let refused = [
        (
            "GET /x HTTP/1.1\r\nX Y: 1\r\n\r\n",
            "GET /x",
            "field name is no token: X Y",
        ),
        ("GET /x HTTP/1.1\r\nX: 1\rY\r\n\r\n", "GET /x", "CR without LF: X"),
        (
            "rubbish\r\n\r\n",
            "rubbish *",
            "request line is not `METHOD TARGET HTTP/1.1`",
        ),
        (
            "GET /%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "GET /%00",
            "NUL byte in the path",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX_A: 2\r\n\r\n",
            "GET /",
            "`X_A` and `X-A` become the same variable",
        ),
    ];
    for (place, (request, asked, rule)) in refused.into_iter().enumerate() {
        let mut client = Client::connect(gateway.addr()).unwrap();
        client.send(request).unwrap();
        client.rest().unwrap();
        let line = &gateway.wait_access(place + 1).unwrap()[place];
        assert!(line.contains(&format!("\"{asked} HTTP/1.1\" 400 ")), "{line}");
        assert!(line.ends_with(&format!(" rule=\"{rule}\"")), "{line}");
    }
    let mut client = Client::connect(gateway.addr()).unwrap();
    client.request("GET", "/", &[], b"").unwrap();
    let line = &gateway.wait_access(refused.len() + 1).unwrap()[refused.len()];
    assert!(!line.contains("rule="), "{line}");
}

/// A gateway whose access log has this form, in front of an application that echoes.
fn formatted(log: &str) -> Site {
    Site::with(
        "trusted_proxies = [\"127.0.0.0/8\"]",
        &format!("[log]\naccess = \"{{dir}}/access.log\"\nerror = \"{{dir}}/error.log\"\n{log}\n"),
    )
}

#[test]
fn a_line_has_the_form_that_the_configuration_says() {
    let site = formatted(
        "access_format = '$remote_addr $remote_user \"$request\" $status $body_bytes_sent $host $uri $args \
         $http_x_user $cookie_a $sent_http_content_type $upstream_name $upstream_addr $upstream_status $route $reason'",
    );
    let fields = [
        ("Host", "Shop.Example:80"),
        ("X-Forwarded-For", "192.0.2.9"),
        ("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("X-User", "a\"b"),
        ("Cookie", "a=1; b=2"),
    ];
    site.request("POST", "/first//x%41?q=1", &fields, b"0123456789");
    site.request("GET", "/fixed", &[("Host", "a")], b"");
    site.request("GET", "/%00", &[("Host", "a")], b"");
    let endpoint = site.backend.address();
    let expected = [
        format!(
            "192.0.2.9 Aladdin \"POST /first//x%41?q=1 HTTP/1.1\" 200 24 shop.example /first/xA q=1 \
             a\\x22b 1 text/plain app {endpoint} 200 / -"
        ),
        "127.0.0.1 - \"GET /fixed HTTP/1.1\" 200 6 a /fixed - - - text/plain; charset=utf-8 - - - /fixed -"
            .to_owned(),
    ];
    let lines = site.gateway.wait_access(3).unwrap();
    for line in expected {
        assert!(lines.contains(&line), "{line}\n{lines:#?}");
    }
    let refused = lines.iter().find(|line| line.ends_with(" bad_path"));
    let refused = refused.unwrap_or_else(|| panic!("{lines:#?}"));
    assert!(
        refused.starts_with("127.0.0.1 - \"GET /%00 HTTP/1.1\" 400 "),
        "{refused}"
    );
}

#[test]
fn a_form_of_json_is_json_whatever_a_client_sends() {
    let site = formatted(
        "access_format = '{\"request\":\"$request\",\"agent\":\"$http_user_agent\",\"uri\":\"$uri\",\
         \"took\":$request_time,\"upstream\":\"$upstream_response_time\",\"protocol\":\"$server_protocol\"}'\n\
         escape = \"json\"",
    );
    let agent = [("User-Agent", "\"\\ \u{fc}")];
    site.request("GET", "/fixed%0A%22x", &agent, b"");
    let mut http = site.http2();
    let get = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/first"),
        (":authority", "a"),
    ];
    http.ask(&get, b"");
    let lines = site.log(2);
    let line = |protocol: &str| {
        let found = lines.iter().find(|line| line["protocol"] == protocol);
        found.unwrap_or_else(|| panic!("{lines:#?}"))
    };
    assert_eq!(line("HTTP/1.1")["agent"], "\"\\ \u{fc}");
    assert_eq!(line("HTTP/1.1")["uri"], "/fixed\n\"x");
    assert_eq!(line("HTTP/2.0")["request"], "GET /first HTTP/2.0");
    // A control character in its path: no application is asked.
    assert_eq!(line("HTTP/1.1")["upstream"], "");
    let asked = line("HTTP/2.0")["upstream"].as_str().unwrap();
    assert!(asked.starts_with("0."), "{asked}");
    assert!(lines.iter().all(|line| line["took"].is_f64()), "{lines:#?}");
}

/// Whatever answers: an application, the gateway, or the rejection of a path.
#[test]
fn behind_a_trusted_proxy_a_line_names_the_client() {
    let site = Site::with("trusted_proxies = [\"127.0.0.0/8\"]", STATUS);
    let behind = [("X-Forwarded-For", "6.6.6.6, 192.0.2.9, 127.0.0.2")];
    let targets = ["/first", "/fixed", "/%00", "/status"];
    for target in targets {
        site.request("GET", target, &behind, b"");
    }
    for line in site.log(targets.len()) {
        assert_eq!(line["remote"], "192.0.2.9", "{line}");
    }
}

#[test]
fn what_a_stranger_says_about_the_client_is_not_in_the_line() {
    let site = Site::with("trusted_proxies = [\"10.0.0.0/8\"]", "");
    let forged = [("X-Forwarded-For", "192.0.2.9")];
    site.request("GET", "/first", &forged, b"");
    site.request("GET", "/fixed", &forged, b"");
    for line in site.log(2) {
        assert_eq!(line["remote"], "127.0.0.1", "{line}");
    }
}

#[test]
fn open_requests_are_counted_while_they_are_open() {
    let (gate, gated) = gate();
    let site = Site::scripted("", STATUS, move |connection| {
        gated.pass()?;
        echo(connection)
    });
    let open = || {
        let answer = site.request("GET", "/status", &[], b"");
        let status: Value = serde_json::from_slice(&answer.body).unwrap();
        status["counters"]["requests_open"].as_u64()
    };
    assert_eq!(open(), Some(1), "the one that asks");
    let mut client = site.client();
    client.send_request("GET", "/first", &[], b"").unwrap();
    site.backend.wait_connections(1).unwrap();
    site.gateway.wait_access(1).unwrap();
    assert_eq!(open(), Some(2));
    gate.open();
    assert_eq!(client.read_response().unwrap().status, 200);
    site.gateway.wait_access(3).unwrap();
    assert_eq!(open(), Some(1));
}

#[test]
fn a_slow_request_has_a_line_that_says_where_the_time_went() {
    let backend = Scripted::start(|connection| {
        std::thread::sleep(Duration::from_millis(60));
        echo(connection)
    })
    .unwrap();
    let gateway = start(&format!(
        "[log]\naccess = \"{{dir}}/access.log\"\nerror = \"{{dir}}/error.log\"\nslow = \"50ms\"\n\
         [upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{}\"]\n\
         [[route]]\nproxy = {{ upstream = \"app\", script_filename = \"/srv/app.py\" }}\n\
         [[route]]\npath = \"/quiet\"\nslow = \"0s\"\nproxy = {{ upstream = \"app\" }}\n\
         [[route]]\npath = \"/fast\"\nrespond = {{ body = \"fast\" }}\n",
        backend.address()
    ));
    for target in ["/quiet", "/fast", "/slow?a='"] {
        let mut client = Client::connect(gateway.addr()).unwrap();
        assert_eq!(client.request("GET", target, &[], b"").unwrap().status, 200);
    }
    let start = "[pool app] script '/srv/app.py' (request: \"GET /slow?a=\\x27\") too slow (0.";
    let log = gateway.wait_errors(start).unwrap();
    let line = log.lines().find(|line| line.contains(start)).unwrap();
    for part in [
        " WARN ",
        " queue 0.000, connect 0.",
        ", application 0.",
        ", response 0.",
        " route=\"/\" status=200 ",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert_eq!(log.matches("too slow").count(), 1, "{log}");
}

const STATUS: &str = "[[route]]\npath = \"/status\"\nstatus = { format = \"json\" }\n";
