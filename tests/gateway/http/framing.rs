//! Where a request ends. Whatever two parties could read differently must be refused, or be read in one way and
//! be the last thing on its connection.

use testbed::Response;

use super::site::Site;

/// A request that must never be seen by anybody.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";

/// A POST with these fields, and `rest` behind its head.
fn post(fields: &str, rest: &str) -> String {
    format!("POST /first HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n{rest}")
}

/// What each of these is sent gets one answer with one of `statuses`, and the connection closes.
#[track_caller]
fn refused(statuses: &[u16], requests: &[String]) {
    let site = Site::new();
    for request in requests {
        let answers = site.closing(format!("{request}{SMUGGLED}"));
        let got: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert!(
            matches!(got[..], [only] if statuses.contains(&only)),
            "{got:?} to {request:?}"
        );
    }
    assert_eq!(site.targets(), Vec::<String>::new());
    site.log(requests.len());
}

#[track_caller]
fn bodies(answers: &[Response]) -> Vec<String> {
    answers.iter().map(Response::text).collect()
}

// GH-01: CL.TE, where the length's reader takes `0 CRLF CRLF G` for the body, and TE.CL, where it leaves the end of the
// chunk in the buffer.
#[test]
fn both_framings_are_refused() {
    let mut requests = Vec::new();
    for fields in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
    ] {
        requests.push(post(fields, "0\r\n\r\n"));
        requests.push(post(fields, "5\r\nabcde\r\n0\r\n\r\n"));
    }
    refused(&[400], &requests);
}

// GH-02, GH-03: TE.TE.
#[test]
fn any_transfer_coding_but_one_chunked_is_refused() {
    let codings = [
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked,\r\n",
        "Transfer-Encoding: ,chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
        "Transfer-Encoding: chunked\x0b\r\n",
        "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding\t: chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding\0: chunked\r\n",
        "Transfer_Encoding: chunked\r\nTransfer-Encoding: xchunked\r\n",
    ];
    let requests: Vec<_> = codings.iter().map(|coding| post(coding, "0\r\n\r\n")).collect();
    refused(&[400, 501], &requests);
}

// GH-03: a tab is white space as good as a space, and the name of the coding has no case.
#[test]
fn one_chunked_in_any_spelling_is_taken() {
    let site = Site::new();
    let mut client = site.client();
    for coding in ["chunked", "Chunked", "CHUNKED", "\tchunked", "chunked \t"] {
        let fields = format!("Transfer-Encoding: {coding}\r\n");
        client.send(post(&fields, "5\r\nabcde\r\n0\r\n\r\n")).unwrap();
        assert_eq!(client.read_response().unwrap().text(), "POST /first 5");
    }
}

// GH-04
#[test]
fn http_1_0_has_no_transfer_coding() {
    let request = "POST /first HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    refused(&[400], &[request.to_owned()]);
}

// GH-05
#[test]
fn a_length_that_is_not_one_number_is_refused() {
    let values = [
        "5, 6",
        "+5",
        "-5",
        "0x5",
        "5 5",
        "5;",
        "",
        "five",
        "5.0",
        "99999999999999999999",
        "18446744073709551616",
        "\x0b5",
    ];
    let mut requests: Vec<_> = values
        .iter()
        .map(|value| post(&format!("Content-Length: {value}\r\n"), "abcde"))
        .collect();
    requests.push(post("Content-Length: 5\r\nContent-Length: 6\r\n", "abcde"));
    requests.push(post("Content-Length: 5, 5\r\n", "abcde"));
    refused(&[400], &requests);
}

// GH-05: a server may take it for one (RFC 9112, section 6.3), and need not.
#[test]
fn the_same_length_twice_is_refused() {
    refused(
        &[400],
        &[post("Content-Length: 5\r\nContent-Length: 5\r\n", "abcde")],
    );
}

// GH-06
#[test]
fn chunk_extensions_are_ignored() {
    let site = Site::new();
    let mut client = site.client();
    client
        .send(post(
            "Transfer-Encoding: chunked\r\n",
            "5;a=b\r\nabcde\r\n0005;c=\"d\"\r\nfghij\r\n0;e\r\n\r\n",
        ))
        .unwrap();
    assert_eq!(client.read_response().unwrap().text(), "POST /first 10");
    assert_eq!(site.asked().body, b"abcdefghij");
}

// GH-06, GH-07, TERM.EXT and EXT.TERM
#[test]
fn malformed_chunks_are_refused() {
    let long = format!("5;{}\r\nabcde\r\n0\r\n\r\n", "a".repeat(17 * 1024));
    let bodies = [
        "-1\r\nabcde\r\n0\r\n\r\n",
        "+5\r\nabcde\r\n0\r\n\r\n",
        "0x5\r\nabcde\r\n0\r\n\r\n",
        " 5\r\nabcde\r\n0\r\n\r\n",
        "5 5\r\nabcde\r\n0\r\n\r\n",
        "\r\nabcde\r\n0\r\n\r\n",
        "g\r\nabcde\r\n0\r\n\r\n",
        "5\nabcde\r\n0\r\n\r\n",
        "5\rabcde\r\n0\r\n\r\n",
        "5;\nabcde\r\n0\r\n\r\n",
        "5;a\nx\r\nabcde\r\n0\r\n\r\n",
        "5\r\nabcdef\r\n0\r\n\r\n",
        "5\r\nabcde0\r\n\r\n",
        "5\r\nabcde\n0\r\n\r\n",
        "5\r\nabcdeXX0\r\n\r\n",
        "10000000000000005\r\nabcde\r\n0\r\n\r\n",
        &long,
    ];
    let requests: Vec<_> = bodies
        .iter()
        .map(|body| post("Transfer-Encoding: chunked\r\n", body))
        .collect();
    refused(&[400], &requests);
}

// GH-09
#[test]
fn trailers_do_not_become_fields() {
    let site = Site::new();
    let mut client = site.client();
    let trailers =
        "Content-Length: 1\r\nAuthorization: Basic eA==\r\nX-Forwarded-For: 192.0.2.1\r\nX-Trailer: 1\r\n";
    client
        .send(post(
            "Transfer-Encoding: chunked\r\nTrailer: X-Trailer\r\n",
            &format!("5\r\nabcde\r\n0\r\n{trailers}\r\n"),
        ))
        .unwrap();
    assert_eq!(client.read_response().unwrap().status, 200);
    let asked = site.asked();
    assert_eq!(asked.param("CONTENT_LENGTH"), Some("5"));
    assert_eq!(asked.param("HTTP_X_FORWARDED_FOR"), Some("127.0.0.1"));
    for name in [
        "HTTP_AUTHORIZATION",
        "HTTP_X_TRAILER",
        "HTTP_TRAILER",
        "HTTP_CONTENT_LENGTH",
    ] {
        assert_eq!(asked.param(name), None, "{name}");
    }
}

// GH-09
#[test]
fn trailers_without_end_are_refused() {
    let endless = format!("0\r\n{}\r\n", "X-Trailer: 1\r\n".repeat(4000));
    let malformed = "0\r\nX Trailer: 1\r\n\r\n".to_owned();
    let requests = [endless, malformed].map(|body| post("Transfer-Encoding: chunked\r\n", &body));
    refused(&[400], &requests);
}

// GH-19
#[test]
fn pipelined_requests_are_answered_in_order() {
    let site = Site::new();
    let mut client = site.client();
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n");
    let requests = [
        get("/1"),
        get("/fixed"),
        post("Content-Length: 3\r\n", "abc"),
        get("/2"),
    ];
    client.send(requests.concat()).unwrap();
    let answers: Vec<_> = requests.iter().map(|_| client.read_response().unwrap()).collect();
    assert_eq!(
        bodies(&answers),
        ["GET /1 0", "fixed\n", "POST /first 3", "GET /2 0"]
    );
    site.log(4);
}

// GH-19
#[test]
fn a_refused_body_is_not_taken_for_a_request() {
    let site = Site::new();
    let length = SMUGGLED.len();
    let mut client = site.client();
    client
        .send(format!(
            "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{SMUGGLED}\
             GET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ))
        .unwrap();
    let answers = client.read_all().unwrap();
    assert_eq!(answers[0].status, 413);
    // Closed, or the body was read away: both are right.
    assert!(answers.len() <= 2);
    assert!(!site.targets().contains(&"/smuggled".to_owned()));
}

// GH-20: 0.CL and CL.0, on handlers that have no use for a body.
#[test]
fn a_body_that_nobody_wants_is_not_taken_for_a_request() {
    let site = Site::new();
    for (method, target) in [
        ("GET", "/fixed"),
        ("POST", "/fixed"),
        ("HEAD", "/fixed"),
        ("OPTIONS", "*"),
        ("DELETE", "/fixed"),
    ] {
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n",
            SMUGGLED.len()
        );
        let body = format!("{SMUGGLED}GET /fixed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        // Read away, or the end of the connection: both are right, also when the body comes behind the answer.
        let mut client = site.client();
        client.send(format!("{head}\r\n{body}")).unwrap();
        assert!(client.read_head().unwrap().status < 300);
        client.rest().unwrap();
        let mut client = site.client();
        client.send(format!("{head}\r\n")).unwrap();
        assert!(client.read_head().unwrap().status < 300);
        let _ = client.send(body);
        let rest = String::from_utf8(client.rest().unwrap()).unwrap();
        assert!(rest.matches("HTTP/1.1").count() <= 1, "{rest}");
    }
    // Every connection has ended: what was to be asked has been.
    assert_eq!(site.targets(), Vec::<String>::new());
}

// GH-20: a GET's body belongs to the GET.
#[test]
fn every_method_may_have_a_body() {
    let site = Site::new();
    let mut client = site.client();
    for method in ["GET", "DELETE", "OPTIONS", "PATCH", "PROPFIND"] {
        let answer = client.request(method, "/with", &[], SMUGGLED.as_bytes()).unwrap();
        assert_eq!(answer.text(), format!("{method} /with {}", SMUGGLED.len()));
    }
    assert!(!site.targets().contains(&"/smuggled".to_owned()));
}

// GH-12
#[test]
fn a_bare_line_feed_ends_no_line() {
    let request = "POST /first HTTP/1.1\nHost: a\nContent-Length: 5\nConnection: close\n\nabcde";
    refused(&[400], &[request.to_owned()]);
}

#[test]
fn empty_lines_before_a_request_are_skipped() {
    let site = Site::new();
    let mut client = site.client();
    client
        .send("\r\n\r\nGET /fixed HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /fixed HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    assert_eq!(client.read_response().unwrap().status, 200);
    assert_eq!(client.read_response().unwrap().status, 200);
}
