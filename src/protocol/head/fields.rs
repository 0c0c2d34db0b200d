//! What each field of a response head means to a gateway, and the verdict on all of them together.

use bytes::Bytes;
use http::header::{self, Entry, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::line::{self, StatusLine};
use super::name::name;
use super::{HeadError, Limits, ResponseHead, Shape};

/// A block that was read.
#[derive(Debug)]
pub(super) enum Parsed {
    /// The head of the answer.
    Final(ResponseHead),
    /// A 1xx head, which a gateway may drop (RFC 9110, section 15.2).
    Interim,
}

/// Reads a block: all lines of a head, the blank one included. Values stay slices of the block.
pub(super) fn parse(block: &Bytes, shape: Shape, limits: &Limits) -> Result<Parsed, HeadError> {
    let mut rest = &block[..];
    let status_line = first_line(&mut rest, shape)?;
    let mut fields = Fields::new(shape, status_line, limits.fields);
    while let Ok((after, line)) = line::line(rest)
        && !line.is_empty()
    {
        fields.add(block, line)?;
        rest = after;
    }
    fields.finish()
}

/// Takes the status line, if the head starts with one.
fn first_line(rest: &mut &[u8], shape: Shape) -> Result<Option<StatusLine>, HeadError> {
    let is_status_line = rest.starts_with(b"HTTP/");
    match shape {
        Shape::Cgi if is_status_line => Err(HeadError::Nph),
        Shape::Http if is_status_line => {
            let (after, line) = line::line(rest).map_err(|_| HeadError::StatusLine)?;
            *rest = after;
            line::status_line(line).map(Some)
        }
        Shape::Cgi | Shape::Http => Ok(None),
    }
}

/// The fields so far.
struct Fields {
    shape: Shape,
    status_line: Option<StatusLine>,
    /// From a `Status` field.
    status: Option<StatusCode>,
    length: Option<(u64, HeaderValue)>,
    headers: HeaderMap,
    /// The values of `Connection`, hardly ever more than one.
    connection: Vec<Bytes>,
    /// Set aside until it is known whether this is a 101.
    upgrade: Option<HeaderValue>,
    count: usize,
    limit: usize,
}

impl Fields {
    fn new(shape: Shape, status_line: Option<StatusLine>, limit: usize) -> Self {
        Self {
            shape,
            status_line,
            status: None,
            length: None,
            headers: HeaderMap::with_capacity(USUAL_FIELDS),
            connection: Vec::new(),
            upgrade: None,
            count: 0,
            limit,
        }
    }

    fn add(&mut self, block: &Bytes, line: &[u8]) -> Result<(), HeadError> {
        self.count += 1;
        if self.count > self.limit {
            return Err(HeadError::TooManyFields(self.limit));
        }
        let (found, text) = line::field(line)?;
        let name = name(found)?;
        let value = field_value(block, text)?;
        match name.as_str() {
            "status" => self.add_status(text),
            "content-length" => self.add_length(text, value),
            "content-type" => self.add_once(name, value, "Content-Type"),
            "location" => self.add_once(name, value, "Location"),
            "date" | "server" => {
                self.headers.entry(name).or_insert(value);
                Ok(())
            }
            "connection" => {
                self.connection.push(block.slice_ref(text));
                Ok(())
            }
            "upgrade" => {
                self.upgrade = Some(value);
                Ok(())
            }
            "transfer-encoding" => self.check_transfer_coding(text),
            "keep-alive" | "proxy-authenticate" | "proxy-connection" | "te" | "trailer" => Ok(()),
            other if self.shape == Shape::Cgi && other.starts_with("variable-") => Ok(()),
            _ => self.append(name, value),
        }
    }

    /// A status line wins over a `Status` field, which is then not even looked at.
    fn add_status(&mut self, text: &[u8]) -> Result<(), HeadError> {
        if self.status_line.is_some() {
            return Ok(());
        }
        if self.status.is_some() {
            return Err(HeadError::RepeatedStatus);
        }
        self.status = Some(line::status(text)?);
        Ok(())
    }

    /// The value is passed on as it is, unless it says a number in a way that others may read as octal.
    fn add_length(&mut self, text: &[u8], value: HeaderValue) -> Result<(), HeadError> {
        let length = line::content_length(text)?;
        if self.length.as_ref().is_some_and(|(known, _)| *known != length) {
            return Err(HeadError::ConflictingLength);
        }
        let plain = !text.starts_with(b"0") || text.len() == 1;
        self.length = Some((length, if plain { value } else { length.into() }));
        Ok(())
    }

    /// RFC 3875, section 6.3: an empty value is no value.
    fn add_once(
        &mut self,
        name: HeaderName,
        value: HeaderValue,
        called: &'static str,
    ) -> Result<(), HeadError> {
        if value.is_empty() {
            return Ok(());
        }
        match self.headers.try_entry(name) {
            Ok(Entry::Occupied(known)) if *known.get() != value => Err(HeadError::Conflicting(called)),
            Ok(entry) => {
                entry.or_insert(value);
                Ok(())
            }
            Err(_) => Err(HeadError::TooManyFields(self.limit)),
        }
    }

    /// RFC 3875, section 6.3.4: client-side framing is not a CGI program's business, its bytes are opaque. A
    /// program that frames on a uwsgi connection means it, and decoding is not our job here.
    fn check_transfer_coding(&self, text: &[u8]) -> Result<(), HeadError> {
        match self.shape {
            Shape::Cgi => Ok(()),
            Shape::Http if text.eq_ignore_ascii_case(b"identity") => Ok(()),
            Shape::Http => Err(HeadError::TransferEncoding),
        }
    }

    fn append(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), HeadError> {
        match self.headers.try_append(name, value) {
            Ok(_) => Ok(()),
            Err(_) => Err(HeadError::TooManyFields(self.limit)),
        }
    }

    fn finish(mut self) -> Result<Parsed, HeadError> {
        if self.count == 0 && self.status_line.is_none() {
            return Err(HeadError::Empty);
        }
        let status = self.final_status()?;
        let upgrade = status == StatusCode::SWITCHING_PROTOCOLS;
        if status.is_informational() && !upgrade {
            return Ok(Parsed::Interim);
        }
        let close = self.closes();
        self.remove_connection_fields();
        if upgrade && let Some(protocol) = self.upgrade {
            self.headers.insert(header::UPGRADE, protocol);
        }
        if status == StatusCode::NO_CONTENT || upgrade {
            self.length = None;
        }
        let length = self.length.as_ref().map(|(length, _)| *length);
        if let Some((_, value)) = self.length {
            self.headers.insert(header::CONTENT_LENGTH, value);
        }
        Ok(Parsed::Final(ResponseHead {
            status,
            headers: self.headers,
            length,
            upgrade,
            close,
        }))
    }

    /// A status line may be interim; a `Status` field may not. Without either, CGI means 200, or 302 when
    /// there is a `Location`, absolute or not (local redirects are relayed, not followed).
    fn final_status(&self) -> Result<StatusCode, HeadError> {
        match (self.status_line, self.status) {
            (Some(line), _) => Ok(line.status),
            (None, Some(status)) if status.is_informational() => Err(HeadError::Interim(status.as_u16())),
            (None, Some(status)) => Ok(status),
            (None, None) if self.shape == Shape::Http => Err(HeadError::NoStatus),
            (None, None) if self.headers.contains_key(header::LOCATION) => Ok(StatusCode::FOUND),
            (None, None) => Ok(StatusCode::OK),
        }
    }

    fn closes(&self) -> bool {
        match self.status_line {
            None => true,
            Some(line) if line.persistent => self.connection_has("close"),
            Some(_) => !self.connection_has("keep-alive") || self.connection_has("close"),
        }
    }

    fn connection_has(&self, option: &str) -> bool {
        self.connection_options()
            .any(|found| found.eq_ignore_ascii_case(option.as_bytes()))
    }

    fn connection_options(&self) -> impl Iterator<Item = &[u8]> {
        self.connection.iter().flat_map(|list| line::members(list))
    }

    /// RFC 9110, section 7.6.1: fields that `Connection` names end here. Fields without which the answer
    /// would mean something else stay, whoever names them.
    fn remove_connection_fields(&mut self) {
        for list in &self.connection {
            for option in line::members(list) {
                if let Ok(name) = HeaderName::from_bytes(option)
                    && !ESSENTIAL.contains(&name)
                {
                    self.headers.remove(name);
                }
            }
        }
    }
}

/// Text without control bytes; what is wrong with it otherwise.
fn field_value(block: &Bytes, text: &[u8]) -> Result<HeaderValue, HeadError> {
    HeaderValue::from_maybe_shared(block.slice_ref(text))
        .map_err(|_| line::check_text(text).err().unwrap_or(HeadError::ControlByte))
}

/// Fields for which room is made at once: what a PHP page with a session sends.
const USUAL_FIELDS: usize = 8;

/// Fields that a `Connection` field does not take away.
const ESSENTIAL: [HeaderName; 11] = [
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::DATE,
    header::ETAG,
    header::LOCATION,
    header::SET_COOKIE,
    header::VARY,
    header::WWW_AUTHENTICATE,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(shape: Shape, text: &[u8]) -> Result<Parsed, HeadError> {
        let block = Bytes::copy_from_slice(text);
        parse(&block, shape, &Limits::default())
    }

    fn cgi(text: &str) -> Result<ResponseHead, HeadError> {
        match read(Shape::Cgi, text.as_bytes())? {
            Parsed::Final(head) => Ok(head),
            Parsed::Interim => panic!("interim"),
        }
    }

    fn http(text: &str) -> Result<ResponseHead, HeadError> {
        match read(Shape::Http, text.as_bytes())? {
            Parsed::Final(head) => Ok(head),
            Parsed::Interim => panic!("interim"),
        }
    }

    fn listed(head: &ResponseHead) -> Vec<(&str, &[u8])> {
        let mut all: Vec<_> = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        all.sort_by_key(|(name, _)| *name);
        all
    }

    #[test]
    fn cgi_status_follows_rfc_3875() {
        for (text, status) in [
            ("Content-Type: a/b\n\n", 200),
            ("Content-Type: a/b\r\nStatus: 404\r\n\r\n", 404),
            ("Status: 404 Not Found\n\r\n", 404),
            ("status:499 Odd Thing\r\n\n", 499),
            ("Location: http://h/x\n\n", 302),
            ("Location: /path\n\n", 302),
            ("Status: 201\nLocation: http://h/x\n\n", 201),
            ("Location:\nContent-Type: a/b\n\n", 200),
            ("X-Only: 1\n\n", 200),
        ] {
            assert_eq!(cgi(text).map(|head| head.status.as_u16()), Ok(status), "{text:?}");
        }
    }

    #[test]
    fn every_broken_rule_has_its_name() {
        use HeadError as E;
        for (text, error) in [
            ("\n", E::Empty),
            ("\r\n", E::Empty),
            ("Status: abc\n\n", E::Status),
            ("Status: 200OK\n\n", E::Status),
            ("Status:\n\n", E::Status),
            ("Status: 100\n\n", E::Interim(100)),
            ("Status: 103 Early\n\n", E::Interim(103)),
            ("Status: 101\n\n", E::Interim(101)),
            ("Status: 200\nStatus: 200\n\n", E::RepeatedStatus),
            ("HTTP/1.1 201 Created\nContent-Type: a/b\n\n", E::Nph),
            ("Garbage\n\n", E::NoColon),
            ("x-a : 1\n\n", E::SpaceBeforeColon),
            (": 1\n\n", E::EmptyName),
            ("x(a: 1\n\n", E::Name),
            ("x\0a: 1\n\n", E::Name),
            ("X-A: 1\n folded\n\n", E::Folded),
            ("\tX-A: 1\n\n", E::Folded),
            ("X-A: 1\r2\n\n", E::BareCr),
            ("X-A: 1\r\r\n\n", E::BareCr),
            ("X-A: 1\0\n\n", E::ControlByte),
            ("X-A: \u{1}\n\n", E::ControlByte),
            ("X-A: \u{7f}\n\n", E::ControlByte),
            ("Content-Length: 5abc\n\n", E::Length),
            ("Content-Length:\n\n", E::Length),
            ("Content-Length: 5, 5\n\n", E::Length),
            ("Content-Length: 5\nContent-Length: 3\n\n", E::ConflictingLength),
            (
                "Content-Type: a/b\nContent-Type: c/d\n\n",
                E::Conflicting("Content-Type"),
            ),
            ("Location: /a\nLocation: /b\n\n", E::Conflicting("Location")),
        ] {
            assert_eq!(cgi(text).map(|head| head.status), Err(error), "{text:?}");
        }
    }

    #[test]
    fn hop_by_hop_fields_end_here() {
        let head = cgi(
            "Content-Type: a/b\nConnection: close, X-Secret, Content-Type\nX-Secret: 1\n\
             Keep-Alive: timeout=5\nTrailer: X\nTE: x\nUpgrade: h2c\nProxy-Connection: x\n\
             Transfer-Encoding: chunked\nVariable-USER: joe\nStatus: 200\nX-Kept: 1\n\n",
        )
        .unwrap();
        assert_eq!(
            listed(&head),
            [("content-type", b"a/b".as_slice()), ("x-kept", b"1")]
        );
    }

    #[test]
    fn cookies_keep_their_order() {
        let head = cgi("Set-Cookie: a=1\nX: y\nSet-Cookie: b=2\nset-cookie: a=1\n\n").unwrap();
        let cookies: Vec<_> = head.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2", "a=1"]);
    }

    #[test]
    fn repeats_of_single_fields_merge_when_equal() {
        let head = cgi(
            "Content-Length: 5\nContent-Length: 5\nContent-Type: a\nContent-Type: a\n\
                        Date: x\nDate: y\n\n",
        )
        .unwrap();
        assert_eq!(head.length, Some(5));
        assert_eq!(
            listed(&head),
            [
                ("content-length", b"5".as_slice()),
                ("content-type", b"a"),
                ("date", b"x")
            ]
        );
    }

    #[test]
    fn no_content_loses_its_length_and_not_modified_keeps_it() {
        let head = cgi("Status: 204\nContent-Length: 5\n\n").unwrap();
        assert_eq!((head.length, head.headers.len()), (None, 0));
        let head = cgi("Status: 304\nContent-Length: 5\n\n").unwrap();
        assert_eq!((head.length, head.headers.len()), (Some(5), 1));
    }

    #[test]
    fn upper_half_bytes_pass() {
        let head = cgi("X-Name: J\u{fc}rgen\tx\n\n").unwrap();
        assert_eq!(head.headers["x-name"].as_bytes(), "J\u{fc}rgen\tx".as_bytes());
    }

    #[test]
    fn http_head_takes_its_status_from_the_first_line() {
        for (text, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\n", Ok(200)),
            ("HTTP/1.0 404 X\n\n", Ok(404)),
            ("HTTP/1.1 200 OK\nStatus: 404\n\n", Ok(200)),
            ("HTTP/1.1 200 OK\nStatus: bad\n\n", Ok(200)),
            ("Status: 404\r\nContent-Type: a/b\r\n\r\n", Ok(404)),
            ("Status: 103\r\n\r\n", Err(HeadError::Interim(103))),
            ("Content-Type: a/b\r\n\r\n", Err(HeadError::NoStatus)),
            ("HTTP/1.1 abc\n\n", Err(HeadError::StatusLine)),
            (
                "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n",
                Err(HeadError::TransferEncoding),
            ),
            ("HTTP/1.1 200 OK\nTransfer-Encoding: identity\n\n", Ok(200)),
            ("\n", Err(HeadError::Empty)),
        ] {
            assert_eq!(http(text).map(|head| head.status.as_u16()), expected, "{text:?}");
        }
    }

    #[test]
    fn http_head_says_whether_the_peer_closes() {
        for (text, close) in [
            ("HTTP/1.1 200 OK\n\n", false),
            ("HTTP/1.1 200 OK\nConnection: keep-alive\n\n", false),
            ("HTTP/1.1 200 OK\nConnection: x, Close\n\n", true),
            ("HTTP/1.0 200 OK\n\n", true),
            ("HTTP/1.0 200 OK\nConnection: Keep-Alive\n\n", false),
            ("Status: 200\n\n", true),
        ] {
            assert_eq!(http(text).unwrap().close, close, "{text:?}");
        }
    }

    #[test]
    fn interim_heads_are_told_from_switching_protocols() {
        assert!(matches!(
            read(Shape::Http, b"HTTP/1.1 103 Early\nLink: x\n\n"),
            Ok(Parsed::Interim)
        ));
        let head =
            http("HTTP/1.1 101 X\nUpgrade: WebSocket\nConnection: Upgrade\nContent-Length: 5\n\n").unwrap();
        assert!(head.upgrade);
        assert_eq!(listed(&head), [("upgrade", b"WebSocket".as_slice())]);
    }

    #[test]
    fn fields_are_counted() {
        let text = "X: 1\n".repeat(200);
        assert!(cgi(&format!("{text}\n")).is_ok());
        assert_eq!(
            cgi(&format!("{text}Y: 2\n\n")),
            Err(HeadError::TooManyFields(200))
        );
    }
}
