//! What to try on the gateway with the demo behind it: for the terminal, and for the page at `/`.

use std::num::NonZeroUsize;

/// One thing to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What it shows.
    pub shows: &'static str,
    /// Path and query behind the gateway.
    pub target: &'static str,
    /// How curl is called.
    call: Call,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    /// With these options, once.
    Once(&'static str),
    /// So many times at once.
    Together(usize),
}

impl Stop {
    /// The command line: `curl` is the program with options that every call has, `base` what comes before the target.
    pub fn command(&self, curl: &str, base: &str) -> String {
        let url = format!("{base}{}", self.target);
        match self.call {
            Call::Once("") => format!("{curl} '{url}'"),
            Call::Once(options) => format!("{curl} {options} '{url}'"),
            Call::Together(count) => {
                format!("for i in $(seq {count}); do {curl} -s '{url}' & done; wait")
            }
        }
    }
}

/// All of it, for applications with so many workers each, mounted at the names of their protocols.
pub fn stops(workers: NonZeroUsize) -> [Stop; 9] {
    let stop = |shows, target, options| Stop {
        shows,
        target,
        call: Call::Once(options),
    };
    [
        stop("the variables of a request", "/fastcgi/env", ""),
        stop(
            "an upload in chunks; the application gets its length",
            "/uwsgi/upload",
            "-H 'Transfer-Encoding: chunked' -d 'sent in chunks'",
        ),
        stop(
            "a large download",
            "/scgi/download?bytes=100000000",
            "-o /dev/null",
        ),
        stop(
            "server-sent events, as they come",
            "/fastcgi/events?count=10&ms=500",
            "-N",
        ),
        stop("a slow page", "/uwsgi/sleep?ms=2000", ""),
        Stop {
            shows: "more requests than workers: some wait, none fails",
            target: "/scgi/sleep?ms=1000",
            call: Call::Together(workers.get().saturating_mul(2)),
        },
        stop(
            "messages of the application, in the error log on the terminal",
            "/fastcgi/stderr?lines=2",
            "",
        ),
        stop(
            "an application that dies in the middle: cut off, not made to look complete",
            "/uwsgi/fail-late",
            "-i",
        ),
        stop("an application that is not there: 502, and why", "/gone", "-i"),
    ]
}
