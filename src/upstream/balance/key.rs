//! What requests are hashed by: a text with variables, compiled once. The variables have nginx's names and meanings.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crc32fast::Hasher;

use super::{ip_hash, uri};
use crate::protocol::RequestHead;
use crate::protocol::fields::{FieldName, is_token};
use crate::protocol::peer::Peer;
use crate::protocol::request::without_port;
use crate::upstream::config::Balance;

/// A text with variables: `$host$uri`, `$cookie_session`; a single name will do without its dollar: `uri`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

/// Why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A variable that does not exist.
    #[error("unknown variable `{0}`")]
    Unknown(String),
    /// `$http_`, `$cookie_` or `$arg_` without a name that can be one.
    #[error("`{0}` names no field")]
    Field(String),
    /// A dollar without a name behind it, or an open brace.
    #[error("`$` without the name of a variable")]
    Dollar,
    /// Every request would have the same key.
    #[error("a key without a variable sends everything to one endpoint")]
    Constant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(Variable),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Variable {
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
    Scheme,
    RequestMethod,
    /// A field of the request by its name; several are joined.
    Field(String),
    Cookie(String),
    Argument(String),
}

/// Every variable with a fixed name, and the beginnings of the others.
pub const NAMES: [&str; 12] = [
    "uri",
    "request_uri",
    "args",
    "query_string",
    "host",
    "remote_addr",
    "binary_remote_addr",
    "scheme",
    "request_method",
    "http_NAME",
    "cookie_NAME",
    "arg_NAME",
];

/// What a request is hashed by under an algorithm that hashes. `None` when there is nothing to hash: the endpoints have
/// their turns.
pub fn of(balance: &Balance, head: &RequestHead) -> Option<u64> {
    match balance {
        Balance::Hash(hash) => hash.key.hash(head).map(u64::from),
        Balance::IpHash => Some(ip_hash::key(remote(head).map(|remote| remote.address.ip()))),
        Balance::RoundRobin | Balance::LeastConn | Balance::RandomTwo | Balance::Ewma => None,
    }
}

impl Template {
    /// CRC-32 of the text with the values of this request, as nginx's; `None` when it is empty.
    pub fn hash(&self, head: &RequestHead) -> Option<u32> {
        let (mut hasher, mut length) = (Hasher::new(), 0);
        self.write(head, &mut |bytes| {
            length += bytes.len();
            hasher.update(bytes);
        });
        (length > 0).then(|| hasher.finalize())
    }

    /// Gives the text with the values of this request to `sink`, piece by piece.
    pub fn write(&self, head: &RequestHead, sink: &mut dyn FnMut(&[u8])) {
        for part in &self.parts {
            match part {
                Part::Text(text) => sink(text.as_bytes()),
                Part::Variable(variable) => variable.write(head, sink),
            }
        }
    }
}

impl FromStr for Template {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parts = match text.contains('$') {
            true => parts(text)?,
            false => vec![Part::Variable(text.parse()?)],
        };
        if !parts.iter().any(|part| matches!(part, Part::Variable(_))) {
            return Err(KeyError::Constant);
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }
}

/// As it was written.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parts(text: &str) -> Result<Vec<Part>, KeyError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (literal, tail) = rest.split_at(rest.find('$').unwrap_or(rest.len()));
        if !literal.is_empty() {
            parts.push(Part::Text(literal.to_owned()));
        }
        rest = match tail.strip_prefix('$') {
            None => tail,
            Some(tail) => {
                let (name, tail) = name(tail)?;
                parts.push(Part::Variable(name.parse()?));
                tail
            }
        };
    }
    Ok(parts)
}

/// The name behind a dollar, in braces or not, and the rest.
fn name(text: &str) -> Result<(&str, &str), KeyError> {
    let (name, rest) = match text.strip_prefix('{') {
        Some(braced) => braced.split_once('}').ok_or(KeyError::Dollar)?,
        None => {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            text.split_at(text.find(|c| !plain(c)).unwrap_or(text.len()))
        }
    };
    if name.is_empty() {
        return Err(KeyError::Dollar);
    }
    Ok((name, rest))
}

impl FromStr for Variable {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        let named = |rest: &str| match rest {
            "" => Err(KeyError::Field(name.to_owned())),
            rest => Ok(rest.to_owned()),
        };
        if let Some(field) = name.strip_prefix("http_") {
            let field = named(field)?.replace('_', "-");
            return match is_token(field.as_bytes()) {
                true => Ok(Self::Field(field)),
                false => Err(KeyError::Field(name.to_owned())),
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
            unknown => return Err(KeyError::Unknown(unknown.to_owned())),
        })
    }
}

impl Variable {
    fn write(&self, head: &RequestHead, sink: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Uri => sink(&uri::normal(head.target.path())),
            Self::RequestUri => sink(head.target.as_bytes()),
            Self::Args => sink(head.target.query().unwrap_or_default()),
            Self::Host => host(head, sink),
            Self::RemoteAddr => sink(remote(head).map_or(b"", |remote| remote.ip())),
            Self::BinaryRemoteAddr => match remote(head).map(|remote| remote.address.ip()) {
                Some(IpAddr::V4(address)) => sink(&address.octets()),
                Some(IpAddr::V6(address)) => sink(&address.octets()),
                None => {}
            },
            Self::Scheme => sink(head.client.scheme().as_bytes()),
            Self::RequestMethod => sink(head.method.as_str().as_bytes()),
            Self::Field(name) => field(head, name, sink),
            Self::Cookie(name) => sink(cookies(head, name).next().unwrap_or_default()),
            Self::Argument(name) => sink(argument(head, name).unwrap_or_default()),
        }
    }
}

/// The client; nobody on a unix socket.
fn remote(head: &RequestHead) -> Option<&Peer> {
    head.client.remote.as_ref()
}

fn host(head: &RequestHead, sink: &mut dyn FnMut(&[u8])) {
    let host = head.fields.get(FieldName::Host).map(without_port);
    let host = host.unwrap_or_else(|| head.server_name());
    for piece in host.chunks(64) {
        let mut lower = [0; 64];
        let lower = &mut lower[..piece.len()];
        lower.copy_from_slice(piece);
        lower.make_ascii_lowercase();
        sink(lower);
    }
}

/// All values of a field, joined as RFC 9110, section 5.2 says; cookies as RFC 9113, section 8.2.3 does.
fn field(head: &RequestHead, name: &str, sink: &mut dyn FnMut(&[u8])) {
    let comma: &[u8] = match FieldName::of(name.as_bytes()) {
        FieldName::Cookie => b"; ",
        _ => b", ",
    };
    for (number, value) in head.fields.all_named(name.as_bytes()).enumerate() {
        if number > 0 {
            sink(comma);
        }
        sink(value);
    }
}

/// The values of the cookies with that name. Names of variables know no case, as in nginx.
pub(in crate::upstream) fn cookies<'a>(
    head: &'a RequestHead,
    name: &'a str,
) -> impl Iterator<Item = &'a [u8]> {
    let fields = head.fields.all(FieldName::Cookie);
    let pairs = fields.flat_map(|field| field.split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| value(pair.trim_ascii(), name))
}

fn argument<'a>(head: &'a RequestHead, name: &str) -> Option<&'a [u8]> {
    head.target
        .query()?
        .split(|byte| *byte == b'&')
        .find_map(|pair| value(pair, name))
}

/// `value` of `name=value`.
fn value<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (own, value) = pair.split_at_checked(name.len())?;
    own.eq_ignore_ascii_case(name.as_bytes())
        .then_some(value)?
        .strip_prefix(b"=")
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use http::Method;

    use super::*;
    use crate::protocol::fields::Fields;
    use crate::protocol::request::Client;
    use crate::protocol::{Target, samples};

    fn head() -> RequestHead {
        let mut head = samples::request(Method::GET);
        let client = Client {
            remote: Some(SocketAddr::from(([65, 66, 67, 68], 1)).into()),
            ..Client::default()
        };
        head.client = client;
        head.target = Target::from_static("/a%20b//c?x=1&User=7&y");
        head.fields = Fields::from_iter([
            ("host", "Shop.Example:8080"),
            ("x-user", "one"),
            ("X-User", "two"),
            ("cookie", "a=1; SESSION=abc=d;b"),
            ("cookie", "session=second"),
        ]);
        head
    }

    fn text(template: &str) -> String {
        let mut text = Vec::new();
        let template: Template = template.parse().unwrap();
        template.write(&head(), &mut |bytes| text.extend_from_slice(bytes));
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn variables_mean_what_they_mean_in_nginx() {
        for (template, value) in [
            ("uri", "/a b/c"),
            ("$uri", "/a b/c"),
            ("$request_uri", "/a%20b//c?x=1&User=7&y"),
            ("$args", "x=1&User=7&y"),
            ("$host$uri", "shop.example/a b/c"),
            ("<${host}>$scheme:", "<shop.example>http:"),
            ("$request_method", "GET"),
            ("$remote_addr", "65.66.67.68"),
            ("$binary_remote_addr", "ABCD"),
            ("$http_x_user", "one, two"),
            ("$http_cookie", "a=1; SESSION=abc=d;b; session=second"),
            ("$cookie_session", "abc=d"),
            ("$arg_user", "7"),
            ("$arg_y", ""),
            ("$arg_users", ""),
            ("$http_missing", ""),
        ] {
            assert_eq!(text(template), value, "{template}");
        }
    }

    #[test]
    fn a_key_without_a_value_is_no_key() {
        let hash = |template: &str| template.parse::<Template>().unwrap().hash(&head());
        assert_eq!(hash("$cookie_none"), None);
        assert_eq!(hash("$uri"), Some(crc32fast::hash(b"/a b/c")));
    }

    #[test]
    fn each_mistake_has_its_own_name() {
        let error = |template: &str| template.parse::<Template>().unwrap_err();
        assert_eq!(error("$user"), KeyError::Unknown("user".into()));
        assert_eq!(error("url"), KeyError::Unknown("url".into()));
        assert_eq!(error("$host$"), KeyError::Dollar);
        assert_eq!(error("${host"), KeyError::Dollar);
        assert_eq!(error("$cookie_"), KeyError::Field("cookie_".into()));
    }
}
