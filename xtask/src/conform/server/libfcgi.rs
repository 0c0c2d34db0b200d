//! The probe in C with libfcgi, as spawn-fcgi starts it: one process, one connection at a time.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;
use std::{fs, io};

use anyhow::{Context, Result, anyhow};
use bridgehead_conform::net::{Address, Stream};
use tempfile::TempDir;
use testbed::Process;

use super::{Setting, probe};
use crate::conform::frontend::free_address;
use crate::conform::instance::Running;
use crate::conform::store;
use crate::step;

/// Starts it. spawn-fcgi becomes the program, so that ours is the process to end.
pub(super) fn start(setting: Setting) -> Result<(Address, Running)> {
    let program = build()?;
    let dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
    let mut command = Command::new("/usr/bin/spawn-fcgi");
    command.arg("-n");
    let address = if setting == Setting::Denied {
        let address = free_address()?;
        command
            .args(["-a", "127.0.0.1", "-p"])
            .arg(address.port().to_string());
        command.env("FCGI_WEB_SERVER_ADDRS", "127.0.0.99");
        Address::Tcp(address.to_string())
    } else {
        let socket = dir.path().join("s");
        command.arg("-s").arg(&socket);
        Address::Unix(socket)
    };
    command.arg("--").arg(&program);
    let ready = {
        let address = address.clone();
        move || match &address {
            Address::Unix(path) => testbed::is_listening(path),
            other => Stream::connect(other, PROBE).is_ok(),
        }
    };
    Ok((address, Running::Process(Process::start(command, dir, ready)?)))
}

/// Compiles the probe unless it is newer than its source.
fn build() -> Result<PathBuf> {
    static BUILDING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = BUILDING.lock().map_err(|_| anyhow!("a build panicked"))?;
    let (source, program) = (probe("probe.c"), store::directory().join("probe"));
    let modified = |path: &PathBuf| -> io::Result<_> { fs::metadata(path)?.modified() };
    if let Ok(made) = modified(&program)
        && made > modified(&source)?
    {
        return Ok(program);
    }
    fs::create_dir_all(store::directory())?;
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-o"]).arg(&program).arg(source).arg("-lfcgi");
    step::run(&mut cc, "install gcc, libc6-dev and libfcgi-dev")?;
    Ok(program)
}

const PROBE: Duration = Duration::from_millis(100); // for a connection that nothing is sent on
