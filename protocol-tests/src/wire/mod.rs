//! What has arrived, read as the protocol's units: functions of bytes, without state and without clock.

mod answer;
mod fastcgi;
mod head;
mod hpack;
mod http;
mod http2;
mod http_request;
mod request;

pub use answer::{Answer, End};
pub use fastcgi::{Pair, Record, answers as fastcgi_answers, last_request, leading_pairs, pairs, records};
pub use head::{BadHead, Head, Style};
pub use hpack::{BadBlock, Field as HeaderField};
pub use http::{Framing, answers as http_answers};
pub use http2::{Frame, blocks, frames, words as frame_words};
pub use request::{Request, leading_shorts};
