//! A request as a probe, over HTTP.

use super::answer::Answer;
use super::talk::open;
use super::verdict::{Reason, Verdict};
use crate::protocol::RequestHead;
use crate::transport::Address;
use crate::upstream::config::Config;
use crate::upstream::error::Failure;
use crate::upstream::http::HttpConnection;
use crate::upstream::request_body::RequestBody;

/// Asks, and fills `answer` as it comes: the caller limits the time and looks at what is there then.
pub(super) async fn ask(
    config: &Config,
    address: &Address,
    head: &RequestHead,
    answer: &mut Answer,
) -> Result<(), Verdict> {
    let stream = open(address).await?;
    let mut connection = HttpConnection::new(stream, config).await?;
    let exchange = connection.exchange(head, RequestBody::Empty, &config.timeouts);
    let response = exchange.await.map_err(|broken| broken.failure)?;
    answer.status = Some(response.status().as_u16());
    let mut body = response.into_body();
    while !answer.is_full()
        && let Some(piece) = connection.next_piece(&mut body).await
    {
        answer.push(&piece);
    }
    Ok(())
}

impl From<Failure> for Verdict {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Decode(error) => error.into(),
            Failure::SendTimeout | Failure::HeadTimeout | Failure::ReadTimeout => Self::Silent,
            Failure::Http(error) if error.is_incomplete_message() => Self::Dead(Reason::Closed),
            failure => Self::Dead(Reason::Exchange(failure)),
        }
    }
}
