//! What each field of a response head means to a gateway, and the verdict on all of them together.

use bytes::Bytes;
use http::StatusCode;

use super::line::{self, StatusLine};
use super::{AnyHead, HeadError, InterimHead, Limits, ResponseHead, Shape};
use crate::protocol::fields::{FieldLine, FieldName, FieldNames, Fields};
use crate::protocol::hop_by_hop;

/// Takes the status line, if the head starts with one; where the fields start.
fn first_line(block: &[u8], shape: Shape) -> Result<(usize, Option<StatusLine>), HeadError> {
    match shape {
        Shape::Http1 => {
            let (line, next) = line::line(block, 0).ok_or(HeadError::StatusLine)?;
            Ok((next, Some(line::http1_status_line(&block[line])?)))
        }
        _ if !block.starts_with(b"HTTP/") => Ok((0, None)),
        Shape::Cgi => Err(HeadError::Nph),
        Shape::Http => {
            let (line, next) = line::line(block, 0).ok_or(HeadError::StatusLine)?;
            Ok((next, Some(line::status_line(&block[line])?)))
        }
    }
}

/// A head whose lines were read. Names and values are parts of their block.
pub(super) struct Reading {
    shape: Shape,
    status_line: Option<StatusLine>,
    /// From a `Status` field.
    status: Option<StatusCode>,
    length: Option<u64>,
    /// A transfer coding was named.
    coded: bool,
    /// It is `chunked`.
    chunked: bool,
    /// What is relayed, and `Connection`.
    fields: Fields,
    /// Set aside until it is known whether this is a 101.
    upgrade: Option<FieldLine>,
    count: usize,
}

impl Reading {
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            shape,
            status_line: None,
            status: None,
            length: None,
            coded: false,
            chunked: false,
            fields: Fields::with_capacity(USUAL_FIELDS),
            upgrade: None,
            count: 0,
        }
    }

    /// Reads the lines at the start of `text`, the blank one included; how many bytes they have. `None` when they are
    /// not complete.
    pub(super) fn read(&mut self, text: &[u8], limits: &Limits) -> Result<Option<usize>, HeadError> {
        let (mut start, status_line) = first_line(text, self.shape)?;
        self.status_line = status_line;
        loop {
            if let Some(end) = line::behind_end(text, start) {
                return Ok(Some(end));
            }
            self.count += 1;
            if self.count > limits.fields {
                return Err(HeadError::TooManyFields(limits.fields));
            }
            let line = FieldLine::read(text, start);
            let next = line.as_ref().and_then(|(_, end)| line::behind_end(text, *end));
            let (Some((line, _)), Some(next)) = (&line, next) else {
                return line::not_a_field(text, start).map_or(Ok(None), Err);
            };
            self.add(line, text)?;
            start = next;
        }
    }

    /// The field line that was read last; `None` in front of the first.
    #[cold]
    pub(super) fn line<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let before = usize::from(self.status_line.is_some());
        let mut lines = text.split(|byte| *byte == b'\n');
        lines.nth(before + self.count.checked_sub(1)?)
    }

    fn add(&mut self, line: &FieldLine, block: &[u8]) -> Result<(), HeadError> {
        let text = &block[line.value.clone()];
        match line.name {
            FieldName::Status if self.shape != Shape::Http1 => return self.set_status(text),
            FieldName::ContentLength => return self.set_length(text),
            FieldName::TransferEncoding => return self.set_transfer_coding(text),
            FieldName::Upgrade => {
                self.upgrade = Some(line.clone());
                return Ok(());
            }
            // Those of RFC 9110, section 5.3, that an answer has.
            FieldName::ContentLocation
            | FieldName::ContentRange
            | FieldName::ContentType
            | FieldName::Etag
            | FieldName::LastModified
            | FieldName::Location
            | FieldName::RetryAfter
                if self.is_known(line.name, text, block)? =>
            {
                return Ok(());
            }
            FieldName::Date | FieldName::Server if self.fields.contains(line.name) => return Ok(()),
            FieldName::KeepAlive
            | FieldName::ProxyAuthenticate
            | FieldName::ProxyConnection
            | FieldName::Te => return Ok(()),
            // The codec knows whether they are passed on.
            FieldName::Trailer if self.shape != Shape::Http1 => return Ok(()),
            FieldName::Other if self.is_variable(&block[line.spelling.clone()]) => return Ok(()),
            _ => {}
        }
        self.fields.note(line, block);
        Ok(())
    }

    /// A status line wins over a `Status` field, which is then not even looked at.
    fn set_status(&mut self, text: &[u8]) -> Result<(), HeadError> {
        if self.status_line.is_some() {
            return Ok(());
        }
        if self.status.is_some() {
            return Err(HeadError::RepeatedStatus);
        }
        self.status = Some(line::status(text)?);
        Ok(())
    }

    fn set_length(&mut self, text: &[u8]) -> Result<(), HeadError> {
        let length = line::content_length(text).or_else(|_| line::joined_lengths(text))?;
        match self.length.replace(length) {
            Some(known) if known != length => Err(HeadError::ConflictingLength),
            _ => Ok(()),
        }
    }

    /// Whether a field that may be there once says nothing new: it is empty, which is no value (RFC 3875, section
    /// 6.3), or repeats itself.
    fn is_known(&self, name: FieldName, text: &[u8], block: &[u8]) -> Result<bool, HeadError> {
        match self.fields.noted(name, block) {
            _ if text.is_empty() => Ok(true),
            None => Ok(false),
            Some(known) if known == text => Ok(true),
            Some(_) => Err(HeadError::Conflicting(name.as_str())),
        }
    }

    /// The same for all protocols: a body in chunks is read as one, as an HTTP server's is (RFC 9112, section 6.1),
    /// `identity` is none at all, and what cannot be undone is refused. Passed on as it is, it would be taken for content.
    fn set_transfer_coding(&mut self, text: &[u8]) -> Result<(), HeadError> {
        self.chunked = text.eq_ignore_ascii_case(b"chunked");
        let known = self.chunked || text.eq_ignore_ascii_case(b"identity");
        match known && !std::mem::replace(&mut self.coded, true) {
            true => Ok(()),
            false => Err(HeadError::Coding),
        }
    }

    /// What a FastCGI authorizer tells its server (FastCGI 1.0, section 6.3).
    fn is_variable(&self, spelling: &[u8]) -> bool {
        let start = spelling.get(..VARIABLE.len());
        self.shape == Shape::Cgi && start.is_some_and(|start| start.eq_ignore_ascii_case(VARIABLE))
    }

    /// The verdict, with the bytes that the lines were read from.
    pub(super) fn finish(&mut self, block: Bytes) -> Result<AnyHead, HeadError> {
        self.fields.attach(block);
        if self.count == 0 && self.status_line.is_none() {
            return Err(HeadError::Empty);
        }
        let status = self.final_status()?;
        let upgrade = status == StatusCode::SWITCHING_PROTOCOLS;
        let close = self.closes();
        self.remove_connection_fields();
        if status.is_informational() && !upgrade {
            self.fields.remove(FieldName::Trailer);
            let fields = std::mem::take(&mut self.fields);
            return Ok(AnyHead::Interim(Box::new(InterimHead { status, fields })));
        }
        self.check_framing()?;
        if self.names_protocols(status)
            && let Some(line) = self.upgrade.take()
        {
            let block = self.fields.block().clone();
            self.fields.note(&line, &block);
        }
        if status == StatusCode::NO_CONTENT || upgrade {
            self.length = None;
        }
        Ok(AnyHead::Final(Box::new(ResponseHead {
            status,
            fields: std::mem::take(&mut self.fields),
            length: self.length,
            upgrade,
            close,
            chunked: self.chunked,
        })))
    }

    /// RFC 9112, section 6.3: which of the two is meant cannot be known; and HTTP/1.0 has no chunks.
    fn check_framing(&self) -> Result<(), HeadError> {
        let old = self.status_line.is_some_and(|line| !line.persistent);
        match self.chunked {
            true if self.length.is_some() => Err(HeadError::LengthBesideCoding),
            true if old => Err(HeadError::CodingInHttp10),
            _ => Ok(()),
        }
    }

    /// Whether `Upgrade` is about the answer and not about the connection: the protocol that was switched to, or those
    /// without which there is no answer (RFC 9110, section 15.5.22).
    fn names_protocols(&self, status: StatusCode) -> bool {
        match status {
            StatusCode::SWITCHING_PROTOCOLS => true,
            StatusCode::UPGRADE_REQUIRED => self.shape == Shape::Http1,
            _ => false,
        }
    }

    /// A status line may be interim; a `Status` field may not. Without either, CGI means 200, or 302 when
    /// there is a `Location`, absolute or not (local redirects are relayed, not followed).
    fn final_status(&self) -> Result<StatusCode, HeadError> {
        match (self.status_line, self.status) {
            (Some(line), _) => Ok(line.status),
            (None, Some(status)) if status.is_informational() => Err(HeadError::Interim(status.as_u16())),
            (None, Some(status)) => Ok(status),
            (None, None) if self.shape == Shape::Http => Err(HeadError::NoStatus),
            (None, None) if self.fields.contains(FieldName::Location) => Ok(StatusCode::FOUND),
            (None, None) => Ok(StatusCode::OK),
        }
    }

    fn closes(&self) -> bool {
        match self.status_line {
            None => true,
            Some(line) if line.persistent => self.fields.connection_has("close"),
            Some(_) => !self.fields.connection_has("keep-alive") || self.fields.connection_has("close"),
        }
    }

    /// RFC 9110, section 7.6.1: fields that `Connection` names end here. Fields without which the answer
    /// would mean something else stay, whatever names them.
    fn remove_connection_fields(&mut self) {
        if !self.fields.contains(FieldName::Connection) {
            return;
        }
        let (known, others) = hop_by_hop::named(&self.fields);
        let known = known.and(ESSENTIAL.complement());
        self.fields.remove_all(known.with(FieldName::Connection));
        for name in others {
            self.fields.remove_named(&name);
        }
    }
}

/// Fields for which room is made at once: what a PHP page with a session sends, and what we add.
const USUAL_FIELDS: usize = 15;

/// How the names of an authorizer's variables start.
const VARIABLE: &[u8] = b"Variable-";

/// Fields that a `Connection` field does not take away.
const ESSENTIAL: FieldNames = FieldNames::of(&[
    FieldName::CacheControl,
    FieldName::ContentEncoding,
    FieldName::ContentRange,
    FieldName::ContentType,
    FieldName::Date,
    FieldName::Etag,
    FieldName::Location,
    FieldName::SetCookie,
    FieldName::Vary,
    FieldName::WwwAuthenticate,
]);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(shape: Shape, text: &[u8]) -> Result<AnyHead, HeadError> {
        let mut reading = Reading::new(shape);
        let end = reading.read(text, &Limits::default())?.expect("a blank line");
        reading.finish(Bytes::copy_from_slice(&text[..end]))
    }

    fn cgi(text: &str) -> Result<ResponseHead, HeadError> {
        match read(Shape::Cgi, text.as_bytes())? {
            AnyHead::Final(head) => Ok(*head),
            AnyHead::Interim(_) => panic!("interim"),
        }
    }

    fn http(text: &str) -> Result<ResponseHead, HeadError> {
        match read(Shape::Http, text.as_bytes())? {
            AnyHead::Final(head) => Ok(*head),
            AnyHead::Interim(_) => panic!("interim"),
        }
    }

    fn listed(head: &ResponseHead) -> Vec<(&str, &str)> {
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        head.fields
            .iter()
            .map(|field| (text(field.spelling), text(field.value)))
            .collect()
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
            ("Content-Length: 5,\n\n", E::Length),
            ("Content-Length: 5, +5\n\n", E::Length),
            ("Content-Length: 5, 3\n\n", E::ConflictingLength),
            ("Content-Length: 5\nContent-Length: 3\n\n", E::ConflictingLength),
            (
                "Content-Length: 5\nContent-Length: 5, 3\n\n",
                E::ConflictingLength,
            ),
            ("Transfer-Encoding: gzip\n\n", E::Coding),
            (
                "Content-Type: a/b\nContent-Type: c/d\n\n",
                E::Conflicting("Content-Type"),
            ),
            ("Location: /a\nLocation: /b\n\n", E::Conflicting("Location")),
            ("ETag: \"a\"\nX: 1\netag: \"b\"\n\n", E::Conflicting("ETag")),
            (
                "Last-Modified: a\nLast-Modified: b\n\n",
                E::Conflicting("Last-Modified"),
            ),
            (
                "Content-Range: bytes 0-1/2\nContent-Range: bytes 0-0/2\n\n",
                E::Conflicting("Content-Range"),
            ),
            (
                "Content-Location: /a\nContent-Location: /b\n\n",
                E::Conflicting("Content-Location"),
            ),
            (
                "Retry-After: 1\nRetry-After: 2\n\n",
                E::Conflicting("Retry-After"),
            ),
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
        assert_eq!(listed(&head), [("Content-Type", "a/b"), ("X-Kept", "1")]);
        assert!(head.chunked, "read, and not passed on");
    }

    #[test]
    fn cookies_keep_their_order() {
        let head = cgi("Set-Cookie: a=1\nX: y\nSet-Cookie: b=2\nset-cookie: a=1\n\n").unwrap();
        let cookies: Vec<_> = head.fields.all(FieldName::SetCookie).collect();
        assert_eq!(cookies, [b"a=1", b"b=2", b"a=1"]);
    }

    #[test]
    fn repeats_of_single_fields_merge_when_equal() {
        let head = cgi(
            "Content-Length: 5\nContent-Length: 5, 5\nContent-Type: a\nContent-Type: a\n\
                        Date: x\nDate: y\n\n",
        )
        .unwrap();
        assert_eq!(head.length, Some(5));
        assert_eq!(listed(&head), [("Content-Type", "a"), ("Date", "x")]);
    }

    #[test]
    fn no_content_loses_its_length_and_not_modified_keeps_it() {
        let head = cgi("Status: 204\nContent-Length: 5\n\n").unwrap();
        assert_eq!((head.length, head.fields.len()), (None, 0));
        let head = cgi("Status: 304\nContent-Length: 5\n\n").unwrap();
        assert_eq!((head.length, head.fields.len()), (Some(5), 0));
    }

    #[test]
    fn upper_half_bytes_pass() {
        let head = cgi("X-Name: J\u{fc}rgen\tx\n\n").unwrap();
        assert_eq!(listed(&head), [("X-Name", "J\u{fc}rgen\tx")]);
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
            ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", Ok(200)),
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
            Ok(AnyHead::Interim(_))
        ));
        let head =
            http("HTTP/1.1 101 X\nUpgrade: WebSocket\nConnection: Upgrade\nContent-Length: 5\n\n").unwrap();
        assert!(head.upgrade);
        assert_eq!(listed(&head), [("Upgrade", "WebSocket")]);
    }

    /// Length and chunks of an answer with these fields.
    fn framing(shape: Shape, first: &str, fields: &str) -> Result<(Option<u64>, bool), HeadError> {
        match read(shape, format!("{first}{fields}\r\n").as_bytes())? {
            AnyHead::Final(head) => Ok((head.length, head.chunked)),
            AnyHead::Interim(_) => panic!("interim"),
        }
    }

    #[test]
    fn the_framing_of_an_application_is_certain_whatever_it_speaks() {
        use HeadError as E;
        for (fields, expected) in [
            ("", Ok((None, false))),
            ("Content-Length: 5\n", Ok((Some(5), false))),
            ("Content-Length: 5\nContent-Length: 5\n", Ok((Some(5), false))),
            ("Content-Length: 5, 5\n", Ok((Some(5), false))),
            ("Content-Length: 5 ,5\t, 05\n", Ok((Some(5), false))),
            ("transfer-encoding: Chunked\n", Ok((None, true))),
            ("Transfer-Encoding: identity\n", Ok((None, false))),
            (
                "Transfer-Encoding: identity\nContent-Length: 5\n",
                Ok((Some(5), false)),
            ),
            (
                "Content-Length: 5\nContent-Length: 6\n",
                Err(E::ConflictingLength),
            ),
            ("Content-Length: 5, 6\n", Err(E::ConflictingLength)),
            ("Content-Length: 5;5\n", Err(E::Length)),
            ("Content-Length: ,\n", Err(E::Length)),
            ("Transfer-Encoding: gzip\n", Err(E::Coding)),
            ("Transfer-Encoding: gzip, chunked\n", Err(E::Coding)),
            ("Transfer-Encoding: chunked, identity\n", Err(E::Coding)),
            ("Transfer-Encoding: xchunked\n", Err(E::Coding)),
            ("Transfer-Encoding:\n", Err(E::Coding)),
            (
                "Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n",
                Err(E::Coding),
            ),
            (
                "Transfer-Encoding: identity\nTransfer-Encoding: chunked\n",
                Err(E::Coding),
            ),
            (
                "Transfer-Encoding: chunked\nContent-Length: 5\n",
                Err(E::LengthBesideCoding),
            ),
            (
                "Content-Length: 5\nTransfer-Encoding: chunked\n",
                Err(E::LengthBesideCoding),
            ),
        ] {
            for (shape, first) in [
                (Shape::Cgi, "X: y\n"),
                (Shape::Http, "HTTP/1.1 200 OK\r\n"),
                (Shape::Http, "Status: 200\r\n"),
                (Shape::Http1, "HTTP/1.1 200 OK\r\n"),
            ] {
                assert_eq!(
                    framing(shape, first, fields),
                    expected,
                    "{shape:?} {first:?} {fields:?}"
                );
            }
        }
        for shape in [Shape::Http, Shape::Http1] {
            let old = framing(shape, "HTTP/1.0 200 OK\n", "Transfer-Encoding: chunked\n");
            assert_eq!(old, Err(E::CodingInHttp10), "{shape:?}");
        }
    }

    #[test]
    fn an_http_server_may_say_what_a_program_may_not() {
        let read = |text: &str| match read(Shape::Http1, text.as_bytes()) {
            Ok(AnyHead::Final(head)) => head,
            other => panic!("{other:?}"),
        };
        let head = read("HTTP/1.1 426 X\nUpgrade: websocket\nConnection: upgrade\nStatus: 200\n\n");
        assert_eq!(listed(&head), [("Status", "200"), ("Upgrade", "websocket")]);
        let head = read("HTTP/1.1 200 X\nUpgrade: h2c\nConnection: upgrade\n\n");
        assert!(head.fields.is_empty() && !head.upgrade);
    }

    #[test]
    fn interim_heads_keep_their_fields() {
        let text = b"HTTP/1.1 103 Early\r\nLink: </a>\r\nConnection: close\r\n\r\n";
        let Ok(AnyHead::Interim(head)) = read(Shape::Http1, text) else {
            panic!("no interim head");
        };
        let expected: Fields = [("Link", "</a>")].into_iter().collect();
        assert_eq!((head.status.as_u16(), head.fields), (103, expected));
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
