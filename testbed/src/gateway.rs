//! A gateway under test: the built program, as an operator starts it.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// `bridgehead serve` in a process of its own, with a temporary directory for everything that it writes.
///
/// Dropping it kills the process, and those that took its place.
#[derive(Debug)]
pub struct Gateway {
    process: Child,
    /// The process that serves now, when it is no longer the first one.
    successor: Option<u32>,
    dir: TempDir,
    addresses: Vec<String>,
}

impl Gateway {
    /// Starts `program`, usually `testbed::built("bridgehead")`, and waits until it listens.
    ///
    /// `{dir}` in `config` stands for the temporary directory. Tables that the text does not have are added:
    /// `[server]` with that directory as `temp_dir`, `[log]` with a JSON access log in `{dir}/access.log` and the
    /// error log in `{dir}/error.log`, and one `[[listen]]` on a free port of the loopback address. A text with its
    /// own `[log]` has to name the same two files.
    ///
    /// # Errors
    ///
    /// When the program ends or does not listen within ten seconds; the error holds what it wrote.
    pub fn start(program: &Path, config: &str) -> Result<Self> {
        Self::start_with(program, config, &[])
    }

    /// The same, with more in its environment; `{dir}` in its values stands for the temporary directory, too.
    ///
    /// # Errors
    ///
    /// As [`Gateway::start`].
    pub fn start_with(program: &Path, config: &str, environment: &[(&str, &str)]) -> Result<Self> {
        let dir = TempDir::with_prefix("bh-").context("cannot make a temporary directory")?;
        let file = dir.path().join(CONFIG);
        fs::write(&file, complete(config, dir.path())).context("cannot write the configuration")?;
        let output = File::create(dir.path().join(OUTPUT)).context("cannot make a file for the output")?;
        let place = dir.path().display().to_string();
        let environment = environment
            .iter()
            .map(|(name, value)| (name, value.replace("{dir}", &place)));
        let process = Command::new(program)
            .args(["serve", "-c"])
            .arg(&file)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut gateway = Self {
            process,
            successor: None,
            dir,
            addresses: Vec::new(),
        };
        gateway.wait_until_listening()?;
        Ok(gateway)
    }

    /// Writes another configuration, completed as that of [`Gateway::start`], for the next reload to find. At no
    /// moment is there half a file.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write_config(&self, config: &str) -> Result<()> {
        let new = self.dir.path().join("new.toml");
        fs::write(&new, complete(config, self.dir.path())).context("cannot write the configuration")?;
        fs::rename(&new, self.dir.path().join(CONFIG)).context("cannot replace the configuration")
    }

    /// Waits until another process has taken the place of the current one; from now on that one is meant. Gives its
    /// process id.
    ///
    /// # Errors
    ///
    /// When none has after ten seconds.
    pub fn follow(&mut self) -> Result<u32> {
        let current = self.pid();
        let last = || {
            named(
                &self.dir.path().join(ERRORS),
                "replaced; waiting for open exchanges pid=",
            )
            .pop()
        };
        let other = || {
            last()
                .and_then(|pid| pid.parse().ok())
                .filter(|pid| *pid != current)
        };
        let next = until(LIMIT, other).with_context(|| format!("not replaced:\n{}", self.errors()))?;
        self.successor = Some(next);
        Ok(next)
    }

    /// Whether process `pid` is one of this gateway's and runs.
    pub fn is_ours(&self, pid: u32) -> bool {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&*self.dir.path().to_string_lossy())
    }

    /// Waits until the first process has ended by itself.
    ///
    /// # Errors
    ///
    /// When it still runs after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let ended = until(limit, || self.process.try_wait().ok().flatten());
        ended.with_context(|| format!("the gateway still runs after {limit:?}:\n{}", self.errors()))
    }

    /// Sends `signal`.
    ///
    /// # Errors
    ///
    /// When the process has ended and was waited for.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = match self.successor {
            Some(pid) => Pid::from_raw(pid.try_into()?).context("no process id")?,
            None => Pid::from_child(&self.process),
        };
        kill_process(pid, signal).context("cannot signal the gateway")
    }

    /// The first TCP address that it listens on.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn addr(&self) -> SocketAddr {
        let mut parsed = self.addresses.iter().filter_map(|address| address.parse().ok());
        parsed.next().expect("the gateway listens on TCP")
    }

    /// Every address that it listens on, as the log names them: `127.0.0.1:8080`, `unix:/path`.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// The process id of the one that serves.
    pub fn pid(&self) -> u32 {
        self.successor.unwrap_or_else(|| self.process.id())
    }

    /// Its temporary directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The complete lines of the access log so far.
    pub fn access(&self) -> Vec<String> {
        lines(&self.access_file())
    }

    /// The lines of the access log once there are at least `count`.
    ///
    /// # Errors
    ///
    /// When there are fewer after ten seconds.
    pub fn wait_access(&self, count: usize) -> Result<Vec<String>> {
        let enough = || Some(self.access()).filter(|lines| lines.len() >= count);
        until(LIMIT, enough).with_context(|| {
            format!(
                "{count} access log lines wanted:\n{}\n{}",
                self.access().join("\n"),
                self.errors()
            )
        })
    }

    /// Where the access log is.
    pub fn access_file(&self) -> PathBuf {
        self.dir.path().join("access.log")
    }

    /// The error log so far, and before it what went to standard output and standard error.
    pub fn errors(&self) -> String {
        let read = |name| fs::read(self.dir.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&[read(OUTPUT), read(ERRORS)].concat()).into_owned()
    }

    /// The error log once `text` stands in it.
    ///
    /// # Errors
    ///
    /// When it does not after ten seconds.
    pub fn wait_errors(&self, text: &str) -> Result<String> {
        let found = || Some(self.errors()).filter(|errors| errors.contains(text));
        until(LIMIT, found).with_context(|| format!("no {text:?} in the error log:\n{}", self.errors()))
    }

    /// Resident memory in bytes; 0 after its end.
    pub fn rss(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most resident memory so far, in bytes.
    pub fn peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// Open file descriptors.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).map_or(0, Iterator::count)
    }

    fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let value = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = value.and_then(|value| value.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }

    fn wait_until_listening(&mut self) -> Result<()> {
        let config = fs::read_to_string(self.dir.path().join(CONFIG))?;
        let wanted = config.lines().filter(|line| line.trim() == "[[listen]]").count();
        let deadline = Instant::now() + LIMIT;
        loop {
            self.addresses = listening(&self.dir.path().join(ERRORS));
            if self.addresses.len() >= wanted {
                return Ok(());
            }
            if let Some(status) = self.process.try_wait()? {
                bail!("the gateway ended with {status}:\n{}", self.errors());
            }
            ensure!(
                Instant::now() < deadline,
                "the gateway does not listen after {LIMIT:?}:\n{}",
                self.errors()
            );
            sleep(POLL);
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        for pid in named(&self.dir.path().join(ERRORS), "starting in our place pid=") {
            let pid = pid.parse().ok().filter(|pid| self.is_ours(*pid));
            let pid = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
            // Ended already is as good.
            let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
        }
        // It has not been reaped, or it has and `Child` knows: no other process can be hit.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("the gateway's log:\n{}", self.errors());
        }
    }
}

/// Asks until there is an answer, at most for `limit`.
fn until<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        let answer = ask();
        if answer.is_some() || Instant::now() >= deadline {
            return answer;
        }
        sleep(POLL);
    }
}

/// The configuration with the tables that it left out.
fn complete(config: &str, dir: &Path) -> String {
    let dir = dir.display().to_string();
    let mut text = config.replace("{dir}", &dir);
    let has = |name: &str| text.lines().any(|line| line.trim() == name);
    let mut added = String::new();
    if !has("[server]") {
        added.push_str(&format!("\n[server]\ntemp_dir = \"{dir}\"\n"));
    }
    if !has("[log]") {
        added.push_str(&format!(
            "\n[log]\naccess = \"{dir}/access.log\"\naccess_format = \"json\"\nerror = \"{dir}/{ERRORS}\"\n"
        ));
    }
    if !has("[[listen]]") {
        added.push_str("\n[[listen]]\naddress = \"127.0.0.1:0\"\n");
    }
    text.push_str(&added);
    text
}

/// The addresses that the error log names.
fn listening(log: &Path) -> Vec<String> {
    named(log, " listening address=")
}

/// The word behind `mark` in every line of the log that has one.
fn named(log: &Path, mark: &str) -> Vec<String> {
    let word = |line: String| {
        let (_, rest) = line.split_once(mark)?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    lines(log).into_iter().filter_map(word).collect()
}

/// The lines of a file that are complete.
fn lines(file: &Path) -> Vec<String> {
    let text = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
    complete.lines().map(str::to_owned).collect()
}

const CONFIG: &str = "bridgehead.toml";
const OUTPUT: &str = "output.log";
const ERRORS: &str = "error.log";
const LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);
