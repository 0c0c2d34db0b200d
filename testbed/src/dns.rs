//! A DNS server whose records a test can change: dnsmasq on a port of the loopback address.
//!
//! ```no_run
//! use testbed::Dns;
//!
//! # fn main() -> anyhow::Result<()> {
//! let mut dns = Dns::start(&[("app.internal", "127.0.0.2")])?;
//! println!("resolver = {{ nameservers = [\"{}\"] }}", dns.addr());
//! dns.set_hosts(&[("app.internal", "127.0.0.2"), ("app.internal", "127.0.0.3")])?;
//! # Ok(())
//! # }
//! ```

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::backend::program;
use crate::{free_address, packages, proc};

/// A server that answers for names below `internal`, and for nothing else. What it does not know there does not
/// exist. Every record lives for [`Dns::TTL`].
///
/// Dropping it ends the server.
#[derive(Debug)]
pub struct Dns {
    process: Option<Child>,
    dir: TempDir,
    addr: SocketAddr,
    services: Vec<String>,
}

impl Dns {
    /// How long each of its records may be relied on.
    pub const TTL: Duration = Duration::from_secs(1);

    /// Starts a server with addresses for hosts.
    ///
    /// # Errors
    ///
    /// When dnsmasq is missing (the error holds the line that installs it), or does not listen within ten seconds.
    pub fn start(hosts: &[(&str, &str)]) -> Result<Self> {
        let mut dns = Self::new()?;
        dns.write_hosts(hosts)?;
        dns.resume()?;
        Ok(dns)
    }

    /// A server that has an address and does not run yet.
    ///
    /// # Errors
    ///
    /// When dnsmasq is missing.
    pub fn new() -> Result<Self> {
        if let Some(complaint) = packages::complaint(&["dnsmasq-base"]) {
            bail!("the DNS server {complaint}");
        }
        let dir = TempDir::with_prefix("bh-").context("cannot make a temporary directory")?;
        let dns = Self {
            process: None,
            addr: free_address(Ipv4Addr::LOCALHOST.into())?,
            dir,
            services: Vec::new(),
        };
        dns.write_hosts(&[])?;
        Ok(dns)
    }

    /// Where it listens, UDP and TCP.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Replaces the addresses of all hosts; the server knows them when this returns.
    ///
    /// # Errors
    ///
    /// When the server does not run, or does not read its file within ten seconds.
    pub fn set_hosts(&mut self, hosts: &[(&str, &str)]) -> Result<()> {
        self.write_hosts(hosts)?;
        let process = self.process.as_ref().context("the DNS server does not run")?;
        let read = self.times_read();
        proc::signal(process, Signal::HUP)?;
        self.wait("read its hosts", || self.times_read() > read)
    }

    /// Replaces the records of all services, each as dnsmasq's `--srv-host` has it: `name,target,port,priority,weight`.
    /// The server is restarted on the same port.
    ///
    /// # Errors
    ///
    /// As [`Dns::start`].
    pub fn set_services(&mut self, services: &[&str]) -> Result<()> {
        self.services = services.iter().map(ToString::to_string).collect();
        self.stop();
        self.resume()
    }

    /// Ends the server: nobody answers until [`Dns::resume`].
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts the server after [`Dns::new`] or [`Dns::stop`], with the records that it had, on the same port.
    ///
    /// # Errors
    ///
    /// When it does not listen within ten seconds.
    pub fn resume(&mut self) -> Result<()> {
        let read = self.times_read();
        let log = File::options().create(true).append(true).open(self.log_file())?;
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.process = Some(command.spawn().context("cannot start dnsmasq")?);
        let deadline = Instant::now() + LIMIT;
        while self.times_read() == read {
            let ended = self.process.as_mut().and_then(|process| process.try_wait().ok()?);
            if let Some(status) = ended {
                bail!("dnsmasq ended with {status}; its log:\n{}", self.log());
            }
            ensure!(
                Instant::now() < deadline,
                "dnsmasq does not start; its log:\n{}",
                self.log()
            );
            sleep(POLL);
        }
        Ok(())
    }

    /// Questions for `name` so far, of any kind.
    pub fn questions(&self, name: &str) -> usize {
        let log = self.log();
        let asked = |line: &&str| line.contains(": query[") && line.split(' ').any(|word| word == name);
        log.lines().filter(asked).count()
    }

    /// Waits until there were at least that many questions for `name`.
    ///
    /// # Errors
    ///
    /// After ten seconds.
    pub fn wait_questions(&self, name: &str, count: usize) -> Result<()> {
        self.wait("hear the questions", || self.questions(name) >= count)
    }

    /// What the server has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    fn command(&self) -> Command {
        let mut command = program("/usr/sbin/dnsmasq");
        let hosts = self.hosts_file();
        command
            .args([
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--no-hosts",
                "--no-resolv",
            ])
            .args(["--bind-interfaces", "--listen-address=127.0.0.1", "--pid-file="])
            .args(["--local=/internal/", "--log-queries", "--log-facility=-"])
            .arg(format!("--port={}", self.addr.port()))
            .arg(format!("--local-ttl={}", Self::TTL.as_secs()))
            .arg(format!("--addn-hosts={}", hosts.display()));
        if proc::is_root() {
            // Its own user could not read the file.
            command.arg("--user=root");
        }
        for service in &self.services {
            command.arg(format!("--srv-host={service}"));
        }
        command
    }

    fn write_hosts(&self, hosts: &[(&str, &str)]) -> Result<()> {
        let lines: String = hosts
            .iter()
            .map(|(name, address)| format!("{address} {name}\n"))
            .collect();
        fs::write(self.hosts_file(), lines).context("cannot write the hosts")
    }

    /// How often the hosts were read, by the server's log.
    fn times_read(&self) -> usize {
        let name = self.hosts_file().display().to_string();
        let log = self.log();
        log.lines()
            .filter(|line| line.contains(": read ") && line.contains(&name))
            .count()
    }

    fn wait(&self, what: &str, done: impl Fn() -> bool) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while !done() {
            ensure!(
                Instant::now() < deadline,
                "dnsmasq does not {what}; its log:\n{}",
                self.log()
            );
            sleep(POLL);
        }
        Ok(())
    }

    fn hosts_file(&self) -> std::path::PathBuf {
        self.dir.path().join("hosts")
    }

    fn log_file(&self) -> std::path::PathBuf {
        self.dir.path().join("log")
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            eprintln!("the DNS server's log:\n{}", self.log());
        }
    }
}

const LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);
