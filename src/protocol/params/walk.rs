//! The one walk over the variables of a request, for every protocol.
//!
//! The list is the union that satisfies every application (RFC 3875, section 4.1, and the conventions of the
//! servers that people migrate from). A client can only ever create `HTTP_*`: every other name is a literal
//! here or comes from the operator's `params`.

use super::{Name, PathInfo, Sink, Style, StyleKind, Value};
use crate::protocol::fields::{FieldName, FieldNames};
use crate::protocol::tls::{ClientTls, Holder};
use crate::protocol::{EncodeError, RequestHead};

/// What we are: a product and its version.
pub const SOFTWARE: &str = concat!("bridgehead/", env!("CARGO_PKG_VERSION"));

/// `SERVER_SOFTWARE`. Applications look into it for the name of a server that they know, and do less where they find
/// none: WordPress has no addresses without `index.php` then. What they do for nginx is right for us.
const SERVER_SOFTWARE: &str = concat!("bridgehead/", env!("CARGO_PKG_VERSION"), " (like nginx)");

/// Gives every variable of the request to the sink, each name once.
///
/// SCGI wants `CONTENT_LENGTH` first and `SCGI` after it; everywhere else the order carries no meaning. Of the protocols,
/// FastCGI alone says where a body ends whose length is not known (section 5.3).
pub fn walk(head: &RequestHead, style: &Style, sink: &mut impl Sink) -> Result<(), EncodeError> {
    if head.chunked && style.kind != StyleKind::FastCgi {
        return Err(EncodeError::LengthRequired);
    }
    if head.extra.is_empty() {
        return Walk { head, style, sink }.run();
    }
    let mut sink = Overriding {
        names: &head.extra,
        inner: sink,
    };
    Walk {
        head,
        style,
        sink: &mut sink,
    }
    .run()?;
    for (name, value) in head.extra.iter() {
        sink.inner.param(Name::Plain(name), Value::One(value))?;
    }
    Ok(())
}

struct Walk<'a, S> {
    head: &'a RequestHead,
    style: &'a Style,
    sink: &'a mut S,
}

impl<S: Sink> Walk<'_, S> {
    fn run(mut self) -> Result<(), EncodeError> {
        self.body()?;
        self.request()?;
        self.user()?;
        self.script()?;
        self.server()?;
        self.connection()?;
        self.forwarding()?;
        self.fields()
    }

    /// A value that cannot hold a NUL, by its type.
    #[inline(always)]
    fn text(&mut self, name: &'static str, value: &[u8]) -> Result<(), EncodeError> {
        self.sink.text(name, value)
    }

    /// A value that was put together from bytes.
    #[inline(always)]
    fn bytes(&mut self, name: &'static str, value: &[u8]) -> Result<(), EncodeError> {
        self.sink.bytes(name, value)
    }

    /// A path that continues with what is behind the script.
    #[inline(always)]
    fn path(&mut self, name: &'static str, start: &[u8], path_info: &[u8]) -> Result<(), EncodeError> {
        match (start, path_info) {
            (whole, []) | ([], whole) => self.bytes(name, whole),
            _ => self
                .sink
                .param(Name::Literal(name), Value::Pair(start, path_info)),
        }
    }

    /// `CONTENT_LENGTH` if and only if there is a body (RFC 3875, section 4.1.2); SCGI always has it.
    fn body(&mut self) -> Result<(), EncodeError> {
        let scgi = self.style.kind == StyleKind::Scgi;
        if let Some(length) = self.head.content_length.or(scgi.then_some(0)) {
            self.sink
                .param(Name::Literal("CONTENT_LENGTH"), Value::Number(length))?;
        }
        if scgi {
            self.text("SCGI", b"1")?;
        }
        match self.head.fields.get(FieldName::ContentType) {
            Some(kind) => self.text("CONTENT_TYPE", kind),
            None => Ok(()),
        }
    }

    fn request(&mut self) -> Result<(), EncodeError> {
        let head = self.head;
        self.text("REQUEST_METHOD", head.method_onward().as_str().as_bytes())?;
        self.text("QUERY_STRING", head.target.query().unwrap_or_default())?;
        self.text("REQUEST_URI", head.asked())?;
        // uWSGI mirrors this into its status line, and old applications parse it: HTTP/2 is not theirs to
        // know (reference, section 2.3).
        let version = if head.version == http::Version::HTTP_10 {
            "HTTP/1.0"
        } else {
            "HTTP/1.1"
        };
        self.text("SERVER_PROTOCOL", version.as_bytes())
    }

    /// The name that the client has proved to have (RFC 3875, sections 4.1.1 and 4.1.11). A field cannot make either name.
    fn user(&mut self) -> Result<(), EncodeError> {
        let routed = self.head.routed.as_deref();
        match routed.and_then(|routed| routed.user.as_deref()) {
            Some(user) => {
                self.text("AUTH_TYPE", b"Basic")?;
                self.bytes("REMOTE_USER", user)
            }
            None => Ok(()),
        }
    }

    fn script(&mut self) -> Result<(), EncodeError> {
        let script = &self.head.script;
        self.bytes("SCRIPT_NAME", &script.name)?;
        let path_info = match self.style.path_info {
            PathInfo::Decoded => &script.path_info,
            PathInfo::Encoded => &script.path_info_encoded,
        };
        let empty_path_info = self.style.empty_path_info && !script.php;
        if !path_info.is_empty() || empty_path_info {
            self.bytes("PATH_INFO", path_info)?;
        }
        self.path("DOCUMENT_URI", &script.name, &script.path_info)?;
        if let Some(filename) = &script.filename {
            self.bytes("SCRIPT_FILENAME", filename)?;
        }
        if let Some(root) = &script.document_root {
            self.bytes("DOCUMENT_ROOT", root)?;
            // PHP could run it in place of the script (reference, section 5.3): only where an empty
            // PATH_INFO is fine, which is everywhere but there.
            if empty_path_info && !script.path_info.is_empty() {
                self.path("PATH_TRANSLATED", root, &script.path_info)?;
            }
        }
        if self.style.kind == StyleKind::FastCgi {
            // php-cgi built with force-redirect refuses requests without it.
            self.text("REDIRECT_STATUS", b"200")?;
        }
        Ok(())
    }

    fn server(&mut self) -> Result<(), EncodeError> {
        self.text("GATEWAY_INTERFACE", b"CGI/1.1")?;
        self.text("SERVER_SOFTWARE", SERVER_SOFTWARE.as_bytes())?;
        let head = self.head;
        self.text("SERVER_NAME", &head.server_name())?;
        self.text("REQUEST_SCHEME", head.client.scheme().as_bytes())?;
        // Absent without TLS: PHP applications test for "not empty".
        if head.client.secure {
            self.text("HTTPS", b"on")?;
        }
        match &head.client.tls {
            Some(tls) => self.tls(tls),
            None => Ok(()),
        }
    }

    /// The names are those that nginx has for its variables, in upper case: Apache's where both have one.
    fn tls(&mut self, tls: &ClientTls) -> Result<(), EncodeError> {
        self.text("SSL_PROTOCOL", tls.version.as_bytes())?;
        self.text("SSL_CIPHER", tls.cipher.as_bytes())?;
        self.text("SSL_SESSION_REUSED", tls.reused().as_bytes())?;
        if let Some(name) = &tls.server_name {
            self.text("SSL_SERVER_NAME", name.as_bytes())?;
        }
        if let Some(verify) = tls.verify() {
            self.text("SSL_CLIENT_VERIFY", verify.as_bytes())?;
        }
        match &tls.holder {
            Some(holder) => self.holder(holder),
            None => Ok(()),
        }
    }

    fn holder(&mut self, holder: &Holder) -> Result<(), EncodeError> {
        self.text("SSL_CLIENT_S_DN", holder.subject.as_bytes())?;
        self.text("SSL_CLIENT_I_DN", holder.issuer.as_bytes())?;
        self.text("SSL_CLIENT_SERIAL", holder.serial.as_bytes())?;
        self.text("SSL_CLIENT_FINGERPRINT", holder.fingerprint.as_bytes())?;
        self.text("SSL_CLIENT_V_START", holder.valid_from.as_bytes())?;
        self.text("SSL_CLIENT_V_END", holder.valid_to.as_bytes())
    }

    fn connection(&mut self) -> Result<(), EncodeError> {
        let client = &self.head.client;
        match &client.remote {
            Some(remote) => {
                self.text("REMOTE_ADDR", remote.ip())?;
                self.text("REMOTE_PORT", remote.port())?;
            }
            // Applications read it without asking whether it exists.
            None => self.text("REMOTE_ADDR", b"")?,
        }
        if let Some(local) = &client.local {
            self.text("SERVER_ADDR", local.ip())?;
        }
        match (client.forwarded_port, &client.local) {
            (Some(port), _) => {
                let port = Value::Number(port.into());
                self.sink.param(Name::Literal("SERVER_PORT"), port)
            }
            (None, Some(local)) => self.text("SERVER_PORT", local.port()),
            (None, None) => self.text("SERVER_PORT", if client.secure { b"443" } else { b"80" }),
        }
    }

    fn forwarding(&mut self) -> Result<(), EncodeError> {
        let forwarding = self.head.forwarding();
        self.text("HTTP_X_FORWARDED_PROTO", forwarding.proto.as_bytes())?;
        if let Some(host) = forwarding.host {
            self.text("HTTP_X_FORWARDED_HOST", host)?;
        }
        if let Some(chain) = forwarding.chain {
            self.text("HTTP_X_FORWARDED_FOR", chain)?;
        }
        match forwarding.ip {
            Some(ip) => self.text("HTTP_X_REAL_IP", ip),
            None => Ok(()),
        }
    }

    /// `HTTP_*`: several fields of one name become one variable (RFC 3875, section 4.1.18).
    fn fields(&mut self) -> Result<(), EncodeError> {
        let fields = &self.head.fields;
        let left_out = self.left_out();
        for field in fields.iter() {
            if field.again || left_out.contains(field.name) {
                continue;
            }
            if fields.is_repeated(&field) {
                let separator = separator(field.name);
                let (name, field) = (Name::of(&field), &field);
                let value = Value::Joined {
                    fields,
                    field,
                    separator,
                };
                self.sink.param(name, value)?;
            } else if field.name == FieldName::Other {
                self.sink
                    .param(Name::Field(field.spelling), Value::Text(field.value))?;
            } else {
                self.text(field.name.variable(), field.value)?;
            }
        }
        Ok(())
    }

    /// The fields that become no variable.
    fn left_out(&self) -> FieldNames {
        match self.head.upgrade {
            true => LEFT_OUT
                .without(FieldName::Connection)
                .without(FieldName::Upgrade),
            false => LEFT_OUT,
        }
    }
}

/// The front end has removed most of these; a codec that is used on its own must not open the holes again.
const LEFT_OUT: FieldNames = FieldNames::of(&[
    // Also variables of their own; Gunicorn breaks on the second form (reference, section 2.9).
    FieldName::ContentLength,
    FieldName::ContentType,
    FieldName::Connection,
    FieldName::Expect,
    FieldName::Http2Settings,
    FieldName::KeepAlive,
    FieldName::Proxy,
    FieldName::ProxyAuthorization,
    FieldName::ProxyConnection,
    FieldName::Te,
    FieldName::Trailer,
    FieldName::TransferEncoding,
    FieldName::Upgrade,
]);

/// Cookie crumbs are joined as HTTP/2 demands (RFC 9113, section 8.2.3): PHP cannot parse a comma.
fn separator(name: FieldName) -> &'static [u8] {
    match name {
        FieldName::Cookie => b"; ",
        _ => b", ",
    }
}

/// Drops the variables that the route sets itself, so that no name is sent twice.
struct Overriding<'a, S> {
    names: &'a [(String, bytes::Bytes)],
    inner: &'a mut S,
}

impl<S: Sink> Sink for Overriding<'_, S> {
    fn param(&mut self, name: Name<'_>, value: Value<'_>) -> Result<(), EncodeError> {
        if self.names.iter().any(|(own, _)| name.is(own)) {
            return Ok(());
        }
        self.inner.param(name, value)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::{Method, Version};

    use super::super::List;
    use super::*;
    use crate::protocol::Target;
    use crate::protocol::peer::Peer;
    use crate::protocol::request::{Client, ForwardedFor, RequestId, Script};

    const CGI: Style = Style {
        path_info: PathInfo::Decoded,
        empty_path_info: true,
        kind: StyleKind::Uwsgi,
    };

    fn head(fields: &[(&str, &str)]) -> RequestHead {
        let peer = |text: &str| Some(Peer::from(text.parse::<std::net::SocketAddr>().unwrap()));
        RequestHead {
            method: Method::GET,
            target: Target::from_static("/app/a%20b?x=1"),
            version: Version::HTTP_2,
            fields: fields.iter().copied().collect(),
            client: Client {
                remote: peer("192.0.2.7:40000"),
                local: peer("198.51.100.1:8080").map(Arc::new),
                forwarded_for: ForwardedFor::Nothing,
                forwarded_host: None,
                secure: false,
                tls: None,
                forwarded_port: None,
                announced: None,
            },
            script: Script {
                name: Bytes::from_static(b"/app"),
                path_info: Bytes::from_static(b"/a b"),
                path_info_encoded: Bytes::from_static(b"/a%20b"),
                ..Script::default()
            },
            server_name: None,
            host: None,
            content_length: None,
            chunked: false,
            upgrade: false,
            trailers: false,
            extra: Arc::from([]),
            routed: None,
            id: RequestId(1),
        }
    }

    fn walked(head: &RequestHead, style: &Style) -> List {
        let mut list = List::default();
        walk(head, style, &mut list).unwrap();
        list
    }

    fn text(list: &List, name: &str) -> Option<String> {
        list.first(name)
            .map(|value| String::from_utf8(value.to_vec()).unwrap())
    }

    #[test]
    fn the_variables_of_a_plain_request() {
        let list = walked(&head(&[("host", "shop.example:8080"), ("accept", "*/*")]), &CGI);
        let expected = [
            ("REQUEST_METHOD", "GET"),
            ("QUERY_STRING", "x=1"),
            ("REQUEST_URI", "/app/a%20b?x=1"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("SCRIPT_NAME", "/app"),
            ("PATH_INFO", "/a b"),
            ("DOCUMENT_URI", "/app/a b"),
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("SERVER_SOFTWARE", SERVER_SOFTWARE),
            ("SERVER_NAME", "shop.example"),
            ("REQUEST_SCHEME", "http"),
            ("REMOTE_ADDR", "192.0.2.7"),
            ("REMOTE_PORT", "40000"),
            ("SERVER_ADDR", "198.51.100.1"),
            ("SERVER_PORT", "8080"),
            ("HTTP_X_FORWARDED_PROTO", "http"),
            ("HTTP_X_FORWARDED_HOST", "shop.example:8080"),
            ("HTTP_X_REAL_IP", "192.0.2.7"),
            ("HTTP_HOST", "shop.example:8080"),
            ("HTTP_ACCEPT", "*/*"),
        ];
        let found: Vec<_> = list.0.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(n, v)| (n.as_bytes(), v.as_bytes()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_client_over_tls_is_told_of_and_so_is_its_certificate() {
        let names = [
            "HTTPS",
            "REQUEST_SCHEME",
            "SSL_PROTOCOL",
            "SSL_CLIENT_VERIFY",
            "SSL_CLIENT_S_DN",
        ];
        let values = |head: &RequestHead| {
            let list = walked(head, &CGI);
            names.map(|name| text(&list, name).unwrap_or_default())
        };
        let mut head = head(&[("ssl-client-verify", "SUCCESS")]);
        assert_eq!(values(&head), ["", "http", "", "", ""]);
        let mut tls = ClientTls {
            version: "TLSv1.3",
            ..ClientTls::default()
        };
        head.client.secure = true;
        head.client.tls = Some(Arc::new(tls.clone()));
        assert_eq!(values(&head), ["on", "https", "TLSv1.3", "", ""]);
        tls.asked = true;
        head.client.tls = Some(Arc::new(tls.clone()));
        assert_eq!(values(&head), ["on", "https", "TLSv1.3", "NONE", ""]);
        let subject = "CN=ann,O=Shop".to_owned();
        tls.holder = Some(Box::new(Holder {
            subject,
            ..Holder::default()
        }));
        head.client.tls = Some(Arc::new(tls));
        assert_eq!(
            values(&head),
            ["on", "https", "TLSv1.3", "SUCCESS", "CN=ann,O=Shop"]
        );
    }

    #[test]
    fn our_own_address_is_the_name_where_the_client_has_none() {
        let mut head = head(&[]);
        assert_eq!(
            text(&walked(&head, &CGI), "SERVER_NAME").as_deref(),
            Some("198.51.100.1")
        );
        let local: std::net::SocketAddr = "[2001:db8::1]:80".parse().unwrap();
        head.client.local = Some(Arc::new(local.into()));
        let list = walked(&head, &CGI);
        assert_eq!(text(&list, "SERVER_NAME").as_deref(), Some("[2001:db8::1]"));
        assert_eq!(text(&list, "SERVER_ADDR").as_deref(), Some("2001:db8::1"));
    }

    #[test]
    fn the_port_follows_what_a_trusted_proxy_says() {
        let mut head = head(&[]);
        head.client.secure = true;
        assert_eq!(text(&walked(&head, &CGI), "SERVER_PORT").as_deref(), Some("8080"));
        head.client.forwarded_port = Some(443);
        let list = walked(&head, &CGI);
        assert_eq!(text(&list, "SERVER_PORT").as_deref(), Some("443"));
        assert_eq!(text(&list, "SERVER_ADDR").as_deref(), Some("198.51.100.1"));
        head.client.local = None;
        assert_eq!(text(&walked(&head, &CGI), "SERVER_PORT").as_deref(), Some("443"));
    }

    #[test]
    fn repeated_fields_become_one_variable() {
        let fields = [
            ("cookie", "a=1"),
            ("x-dup", "1"),
            ("Cookie", "b=2"),
            ("X-Dup", "2"),
        ];
        let list = walked(&head(&fields), &CGI);
        assert_eq!(text(&list, "HTTP_COOKIE").as_deref(), Some("a=1; b=2"));
        assert_eq!(text(&list, "HTTP_X_DUP").as_deref(), Some("1, 2"));
        assert_eq!(
            list.0
                .iter()
                .filter(|(name, _)| name.as_ref() == b"HTTP_COOKIE")
                .count(),
            1
        );
    }

    #[test]
    fn scgi_starts_with_the_length_and_its_mark() {
        let style = Style {
            kind: StyleKind::Scgi,
            ..CGI
        };
        let list = walked(&head(&[]), &style);
        let first: Vec<_> = list
            .0
            .iter()
            .take(2)
            .map(|(n, v)| (n.as_ref(), v.as_ref()))
            .collect();
        assert_eq!(first, [(&b"CONTENT_LENGTH"[..], &b"0"[..]), (b"SCGI", b"1")]);
    }

    #[test]
    fn a_length_exists_only_with_a_body() {
        let mut head = head(&[("content-length", "9"), ("content-type", "text/x")]);
        assert_eq!(text(&walked(&head, &CGI), "CONTENT_LENGTH"), None);
        head.content_length = Some(0);
        let list = walked(&head, &CGI);
        assert_eq!(text(&list, "CONTENT_LENGTH").as_deref(), Some("0"));
        assert_eq!(text(&list, "CONTENT_TYPE").as_deref(), Some("text/x"));
        assert_eq!(text(&list, "HTTP_CONTENT_LENGTH"), None);
        assert_eq!(text(&list, "HTTP_CONTENT_TYPE"), None);
        (head.chunked, head.content_length) = (true, None);
        assert_eq!(
            walk(&head, &CGI, &mut List::default()),
            Err(EncodeError::LengthRequired)
        );
        let fastcgi = Style {
            kind: StyleKind::FastCgi,
            ..CGI
        };
        assert_eq!(text(&walked(&head, &fastcgi), "CONTENT_LENGTH"), None);
    }

    #[test]
    fn hop_by_hop_fields_and_httpoxy_never_become_variables() {
        let fields = [
            ("proxy", "http://evil"),
            ("connection", "close"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("transfer-encoding", "chunked"),
            ("expect", "100-continue"),
            ("keep-alive", "5"),
            ("proxy-authorization", "Basic x"),
            ("trailer", "x"),
            ("proxy-connection", "close"),
        ];
        let list = walked(&head(&fields), &CGI);
        let left: Vec<_> = list
            .0
            .iter()
            .filter(|(name, _)| name.starts_with(b"HTTP_"))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(left, ["HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP"], "only ours");
    }

    #[test]
    fn php_gets_no_empty_path_info_and_no_path_translated() {
        let style = Style {
            kind: StyleKind::FastCgi,
            empty_path_info: false,
            ..CGI
        };
        let mut head = head(&[]);
        head.script.document_root = Some(Bytes::from_static(b"/srv"));
        let list = walked(&head, &style);
        assert_eq!(text(&list, "PATH_TRANSLATED"), None);
        assert_eq!(text(&list, "REDIRECT_STATUS").as_deref(), Some("200"));
        head.script.path_info = Bytes::new();
        assert_eq!(text(&walked(&head, &style), "PATH_INFO"), None);
        assert_eq!(text(&walked(&head, &CGI), "PATH_INFO").as_deref(), Some(""));
    }

    #[test]
    fn php_scripts_are_safe_with_every_profile() {
        let mut head = head(&[]);
        head.script.document_root = Some(Bytes::from_static(b"/srv"));
        head.script.php = true;
        assert_eq!(text(&walked(&head, &CGI), "PATH_TRANSLATED"), None);
        head.script.path_info = Bytes::new();
        assert_eq!(text(&walked(&head, &CGI), "PATH_INFO"), None);
    }

    #[test]
    fn gunicorn_gets_the_path_as_the_client_sent_it() {
        let style = Style {
            path_info: PathInfo::Encoded,
            ..CGI
        };
        assert_eq!(
            text(&walked(&head(&[]), &style), "PATH_INFO").as_deref(),
            Some("/a%20b")
        );
    }

    #[test]
    fn the_routes_own_variables_win() {
        let mut head = head(&[("x-team", "client")]);
        head.extra = Arc::from([
            ("HTTP_X_TEAM".to_owned(), Bytes::from_static(b"ours")),
            ("SERVER_NAME".to_owned(), Bytes::from_static(b"canonical.example")),
        ]);
        let list = walked(&head, &CGI);
        for (name, value) in head.extra.iter() {
            let all: Vec<_> = list.0.iter().filter(|(own, _)| own == name.as_bytes()).collect();
            assert_eq!(all.len(), 1);
            assert_eq!(&all[0].1, value);
        }
    }

    #[test]
    fn a_client_creates_nothing_outside_http() {
        let fields = [
            ("php-value", "x"),
            ("script-filename", "/etc/passwd"),
            ("uwsgi-file", "x"),
            ("remote-user", "root"),
        ];
        let list = walked(&head(&fields), &CGI);
        for (name, _) in fields {
            let bare = name.to_uppercase().replace('-', "_");
            assert_eq!(text(&list, &bare), None);
            assert!(text(&list, &format!("HTTP_{bare}")).is_some());
        }
    }
}
