//! The variables of the access log: those of a request, and those that are known when it is over.

use std::str::FromStr;

use crate::variables::{NamedField, TemplateError, Variable};

/// A variable of the access log. Where nginx has one of the same name, it means the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogVariable {
    /// Known when the request comes.
    Request(Variable),
    /// The request line.
    RequestLine,
    /// Status, also those that only logs know (499).
    Status,
    /// Body bytes to the client.
    BodyBytesSent,
    /// Body bytes from the client.
    RequestBodyBytes,
    /// A field of the answer by its name; several are joined.
    SentField(NamedField),
    /// From the end of the request's head to the end of the answer, in seconds.
    RequestTime,
    /// Waiting for the request's body, in seconds.
    RequestBodyTime,
    /// `10/Oct/2000:13:55:36 -0700`
    TimeLocal,
    /// `2000-10-10T13:55:36-07:00`
    TimeIso8601,
    /// Seconds since 1970, with three digits behind the point.
    Msec,
    /// The name of the route.
    Route,
    /// The name of the upstream.
    UpstreamName,
    /// The last endpoint tried.
    UpstreamAddr,
    /// The status of its answer.
    UpstreamStatus,
    /// How many endpoints were tried.
    UpstreamTries,
    /// Waiting for a slot, in seconds.
    UpstreamQueueTime,
    /// Connecting, in seconds.
    UpstreamConnectTime,
    /// Connecting, and waiting for the head of the answer.
    UpstreamHeaderTime,
    /// The same, and the rest of the answer.
    UpstreamResponseTime,
    /// Why the gateway answered itself, or the answer broke off.
    Reason,
    /// What became of the request at limits of rates: `PASSED`, `DELAYED`, `REJECTED`, or one of these with `_DRY_RUN`.
    LimitReqStatus,
    /// The same at limits of requests at a time.
    LimitConnStatus,
}

/// Those that no request has, the beginning of `$sent_http_NAME` among them.
pub const NAMES: [&str; 22] = [
    "request",
    "status",
    "body_bytes_sent",
    "request_body_bytes",
    "request_time",
    "request_body_time",
    "time_local",
    "time_iso8601",
    "msec",
    "route",
    "upstream_name",
    "upstream_addr",
    "upstream_status",
    "upstream_tries",
    "upstream_queue_time",
    "upstream_connect_time",
    "upstream_header_time",
    "upstream_response_time",
    "reason",
    "limit_req_status",
    "limit_conn_status",
    "sent_http_NAME",
];

impl FromStr for LogVariable {
    type Err = TemplateError;

    fn from_str(name: &str) -> Result<Self, TemplateError> {
        if let Some(field) = NamedField::of(name, "sent_http_") {
            return field.map(Self::SentField);
        }
        Ok(match name {
            "request" => Self::RequestLine,
            "status" => Self::Status,
            "body_bytes_sent" => Self::BodyBytesSent,
            "request_body_bytes" => Self::RequestBodyBytes,
            "request_time" => Self::RequestTime,
            "request_body_time" => Self::RequestBodyTime,
            "time_local" => Self::TimeLocal,
            "time_iso8601" => Self::TimeIso8601,
            "msec" => Self::Msec,
            "route" => Self::Route,
            "upstream_name" => Self::UpstreamName,
            "upstream_addr" => Self::UpstreamAddr,
            "upstream_status" => Self::UpstreamStatus,
            "upstream_tries" => Self::UpstreamTries,
            "upstream_queue_time" => Self::UpstreamQueueTime,
            "upstream_connect_time" => Self::UpstreamConnectTime,
            "upstream_header_time" => Self::UpstreamHeaderTime,
            "upstream_response_time" => Self::UpstreamResponseTime,
            "reason" => Self::Reason,
            "limit_req_status" => Self::LimitReqStatus,
            "limit_conn_status" => Self::LimitConnStatus,
            other => Self::Request(other.parse()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_variable_and_none_of_a_request() {
        for name in NAMES {
            let variable: LogVariable = name.replace("NAME", "etag").parse().unwrap();
            assert!(!matches!(variable, LogVariable::Request(_)), "{name}");
            assert!(name.parse::<Variable>().is_err(), "{name}");
        }
    }

    #[test]
    fn a_request_s_variables_are_the_log_s_too() {
        assert_eq!("host".parse(), Ok(LogVariable::Request(Variable::Host)));
        let error = "bytes".parse::<LogVariable>().unwrap_err();
        assert_eq!(error, TemplateError::Unknown("bytes".into()));
        let error = "sent_http_".parse::<LogVariable>().unwrap_err();
        assert_eq!(error, TemplateError::Field("sent_http_".into()));
    }
}
