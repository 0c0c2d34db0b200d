//! The tools of these tests, on the shortest ways through the gateway.

use testbed::{Client, Scripted};

use crate::start;

#[test]
fn a_request_reaches_an_application_and_its_answer_the_client() {
    let backend = Scripted::start(|mut connection| {
        let request = connection.read_fastcgi()?;
        connection.fastcgi_response(request.id, b"Content-Type: text/plain\r\n\r\nhello")
    })
    .unwrap();
    let gateway = start(&format!(
        "[upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{}\"]\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ));
    let mut client = Client::connect(gateway.addr()).unwrap();
    let response = client.request("POST", "/a?b", &[("X-Y", "z")], b"body").unwrap();
    assert_eq!((response.status, response.text().as_str()), (200, "hello"));
    assert!(response.complete && !response.closed);
    let [request] = backend.wait_requests(1).unwrap().try_into().unwrap();
    assert_eq!(request.param("HTTP_X_Y"), Some("z"));
    assert_eq!(request.body, b"body");
    assert_eq!(gateway.wait_access(1).unwrap().len(), 1);
    assert!(gateway.rss() > 0 && gateway.peak() >= gateway.rss());
}
