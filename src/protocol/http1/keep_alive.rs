//! What may follow a request on its connection (RFC 9112, section 9.3).

/// How much of a request's body was read when its answer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// All of it.
    Taken,
    /// Some of it may still come; so many bytes, where the number is known.
    Unread(Option<u64>),
    /// Nothing that follows can be believed.
    Broken,
}

/// What a connection does when an answer is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Reads the next request.
    Request,
    /// Reads and drops the rest of the body, then reads the next request.
    Discard,
    /// Ends. The answer says so.
    Close,
}

/// Whether a connection goes on after the exchange that is under way.
#[derive(Clone, Copy, Debug)]
pub struct KeepAlive {
    /// Neither side wants to end it.
    wanted: bool,
    /// The client sends the body only when it is asked to, and was not.
    awaited: bool,
}

impl KeepAlive {
    /// A request has begun. `persistent`: the client wants the connection to go on. `awaited`: it waits for a
    /// `100 Continue`.
    pub fn new(persistent: bool, awaited: bool) -> Self {
        Self {
            wanted: persistent,
            awaited,
        }
    }

    /// The client was asked for the body.
    pub fn invited(&mut self) {
        self.awaited = false;
    }

    /// The gateway ends the connection with this answer.
    pub fn end(&mut self) {
        self.wanted = false;
    }

    /// Whether it is worth reading the rest of a body in front of the answer, to find its end.
    pub fn waits_for_end(&self) -> bool {
        self.wanted && !self.awaited
    }

    /// What comes after the answer: decided when its head is written, as the head says it.
    ///
    /// A rest of up to `discard` bytes is worth less than a new connection. A client that still waits to be asked may
    /// send the body or the next request: the two cannot be told apart.
    pub fn next(&self, rest: Rest, discard: u64) -> Next {
        match rest {
            _ if !self.wanted => Next::Close,
            Rest::Taken => Next::Request,
            Rest::Unread(Some(left)) if left <= discard && !self.awaited => Next::Discard,
            Rest::Unread(_) | Rest::Broken => Next::Close,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 100;

    #[test]
    fn an_exchange_that_is_complete_leaves_the_connection_open() {
        assert_eq!(
            KeepAlive::new(true, false).next(Rest::Taken, LIMIT),
            Next::Request
        );
        assert_eq!(KeepAlive::new(false, false).next(Rest::Taken, LIMIT), Next::Close);
    }

    #[test]
    fn no_end_is_waited_for_that_would_not_help() {
        let mut keep_alive = KeepAlive::new(true, true);
        assert!(!keep_alive.waits_for_end());
        keep_alive.invited();
        assert!(keep_alive.waits_for_end());
        keep_alive.end();
        assert!(!keep_alive.waits_for_end());
    }

    #[test]
    fn a_small_rest_is_dropped_and_a_large_one_ends_the_connection() {
        let keep_alive = KeepAlive::new(true, false);
        assert_eq!(keep_alive.next(Rest::Unread(Some(LIMIT)), LIMIT), Next::Discard);
        assert_eq!(keep_alive.next(Rest::Unread(Some(LIMIT + 1)), LIMIT), Next::Close);
        assert_eq!(keep_alive.next(Rest::Unread(None), LIMIT), Next::Close);
    }

    /// A client that may or may not wait, a gateway that may or may not read: whatever the order, bytes of a body are
    /// never read as a request.
    #[test]
    fn no_order_of_events_takes_a_body_for_a_request() {
        for seed in 0..2000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let (persistent, expects, body) = (random.bool(), random.bool(), random.u64(0..2 * LIMIT));
            let awaited = expects && body > 0;
            let mut keep_alive = KeepAlive::new(persistent, awaited);
            let (mut left, mut asked, mut ended, mut broken) = (body, !awaited, false, false);
            for _ in 0..random.usize(0..6) {
                match random.u8(0..4) {
                    0 => {
                        keep_alive.invited();
                        asked = true;
                    }
                    1 if asked => left -= random.u64(0..=left),
                    2 => {
                        keep_alive.end();
                        ended = true;
                    }
                    _ => broken |= random.u8(0..10) == 0,
                }
            }
            let rest = match (broken, left) {
                (true, _) => Rest::Broken,
                (false, 0) => Rest::Taken,
                (false, left) => Rest::Unread(random.bool().then_some(left)),
            };
            let next = keep_alive.next(rest, LIMIT);
            let may_go_on = persistent && !ended && !broken;
            match next {
                Next::Request => assert!(may_go_on && left == 0, "seed {seed}"),
                Next::Discard => assert!(may_go_on && asked && left <= LIMIT, "seed {seed}"),
                Next::Close => assert!(!may_go_on || left > 0, "seed {seed}"),
            }
        }
    }
}
