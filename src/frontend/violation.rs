//! What an HTTP/2 client does that ends its connection: each has a word, a code for its GOAWAY, and a limit.

use crate::telemetry::Reason;

/// Why a connection of HTTP/2 ends with all of its streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A head in too many CONTINUATION frames.
    #[error("a head in too many CONTINUATION frames")]
    Continuations,
    /// SETTINGS frames.
    #[error("more SETTINGS frames than a client needs")]
    Settings,
    /// PING frames.
    #[error("more PING frames than the answers account for")]
    Pings,
    /// RST_STREAM frames, and errors that make us send some.
    #[error("more streams reset than answered")]
    Resets,
    /// PRIORITY and PRIORITY_UPDATE frames.
    #[error("more PRIORITY frames than the streams account for")]
    Priorities,
    /// WINDOW_UPDATE frames.
    #[error("more WINDOW_UPDATE frames than the bytes sent account for")]
    WindowUpdates,
    /// DATA frames with little or nothing in them.
    #[error("more empty and small DATA frames than the bytes received account for")]
    SmallFrames,
    /// Frames of types that a server has no use for.
    #[error("more frames of unknown types than the streams account for")]
    UnknownFrames,
    /// A head whose fields, decoded, are far above the limit.
    #[error("a head far above `head_size`")]
    HeaderBomb,
    /// A head that did not become complete in time.
    #[error("request head was not complete within `timeouts.head`")]
    SlowHead,
    /// Any other error of the whole connection, with its code: a frame or a header block that breaks a rule.
    #[error("connection error {0} (RFC 9113, section 7)")]
    Protocol(u32),
}

impl Violation {
    /// The word in the logs and counters, and in the debug data of the GOAWAY.
    pub fn reason(self) -> Reason {
        match self {
            Self::Continuations => Reason::ContinuationFlood,
            Self::Settings => Reason::SettingsFlood,
            Self::Pings => Reason::PingFlood,
            Self::Resets => Reason::RapidReset,
            Self::Priorities => Reason::PriorityFlood,
            Self::WindowUpdates => Reason::WindowFlood,
            Self::SmallFrames => Reason::SmallFrameFlood,
            Self::UnknownFrames => Reason::UnknownFrameFlood,
            Self::HeaderBomb => Reason::HeadTooLarge,
            Self::SlowHead => Reason::ClientTimeout,
            Self::Protocol(_) => Reason::Http2Error,
        }
    }

    /// The error code of its GOAWAY (RFC 9113, section 7).
    pub fn code(self) -> u32 {
        match self {
            Self::SlowHead => NO_ERROR,
            Self::Protocol(code) => code,
            _ => ENHANCE_YOUR_CALM,
        }
    }
}

const NO_ERROR: u32 = 0x0;
const ENHANCE_YOUR_CALM: u32 = 0xb;
