//! What single servers are known to do differently, with the reason. The features expect exactly this.

use testbed::Kind::{
    self, Fcgiwrap, GunicornHttp, GunicornUwsgi, PhpCgi, PhpFpm, UwsgiFastcgi, UwsgiHttp, UwsgiScgi,
    UwsgiUwsgi,
};

/// A difference that the features know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deviation {
    /// `SCRIPT_NAME` is always empty.
    NoScriptName,
    /// `REMOTE_ADDR`, `SERVER_NAME` and `SERVER_PORT` are the server's own inventions.
    OwnServerVariables,
    /// No `REQUEST_URI`.
    NoRequestUri,
    /// Repeated fields are joined with a comma and no space.
    BareComma,
    /// A `GET` without a body has `CONTENT_LENGTH` 0.
    LengthAlways,
    /// An application that dies without a head still leads to an answer of the server's.
    AnswersForTheDead,
    /// What the application logs goes to the server's log.
    OwnLog,
    /// Head of 64 KiB: the server closes, and longer single fields lose their beginning or end.
    OwnHeadLimit,
    /// Closes after every answer, whatever it was asked.
    AlwaysCloses,
    /// An answer to a body that was not read is lost.
    MustRead,
    /// Cannot load its application again.
    NoReload,
}

/// Why `kind` does that, if it does.
pub(super) fn of(kind: Kind, what: Deviation) -> Option<&'static str> {
    let found = KNOWN
        .iter()
        .find(|(known, kinds, _)| *known == what && kinds.contains(&kind));
    found.map(|(_, _, reason)| *reason)
}

const KNOWN: &[(Deviation, &[Kind], &str)] = &[
    (
        Deviation::NoScriptName,
        &[UwsgiHttp, GunicornHttp, GunicornUwsgi],
        "HTTP has no way to say it, and Gunicorn ignores the variable",
    ),
    (
        Deviation::OwnServerVariables,
        &[UwsgiHttp, GunicornHttp, GunicornUwsgi],
        "HTTP has no way to say them, and Gunicorn ignores the variables: addresses from its socket, which is a \
         unix one, server name and port from Host",
    ),
    (
        Deviation::NoRequestUri,
        &[GunicornHttp, GunicornUwsgi],
        "Gunicorn calls it RAW_URI and makes it of PATH_INFO",
    ),
    (
        Deviation::BareComma,
        &[GunicornHttp],
        "Gunicorn joins the fields itself",
    ),
    (
        Deviation::LengthAlways,
        &[UwsgiScgi],
        "SCGI demands CONTENT_LENGTH",
    ),
    (
        Deviation::AnswersForTheDead,
        &[PhpFpm, PhpCgi, GunicornHttp, GunicornUwsgi],
        "PHP always sends a head, Gunicorn catches the exception",
    ),
    (
        Deviation::OwnLog,
        &[
            UwsgiUwsgi,
            UwsgiScgi,
            UwsgiFastcgi,
            UwsgiHttp,
            GunicornHttp,
            GunicornUwsgi,
        ],
        "wsgi.errors is the server's log; only FastCGI has an error stream, and uWSGI does not use it",
    ),
    (
        Deviation::OwnHeadLimit,
        &[UwsgiUwsgi, UwsgiScgi, UwsgiFastcgi, UwsgiHttp],
        "uWSGI's head buffer ends at 64 KiB and its field lengths have 16 bits",
    ),
    (
        Deviation::AlwaysCloses,
        &[UwsgiUwsgi, UwsgiScgi, UwsgiFastcgi, UwsgiHttp],
        "uWSGI serves one request for each connection, also when FCGI_KEEP_CONN is set",
    ),
    (
        Deviation::MustRead,
        &[Fcgiwrap],
        "fcgiwrap gives up when the program does not take the body from its pipe",
    ),
    (
        Deviation::NoReload,
        &[PhpCgi, Fcgiwrap],
        "they have no such signal",
    ),
];
