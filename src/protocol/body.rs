//! How much of an answer's body is still to come.

use http::StatusCode;

use super::ResponseHead;
use super::chunks::Chunks;

/// The rest of a response body.
#[derive(Debug)]
pub(crate) enum Body {
    /// This answer has no body, whatever the backend sends: HEAD, 204, 304.
    Absent,
    /// Bytes up to the announced length.
    Length(u64),
    /// Chunks of the application's own.
    Chunked(Box<Chunks>),
    /// Until the protocol says that it ends.
    Open,
}

impl Body {
    /// The body that belongs to `head`; `to_head`: it answers a HEAD.
    pub(crate) fn of(to_head: bool, head: &ResponseHead) -> Self {
        let bodiless = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        match head.length {
            _ if head.upgrade => Self::Open,
            _ if bodiless || to_head => Self::Absent,
            _ if head.chunked => Self::Chunked(Box::new(Chunks::new())),
            Some(length) => Self::Length(length),
            None => Self::Open,
        }
    }

    /// Takes note of `received` bytes; how many of them belong to the body. Chunks are taken by themselves.
    pub(crate) fn take(&mut self, received: usize) -> usize {
        match self {
            Self::Absent => 0,
            Self::Open | Self::Chunked(_) => received,
            Self::Length(left) => {
                let kept = usize::try_from(*left).map_or(received, |left| left.min(received));
                *left -= kept as u64;
                kept
            }
        }
    }

    /// Whether nothing is missing, as far as the head can tell.
    pub(crate) fn is_complete(&self) -> bool {
        match self {
            Self::Chunked(chunks) => chunks.is_done(),
            Self::Absent | Self::Length(0) => true,
            Self::Length(_) | Self::Open => false,
        }
    }

    /// Whether an announced part is missing.
    pub(crate) fn is_short(&self) -> bool {
        match self {
            Self::Chunked(chunks) => !chunks.is_done(),
            Self::Length(left) => *left > 0,
            Self::Absent | Self::Open => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Fields;

    fn head(status: u16, length: Option<u64>) -> ResponseHead {
        ResponseHead {
            status: StatusCode::from_u16(status).unwrap(),
            fields: Fields::new(),
            length,
            upgrade: status == 101,
            close: false,
            chunked: false,
        }
    }

    #[test]
    fn method_and_status_decide_about_a_body() {
        let of = |to_head, status, length| Body::of(to_head, &head(status, length));
        assert!(matches!(of(false, 200, Some(5)), Body::Length(5)));
        assert!(matches!(of(false, 200, None), Body::Open));
        assert!(matches!(of(false, 204, None), Body::Absent));
        assert!(matches!(of(false, 304, Some(5)), Body::Absent));
        assert!(matches!(of(true, 200, Some(5)), Body::Absent));
        assert!(matches!(of(false, 101, None), Body::Open));
    }

    #[test]
    fn a_body_in_chunks_is_short_until_its_last_one() {
        let mut head = head(200, None);
        head.chunked = true;
        assert!(matches!(Body::of(true, &head), Body::Absent));
        let Body::Chunked(mut chunks) = Body::of(false, &head) else {
            panic!("no chunks");
        };
        chunks.push("0\r\n\r\n".into());
        let body = Body::Chunked(chunks);
        assert!(body.is_short() && !body.is_complete());
        let Body::Chunked(mut chunks) = body else { return };
        assert_eq!(chunks.piece(), Ok(None));
        let body = Body::Chunked(chunks);
        assert!(!body.is_short() && body.is_complete());
    }

    #[test]
    fn surplus_is_cut_and_shortage_is_known() {
        let mut body = Body::Length(5);
        assert_eq!(body.take(3), 3);
        assert!(body.is_short() && !body.is_complete());
        assert_eq!(body.take(4), 2);
        assert!(!body.is_short() && body.is_complete());
        assert_eq!(body.take(1), 0);
    }
}
