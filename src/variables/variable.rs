//! The variables by their names.

use std::str::FromStr;

use super::proxy_protocol::ProxyProtocolVariable;
use super::tls::TlsVariable;
use super::{NamedField, TemplateError};

/// A variable of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// The path, decoded and in normal form.
    Uri,
    /// The target as it was sent, query included.
    RequestUri,
    /// The query.
    Args,
    /// `?` where there is a query.
    IsArgs,
    /// The host in lower case, without its port.
    Host,
    /// The client's address after trusted proxies.
    RemoteAddr,
    /// Its bytes.
    BinaryRemoteAddr,
    /// The client's port; 0 when a proxy names the client.
    RemotePort,
    /// The user that the client names by the Basic scheme.
    RemoteUser,
    /// The name of the site: as it is configured, else as the client says.
    ServerName,
    /// `HTTP/1.1`, for instance.
    ServerProtocol,
    /// What names the request in every log.
    RequestId,
    /// `http` or `https`.
    Scheme,
    /// `GET`, for instance.
    RequestMethod,
    /// One of the TLS connection.
    Tls(TlsVariable),
    /// One of the header of the PROXY protocol.
    ProxyProtocol(ProxyProtocolVariable),
    /// A field of the request by its name; several are joined.
    Field(NamedField),
    /// The value of a cookie by its name.
    Cookie(String),
    /// The value of an argument in the query by its name, as it was sent.
    Argument(String),
    /// What a pattern of the route took out of the request, by its name or its number.
    Capture(String),
}

/// Every variable with a fixed name, and the beginnings of the others.
pub const NAMES: [&str; 35] = [
    "uri",
    "request_uri",
    "args",
    "query_string",
    "host",
    "remote_addr",
    "binary_remote_addr",
    "remote_port",
    "remote_user",
    "scheme",
    "server_name",
    "server_protocol",
    "request_method",
    "is_args",
    "ssl_protocol",
    "ssl_cipher",
    "ssl_server_name",
    "ssl_session_reused",
    "ssl_client_verify",
    "ssl_client_s_dn",
    "ssl_client_i_dn",
    "ssl_client_serial",
    "ssl_client_fingerprint",
    "ssl_client_v_start",
    "ssl_client_v_end",
    "ssl_client_escaped_cert",
    "request_id",
    "proxy_protocol_addr",
    "proxy_protocol_port",
    "proxy_protocol_server_addr",
    "proxy_protocol_server_port",
    "proxy_protocol_tlv_NAME",
    "http_NAME",
    "cookie_NAME",
    "arg_NAME",
];

impl FromStr for Variable {
    type Err = TemplateError;

    fn from_str(name: &str) -> Result<Self, TemplateError> {
        let named = |rest: &str| match rest {
            "" => Err(TemplateError::Field(name.to_owned())),
            rest => Ok(rest.to_owned()),
        };
        if let Some(field) = NamedField::of(name, "http_") {
            return field.map(Self::Field);
        }
        if let Some(cookie) = name.strip_prefix("cookie_") {
            return named(cookie).map(Self::Cookie);
        }
        if let Some(argument) = name.strip_prefix("arg_") {
            return named(argument).map(Self::Argument);
        }
        Ok(match name {
            "uri" => Self::Uri,
            "request_uri" => Self::RequestUri,
            "args" | "query_string" => Self::Args,
            "is_args" => Self::IsArgs,
            "host" => Self::Host,
            "remote_addr" => Self::RemoteAddr,
            "binary_remote_addr" => Self::BinaryRemoteAddr,
            "remote_port" => Self::RemotePort,
            "remote_user" => Self::RemoteUser,
            "scheme" => Self::Scheme,
            "server_name" => Self::ServerName,
            "server_protocol" => Self::ServerProtocol,
            "request_method" => Self::RequestMethod,
            "request_id" => Self::RequestId,
            other => Self::of_connection(other).ok_or_else(|| TemplateError::Unknown(other.to_owned()))?,
        })
    }
}

impl Variable {
    /// The one of that name among those of what a connection begins with.
    fn of_connection(name: &str) -> Option<Self> {
        let tls = TlsVariable::named(name).map(Self::Tls);
        tls.or_else(|| ProxyProtocolVariable::named(name).map(Self::ProxyProtocol))
    }
}
