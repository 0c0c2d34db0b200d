//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::ValueEnum;

use super::target::Target;
use crate::config::units::Period;
use crate::protocol::fastcgi::FastCgi;
use crate::protocol::http1::Http1;
use crate::protocol::params::{PathInfo, Style, StyleKind};
use crate::protocol::scgi::Scgi;
use crate::protocol::uwsgi::Uwsgi;
use crate::protocol::{Limits, Protocol};

/// Send one request to a FastCGI, uwsgi, SCGI or HTTP application: curl for sockets.
///
/// The body of the answer goes to stdout, messages of the application go to stderr. Exit code 0 stands for a
/// status below 400, 22 for one from 400 up, 1 for no answer.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Args {
    /// Where the application listens: unix:/run/app.sock, /run/app.sock, unix:@app, HOST:PORT, or http://HOST:PORT/PATH
    /// for what speaks HTTP.
    #[arg(value_name = "ADDRESS", value_parser = Target::read)]
    pub(super) target: Target,
    /// Method [default: GET, or POST with --data].
    #[arg(value_name = "METHOD")]
    pub(super) first: Option<String>,
    /// Path and query, or a whole URL [default: that of ADDRESS, the name of the --script, or /].
    #[arg(value_name = "PATH")]
    pub(super) second: Option<String>,
    /// What the application speaks [default: fastcgi, or http when ADDRESS is a URL].
    #[arg(long, value_enum)]
    protocol: Option<Wire>,
    /// A header field; without a value: leave it out.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(super) headers: Vec<String>,
    /// The body, or @FILE, or @- for stdin.
    #[arg(short, long, value_name = "DATA")]
    pub(super) data: Option<String>,
    /// A variable; wins over what is made from the request.
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub(super) params: Vec<String>,
    /// The file to run, as the application sees it (SCRIPT_FILENAME); PHP needs one.
    #[arg(long, value_name = "FILE")]
    pub(super) script: Option<PathBuf>,
    /// Ask a FastCGI application for its capabilities instead of sending a request.
    #[arg(long, conflicts_with_all = ["first", "data", "headers", "params", "script"])]
    pub(super) get_values: bool,
    /// Longest silence: while connecting, and before every piece of the answer.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = period)]
    pub(super) timeout: Period,
    /// Print the head of the answer, too.
    #[arg(short, long)]
    pub(super) include: bool,
    /// Tell on stderr what is sent and received, and when.
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Ask the application to keep the connection; -v tells whether it would.
    #[arg(long)]
    pub(super) keep: bool,
}

/// The protocols that have a codec of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Wire {
    Fastcgi,
    Uwsgi,
    Scgi,
    Http,
}

impl Args {
    /// What the application speaks.
    pub(super) fn wire(&self) -> Wire {
        self.protocol.unwrap_or(match self.target.url {
            Some(_) => Wire::Http,
            None => Wire::Fastcgi,
        })
    }

    /// Options that do not go together, in words.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        match self.wire() {
            Wire::Fastcgi => None,
            _ if self.get_values => Some("only FastCGI applications can be asked for their capabilities"),
            Wire::Http if self.script.is_some() || !self.params.is_empty() => {
                Some("a request of HTTP has no variables: leave --script and --param out")
            }
            Wire::Uwsgi | Wire::Scgi | Wire::Http => None,
        }
    }

    /// How the variables are made, where there are any. A named script gets nothing about an empty rest of the path:
    /// PHP works itself into trouble over it.
    pub(super) fn style(&self) -> Option<Style> {
        let kind = match self.wire() {
            Wire::Fastcgi => StyleKind::FastCgi,
            Wire::Uwsgi => StyleKind::Uwsgi,
            Wire::Scgi => StyleKind::Scgi,
            Wire::Http => return None,
        };
        Some(self.styled(kind))
    }

    fn styled(&self, kind: StyleKind) -> Style {
        Style {
            path_info: PathInfo::Decoded,
            empty_path_info: self.script.is_none(),
            kind,
        }
    }

    /// The codec for the request.
    pub(super) fn codec(&self) -> Box<dyn Protocol> {
        let limits = Limits::default();
        match self.wire() {
            Wire::Fastcgi => Box::new(FastCgi {
                keep_conn: self.keep,
                style: self.styled(StyleKind::FastCgi),
                limits,
            }),
            Wire::Uwsgi => Box::new(Uwsgi {
                modifier1: 0,
                modifier2: 0,
                reuse: self.keep,
                style: self.styled(StyleKind::Uwsgi),
                limits,
            }),
            Wire::Scgi => Box::new(Scgi {
                style: self.styled(StyleKind::Scgi),
                limits,
            }),
            Wire::Http => Box::new(Http1 {
                keep: self.keep,
                limits: limits.head,
            }),
        }
    }
}

impl std::fmt::Display for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Fastcgi => "FastCGI",
            Self::Uwsgi => "uwsgi",
            Self::Scgi => "SCGI",
            Self::Http => "HTTP",
        })
    }
}

fn period(text: &str) -> Result<Period, String> {
    text.parse::<Period>()
        .map_err(|error| format!("{error}; {}", error.help()))
}

const EXAMPLES: &str = "\
Examples:
  bridgehead call /run/php/php-fpm.sock --script /srv/www/index.php
  bridgehead call /run/php/php-fpm.sock GET /status --script /status
  bridgehead call 127.0.0.1:3031 --protocol uwsgi -i GET '/search?q=x'
  bridgehead call unix:/run/app.sock --protocol scgi POST /upload -d @photo.jpg -H 'Content-Type: image/jpeg'
  bridgehead call http://127.0.0.1:8000/search?q=x -v
  bridgehead call /run/gunicorn.sock --protocol http /healthz
  bridgehead call /run/app.sock --get-values";
