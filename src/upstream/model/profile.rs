//! The defaults and quirks of the servers that people run.
//!
//! Facts: protocol reference, sections 1.13, 2.3, 2.9 and 7, each verified on the real server.

use std::time::Duration;

use super::config::{Balance, ProtocolName, Queue, Quirks, Retry, Slots, Timeouts, UpstreamConfig};
use crate::protocol::params::PathInfo;
use crate::transport::tls::BackendTls;

/// A backend program that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// PHP-FPM.
    PhpFpm,
    /// `php-cgi -b`.
    PhpCgi,
    /// Programs linked with libfcgi.
    LibFcgi,
    /// fcgiwrap, and what else runs CGI programs.
    Fcgiwrap,
    /// uWSGI, on any of its sockets.
    Uwsgi,
    /// Gunicorn, over HTTP or uwsgi.
    Gunicorn,
    /// Anything else: what the specifications say.
    Generic,
}

impl Profile {
    /// Every profile with its name in the file.
    pub const ALL: [(&'static str, Self); 7] = [
        ("php-fpm", Self::PhpFpm),
        ("php-cgi", Self::PhpCgi),
        ("libfcgi", Self::LibFcgi),
        ("fcgiwrap", Self::Fcgiwrap),
        ("uwsgi", Self::Uwsgi),
        ("gunicorn", Self::Gunicorn),
        ("generic", Self::Generic),
    ];

    /// The protocols that the program speaks.
    pub fn protocols(self) -> &'static [ProtocolName] {
        use ProtocolName::{FastCgi, Http, Scgi, Uwsgi};
        match self {
            Self::PhpFpm | Self::PhpCgi | Self::LibFcgi | Self::Fcgiwrap => &[FastCgi],
            Self::Uwsgi => &[FastCgi, Uwsgi, Scgi, Http],
            Self::Gunicorn => &[Uwsgi, Http],
            Self::Generic => &[FastCgi, Uwsgi, Scgi, Http],
        }
    }

    /// How long an unused connection is kept unless configured: less than the program keeps it, or the next request
    /// meets its end on the way. Gunicorn's `keepalive` is 2 s; the others wait for ever.
    pub fn idle(self) -> Duration {
        match self {
            Self::Gunicorn => Duration::from_secs(1),
            Self::PhpFpm | Self::PhpCgi | Self::LibFcgi | Self::Fcgiwrap | Self::Uwsgi | Self::Generic => {
                Timeouts::default().idle
            }
        }
    }

    /// An upstream of such programs with the defaults of every setting, without a name and endpoints yet.
    pub fn upstream(self, protocol: ProtocolName) -> UpstreamConfig {
        UpstreamConfig {
            name: String::new(),
            protocol,
            quirks: self.quirks_over(protocol),
            host: None,
            proxy_protocol: None,
            normalize: false,
            endpoints: Vec::new(),
            sources: Vec::new(),
            tls: BackendTls::default(),
            balance: Balance::default(),
            sticky: None,
            max_connections: Slots::default(),
            health: None,
            keep_alive: 0,
            queue: Queue::default(),
            hold: UpstreamConfig::HOLD,
            fair: None,
            warn_unreachable: true,
            retry: Retry::default(),
            timeouts: Timeouts {
                idle: self.idle(),
                ..Timeouts::default()
            },
            head_size: UpstreamConfig::HEAD_SIZE,
            head_fields: UpstreamConfig::HEAD_FIELDS,
        }
    }

    /// What the program needs when it is spoken to in `protocol`; what the protocol has no use for is as usual.
    fn quirks_over(self, protocol: ProtocolName) -> Quirks {
        let quirks = self.quirks();
        match protocol {
            ProtocolName::Http => Quirks {
                chunked_body: quirks.chunked_body,
                ..Self::Generic.quirks()
            },
            ProtocolName::FastCgi => quirks,
            // These protocols never have such a body.
            ProtocolName::Uwsgi | ProtocolName::Scgi => Quirks {
                chunked_body: true,
                ..quirks
            },
        }
    }

    /// What the program needs.
    pub fn quirks(self) -> Quirks {
        let generic = Quirks {
            path_info: PathInfo::Decoded,
            empty_path_info: true,
            max_block: MAX_BLOCK,
            max_params: MAX_PARAMS,
            chunked_body: true,
            modifier1: 0,
            modifier2: 0,
        };
        match self {
            Self::PhpFpm | Self::PhpCgi => Quirks {
                empty_path_info: false,
                // PHP reads as much as `CONTENT_LENGTH` says.
                chunked_body: false,
                ..generic
            },
            Self::LibFcgi | Self::Generic => generic,
            Self::Fcgiwrap => Quirks {
                // So do CGI programs (RFC 3875, section 4.2).
                chunked_body: false,
                ..generic
            },
            Self::Uwsgi => Quirks {
                max_block: 4096,
                max_params: 128,
                chunked_body: false,
                ..generic
            },
            Self::Gunicorn => Quirks {
                path_info: PathInfo::Encoded,
                ..generic
            },
        }
    }
}

/// Variable block unless a profile knows better: what the 16-bit length of uwsgi can say, in bytes.
pub const MAX_BLOCK: usize = 65_535;

/// Variable block of the FastCGI programs, in bytes: they have no limit of their own (reference, section
/// 1.13), so this is ours.
pub const MAX_FASTCGI_BLOCK: usize = 1024 * 1024;

/// Variables unless a profile knows better: Gunicorn's limit, and more than any browser causes.
pub const MAX_PARAMS: usize = 1_000;
