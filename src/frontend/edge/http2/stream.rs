//! One stream: a request in, its answer out.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::Response;

use super::super::settings::Settings;
use super::head;
use super::incoming::Incoming;
use super::sending::Sending;
use super::window::ReceiveWindow;
use crate::frontend::connection::Connection;
use crate::frontend::exchange::Exchange;
use crate::frontend::interim::InterimAnswers;
use crate::frontend::serve::{self, Begun, Handling};
use crate::frontend::service::Service;

/// What a stream needs. Dropped, it is reset, unless it has come to its end.
pub(super) struct Stream {
    pub(super) respond: SendResponse<Bytes>,
    /// What answers its request.
    pub(super) service: Arc<Service>,
    pub(super) connection: Arc<Connection>,
    pub(super) settings: Arc<Settings>,
    pub(super) window: Arc<ReceiveWindow>,
    /// Interim answers that wait to be sent.
    pub(super) interim: Arc<InterimAnswers>,
}

impl Stream {
    /// Answers a request. No async function: of that, a task has the arguments twice.
    #[allow(clippy::manual_async_fn)]
    pub(super) fn serve(
        mut self,
        request: http::Request<RecvStream>,
    ) -> impl Future<Output = ()> + Send + 'static {
        async move {
            let exchange = match self.begin(request) {
                Begun::Answered(exchange) => Some(exchange),
                Begun::Forwarded(handling) => self.answered(handling).await,
            };
            if let Some(exchange) = exchange.filter(|exchange| !exchange.is_unanswered())
                && let Some(mut sending) = self.head(exchange)
            {
                poll_fn(|cx| sending.poll(cx)).await;
            }
        }
    }

    fn begin(&self, request: http::Request<RecvStream>) -> Begun {
        let (parts, body) = request.into_parts();
        let (request, rejection) = head::request(parts, &self.settings);
        let awaited = head::awaits_invitation(&request).then(|| self.interim.clone());
        let mut exchange = Exchange::new(&self.service.context, &self.connection, request);
        exchange.hinted(self.interim.clone());
        match rejection {
            None => serve::begin(&self.service, exchange, || {
                Incoming::new(body, self.window.clone(), awaited)
            }),
            Some(rejection) => Begun::Answered(serve::refuse(exchange, &rejection)),
        }
    }

    /// What an application answers; `None` when the client has left before.
    async fn answered(&mut self, mut handling: Handling) -> Option<Box<Exchange>> {
        poll_fn(|cx| {
            let handled = handling.as_mut().poll(cx);
            self.send_interim();
            match handled {
                Poll::Ready(exchange) => Poll::Ready(Some(exchange)),
                Poll::Pending => self.respond.poll_reset(cx).map(|_| None),
            }
        })
        .await
    }

    /// Sends the interim answers that have come.
    fn send_interim(&mut self) {
        for (status, fields) in self.interim.take() {
            let mut response = Response::new(());
            *response.status_mut() = status;
            *response.headers_mut() = head::fields(&fields);
            // An error: the client has just left, which the next look at the stream tells.
            let _ = self.respond.send_informational(response);
        }
    }

    /// Sends the head of an answer; what is left, if anything is and the client is still there.
    fn head(&mut self, exchange: Box<Exchange>) -> Option<Sending> {
        let over = exchange.is_over();
        let stream = self.respond.send_response(head::response(&exchange), over);
        let stream = stream.ok().filter(|_| !over)?;
        let held = self.service.context.relays.spools().share();
        Some(Sending::new(stream, exchange, held, self.settings.timeouts.send))
    }
}
