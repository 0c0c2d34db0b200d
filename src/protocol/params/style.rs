//! How an application wants its variables.

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
