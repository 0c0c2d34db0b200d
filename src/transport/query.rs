//! What is asked of the DNS: the addresses of a host, or the places of a service.

use std::fmt;
use std::str::FromStr;

/// A question to the DNS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// `dns:app.internal:9000`: every A or AAAA record is a place, all with this port.
    Host(String, u16),
    /// `dns+srv:_fcgi._tcp.app.internal`: every SRV record is a place (RFC 2782).
    Service(String),
}

/// Why a text is not a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Neither `dns:` nor `dns+srv:` in front.
    #[error("expected dns:HOST:PORT or dns+srv:_SERVICE._tcp.DOMAIN")]
    Scheme,
    /// A host without a port, or with what is none.
    #[error("expected a host and a port: dns:app.internal:9000")]
    Port,
    /// A service with a port: the records have it.
    #[error("the port of a service comes from its records; leave it out")]
    ServicePort,
    /// Not what a name can be.
    #[error("`{0}` is not a name that the DNS can have")]
    Name(String),
}

impl Query {
    /// Whether a text means to be a question, right or wrong.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(HOST) || text.starts_with(SERVICE)
    }

    /// The name that is asked for.
    pub fn name(&self) -> &str {
        match self {
            Self::Host(name, _) | Self::Service(name) => name,
        }
    }
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        if let Some(name) = text.strip_prefix(SERVICE) {
            return match name.contains(':') {
                true => Err(QueryError::ServicePort),
                false => Ok(Self::Service(checked(name)?)),
            };
        }
        let rest = text.strip_prefix(HOST).ok_or(QueryError::Scheme)?;
        let (name, port) = rest.rsplit_once(':').ok_or(QueryError::Port)?;
        match port.parse() {
            Ok(0) | Err(_) => Err(QueryError::Port),
            Ok(port) => Ok(Self::Host(checked(name)?, port)),
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name, port) => write!(f, "{HOST}{name}:{port}"),
            Self::Service(name) => write!(f, "{SERVICE}{name}"),
        }
    }
}

/// A name of one label or more, each as long as it may be (RFC 1035, section 2.3.4). A final dot means that no search
/// domain is added.
fn checked(name: &str) -> Result<String, QueryError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label = |label: &str| (1..=MAX_LABEL).contains(&label.len()) && label.bytes().all(plain);
    let bare = name.strip_suffix('.').unwrap_or(name);
    if bare.len() > MAX_NAME || !bare.split('.').all(label) {
        return Err(QueryError::Name(name.to_owned()));
    }
    Ok(name.to_owned())
}

const HOST: &str = "dns:";
const SERVICE: &str = "dns+srv:";

/// Bytes of a label.
const MAX_LABEL: usize = 63;

/// Bytes of a name as it is written, without the final dot: 255 on the wire.
const MAX_NAME: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_prints_as_it_was_written() {
        for text in [
            "dns:app:9000",
            "dns:app.internal.:9000",
            "dns+srv:_fcgi._tcp.app.internal",
        ] {
            assert_eq!(text.parse::<Query>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn each_mistake_has_its_own_name() {
        let error = |text: &str| text.parse::<Query>().unwrap_err();
        assert_eq!(error("app.internal:9000"), QueryError::Scheme);
        assert_eq!(error("dns:app.internal"), QueryError::Port);
        assert_eq!(error("dns:app.internal:0"), QueryError::Port);
        assert_eq!(error("dns+srv:_a._tcp.b:80"), QueryError::ServicePort);
        for name in ["", "a..b", ".", "a b", &"x".repeat(64), &"ab.".repeat(90)] {
            assert_eq!(
                error(&format!("dns:{name}:80")),
                QueryError::Name(name.to_owned())
            );
        }
        assert_eq!(error("dns+srv:"), QueryError::Name(String::new()));
    }
}
