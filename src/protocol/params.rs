//! The CGI variables of a request (to be completed).

/// Which form of the path an application expects in `PATH_INFO`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathInfo {
    /// Percent-decoded once: CGI, PHP, uWSGI, Gunicorn's ASGI worker.
    #[default]
    Decoded,
    /// As the client sent it: Gunicorn's WSGI workers decode it themselves (reference, section 2.9).
    Encoded,
}
