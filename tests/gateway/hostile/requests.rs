//! What backends are sent: rows GC-01 to GC-19 and GU-01. GC-09 is among the faults, GC-04 and GU-02, too.

use testbed::{Client, Gateway, Scripted, ScriptedRequest};

use super::start;

struct Sent {
    id: &'static str,
    request: &'static str,
    /// Variables that the backend must get, or must not.
    params: &'static [(&'static str, Option<&'static str>)],
    body: &'static [u8],
}

const ROWS: &[Sent] = &[
    Sent {
        id: "GC-06",
        request: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        params: &[("CONTENT_LENGTH", Some("5")), ("HTTP_TRANSFER_ENCODING", None)],
        body: b"hello",
    },
    Sent {
        id: "GC-07",
        request: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        params: &[("CONTENT_LENGTH", Some("0"))],
        body: b"",
    },
    Sent {
        id: "GC-08",
        request: "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        params: &[("REQUEST_METHOD", Some("GET")), ("CONTENT_LENGTH", Some("5"))],
        body: b"hello",
    },
    Sent {
        id: "GC-10",
        request: "GET / HTTP/1.1\r\nHost: a\r\nProxy: http://evil\r\nContent_Length: 99\r\nX-Ok: 1\r\n\r\n",
        params: &[
            ("HTTP_PROXY", None),
            ("HTTP_CONTENT_LENGTH", None),
            ("HTTP_X_OK", Some("1")),
        ],
        body: b"",
    },
    Sent {
        id: "GC-10-under",
        request: "GET / HTTP/1.1\r\nHost: a\r\nX_Under: 1\r\nX.Dot: 2\r\n\r\n",
        params: &[("HTTP_X_UNDER", None), ("HTTP_X_DOT", None), ("HTTP_X.DOT", None)],
        body: b"",
    },
    Sent {
        id: "GC-11",
        request: "GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n",
        params: &[("HTTP_COOKIE", Some("a=1; b=2"))],
        body: b"",
    },
    Sent {
        id: "GC-12",
        request: "GET / HTTP/1.1\r\nHost: a\r\nX-Dup: 1\r\nX-Dup: 2\r\n\r\n",
        params: &[("HTTP_X_DUP", Some("1, 2"))],
        body: b"",
    },
    Sent {
        id: "GC-14-slash",
        request: "GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n",
        params: &[("REQUEST_URI", Some("/a%2Fb"))],
        body: b"",
    },
    Sent {
        id: "GC-14-dots",
        request: "GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n",
        params: &[("PATH_INFO", Some("/b"))],
        body: b"",
    },
    Sent {
        id: "GC-15",
        request: "GET http://b/path?q HTTP/1.1\r\nHost: b\r\n\r\n",
        params: &[("REQUEST_URI", Some("/path?q")), ("HTTP_HOST", Some("b"))],
        body: b"",
    },
    Sent {
        id: "GC-16",
        request: "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        params: &[("QUERY_STRING", Some("")), ("REQUEST_URI", Some("/"))],
        body: b"",
    },
    Sent {
        id: "GC-17",
        request: "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTpi\r\n\r\n",
        params: &[
            ("REMOTE_USER", None),
            ("AUTH_TYPE", None),
            ("HTTP_AUTHORIZATION", Some("Basic YTpi")),
        ],
        body: b"",
    },
    Sent {
        id: "GC-19",
        request: "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        params: &[("HTTP_UPGRADE", None), ("HTTP_CONNECTION", None)],
        body: b"",
    },
];

fn backend(protocol: &'static str) -> Scripted {
    Scripted::start(move |mut connection| match protocol {
        "fastcgi" => {
            let request = connection.read_fastcgi()?;
            connection.fastcgi_response(request.id, b"Status: 200\r\n\r\nok")
        }
        _ => {
            connection.read_uwsgi()?;
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
    })
    .unwrap()
}

fn gateway(protocol: &str, settings: &str, backend: &Scripted) -> Gateway {
    start(&format!(
        "[server]\ntemp_dir = \"{{dir}}\"\nhead_size = \"256KiB\"\n[upstream.app]\nprotocol = \"{protocol}\"\n{settings}\n\
         endpoints = [\"{}\"]\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ))
}

#[test]
fn variables_and_bodies() {
    for protocol in ["fastcgi", "uwsgi"] {
        let backend = backend(protocol);
        let gateway = gateway(protocol, "", &backend);
        for (number, row) in ROWS.iter().enumerate() {
            let id = row.id;
            let mut client = Client::connect(gateway.addr()).unwrap();
            client.send(row.request).unwrap();
            assert_eq!(client.read_response().unwrap().text(), "ok", "{protocol} {id}");
            let seen = &backend.wait_requests(number + 1).unwrap()[number];
            for (name, value) in row.params {
                assert_eq!(seen.param(name), *value, "{protocol} {id} {name}");
                let count = seen.params.iter().filter(|(own, _)| own == name).count();
                assert!(count <= 1, "{protocol} {id}: {name} {count} times");
            }
            assert_eq!(seen.body, row.body, "{protocol} {id}");
            assert_eq!(seen.modifiers, (0, 0), "GU-01");
        }
    }
}

/// GC-01, GC-02, GC-05, GC-18: the order and the form of the records.
fn check_records(request: &ScriptedRequest, body: usize) {
    let kinds: Vec<_> = request.records.iter().map(|record| record.kind).collect();
    let mut order = kinds.clone();
    order.dedup();
    assert_eq!(order, [1, 4, 5], "BEGIN_REQUEST, PARAMS, STDIN");
    let begin = &request.records[0];
    assert_eq!(
        begin.content,
        [0, 1, 0, 0, 0, 0, 0, 0],
        "a responder that need not keep the connection"
    );
    for record in &request.records {
        assert_eq!(record.id, 1);
        assert!(record.content.len() + usize::from(record.padding) <= 65_535);
        if record.content.is_empty() || record.kind == 1 {
            assert_eq!(record.padding, 0);
        }
    }
    for kind in [4, 5] {
        let stream: Vec<_> = request
            .records
            .iter()
            .filter(|record| record.kind == kind)
            .collect();
        let (end, pieces) = stream.split_last().unwrap();
        assert!(end.content.is_empty() && pieces.iter().all(|piece| !piece.content.is_empty()));
    }
    assert_eq!(request.body.len(), body);
    for record in request.records.iter().filter(|record| record.kind == 4) {
        whole_pairs(&record.content);
    }
}

/// PHP reads no pair across records.
fn whole_pairs(mut content: &[u8]) {
    let length = |content: &mut &[u8]| {
        let wide = content[0] >= 0x80;
        let (own, rest) = content.split_at(if wide { 4 } else { 1 });
        *content = rest;
        match wide {
            true => u32::from_be_bytes([own[0] & 0x7f, own[1], own[2], own[3]]) as usize,
            false => usize::from(own[0]),
        }
    };
    while !content.is_empty() {
        let size = length(&mut content) + length(&mut content);
        content = &content[size..];
    }
}

#[test]
fn records_of_small_and_large_requests() {
    let backend = backend("fastcgi");
    let gateway = gateway("fastcgi", "max_block = \"256KiB\"", &backend);
    let big = "v".repeat(7_000);
    let names: Vec<_> = (0..10).map(|number| format!("X-Big-{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), big.as_str())).collect();
    let rows: [(_, &[_], _); 4] = [
        ("GET", &[], 0),
        ("POST", &[], 5),
        ("POST", &[], 1024 * 1024),
        // GC-03
        ("POST", &many, 5),
    ];
    for (number, (method, headers, length)) in rows.into_iter().enumerate() {
        let mut client = Client::connect(gateway.addr()).unwrap();
        let response = client.request(method, "/", headers, &vec![b'u'; length]).unwrap();
        assert_eq!(response.text(), "ok");
        let request = &backend.wait_requests(number + 1).unwrap()[number];
        check_records(request, length);
        let big = request
            .params
            .iter()
            .filter(|(name, _)| name.starts_with("HTTP_X_BIG"));
        assert_eq!(big.count(), headers.len());
    }
}

/// GC-13: the 100 comes from us, before the application knows of the request.
#[test]
fn a_client_that_waits_for_a_go() {
    let backend = backend("fastcgi");
    let gateway = gateway("fastcgi", "", &backend);
    let mut client = Client::connect(gateway.addr()).unwrap();
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        .unwrap();
    assert_eq!(client.read_response().unwrap().status, 100);
    assert_eq!(backend.connections(), 0);
    client.send("hello").unwrap();
    assert_eq!(client.read_response().unwrap().text(), "ok");
    assert_eq!(backend.requests()[0].param("HTTP_EXPECT"), None);
}
