//! Where a target listens.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A place to connect to or to listen at, as `bridgehead call` has it, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A unix stream socket: `unix:/path`, `/path`, or a relative path with a slash in it.
    Unix(PathBuf),
    /// A unix stream socket without a file, in the abstract name space of Linux (unix(7)): `unix:@name`.
    Abstract(String),
    /// A name or number, and a port: `host:port`, `[::1]:port`, `http://host` (port 80), `http://host:port/`.
    Tcp(String),
}

impl Address {
    /// Takes a URL apart: the address of its host, and its path, which begins with a slash.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and how it is written.
    pub fn of_url(url: &str) -> Result<(Self, String), String> {
        let rest = url
            .strip_prefix("http://")
            .ok_or_else(|| format!("`{url}` is no URL of HTTP: write http://host:port/path/"))?;
        let (origin, path) = rest.split_once('/').unwrap_or((rest, ""));
        let ends_in_port = origin
            .rsplit_once(']')
            .map_or(origin, |(_, port)| port)
            .contains(':');
        let address = match ends_in_port {
            true => tcp(origin)?,
            false => tcp(&format!("{origin}:{HTTP}"))?,
        };
        Ok((address, format!("/{path}")))
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("unix:@") {
            return abstract_socket(name);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path);
        }
        if text.contains("://") {
            let (address, path) = Self::of_url(text)?;
            return match path.as_str() {
                "/" => Ok(address),
                _ => Err(format!("`{text}` names a path, and an address has none")),
            };
        }
        if text.contains('/') {
            return unix(text);
        }
        tcp(text)
    }
}

fn unix(path: &str) -> Result<Address, String> {
    match path.len() {
        0 => Err("a unix socket needs a path: unix:/run/app.sock".to_owned()),
        1..=MAX_PATH => Ok(Address::Unix(path.into())),
        length => Err(format!(
            "a socket path of {length} bytes; the system takes at most {MAX_PATH}"
        )),
    }
}

fn abstract_socket(name: &str) -> Result<Address, String> {
    match name.len() {
        0 => Err("an abstract socket needs a name: unix:@app".to_owned()),
        1..=MAX_PATH => Ok(Address::Abstract(name.to_owned())),
        length => Err(format!(
            "an abstract name of {length} bytes; the system takes at most {MAX_PATH}"
        )),
    }
}

fn tcp(text: &str) -> Result<Address, String> {
    let wrong = || {
        format!("`{text}` is not an address: write unix:/path, /path, unix:@name, host:port or [ipv6]:port")
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    port.parse::<u16>().map_err(|_| wrong())?;
    match host {
        "" => Err(wrong()),
        host if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) => Err(format!(
            "`{text}` is not an address: an IPv6 address stands in brackets: [{host}]:{port}"
        )),
        _ => Ok(Address::Tcp(text.to_owned())),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "unix:@{name}"),
            Self::Tcp(text) => f.write_str(text),
        }
    }
}

const HTTP: u16 = 80; // the port of a URL without one
const MAX_PATH: usize = 107; // bytes: `sun_path` holds 108 with the NUL before or behind (unix(7))

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_is_read() {
        let tcp = |text: &str| Ok(Address::Tcp(text.to_owned()));
        let unix = |path: &str| Ok(Address::Unix(path.into()));
        for (text, wanted) in [
            ("unix:/run/a.sock", unix("/run/a.sock")),
            ("/run/a.sock", unix("/run/a.sock")),
            ("./a.sock", unix("./a.sock")),
            ("unix:a.sock", unix("a.sock")),
            ("unix:@app", Ok(Address::Abstract("app".to_owned()))),
            ("127.0.0.1:9000", tcp("127.0.0.1:9000")),
            ("app.internal:9000", tcp("app.internal:9000")),
            ("[::1]:9000", tcp("[::1]:9000")),
            ("http://127.0.0.1:8080", tcp("127.0.0.1:8080")),
            ("http://[::1]:8080/", tcp("[::1]:8080")),
            ("http://[::1]/", tcp("[::1]:80")),
            ("http://a.example", tcp("a.example:80")),
        ] {
            assert_eq!(text.parse::<Address>(), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_told_how_one_is_written() {
        for (text, advice) in [
            ("localhost", "host:port"),
            ("localhost:http", "host:port"),
            (":80", "host:port"),
            ("::1:9000", "[::1]:9000"),
            ("unix:", "unix:/run/app.sock"),
            ("unix:@", "unix:@app"),
            ("http://a.example/x", "names a path"),
            ("https://a.example/", "http://host:port/path/"),
        ] {
            let error = text.parse::<Address>().expect_err(text);
            assert!(error.contains(advice), "{text}: {error}");
        }
        let long = format!("unix:/{}", "x".repeat(MAX_PATH));
        assert!(long.parse::<Address>().expect_err("long").contains("108 bytes"));
    }

    #[test]
    fn an_address_prints_in_a_form_that_is_read_again() {
        for text in ["unix:/run/a.sock", "unix:@app", "[::1]:9000", "a.example:80"] {
            let address = text.parse::<Address>().expect("valid");
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn a_url_has_an_address_and_a_path() {
        let parts = |url: &str| {
            let (address, path) = Address::of_url(url).expect(url);
            (address.to_string(), path)
        };
        assert_eq!(
            parts("http://[::1]/a/b"),
            ("[::1]:80".to_owned(), "/a/b".to_owned())
        );
        assert_eq!(parts("http://a:81"), ("a:81".to_owned(), "/".to_owned()));
        assert!(Address::of_url("a:81/x").is_err());
    }
}
