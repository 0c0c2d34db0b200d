//! Fewer requests to whoever has much to do.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use testbed::{Client, Scripted};

use super::{gateway, who};

/// An application that answers with its name, and the request for `/wait` when it is told to.
fn app(name: &'static str, pause: Duration) -> (Scripted, mpsc::Sender<()>) {
    let (go, gone) = mpsc::channel();
    let gone = Arc::new(Mutex::new(gone));
    let app = Scripted::start(move |mut connection| {
        let request = connection.read_fastcgi()?;
        match request.param("REQUEST_URI") {
            Some("/wait") => gone.lock().unwrap().recv()?,
            _ => std::thread::sleep(pause),
        }
        connection.fastcgi_response(request.id, format!("Status: 200\r\n\r\n{name}").as_bytes())
    });
    (app.unwrap(), go)
}

#[test]
fn a_busy_endpoint_gets_less() {
    for balance in ["least_conn", "random_two"] {
        let (a, go_a) = app("a", Duration::ZERO);
        let (b, go_b) = app("b", Duration::ZERO);
        let endpoints = [a.address(), b.address()];
        let gateway = gateway("fastcgi", &endpoints, &format!("balance = \"{balance}\""));
        let mut waiting = Client::connect(gateway.addr()).unwrap();
        waiting.send_request("GET", "/wait", &[], b"").unwrap();
        // The endpoint that has read it is the busy one.
        let busy = loop {
            match (a.requests().len(), b.requests().len()) {
                (0, 0) => std::thread::yield_now(),
                (0, _) => break "b",
                _ => break "a",
            }
        };
        for _ in 0..5 {
            assert_ne!(who(&gateway, "/"), busy, "{balance}");
        }
        go_a.send(()).unwrap();
        go_b.send(()).unwrap();
        assert_eq!(waiting.read_response().unwrap().text(), busy);
    }
}

#[test]
fn a_slow_endpoint_gets_less() {
    let (slow, _go) = app("slow", Duration::from_millis(100));
    let (fast, _go) = app("fast", Duration::ZERO);
    let gateway = gateway("fastcgi", &[slow.address(), fast.address()], "balance = \"ewma\"");
    let answers: Vec<String> = (0..10).map(|_| who(&gateway, "/")).collect();
    assert_eq!(
        answers.iter().filter(|name| *name == "slow").count(),
        1,
        "{answers:?}"
    );
}
