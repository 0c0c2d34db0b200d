//! Small requests, one after the other.

use super::site::{BODY, Behind, Log, Site, Wire};

/// One kind of request.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// What the report and the command line call it.
    pub(crate) name: &'static str,
    /// How both servers are set up.
    pub(crate) site: Site,
    /// What the requests say.
    pub(crate) fields: Fields,
}

/// The fields of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fields {
    /// `Host`.
    Host,
    /// The twelve of a browser that follows a link.
    Browser,
}

impl Fields {
    /// The complete request.
    pub(crate) fn request(self) -> String {
        let fields = match self {
            Self::Host => "",
            Self::Browser => BROWSER,
        };
        format!("GET {PATH} HTTP/1.1\r\nHost: bench.example\r\n{fields}\r\n")
    }
}

/// Every scenario, in the order of the report.
pub(crate) const ALL: [Scenario; 13] = [
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
];

const fn plain(name: &'static str, site: Site) -> Scenario {
    let fields = Fields::Host;
    Scenario { name, site, fields }
}

const fn browser(name: &'static str, site: Site) -> Scenario {
    let fields = Fields::Browser;
    Scenario { name, site, fields }
}

const FIXED: Site = Site::new("fixed", Behind::Nothing);
// Each of nginx's two workers keeps up to 64 connections. Bridgehead opens 64.
const FASTCGI: Site = Site::new("fastcgi-keep", Behind::Php(128));

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

/// Client connections in every scenario.
pub(crate) const CLIENTS: usize = 64;

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
