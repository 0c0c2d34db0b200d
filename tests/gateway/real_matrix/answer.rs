//! Answers, from their status to their last byte.

use std::time::{Duration, Instant};

use testbed::Response;

use super::deviation::Deviation;
use super::site::Site;
use super::upload::pattern;

pub(super) fn a_download_arrives_unchanged(site: &Site) {
    for size in [0, 1, 70_000, 3_000_000] {
        let answer = site.get(&format!("/download?bytes={size}"));
        assert_eq!(answer.header("content-length"), Some(size.to_string().as_str()));
        assert!(
            answer.body == pattern(size),
            "{size}: {} bytes",
            answer.body.len()
        );
    }
}

pub(super) fn statuses_are_kept(site: &Site) {
    for status in [200, 201, 404, 418, 500, 503] {
        let answer = site.get(&format!("/status?code={status}"));
        assert_eq!(
            (answer.status, answer.text()),
            (status, format!("status {status}\n"))
        );
        assert_eq!(answer.header("bridgehead-error"), None);
    }
    for status in [204, 304] {
        let answer = site.get(&format!("/status?code={status}"));
        assert_eq!((answer.status, answer.body.len()), (status, 0));
        assert_eq!(answer.header("transfer-encoding"), None);
    }
    let mut client = site.client();
    let target = format!("{}/status?code=204", site.mount());
    for _ in 0..2 {
        let answer = client.request("GET", &target, &[], b"").unwrap();
        assert_eq!((answer.status, answer.header("content-length")), (204, None));
    }
}

pub(super) fn head_is_get_without_its_body(site: &Site) {
    for path in ["/head-test", "/download?bytes=5000", "/"] {
        let (get, head) = (site.get(path), site.ask("HEAD", path, &[], b""));
        assert_eq!((head.status, head.body.len()), (get.status, 0));
        assert_eq!(fields(&head), fields(&get), "{path}");
    }
    // What follows on the same connection is not taken for the body.
    let mut client = site.client();
    let target = format!("{}/head-test", site.mount());
    client.request("HEAD", &target, &[], b"").unwrap();
    assert_eq!(
        client.request("GET", &target, &[], b"").unwrap().text(),
        "0123456789"
    );
}

/// Without those that differ from second to second, and in a stable order.
fn fields(answer: &Response) -> Vec<(String, String)> {
    let mut fields = answer.headers.clone();
    fields.retain(|(name, _)| name != "date");
    fields.sort();
    fields
}

pub(super) fn cookies_stay_apart_and_in_order(site: &Site) {
    let answer = site.get("/cookies?count=40");
    let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    let cookies: Vec<_> = cookies.map(|(_, value)| value.clone()).collect();
    let expected: Vec<_> = (0..40).map(|i| format!("c{i}=v{i}")).collect();
    assert_eq!(cookies, expected);
}

pub(super) fn a_redirect_reaches_the_client(site: &Site) {
    let answer = site.get("/redirect?to=https://other.example/x%3Fy");
    let location = answer.header("location");
    assert_eq!(
        (answer.status, location),
        (302, Some("https://other.example/x?y"))
    );
    let answer = site.get("/redirect?to=/local&code=307");
    assert_eq!((answer.status, answer.header("location")), (307, Some("/local")));
}

pub(super) fn a_large_head_passes_and_a_larger_one_is_refused(site: &Site) {
    let answer = site.get("/headers?count=60&size=1000");
    assert_eq!(answer.status, 200);
    let big = answer
        .headers
        .iter()
        .filter(|(name, _)| name.starts_with("x-big-"));
    assert!(big.clone().count() == 60 && big.clone().all(|(_, value)| value.len() == 1000));
    let one = site.get("/headers?count=1&size=60000");
    assert_eq!(one.header("x-big-0").map(str::len), Some(60_000));

    let refused = site.get("/headers?count=70&size=1000");
    let reason = refused.header("bridgehead-error").map(str::to_owned);
    assert_eq!(refused.status, 502, "{reason:?}");
    if site.deviates(Deviation::OwnHeadLimit) {
        assert!(matches!(
            reason.as_deref(),
            Some("backend_closed" | "bad_response")
        ));
    } else {
        assert_eq!(reason.as_deref(), Some("bad_response_head"));
        let refused = site.get("/headers?count=1&size=70000");
        assert_eq!(
            (refused.status, refused.header("bridgehead-error")),
            (502, Some("bad_response_head"))
        );
    }
}

pub(super) fn a_stream_arrives_piece_by_piece(site: &Site) {
    assert_piecewise(
        site,
        &format!("/stream?chunks=3&ms={PAUSE}"),
        "chunk 0\n",
        "chunk 2\n",
    );
}

pub(super) fn events_are_not_held_back(site: &Site) {
    assert_piecewise(
        site,
        &format!("/events?count=3&ms={PAUSE}"),
        "data: 0\n\n",
        "data: 2\n\n",
    );
}

/// The application pauses twice between the first piece and the last one: who sees the first well before the
/// last has seen it before the last was made.
fn assert_piecewise(site: &Site, path: &str, first: &str, last: &str) {
    let mut client = site.client();
    let target = format!("{}{path}", site.mount());
    client.send_request("GET", &target, &[], b"").unwrap();
    let head = client.read_head().unwrap();
    assert_eq!(
        (head.status, head.header("transfer-encoding")),
        (200, Some("chunked"))
    );
    let start = client.take(framed(first).len()).unwrap();
    assert_eq!(String::from_utf8_lossy(&start), framed(first));
    let seen = Instant::now();
    let middle = client.take(framed(first).len()).unwrap();
    let end = client.take(framed(last).len() + FINAL.len()).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&end),
        format!("{}{FINAL}", framed(last)),
        "after {middle:?}"
    );
    let gap = seen.elapsed();
    assert!(
        gap >= Duration::from_millis(PAUSE),
        "the pieces came within {gap:?}"
    );
}

/// One chunk.
fn framed(piece: &str) -> String {
    format!("{:X}\r\n{piece}\r\n", piece.len())
}

pub(super) fn a_client_that_leaves_ends_the_exchange(site: &Site) {
    let mut client = site.client();
    let target = format!("{}/stream?chunks=1000&ms=20&leaving", site.mount());
    client.send_request("GET", &target, &[], b"").unwrap();
    client.read_head().unwrap();
    client.take(5).unwrap();
    let during = site.connections();
    drop(client);
    // Twenty seconds of the stream were left.
    testbed::eventually("the connection is closed", || site.connections() < during);
    assert_eq!(site.logged("leaving")["reason"], "client_gone");
}

const PAUSE: u64 = 120; // milliseconds
const FINAL: &str = "0\r\n\r\n";
