//! The examples of TLS, as they are but for their paths and ports.

use std::fs;

use testbed::{Authority, Client, Scripted, Tls, TlsClient, Wanted};

use crate::start;

fn example(name: &str) -> String {
    fs::read_to_string(testbed::workspace().join("examples/configs").join(name)).unwrap()
}

#[test]
fn https_files() {
    let authority = Authority::new("Authority").unwrap();
    let dir = tempfile::tempdir().unwrap();
    for name in ["shop", "wiki"] {
        for place in ["ssl", "srv"] {
            fs::create_dir_all(dir.path().join(place).join(name)).unwrap();
        }
        let issued = authority.issue(&[&format!("{name}.example")]).unwrap();
        fs::write(
            dir.path().join("ssl").join(name).join("fullchain.pem"),
            &issued.cert,
        )
        .unwrap();
        fs::write(dir.path().join("ssl").join(name).join("privkey.pem"), &issued.key).unwrap();
        fs::write(dir.path().join("srv").join(name).join("index.html"), name).unwrap();
    }
    let root = dir.path().display();
    let text = example("https-files.toml")
        .replace("/etc/ssl", &format!("{root}/ssl"))
        .replace("/srv", &format!("{root}/srv"))
        .replace("user = \"bridgehead\"", "temp_dir = \"{dir}\"")
        .replace("0.0.0.0:443", "127.0.0.1:0")
        .replace("0.0.0.0:80", "unix:{dir}/clear.sock");
    let gateway = start(&text);
    for name in ["shop", "wiki"] {
        let host = format!("{name}.example");
        let client = TlsClient {
            name: &host,
            alpn: &["http/1.1"],
            ..TlsClient::default()
        };
        let tls = Tls::new(&authority, &client).unwrap();
        let mut client = Client::connect_tls(gateway.addr(), &tls).unwrap();
        let answer = client.request("GET", "/", &[("Host", &host)], b"").unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, name));
        assert_eq!(
            answer.header("strict-transport-security"),
            Some("max-age=31536000")
        );
    }
}

#[test]
fn mutual_tls() {
    let (authority, staff) = (
        Authority::new("Authority").unwrap(),
        Authority::new("Staff").unwrap(),
    );
    let dir = tempfile::tempdir().unwrap();
    authority
        .issue(&["api.example", "admin.example"])
        .unwrap()
        .write(dir.path(), "api")
        .unwrap();
    fs::write(dir.path().join("clients.pem"), authority.pem()).unwrap();
    fs::write(dir.path().join("clients.crl"), authority.revoke(&[]).unwrap()).unwrap();
    fs::write(dir.path().join("staff.pem"), staff.pem()).unwrap();
    let backend = Scripted::start(|mut connection| {
        let request = connection.read_uwsgi()?;
        let who = request.param("SSL_CLIENT_S_DN").unwrap_or("nobody").to_owned();
        connection.write(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{who}",
            who.len()
        ))
    })
    .unwrap();
    let text = example("mutual-tls.toml")
        .replace("/etc/ssl", &dir.path().display().to_string())
        .replace("unix:/run/api/uwsgi.sock", &backend.address())
        .replace("0.0.0.0:443", "127.0.0.1:0");
    let gateway = start(&text);
    let ask = |host: &str, of: Option<&Authority>| {
        let wanted = Wanted {
            holder: "ann",
            ..Wanted::default()
        };
        let certificate = of.map(|of| of.issue_as(&wanted).unwrap());
        let client = TlsClient {
            name: host,
            certificate: certificate.as_ref(),
            ..TlsClient::default()
        };
        let tls = Tls::new(&authority, &client).unwrap();
        let mut client = Client::connect_tls(gateway.addr(), &tls).ok()?;
        client.request("GET", "/", &[("Host", host)], b"").ok()
    };
    assert_eq!(ask("api.example", None).unwrap().text(), "nobody");
    assert_eq!(
        ask("api.example", Some(&authority)).unwrap().text(),
        "CN=ann,O=Shop\\, Inc."
    );
    assert!(ask("admin.example", None).is_none());
    assert!(ask("admin.example", Some(&authority)).is_none());
    let answer = ask("admin.example", Some(&staff)).unwrap();
    assert_eq!(answer.header("x-client"), Some("CN=ann,O=Shop\\, Inc."));
}
