//! Texts that are no addresses: what is wrong, and what was probably meant. The same for configurations and command lines.

use std::net::{IpAddr, Ipv6Addr};

use crate::transport::address::AddressError;
use crate::transport::{Address, Query};

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// What was probably meant, if anything comes to mind.
    pub help: Option<String>,
}

/// The address that a text is; `port` is shown where one is missing.
pub fn read(text: &str, port: u16) -> Result<Address, Mistake> {
    if let Some(host) = text.strip_prefix("dns:").filter(|_| Query::is_meant(text)) {
        return Err(Mistake {
            message: "a name that the DNS has any number of addresses for; here one is needed".to_owned(),
            help: Some(format!("write \"{host}\"")),
        });
    }
    text.parse().map_err(|error| Mistake {
        message: message(text, &error),
        help: instead(text, port),
    })
}

fn message(text: &str, error: &AddressError) -> String {
    let is_number = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if text.strip_prefix(':').is_some_and(is_number) {
        return "there is no host before the port".to_owned();
    }
    if text.parse::<Ipv6Addr>().is_ok() || with_port(text).is_some() {
        return "an address of IPv6 stands in brackets".to_owned();
    }
    error.to_string()
}

/// What was probably meant by `text`, with `port` where none was given; `None` when nothing comes to mind.
fn instead(text: &str, port: u16) -> Option<String> {
    if text.starts_with('/') {
        return Some(format!("write \"unix:{text}\""));
    }
    if let Some(name) = text.strip_prefix('@').filter(|name| !name.is_empty()) {
        return Some(format!("write \"unix:@{name}\""));
    }
    if let Some((_, rest)) = text.split_once("://") {
        let rest = rest.split('/').next().unwrap_or_default();
        let port = if rest.contains(':') { "" } else { ":80" };
        return Some(format!("it is an address, not a URL: write \"{rest}{port}\""));
    }
    match (text.parse::<Ipv6Addr>().is_ok(), with_port(text)) {
        (true, Some((host, own))) => Some(format!(
            "write \"[{host}]:{own}\", or with a port behind all of it \"[{text}]:{port}\""
        )),
        (true, None) => Some(format!("add a port: \"[{text}]:{port}\"")),
        (false, Some((host, own))) => Some(format!("write \"[{host}]:{own}\"")),
        (false, None) => without_port(text).map(|host| format!("add a port: \"{host}:{port}\"")),
    }
}

/// The two parts of `::1:9000` and `:::9000`, if they are an address of IPv6 and a port behind it.
fn with_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    host.parse::<Ipv6Addr>().ok()?;
    let port = port
        .parse()
        .ok()
        .filter(|number: &u16| number.to_string() == port)?;
    Some((host, port))
}

/// An address alone, as it stands before a port.
fn without_port(text: &str) -> Option<&str> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().ok().map(|_| text),
        None => text.parse::<IpAddr>().ok().map(|_| text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(text: &str) -> String {
        read(text, 9000).unwrap_err().help.unwrap_or_default()
    }

    #[test]
    fn an_address_of_ipv6_without_brackets_gets_them() {
        for (text, help_text) in [
            ("::1", "add a port: \"[::1]:9000\""),
            ("[::1]", "add a port: \"[::1]:9000\""),
            (":::8080", "write \"[::]:8080\""),
            ("1:2:3:4:5:6:7:8:80", "write \"[1:2:3:4:5:6:7:8]:80\""),
            (
                "::1:8100",
                "write \"[::1]:8100\", or with a port behind all of it \"[::1:8100]:9000\"",
            ),
            ("2001:db8::5", "add a port: \"[2001:db8::5]:9000\""),
        ] {
            assert_eq!(help(text), help_text, "{text}");
            // What it says to write is an address.
            for written in help_text.split('"').skip(1).step_by(2) {
                written.parse::<Address>().unwrap();
            }
        }
        let mistake = read("::1:8100", 80).unwrap_err();
        assert_eq!(mistake.message, "an address of IPv6 stands in brackets");
    }

    #[test]
    fn other_mistakes_have_their_remedies() {
        for (text, help_text) in [
            ("10.0.0.5", "add a port: \"10.0.0.5:9000\""),
            ("/run/a.sock", "write \"unix:/run/a.sock\""),
            ("@app", "write \"unix:@app\""),
            (
                "http://10.0.0.5/x",
                "it is an address, not a URL: write \"10.0.0.5:80\"",
            ),
            (
                "http://[::1]:81/",
                "it is an address, not a URL: write \"[::1]:81\"",
            ),
            ("dns:app:9000", "write \"app:9000\""),
            ("app", ""),
        ] {
            assert_eq!(help(text), help_text, "{text}");
        }
        assert_eq!(
            read(":80", 80).unwrap_err().message,
            "there is no host before the port"
        );
    }
}
