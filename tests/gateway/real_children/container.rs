//! The gateway as the first process of a container: unshare(1) makes one.

use std::fs;
use std::process::{Command, Stdio};

use testbed::{Client, Process, eventually};

#[test]
fn signals_and_orphans_are_seen_to() {
    let dir = tempfile::TempDir::with_prefix("bh-").unwrap();
    let place = dir.path().display().to_string();
    let config = dir.path().join("bridgehead.toml");
    fs::write(
        &config,
        format!(
            "[server]\ntemp_dir = \"{place}\"\n[log]\nerror = \"{place}/error.log\"\naccess = \"off\"\n\
             [[listen]]\naddress = \"127.0.0.1:0\"\n[[route]]\nrespond = {{ body = \"fine\" }}\n"
        ),
    )
    .unwrap();
    let log = dir.path().join("error.log");
    let told = |text: &str| fs::read_to_string(&log).unwrap_or_default().matches(text).count();
    let mut command = Command::new("/usr/bin/unshare");
    command
        .args(["--pid", "--fork", "--mount-proc", "--kill-child"])
        .arg(testbed::built("bridgehead"))
        .args(["serve", "-c"])
        .arg(&config)
        .stdin(Stdio::null());
    let mut container = Process::start(command, tempfile::TempDir::with_prefix("bh-").unwrap(), || {
        told(" listening address=") > 0
    })
    .unwrap();
    let text = fs::read_to_string(&log).unwrap();
    let address = text
        .split("listening address=")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let address = address.parse().unwrap();
    let fine = || {
        Client::connect(address)
            .unwrap()
            .request("GET", "/", &[], b"")
            .unwrap()
            .text()
            == "fine"
    };
    assert!(fine());
    let first = children(&config.display().to_string());
    let [init, ..] = first[..] else {
        panic!("{first:?}")
    };
    let send = |signal| super::site::signal_process(init, signal);
    send(testbed::Signal::HUP);
    eventually("a reload", || told("configuration loaded again") == 1);
    // Another process serves from now on, and signals are for that one.
    send(testbed::Signal::USR2);
    eventually("a replacement", || {
        told("replaced; waiting for open exchanges") == 1
    });
    assert!(fine());
    eventually("the first one ends", || {
        children(&config.display().to_string()).len() == 2
    });
    send(testbed::Signal::HUP);
    eventually("a reload of the new one", || {
        told("configuration loaded again") == 2
    });
    assert!(container.ended().is_none());
    send(testbed::Signal::TERM);
    eventually("the end", || container.ended().is_some());
    assert!(container.ended().unwrap().success(), "{}", container.log());
}

/// The processes of the gateway with this configuration, the first one first, without unshare itself.
fn children(config: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_one = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(config) && !line.contains("unshare")
    };
    let mut pids: Vec<_> = pids.filter(is_one).collect();
    pids.sort_unstable();
    pids
}
