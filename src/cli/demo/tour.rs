//! What to try on the demo, on the terminal.

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::path::Path;

use super::config::socket;
use crate::cli::invocation::{program, quoted};
use crate::demo::{Protocol, stops};
use crate::transport::Address;

/// The list of things to try, for a gateway at `address`. Every command can be pasted into a shell, wherever that is.
pub(super) fn text(address: &Address, directory: &Path, workers: NonZeroUsize) -> String {
    let (curl, base) = match address {
        Address::Unix(path) => (
            format!("curl --unix-socket {}", quoted(&path.to_string_lossy())),
            "http://localhost".to_owned(),
        ),
        Address::Abstract(name) => (
            format!("curl --abstract-unix-socket {}", quoted(name)),
            "http://localhost".to_owned(),
        ),
        Address::Tcp(_) | Address::Name(..) => ("curl".to_owned(), format!("http://{address}")),
    };
    let sockets = Protocol::ALL
        .map(|protocol| quoted(&socket(directory, protocol)))
        .join(" ");
    let mut text = format!(
        "Listening on {base}\n\n\
         Three applications answer, with {workers} workers each: /fastcgi /uwsgi /scgi\n\
         Their sockets: {sockets}\n\
         Open {base}/ in a browser, or try in another terminal:\n"
    );
    for stop in stops(workers) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  # {}\n  {}\n", stop.shows, stop.command(&curl, &base));
    }
    let fastcgi = format!("unix:{}", socket(directory, Protocol::FastCgi));
    let _ = write!(
        text,
        "\n  # the application itself, without the gateway\n  {} call -v {} /env\n",
        program(),
        quoted(&fastcgi)
    );
    text.push_str("\nCtrl-C stops it and leaves nothing behind.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(address: &str, directory: &str) -> String {
        super::text(&address.parse().unwrap(), Path::new(directory), NonZeroUsize::MIN)
    }

    #[test]
    fn commands_have_the_real_address() {
        assert!(text("[::1]:4711", "/tmp/x").contains("\n  curl 'http://[::1]:4711/fastcgi/env'\n"));
        assert!(
            text("unix:/run/b.sock", "/tmp/x")
                .contains("\n  curl --unix-socket /run/b.sock 'http://localhost/fastcgi/env'\n")
        );
    }

    #[test]
    fn a_socket_without_a_file_has_its_own_option() {
        let text = text("unix:@b", "/tmp/x");
        assert!(
            text.contains("\n  curl --abstract-unix-socket b 'http://localhost/fastcgi/env'\n"),
            "{text}"
        );
    }

    #[test]
    fn paths_are_quoted_where_a_shell_would_split_them() {
        let text = text("unix:/a b.sock", "/c d");
        assert!(text.contains("--unix-socket '/a b.sock' "), "{text}");
        assert!(
            text.contains(" call -v 'unix:/c d/fastcgi.sock' /env\n"),
            "{text}"
        );
    }
}
