//! The variables by their names.

use std::str::FromStr;

use super::TemplateError;
use super::proxy_protocol::ProxyProtocolVariable;
use crate::protocol::fields::is_token;

/// A variable of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// The path, decoded and in normal form.
    Uri,
    /// The target as it was sent, query included.
    RequestUri,
    /// The query.
    Args,
    /// The host in lower case, without its port.
    Host,
    /// The client's address after trusted proxies.
    RemoteAddr,
    /// Its bytes.
    BinaryRemoteAddr,
    /// `http` or `https`.
    Scheme,
    /// `GET`, for instance.
    RequestMethod,
    /// One of the header of the PROXY protocol.
    ProxyProtocol(ProxyProtocolVariable),
    /// A field of the request by its name; several are joined.
    Field(String),
    /// The value of a cookie by its name.
    Cookie(String),
    /// The value of an argument in the query by its name, as it was sent.
    Argument(String),
}

/// Every variable with a fixed name, and the beginnings of the others.
pub const NAMES: [&str; 17] = [
    "uri",
    "request_uri",
    "args",
    "query_string",
    "host",
    "remote_addr",
    "binary_remote_addr",
    "scheme",
    "request_method",
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
        if let Some(field) = name.strip_prefix("http_") {
            let field = named(field)?.replace('_', "-");
            return match is_token(field.as_bytes()) {
                true => Ok(Self::Field(field)),
                false => Err(TemplateError::Field(name.to_owned())),
            };
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
            "host" => Self::Host,
            "remote_addr" => Self::RemoteAddr,
            "binary_remote_addr" => Self::BinaryRemoteAddr,
            "scheme" => Self::Scheme,
            "request_method" => Self::RequestMethod,
            other => match ProxyProtocolVariable::named(other) {
                Some(variable) => Self::ProxyProtocol(variable),
                None => return Err(TemplateError::Unknown(other.to_owned())),
            },
        })
    }
}
