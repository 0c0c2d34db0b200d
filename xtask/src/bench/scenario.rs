//! Requests, of which system calls, instructions, CPU time and memory are measured.

use anyhow::Result;

use super::channel::Security;
use super::identity::Sessions;
use super::load::{Connections, Load};
use super::server::Server;
use super::site::{BODY, Behind, Log, Site, Wire};
use super::work::Work;

/// One kind of request.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// What the report and the command line call it.
    pub(crate) name: &'static str,
    /// How both servers are set up.
    pub(crate) site: Site,
    /// What the requests say.
    pub(crate) fields: Fields,
    /// What the requests come on.
    pub(crate) connections: Connections,
    /// What the clients do with their sessions, if the site has TLS.
    pub(crate) sessions: Sessions,
    /// How many clients there are.
    pub(crate) clients: usize,
    /// Bytes of the body of each answer.
    pub(crate) answer: usize,
    /// As many ordinary requests make as much work as one of these.
    pub(crate) worth: usize,
}

impl Scenario {
    /// What is sent to a server. To be used for all that is measured there: clients keep their sessions.
    ///
    /// # Errors
    ///
    /// When a certificate cannot be read.
    pub(crate) fn load(&self, server: &Server, work: &Work) -> Result<Load> {
        let alpn = match self.connections {
            Connections::Streams(_) => "h2",
            Connections::Kept | Connections::Fresh => "http/1.1",
        };
        Ok(Load {
            addr: server.addr(),
            request: self.fields.request().into_bytes(),
            answer: self.answer as u64,
            is_gzip: self.fields == Fields::Gzip,
            clients: self.clients,
            connections: self.connections,
            security: Security::new(work.identity(), self.clients, alpn, self.sessions)?,
        })
    }
}

/// The fields of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fields {
    /// `Host`.
    Host,
    /// The twelve of a browser that follows a link.
    Browser,
    /// `Host`, and that gzip is understood.
    Gzip,
    /// `Host`, a name and a password.
    Login,
}

impl Fields {
    /// The complete request.
    pub(crate) fn request(self) -> String {
        let fields = match self {
            Self::Host => "",
            Self::Browser => BROWSER,
            Self::Gzip => "Accept-Encoding: gzip\r\n",
            Self::Login => LOGIN,
        };
        format!("GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n")
    }
}

/// Every scenario, in the order of the report.
pub(crate) const ALL: [Scenario; 24] = [
    plain("fixed", FIXED),
    browser("fixed-fields", FIXED),
    browser("fixed-combined", FIXED.logging(Log::Combined)),
    browser("fixed-json", FIXED.logging(Log::Json)),
    browser("fixed-template", FIXED.logging(Log::Template)),
    plain("fastcgi-keep", FASTCGI),
    browser("fastcgi-fields", FASTCGI),
    browser("fastcgi-combined", FASTCGI.logging(Log::Combined)),
    browser("fastcgi-json", FASTCGI.logging(Log::Json)),
    plain("fastcgi-queue", Site::new("fastcgi-queue", Behind::Php(8))),
    plain("fastcgi-close", Site::new("fastcgi-close", Behind::Php(64))),
    plain("uwsgi-close", Site::new("uwsgi-close", Behind::Uwsgi(16))),
    plain(
        "http-keep",
        Site::new("http-keep", Behind::canned(Wire::Http, BODY.len())),
    ),
    file("file-hot", KIB),
    file("file-100k", 100 * KIB),
    Scenario {
        answer: KIB,
        ..plain("file-rate", Site::new("file-rate", Behind::File(KIB)))
    },
    Scenario {
        fields: Fields::Login,
        answer: KIB,
        worth: 16,
        ..plain("file-auth", Site::new("file-auth", Behind::File(KIB)))
    },
    Scenario {
        fields: Fields::Gzip,
        answer: 16 * KIB,
        ..plain("http-gzip", Site::new("http-gzip", Behind::prose(16 * KIB)))
    },
    Scenario {
        answer: KIB,
        ..plain("tls-keep", TLS)
    },
    handshakes("tls-full", Sessions::New),
    handshakes("tls-resumed", Sessions::Resumed),
    Scenario {
        answer: MIB,
        clients: FEW,
        worth: 16,
        ..plain("tls-large", Site::new("tls-file", Behind::File(MIB)).secured())
    },
    Scenario {
        connections: STREAMS,
        clients: FEW,
        ..plain("h2-streams", Site::new("fixed-h2", Behind::Nothing))
    },
    Scenario {
        connections: STREAMS,
        clients: FEW,
        answer: KIB,
        ..plain("h2-tls", TLS)
    },
];

const fn plain(name: &'static str, site: Site) -> Scenario {
    Scenario {
        name,
        site,
        fields: Fields::Host,
        connections: Connections::Kept,
        sessions: Sessions::New,
        clients: CLIENTS,
        answer: BODY.len(),
        worth: 1,
    }
}

const fn browser(name: &'static str, site: Site) -> Scenario {
    Scenario {
        fields: Fields::Browser,
        ..plain(name, site)
    }
}

/// The same file again and again.
const fn file(name: &'static str, size: usize) -> Scenario {
    Scenario {
        answer: size,
        ..plain(name, Site::new("file", Behind::File(size)))
    }
}

/// A connection with its handshake, a request, and the end.
const fn handshakes(name: &'static str, sessions: Sessions) -> Scenario {
    Scenario {
        connections: Connections::Fresh,
        sessions,
        answer: KIB,
        worth: 4,
        ..plain(name, TLS)
    }
}

const FIXED: Site = Site::new("fixed", Behind::Nothing);
// Each of nginx's two workers keeps up to 64 connections. Bridgehead opens 64.
const FASTCGI: Site = Site::new("fastcgi-keep", Behind::Php(128));
const TLS: Site = Site::new("tls", Behind::Nothing).secured();
const STREAMS: Connections = Connections::Streams(100);

/// Eleven fields; `Host` is the twelfth.
const BROWSER: &str = "\
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r
Accept-Language: en-GB,en;q=0.7,de;q=0.3\r
Accept-Encoding: gzip, deflate, br, zstd\r
Referer: http://bench.example/overview?page=2\r
Connection: keep-alive\r
Cookie: session=4f1c7a9be2d84b6f8a53; theme=dark\r
Upgrade-Insecure-Requests: 1\r
Sec-Fetch-Dest: document\r
Sec-Fetch-Mode: navigate\r
Sec-Fetch-Site: same-origin\r
";

/// `anna` with the password `geheim`: see [`USERS`](super::work).
const LOGIN: &str = "Authorization: Basic YW5uYTpnZWhlaW0=\r\n";

/// Clients, where each request is small.
const CLIENTS: usize = 64;

/// Clients, where each has much under way.
const FEW: usize = 4;

const KIB: usize = 1024; // bytes
const MIB: usize = 1024 * 1024; // bytes

/// The host of every request.
pub(crate) const HOST: &str = "bench.example";

/// The path of every request.
pub(crate) const PATH: &str = "/hello";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_sends_twelve_fields() {
        let request = Fields::Browser.request();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert_eq!(head.split("\r\n").count(), 1 + 12);
        assert!(head.split("\r\n").skip(1).all(|field| field.contains(": ")));
        assert_eq!(body, "");
    }
}
