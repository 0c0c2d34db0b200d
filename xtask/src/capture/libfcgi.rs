//! The responder `fixtures/wire/libfcgi_responder.c` under spawn-fcgi.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::step;

/// A responder that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Responder {
    process: Child,
    socket: PathBuf,
}

impl Responder {
    /// Compiles and starts it, with program and socket below `dir`.
    ///
    /// # Errors
    ///
    /// When the compiler, libfcgi or spawn-fcgi is missing.
    pub(crate) fn start(dir: &Path) -> Result<Self> {
        let (program, socket) = (dir.join("libfcgi_responder"), dir.join("libfcgi.sock"));
        let source = testbed::workspace().join("fixtures/wire/libfcgi_responder.c");
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-Wall", "-Werror", "-o"])
            .arg(&program)
            .arg(source)
            .arg("-lfcgi");
        step::run(&mut cc, "run `apt-get install -y gcc libc6-dev libfcgi-dev`")?;
        if socket.exists() {
            fs::remove_file(&socket).context("cannot remove the old socket")?;
        }
        let mut spawn = Command::new("spawn-fcgi"); // with -n it becomes the responder
        spawn.arg("-n").arg("-s").arg(&socket).arg("--").arg(&program);
        let process = spawn
            .spawn()
            .context("cannot run spawn-fcgi; run `apt-get install -y spawn-fcgi`")?;
        let responder = Self { process, socket };
        responder.wait_for_socket()?;
        Ok(responder)
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// spawn-fcgi sets the mode right after it has begun to listen, and only then starts the program.
    fn wait_for_socket(&self) -> Result<()> {
        let started = Instant::now();
        let name = format!("/proc/{}/comm", self.pid());
        while !fs::read_to_string(&name)
            .unwrap_or_default()
            .starts_with("libfcgi")
        {
            ensure!(
                started.elapsed() < Duration::from_secs(5),
                "spawn-fcgi does not start the responder"
            );
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
