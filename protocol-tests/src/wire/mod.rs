//! What has arrived, read as the protocol's units: functions of bytes, without state and without clock.

mod answer;
mod fastcgi;
mod head;
mod http;
mod request;

pub use answer::{Answer, End};
pub use fastcgi::{Pair, Record, answers as fastcgi_answers, leading_pairs, pairs, records};
pub use head::{BadHead, Head, Style};
pub use http::{Framing, answers as http_answers};
pub use request::{Request, leading_shorts};
