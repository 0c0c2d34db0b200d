//! What to try on the demo.

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::path::Path;

use super::config::socket;
use crate::demo::Protocol;
use crate::transport::Address;

/// The list of things to try, for a gateway at `address`.
pub(super) fn text(address: &Address, directory: &Path, workers: NonZeroUsize) -> String {
    let (curl, base) = match address {
        Address::Unix(path) => (
            format!("curl --unix-socket {}", path.display()),
            "http://localhost".to_owned(),
        ),
        Address::Tcp(_) | Address::Name(..) => ("curl".to_owned(), format!("http://{address}")),
    };
    let sockets = Protocol::ALL
        .map(|protocol| socket(directory, protocol))
        .join(" ");
    let mut text = format!(
        "Listening on {base}\n\n\
         Three applications answer, with {workers} workers each: /fastcgi /uwsgi /scgi\n\
         Their sockets: {sockets}\n\
         Try in another terminal:\n"
    );
    let many = 2 * workers.get();
    let fastcgi = socket(directory, Protocol::FastCgi);
    let lines = [
        ("the variables of a request", format!("{curl} {base}/fastcgi/env")),
        (
            "an upload in chunks; the application gets its length",
            format!("{curl} -H 'Transfer-Encoding: chunked' -d 'sent in chunks' {base}/uwsgi/echo"),
        ),
        (
            "a large download",
            format!("{curl} -o /dev/null '{base}/scgi/download?bytes=1000000000'"),
        ),
        (
            "server-sent events, as they come",
            format!("{curl} -N '{base}/fastcgi/events?count=10&ms=500'"),
        ),
        ("a slow page", format!("{curl} '{base}/uwsgi/sleep?ms=2000'")),
        (
            "more requests than workers: some wait, none fails",
            format!("for i in $(seq {many}); do {curl} -s '{base}/scgi/sleep?ms=1000' & done; wait"),
        ),
        (
            "messages of the application, in the error log here",
            format!("{curl} '{base}/fastcgi/stderr?lines=2'"),
        ),
        (
            "an application that dies in the middle: cut off, not made to look complete",
            format!("{curl} -i {base}/uwsgi/fail-late"),
        ),
        (
            "an application that is not there: 502, and why",
            format!("{curl} -i {base}/gone"),
        ),
        (
            "the application itself, without the gateway",
            format!("bridgehead call -v unix:{fastcgi} /env"),
        ),
    ];
    for (what, command) in lines {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  # {what}\n  {command}\n");
    }
    text.push_str("\nCtrl-C stops it and leaves nothing behind.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_the_real_address() {
        let workers = NonZeroUsize::MIN;
        let text = |address: &str| text(&address.parse().unwrap(), Path::new("/tmp/x"), workers);
        assert!(text("[::1]:4711").contains("\n  curl http://[::1]:4711/fastcgi/env\n"));
        assert!(
            text("unix:/run/b.sock")
                .contains("\n  curl --unix-socket /run/b.sock http://localhost/fastcgi/env\n")
        );
    }
}
