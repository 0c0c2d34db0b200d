//! CGI programs below a directory, and the names of the fields that applications get.

use testbed::Scripted;

use super::{ask, fill};
use crate::start;

#[test]
fn the_first_file_on_a_path_is_the_program_and_the_rest_is_for_it() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), &["mailman/listinfo", "a.cgi", ".hidden", "cgi-bin/b"]);
    let application = Scripted::start(|mut connection| {
        let request = connection.read_fastcgi()?;
        let names = ["SCRIPT_NAME", "SCRIPT_FILENAME", "PATH_INFO", "QUERY_STRING"];
        let told = names.map(|name| request.param(name).unwrap_or("-")).join("|");
        connection.fastcgi_response(
            request.id,
            format!("Content-Type: text/plain\r\n\r\n{told}").as_bytes(),
        )
    })
    .unwrap();
    let root = dir.path().display().to_string();
    let gateway = start(&format!(
        "[upstream.fcgiwrap]\nprofile = \"libfcgi\"\nendpoints = [\"{}\"]\n\
         [[route]]\npath = \"/cgi-bin\"\ncgi = {{ upstream = \"fcgiwrap\", alias = \"{root}\" }}\n\
         [[route]]\nhost = \"root.test\"\npath = \"/cgi-bin\"\ncgi = {{ upstream = \"fcgiwrap\", root = \"{root}\" }}\n",
        application.address()
    ));
    for (host, target, expected) in [
        ("a.test", "/cgi-bin/a.cgi?x=1", "/cgi-bin/a.cgi|ROOT/a.cgi||x=1"),
        (
            "a.test",
            "/cgi-bin/a.cgi/x%2Fy",
            "/cgi-bin/a.cgi|ROOT/a.cgi|/x/y|",
        ),
        (
            "a.test",
            "/cgi-bin/mailman/listinfo/users",
            "/cgi-bin/mailman/listinfo|ROOT/mailman/listinfo|/users|",
        ),
        ("root.test", "/cgi-bin/b/c", "/cgi-bin/b|ROOT/cgi-bin/b|/c|"),
    ] {
        let answer = ask(&gateway, "GET", host, target, &[]);
        assert_eq!(answer.text().replace(&root, "ROOT"), expected, "{target}");
    }
    for target in [
        "/cgi-bin",
        "/cgi-bin/",
        "/cgi-bin/mailman",
        "/cgi-bin/none/x",
        "/cgi-bin/.hidden",
        "/cgi-bin%2Fa.cgi",
    ] {
        let answer = ask(&gateway, "GET", "a.test", target, &[]);
        assert_eq!(
            (answer.status, answer.header("bridgehead-error").is_some()),
            (404, true),
            "{target}"
        );
    }
}

#[test]
fn fields_with_underscores_are_dropped_refused_or_passed() {
    let application = || {
        Scripted::start(|mut connection| {
            let request = connection.read_fastcgi()?;
            let names = ["HTTP_X_API_KEY", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP"];
            let told = names.map(|name| {
                let values = request.params.iter().filter(|(own, _)| own == name);
                values
                    .map(|(_, value)| value.as_str())
                    .collect::<Vec<_>>()
                    .join("+")
            });
            let told = told.join("|");
            connection.fastcgi_response(
                request.id,
                format!("Content-Type: text/plain\r\n\r\n{told}").as_bytes(),
            )
        })
        .unwrap()
    };
    let fields = [
        ("X_Api_Key", "k"),
        ("X_Forwarded_For", "1.2.3.4"),
        ("x_real_ip", "1.2.3.4"),
    ];
    for (word, status, told) in [
        ("drop", 200, "|127.0.0.1|127.0.0.1"),
        ("pass", 200, "k|127.0.0.1|127.0.0.1"),
        ("refuse", 400, ""),
    ] {
        let application = application();
        let gateway = start(&format!(
            "[server]\ntemp_dir = \"{{dir}}\"\nunderscores = \"{word}\"\n[upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{}\"]\n\
             [[route]]\nproxy = {{ upstream = \"app\" }}\n",
            application.address()
        ));
        let answer = ask(&gateway, "GET", "a.test", "/", &fields);
        assert_eq!(answer.status, status, "{word}");
        match status {
            200 => assert_eq!(answer.text(), told, "{word}"),
            _ => assert_eq!(answer.header("bridgehead-error"), Some("bad_field")),
        }
    }
}

#[test]
fn an_application_gets_the_method_that_its_route_says() {
    for protocol in crate::spoken::PROTOCOLS {
        let application = Scripted::start(move |mut connection| {
            let request = crate::spoken::read(protocol, &mut connection)?;
            let line = request.line.split(' ').next().unwrap_or_default();
            let method = request.param("REQUEST_METHOD").unwrap_or(line).to_owned();
            let told = [method.as_bytes(), b" ", &request.body].concat();
            crate::spoken::answer(protocol, &request, &mut connection, &told)
        })
        .unwrap();
        let gateway = start(&format!(
            "[upstream.app]\nprotocol = \"{protocol}\"\nendpoints = [\"{}\"]\n\
             [[route]]\nproxy = {{ upstream = \"app\" }}\n\
             [[route]]\npath = \"/put\"\nproxy = {{ upstream = \"app\" }}\nrequest = {{ method = \"PUT\" }}\n\
             [[route]]\npath = \"/get\"\nproxy = {{ upstream = \"app\" }}\nrequest = {{ method = \"GET\" }}\n",
            application.address()
        ));
        let mut client = testbed::Client::connect(gateway.addr()).unwrap();
        let mut ask = |method: &str, target: &str, body: &[u8]| {
            let answer = client.request(method, target, &[("Host", "a")], body).unwrap();
            (answer.status, answer.text())
        };
        for (method, target, body, told) in [
            ("POST", "/", "x", "POST x"),
            ("POST", "/put", "x", "PUT x"),
            ("GET", "/put", "", "PUT "),
            ("HEAD", "/get", "", ""),
            ("GET", "/get", "", "GET "),
        ] {
            let answer = ask(method, target, body.as_bytes());
            assert_eq!(answer, (200, told.to_owned()), "{protocol}: {method} {target}");
        }
        let log = gateway.wait_access(5).unwrap();
        assert!(log[1].contains("\"method\":\"POST\""), "{}", log[1]);
    }
}
