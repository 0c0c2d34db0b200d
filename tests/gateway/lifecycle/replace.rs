//! SIGUSR2.

use std::fs;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use testbed::{Client, Scripted, Signal, install_program, install_script};

use super::load::{Load, Place};
use super::{backend, eventually, wait_told};
use crate::start;

const REFUSED: &str = "the process was not replaced";

fn config(backend: &Scripted, server: &str) -> String {
    format!(
        "[server]\ntemp_dir = \"{{dir}}\"\npid_file = \"{{dir}}/pid\"\n{server}\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\n[[listen]]\naddress = \"unix:{{dir}}/x.sock\"\n\
         [upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{}\"]\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    )
}

#[test]
fn no_request_is_lost_under_load() {
    let backend = backend();
    let mut gateway = start(&config(&backend, ""));
    let socket = gateway.dir().join("x.sock");
    let load = Load::start(&[Place::Tcp(gateway.addr()), Place::Unix(socket.clone())]);
    let mut before = vec![gateway.pid()];
    for _ in 0..5 {
        load.go_on(40);
        gateway.signal(Signal::USR2).unwrap();
        let now = gateway.follow().unwrap();
        assert!(!before.contains(&now));
        before.push(now);
        load.go_on(40);
    }
    assert_eq!(load.finish(), Vec::<String>::new());
    // Each of them has ended, but for the last; the files are that one's.
    let now = before.pop().unwrap();
    assert!(gateway.wait(Duration::from_secs(10)).unwrap().success());
    eventually("the earlier processes end", || {
        !before.iter().any(|pid| gateway.is_ours(*pid))
    });
    let pid = || fs::read_to_string(gateway.dir().join("pid")).unwrap_or_default();
    assert_eq!(pid(), format!("{now}\n"));
    UnixStream::connect(&socket).unwrap();
    gateway.signal(Signal::TERM).unwrap();
    eventually("the last process ends", || !gateway.is_ours(now));
    assert_eq!((pid(), socket.exists()), (String::new(), false));
}

#[test]
fn a_new_process_that_cannot_start_changes_nothing() {
    let backend = backend();
    let gateway = start(&config(&backend, ""));
    let load = Load::start(&[
        Place::Tcp(gateway.addr()),
        Place::Unix(gateway.dir().join("x.sock")),
    ]);
    let root = format!(
        "{}[[route]]\npath = \"/f\"\nfiles = {{ root = \"{{dir}}/missing\" }}\n",
        config(&backend, "")
    );
    for (round, (config, why)) in [
        ("[[route]]\npath = 7\n", "bridgehead.toml:2:8"),
        (root.as_str(), "cannot open the root"),
    ]
    .into_iter()
    .enumerate()
    {
        load.go_on(20);
        gateway.write_config(config).unwrap();
        gateway.signal(Signal::USR2).unwrap();
        wait_told(&gateway, REFUSED, round + 1);
        assert!(gateway.errors().contains(why), "{}", gateway.errors());
        load.go_on(20);
    }
    assert_eq!(load.finish(), Vec::<String>::new());
    let pid = fs::read_to_string(gateway.dir().join("pid")).unwrap();
    assert_eq!(pid, format!("{}\n", gateway.pid()));
}

/// A gateway whose program is a copy that can be replaced by a script.
fn scripted(backend: &Scripted, script: &str, server: &str) -> testbed::Gateway {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("bridgehead");
    install_program(&testbed::built("bridgehead"), &program).unwrap();
    let gateway = testbed::Gateway::start(&program, &config(backend, server)).unwrap();
    // As a package manager does it: another file under the same name.
    let other = dir.path().join("other");
    install_script(script, &other).unwrap();
    fs::rename(&other, &program).unwrap();
    gateway.signal(Signal::USR2).unwrap();
    wait_told(&gateway, REFUSED, 1);
    gateway
}

#[test]
fn a_new_program_that_is_never_ready_is_ended() {
    let backend = backend();
    let script = "#!/bin/sh\necho $$ > \"$(dirname \"$3\")/started\"\nexec sleep 1000\n";
    let gateway = scripted(&backend, script, "timeouts = { replace = \"1s\" }");
    assert!(
        gateway.errors().contains("not ready in time"),
        "{}",
        gateway.errors()
    );
    let started = fs::read_to_string(gateway.dir().join("started")).unwrap();
    assert!(!fs::exists(format!("/proc/{}", started.trim())).unwrap());
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 200);
}

#[test]
fn a_new_program_that_crashes_changes_nothing() {
    let backend = backend();
    let gateway = scripted(&backend, "#!/bin/sh\nkill -SEGV $$\n", "");
    assert!(gateway.errors().contains("signal: 11"), "{}", gateway.errors());
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 200);
}

#[test]
fn the_new_process_has_the_new_configuration_and_the_old_one_its_last_exchange() {
    let (gate, gated) = crate::http::site::gate();
    let backend = Scripted::start(move |mut connection| {
        let request = connection.read_fastcgi()?;
        if request.param("REQUEST_URI") == Some("/slow") {
            gated.pass()?;
        }
        connection.fastcgi_response(request.id, b"Content-Type: text/plain\r\n\r\nfine")
    })
    .unwrap();
    let mut gateway = start(&config(&backend, ""));
    let first = gateway.pid();
    let mut slow = Client::connect(gateway.addr()).unwrap();
    slow.send_request("GET", "/slow", &[], b"").unwrap();
    backend.wait_requests(1).unwrap();
    let more = "[[route]]\npath = \"/new\"\nrespond = { body = \"new\" }\n";
    // One listener less, one more.
    let other = config(&backend, "").replace("x.sock", "y.sock");
    gateway.write_config(&format!("{other}{more}")).unwrap();
    gateway.signal(Signal::USR2).unwrap();
    gateway.follow().unwrap();
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/new", &[], b"").unwrap().text(), "new");
    eventually("the file of the old listener goes", || {
        !gateway.dir().join("x.sock").exists()
    });
    UnixStream::connect(gateway.dir().join("y.sock")).unwrap();
    assert!(gateway.is_ours(first));
    gate.open();
    let answer = slow.read_response().unwrap();
    assert_eq!(
        (answer.text().as_str(), answer.header("connection")),
        ("fine", Some("close"))
    );
    drop(slow);
    assert!(gateway.wait(Duration::from_secs(10)).unwrap().success());
}

#[test]
fn a_stop_ends_a_replacement_that_is_starting() {
    let backend = backend();
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("bridgehead");
    install_program(&testbed::built("bridgehead"), &program).unwrap();
    let mut gateway = testbed::Gateway::start(&program, &config(&backend, "")).unwrap();
    let other = dir.path().join("other");
    let script = "#!/bin/sh\necho $$ > \"$(dirname \"$3\")/started\"\nexec sleep 1000\n";
    install_script(script, &other).unwrap();
    fs::rename(&other, &program).unwrap();
    gateway.signal(Signal::USR2).unwrap();
    let started = || fs::read_to_string(gateway.dir().join("started")).unwrap_or_default();
    eventually("the start", || started().ends_with('\n'));
    let pid = started();
    // Meanwhile nothing else is begun.
    gateway.signal(Signal::HUP).unwrap();
    gateway.wait_errors("a replacement is starting").unwrap();
    gateway.signal(Signal::TERM).unwrap();
    assert!(gateway.wait(Duration::from_secs(10)).unwrap().success());
    assert!(!fs::exists(format!("/proc/{}", pid.trim())).unwrap());
}
