//! The life of a connection: deadlines, early answers, what is read and dropped, and how a connection ends.

use std::io::Write;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use testbed::Client;

use super::frames::{DATA, END_STREAM, status_of};
use super::site::{Gate, Site, gate};

/// A site whose application answers when the gate opens, with what it was sent or not: it never reads the body.
fn early(server: &str, tables: &str) -> Site {
    Site::scripted(server, tables, |mut connection| {
        let mut record = connection.read_record()?;
        while record.kind != PARAMS || !record.content.is_empty() {
            record = connection.read_record()?;
        }
        connection.fastcgi_response(record.id, b"Content-Type: text/plain\r\n\r\nearly")
    })
}

/// A site whose application answers when the gate opens.
fn waiting(server: &str) -> (Site, Gate) {
    let (gate, gated) = gate();
    let site = Site::scripted(server, "", move |mut connection| {
        let request = connection.read_fastcgi()?;
        gated.pass()?;
        connection.fastcgi_response(request.id, b"Content-Type: text/plain\r\n\r\nlate")
    });
    (site, gate)
}

/// Nothing is said for so long that an error of the test would be seen; never waited for in a test that passes.
fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Closes with a reset, as a client does whose program has died.
fn reset(client: Client) {
    set_socket_linger(client.stream(), Some(Duration::ZERO)).unwrap();
    drop(client);
}

#[test]
fn a_head_that_takes_its_time_after_a_long_silence_is_answered() {
    let site = Site::with("timeouts = { idle = \"1500ms\", head = \"1500ms\" }", "");
    let mut client = site.client();
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().status, 200);
    pause(1000);
    client.send("GET /fixed HTTP/1.1\r\nHost").unwrap();
    // Beyond the end of the silence, within the time of the head.
    pause(1000);
    client.send(": a\r\n\r\n").unwrap();
    assert_eq!(client.read_response().unwrap().text(), "fixed\n");
    assert_eq!(site.log(2)[1]["status"], 200);
}

#[test]
fn a_head_that_comes_too_late_has_its_line_with_what_was_read() {
    let site = Site::with("timeouts = { head = \"200ms\" }", "");
    let answer = site.only("PUT /slow?x HTTP/1.1\r\nHost: a\r\nX-Part");
    assert_eq!(
        (answer.status, answer.header("bridgehead-error")),
        (408, Some("client_timeout"))
    );
    assert_eq!(answer.header("connection"), Some("close"));
    let [line] = site.log(1).try_into().unwrap();
    assert_eq!(
        (&line["status"], &line["method"], &line["target"]),
        (&408.into(), &"PUT".into(), &"/slow?x".into())
    );
}

#[test]
fn pipelined_uploads_and_a_half_close_are_all_answered() {
    let site = Site::new();
    let mut client = site.client();
    let mut wire = Vec::new();
    for place in 0..20 {
        let body = "b".repeat(place * 700);
        write!(
            wire,
            "POST /{place} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        write!(
            wire,
            "PUT /streamed?{place} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        )
        .unwrap();
    }
    client.send(&wire).unwrap();
    client.shutdown_write().unwrap();
    let answers = client.read_all().unwrap();
    let texts: Vec<_> = answers.iter().map(|answer| answer.text()).collect();
    let expected: Vec<_> = (0..20)
        .flat_map(|place| {
            [
                format!("POST /{place} {}", place * 700),
                format!("PUT /streamed?{place} 3"),
            ]
        })
        .collect();
    assert_eq!(texts, expected);
    site.log(40);
}

#[test]
fn the_end_of_a_stream_cancels_nothing_and_a_reset_does() {
    let (site, gate) = waiting("");
    let mut half = site.client();
    half.send_request("GET", "/first", &[], b"").unwrap();
    half.shutdown_write().unwrap();
    site.backend.wait_requests(1).unwrap();
    // Longer than the gateway takes to ask the socket once.
    pause(1200);
    gate.open();
    assert_eq!(half.read_response().unwrap().text(), "late");

    let site = Site::scripted("", "", |mut connection| {
        connection.read_fastcgi()?;
        connection.wait_close()?;
        Ok(())
    });
    for (place, half_closed) in [false, true].into_iter().enumerate() {
        let mut client = site.client();
        client.send_request("GET", "/first", &[], b"").unwrap();
        site.backend.wait_requests(place + 1).unwrap();
        if half_closed {
            client.shutdown_write().unwrap();
        }
        reset(client);
        site.backend.wait_ended(place + 1).unwrap();
        assert_eq!(site.log(place + 1)[place]["status"], 499);
    }
}

#[test]
fn a_small_rest_of_a_request_is_dropped_and_the_connection_lives_on() {
    let site = early("discard = \"64KiB\"", "");
    for target in ["/fixed", "/streamed"] {
        for (length, lives) in [(1, true), (64 * 1024, true), (64 * 1024 + 1, false)] {
            let mut client = site.client();
            let fields = [("Content-Length", &*length.to_string())];
            client.send_request("POST", target, &fields, b"").unwrap();
            let answer = client.read_response().unwrap();
            assert_eq!(answer.status, 200);
            let said = answer.header("connection");
            // What the application was sent of it is not known.
            if target == "/fixed" {
                assert_eq!(said, (!lives).then_some("close"), "{target} {length}");
            }
            let closes = said.is_some();
            let _ = client.send("x".repeat(length));
            let _ = client.send("GET /fixed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let answers = client.read_all().unwrap();
            assert_eq!(answers.len(), usize::from(!closes), "{target} {length}");
        }
    }
}

#[test]
fn a_streamed_upload_that_was_read_leaves_its_connection_open() {
    let site = Site::new();
    let mut client = site.client();
    for _ in 0..3 {
        let answer = client
            .request("POST", "/streamed", &[], &[b'x'; 100_000])
            .unwrap();
        assert_eq!(answer.text(), "POST /streamed 100000");
        assert_eq!(answer.header("connection"), None);
    }
}

#[test]
fn a_client_that_leaves_behind_a_streamed_upload_is_noticed() {
    let site = Site::scripted("timeouts = { head = \"300ms\" }", "", |mut connection| {
        connection.read_fastcgi()?;
        connection.wait_close()?;
        Ok(())
    });
    for (place, with_reset) in [true, false].into_iter().enumerate() {
        let mut client = site.client();
        client
            .send_request("POST", "/streamed", &[], &[b'x'; 100_000])
            .unwrap();
        site.backend.wait_requests(place + 1).unwrap();
        match with_reset {
            true => reset(client),
            false => drop(client),
        }
        site.backend.wait_ended(place + 1).unwrap();
    }
    assert!(site.log(2).iter().all(|line| line["status"] == 499));
}

#[test]
fn an_end_that_does_not_come_is_not_waited_for() {
    let site = Site::new();
    let mut client = site.client();
    client
        .send("POST /fixed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    let answer = client.read_response().unwrap();
    assert_eq!(answer.header("connection"), Some("close"));
    let _ = client.send("3\r\nabc\r\n0\r\n\r\nGET /fixed HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.rest().unwrap(), b"");
}

/// Routes that answer by themselves, whatever the body is.
const OWN: &str = "[[route]]\npath = \"/gone\"\nredirect = { to = \"https://new.example/\" }\n\
    [[route]]\npath = \"/files\"\nfiles = { alias = \"/\" }\n\
    [[route]]\npath = \"/status\"\nstatus = { format = \"json\" }\n";

#[test]
fn a_body_that_nothing_wants_is_dropped_and_the_request_behind_it_answered() {
    let site = Site::with("", OWN);
    let long = format!(
        "{}0\r\n\r\n",
        "2710\r\n".to_owned() + &"x".repeat(10_000) + "\r\n"
    );
    for (target, status) in [
        ("/fixed", 200),
        ("/gone", 302),
        ("/files/etc", 405),
        ("/status", 405),
        ("/..", 404),
        ("/%00", 400),
    ] {
        let get = "GET /fixed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        for (fields, body) in [
            ("Content-Length: 5", "hello"),
            ("Transfer-Encoding: chunked", "0\r\n\r\n"),
            (
                "Transfer-Encoding: chunked",
                "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
            ),
            ("Transfer-Encoding: chunked", &*long),
        ] {
            let head = format!("POST {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
            for at in [0, head.len(), head.len() + 2] {
                let wire = format!("{head}{body}{get}");
                let (first, rest) = wire.split_at(at);
                let mut client = site.client();
                client.send(first).unwrap();
                client.send(rest).unwrap();
                let answers = client.read_all().unwrap();
                let got: Vec<_> = answers.iter().map(|answer| answer.status).collect();
                assert_eq!(got, [status, 200], "{target} {fields} {at}");
                assert_eq!(answers[0].header("connection"), None, "{target} {fields}");
            }
        }
    }
    assert_eq!(site.backend.connections(), 0);
}

#[test]
fn more_of_a_body_than_is_dropped_ends_the_connection_and_the_answer_says_so() {
    let site = Site::with("discard = \"64KiB\"", OWN);
    for (target, status) in [("/fixed", 200), ("/gone", 302), ("/files/etc", 405)] {
        let mut client = site.client();
        let chunked = [("Transfer-Encoding", "chunked")];
        let body = format!("20000\r\n{}\r\n0\r\n\r\n", "x".repeat(0x20000));
        client
            .send_request("POST", target, &chunked, body.as_bytes())
            .unwrap();
        let answer = client.read_response().unwrap();
        let got = (answer.status, answer.header("connection"));
        assert_eq!(got, (status, Some("close")), "{target}");
        let _ = client.send("GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.rest().unwrap(), b"");
    }
}

#[test]
fn a_broken_body_that_nothing_wants_ends_the_connection_and_the_answer_says_so() {
    let site = Site::with("", OWN);
    for body in ["5\r\nhelloXX", "zz\r\n", "0\r\nno field\r\n\r\n"] {
        let answer = site.only(format!(
            "POST /fixed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}\
             GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n"
        ));
        let got = (answer.status, answer.header("connection"));
        assert_eq!(got, (200, Some("close")), "{body:?}");
    }
}

#[test]
fn a_stream_whose_body_nothing_wants_leaves_its_connection_open() {
    let site = Site::with("", OWN);
    let mut http = site.http2();
    let ask = |method, path| {
        [
            (":method", method),
            (":scheme", "http"),
            (":path", path),
            (":authority", "a"),
        ]
    };
    for (stream, path, status) in [(1, "/fixed", 200), (5, "/gone", 302), (9, "/files/etc", 405)] {
        http.headers(stream, &ask("POST", path), 0);
        assert_eq!(status_of(&http.head(stream)), status, "{path}");
        http.frame(DATA, END_STREAM, stream, b"late");
        http.headers(stream + 2, &ask("GET", "/fixed"), END_STREAM);
        assert_eq!(status_of(&http.head(stream + 2)), 200, "{path}");
    }
}

/// Sends all of 8 MiB, then reads.
fn upload(client: &Client, chunked: bool) {
    let mut stream = client.stream();
    let piece = [b'x'; 65536];
    for _ in 0..128 {
        if chunked {
            stream.write_all(b"10000\r\n").unwrap();
        }
        stream.write_all(&piece).unwrap();
        if chunked {
            stream.write_all(b"\r\n").unwrap();
        }
    }
    if chunked {
        stream.write_all(b"0\r\n\r\n").unwrap();
    }
}

#[test]
fn a_refused_upload_is_answered_though_the_client_reads_when_all_is_sent() {
    let site = Site::new();
    for chunked in [false, true] {
        let fields = match chunked {
            true => [("Transfer-Encoding", "chunked")],
            false => [("Content-Length", "8388608")],
        };
        let mut client = site.client();
        client.send_request("POST", "/small", &fields, b"").unwrap();
        upload(&client, chunked);
        let answer = client.read_response().unwrap();
        assert_eq!(
            (answer.status, answer.complete),
            (413, true),
            "chunked: {chunked}"
        );
        assert_eq!(client.rest().unwrap(), b"");
    }
}

// What is left of it is within `server.discard`.
#[test]
fn a_small_upload_that_is_refused_costs_no_connection() {
    let site = Site::new();
    let mut client = site.client();
    for _ in 0..2 {
        let body = vec![b'x'; 64 * 1024];
        let answer = client.request("POST", "/small", &[], &body).unwrap();
        assert_eq!((answer.status, answer.header("connection")), (413, None));
    }
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().status, 200);
}

#[test]
fn an_early_answer_reaches_a_client_that_reads_when_all_is_sent() {
    let site = early("", "");
    for chunked in [false, true] {
        let fields = match chunked {
            true => [("Transfer-Encoding", "chunked")],
            false => [("Content-Length", "8388608")],
        };
        // A fixed answer, and one of an application that reads nothing.
        let targets: &[&str] = if chunked {
            &["/fixed"]
        } else {
            &["/fixed", "/streamed"]
        };
        for target in targets {
            let mut client = site.client();
            client.send_request("POST", target, &fields, b"").unwrap();
            upload(&client, chunked);
            let answer = client.read_response().unwrap();
            assert_eq!((answer.status, answer.complete), (200, true), "{target}");
            assert_eq!(answer.header("connection"), Some("close"));
            assert_eq!(client.rest().unwrap(), b"");
        }
    }
}

#[test]
fn an_answer_that_ends_before_the_upload_reaches_a_client_that_reads_when_all_is_sent() {
    let site = Site::scripted("", "", |mut connection| {
        let mut record = connection.read_record()?;
        while record.kind != PARAMS || !record.content.is_empty() {
            record = connection.read_record()?;
        }
        connection.write_record(6, record.id, b"Content-Type: text/plain\r\n\r\nea")?;
        // The head goes out first.
        pause(200);
        connection.fastcgi_response(record.id, b"rly")
    });
    let mut client = site.client();
    let fields = [("Content-Length", "8388608")];
    client.send_request("POST", "/streamed", &fields, b"").unwrap();
    upload(&client, false);
    let answer = client.read_response().unwrap();
    assert_eq!((answer.text().as_str(), answer.complete), ("early", true));
    assert_eq!(client.rest().unwrap(), b"");
}

#[test]
fn a_client_that_goes_on_sending_is_not_lingered_for_without_end() {
    let site = Site::with("timeouts = { linger = \"500ms\" }", "");
    let mut client = site.client();
    let fields = [("Content-Length", "1000000000")];
    client.send_request("POST", "/small", &fields, b"").unwrap();
    assert_eq!(client.read_response().unwrap().status, 413);
    let sent = (0..1000).take_while(|_| {
        pause(10);
        client.send("more").is_ok()
    });
    assert!(sent.count() < 1000, "ten seconds of sending");
}

#[test]
fn a_client_that_waits_is_told_to_continue_also_where_the_application_finishes_without_it() {
    let site = Site::with(
        "",
        "[[route]]\npath = \"/both\"\nignore_client_abort = true\nbuffering = { request = false }\n\
         proxy = { upstream = \"app\" }",
    );
    for target in ["/finish", "/both"] {
        let mut client = site.client();
        let fields = [("Expect", "100-continue"), ("Content-Length", "5")];
        client.send_request("POST", target, &fields, b"").unwrap();
        assert_eq!(client.read_response().unwrap().status, 100, "{target}");
        client.send("abcde").unwrap();
        assert_eq!(client.read_response().unwrap().text(), format!("POST {target} 5"));
        assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().status, 200);
    }
}

#[test]
fn a_client_that_does_not_wait_to_be_asked_is_answered() {
    let site = Site::new();
    for target in ["/first", "/streamed"] {
        let mut client = site.client();
        let fields = [("Expect", "100-continue")];
        client.send_request("POST", target, &fields, b"abcde").unwrap();
        let mut answer = client.read_response().unwrap();
        if answer.status == 100 {
            answer = client.read_response().unwrap();
        }
        assert_eq!(answer.text(), format!("POST {target} 5"));
        // It was asked for, or came by itself: the next request is the next request.
        assert_eq!(
            client.request("GET", "/fixed", &[], b"").unwrap().text(),
            "fixed\n"
        );
    }
}

/// The answer of an application that breaks off behind `head` and a part of a body.
fn broken(head: &'static str) -> Site {
    Site::scripted("", "", move |mut connection| {
        let request = connection.read_fastcgi()?;
        connection.write_record(6, request.id, head.as_bytes())?;
        connection.write_record(6, request.id, b"part")
    })
}

#[test]
fn a_broken_answer_never_ends_as_if_it_were_whole() {
    for (head, version) in [
        ("Content-Type: a/b\r\n\r\n", "HTTP/1.1"),
        ("Content-Type: a/b\r\nContent-Length: 100\r\n\r\n", "HTTP/1.1"),
        ("Content-Type: a/b\r\nContent-Length: 100\r\n\r\n", "HTTP/1.0"),
        ("Content-Type: a/b\r\n\r\n", "HTTP/1.0"),
    ] {
        let site = broken(head);
        let mut client = site.client();
        client
            .send(format!("GET /streamed {version}\r\nHost: a\r\n\r\n"))
            .unwrap();
        match client.read_response() {
            Ok(answer) => assert!(
                answer.status == 502 || !answer.complete,
                "{version} {head:?} {answer:?}"
            ),
            Err(error) => assert!(format!("{error:#}").contains("reset"), "{error:#}"),
        }
        assert!(!site.log(1)[0]["reason"].is_null());
    }
}

// An answer without length and without chunks ends with the connection: whatever else ends that must not look like it.
#[test]
fn an_http_1_0_client_that_is_given_up_is_reset() {
    let site = Site::scripted("timeouts = { head = \"300ms\" }", "", |mut connection| {
        let request = connection.read_fastcgi()?;
        connection.write_record(6, request.id, b"Content-Type: a/b\r\n\r\npart")?;
        connection.wait_close()?;
        Ok(())
    });
    let mut client = site.client();
    client.send("GET /streamed HTTP/1.0\r\n\r\n").unwrap();
    client.shutdown_write().unwrap();
    let rest = client.rest().map(|rest| rest.len());
    let error = format!("{:#}", rest.expect_err("no clean end"));
    assert!(error.contains("reset"), "{error}");
    assert_eq!(site.log(1)[0]["reason"], "client_gone");
}

#[test]
fn an_http_1_0_client_that_takes_nothing_is_reset() {
    let site = Site::scripted("timeouts = { send = \"300ms\" }", "", |mut connection| {
        let request = connection.read_fastcgi()?;
        let mut answer = b"Content-Type: a/b\r\n\r\n".to_vec();
        answer.resize(16 * 1024 * 1024, b'x');
        let _ = connection.fastcgi_response(request.id, &answer);
        Ok(())
    });
    let mut client = site.client();
    client.send("GET /streamed HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(site.log(1)[0]["reason"], "client_gone");
    let error = format!(
        "{:#}",
        client.rest().map(|rest| rest.len()).expect_err("no clean end")
    );
    assert!(error.contains("reset"), "{error}");
}

#[test]
fn field_names_reach_the_client_as_the_application_spelled_them() {
    let site = Site::scripted("", "", |mut connection| {
        let request = connection.read_fastcgi()?;
        let answer = b"content-TYPE: a/b\r\nX-oDD: 1\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nbody";
        connection.fastcgi_response(request.id, answer)
    });
    let mut client = site.client();
    client
        .send_request("GET", "/first", &[("Connection", "close")], b"")
        .unwrap();
    let text = String::from_utf8(client.rest().unwrap()).unwrap();
    for line in [
        "content-TYPE: a/b",
        "X-oDD: 1",
        "set-cookie: a=1\r\nSet-Cookie: b=2",
    ] {
        assert!(text.contains(&format!("\r\n{line}\r\n")), "{text}");
    }
}

#[test]
fn half_a_preface_is_not_waited_for() {
    let site = Site::with("timeouts = { head = \"300ms\" }", "");
    // The beginning of an HTTP/2 preface, and of some methods: which of the two was meant is not known.
    for start in ["P", "PRI * HTTP/2.0\r\n\r\nS"] {
        let mut client = site.client();
        client.send(start).unwrap();
        assert_eq!(client.rest().unwrap(), b"", "{start:?}");
    }
    assert_eq!(site.only("POST /x HTTP").status, 408);
}

const PARAMS: u8 = 4;
