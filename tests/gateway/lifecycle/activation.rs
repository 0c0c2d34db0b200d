//! Sockets and messages of a service manager.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use testbed::{Signal, signal};

use super::eventually;

/// A gateway that was started as a service manager starts it.
struct Service {
    dir: TempDir,
    process: Child,
    news: UnixDatagram,
}

impl Service {
    /// With `socket` as its only descriptor besides the usual ones.
    fn start(socket: TcpListener, address: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("notify");
        let news = UnixDatagram::bind(&place).unwrap();
        Self::telling(dir, news, place.as_os_str(), socket, address)
    }

    /// With a manager that is told at `place`.
    fn telling(dir: TempDir, news: UnixDatagram, place: &OsStr, socket: TcpListener, address: &str) -> Self {
        news.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let config = dir.path().join("bridgehead.toml");
        fs::write(&config, config_text(dir.path(), address)).unwrap();
        let process = Command::new("sh")
            .args([
                "-c",
                "LISTEN_FDS=1 LISTEN_PID=$$ WATCHDOG_USEC=200000 exec \"$@\" 3<&0 </dev/null",
                "sh",
            ])
            .arg(testbed::built("bridgehead"))
            .args(["serve", "-c"])
            .arg(&config)
            .env("NOTIFY_SOCKET", place)
            .stdin(OwnedFd::from(socket))
            .stderr(Stdio::from(fs::File::create(dir.path().join("stderr")).unwrap()))
            .spawn()
            .unwrap();
        Self { dir, process, news }
    }

    /// The next message that is no heartbeat.
    #[track_caller]
    fn news(&self) -> Vec<String> {
        loop {
            let news = self.message();
            if news != ["WATCHDOG=1"] {
                return news;
            }
        }
    }

    #[track_caller]
    fn message(&self) -> Vec<String> {
        let mut bytes = [0; 1024];
        let count = self
            .news
            .recv(&mut bytes)
            .expect("a message for the service manager");
        let text = String::from_utf8_lossy(&bytes[..count]);
        text.lines().map(str::to_owned).collect()
    }

    fn errors(&self) -> String {
        let read = |name| fs::read_to_string(self.path(name)).unwrap_or_default();
        read("stderr") + &read("error.log")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn config_text(dir: &Path, address: &str) -> String {
    format!(
        "[server]\ntemp_dir = \"{0}\"\n[log]\naccess = \"off\"\nerror = \"{0}/error.log\"\n\
         [[listen]]\naddress = \"{address}\"\n[[route]]\nrespond = {{ body = \"fine\" }}\n",
        dir.display()
    )
}

fn ask(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    all
}

#[test]
fn a_socket_of_the_manager_is_listened_on_and_left_to_it() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let managers = socket.try_clone().unwrap();
    let mut service = Service::start(socket, &address.to_string());
    assert_eq!(service.news(), ["READY=1"]);
    assert!(ask(address).ends_with("fine"));
    signal(&service.process, Signal::TERM).unwrap();
    assert_eq!(service.news(), ["STOPPING=1"]);
    assert!(service.process.wait().unwrap().success());
    // Who comes now waits for the next start.
    let mut waiting = TcpStream::connect(address).unwrap();
    waiting.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let service = Service::start(managers, &address.to_string());
    let mut all = String::new();
    waiting.read_to_string(&mut all).unwrap();
    assert!(all.ends_with("fine"), "{}", service.errors());
}

#[test]
fn a_socket_that_nobody_wants_is_complained_about() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let service = Service::start(socket, "127.0.0.1:0");
    assert_eq!(service.news(), ["READY=1"]);
    let text = format!("no [[listen]] has its address address={address}");
    eventually("the complaint", || service.errors().contains(&text));
}

#[test]
fn a_socket_of_the_manager_that_is_in_the_way_is_said_to_be_that() {
    // As systemd opens it for `ListenStream=PORT`: for IPv6 and IPv4.
    let socket = TcpListener::bind("[::]:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let mut service = Service::start(socket, &format!("0.0.0.0:{port}"));
    assert!(!service.process.wait().unwrap().success());
    let told = format!(
        "0.0.0.0:{port}: in use by the socket [::]:{port}, which systemd has opened for us; write address = \
         \"[::]:{port}\""
    );
    assert!(service.errors().contains(&told), "{}", service.errors());
}

#[test]
fn a_socket_of_the_manager_is_named_when_it_is_listened_on() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let service = Service::start(socket, &address.to_string());
    assert_eq!(service.news(), ["READY=1"]);
    let text = format!("listening address={address} opened_by=\"systemd\"");
    eventually("the line", || service.errors().contains(&text));
}

#[test]
fn a_reload_is_announced_and_its_end_too() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let service = Service::start(socket, &address);
    assert_eq!(service.news(), ["READY=1"]);
    for config in [config_text(service.dir.path(), &address), "nonsense".to_owned()] {
        fs::write(service.path("bridgehead.toml"), config).unwrap();
        signal(&service.process, Signal::HUP).unwrap();
        let [reloading, now] = service.news().try_into().unwrap();
        assert_eq!(reloading, "RELOADING=1");
        assert!(
            now.strip_prefix("MONOTONIC_USEC=")
                .unwrap()
                .parse::<u64>()
                .unwrap()
                > 0
        );
        assert_eq!(service.news(), ["READY=1"]);
    }
}

#[test]
fn the_manager_hears_that_it_is_alive() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let service = Service::start(socket, &address);
    assert_eq!(service.news(), ["READY=1"]);
    assert_eq!(service.message(), ["WATCHDOG=1"]);
    assert_eq!(service.message(), ["WATCHDOG=1"]);
}

#[test]
fn a_manager_with_an_abstract_name_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let name = format!("{}/notify", dir.path().display());
    let news = UnixDatagram::bind_addr(&UnixAddr::from_abstract_name(&name).unwrap()).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let service = Service::telling(dir, news, format!("@{name}").as_ref(), socket, &address);
    assert_eq!(service.news(), ["READY=1"]);
    signal(&service.process, Signal::TERM).unwrap();
    assert_eq!(service.news(), ["STOPPING=1"]);
}

#[test]
fn a_replacement_tells_its_process_id_and_has_the_socket() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut service = Service::start(socket, &address.to_string());
    assert_eq!(service.news(), ["READY=1"]);
    signal(&service.process, Signal::USR2).unwrap();
    let [pid, ready] = service.news().try_into().unwrap();
    assert_eq!(ready, "READY=1");
    let pid = pid.strip_prefix("MAINPID=").unwrap().to_owned();
    assert!(service.process.wait().unwrap().success());
    assert!(ask(address).ends_with("fine"));
    assert_eq!(service.message(), ["WATCHDOG=1"], "the new one is alive, too");
    Command::new("sh")
        .args(["-c", &format!("kill -TERM {pid}")])
        .status()
        .unwrap();
    assert_eq!(service.news(), ["STOPPING=1"]);
}
