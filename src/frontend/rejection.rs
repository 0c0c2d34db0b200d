//! Why a request gets an answer of ours instead of the application's, and which one.
//!
//! The only place that maps failures to statuses.

use bytes::Bytes;
use http::StatusCode;

use super::violation::Violation;
use crate::files::{LookupError, PathError};
use crate::protocol::fields::Fields;
use crate::protocol::http1::{RequestError, Rule};
use crate::protocol::proxy_protocol::HeaderError;
use crate::protocol::{DecodeError, EncodeError};
use crate::spool::SpoolError;
use crate::telemetry::Reason;
use crate::transport::ConnectError;
use crate::upstream::model::AdmissionError;
use crate::upstream::{BodyError, Failure};

/// A request that we answer with an error.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// The request target's path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// `Host` is missing, repeated, malformed, or contradicts `:authority`.
    #[error("missing, repeated or malformed Host")]
    Host,
    /// `host` of a route or an upstream has a variable that made it no host.
    #[error("`host` of the route or the upstream comes to `{0}`, which is none")]
    HostTemplate(String),
    /// The target of a `rewrite` has a variable that made it no path.
    #[error("`rewrite` of the route comes to `{0}`, which is no path")]
    RewriteTemplate(String),
    /// `*` or an authority where a path has to be.
    #[error("form of target that is not for this method")]
    Target,
    /// A path whose `..` leads out of its route, or through another one, to an application that reads it as it came.
    #[error("`..` in the path leads out of its route (`normalize = true` of the upstream would resolve it)")]
    LeavesRoute,
    /// A transfer coding other than a single `chunked`.
    #[error("Transfer-Encoding is not `chunked` alone")]
    TransferEncoding,
    /// The head breaks a rule of the protocol.
    #[error(transparent)]
    Request(Box<RequestError>),
    /// A peer that has to announce its connections does not, or not as it should.
    #[error("{0}, from a peer in `proxy_protocol.from`")]
    ProxyHeader(HeaderError),
    /// The handshake was for another host, of whose clients something else is asked.
    #[error("the TLS connection is for another host, of whose clients something else is asked")]
    Misdirected,
    /// Clear text where TLS is to be spoken.
    #[error("clear text where TLS is spoken: the URL begins with https://")]
    ClearOnTlsPort,
    /// The head breaks a rule of HTTP/2, of which its library says no more.
    #[error("request head that breaks a rule of HTTP/2")]
    Malformed,
    /// The whole connection breaks a rule of HTTP/2.
    #[error(transparent)]
    Violation(Violation),
    /// The head did not become complete in time.
    #[error("request head was not complete within `timeouts.head`")]
    Late,
    /// A field value with white space around it, in HTTP/2.
    #[error("white space around the value of a field: {0}")]
    Padded(String),
    /// A field whose name has an underscore, where that is refused.
    #[error("underscore in the name of a field: {0} (`underscores` of [server])")]
    Underscore(String),
    /// Two fields that would become the same variable.
    #[error("{0}")]
    Conflict(String),
    /// An expectation other than `100-continue`.
    #[error("Expect wants something else than `100-continue`")]
    Expectation,
    /// A method that this handler, or no handler, answers.
    #[error("method not allowed")]
    Method(&'static str),
    /// A client that wants a tunnel to elsewhere.
    #[error("CONNECT is for forward proxies")]
    Connect,
    /// A client of HTTP/2 that wants a tunnel to what does not switch protocols.
    #[error("what answers here does not switch to the protocol that the client wants")]
    NotSwitched,
    /// No route, no file, no script.
    #[error("nothing there")]
    NotFound,
    /// A condition of the request, or a part, that the file does not have; with the fields that belong to the answer.
    #[error("the file does not meet a condition of the request, or has no such part")]
    Unmet(StatusCode, Box<Fields>),
    /// The file exists and may not be read by us.
    #[error("file is not readable by us")]
    Forbidden,
    /// A symbolic link that is not to be followed.
    #[error("{0}")]
    Symlink(LookupError),
    /// The client is not among those that may ask.
    #[error("not for this client")]
    NotAllowed,
    /// The client is to prove its name, by this challenge.
    #[error("a name and a password are asked for")]
    Unauthorized(Bytes),
    /// More passwords are being compared than may be.
    #[error("too many logins at a time")]
    LoginsBusy,
    /// The file of `users_file`, its line, and what is wrong there.
    #[error("{0}")]
    Users(String),
    /// The site is closed for a while: the seconds until clients are to come back, and the page, if there is one.
    #[error("the site is closed: the file of `maintenance` is there")]
    Maintenance(u64, Bytes),
    /// More requests with its key came than may: the status, and the seconds until the next one may come.
    #[error("more requests of this kind came than its route allows")]
    RateLimited(StatusCode, u64),
    /// More requests with its key are under way than may be: the status, and the seconds until another one may come.
    #[error("more requests of this kind are under way than its route allows")]
    TooManyAtOnce(StatusCode, u64),
    /// Looking the file up failed.
    #[error("cannot read the file: {0}")]
    Unreadable(std::io::Error),
    /// An application asks for an answer in place of its own by what is no path, or climbs.
    #[error("the application asks for `{}` in place of its answer, which is no path of ours", .0.escape_ascii())]
    InternalUri(Bytes),
    /// Routes and filters have sent it in a circle.
    #[error("routed again more than {0} times")]
    InternalCycle(u8),
    /// A bug of ours: the task that answered ended without an answer.
    #[error("the exchange ended without an answer")]
    Internal,
    /// The body.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The spool cannot take the body.
    #[error(transparent)]
    Spool(SpoolError),
    /// Upstream.
    #[error(transparent)]
    Upstream(#[from] Failure),
}

impl Rejection {
    /// The status of the answer. 499 is for the log: the client is not there to read it.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Path(error) => path(*error),
            Self::Host
            | Self::HostTemplate(_)
            | Self::RewriteTemplate(_)
            | Self::Target
            | Self::LeavesRoute
            | Self::ClearOnTlsPort
            | Self::Malformed
            | Self::Padded(_)
            | Self::Underscore(_)
            | Self::ProxyHeader(_)
            | Self::Conflict(_) => StatusCode::BAD_REQUEST,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::Violation(violation) => self::violation(*violation),
            Self::Request(error) => rule(error.rule),
            Self::Late => StatusCode::REQUEST_TIMEOUT,
            Self::TransferEncoding | Self::NotSwitched => StatusCode::NOT_IMPLEMENTED,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::Method(_) | Self::Connect => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound | Self::InternalUri(_) => StatusCode::NOT_FOUND,
            Self::Unmet(status, _) | Self::RateLimited(status, _) | Self::TooManyAtOnce(status, _) => *status,
            Self::Forbidden | Self::Symlink(_) | Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Unreadable(_) | Self::Users(_) | Self::InternalCycle(_) | Self::Internal => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::Maintenance(..) | Self::LoginsBusy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Body(error) => body(error),
            Self::Spool(error) => spool(error),
            Self::Upstream(failure) => upstream(failure),
        }
    }

    /// The word in the `Bridgehead-Error` field and in the access log.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Path(PathError::Hidden | PathError::Traversal) | Self::NotFound => Reason::NotFound,
            Self::Path(_) | Self::LeavesRoute => Reason::BadPath,
            Self::Host | Self::HostTemplate(_) => Reason::BadHost,
            Self::Target | Self::RewriteTemplate(_) => Reason::BadTarget,
            Self::Request(error) => rule_reason(error.rule),
            Self::ProxyHeader(HeaderError::Missing) => Reason::MissingProxyHeader,
            Self::ProxyHeader(_) => Reason::BadProxyHeader,
            Self::Misdirected => Reason::Misdirected,
            Self::ClearOnTlsPort => Reason::ClearOnTlsPort,
            Self::Malformed => Reason::BadRequest,
            Self::Violation(violation) => violation.reason(),
            Self::Late => Reason::ClientTimeout,
            Self::TransferEncoding => Reason::TransferEncoding,
            Self::Padded(_) | Self::Underscore(_) => Reason::BadField,
            Self::Conflict(_) => Reason::ConflictingFields,
            Self::Expectation => Reason::Expectation,
            Self::Method(_) | Self::Connect => Reason::MethodNotAllowed,
            Self::NotSwitched => Reason::NotSwitched,
            Self::Unmet(StatusCode::RANGE_NOT_SATISFIABLE, _) => Reason::RangeNotSatisfiable,
            Self::Unmet(..) => Reason::PreconditionFailed,
            Self::Forbidden => Reason::FileForbidden,
            Self::Symlink(_) => Reason::SymlinkRefused,
            Self::NotAllowed => Reason::NotAllowed,
            Self::Unauthorized(_) => Reason::Unauthorized,
            Self::LoginsBusy => Reason::LoginsBusy,
            Self::Users(_) => Reason::UsersFailed,
            Self::Unreadable(_) => Reason::FileFailed,
            Self::Maintenance(..) => Reason::Maintenance,
            Self::RateLimited(..) => Reason::RateLimited,
            Self::TooManyAtOnce(..) => Reason::TooManyAtOnce,
            Self::InternalUri(_) => Reason::BadInternalUri,
            Self::InternalCycle(_) => Reason::InternalCycle,
            Self::Internal => Reason::Internal,
            Self::Body(error) => error.reason(),
            Self::Spool(SpoolError::TooLarge { .. }) => Reason::BodyTooLarge,
            Self::Spool(SpoolError::Quota) => Reason::SpoolQuota,
            Self::Spool(SpoolError::NoSpace(_)) => Reason::SpoolFull,
            Self::Spool(SpoolError::Io(_) | SpoolError::Broken) => Reason::SpoolFailed,
            Self::Upstream(failure) => failure.reason(),
        }
    }

    /// Whether the connection ends with this answer: what follows may not be what the client means it to be.
    pub fn is_last(&self) -> bool {
        match self {
            Self::Host
            | Self::Request(_)
            | Self::ProxyHeader(_)
            | Self::ClearOnTlsPort
            | Self::Violation(_)
            | Self::Late
            | Self::Target
            | Self::TransferEncoding
            | Self::Conflict(_)
            | Self::Expectation
            | Self::Connect => true,
            Self::Body(error) | Self::Upstream(Failure::RequestBody(error)) => is_broken(error),
            // The rest of a body that is not wanted is the connection's to drop.
            Self::Spool(_) | Self::Upstream(_) => false,
            Self::Path(_)
            | Self::Misdirected
            | Self::Method(_)
            | Self::HostTemplate(_)
            | Self::RewriteTemplate(_)
            | Self::LeavesRoute
            | Self::Malformed
            | Self::Padded(_)
            | Self::Underscore(_)
            | Self::NotFound
            | Self::NotSwitched
            | Self::Unmet(..)
            | Self::Forbidden
            | Self::Symlink(_)
            | Self::NotAllowed
            | Self::Unauthorized(_)
            | Self::LoginsBusy
            | Self::Users(_)
            | Self::Unreadable(_)
            | Self::Maintenance(..)
            | Self::RateLimited(..)
            | Self::TooManyAtOnce(..)
            | Self::InternalUri(_)
            | Self::InternalCycle(_)
            | Self::Internal => false,
        }
    }

    /// Whether the request is none that HTTP knows, or one that could mean two things: then the log says which rule it
    /// was.
    pub fn breaks_rule(&self) -> bool {
        match self {
            Self::Host
            | Self::HostTemplate(_)
            | Self::RewriteTemplate(_)
            | Self::Target
            | Self::LeavesRoute
            | Self::TransferEncoding
            | Self::Request(_)
            | Self::Padded(_)
            | Self::Underscore(_)
            | Self::Conflict(_)
            | Self::Expectation
            | Self::Body(BodyError::Malformed(_)) => true,
            Self::Path(error) => path(*error) == StatusCode::BAD_REQUEST,
            _ => false,
        }
    }

    /// Whether an operator can do something about it.
    pub fn is_for_operators(&self) -> bool {
        let status = self.status();
        // 501 is what a client gets for a coding of its own.
        let failed = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
        // A site that is closed is meant to be, and a limit that is reached is told by itself.
        let meant = matches!(
            self,
            Self::Maintenance(..) | Self::RateLimited(..) | Self::TooManyAtOnce(..)
        );
        failed && !meant
            || matches!(
                self,
                Self::Symlink(_) | Self::ProxyHeader(_) | Self::InternalUri(_)
            )
    }

    /// Whether a page of the route may stand in for the answer.
    pub fn has_page(&self) -> bool {
        match self {
            // It would go on for ever.
            Self::InternalCycle(_) => false,
            // Has one of its own.
            Self::Maintenance(_, page) => page.is_empty(),
            _ => self.status() != client_gone(),
        }
    }

    /// Whether a later try may succeed, so that `Retry-After` is due.
    pub fn is_temporary(&self) -> bool {
        self.status() == StatusCode::SERVICE_UNAVAILABLE
    }
}

impl From<LookupError> for Rejection {
    fn from(error: LookupError) -> Self {
        match error {
            // Where a link leads is not for clients.
            LookupError::NotFound => Self::NotFound,
            LookupError::Outside | LookupError::Owner => Self::Symlink(error),
            LookupError::Forbidden => Self::Forbidden,
            LookupError::Io(error) => Self::Unreadable(error),
        }
    }
}

/// nginx's number for a client that left; in no specification, only ever logged.
pub fn client_gone() -> StatusCode {
    StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST)
}

fn path(error: PathError) -> StatusCode {
    match error {
        PathError::NotAbsolute | PathError::BadEscape | PathError::Nul | PathError::Control => {
            StatusCode::BAD_REQUEST
        }
        PathError::Backslash | PathError::EncodedSlash | PathError::Traversal | PathError::Hidden => {
            StatusCode::NOT_FOUND
        }
    }
}

fn rule(rule: Rule) -> StatusCode {
    match rule {
        Rule::Coding => StatusCode::NOT_IMPLEMENTED,
        Rule::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        Rule::TooLarge | Rule::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// For the log: its client gets no answer.
fn violation(violation: Violation) -> StatusCode {
    match violation {
        Violation::SlowHead => StatusCode::REQUEST_TIMEOUT,
        Violation::HeaderBomb => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn rule_reason(rule: Rule) -> Reason {
    match rule {
        Rule::BareLf | Rule::BareCr | Rule::Control | Rule::RequestLine | Rule::Method | Rule::Version => {
            Reason::BadRequest
        }
        Rule::Target => Reason::BadTarget,
        Rule::Tls => Reason::TlsOnClearPort,
        Rule::ProxyLine => Reason::UnexpectedProxyLine,
        Rule::Folded | Rule::BlankBeforeColon | Rule::NoColon | Rule::FieldName | Rule::Repeated => {
            Reason::BadField
        }
        Rule::LengthBesideCoding | Rule::Length | Rule::CodingInHttp10 => Reason::BadFraming,
        Rule::Coding => Reason::TransferEncoding,
        Rule::TooLarge | Rule::TooManyFields => Reason::HeadTooLarge,
    }
}

/// Whether it is not known where a body ends whose reading failed.
fn is_broken(error: &BodyError) -> bool {
    match error {
        BodyError::TooLarge(_) | BodyError::Spool(_) => false,
        BodyError::Timeout | BodyError::TooSlow(_) | BodyError::Incomplete | BodyError::Malformed(_) => true,
    }
}

fn body(error: &BodyError) -> StatusCode {
    match error {
        BodyError::Timeout | BodyError::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
        BodyError::Incomplete => client_gone(),
        BodyError::Malformed(_) => StatusCode::BAD_REQUEST,
        BodyError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::Spool(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn spool(error: &SpoolError) -> StatusCode {
    match error {
        SpoolError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        SpoolError::Quota | SpoolError::NoSpace(_) => StatusCode::INSUFFICIENT_STORAGE,
        SpoolError::Io(_) | SpoolError::Broken => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn upstream(failure: &Failure) -> StatusCode {
    match failure {
        Failure::Admission(
            AdmissionError::QueueFull | AdmissionError::QueueTimeout | AdmissionError::NoEndpoint,
        )
        | Failure::BacklogFull { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Failure::Connect { cause, .. } => match cause {
            ConnectError::Full | ConnectError::NoDescriptor(_) => StatusCode::SERVICE_UNAVAILABLE,
            ConnectError::Timeout => StatusCode::GATEWAY_TIMEOUT,
            ConnectError::Refused
            | ConnectError::Missing(_)
            | ConnectError::Forbidden(_)
            | ConnectError::Tls(_)
            | ConnectError::Io(_) => StatusCode::BAD_GATEWAY,
        },
        Failure::Encode(EncodeError::LengthRequired) => StatusCode::LENGTH_REQUIRED,
        Failure::Encode(EncodeError::Nul) => StatusCode::BAD_REQUEST,
        // Only a route's own `params` can have one, and their check refuses it.
        Failure::Encode(EncodeError::EmptyName) => StatusCode::INTERNAL_SERVER_ERROR,
        Failure::Encode(
            EncodeError::BlockTooLarge { .. }
            | EncodeError::TooManyParams { .. }
            | EncodeError::ParamTooLarge { .. },
        ) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Failure::RequestBody(error) => body(error),
        Failure::Killed { .. } | Failure::SendTimeout | Failure::HeadTimeout | Failure::ReadTimeout => {
            StatusCode::GATEWAY_TIMEOUT
        }
        Failure::Decode(DecodeError::Overloaded | DecodeError::CantMultiplex) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        // As the last endpoint that answered said it.
        Failure::Status(status) => StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY),
        Failure::Io(_) | Failure::Decode(_) | Failure::Head { .. } => StatusCode::BAD_GATEWAY,
        Failure::Spool(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
