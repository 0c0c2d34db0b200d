//! Requests that are routed again inside.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, StatusCode};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::*;
use crate::frontend::config::FrontendConfig;
use crate::frontend::connection::Connection;
use crate::frontend::connection_limit::ConnectionLimit;
use crate::frontend::context::ExchangeContext;
use crate::frontend::filter::{Filter, Filters};
use crate::frontend::flow::InternalUri;
use crate::frontend::forwarded::Connected;
use crate::frontend::limits::Limits;
use crate::frontend::request::Request;
use crate::frontend::trust::Trust;
use crate::protocol::Target;
use crate::protocol::fields::FieldName;
use crate::spool::Spools;
use crate::telemetry::{AccessLog, Counters, LogConfig, SlowLog};
use crate::upstream::{BodyError, Relays, Streaming, Upstream};

const ROUTES: &str = r#"
[server]
temp_dir = "{dir}"
[[listen]]
address = "127.0.0.1:0"
[upstream.app]
protocol = "http"
endpoints = ["unix:{dir}/app"]
[[route]]
path = "/filtered"
respond = { status = 200, body = "filtered" }
headers = { X-Route = "filtered" }
[[route]]
path = "/app"
proxy = { upstream = "app" }
[[route]]
path = "/inner"
respond = { status = 203, body = "inner" }
headers = { X-Route = "inner" }
"#;

/// Routes of which some have one filter, that of the test.
struct Site {
    service: Arc<Service>,
    dir: TempDir,
}

impl Site {
    fn new(filter: impl Filter + Clone + Send + Sync + 'static, paths: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = ROUTES.replace("{dir}", &dir.path().display().to_string());
        let (parsed, _) = crate::config::parse("test", &text, &|_| None).unwrap();
        let upstreams = parsed.upstreams.into_iter().map(Upstream::new);
        let upstreams: Vec<_> = upstreams.map(Arc::new).collect();
        let frontend: FrontendConfig = parsed.frontend;
        let routes = frontend.routes.iter().map(|config| {
            let mut route = Route::new(config.clone(), None, &upstreams, &Limits::default());
            if paths.contains(&config.path.prefix()) {
                route.filters = Filters::test(filter.clone());
            }
            route
        });
        let routes = routes.collect();
        let counters = Arc::new(Counters::default());
        let context = ExchangeContext {
            trust: Trust::default(),
            relays: Relays::new(Spools::new(parsed.server.spool), counters.clone()),
            log: Arc::new(AccessLog::new(None, &LogConfig::default())),
            slow: SlowLog::default(),
            counters,
            routes: Box::default(),
            listeners: Box::default(),
            route_logs: Box::default(),
        };
        Self {
            service: Arc::new(Service::new(&frontend, routes, context)),
            dir,
        }
    }

    async fn ask(&self, method: Method, target: &'static str) -> Box<Exchange> {
        self.ask_with(method, target, &[]).await
    }

    async fn ask_with(&self, method: Method, target: &'static str, fields: &[(&str, &str)]) -> Box<Exchange> {
        let limit = Arc::new(ConnectionLimit::new(1, Arc::new(Counters::default())));
        let connection = Connection::new(Connected::new(None, None), Arc::default(), limit.take());
        let request = Request {
            method,
            target: Target::from_static(target),
            fields: [("Host", "a.example")].iter().chain(fields).copied().collect(),
            ..Request::unparsed()
        };
        let exchange = Exchange::new(self.service.context(), &Arc::new(connection), request);
        match begin(&self.service, exchange, || NoBody) {
            Begun::Answered(exchange) => exchange,
            Begun::Forwarded(answer) => answer.await,
        }
    }
}

/// Sends requests elsewhere: before the handler, or after it.
#[derive(Clone)]
struct Detour {
    to: &'static str,
    after: bool,
}

impl Detour {
    fn uri(&self) -> InternalUri {
        InternalUri::new(Bytes::from_static(self.to.as_bytes())).unwrap()
    }
}

impl Filter for Detour {
    fn before(&self, _exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        Ok((!self.after).then(|| Flow::Internal(self.uri())))
    }

    fn after(&self, _exchange: &mut Exchange) -> Option<InternalUri> {
        self.after.then(|| self.uri())
    }
}

fn outcome(exchange: &Exchange) -> (u16, Option<&[u8]>) {
    let error = exchange.fields().get(FieldName::BridgeheadError);
    let route = exchange.fields().get_named(b"X-Route");
    (exchange.status().as_u16(), error.or(route))
}

#[tokio::test]
async fn a_request_that_is_routed_again_is_answered_by_the_other_route() {
    for after in [false, true] {
        let site = Site::new(
            Detour {
                to: "/inner?x=1",
                after,
            },
            &["/filtered"],
        );
        let exchange = site.ask(Method::GET, "/filtered/a?b").await;
        assert_eq!(outcome(&exchange), (203, Some(&b"inner"[..])), "after: {after}");
        assert_eq!(exchange.head().target.as_bytes(), b"/inner?x=1");
        assert_eq!(exchange.request.asked(), b"/filtered/a?b", "what the log shows");
    }
}

#[tokio::test]
async fn a_request_that_goes_round_in_a_circle_is_refused_with_a_reason() {
    for after in [false, true] {
        let site = Site::new(
            Detour {
                to: "/filtered",
                after,
            },
            &["/filtered"],
        );
        let exchange = site.ask(Method::GET, "/filtered").await;
        assert_eq!(
            outcome(&exchange),
            (500, Some(&b"internal_cycle"[..])),
            "after: {after}"
        );
    }
}

#[tokio::test]
async fn a_request_for_which_no_route_is_inside_is_refused() {
    let site = Site::new(
        Detour {
            to: "/none",
            after: false,
        },
        &["/filtered"],
    );
    let exchange = site.ask(Method::GET, "/filtered").await;
    assert_eq!(outcome(&exchange), (404, Some(&b"not_found"[..])));
}

#[tokio::test]
async fn a_request_keeps_its_method_until_its_answer_is_replaced() {
    for (after, method, inside) in [
        (false, Method::POST, Method::POST),
        (true, Method::POST, Method::GET),
        (true, Method::HEAD, Method::HEAD),
    ] {
        let site = Site::new(Detour { to: "/inner", after }, &["/filtered"]);
        let exchange = site.ask(method.clone(), "/filtered").await;
        assert_eq!(exchange.head().method, inside);
        assert_eq!(exchange.request.asked_method(), method, "what the log shows");
    }
}

/// Answers one request after the other, each on a connection of its own; gives their heads back.
async fn application(listener: UnixListener, answers: &'static [&'static str]) -> Vec<String> {
    let mut heads = Vec::new();
    for answer in answers {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await.unwrap());
        }
        connection.write_all(answer.as_bytes()).await.unwrap();
        heads.push(String::from_utf8(head).unwrap());
    }
    heads
}

const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy";

#[tokio::test]
async fn an_applications_answer_can_be_replaced_by_another_route() {
    let site = Site::new(
        Detour {
            to: "/inner",
            after: true,
        },
        &["/app"],
    );
    let listener = UnixListener::bind(site.dir.path().join("app")).unwrap();
    let application = tokio::spawn(application(listener, &[BUSY]));
    let exchange = site.ask(Method::POST, "/app").await;
    assert_eq!(outcome(&exchange), (203, Some(&b"inner"[..])));
    assert!(application.await.unwrap()[0].starts_with("POST /app "));
}

#[tokio::test]
async fn applications_that_replace_each_other_come_to_an_end_and_are_asked_with_get() {
    let site = Site::new(
        Detour {
            to: "/app/again",
            after: true,
        },
        &["/app"],
    );
    let listener = UnixListener::bind(site.dir.path().join("app")).unwrap();
    let application = tokio::spawn(application(listener, &[BUSY; 11]));
    let exchange = site.ask(Method::POST, "/app").await;
    assert_eq!(outcome(&exchange), (500, Some(&b"internal_cycle"[..])));
    let heads = application.await.unwrap();
    assert!(heads[0].starts_with("POST /app "));
    assert!(heads[1..].iter().all(|head| head.starts_with("GET /app/again ")));
    assert_eq!(exchange.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_body_that_nothing_has_asked_for_ends_the_connection_whatever_answers_in_the_end() {
    let site = Site::new(
        Detour {
            to: "/app",
            after: true,
        },
        &["/filtered"],
    );
    let listener = UnixListener::bind(site.dir.path().join("app")).unwrap();
    let application = tokio::spawn(application(listener, &[BUSY]));
    let expects = [("Expect", "100-continue"), ("Content-Length", "5")];
    let exchange = site.ask_with(Method::POST, "/filtered", &expects).await;
    assert_eq!(outcome(&exchange), (503, None));
    assert!(exchange.ends_connection());
    let heads = application.await.unwrap();
    assert!(heads[0].starts_with("GET /app ") && !heads[0].to_lowercase().contains("content-length"));
}
/// mimalloc takes up to 1,024 bytes off a list at once; more than that costs each request some 300 instructions.
const SMALL: usize = 1024;

#[test]
fn what_is_allocated_for_a_forwarded_request_is_small() {
    /// As large as the body that HTTP/1 lends.
    struct Lent(#[expect(dead_code, reason = "only its size matters")] Box<u8>);

    impl Streaming for Lent {
        fn poll_chunk(&mut self, _cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
            Poll::Ready(None)
        }
    }

    impl Incoming for Lent {
        fn is_over(&self) -> bool {
            true
        }
    }

    fn size<F>(_: fn(Arc<Service>, Box<Exchange>, Lent, Forwarding) -> F) -> usize {
        size_of::<F>()
    }
    assert!(size_of::<Exchange>() <= SMALL, "{}", size_of::<Exchange>());
    assert!(size(forwarded) <= SMALL, "{}", size(forwarded));
}
