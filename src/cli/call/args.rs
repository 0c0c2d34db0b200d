//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::config::units::Period;
use crate::protocol::fastcgi::FastCgi;
use crate::protocol::params::{PathInfo, Style, StyleKind};
use crate::protocol::scgi::Scgi;
use crate::protocol::uwsgi::Uwsgi;
use crate::protocol::{Limits, Protocol};
use crate::transport::Address;
use crate::transport::address::AddressError;

/// Send one request to a FastCGI, uwsgi or SCGI application: curl for sockets.
///
/// The body of the answer goes to stdout, messages of the application go to stderr. Exit code 0 stands for a
/// status below 400, 22 for one from 400 up, 1 for no answer.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Args {
    /// Where the application listens: unix:/run/app.sock, /run/app.sock or HOST:PORT.
    #[arg(value_name = "ADDRESS", value_parser = place)]
    pub(super) address: Address,
    /// Method [default: GET, or POST with --data].
    #[arg(value_name = "METHOD")]
    pub(super) first: Option<String>,
    /// Path and query, or a whole URL [default: /, or the name of the --script].
    #[arg(value_name = "PATH")]
    pub(super) second: Option<String>,
    /// What the application speaks.
    #[arg(long, value_enum, default_value_t = Wire::Fastcgi)]
    pub(super) protocol: Wire,
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
}

impl Args {
    /// How the variables are made. A named script gets nothing about an empty rest of the path:
    /// PHP works itself into trouble over it.
    pub(super) fn style(&self) -> Style {
        Style {
            path_info: PathInfo::Decoded,
            empty_path_info: self.script.is_none(),
            kind: match self.protocol {
                Wire::Fastcgi => StyleKind::FastCgi,
                Wire::Uwsgi => StyleKind::Uwsgi,
                Wire::Scgi => StyleKind::Scgi,
            },
        }
    }

    /// The codec for the request.
    pub(super) fn codec(&self) -> Box<dyn Protocol> {
        let (style, limits) = (self.style(), Limits::default());
        match self.protocol {
            Wire::Fastcgi => Box::new(FastCgi {
                keep_conn: self.keep,
                style,
                limits,
            }),
            Wire::Uwsgi => Box::new(Uwsgi {
                modifier1: 0,
                modifier2: 0,
                reuse: self.keep,
                style,
                limits,
            }),
            Wire::Scgi => Box::new(Scgi { style, limits }),
        }
    }
}

impl std::fmt::Display for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Fastcgi => "FastCGI",
            Self::Uwsgi => "uwsgi",
            Self::Scgi => "SCGI",
        })
    }
}

/// An address; unlike in configuration files a path alone will do, also a relative one.
fn place(text: &str) -> Result<Address, AddressError> {
    let bare = text.strip_prefix("unix:").unwrap_or(text);
    if bare.len() == text.len() && !text.contains('/') {
        return text.parse();
    }
    let path = std::path::absolute(bare).map_err(|_| AddressError::RelativePath)?;
    format!("unix:{}", path.display()).parse()
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
  bridgehead call /run/app.sock --get-values";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_paths_or_addresses() {
        let unix = |path: &str| Ok(Address::Unix(path.into()));
        assert_eq!(place("unix:/run/a.sock"), unix("/run/a.sock"));
        assert_eq!(place("/run/a.sock"), unix("/run/a.sock"));
        let here = std::env::current_dir().unwrap().join("a.sock");
        assert_eq!(place("./a.sock"), unix(here.to_str().unwrap()));
        assert_eq!(place("unix:a.sock"), unix(here.to_str().unwrap()));
        assert_eq!(place("app:9000"), Ok(Address::Name("app".into(), 9000)));
        assert_eq!(place("app"), Err(AddressError::Port));
    }
}
