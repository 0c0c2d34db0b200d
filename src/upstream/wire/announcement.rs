//! What an endpoint is told of the client in front of a connection, in the PROXY protocol.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::AsyncWriteExt;

use crate::protocol::proxy_protocol::{Ends, Header, Origin, Tlvs, Version};
use crate::protocol::request::{Client, ForwardedFor};
use crate::transport::Stream;

/// The header in front of a connection; no bytes where the upstream is told nothing. Requests of another client must not go
/// over the connection: the endpoint would take them for this one's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announcement(Box<[u8]>);

impl Announcement {
    /// Of a client, in the version that the upstream wants.
    #[inline]
    pub fn of(client: &Client, version: Option<Version>) -> Self {
        version.map_or_else(Self::default, |version| Self::new(&header(client), version))
    }

    /// Of a connection that is the gateway's own: a health check.
    pub fn own(version: Option<Version>) -> Self {
        let header = Header::of(Origin::Local);
        version.map_or_else(Self::default, |version| Self::new(&header, version))
    }

    fn new(header: &Header, version: Version) -> Self {
        Self(header.encode(version).into())
    }

    /// Whether the endpoint is told nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says it, in front of all else.
    pub async fn say(&self, stream: &mut Stream) -> io::Result<()> {
        stream.write_all(&self.0).await
    }
}

/// The client after trusted proxies, as variables tell of it, too.
fn header(client: &Client) -> Header {
    let local = client.local.as_ref().map(|local| local.address);
    let ends = client.remote.as_ref().map(|remote| Ends {
        source: remote.address,
        destination: local.unwrap_or_else(|| unspecified(remote.address)),
    });
    Header {
        origin: ends.map_or(Origin::Unknown, Origin::Tcp),
        tlvs: tlvs(client),
    }
}

/// What is known of TLS by that which the client spoke it with: a load balancer in front of us, or the gateway.
fn tlvs(client: &Client) -> Tlvs {
    let is_own = client.forwarded_for == ForwardedFor::Client;
    match (&client.announced, &client.tls) {
        _ if !client.secure => Tlvs::default(),
        (Some(header), _) if header.is_secure() => header.tlvs.only_ssl(),
        (_, Some(tls)) if is_own => Tlvs::of(tls),
        _ => Tlvs::secure(),
    }
}

/// A client behind a proxy on a unix socket: it connected to no address of ours.
fn unspecified(source: SocketAddr) -> SocketAddr {
    let ip: IpAddr = match source {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    SocketAddr::new(ip, 0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::protocol::peer::Peer;
    use crate::protocol::proxy_protocol::{Kind, SslKind, decode};
    use crate::protocol::tls::ClientTls;

    fn client(remote: &str, local: &str) -> Client {
        let peer = |text: &str| text.parse::<SocketAddr>().ok().map(Peer::from);
        Client {
            remote: peer(remote),
            local: peer(local).map(Arc::new),
            ..Client::default()
        }
    }

    fn line(client: &Client) -> String {
        let said = Announcement::of(client, Some(Version::V1));
        String::from_utf8(said.0.into()).unwrap()
    }

    fn received(client: &Client) -> Header {
        let said = Announcement::of(client, Some(Version::V2));
        decode(&said.0).unwrap().unwrap().0
    }

    #[test]
    fn a_client_is_announced_with_both_ends() {
        let client = client("192.0.2.9:4711", "198.51.100.1:80");
        assert_eq!(line(&client), "PROXY TCP4 192.0.2.9 198.51.100.1 4711 80\r\n");
        assert!(received(&client).ends().is_some() && !received(&client).is_secure());
        assert_eq!(Announcement::of(&client, None), Announcement::default());
    }

    #[test]
    fn ends_that_are_not_known_are_not_made_up() {
        assert_eq!(line(&client("", "")), "PROXY UNKNOWN\r\n");
        assert_eq!(received(&client("", "")).origin, Origin::Unknown);
        assert_eq!(
            line(&client("192.0.2.9:0", "")),
            "PROXY TCP4 192.0.2.9 0.0.0.0 0 0\r\n"
        );
        assert_eq!(
            line(&client("[2001:db8::1]:0", "")),
            "PROXY TCP6 2001:db8::1 :: 0 0\r\n"
        );
    }

    #[test]
    fn tls_is_told_of_as_the_balancer_in_front_did() {
        let mut client = client("192.0.2.9:4711", "198.51.100.1:443");
        client.secure = true;
        assert_eq!(received(&client).tlvs, Tlvs::secure());
        let bytes = b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\x16\x20\0\x0f\x01\0\0\0\0\x21\0\x07TLSv1.3\x05\0\x01n";
        let (header, _) = decode(bytes).unwrap().unwrap();
        client.announced = Some(Arc::new(header.clone()));
        assert_eq!(received(&client).tlvs, header.tlvs.only_ssl());
        assert_eq!(received(&client).tlvs.get(Kind::UNIQUE_ID), None);
        client.secure = false;
        assert_eq!(received(&client).tlvs, Tlvs::default());
    }

    #[test]
    fn tls_with_the_gateway_is_told_of_unless_it_is_a_proxys() {
        let tls = ClientTls {
            version: "TLSv1.3",
            cipher: "TLS_AES_256_GCM_SHA384",
            server_name: Some("a.example".into()),
            ..ClientTls::default()
        };
        let mut client = client("192.0.2.9:4711", "198.51.100.1:443");
        client.secure = true;
        client.forwarded_for = ForwardedFor::Client;
        client.tls = Some(Arc::new(tls.clone()));
        let tlvs = received(&client).tlvs;
        let ssl = tlvs.ssl().unwrap();
        assert!(ssl.is_client() && ssl.verify == 1);
        assert_eq!(ssl.get(SslKind::VERSION), Some(&b"TLSv1.3"[..]));
        assert_eq!(ssl.get(SslKind::CIPHER), Some(&b"TLS_AES_256_GCM_SHA384"[..]));
        assert_eq!(tlvs.get(Kind::AUTHORITY), Some(&b"a.example"[..]));
        for (resumed, bits) in [(false, 7), (true, 5)] {
            let holder = Some(Box::default());
            client.tls = Some(Arc::new(ClientTls {
                holder,
                resumed,
                ..tls.clone()
            }));
            let tlvs = received(&client).tlvs;
            assert_eq!(tlvs.get(Kind::SSL).unwrap()[..5], [bits, 0, 0, 0, 0]);
        }
        client.forwarded_for = ForwardedFor::Nothing;
        assert_eq!(received(&client).tlvs, Tlvs::secure());
    }

    #[test]
    fn a_health_check_is_the_gateways_own() {
        let own = |version| Announcement::own(Some(version)).0;
        assert_eq!(*own(Version::V1), *b"PROXY UNKNOWN\r\n");
        assert_eq!(*own(Version::V2), *b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0");
    }
}
