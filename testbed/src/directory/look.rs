//! How a directory looks whether a challenge is answered.

use std::net::{IpAddr, SocketAddr, TcpStream};

use anyhow::Result;

use crate::{Authority, Client, Tls, TlsClient};

/// Whether a server has the answer to http-01 (RFC 8555, section 8.3), as far as it begins with the token.
pub(super) fn has_answer(place: SocketAddr, host: &str, token: &str) -> Result<bool> {
    let mut client = Client::connect(place)?;
    let path = format!("/.well-known/acme-challenge/{token}");
    let host = match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    let answer = client.request("GET", &path, &[("Host", &host)], b"")?;
    Ok(answer.status == 200 && answer.text().starts_with(&format!("{token}.")))
}

/// Whether a server shows a certificate that is none but an answer to a challenge (RFC 8737, section 3). An address is
/// asked for by its reverse (RFC 8738, section 6).
pub(super) fn shows_answer(place: SocketAddr, host: &str) -> Result<bool> {
    let name = match host.parse() {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        Ok(IpAddr::V6(address)) => {
            let digits: Vec<String> = format!("{:032x}", address.to_bits())
                .chars()
                .rev()
                .map(String::from)
                .collect();
            format!("{}.ip6.arpa", digits.join("."))
        }
        Err(_) => host.to_owned(),
    };
    let client = TlsClient {
        name: &name,
        alpn: &["acme-tls/1"],
        blind: true,
        ..TlsClient::default()
    };
    let tls = Tls::new(&Authority::new("nothing")?, &client)?;
    let agreed = tls.connect(TcpStream::connect(place)?)?.agreed();
    let is_answer = agreed
        .certificate
        .windows(ANSWER.len())
        .any(|bytes| bytes == ANSWER);
    Ok(agreed.alpn == "acme-tls/1" && is_answer)
}

/// `id-pe-acmeIdentifier`
const ANSWER: &[u8] = &[0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f];
