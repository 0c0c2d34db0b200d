//! What is opened at a start and at a reload: what hangs ends by its deadline, and what is in the way stays as it is.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::{CWD, FileType, mknodat};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
use tempfile::TempDir;
use testbed::{Client, Gateway, Signal, signal};

use super::reload::{fixed, refused, reload};
use super::{eventually, told, wait_told};
use crate::start;

/// Access log, deadline for opening, more for the end of the text.
fn config(access: &str, open: &str, more: &str) -> String {
    format!(
        "[server]\ntemp_dir = \"{{dir}}\"\ntimeouts = {{ open = \"{open}\" }}\n\
         [log]\naccess = \"{access}\"\naccess_format = \"json\"\nerror = \"{{dir}}/error.log\"\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\n{more}\n{}",
        fixed("x")
    )
}

const FINE: &str = "{dir}/access.log";

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, 0o600.into(), 0).unwrap();
}

/// What keeps the gateway from starting.
fn fails(config: &str) -> String {
    let failed = Gateway::start(&testbed::built("bridgehead"), config);
    failed.unwrap_err().to_string()
}

fn answers(gateway: &Gateway) {
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().text(), "x");
}

/// A socket that listens, and whose backlog is full: a connection to it waits.
struct Busy {
    dir: TempDir,
    _listener: OwnedFd,
    _waiting: UnixStream,
}

impl Busy {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        listen(&listener, 0).unwrap();
        Self {
            _waiting: UnixStream::connect(&path).unwrap(),
            _listener: listener,
            dir,
        }
    }

    fn listen(&self) -> String {
        format!(
            "[[listen]]\naddress = \"unix:{}/x.sock\"\n",
            self.dir.path().display()
        )
    }
}

#[test]
fn a_busy_socket_is_in_use_and_holds_up_neither_a_start_nor_a_reload() {
    let busy = Busy::start();
    let listen = format!("[[listen]]\naddress = \"127.0.0.1:0\"\n{}", busy.listen());
    let error = fails(&format!("{listen}{}", fixed("x")));
    assert!(error.contains("in use by another process"), "{error}");
    let mut gateway = start(&fixed("x"));
    let errors = refused(&gateway, &format!("{listen}{}", fixed("y")));
    assert!(errors.contains("in use by another process"), "{errors}");
    answers(&gateway);
    gateway.signal(Signal::TERM).unwrap();
    assert!(gateway.wait(Duration::from_secs(10)).unwrap().success());
}

#[test]
fn all_of_ipv4_and_all_of_ipv6_are_two_listeners_of_one_port() {
    let gateway = start(&format!("[[listen]]\naddress = \"[::]:0\"\n{}", fixed("x")));
    let six: SocketAddr = gateway.addresses()[0].parse().unwrap();
    let both = |port: u16| {
        format!(
            "[[listen]]\naddress = \"[::]:{port}\"\n[[listen]]\naddress = \"0.0.0.0:{port}\"\n{}",
            fixed("x")
        )
    };
    let refused = TcpStream::connect(("127.0.0.1", six.port())).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    drop(gateway);
    let gateway = start(&both(six.port()));
    assert_eq!(gateway.addresses().len(), 2);
    let mut client = Client::connect(([127, 0, 0, 1], six.port()).into()).unwrap();
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().text(), "x");
}

#[test]
fn an_address_that_we_hold_ourselves_is_said_to_be_ours() {
    let dir = tempfile::tempdir().unwrap();
    symlink(dir.path(), dir.path().join("link")).unwrap();
    let path = dir.path().display();
    let twice = format!(
        "[[listen]]\naddress = \"unix:{path}/x.sock\"\n[[listen]]\naddress = \"unix:{path}/link/x.sock\"\n{}",
        fixed("x")
    );
    let error = fails(&twice);
    let told = format!(
        "cannot listen: unix:{path}/link/x.sock: in use by our own [[listen]] with address = \"unix:{path}/x.sock\"; one \
         of the two has to go"
    );
    assert!(error.contains(&told), "{error}");
    let gateway = start(&format!("[[listen]]\naddress = \"127.0.0.1:0\"\n{}", fixed("x")));
    let port = gateway.addr().port();
    let errors = refused(
        &gateway,
        &format!("[[listen]]\naddress = \"0.0.0.0:{port}\"\n{}", fixed("y")),
    );
    let told = format!(
        "cannot listen: 0.0.0.0:{port}: in use by our own listener 127.0.0.1:{port}; a reload opens before it closes"
    );
    assert!(errors.contains(&told), "{errors}");
    answers(&gateway);
}

#[test]
fn a_start_ends_when_a_log_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fifo");
    fifo(&path);
    let name = path.display().to_string();
    let access = config(&name, "1s", "");
    let errors = config(FINE, "1s", "").replace("{dir}/error.log", &name);
    for (config, what, setting) in [
        (access, "the access log", "[log] access"),
        (errors, "the error log", "[log] error"),
    ] {
        let error = fails(&config);
        let told = format!(
            "cannot open {what} {name} within 1s: no process reads from this FIFO ({setting}; [server] timeouts.open \
             is how long it may take)"
        );
        assert!(error.contains(&told), "{error}");
    }
}

#[test]
fn a_fifo_whose_reader_comes_in_time_is_a_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fifo");
    fifo(&path);
    let reader = std::thread::spawn({
        let path = path.clone();
        move || fs::read_to_string(path).unwrap()
    });
    let mut gateway = start(&config(&path.display().to_string(), "1m", ""));
    answers(&gateway);
    gateway.signal(Signal::TERM).unwrap();
    assert!(gateway.wait(Duration::from_secs(10)).unwrap().success());
    assert!(reader.join().unwrap().contains("/fixed"));
}

#[test]
fn a_reload_ends_when_a_log_does_not_open_and_requests_are_answered_meanwhile() {
    let gateway = start(&config(FINE, "1s", ""));
    fifo(&gateway.dir().join("fifo"));
    gateway.write_config(&config("{dir}/fifo", "1s", "")).unwrap();
    gateway.signal(Signal::HUP).unwrap();
    answers(&gateway);
    let errors = gateway.wait_errors("the configuration was not loaded").unwrap();
    let told = format!(
        "cannot open the access log {}/fifo within 1s",
        gateway.dir().display()
    );
    assert!(errors.contains(&told), "{errors}");
    assert!(errors.contains("[log] access"), "{errors}");
    reload(&gateway, &config(FINE, "1m", ""));
    answers(&gateway);
}

#[test]
fn a_reload_ends_when_the_configuration_cannot_be_read() {
    let gateway = start(&config(FINE, "1s", ""));
    let file = gateway.dir().join("bridgehead.toml");
    fs::remove_file(&file).unwrap();
    fifo(&file);
    gateway.signal(Signal::HUP).unwrap();
    answers(&gateway);
    let errors = gateway.wait_errors("the configuration was not loaded").unwrap();
    let told = format!("cannot open the configuration {} within 1s", file.display());
    assert!(errors.contains(&told), "{errors}");
}

#[test]
fn a_stop_does_not_wait_for_a_reload_that_hangs() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut gateway = start(&config(FINE, "1h", ""));
        fifo(&gateway.dir().join("fifo"));
        let hangs = config("{dir}/fifo", "1h", "").replace("[server]\n", "[server]\nworkers = 7\n");
        gateway.write_config(&hangs).unwrap();
        gateway.signal(Signal::HUP).unwrap();
        // Told before anything is opened.
        gateway.wait_errors("setting=\"workers\"").unwrap();
        gateway.signal(signal).unwrap();
        assert!(gateway.wait(Duration::from_secs(10)).unwrap().success());
    }
}

#[test]
fn what_is_asked_for_during_a_reload_is_done_after_it() {
    let gateway = start(&config(FINE, "1s", ""));
    fifo(&gateway.dir().join("fifo"));
    let hangs = config("{dir}/fifo", "1s", "").replace("[server]\n", "[server]\nworkers = 7\n");
    gateway.write_config(&hangs).unwrap();
    gateway.signal(Signal::HUP).unwrap();
    gateway.wait_errors("setting=\"workers\"").unwrap();
    gateway.write_config(&config(FINE, "1m", "")).unwrap();
    gateway.signal(Signal::USR1).unwrap();
    gateway.signal(Signal::HUP).unwrap();
    wait_told(&gateway, "configuration loaded again", 1);
    wait_told(&gateway, "log opened again", 2);
    assert_eq!(told(&gateway, "the configuration was not loaded"), 1);
}

#[test]
fn a_log_that_cannot_be_opened_again_goes_on_with_its_old_file() {
    let mut gateway = start(&config(FINE, "1s", ""));
    let (log, moved) = (gateway.access_file(), gateway.dir().join("access.log.1"));
    fs::rename(&log, &moved).unwrap();
    fifo(&log);
    gateway.signal(Signal::USR1).unwrap();
    gateway.wait_errors("log opened again log=\"error\"").unwrap();
    let errors = gateway.wait_errors("the old file stays").unwrap();
    assert!(errors.contains("no process reads from this FIFO"), "{errors}");
    answers(&gateway);
    eventually("the line in the old file", || {
        fs::read_to_string(&moved).unwrap().contains("/fixed")
    });
    gateway.signal(Signal::TERM).unwrap();
    assert!(gateway.wait(Duration::from_secs(10)).unwrap().success());
}

#[test]
fn a_log_without_a_file_is_not_opened_again() {
    let gateway = start(&config("off", "10s", ""));
    gateway.signal(Signal::USR1).unwrap();
    // The access log is told of before.
    gateway.wait_errors("log opened again log=\"error\"").unwrap();
    assert_eq!(told(&gateway, "log opened again"), 1);
}

/// A gateway that may not get as far as listening.
struct Starting {
    process: Child,
    dir: TempDir,
}

impl Starting {
    fn begin(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fifo(&dir.path().join("fifo"));
        let text = config.replace("{dir}", &dir.path().display().to_string());
        fs::write(dir.path().join("bridgehead.toml"), text).unwrap();
        let process = Command::new(testbed::built("bridgehead"))
            .args(["serve", "-c"])
            .arg(dir.path().join("bridgehead.toml"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, dir }
    }

    fn errors(&self) -> String {
        fs::read_to_string(self.dir.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_signal_ends_a_start_that_hangs() {
    let mut starting = Starting::begin(&config("{dir}/fifo", "1h", ""));
    eventually("the start", || starting.errors().contains("starting"));
    testbed::signal(&starting.process, Signal::TERM).unwrap();
    let status = starting.process.wait().unwrap();
    assert!(status.success(), "{status}");
}

#[test]
fn descriptors_are_logs_as_before() {
    for target in ["/dev/stdout", "/proc/self/fd/1", "/dev/fd/1", "{dir}/link"] {
        let dir = tempfile::tempdir().unwrap();
        symlink("/dev/stdout", dir.path().join("link")).unwrap();
        let target = target.replace("{dir}", &dir.path().display().to_string());
        let gateway = start(&config(&target, "10s", ""));
        answers(&gateway);
        eventually(&target, || gateway.errors().contains("/fixed"));
        // After a rotation, too.
        gateway.signal(Signal::USR1).unwrap();
        wait_told(&gateway, "log opened again", 2);
    }
}

/// As a service manager, or a container's, connects standard output.
#[test]
fn descriptors_that_are_sockets_are_logs_and_can_be_opened_again() {
    for target in ["stdout", "/dev/stdout", "/dev/fd/7"] {
        let dir = tempfile::tempdir().unwrap();
        let (mut reader, writer) = UnixStream::pair().unwrap();
        reader.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let path = dir.path().display().to_string();
        let text = config(target, "10s", "").replace("127.0.0.1:0", "unix:{dir}/x.sock");
        let file = dir.path().join("bridgehead.toml");
        fs::write(&file, text.replace("{dir}", &path)).unwrap();
        let process = Command::new("sh")
            .args(["-c", "exec \"$@\" 7>&1", "sh"])
            .arg(testbed::built("bridgehead"))
            .args(["serve", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(OwnedFd::from(writer))
            .spawn()
            .unwrap();
        let started = Starting { process, dir };
        let mut asked = || {
            let socket = started.dir.path().join("x.sock");
            eventually("it listens", || UnixStream::connect(&socket).is_ok());
            let mut client = UnixStream::connect(&socket).unwrap();
            client.write_all(b"GET /fixed HTTP/1.0\r\n\r\n").unwrap();
            let mut line = Vec::new();
            while !line.ends_with(b"\n") {
                let mut byte = [0];
                reader.read_exact(&mut byte).unwrap();
                line.extend(byte);
            }
            String::from_utf8(line).unwrap()
        };
        assert!(asked().contains("/fixed"), "{target}");
        signal(&started.process, Signal::USR1).unwrap();
        // The error log, which is told of last, and the access log where it has a path.
        eventually(target, || {
            started.errors().contains("log opened again log=\"error\"")
        });
        let opened = started.errors().matches("log opened again").count();
        assert_eq!(opened, if target == "stdout" { 1 } else { 2 }, "{target}");
        assert!(asked().contains("/fixed"), "{target}");
    }
}

#[test]
fn lines_that_a_full_disk_takes_away_are_told_of_once_a_minute() {
    let more = "[[route]]\npath = \"/status\"\nstatus = { format = \"json\" }\n";
    let gateway = start(&config("/dev/full", "10s", more));
    let lost = || {
        let mut client = Client::connect(gateway.addr()).unwrap();
        let answer = client.request("GET", "/status", &[], b"").unwrap();
        let status: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        status["counters"]["access_lines_dropped_total"].as_u64().unwrap()
    };
    answers(&gateway);
    let errors = gateway.wait_errors("lines of the access log are lost").unwrap();
    assert!(
        errors.contains(
            "ERROR lines of the access log are lost lines=1 error=/dev/full: No space left on device"
        ),
        "{errors}"
    );
    let before = lost();
    eventually("more lines are lost", || lost() > before + 1);
    assert_eq!(told(&gateway, "lines of the access log are lost"), 1);
}

#[test]
fn a_change_of_mode_is_for_the_socket_and_not_for_what_took_its_name() {
    let listen = |mode: &str| format!("[[listen]]\naddress = \"unix:{{dir}}/x.sock\"\nmode = \"{mode}\"\n");
    let gateway = start(&config(FINE, "10s", &listen("0600")));
    let (path, moved) = (gateway.dir().join("x.sock"), gateway.dir().join("moved"));
    let stranger = gateway.dir().join("stranger");
    fs::write(&stranger, "").unwrap();
    fs::set_permissions(&stranger, Permissions::from_mode(0o640)).unwrap();
    fs::rename(&path, &moved).unwrap();
    symlink(&stranger, &path).unwrap();
    reload(&gateway, &config(FINE, "10s", &listen("0666")));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&stranger), mode(&moved)), (0o640, 0o666));
    // And what is not the socket's is not removed with it.
    reload(&gateway, &config(FINE, "10s", ""));
    wait_told(&gateway, "no longer listening", 1);
    assert!(path.is_symlink());
}

#[test]
fn the_pid_file_is_written_through_no_link() {
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other");
    fs::write(&other, "other").unwrap();
    for name in ["pid", "pid.new", "new"] {
        symlink(&other, dir.path().join(name)).unwrap();
    }
    let pid_file = dir.path().join("pid");
    let server = format!("[server]\npid_file = \"{}\"\n", pid_file.display());
    let gateway = start(&config(FINE, "10s", "").replace("[server]\n", &server));
    assert_eq!(fs::read_to_string(&other).unwrap(), "other");
    assert_eq!(
        fs::read_to_string(&pid_file).unwrap(),
        format!("{}\n", gateway.pid())
    );
}

/// Several start at once, and a killed process has left its socket: one of them serves there, and stays reachable.
#[test]
fn of_gateways_that_start_together_one_listens_on_a_socket() {
    for _ in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        drop(UnixListener::bind(&path).unwrap());
        let listen = format!("[[listen]]\naddress = \"unix:{}\"\n", path.display());
        let mut all: Vec<_> = (0..4)
            .map(|_| Starting::begin(&config(FINE, "10s", &listen)))
            .collect();
        eventually("all but one end", || {
            let ended = all.iter_mut().filter_map(|one| one.process.try_wait().unwrap());
            ended.count() == 3
        });
        eventually("the last one listens", || {
            let mut errors = all.iter().map(Starting::errors);
            errors.any(|errors| errors.contains("listening address=unix:"))
        });
        UnixStream::connect(&path).unwrap();
    }
}
