//! Where a socket is: TCP by number, TCP by name, a path, or a name without a file.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use socket2::SockAddr;

/// A place to listen on or to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// `127.0.0.1:9000`, `[::1]:9000`
    Tcp(SocketAddr),
    /// `app.internal:9000`: resolved each time a connection is made, so that a moved container is found.
    Name(String, u16),
    /// `unix:/run/php/php-fpm.sock`
    Unix(PathBuf),
    /// `unix:@app`: in the abstract name space of Linux (unix(7)). It has no file, and so neither an owner nor a mode.
    Abstract(String),
}

/// Why a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// `unix:` without an absolute path behind it.
    #[error("a unix socket needs an absolute path: unix:/run/app.sock")]
    RelativePath,
    /// `unix:@` alone.
    #[error("a unix socket without a file needs a name: unix:@app")]
    Nameless,
    /// A name with a NUL.
    #[error("a NUL in the name of a unix socket")]
    Nul,
    /// The path does not fit into a socket address.
    #[error("socket path of {0} bytes; the system takes at most {MAX_UNIX_PATH}")]
    PathTooLong(usize),
    /// No port, or not a number.
    #[error("expected HOST:PORT, [IPV6]:PORT or unix:/PATH")]
    Port,
    /// A host name with characters that no host name has.
    #[error("`{0}` is not a host name")]
    Host(String),
}

/// `sun_path` holds 108 bytes with the closing NUL, or the NUL in front of an abstract name (unix(7)).
const MAX_UNIX_PATH: usize = 107;

impl Address {
    /// Whether the kernel would refuse to listen on both. A socket of IPv6 takes no clients of IPv4, unless it is
    /// `dual`, as another program may have opened it.
    pub fn overlaps(&self, other: &Self, dual: bool) -> bool {
        match (self, other) {
            (Self::Tcp(a), Self::Tcp(b)) => {
                let any = a.ip().is_unspecified() || b.ip().is_unspecified();
                let together = a.is_ipv4() == b.is_ipv4() || dual;
                a.port() != 0 && a.port() == b.port() && (a.ip() == b.ip() || together && any)
            }
            (a, b) => a == b,
        }
    }
}

/// What bind(2) and connect(2) take for a unix socket; an error for everything else.
pub(super) fn sockaddr(address: &Address) -> io::Result<SockAddr> {
    match address {
        Address::Unix(path) => SockAddr::unix(path),
        Address::Abstract(name) => {
            let bytes = [b"\0", name.as_bytes()].concat();
            SockAddr::unix(Path::new(&OsString::from_vec(bytes)))
        }
        Address::Tcp(_) | Address::Name(..) => Err(io::ErrorKind::Unsupported.into()),
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Tcp(address));
        }
        let (host, port) = text.rsplit_once(':').ok_or(AddressError::Port)?;
        let port = port.parse().map_err(|_| AddressError::Port)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if host.is_empty() || !host.bytes().all(plain) {
            return Err(AddressError::Host(host.to_owned()));
        }
        Ok(Self::Name(host.to_owned(), port))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Name(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "unix:@{name}"),
        }
    }
}

fn unix(text: &str) -> Result<Address, AddressError> {
    let name = text.strip_prefix('@');
    if name == Some("") {
        return Err(AddressError::Nameless);
    }
    if name.is_none() && !text.starts_with('/') {
        return Err(AddressError::RelativePath);
    }
    let length = name.unwrap_or(text).len();
    if length > MAX_UNIX_PATH {
        return Err(AddressError::PathTooLong(length));
    }
    if text.contains('\0') {
        return Err(AddressError::Nul);
    }
    Ok(match name {
        Some(name) => Address::Abstract(name.to_owned()),
        None => Address::Unix(text.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_prints_as_it_was_written() {
        for text in [
            "127.0.0.1:80",
            "[::1]:9000",
            "unix:/run/php/fpm.sock",
            "unix:@php/fpm",
            "app_1.internal:9000",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn addresses_that_the_kernel_takes_for_one_overlap() {
        let overlap = |a: &str, b: &str, dual| {
            let (a, b): (Address, Address) = (a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(a.overlaps(&b, dual), b.overlaps(&a, dual));
            a.overlaps(&b, dual)
        };
        assert!(overlap("0.0.0.0:80", "127.0.0.1:80", false));
        assert!(overlap("[::]:80", "[::1]:80", false));
        assert!(!overlap("0.0.0.0:80", "[::]:80", false));
        assert!(overlap("0.0.0.0:80", "[::]:80", true));
        assert!(!overlap("127.0.0.1:80", "[::1]:80", true));
        assert!(!overlap("0.0.0.0:80", "127.0.0.1:81", false));
        assert!(!overlap("127.0.0.1:0", "127.0.0.1:0", false), "two free ports");
        assert!(overlap("unix:/a", "unix:/a", false));
    }

    #[test]
    fn each_mistake_has_its_own_name() {
        let error = |text: &str| text.parse::<Address>().unwrap_err();
        assert_eq!(error("unix:run/x.sock"), AddressError::RelativePath);
        assert_eq!(error("unix:@"), AddressError::Nameless);
        assert_eq!(error("unix:@a\0b"), AddressError::Nul);
        assert_eq!(error("unix:/a\0b"), AddressError::Nul);
        assert_eq!(
            error(&format!("unix:@{}", "x".repeat(108))),
            AddressError::PathTooLong(108)
        );
        assert_eq!(
            error(&format!("unix:/{}", "x".repeat(107))),
            AddressError::PathTooLong(108)
        );
        assert_eq!(error("localhost"), AddressError::Port);
        assert_eq!(error("localhost:http"), AddressError::Port);
        assert_eq!(error("a b:80"), AddressError::Host("a b".into()));
        assert_eq!(error(":80"), AddressError::Host(String::new()));
    }
}
