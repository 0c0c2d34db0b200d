//! One stream: a request in, its answer out; or a tunnel.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use h2::RecvStream;
use h2::ext::Protocol;
use h2::server::SendResponse;
use http::Response;

use super::super::settings::Settings;
use super::head;
use super::incoming::Incoming;
use super::metered::SharedMeter;
use super::sending::Sending;
use super::switched::Switched;
use super::window::ReceiveWindow;
use crate::frontend::connection::Connection;
use crate::frontend::exchange::Exchange;
use crate::frontend::interim::InterimAnswers;
use crate::frontend::rejection::Rejection;
use crate::frontend::serve::{self, Begun, Handling};
use crate::frontend::service::Service;

/// What a stream needs. Dropped, it is reset, unless it has come to its end.
pub(super) struct Stream {
    pub(super) respond: SendResponse<Bytes>,
    /// What answers its request.
    pub(super) service: Arc<Service>,
    pub(super) connection: Arc<Connection>,
    pub(super) window: Arc<ReceiveWindow>,
    pub(super) meter: SharedMeter,
    /// Interim answers that wait to be sent.
    pub(super) interim: Arc<InterimAnswers>,
}

impl Stream {
    /// What its connection goes by.
    fn edge(&self) -> &Settings {
        self.service.edge_of(self.connection.listener.as_ref())
    }

    /// Answers a request. No async function: of that, a task has the arguments twice.
    #[allow(clippy::manual_async_fn)]
    pub(super) fn serve(
        mut self,
        request: http::Request<RecvStream>,
    ) -> impl Future<Output = ()> + Send + 'static {
        async move {
            let (begun, body) = self.begin(request);
            let exchange = match begun {
                Begun::Answered(exchange) => exchange,
                Begun::Forwarded(handling) => match self.answered(handling).await {
                    Some(exchange) => exchange,
                    None => return,
                },
            };
            match body {
                _ if exchange.is_unanswered() => {}
                None => self.send(exchange).await,
                Some(body) => Box::pin(self.switch(exchange, body)).await,
            }
        }
    }

    /// Begins to answer; gives what a client that wants a tunnel sends into it.
    fn begin(&self, request: http::Request<RecvStream>) -> (Begun, Option<RecvStream>) {
        let (parts, body) = request.into_parts();
        let wants_tunnel = parts.extensions.get::<Protocol>().is_some();
        let (body, tunnel) = match wants_tunnel {
            true => (None, Some(body)),
            false => (Some(body), None),
        };
        let (request, rejection) = head::request(parts, self.edge().head());
        let awaited = head::awaits_invitation(&request).then(|| self.interim.clone());
        let mut exchange = Exchange::new(&self.service.context, &self.connection, request);
        exchange.hinted(self.interim.clone());
        let begun = match rejection {
            None => serve::begin(&self.service, exchange, || {
                Incoming::new(body, self.window.clone(), awaited)
            }),
            Some(rejection) => Begun::Answered(serve::refuse(exchange, &rejection)),
        };
        (begun, tunnel)
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

    /// Sends an answer.
    async fn send(mut self, exchange: Box<Exchange>) {
        if let Some(mut sending) = self.head(exchange) {
            poll_fn(|cx| sending.poll(cx)).await;
        }
    }

    /// Sends the head of an answer; what is left, if anything is and the client is still there.
    fn head(&mut self, exchange: Box<Exchange>) -> Option<Sending> {
        let over = exchange.is_over();
        let stream = self.respond.send_response(head::response(&exchange), over);
        let stream = stream.ok().filter(|_| !over)?;
        let held = self.service.context.relays.spools().share();
        let send = exchange.send_timeout().unwrap_or(self.edge().timeouts().send);
        Some(Sending::new(stream, exchange, held, send))
    }

    /// Becomes the tunnel that its client wants, if the application has agreed. To such a client, no other answer may look
    /// like success.
    async fn switch(mut self, mut exchange: Box<Exchange>, body: RecvStream) {
        let head = head::response(&exchange);
        if let Some(tunnel) = exchange.take_tunnel() {
            if let Ok(stream) = self.respond.send_response(head, false) {
                let connection = self.connection.clone();
                let client = Switched::new(body, stream, self.window, connection, self.meter);
                drop(exchange);
                tunnel.run(client, self.connection).await;
            }
            return;
        }
        if exchange.status().is_success() {
            exchange = serve::refuse(exchange, &Rejection::NotSwitched);
        }
        self.send(exchange).await;
    }
}
