//! The cases, and why each demands what it demands.

use super::fault::{self, Fault};
use super::layout::{Beside, Changes, Layout};

/// One row of the matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// The name on the command line and in the table.
    pub(crate) name: &'static str,
    /// What happens.
    pub(crate) fault: Fault,
    /// To what.
    pub(crate) layout: Layout,
    /// It takes all of the machine: no other case runs beside it.
    pub(crate) alone: bool,
    /// It takes so many times as long as the others.
    pub(crate) times: u32,
    /// What is done, for the report.
    pub(crate) what: &'static str,
    /// What may be seen of it and why; besides that, nothing.
    pub(crate) allowed: &'static str,
}

const SECURED: Layout = Layout {
    secured: true,
    ..Layout::PLAIN
};

/// In the order of the report.
pub(crate) const ALL: [Case; 18] = [
    Case {
        name: "kill-workers",
        fault: fault::kill_workers,
        layout: Layout {
            long: false, // or the same request would be hit as often as it may be tried
            ..Layout::PLAIN
        },
        alone: false,
        times: 1,
        what: "`kill -9` of a worker every 0.3 s, every fifth time of all four",
        allowed: "One exchange for each killed worker (four for Gunicorn, whose thread workers accept more than they \
                  work on): a POST in it is not repeatable, an answer that had begun cannot be taken back. A GET in \
                  it is sent again.",
    },
    Case {
        name: "kill-master",
        fault: fault::kill_master,
        layout: Layout::PLAIN,
        alone: false,
        times: 1,
        what: "every 6 s `kill -9` of the master and all workers, 0.3 s nothing, a new start on a new socket file",
        allowed: "The four exchanges that are under way, each time, and four that began on the listening socket before \
                  the last process was dead. Everything else waits until the server is back.",
    },
    Case {
        name: "reload",
        fault: fault::reload,
        layout: Layout::PLAIN,
        alone: false,
        times: 1,
        what: "every 6 s the server's own reload: PHP-FPM SIGUSR2, uWSGI and Gunicorn SIGHUP",
        allowed: "PHP-FPM ends its workers in the middle of their work as long as `process_control_timeout` is 0, as \
                  it comes: the four exchanges under way. uWSGI and Gunicorn let them finish: nothing.",
    },
    Case {
        name: "remove-socket",
        fault: fault::remove_socket,
        layout: Layout::PLAIN,
        alone: false,
        times: 1,
        what: "every 2 s the socket file is gone for 0.7 s",
        allowed: "Nothing: what is under way is not touched, and the rest was never sent.",
    },
    Case {
        name: "stop-endpoint",
        fault: fault::stop,
        layout: Layout {
            beside: Beside::Same,
            ..Layout::PLAIN
        },
        alone: false,
        times: 1,
        what: "one of two servers is killed and comes back after 10 s (4 s in the short form)",
        allowed: "The four exchanges under way at the stop, and four more as with the master. The other server takes the rest.",
    },
    Case {
        name: "silent-endpoint",
        fault: fault::silent,
        layout: Layout {
            beside: Beside::Silent,
            long: false, // or the other server would miss the short deadline too
            ..Layout::PLAIN
        },
        alone: false,
        times: 1,
        what: "beside the server there is an endpoint that takes requests and never answers; `head` and \
               `fail_timeout` are 2 s",
        allowed: "504 for what is under way there when the first deadline passes, four at most, and for one request \
                  each time that it is tried again, every 4 s. Timeouts are not repeated, GET or not: the work may be \
                  running.",
    },
    Case {
        name: "dying-endpoint",
        fault: fault::dying,
        layout: Layout {
            beside: Beside::Dying,
            ..Layout::PLAIN
        },
        alone: false,
        times: 1,
        what: "beside the server there is an endpoint that closes within the head or within the body of \
               every answer; `fail_timeout` is 2 s",
        allowed: "Four POSTs or cut answers, and four more each time that it is tried again, every 2 s: half of its \
                  heads are all right. A cut answer is cut for the client too, so that it can see it. A GET \
                  without a head is sent to the other one.",
    },
    Case {
        name: "flood",
        fault: fault::flood,
        layout: Layout {
            slots: 256,
            backlog: Some(16),
            ..Layout::PLAIN
        },
        alone: true,
        times: 1,
        what: "listen backlog of 16, `max_connections` far too high at 256, and twice 2,000 requests at once",
        allowed: "Nothing: a full backlog is a place to wait, not an error.",
    },
    Case {
        name: "slow-clients",
        fault: fault::slow,
        layout: Layout {
            workers: 2,
            slots: 2,
            long: false, // or it would be long work what latencies show
            ..Layout::PLAIN
        },
        alone: true,
        times: 1,
        what: "two workers; 1,000 uploaders and 1,000 readers of 1 KiB/s each, in two of four quarters of the time \
               (in the second half of the short form)",
        allowed: "Nothing: slow clients hold no worker.",
    },
    Case {
        name: "sighup",
        fault: fault::hang_up,
        layout: Layout::PLAIN,
        alone: false,
        times: 1,
        what: "our own SIGHUP every second, each with a changed configuration",
        allowed: "Nothing, and the last configuration counts in the end.",
    },
    Case {
        name: "reload-upstream",
        fault: fault::change_upstream,
        layout: Layout {
            counted: true,
            changes: Changes::Upstream,
            ..Layout::PLAIN
        },
        alone: false,
        times: 1,
        what: "our own SIGHUP every second, each with other settings of the upstream and every other time with another \
               name of it, each amid six requests for each slot at once; before the server stands a relay that counts \
               connections",
        allowed: "Nothing, and the last configuration counts in the end. The server never has more connections of ours \
                  than slots, whatever generation and name they belong to.",
    },
    Case {
        name: "sigusr2",
        fault: fault::replace,
        layout: Layout::PLAIN,
        alone: false,
        times: 1,
        what: "our own SIGUSR2 every 10 s (2.9 s in the short form)",
        allowed: "Nothing, and each time another process takes over.",
    },
    Case {
        name: "tls-sighup",
        fault: fault::hang_up_secured,
        layout: SECURED,
        alone: false,
        times: 1,
        what: "clients speak TLS, half of them HTTP/2 in it, and one request in 16 has a connection of its own; our own SIGHUP every second, each with a changed \
               configuration",
        allowed: "Nothing, and the last configuration counts in the end. A client goes on with its session from before.",
    },
    Case {
        name: "tls-sigusr2",
        fault: fault::replace_secured,
        layout: SECURED,
        alone: false,
        times: 1,
        what: "the same clients; our own SIGUSR2 every 10 s (2.9 s in the short form)",
        allowed: "Nothing, and each time another process takes over. A client goes on with its session from before.",
    },
    Case {
        name: "tls-certificates",
        fault: fault::exchange_certificates,
        layout: SECURED,
        alone: false,
        times: 1,
        what: "the same clients; every second the files of another certificate and its key, every other time of another \
               kind, which the gateway finds by itself",
        allowed: "Nothing, and each certificate is served within seconds. A client goes on with its session from before.",
    },
    Case {
        name: "h2-stalled",
        fault: fault::stall,
        layout: Layout {
            stalling: true,
            ..Layout::PLAIN
        },
        alone: false,
        times: 1,
        what: "twice (once in the short form) 30 streams of HTTP/2 clients that take nothing, or drops of 100 bytes, of \
               answers of 1 MiB; six of the answers are not buffered; `send` is 2 s",
        allowed: "Nothing: each of those streams is reset in its time and frees its worker.",
    },
    Case {
        name: "h2-floods",
        fault: fault::attack,
        layout: Layout {
            long: false, // or it would be long work what latencies show
            ..Layout::PLAIN
        },
        alone: true,
        times: 1,
        what: "in the second half of the time, nine HTTP/2 clients that reset streams, send SETTINGS, PING, PRIORITY, \
               WINDOW_UPDATE, CONTINUATION, empty DATA or unknown frames, or a head that grows a thousandfold, each on \
               some twenty connections a second",
        allowed: "Nothing: each of these connections ends with a GOAWAY that says why.",
    },
    Case {
        name: "h2-attacks",
        fault: fault::attack_in_turn,
        layout: Layout {
            long: false, // or it would be long work what latencies show
            ..Layout::PLAIN
        },
        alone: true,
        times: 6, // half a minute for each
        what: "the same attacks, one after the other, and two more: 200 connections with a head that never ends, and 5,000 \
               streams without a window on 50 connections; six times as long as the other cases",
        allowed: "Nothing. The memory of the gateway grows by 64 MiB at most, and the ordinary p99 by half of that without \
                  the attack.",
    },
];
