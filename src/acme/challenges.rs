//! What can be found of challenges now: files of the store, so that every listener, every process and every machine that
//! has the store answers for all of them.

use std::io;

use super::answer::{Answer, is_token};
use super::config::ChallengeKind;
use super::dns::Records;
use super::failure::Cause;
use super::request;
use super::store::Store;
use crate::transport::tls::AlpnChallenges;

/// Answers of a store, to be found by directories.
#[derive(Clone, Debug)]
pub struct Challenges {
    store: Store,
    /// Those of the DNS.
    records: Records,
}

impl Challenges {
    /// Those of a store.
    pub fn of(store: Store) -> Self {
        Self {
            records: Records::new(store.path()),
            store,
        }
    }

    /// What stands at `/.well-known/acme-challenge/TOKEN`; `None`: no order has asked for that. Not for a thread of the
    /// runtime.
    pub fn http(&self, token: &[u8]) -> Option<Vec<u8>> {
        if !is_token(token) {
            return None;
        }
        let token = std::str::from_utf8(token).ok()?;
        self.store.read(HTTP, token).ok()?
    }

    /// From now on it can be found.
    pub(super) fn publish(&self, answer: &Answer) -> Result<(), Cause> {
        match answer.kind {
            ChallengeKind::Http01 => {
                self.store
                    .write(HTTP, &answer.token, answer.authorization.as_bytes())?
            }
            ChallengeKind::TlsAlpn01 => {
                let name = file_name(&answer.name).ok_or_else(|| unusable(&answer.name))?;
                self.store
                    .write(ALPN, &name, request::alpn_certificate(answer)?.as_bytes())?;
            }
            ChallengeKind::Dns01 => self.records.publish(&answer.name, &answer.record())?,
        }
        Ok(())
    }

    /// It can be found no longer.
    pub(super) fn withdraw(&self, answer: &Answer) -> io::Result<()> {
        match answer.kind {
            ChallengeKind::Http01 => self.store.remove(HTTP, &answer.token),
            ChallengeKind::TlsAlpn01 => match file_name(&answer.name) {
                Some(name) => self.store.remove(ALPN, &name),
                None => Ok(()),
            },
            ChallengeKind::Dns01 => self.records.withdraw(&answer.name, &answer.record()),
        }
    }
}

impl AlpnChallenges for Challenges {
    fn certificate(&self, name: &str) -> Option<Vec<u8>> {
        self.store.read(ALPN, &file_name(name)?).ok()?
    }
}

fn unusable(name: &str) -> Cause {
    Cause::Answer(format!("`{name}` is no name"))
}

/// A name as that of a file; `None`: it is none. A client that asks for an address names its reverse (RFC 8738, section 6).
fn file_name(name: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let name = name.to_ascii_lowercase();
    let name = reversed(&name).unwrap_or(name);
    (name.bytes().all(plain) && !name.starts_with('.') && (1..=255).contains(&name.len())).then_some(name)
}

/// The address that `4.3.2.1.in-addr.arpa` stands for.
fn reversed(name: &str) -> Option<String> {
    if let Some(labels) = name.strip_suffix(".in-addr.arpa") {
        let labels: Vec<&str> = labels.rsplit('.').collect();
        let address: std::net::Ipv4Addr = labels.join(".").parse().ok()?;
        return Some(address.to_string());
    }
    let digits: String = name.strip_suffix(".ip6.arpa")?.rsplit('.').collect();
    let number = u128::from_str_radix(&digits, 16).ok()?;
    (digits.len() == 32).then(|| std::net::Ipv6Addr::from(number).to_string())
}

const HTTP: &str = "challenges/http";
const ALPN: &str = "challenges/alpn";

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: ChallengeKind) -> Answer {
        Answer {
            kind,
            name: "a.example".to_owned(),
            token: "tok".to_owned(),
            authorization: "tok.print".to_owned(),
        }
    }

    #[test]
    fn what_is_published_is_found_until_it_is_withdrawn() {
        let dir = tempfile::tempdir().unwrap();
        let challenges = Challenges::of(Store::at(dir.path()));
        let other = Challenges::of(Store::at(dir.path()));
        let http = answer(ChallengeKind::Http01);
        challenges.publish(&http).unwrap();
        assert_eq!(other.http(b"tok").unwrap(), b"tok.print");
        assert_eq!(other.http(b"../http/tok"), None);
        challenges.withdraw(&http).unwrap();
        assert_eq!(other.http(b"tok"), None);
        let alpn = answer(ChallengeKind::TlsAlpn01);
        challenges.publish(&alpn).unwrap();
        assert!(other.certificate("A.example").is_some());
        challenges.withdraw(&alpn).unwrap();
        assert_eq!(other.certificate("a.example"), None);
    }

    #[test]
    fn an_address_is_asked_for_by_its_reverse() {
        assert_eq!(file_name("1.2.0.192.in-addr.arpa").as_deref(), Some("192.0.2.1"));
        let reverse = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        assert_eq!(file_name(reverse).as_deref(), Some("2001:db8::1"));
        assert_eq!(file_name("../x"), None);
        assert_eq!(file_name("a/b"), None);
    }
}
