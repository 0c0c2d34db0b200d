use super::*;

const LIMITS: Limits = Limits { size: 400, fields: 8 };

type Read = Result<Option<(Request, Vec<u8>)>, RequestError>;

fn read(text: &[u8], step: usize) -> Read {
    let mut decoder = RequestDecoder::new(LIMITS);
    let mut src = BytesMut::new();
    for piece in text.chunks(step) {
        src.extend_from_slice(piece);
        if let Some(request) = decoder.decode(&mut src)? {
            return Ok(Some((request, src.to_vec())));
        }
    }
    Ok(None)
}

/// The same result at every split point; how much of a refused head was there does not count.
fn everywhere(text: &str) -> Read {
    let bytes = text.as_bytes();
    let whole = read(bytes, bytes.len().max(1));
    for step in 1..bytes.len() {
        assert_eq!(
            shown(&read(bytes, step)),
            shown(&whole),
            "{text:?} in pieces of {step}"
        );
    }
    whole
}

fn shown(read: &Read) -> String {
    match read {
        Ok(Some((request, _))) => request_text(request),
        Ok(None) => "incomplete".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn request_text(request: &Request) -> String {
    let fields: Vec<_> = request
        .fields
        .iter()
        .map(|field| format!("{}={}", field.spelling.escape_ascii(), field.value.escape_ascii()))
        .collect();
    format!(
        "{} {} {:?} {:?} {} {:?} {}",
        request.method,
        request.target,
        request.version,
        request.framing,
        request.persistent,
        request.authority,
        fields.join(" ")
    )
}

fn rule(text: &str) -> Option<Rule> {
    everywhere(text).err().map(|error| error.rule)
}

#[test]
fn a_plain_request_is_read_at_every_split_point() {
    let text = "GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nx-Odd:  two words \t\r\nEmpty:\r\n\r\nGET";
    let (request, rest) = everywhere(text).unwrap().unwrap();
    assert_eq!(
        request_text(&request),
        "GET /a?b=c HTTP/1.1 None true None Host=a.example x-Odd=two words Empty="
    );
    assert_eq!(rest, b"GET");
}

#[test]
fn requests_follow_one_another() {
    let mut src = BytesMut::from("GET /1 HTTP/1.1\r\nA: 1\r\n\r\n\r\nGET /2 HTTP/1.0\r\nB: 2\r\n\r\n");
    let mut decoder = RequestDecoder::new(LIMITS);
    let first = decoder.decode(&mut src).unwrap().unwrap();
    let second = decoder.decode(&mut src).unwrap().unwrap();
    assert_eq!(first.target.as_bytes(), b"/1");
    assert_eq!((second.target.as_bytes(), second.persistent), (&b"/2"[..], false));
    assert_eq!((second.fields.len(), src.len()), (1, 0));
    assert!(decoder.decode(&mut src).unwrap().is_none() && decoder.is_idle(&src));
}

#[test]
fn every_broken_rule_has_its_name() {
    let field = |line: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
    for (text, broken) in [
        ("GET / HTTP/1.1\n".to_owned(), Rule::BareLf),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n".to_owned(), Rule::BareLf),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n".to_owned(), Rule::BareLf),
        ("\nGET / HTTP/1.1\r\n".to_owned(), Rule::BareLf),
        ("GET /\rx HTTP/1.1\r\n".to_owned(), Rule::BareCr),
        ("GET /\0 HTTP/1.1\r\n".to_owned(), Rule::Control),
        ("GET /\tx HTTP/1.1\r\n".to_owned(), Rule::Control),
        ("GET /\r\n".to_owned(), Rule::RequestLine),
        ("GET  / HTTP/1.1\r\n".to_owned(), Rule::RequestLine),
        ("GET / HTTP/1.1 \r\n".to_owned(), Rule::RequestLine),
        (" GET / HTTP/1.1\r\n".to_owned(), Rule::RequestLine),
        ("GET / http/1.1\r\n".to_owned(), Rule::RequestLine),
        ("GET / HTTP/2.0\r\n".to_owned(), Rule::Version),
        ("GET / HTTP/1.2\r\n".to_owned(), Rule::Version),
        ("G(T / HTTP/1.1\r\n".to_owned(), Rule::Method),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), Rule::Target),
        ("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), Rule::Target),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), Rule::Target),
        ("\u{16}\u{3}\u{1}\0".to_owned(), Rule::Tls),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".to_owned(), Rule::ProxyLine),
        (field(" folded"), Rule::Folded),
        (field("\tfolded: 1"), Rule::Folded),
        (field("A : 1"), Rule::BlankBeforeColon),
        (field("A\t: 1"), Rule::BlankBeforeColon),
        (field("A B: 1"), Rule::FieldName),
        (field("A(: 1"), Rule::FieldName),
        (field(": 1"), Rule::FieldName),
        (field("\u{e9}: 1"), Rule::FieldName),
        (field("A"), Rule::NoColon),
        (field("A: 1\r2"), Rule::BareCr),
        (field("A: 1\r"), Rule::BareCr),
        (field("A\r: 1"), Rule::BareCr),
        (field("A: \0"), Rule::Control),
        (field("A: \u{7f}"), Rule::Control),
        (field("Host: a"), Rule::Repeated),
        (field("User-Agent: a\r\nuser-agent: a"), Rule::Repeated),
        (field("Content-Length: 5\r\nContent-Length: 5"), Rule::Repeated),
        (
            field("Content-Length: 5\r\nTransfer-Encoding: chunked"),
            Rule::LengthBesideCoding,
        ),
        (field("Content-Length: +5"), Rule::Length),
        (field("Content-Length: 5, 5"), Rule::Length),
        (field("Content-Length:"), Rule::Length),
        (field("Transfer-Encoding: gzip"), Rule::Coding),
        (field("Transfer-Encoding: gzip, chunked"), Rule::Coding),
        (
            field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
            Rule::Coding,
        ),
        (field("Transfer-Encoding:"), Rule::Coding),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            Rule::CodingInHttp10,
        ),
        (field(&format!("A: {}", "x".repeat(400))), Rule::TooLarge),
        (field(&"A: 1\r\n".repeat(8)), Rule::TooManyFields),
    ] {
        assert_eq!(rule(&text), Some(broken), "{text:?}");
    }
}

#[test]
fn an_error_names_the_field() {
    let text = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n";
    let error = everywhere(text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Content-Length is no number in digits: Content-Length"
    );
    let long = format!("GET / HTTP/1.1\r\n{} : 1\r\n\r\n", "n".repeat(100));
    assert_eq!(
        everywhere(&long).unwrap_err().field.len(),
        super::super::error::LONGEST_NAME
    );
}

#[test]
fn what_every_peer_lets_pass_is_not_refused() {
    let target = "/\"<>`{}|\\^[]?\"<>`{}|\u{e9}";
    let (request, _) = everywhere(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"))
        .unwrap()
        .unwrap();
    assert_eq!(request.target.as_bytes(), target.as_bytes());
}

#[test]
fn framing_comes_from_the_fields() {
    let framing = |fields: &str| {
        let text = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        everywhere(&text).unwrap().unwrap().0.framing
    };
    assert_eq!(framing(""), Framing::None);
    assert_eq!(framing("Content-Length: 0\r\n"), Framing::Length(0));
    assert_eq!(framing("content-length: 012\r\n"), Framing::Length(12));
    assert_eq!(framing("Transfer-Encoding: Chunked\r\n"), Framing::Chunked);
}

#[test]
fn the_connection_goes_on_as_the_version_and_the_client_say() {
    for (version, connection, persistent) in [
        ("1.1", "", true),
        ("1.1", "Connection: x, Close\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
    ] {
        let text = format!("GET / HTTP/{version}\r\n{connection}\r\n");
        assert_eq!(
            everywhere(&text).unwrap().unwrap().0.persistent,
            persistent,
            "{text:?}"
        );
    }
}

#[test]
fn the_absolute_form_has_its_authority() {
    let text = "GET http://b.example:80/x?y HTTP/1.1\r\nHost: a\r\n\r\n";
    let (request, _) = everywhere(text).unwrap().unwrap();
    assert_eq!(request.authority.as_deref(), Some(&b"b.example:80"[..]));
    assert_eq!(request.target.as_bytes(), b"/x?y");
}

#[test]
fn a_refused_request_is_shown_as_far_as_it_was_read() {
    for (text, method, target) in [
        ("GET /a HTTP/1.1\r\nHost: a\n", "GET", "/a"),
        ("GET /a HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "GET", "/a"),
        ("\r\nGE\n", "GE", ""),
        ("\n", "", ""),
    ] {
        let error = everywhere(text).unwrap_err();
        assert_eq!(
            (&error.method[..], &error.target[..]),
            (method.as_bytes(), target.as_bytes())
        );
    }
    let long = format!("GET /{}\n", "x".repeat(300));
    assert_eq!(
        everywhere(&long).unwrap_err().target.len(),
        super::super::error::SHOWN
    );
}
