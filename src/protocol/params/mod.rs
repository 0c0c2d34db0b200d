//! The CGI variables of a request (to be completed).

pub mod sink;

use super::{EncodeError, RequestHead};

pub use sink::{Name, Sink, Value};

/// Which form of the path an application expects in `PATH_INFO`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathInfo {
    /// Percent-decoded once: CGI, PHP, uWSGI, Gunicorn's ASGI worker.
    #[default]
    Decoded,
    /// As the client sent it: Gunicorn's WSGI workers decode it themselves (reference, section 2.9).
    Encoded,
}

/// How one upstream wants its variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Form of the path in `PATH_INFO`.
    pub path_info: PathInfo,
    /// Send `PATH_INFO` even when it is empty.
    pub empty_path_info: bool,
    /// The protocol that carries the variables.
    pub kind: StyleKind,
}

/// The protocol that carries the variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StyleKind {
    /// PARAMS records.
    FastCgi,
    /// The block of a uwsgi packet.
    Uwsgi,
    /// The netstring of an SCGI request.
    Scgi,
}

/// Tells `sink` every variable of a request, `CONTENT_LENGTH` first (placeholder).
pub fn walk(head: &RequestHead, style: &Style, sink: &mut impl Sink) -> Result<(), EncodeError> {
    match (style.kind, head.content_length) {
        (_, Some(length)) => sink.param(Name::Plain("CONTENT_LENGTH"), Value::Number(length))?,
        (StyleKind::Scgi, None) => sink.param(Name::Plain("CONTENT_LENGTH"), Value::Number(0))?,
        (_, None) => {}
    }
    if style.kind == StyleKind::Scgi {
        sink.param(Name::Plain("SCGI"), Value::One(b"1"))?;
    }
    let query = head.target.query().unwrap_or_default();
    sink.param(
        Name::Plain("REQUEST_METHOD"),
        Value::One(head.method.as_str().as_bytes()),
    )?;
    sink.param(Name::Plain("QUERY_STRING"), Value::One(query.as_bytes()))?;
    sink.param(Name::Plain("SCRIPT_NAME"), Value::One(&head.script.name))?;
    if head.headers.len() == head.headers.keys_len() {
        for (name, value) in &head.headers {
            sink.param(Name::Field(name), Value::One(value.as_bytes()))?;
        }
        return Ok(());
    }
    for name in head.headers.keys() {
        let values = head.headers.get_all(name);
        sink.param(
            Name::Field(name),
            Value::Joined {
                values,
                separator: b", ",
            },
        )?;
    }
    Ok(())
}
