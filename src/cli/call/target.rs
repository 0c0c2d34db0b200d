//! Where a request goes: the address of a socket, or a URL that has one in it.

use http::Uri;
use http::uri::Scheme;

use crate::config::address::{self, Mistake};
use crate::transport::Address;

/// The first word of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) address: Address,
    /// What is asked for there, if it was said.
    pub(super) url: Option<Uri>,
}

impl Target {
    /// `unix:/run/app.sock`, `app:9000`, …, as in a configuration; a path alone will do here, also a relative one; or
    /// `http://app:8000/path`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("http", _)) => url(text),
            Some((scheme, rest)) => Err(format!("a URL of `{scheme}`; {}", instead(scheme, rest))),
            None => place(text).map_err(|mistake| match mistake.help {
                Some(help) => format!("{}; {help}", mistake.message),
                None => mistake.message,
            }),
        }
    }

    /// The host and the port that a client of HTTP names.
    pub(super) fn authority(&self) -> Option<String> {
        let named = self.url.as_ref().and_then(Uri::authority);
        match &self.address {
            _ if named.is_some() => named.map(|authority| authority.to_string()),
            Address::Tcp(_) | Address::Name(..) => Some(self.address.to_string()),
            Address::Unix(_) | Address::Abstract(_) => None,
        }
    }
}

fn place(text: &str) -> Result<Target, Mistake> {
    let bare = text.strip_prefix("unix:").unwrap_or(text);
    let is_path = !bare.starts_with('@') && (bare.len() != text.len() || text.contains('/'));
    let path = is_path.then(|| std::path::absolute(bare).ok()).flatten();
    let address = match path {
        Some(path) => address::read(&format!("unix:{}", path.display()), USUAL_PORT),
        None => address::read(text, USUAL_PORT),
    };
    Ok(Target {
        address: address?,
        url: None,
    })
}

fn url(text: &str) -> Result<Target, String> {
    let wrong = || format!("`{text}` is no URL; write http://HOST:PORT/PATH");
    let url: Uri = text.parse().map_err(|_| wrong())?;
    debug_assert_eq!(url.scheme(), Some(&Scheme::HTTP));
    let authority = url
        .authority()
        .filter(|authority| !authority.as_str().contains('@'));
    let authority = authority.ok_or_else(wrong)?;
    let port = authority.port_u16().unwrap_or(80);
    let address = format!("{}:{port}", authority.host());
    let address = address::read(&address, port).map_err(|mistake| mistake.message)?;
    Ok(Target {
        address,
        url: Some(url),
    })
}

/// What to write for a URL that is none of `http`.
fn instead(scheme: &str, rest: &str) -> String {
    let place = rest.split('/').next().unwrap_or_default();
    match scheme {
        "https" => "TLS is not spoken here: curl does".to_owned(),
        "fastcgi" | "uwsgi" | "scgi" => format!("write {place} --protocol {scheme}"),
        _ => "write http://HOST:PORT/PATH, or the address of a socket".to_owned(),
    }
}

/// Shown where a port is missing.
const USUAL_PORT: u16 = 9000;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<Address, String> {
        Target::read(text).map(|target| target.address)
    }

    #[test]
    fn places_are_paths_or_addresses() {
        let unix = |path: &str| Ok(Address::Unix(path.into()));
        assert_eq!(address("unix:/run/a.sock"), unix("/run/a.sock"));
        assert_eq!(address("/run/a.sock"), unix("/run/a.sock"));
        let here = std::env::current_dir().unwrap().join("a.sock");
        assert_eq!(address("./a.sock"), unix(here.to_str().unwrap()));
        assert_eq!(address("unix:a.sock"), unix(here.to_str().unwrap()));
        assert_eq!(address("unix:@app/1"), Ok(Address::Abstract("app/1".into())));
        assert_eq!(address("app:9000"), Ok(Address::Name("app".into(), 9000)));
    }

    #[test]
    fn a_url_has_its_address_in_it() {
        for (text, place, path, authority) in [
            (
                "http://127.0.0.1:8000/x?y",
                "127.0.0.1:8000",
                "/x?y",
                "127.0.0.1:8000",
            ),
            ("http://app/", "app:80", "/", "app"),
            ("http://[::1]:81", "[::1]:81", "/", "[::1]:81"),
        ] {
            let target = Target::read(text).unwrap();
            let url = target.url.as_ref().unwrap();
            assert_eq!(target.address, place.parse().unwrap(), "{text}");
            assert_eq!(
                url.path_and_query().map(|path| path.as_str()),
                Some(path),
                "{text}"
            );
            assert_eq!(target.authority().as_deref(), Some(authority), "{text}");
        }
    }

    #[test]
    fn mistakes_are_those_of_a_configuration_and_say_what_to_write() {
        for (text, told) in [
            ("app", "expected HOST:PORT"),
            ("10.0.0.5", "add a port: \"10.0.0.5:9000\""),
            ("::1:9000", "\"[::1]:9000\""),
            ("@app", "write \"unix:@app\""),
            ("dns:app:9000", "write \"app:9000\""),
            ("https://app/", "curl"),
            (
                "fastcgi://10.0.0.5:9000/x",
                "write 10.0.0.5:9000 --protocol fastcgi",
            ),
            ("ftp://app/", "write http://HOST:PORT/PATH"),
            ("http://", "is no URL"),
            ("http://me@app/", "is no URL"),
        ] {
            let error = Target::read(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
