//! One answer, whatever protocol brought it.

use super::{BadHead, Head};

/// What a server has said about one request so far.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// FastCGI's request id; 0 in other protocols.
    pub id: u16,
    /// FastCGI: STDOUT. Elsewhere: everything.
    pub stdout: Vec<u8>,
    /// FastCGI: whether the empty STDOUT record came.
    pub stdout_ended: bool,
    /// FastCGI: STDERR.
    pub stderr: Vec<u8>,
    /// FastCGI: whether the empty STDERR record came.
    pub stderr_ended: bool,
    /// FastCGI: END_REQUEST.
    pub end: Option<End>,
    /// The head, once there is a blank line.
    pub head: Option<Result<Head, BadHead>>,
    /// What follows the head, without its framing.
    pub body: Vec<u8>,
    /// Whether the protocol says that this is all.
    pub complete: bool,
    /// Whether it ended before that.
    pub cut: bool,
    /// HTTP: the interim answers before this one.
    pub interim: Vec<u16>,
}

/// FastCGI 1.0, section 5.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// What a program would have given to exit().
    pub app_status: u32,
    /// 0 complete, 1 cannot multiplex, 2 overloaded, 3 unknown role.
    pub protocol_status: u8,
}

impl Answer {
    /// The status of a head that can be read.
    pub fn status(&self) -> Option<u16> {
        self.head.as_ref()?.as_ref().ok().map(|head| head.status)
    }

    /// What it is, in a few words for reports.
    pub fn words(&self) -> String {
        let mut words = match &self.head {
            Some(Ok(head)) => format!("status {}, {} bytes of body", head.status, self.body.len()),
            Some(Err(bad)) => format!("a head that cannot be read ({bad})"),
            None if self.stdout.is_empty() => "no output".to_owned(),
            None => format!("{} bytes without a whole head", self.stdout.len()),
        };
        if !self.stderr.is_empty() {
            words += &format!(", {} bytes of STDERR", self.stderr.len());
        }
        if let Some(end) = self.end {
            words += &format!(", END {}/{}", end.app_status, end.protocol_status);
        } else if self.cut {
            words += ", cut short";
        } else if !self.complete {
            words += ", not complete";
        }
        words
    }
}
