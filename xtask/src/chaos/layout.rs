//! What a case is made of.

/// What stands behind the gateway, and what the gateway is told about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Worker processes of each server.
    pub(crate) workers: usize,
    /// `max_connections` of the upstream.
    pub(crate) slots: usize,
    /// Listen backlog of each server, unless its own default.
    pub(crate) backlog: Option<usize>,
    /// The other endpoint.
    pub(crate) beside: Beside,
    /// Some requests of the ordinary load take long.
    pub(crate) long: bool,
    /// Between the gateway and the server stands a relay that counts connections.
    pub(crate) counted: bool,
    /// What reloads change.
    pub(crate) changes: Changes,
    /// Clients are given up soon that take nothing, and there is a route without buffers, [`UNBUFFERED`].
    ///
    /// [`UNBUFFERED`]: super::configuration::UNBUFFERED
    pub(crate) stalling: bool,
    /// Clients speak TLS, half of them with HTTP/2 in it.
    pub(crate) secured: bool,
}

/// What the second endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// There is none.
    Nothing,
    /// Another server of the same kind.
    Same,
    /// Reads requests and never answers.
    Silent,
    /// Closes before its answer is complete.
    Dying,
}

/// What distinguishes two generations of a configuration, besides a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changes {
    /// Every other time the upstream's queue.
    Queue,
    /// Each time the upstream's queue and deadlines; often its name, and the idle connections that it keeps where the
    /// server keeps any.
    Upstream,
}

impl Layout {
    /// One server that has as many workers as the gateway has slots for it.
    pub(crate) const PLAIN: Self = Self {
        workers: 4,
        slots: 4,
        backlog: None,
        beside: Beside::Nothing,
        long: true,
        counted: false,
        changes: Changes::Queue,
        stalling: false,
        secured: false,
    };
}
