//! The words that say why: in the `Bridgehead-Error` field, on error pages, in both logs, and as a label of counters.
//!
//! Each stands in `docs/reasons.md`, with what it means and what helps. Which status goes with it is the front end's
//! decision.

/// Declares the words once: those that a request can fail for, and all others.
macro_rules! reasons {
    (
        of requests { $($(#[doc = $doc:literal])* $name:ident = $word:literal,)* }
        elsewhere { $($(#[doc = $other_doc:literal])* $other:ident = $other_word:literal,)* }
    ) => {
        /// Why something ended as it did.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Reason {
            $($(#[doc = $doc])* $name,)*
            $($(#[doc = $other_doc])* $other,)*
        }

        impl Reason {
            /// Every reason, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$name,)* $(Self::$other,)*];

            /// Those that a request can fail for: the first ones of all.
            pub const OF_REQUESTS: &[Self] = &[$(Self::$name,)*];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                    $(Self::$other => $other_word,)*
                }
            }
        }
    };
}

reasons! {
    of requests {
        /// The backend closed the connection, or broke it, before its answer was complete.
        BackendClosed = "backend_closed",
        /// The backend said that it can take no more.
        BackendOverloaded = "backend_overloaded",
        /// TLS with the backend failed.
        BackendTlsFailed = "backend_tls_failed",
        /// The listen queue of the backend stayed full.
        BacklogFull = "backlog_full",
        /// The framing of a request body is broken; or the text that a health check wants is not in the answer.
        BadBody = "bad_body",
        /// A header field that breaks a rule of HTTP.
        BadField = "bad_field",
        /// The length of a request body is not clear.
        BadFraming = "bad_framing",
        /// `Host` is missing, repeated or malformed.
        BadHost = "bad_host",
        /// An application wants something else sent in place of its answer, and names no path.
        BadInternalUri = "bad_internal_uri",
        /// A path that cannot be decoded.
        BadPath = "bad_path",
        /// A header of the PROXY protocol that breaks a rule.
        BadProxyHeader = "bad_proxy_header",
        /// A request line that is none.
        BadRequest = "bad_request",
        /// The backend's bytes are no answer in its protocol.
        BadResponse = "bad_response",
        /// The head of the backend's answer breaks a rule.
        BadResponseHead = "bad_response_head",
        /// A request target that is none, or not for this method.
        BadTarget = "bad_target",
        /// The request body is larger than the route allows.
        BodyTooLarge = "body_too_large",
        /// Plain HTTP where TLS is spoken.
        ClearOnTlsPort = "clear_on_tls_port",
        /// The client closed the connection.
        ClientGone = "client_gone",
        /// The client did not send its head or its body in time.
        ClientTimeout = "client_timeout",
        /// The client sent, or took, less than it has to.
        ClientTooSlow = "client_too_slow",
        /// Two header fields would become one variable.
        ConflictingFields = "conflicting_fields",
        /// No connection to the endpoint, for another reason than those with a word of their own.
        ConnectFailed = "connect_failed",
        /// Nothing listens at the endpoint's address.
        ConnectRefused = "connect_refused",
        /// The connection to the endpoint did not stand in time.
        ConnectTimeout = "connect_timeout",
        /// A head of HTTP/2 in too many frames.
        ContinuationFlood = "continuation_flood",
        /// An expectation other than `100-continue`.
        Expectation = "expectation",
        /// A file could not be read.
        FileFailed = "file_failed",
        /// A file may not be read by us.
        FileForbidden = "file_forbidden",
        /// No response head in time.
        HeadTimeout = "head_timeout",
        /// The request head is larger than allowed.
        HeadTooLarge = "head_too_large",
        /// What came on a connection breaks a rule of HTTP/2.
        Http2Error = "http2_error",
        /// A mistake of the gateway's own.
        Internal = "internal",
        /// The request was routed again too often.
        InternalCycle = "internal_cycle",
        /// The application has to be told the length of the body, which is not known.
        LengthRequired = "length_required",
        /// More passwords are being compared than may be.
        LoginsBusy = "logins_busy",
        /// The site is closed for a while.
        Maintenance = "maintenance",
        /// A method that is not answered here.
        MethodNotAllowed = "method_not_allowed",
        /// The TLS connection is for another host.
        Misdirected = "misdirected",
        /// No header of the PROXY protocol from a peer that has to send one.
        MissingProxyHeader = "missing_proxy_header",
        /// No descriptor is left for a connection to the endpoint.
        NoDescriptor = "no_descriptor",
        /// No endpoint is left to try.
        NoEndpoint = "no_endpoint",
        /// The client is not among those that may ask.
        NotAllowed = "not_allowed",
        /// No route, no file, no script.
        NotFound = "not_found",
        /// A client of HTTP/2 wants a tunnel to what does not switch protocols.
        NotSwitched = "not_switched",
        /// A NUL in a value that becomes a variable.
        NulInVariable = "nul_in_variable",
        /// More PING frames than a client needs.
        PingFlood = "ping_flood",
        /// A file does not meet a condition of the request.
        PreconditionFailed = "precondition_failed",
        /// More PRIORITY frames than a client needs.
        PriorityFlood = "priority_flood",
        /// As many requests wait as may wait.
        QueueFull = "queue_full",
        /// No slot became free in time.
        QueueTimeout = "queue_timeout",
        /// A file has no such part.
        RangeNotSatisfiable = "range_not_satisfiable",
        /// More streams were reset than answered.
        RapidReset = "rapid_reset",
        /// More requests with one key came than may.
        RateLimited = "rate_limited",
        /// The answer stopped.
        ReadTimeout = "read_timeout",
        /// The answer ended before the length that it announced.
        ResponseTruncated = "response_truncated",
        /// The upstream has left the configuration, and the time of its last answers is over.
        Retired = "retired",
        /// The backend did not take the request in time.
        SendTimeout = "send_timeout",
        /// More SETTINGS frames than a client needs.
        SettingsFlood = "settings_flood",
        /// More DATA frames with little in them than a client needs.
        SmallFrameFlood = "small_frame_flood",
        /// The endpoint's socket, or a directory above it, is closed to us.
        SocketForbidden = "socket_forbidden",
        /// The endpoint's socket does not exist.
        SocketMissing = "socket_missing",
        /// Writing or reading a spooled body failed.
        SpoolFailed = "spool_failed",
        /// The disk of the spools is full.
        SpoolFull = "spool_full",
        /// Bodies have what they may take of the disk.
        SpoolQuota = "spool_quota",
        /// A symbolic link that the route does not follow.
        SymlinkRefused = "symlink_refused",
        /// TLS where plain HTTP is spoken.
        TlsOnClearPort = "tls_on_clear_port",
        /// More requests with one key are under way than may be.
        TooManyAtOnce = "too_many_at_once",
        /// A transfer coding other than a single `chunked`.
        TransferEncoding = "transfer_encoding",
        /// The client is to prove its name.
        Unauthorized = "unauthorized",
        /// The line of the PROXY protocol where none is expected.
        UnexpectedProxyLine = "unexpected_proxy_line",
        /// More frames of unknown types than a client needs.
        UnknownFrameFlood = "unknown_frame_flood",
        /// The answer had a status for which another endpoint was to be asked.
        UnwantedStatus = "unwanted_status",
        /// The users of a route are not known.
        UsersFailed = "users_failed",
        /// The variables do not fit what the backend takes.
        VariablesTooLarge = "variables_too_large",
        /// More WINDOW_UPDATE frames than a client needs.
        WindowFlood = "window_flood",
        /// A watchdog of the backend ended the worker.
        WorkerKilled = "worker_killed",
    }
    elsewhere {
        /// The application of a tunnel is gone.
        BackendGone = "backend_gone",
        /// A health check was answered with a status that is not wanted.
        BadStatus = "bad_status",
        /// The client of a tunnel closed it in good order.
        ClientClosed = "client_closed",
        /// The client left the TLS handshake, or both sides could not agree.
        HandshakeFailed = "handshake_failed",
        /// The TLS handshake was given up for another one.
        HandshakeLimit = "handshake_limit",
        /// What comes in front of the first request was not over in time.
        HandshakeTimeout = "handshake_timeout",
        /// A health check was not answered in time.
        NoAnswer = "no_answer",
        /// Nothing moved in a tunnel for too long.
        TunnelTimeout = "tunnel_timeout",
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_its_own_number() {
        for (number, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, number);
        }
        assert!(Reason::ALL.starts_with(Reason::OF_REQUESTS));
    }

    #[test]
    fn words_are_told_apart_and_sorted() {
        let others = &Reason::ALL[Reason::OF_REQUESTS.len()..];
        for part in [Reason::OF_REQUESTS, others] {
            assert!(part.is_sorted_by(|a, b| a.as_str() < b.as_str()));
        }
        assert!(others.iter().all(|other| {
            !Reason::OF_REQUESTS
                .iter()
                .any(|own| own.as_str() == other.as_str())
        }));
    }

    #[test]
    fn the_page_of_reasons_has_a_row_for_each() {
        let page = include_str!("../../docs/reasons.md");
        let rows = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let rows: Vec<_> = rows.collect();
        for reason in Reason::ALL {
            let mut own = rows.iter().filter(|(word, _)| *word == reason.as_str());
            let (_, row) = own.next().unwrap_or_else(|| panic!("no row for {reason}"));
            assert!(own.next().is_none(), "{reason} has two rows");
            let columns: Vec<_> = row.trim_end_matches(" |").split(" | ").collect();
            assert!(
                columns.len() == 3 && columns.iter().all(|text| !text.trim().is_empty()),
                "{reason}: {row}"
            );
        }
        assert_eq!(rows.len(), Reason::ALL.len());
    }
}
