//! nginx with a configuration of ours, in a directory of ours.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use testbed::Signal;

use super::site::{Log, Site};
use super::work::Work;
use super::{usage, valgrind};

/// A running nginx; ended with all its workers when dropped.
#[derive(Debug)]
pub(crate) struct Nginx {
    process: Child,
    addr: SocketAddr,
    dir: TempDir,
}

impl Nginx {
    /// Starts a master with its workers, or one single process under callgrind, and waits until it accepts.
    ///
    /// # Errors
    ///
    /// When it does not; the error holds its log.
    pub(crate) fn start(site: &Site, work: &Work, profile: Option<&Path>) -> Result<Self> {
        let dir = TempDir::with_prefix("bh-nginx-").context("cannot make a directory for nginx")?;
        let addr = free_port()?;
        let file = dir.path().join("nginx.conf");
        fs::write(&file, config(site, work, dir.path(), addr, profile.is_some())?)?;
        let mut words = profile.map(valgrind::words).unwrap_or_default();
        words.push(PROGRAM.to_owned());
        let output = File::create(dir.path().join("output.log"))?;
        let process = Command::new(&words[0])
            .args(&words[1..])
            .arg("-p")
            .arg(dir.path())
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("cannot start nginx")?;
        let mut nginx = Self { process, addr, dir };
        nginx.wait_until_listening(if profile.is_some() { 1 } else { 1 + site.workers })?;
        Ok(nginx)
    }

    /// Asks for the end and waits for it.
    ///
    /// # Errors
    ///
    /// When it does not come, or is a failure.
    pub(crate) fn stop(mut self) -> Result<()> {
        let status = self.end()?;
        ensure!(status.success(), "nginx ended with {status}:\n{}", self.log());
        Ok(())
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The master.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Asks again and again: nginx overlooks a signal that comes just before it waits for events.
    fn end(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            testbed::signal(&self.process, Signal::TERM)?;
            let again = Instant::now() + AGAIN;
            while Instant::now() < again {
                if let Some(status) = self.process.try_wait()? {
                    return Ok(status);
                }
                sleep(POLL);
            }
        }
        bail!("nginx still runs after {LIMIT:?}")
    }

    /// The master listens before its workers are there.
    fn wait_until_listening(&mut self, processes: usize) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        let is_complete = |id| usage::family(id).is_ok_and(|family| family.len() >= processes);
        while !is_complete(self.pid()) || TcpStream::connect_timeout(&self.addr, POLL).is_err() {
            if let Some(status) = self.process.try_wait()? {
                bail!("nginx ended with {status}:\n{}", self.log());
            }
            ensure!(
                Instant::now() < deadline,
                "nginx does not listen:\n{}",
                self.log()
            );
            sleep(POLL);
        }
        Ok(())
    }

    fn log(&self) -> String {
        let read = |name| fs::read(self.dir.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&[read("output.log"), read("error.log")].concat()).into_owned()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers; killed, it would leave them behind.
        let is_over = matches!(self.process.try_wait(), Ok(Some(_)));
        if !is_over && self.end().is_err() {
            eprintln!(
                "nginx {} does not end; end it and its workers by hand",
                self.pid()
            );
        }
    }
}

fn config(site: &Site, work: &Work, dir: &Path, addr: SocketAddr, single: bool) -> Result<String> {
    let processes = match single {
        true => "master_process off;".to_owned(),
        false => format!("worker_processes {};", site.workers),
    };
    // Workers of root would become another user, who cannot reach our sockets.
    let user = match testbed::is_root() {
        true => "user root;",
        false => "",
    };
    let access = match site.log {
        Log::Off => "off",
        Log::Combined => "{dir}/access.log combined",
        Log::Json => "{dir}/access.log json",
        Log::Template => "{dir}/access.log template",
    };
    Ok(work
        .config("nginx.conf")?
        .replace(
            "{scenario}",
            &work.config(&format!("scenarios/{}.conf", site.config))?,
        )
        .replace("{processes}", &processes)
        .replace("{user}", user)
        .replace("{access}", access)
        .replace("{template}", Log::TEMPLATE)
        .replace("{connections}", &site.clients.to_string())
        .replace("{port}", &addr.port().to_string())
        .replace("{dir}", &dir.display().to_string()))
}

/// A port that was free a moment ago: nginx cannot be told to take any, and to say which it took.
fn free_port() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?)
}

/// Of Debian's nginx-light.
pub(crate) const PROGRAM: &str = "/usr/sbin/nginx";

const LIMIT: Duration = Duration::from_secs(30); // a start under callgrind takes three
const AGAIN: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(20);
