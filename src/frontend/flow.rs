//! What handlers and filters make of a request.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, percent_encode};

use super::rejection::Rejection;
use crate::protocol::Target;
use crate::upstream::Upstream;

/// What becomes of a request.
pub enum Flow<'r> {
    /// It has its answer.
    Answered,
    /// It has its answer, which is the index at this path, decoded.
    Index(Bytes),
    /// An application answers.
    Forward(&'r Arc<Upstream>),
    /// It is routed again, as a request for something else.
    Internal(InternalUri),
    /// The route of this name goes on with it.
    Named(&'r str),
    /// Something comes first; then the route is asked again, its filters from the first one on.
    Wait(Pause),
}

/// What has to be over before a request goes on, or is refused. A filter that has one knows by the exchange, when it is asked
/// again, that it is over.
pub type Pause = Pin<Box<dyn Future<Output = Result<(), Rejection>> + Send>>;

/// What a request is routed by in place of what its client has asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InternalUri {
    /// A path and perhaps a query, as on the wire.
    Target(Target),
    /// `@app`: the route of this name has it, as it is.
    Named(Box<str>),
    /// The route of this name has it, as a request for something else.
    Within(Box<str>, Target),
    /// What an application has said, and what is none.
    Invalid(Bytes),
}

impl InternalUri {
    /// The URI that these bytes are; `None` unless they begin with a slash and are a target.
    pub fn new(uri: Bytes) -> Option<Self> {
        let target = Target::from_bytes(uri).ok()?;
        target.path().starts_with(b"/").then_some(Self::Target(target))
    }

    /// What an application asks for: `@name`, or a path with or without a query. As with nginx, a path may hold what has to
    /// be encoded in one, and none climbs: what is in it may be a client's.
    pub fn said(uri: &[u8]) -> Self {
        let invalid = || Self::Invalid(Bytes::copy_from_slice(uri));
        if let Some(name) = uri.strip_prefix(b"@") {
            let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty());
            return name.map_or_else(invalid, |name| Self::Named(name.into()));
        }
        let path = uri.split(|byte| *byte == b'?').next().unwrap_or_default();
        if climbs(path) {
            return invalid();
        }
        let encoded = percent_encode(uri, UNFIT).to_string();
        Self::new(encoded.into()).unwrap_or_else(invalid)
    }

    /// The file at `path`, which is decoded and begins with a slash.
    pub fn path(path: &[u8], query: Option<&[u8]>) -> Self {
        let mut uri = percent_encode(path, IN_FILE).to_string().into_bytes();
        if let Some(query) = query {
            uri.push(b'?');
            uri.extend_from_slice(query);
        }
        Self::new(uri.into()).unwrap_or_else(|| Self::Invalid(Bytes::copy_from_slice(path)))
    }

    /// The file at `path`, which is decoded and begins with a slash, of the route of this name.
    pub fn file(route: &str, path: &[u8]) -> Self {
        let encoded = percent_encode(path, IN_FILE).to_string();
        let target = Target::from_bytes(encoded.into());
        match target.ok().filter(|_| path.starts_with(b"/") && !climbs(path)) {
            Some(target) => Self::Within(route.into(), target),
            None => Self::Invalid(Bytes::copy_from_slice(path)),
        }
    }
}

/// Whether a segment of a path, which may be encoded, is `..`.
fn climbs(path: &[u8]) -> bool {
    let decoded: Vec<u8> = percent_decode(path).collect();
    decoded
        .split(|byte| *byte == b'/')
        .any(|segment| segment == b"..")
}

/// What is encoded of a target that an application has said: what none can hold.
const UNFIT: &AsciiSet = &CONTROLS.add(b' ').add(b'#');

/// What is encoded of the name of a file: what means something else in a path, too.
const IN_FILE: &AsciiSet = &UNFIT.add(b'%').add(b'?');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_uri_is_a_path_with_or_without_a_query() {
        let new = |uri: &'static str| InternalUri::new(Bytes::from_static(uri.as_bytes())).is_some();
        for uri in ["/", "/a%20b", "/a?b=c"] {
            assert!(new(uri), "{uri}");
        }
        for uri in ["", "*", "a", "http://a/", "/a b", "/a#b", "/a\r\n"] {
            assert!(!new(uri), "{uri}");
        }
    }

    fn target(text: &'static str) -> InternalUri {
        InternalUri::Target(Target::from_static(text))
    }

    #[test]
    fn an_application_may_leave_a_path_as_it_is_and_may_not_climb() {
        for (said, expected) in [
            ("/a/b.pdf", target("/a/b.pdf")),
            ("/a b#1/ü?x=1 2", target("/a%20b%231/%C3%BC?x=1%202")),
            ("/a%20b", target("/a%20b")),
            ("/..a/b../...", target("/..a/b../...")),
            ("/a?to=../b", target("/a?to=../b")),
            ("@app", InternalUri::Named("app".into())),
        ] {
            assert_eq!(InternalUri::said(said.as_bytes()), expected, "{said}");
        }
        for said in [
            "",
            "@",
            "a",
            "http://b/",
            "/../a",
            "/a/..",
            "/a/%2e%2E/b",
            "/a/.%2e",
            "/a%2f..%2fb",
        ] {
            let uri = InternalUri::said(said.as_bytes());
            assert!(matches!(uri, InternalUri::Invalid(_)), "{said}");
        }
    }

    #[test]
    fn the_name_of_a_file_is_encoded_as_a_whole() {
        let within = |text| InternalUri::Within("media".into(), Target::from_static(text));
        assert_eq!(
            InternalUri::file("media", b"/100%?.txt"),
            within("/100%25%3F.txt")
        );
        assert_eq!(
            InternalUri::file("media", b"/%2e%2e/a"),
            InternalUri::Invalid(Bytes::from_static(b"/%2e%2e/a"))
        );
        assert_eq!(
            InternalUri::file("media", b"/a/../b"),
            InternalUri::Invalid(Bytes::from_static(b"/a/../b"))
        );
    }
}
