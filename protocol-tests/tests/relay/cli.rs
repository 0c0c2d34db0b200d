//! The subcommands as a user runs them.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};

use bridgehead_conform::notation::{File, SideName, Suite};
use bridgehead_conform::protocol::Protocol;
use testbed::Signal;

fn kit() -> Command {
    Command::new(testbed::built("bridgehead-conform"))
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_signal_ends_the_relay_and_the_trace_and_the_case_are_whole() {
    let dir = testbed::scratch().unwrap();
    let path = |name: &str| dir.path().join(name);
    let listener = UnixListener::bind(path("server")).unwrap();
    let mut relay = kit()
        .arg("record")
        .args(["relay", "server"].map(|name| format!("unix:{}", path(name).display())))
        .args(["--protocol", "scgi", "--trace"])
        .arg(path("trace"))
        .arg("--case")
        .arg(path("case.toml"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(relay.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    assert!(line.starts_with("recording unix:"), "{line}");

    let mut client = UnixStream::connect(path("relay")).unwrap();
    client
        .write_all(b"24:CONTENT_LENGTH\x001\0SCGI\x001\0,x")
        .unwrap();
    let mut server = listener.accept().unwrap().0;
    let mut request = [0; 29];
    server.read_exact(&mut request).unwrap();
    server.write_all(b"Status: 404 Not Found\r\n\r\nno").unwrap();
    drop(server);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "Status: 404 Not Found\r\n\r\nno");

    testbed::signal(&relay, Signal::TERM).unwrap();
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    assert!(relay.wait().unwrap().success(), "{rest}");
    assert_eq!(rest, "1 connection\n");
    assert!(!path("relay").exists());
    let trace = fs::read_to_string(path("trace")).unwrap();
    assert!(trace.ends_with("  # 1 connection\n"), "{trace}");
    assert!(
        trace.contains("  # status 404, Status: 404 Not Found\n"),
        "{trace}"
    );
    let text = fs::read_to_string(path("case.toml")).unwrap();
    let file = File {
        path: "case.toml".to_owned(),
        text: text.clone(),
    };
    assert_eq!(
        Suite::read_alone(&file, Protocol::Scgi, SideName::Server)
            .unwrap()
            .cases
            .len(),
        1,
        "{text}"
    );
    assert!(
        text.contains("title = \"A request is answered with 404, as it was recorded\""),
        "{text}"
    );
}

/// What tcpdump has captured of PHP-FPM 8.2: a request, and two GET_VALUES, one of them with an unknown name.
#[test]
fn a_real_capture_reads_as_it_should() {
    let file = testbed::workspace().join("protocol-tests/tests/fixtures/php-fpm.pcap");
    let words = output(kit().arg("decode").arg(&file));
    let wanted = [
        "1 from 127.0.0.1:45666 to 127.0.0.1:39000\n1 0.000000 > open\n1 0.000018 < open\n",
        "1 0.000257 > BEGIN_REQUEST id 1: responder\n",
        "1 0.000257 > STDIN id 1 ends: 0 bytes in all\n",
        "1 0.001552 < STDOUT id 1, 517 bytes, padding 3\n",
        "1 0.001552 < status 200, Content-Type: application/json, Content-Length: 462\n",
        "1 0.001552 < END_REQUEST id 1: application status 0, complete\n1 0.001573 < fin\n",
        "2 0.002452 > GET_VALUES: FCGI_NO_SUCH_NAME=\n2 0.002521 < GET_VALUES_RESULT: \n",
        "- 3 connections, 30 segments\n0 irregular\n",
    ];
    for part in wanted {
        assert!(words.contains(part), "{part}\n{words}");
    }
    let one = output(
        kit()
            .arg("decode")
            .arg(&file)
            .args(["--connection", "3", "--faults"]),
    );
    assert_eq!(one, "0 irregular\n");
    let case = output(
        kit()
            .arg("case")
            .arg(&file)
            .args(["--connection", "1", "--id", "PHP"]),
    );
    assert!(case.contains("id = \"PHP-1\""), "{case}");
    assert!(
        case.contains("title = \"GET /env is answered with 200, as it was recorded\""),
        "{case}"
    );
}
