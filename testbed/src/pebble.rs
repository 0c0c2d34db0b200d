//! A directory that issues certificates to those that show that names are theirs: pebble, with the resolver that it asks.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::backend::program;
use crate::{Authority, Client, Tls, TlsClient, der, free_address, packages};

/// A directory (RFC 8555), and a DNS server that says of every name that it is on this machine.
///
/// Dropping it ends both.
pub struct Pebble {
    processes: Vec<Child>,
    dir: TempDir,
    directory: SocketAddr,
    management: SocketAddr,
    names: SocketAddr,
    authority: Option<Authority>,
}

/// How it behaves.
#[derive(Clone, Debug)]
pub struct PebbleOptions {
    /// Where it looks for the answers to http-01.
    pub http_port: u16,
    /// Where it looks for the answers to tls-alpn-01.
    pub tls_port: u16,
    /// The DNS server that it asks; `None`: its own.
    pub dns: Option<SocketAddr>,
    /// Nonces of a hundred that it refuses.
    pub refused_nonces: u8,
    /// Valid authorizations of a hundred that it takes again.
    pub reused_authorizations: u8,
    /// Further roots.
    pub alternate_roots: u8,
    /// Certificates of a chain.
    pub chain: u8,
    /// Whether accounts need the binding [`Pebble::EAB`].
    pub eab: bool,
    /// Where its own DNS server is told of records, over HTTP.
    pub resolver: Option<SocketAddr>,
    /// Seconds that it waits at most before it looks.
    pub slow: Option<u8>,
}

impl Default for PebbleOptions {
    fn default() -> Self {
        Self {
            http_port: 0,
            tls_port: 0,
            dns: None,
            refused_nonces: 5,
            reused_authorizations: 50,
            alternate_roots: 0,
            chain: 1,
            eab: false,
            resolver: None,
            slow: None,
        }
    }
}

impl Pebble {
    /// The key of an external account: its name, and itself.
    pub const EAB: (&'static str, &'static str) = (
        "kid-1",
        "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
    );

    /// Starts both, and waits until they answer.
    ///
    /// # Errors
    ///
    /// When pebble is missing (the error holds the line that installs it), or does not answer within ten seconds.
    pub fn start(options: &PebbleOptions) -> Result<Self> {
        if let Some(complaint) = packages::complaint(&["pebble"]) {
            bail!("the directory {complaint}");
        }
        let dir = TempDir::with_prefix("bh-").context("cannot make a temporary directory")?;
        let free = || free_address(Ipv4Addr::LOCALHOST.into());
        let mut pebble = Self {
            processes: Vec::new(),
            dir,
            directory: free()?,
            management: free()?,
            names: free()?,
            authority: None,
        };
        pebble.write_config(options)?;
        if options.dns.is_none() {
            pebble.run(pebble.resolver(options))?;
        }
        pebble.run(pebble.command(options))?;
        pebble.wait()?;
        Ok(pebble)
    }

    /// The URL of the directory.
    pub fn url(&self) -> String {
        format!("https://{}/dir", self.directory)
    }

    /// The file with the issuer by whose certificate the directory is known.
    pub fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// The root of the certificates that it issues, as DER; `number`: another one, where it has several.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn root(&self, number: u8) -> Result<Vec<u8>> {
        let authority = self.authority.as_ref().context("pebble has no issuer")?;
        let tls = Tls::new(authority, &TlsClient::default())?;
        let mut client = Client::connect_tls(self.management, &tls)?;
        let answer = client.request("GET", &format!("/roots/{number}"), &[], b"")?;
        ensure!(answer.status == 200, "pebble answers {}", answer.status);
        Ok(der(&String::from_utf8(answer.body)?))
    }

    /// The common name of a root.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn root_name(&self, number: u8) -> Result<String> {
        let root = self.root(number)?;
        let text = String::from_utf8_lossy(&root);
        let at = text.find("Pebble Root CA ").context("a root of another name")?;
        let name = text[at..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == ' ');
        Ok(name.take("Pebble Root CA 012345".len()).collect())
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.path().join("log")).unwrap_or_default()).into_owned()
    }

    /// How many orders were made so far.
    pub fn orders(&self) -> usize {
        self.log()
            .lines()
            .filter(|line| line.contains("Added order "))
            .count()
    }

    /// Ends the directory: nothing answers any more, and nothing is known afterwards.
    pub fn stop(&mut self) {
        for mut process in self.processes.drain(..) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    fn write_config(&mut self, options: &PebbleOptions) -> Result<()> {
        let authority = Authority::new("directory")?;
        authority
            .issue(&["127.0.0.1"])?
            .write(self.dir.path(), "pebble")?;
        fs::write(self.ca(), authority.pem()).context("cannot write the issuer of the directory")?;
        self.authority = Some(authority);
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let (id, key) = Self::EAB;
        let bindings = match options.eab {
            true => format!(
                r#""externalAccountBindingRequired": true, "externalAccountMACKeys": {{ "{id}": "{key}" }},"#
            ),
            false => String::new(),
        };
        let text = format!(
            r#"{{ "pebble": {{ "listenAddress": "{}", "managementListenAddress": "{}", {bindings}
                "certificate": "{}", "privateKey": "{}", "httpPort": {}, "tlsPort": {}, "ocspResponderURL": "" }} }}"#,
            self.directory,
            self.management,
            path("pebble.pem"),
            path("pebble.key"),
            options.http_port,
            options.tls_port,
        );
        fs::write(self.dir.path().join("pebble.json"), text)
            .context("cannot write the configuration of pebble")
    }

    fn command(&self, options: &PebbleOptions) -> Command {
        let mut command = program("/usr/bin/pebble");
        let dns = options.dns.unwrap_or(self.names);
        command
            .arg("-config")
            .arg(self.dir.path().join("pebble.json"))
            .args(["-strict", "-dnsserver", &dns.to_string()])
            .env("PEBBLE_WFE_NONCEREJECT", options.refused_nonces.to_string())
            .env("PEBBLE_AUTHZREUSE", options.reused_authorizations.to_string())
            .env("PEBBLE_ALTERNATE_ROOTS", options.alternate_roots.to_string())
            .env("PEBBLE_CHAIN_LENGTH", options.chain.to_string());
        match options.slow {
            Some(seconds) => command.env("PEBBLE_VA_SLEEPTIME", seconds.to_string()),
            None => command.env("PEBBLE_VA_NOSLEEP", "1"),
        };
        command
    }

    fn resolver(&self, options: &PebbleOptions) -> Command {
        let management = options.resolver.map(|addr| addr.to_string()).unwrap_or_default();
        let mut command = program("/usr/bin/pebble-challtestsrv");
        command
            .args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""])
            .args(["-dns01", &self.names.to_string()])
            .args([
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
                "-management",
                &management,
            ]);
        command
    }

    fn run(&mut self, mut command: Command) -> Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let started = command
            .spawn()
            .with_context(|| format!("cannot start {:?}", command.get_program()));
        self.processes.push(started?);
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while TcpStream::connect(self.directory).is_err() {
            for process in &mut self.processes {
                if let Some(status) = process.try_wait()? {
                    bail!("pebble ended with {status}; its log:\n{}", self.log());
                }
            }
            ensure!(
                Instant::now() < deadline,
                "pebble does not listen; its log:\n{}",
                self.log()
            );
            sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            eprintln!("the log of the directory:\n{}", self.log());
        }
    }
}

const LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);
