//! Users, groups and modes. What needs root is tested as root, as in CI; without it there is nothing to give up.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use testbed::{Client, Gateway, Signal, install_program};

use super::{eventually, wait_told};
use crate::start;

const ROUTE: &str = "[[route]]\nrespond = { body = \"fine\" }\n";

/// A line of the process's status.
fn status(gateway: &Gateway, name: &str) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_socket_has_the_mode_of_its_listener_and_a_reload_changes_it() {
    let config = |mode: &str| {
        format!(
            "[[listen]]\naddress = \"127.0.0.1:0\"\n\
             [[listen]]\naddress = \"unix:{{dir}}/x.sock\"\nmode = \"{mode}\"\n{ROUTE}"
        )
    };
    let gateway = start(&config("0620"));
    let path = gateway.dir().join("x.sock");
    assert_eq!(mode(&path), 0o620);
    gateway.write_config(&config("0600")).unwrap();
    gateway.signal(Signal::HUP).unwrap();
    wait_told(&gateway, "configuration loaded again", 1);
    assert_eq!(mode(&path), 0o600);
    UnixStream::connect(&path).unwrap();
}

/// A gateway that was root and runs as the user `nobody`, in a directory that this user may write to, and the directory
/// of its program: the one that it was built in may be closed to this user.
fn nobody() -> (Gateway, TempDir) {
    nobody_with(&format!(
        "[server]\ntemp_dir = \"/var/tmp\"\nuser = \"nobody\"\npid_file = \"{{dir}}/pid\"\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\n\
         [[listen]]\naddress = \"unix:{{dir}}/x.sock\"\nowner = \"nobody\"\nmode = \"0600\"\n{ROUTE}"
    ))
}

/// The same with another configuration.
fn nobody_with(config: &str) -> (Gateway, TempDir) {
    let open = TempDir::with_prefix("bh-").unwrap();
    fs::set_permissions(open.path(), Permissions::from_mode(0o755)).unwrap();
    let program = open.path().join("bridgehead");
    install_program(&testbed::built("bridgehead"), &program).unwrap();
    (Gateway::start(&program, config).unwrap(), open)
}

#[test]
#[ignore = "needs root: cargo xtask test plays it when it has it"]
fn privileges_are_given_up_for_good() {
    let (gateway, _program) = nobody();
    let owner = fs::metadata(gateway.dir().join("x.sock")).unwrap();
    let (uid, gid) = (owner.uid(), status(&gateway, "Gid:")[0]);
    assert_ne!(uid, 0);
    assert_eq!(status(&gateway, "Uid:"), [uid; 4]);
    assert_ne!(gid, 0);
    assert!(!status(&gateway, "Groups:").contains(&0));
    for thread in fs::read_dir(format!("/proc/{}/task", gateway.pid())).unwrap() {
        let text = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        assert!(
            text.contains(&format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n")),
            "{text}"
        );
    }
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().text(), "fine");
    for file in ["access.log", "error.log", "pid"] {
        assert_eq!(
            fs::metadata(gateway.dir().join(file)).unwrap().uid(),
            uid,
            "{file}"
        );
    }
}

#[test]
#[ignore = "needs root: cargo xtask test plays it when it has it"]
fn who_gave_up_privileges_can_still_reload_and_be_replaced() {
    let (mut gateway, _program) = nobody();
    // The configuration has to be readable, too.
    fs::set_permissions(gateway.dir(), Permissions::from_mode(0o755)).unwrap();
    let first = gateway.pid();
    gateway.signal(Signal::HUP).unwrap();
    wait_told(&gateway, "configuration loaded again", 1);
    gateway.signal(Signal::USR1).unwrap();
    wait_told(&gateway, "log opened again", 2);
    gateway.signal(Signal::USR2).unwrap();
    let second = gateway.follow().unwrap();
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().text(), "fine");
    drop(client);
    eventually("the first one ends", || {
        !gateway.is_ours(first) || gateway.wait(std::time::Duration::from_secs(1)).is_ok()
    });
    let pid = || fs::read_to_string(gateway.dir().join("pid")).unwrap();
    assert_eq!(pid(), format!("{second}\n"));
    gateway.signal(Signal::TERM).unwrap();
    eventually("the second one ends", || !gateway.is_ours(second));
    // It may not remove the file, but no stranger is named in it.
    assert_eq!(pid(), "");
}

#[test]
#[ignore = "needs root: cargo xtask test plays it when it has it"]
fn a_root_that_the_user_may_not_read_keeps_the_gateway_from_starting() {
    let closed = tempfile::tempdir().unwrap();
    let failed = Gateway::start(
        &testbed::built("bridgehead"),
        &format!(
            "[server]\ntemp_dir = \"/var/tmp\"\nuser = \"nobody\"\n[[route]]\nfiles = {{ root = \"{}/x\" }}\n",
            closed.path().display()
        ),
    );
    let error = failed.unwrap_err().to_string();
    assert!(error.contains("cannot open the root"), "{error}");
}

#[test]
fn an_unknown_user_keeps_the_gateway_from_starting() {
    for key in ["user", "group"] {
        let failed = Gateway::start(
            &testbed::built("bridgehead"),
            &format!("[server]\ntemp_dir = \"{{dir}}\"\n{key} = \"nobody-at-all\"\n{ROUTE}"),
        );
        let error = failed.unwrap_err().to_string();
        assert!(
            error.contains(&format!("there is no {key} `nobody-at-all`")),
            "{error}"
        );
    }
}

/// passwd(5)
fn number_of_nobody() -> u32 {
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let line = accounts
        .lines()
        .find_map(|line| line.strip_prefix("nobody:"))
        .unwrap();
    line.split(':').nth(1).unwrap().parse().unwrap()
}

/// A directory of the user `nobody`, as an attacker has it after an application was taken over, and a file that only root
/// may read.
struct Attacked {
    _root: TempDir,
    dir: PathBuf,
    secret: PathBuf,
    nobody: u32,
}

impl Attacked {
    fn new() -> Self {
        let root = TempDir::with_prefix("bh-").unwrap();
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        let (dir, secret) = (root.path().join("logs"), root.path().join("secret"));
        fs::create_dir(&dir).unwrap();
        fs::write(&secret, "secret").unwrap();
        fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
        let nobody = number_of_nobody();
        chown(&dir, Some(nobody), None).unwrap();
        Self {
            _root: root,
            dir,
            secret,
            nobody,
        }
    }

    /// A link of the attacker's to the secret.
    fn link(&self, name: &str) -> PathBuf {
        let link = self.dir.join(name);
        symlink(&self.secret, &link).unwrap();
        lchown(&link, Some(self.nobody), None).unwrap();
        link
    }

    fn config(&self, access: &Path, server: &str) -> String {
        format!(
            "[server]\ntemp_dir = \"/var/tmp\"\nuser = \"nobody\"\n{server}\n\
             [log]\naccess = \"{}\"\nerror = \"{{dir}}/error.log\"\n\
             [[listen]]\naddress = \"127.0.0.1:0\"\n{ROUTE}",
            access.display()
        )
    }

    /// Nothing was done to the secret.
    #[track_caller]
    fn assert_safe(&self) {
        let metadata = fs::metadata(&self.secret).unwrap();
        assert_eq!((metadata.uid(), metadata.mode() & 0o7777), (0, 0o600));
        assert_eq!(fs::read_to_string(&self.secret).unwrap(), "secret");
    }
}

#[test]
#[ignore = "needs root: cargo xtask test plays it when it has it"]
fn a_log_is_not_opened_through_a_link_of_another_user() {
    let attacked = Attacked::new();
    let linked = attacked.dir.join("linked");
    symlink(attacked.secret.parent().unwrap(), &linked).unwrap();
    lchown(&linked, Some(attacked.nobody), None).unwrap();
    for (access, named) in [
        (attacked.link("access.log"), "access.log"),
        (linked.join("secret"), "linked"),
    ] {
        let failed = Gateway::start(&testbed::built("bridgehead"), &attacked.config(&access, ""));
        let error = failed.unwrap_err().to_string();
        let told = format!("{named} belongs to user nobody");
        assert!(
            error.contains(&told) && error.contains("the access log"),
            "{error}"
        );
        attacked.assert_safe();
    }
}

#[test]
#[ignore = "needs root: cargo xtask test plays it when it has it"]
fn a_log_is_not_the_file_of_another_user_under_a_second_name() {
    let attacked = Attacked::new();
    let access = attacked.dir.join("access.log");
    fs::hard_link(&attacked.secret, &access).unwrap();
    let failed = Gateway::start(&testbed::built("bridgehead"), &attacked.config(&access, ""));
    let error = failed.unwrap_err().to_string();
    assert!(error.contains("the file has 2 names"), "{error}");
    attacked.assert_safe();
}

#[test]
#[ignore = "needs root: cargo xtask test plays it when it has it"]
fn a_pid_file_replaces_the_link_of_another_user() {
    let attacked = Attacked::new();
    let pid_file = attacked.link("pid");
    attacked.link("pid.new");
    attacked.link("new");
    let server = format!("pid_file = \"{}\"", pid_file.display());
    let config = attacked.config(&attacked.dir.join("access.log"), &server);
    let (gateway, _program) = nobody_with(&config);
    attacked.assert_safe();
    assert_eq!(
        fs::read_to_string(&pid_file).unwrap(),
        format!("{}\n", gateway.pid())
    );
    assert_eq!(fs::metadata(&pid_file).unwrap().uid(), attacked.nobody);
}

#[test]
#[ignore = "needs root: cargo xtask test plays it when it has it"]
fn what_a_descriptor_leads_to_is_not_given_away() {
    let open = TempDir::with_prefix("bh-").unwrap();
    let link = open.path().join("access.log");
    symlink("/dev/stdout", &link).unwrap();
    let attacked = Attacked::new();
    for access in [Path::new("/dev/stdout"), &link] {
        let (gateway, _program) = nobody_with(&attacked.config(access, ""));
        let mut client = Client::connect(gateway.addr()).unwrap();
        assert_eq!(client.request("GET", "/", &[], b"").unwrap().text(), "fine");
        eventually("the line", || gateway.errors().contains("\"GET / HTTP/1.1\""));
        assert_eq!(fs::metadata(gateway.dir().join("output.log")).unwrap().uid(), 0);
        gateway.signal(Signal::USR1).unwrap();
        gateway.wait_errors("log opened again log=\"access\"").unwrap();
    }
}

/// The limit is the user's, and root has none.
#[test]
#[ignore = "needs root: cargo xtask test plays it when it has it"]
fn a_limit_of_threads_ends_a_start_with_what_raises_it() {
    let open = TempDir::with_prefix("bh-").unwrap();
    fs::set_permissions(open.path(), Permissions::from_mode(0o755)).unwrap();
    let (program, config) = (
        open.path().join("bridgehead"),
        open.path().join("bridgehead.toml"),
    );
    install_program(&testbed::built("bridgehead"), &program).unwrap();
    fs::write(&config, format!("[[listen]]\naddress = \"127.0.0.1:0\"\n{ROUTE}")).unwrap();
    let output = Command::new("prlimit")
        .arg("--nproc=2")
        .arg(&program)
        .args(["serve", "-c"])
        .arg(&config)
        .uid(UNUSED)
        .gid(UNUSED)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    let told = "error: cannot start the worker threads: Resource temporarily unavailable (os error 11): the limit of \
                threads is reached; raise TasksMax=";
    assert!(errors.contains(told), "{errors}");
}

/// A user without a name and without processes.
const UNUSED: u32 = 61_234;
