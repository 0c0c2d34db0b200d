//! What listeners and routes have of their own: the routes that answer there, limits, how long connections go on.

use testbed::{Client, Gateway, Response};

use crate::http::frames::{ACK, END_STREAM, GET, GOAWAY, HEADERS, Http2, Outcome, SETTINGS};
use crate::lifecycle::reload::reload;
use crate::start;

const CONFIG: &str = r#"
[server]
head_size = "32KiB"
head_fields = 20
keep_alive = { requests = 100 }
streams = 50
[[listen]]
address = "127.0.0.1:0"
name = "public"
[[listen]]
address = "127.0.0.1:0"
name = "admin"
head_size = "8KiB"
keep_alive = { requests = 2 }
streams = 7
[[listen]]
address = "127.0.0.1:0"
head_fields = 5
discard = 0
keep_alive = { requests = 0, lifetime = "1ms" }
[[route]]
respond = { body = "everywhere" }
[[route]]
when = { listen = "admin" }
respond = { body = "admin" }
[[route]]
host = "shop.example"
respond = { body = "shop" }
[[route]]
host = "shop.example"
path = "/own"
when = { listen = ["public", "admin"] }
respond = { body = "own" }
[[route]]
path = "/once"
keep_alive = false
respond = { body = "once" }
"#;

fn client(gateway: &Gateway, listener: usize) -> Client {
    Client::connect(gateway.addresses()[listener].parse().unwrap()).unwrap()
}

fn get(client: &mut Client, host: &str, target: &str) -> Response {
    client.request("GET", target, &[("Host", host)], b"").unwrap()
}

fn ends(answer: &Response) -> bool {
    answer.header("connection") == Some("close")
}

#[test]
fn routes_are_tied_to_listeners_and_each_has_its_default_site() {
    let gateway = start(CONFIG);
    let answers = |listener: usize, host: &str, target: &str| {
        let by_1 = get(&mut client(&gateway, listener), host, target).text();
        let mut http2 = Http2::begin(client(&gateway, listener));
        let head = GET.map(|(name, value)| match name {
            ":path" => (name, target),
            ":authority" => (name, host),
            _ => (name, value),
        });
        assert_eq!(http2.ask(&head, b""), Outcome::Answer(200, by_1.clone()));
        by_1
    };
    for (host, target, expected) in [
        ("any.example", "/", ["everywhere", "admin", "everywhere"]),
        ("shop.example", "/", ["shop"; 3]),
        ("shop.example", "/own", ["own", "own", "shop"]),
    ] {
        for (listener, expected) in expected.into_iter().enumerate() {
            assert_eq!(
                answers(listener, host, target),
                expected,
                "{host}{target} at {listener}"
            );
        }
    }
    // A name that goes to another listener takes its routes with it, also on connections that are kept.
    let mut kept = client(&gateway, 0);
    assert_eq!(get(&mut kept, "a", "/").text(), "everywhere");
    let other = CONFIG
        .replace("\"public\"\n", "\"x\"\n")
        .replace("\"admin\"\nhead", "\"public\"\nhead");
    let other = other.replace("\"x\"\n", "\"admin\"\n");
    reload(&gateway, &other);
    assert_eq!(get(&mut kept, "a", "/").text(), "admin");
    assert_eq!(answers(1, "a", "/"), "everywhere");
}

#[test]
fn each_listener_has_its_limits_of_heads() {
    let gateway = start(CONFIG);
    let long = "x".repeat(10 * 1024);
    let status = |listener: usize, fields: &[(&str, &str)]| {
        let fields = [&[("Host", "a")], fields].concat();
        let answer = client(&gateway, listener)
            .request("GET", "/", &fields, b"")
            .unwrap();
        answer.status
    };
    let many = [("A", "1"), ("B", "2"), ("C", "3"), ("D", "4"), ("E", "5")];
    assert_eq!([0, 1, 2].map(|at| status(at, &[("X", &long)])), [200, 431, 200]);
    assert_eq!([0, 1, 2].map(|at| status(at, &many)), [200, 200, 431]);
    reload(
        &gateway,
        &CONFIG
            .replace("8KiB", "16KiB")
            .replace("head_fields = 5", "head_fields = 6"),
    );
    assert_eq!([0, 1, 2].map(|at| status(at, &[("X", &long)])), [200; 3]);
    assert_eq!([0, 1, 2].map(|at| status(at, &many)), [200; 3]);
    // A body that nothing wants is dropped, or ends the connection.
    let unread = |listener: usize| {
        let mut client = client(&gateway, listener);
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
            .unwrap();
        ends(&client.read_final().unwrap())
    };
    assert_eq!([0, 1, 2].map(unread), [false, false, true]);
}

#[test]
fn a_connection_ends_after_so_many_requests_or_so_much_time() {
    let gateway = start(CONFIG);
    let mut admin = client(&gateway, 1);
    let last: Vec<bool> = (0..2).map(|_| ends(&get(&mut admin, "a", "/"))).collect();
    assert_eq!(last, [false, true]);
    let mut old = client(&gateway, 2);
    let mut asked = 0;
    // The time begins with the first byte.
    while !ends(&get(&mut old, "a", "/")) {
        asked += 1;
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(asked <= 1, "{asked} requests in a millisecond");
    let mut public = client(&gateway, 0);
    assert!((0..5).all(|_| !ends(&get(&mut public, "a", "/"))));
    assert!(ends(&get(&mut public, "a", "/once")));
    // A limit that a reload brings holds for what is kept.
    let mut kept = client(&gateway, 0);
    assert!(!ends(&get(&mut kept, "a", "/")));
    reload(&gateway, &CONFIG.replace("requests = 100", "requests = 1"));
    assert!(ends(&get(&mut kept, "a", "/")));
}

#[test]
fn a_connection_of_http_2_is_told_to_go_and_loses_no_stream() {
    let gateway = start(CONFIG);
    for (listener, most) in [(1, 2), (2, 1)] {
        let mut http2 = Http2::begin(client(&gateway, listener));
        std::thread::sleep(std::time::Duration::from_millis(5));
        for stream in 0..most {
            http2.headers(2 * stream + 1, &GET, END_STREAM);
        }
        let (mut answers, mut goodbye) = (0, false);
        while let Some((kind, flags, _, payload)) = http2.next() {
            answers += u32::from(kind == HEADERS);
            goodbye |= kind == GOAWAY;
            if kind == crate::http::frames::PING && flags & ACK == 0 {
                http2.frame(kind, ACK, 0, &payload);
            }
        }
        // One may be told before its first request.
        assert!(
            goodbye && (answers == most || listener == 2),
            "{listener}: {answers}"
        );
    }
    let mut public = Http2::begin(client(&gateway, 0));
    for stream in 0..5 {
        let answer = public.ask_on(2 * stream + 1, &GET, b"");
        assert_eq!(answer, Outcome::Answer(200, "everywhere".to_owned()));
    }
}

#[test]
fn each_listener_says_how_many_streams_it_takes() {
    let gateway = start(CONFIG);
    let said = |listener: usize| {
        let mut http2 = Http2::begin(client(&gateway, listener));
        loop {
            let (kind, flags, _, payload) = http2.next().unwrap();
            if kind == SETTINGS && flags & ACK == 0 {
                let mut settings = payload.chunks(6);
                let streams = settings.find(|setting| setting[..2] == [0, 3]).unwrap();
                return u32::from_be_bytes(streams[2..].try_into().unwrap());
            }
        }
    };
    assert_eq!([0, 1, 2].map(said), [50, 7, 50]);
}
