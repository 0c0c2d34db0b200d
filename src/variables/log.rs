//! The variables of a request that is over: for lines of logs.

use std::str::FromStr;

use super::{TemplateError, Variable};

/// A variable of a request that is over. Times are in seconds with three digits behind the point; what did not happen is
/// `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogVariable {
    /// What was known of the request before.
    Request(Variable),
    /// The request line as it was sent.
    RequestLine,
    /// `HTTP/1.1`, for instance.
    ServerProtocol,
    /// The number of the request, as in `Bridgehead-Request-Id`.
    RequestId,
    /// The status of the answer; 499 when the client had left.
    Status,
    /// Bytes of the answer's body that were sent.
    BodyBytesSent,
    /// Bytes of the request's body that were received.
    RequestLength,
    /// From the end of the request's head to the end of the answer.
    RequestTime,
    /// Why there was no answer of an application, or not all of it: a reason word.
    Error,
    /// The end of the request, `30/Nov/2026:17:00:00 +0000`.
    TimeLocal,
    /// The same, `2026-11-30T17:00:00+00:00`.
    TimeIso8601,
    /// The name of the upstream.
    UpstreamName,
    /// The endpoint that answered, or was tried last.
    UpstreamAddr,
    /// The status that it answered with.
    UpstreamStatus,
    /// In the queue.
    UpstreamQueueTime,
    /// Until the connection stood.
    UpstreamConnectTime,
    /// Until the head of the answer had come.
    UpstreamHeaderTime,
}

impl LogVariable {
    /// Every variable besides those of a request.
    pub const NAMES: [&str; 16] = [
        "request",
        "server_protocol",
        "request_id",
        "status",
        "body_bytes_sent",
        "request_length",
        "request_time",
        "error",
        "time_local",
        "time_iso8601",
        "upstream_name",
        "upstream_addr",
        "upstream_status",
        "upstream_queue_time",
        "upstream_connect_time",
        "upstream_header_time",
    ];
}

impl FromStr for LogVariable {
    type Err = TemplateError;

    fn from_str(name: &str) -> Result<Self, TemplateError> {
        Ok(match name {
            "request" => Self::RequestLine,
            "server_protocol" => Self::ServerProtocol,
            "request_id" => Self::RequestId,
            "status" => Self::Status,
            "body_bytes_sent" => Self::BodyBytesSent,
            "request_length" => Self::RequestLength,
            "request_time" => Self::RequestTime,
            "error" => Self::Error,
            "time_local" => Self::TimeLocal,
            "time_iso8601" => Self::TimeIso8601,
            "upstream_name" => Self::UpstreamName,
            "upstream_addr" => Self::UpstreamAddr,
            "upstream_status" => Self::UpstreamStatus,
            "upstream_queue_time" => Self::UpstreamQueueTime,
            "upstream_connect_time" => Self::UpstreamConnectTime,
            "upstream_header_time" => Self::UpstreamHeaderTime,
            other => Self::Request(other.parse()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variables::Template;

    #[test]
    fn every_name_is_read_and_only_a_log_knows_them() {
        for name in LogVariable::NAMES {
            let text = format!("${name}");
            assert!(text.parse::<Template<LogVariable>>().is_ok(), "{name}");
            assert_eq!(
                text.parse::<Template>(),
                Err(TemplateError::Unknown(name.to_owned()))
            );
        }
    }

    #[test]
    fn a_request_has_its_variables_in_the_log_too() {
        let read: LogVariable = "http_user_agent".parse().unwrap();
        assert_eq!(
            read,
            LogVariable::Request(Variable::Field("user-agent".to_owned()))
        );
    }
}
