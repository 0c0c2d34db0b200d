//! What is measured.

/// One kind of work, with the configurations that `benches/scenarios` holds for it.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// Name of the scenario and of its two configurations.
    pub(crate) name: &'static str,
    /// What stands behind both servers.
    pub(crate) backend: Behind,
    /// Whether both servers write an access log.
    pub(crate) log: bool,
}

/// A backend, and how many processes it has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Behind {
    /// The servers answer by themselves.
    Nothing,
    /// PHP-FPM with a static pool.
    Php(usize),
    /// uWSGI with a small WSGI application.
    Uwsgi(usize),
    /// Our own HTTP responder.
    Responder,
}

/// Every scenario, in the order of the report.
pub(crate) const ALL: [Scenario; 7] = [
    Scenario {
        name: "fixed",
        backend: Behind::Nothing,
        log: false,
    },
    Scenario {
        name: "fixed-log",
        backend: Behind::Nothing,
        log: true,
    },
    Scenario {
        name: "fastcgi-keep",
        // Each of nginx's two workers keeps up to 64 connections. Bridgehead opens 64.
        backend: Behind::Php(128),
        log: false,
    },
    Scenario {
        name: "fastcgi-queue",
        backend: Behind::Php(8),
        log: false,
    },
    Scenario {
        name: "fastcgi-close",
        backend: Behind::Php(64),
        log: false,
    },
    Scenario {
        name: "uwsgi-close",
        backend: Behind::Uwsgi(16),
        log: false,
    },
    Scenario {
        name: "http-keep",
        backend: Behind::Responder,
        log: false,
    },
];

/// Client connections in every scenario.
pub(crate) const CLIENTS: usize = 64;

/// The path of every request.
pub(crate) const PATH: &str = "/hello";
