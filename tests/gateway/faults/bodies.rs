//! Bodies that find no room.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use testbed::Client;

use super::{assert_logged, assert_refused, config, good};
use crate::start;

/// A tiny file system, unmounted when dropped. It would take a real full disk without being root.
struct TinyDisk(TempDir);

impl TinyDisk {
    fn mount() -> Option<Self> {
        let dir = TempDir::with_prefix("bh-").unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256k,mode=0777", "tmpfs"])
            .arg(dir.path())
            .stderr(std::process::Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(dir))
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// The answer to an upload of 1 MiB that is held in `temp_dir`, and the one after it.
fn upload(temp_dir: &Path, buffering: &str, status: u16, reason: &str, named: &str) {
    upload_when(|| {}, temp_dir, buffering, status, reason, named);
}

/// The same when something has happened since the gateway started.
fn upload_when(
    happened: impl FnOnce(),
    temp_dir: &Path,
    buffering: &str,
    status: u16,
    reason: &str,
    named: &str,
) {
    let backend = good();
    let gateway = start(&format!(
        "[server]\ntemp_dir = \"{}\"\n{}buffering = {buffering}\n",
        temp_dir.display(),
        config(&[&backend.address()], "")
    ));
    happened();
    let mut client = Client::connect(gateway.addr()).unwrap();
    let response = client
        .request("POST", "/", &[], &vec![b'u'; 1024 * 1024])
        .unwrap();
    assert_refused(&response, status, reason);
    assert_logged(&gateway, 0, status, reason);
    gateway.wait_errors(named).unwrap();
    assert_eq!(backend.connections(), 0);
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(
        client.request("POST", "/", &[], b"small").unwrap().text(),
        "hello"
    );
}

#[test]
fn a_full_disk() {
    let Some(disk) = TinyDisk::mount() else {
        // Not root: the spool's own tests fill `/dev/full`.
        return;
    };
    upload(
        disk.0.path(),
        "{ memory = \"16KiB\" }",
        507,
        "spool_full",
        "spool_full",
    );
}

#[test]
fn a_spent_quota() {
    let dir = TempDir::with_prefix("bh-").unwrap();
    upload(
        dir.path(),
        "{ memory = \"16KiB\", disk = \"128KiB\" }",
        507,
        "spool_quota",
        "spool_quota",
    );
}

#[test]
fn a_directory_that_has_gone() {
    let dir = TempDir::with_prefix("bh-").unwrap();
    let path = dir.path().to_owned();
    upload_when(
        || dir.close().unwrap(),
        &path,
        "{ memory = \"16KiB\" }",
        500,
        "spool_failed",
        path.to_str().unwrap(),
    );
}
