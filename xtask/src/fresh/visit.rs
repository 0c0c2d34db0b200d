//! One command of README.md, run by one user inside the root.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::machine::{Machine, inside};
use super::root::Root;
use crate::step;

/// The user that runs the commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    /// The superuser.
    Root,
    /// An ordinary user.
    Visitor,
}

/// A command, and where it is run.
#[derive(Debug)]
pub(super) struct Visit<'a> {
    user: User,
    /// The command as README.md has it.
    command: String,
    is_demo: bool,
    machine: &'a Machine,
    root: &'a Path,
    log: PathBuf,
}

impl User {
    fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Visitor => "user",
        }
    }

    /// The names of its visits.
    pub(super) fn visits(self) -> [String; 2] {
        ["demo", "test"].map(|kind| format!("{}/{kind}", self.name()))
    }

    fn home(self) -> &'static str {
        match self {
            Self::Root => "/root",
            Self::Visitor => "/home/user",
        }
    }
}

impl<'a> Visit<'a> {
    /// Gives `user` a home with a clone of the repository, and reads in there what is to be run.
    ///
    /// # Errors
    ///
    /// When the repository cannot be cloned, or README.md names no two commands.
    pub(super) fn of(user: User, machine: &'a Machine, root: &'a Root, place: &Path) -> Result<Vec<Self>> {
        let root = root.path();
        let home = inside(root, Path::new(user.home()));
        if user == User::Visitor {
            let mut add = Command::new("chroot");
            add.arg(root)
                .args(["/usr/sbin/useradd", "--create-home", user.name()]);
            step::run(&mut add, "see above")?;
        }
        machine.furnish_home(&home)?;
        let clone = home.join(CLONE);
        let mut git = Command::new("git");
        git.args(["clone", "--quiet", "--no-hardlinks"])
            .arg(testbed::workspace());
        step::run(git.arg(&clone), "see above")?;
        if user == User::Visitor {
            let mut own = Command::new("chroot");
            own.arg(root).args(["/bin/chown", "-R", "user:user", user.home()]);
            step::run(&mut own, "see above")?;
        }
        let readme = fs::read_to_string(clone.join("README.md")).context("cannot read README.md")?;
        let visit = |command: String| {
            let is_demo = command.ends_with("demo");
            let kind = if is_demo { "demo" } else { "test" };
            Self {
                user,
                command,
                is_demo,
                machine,
                root,
                log: place.join(format!("{}-{kind}.log", user.name())),
            }
        };
        Ok(commands(&readme)?.map(visit).into())
    }

    /// `root/demo`, for instance.
    pub(super) fn name(&self) -> String {
        let kind = if self.is_demo { "demo" } else { "test" };
        format!("{}/{kind}", self.user.name())
    }

    /// What is run.
    pub(super) fn command(&self) -> &str {
        &self.command
    }

    /// Where its output is.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// The end of its output.
    pub(super) fn last_lines(&self) -> String {
        let text = String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LAST)..].join("\n")
    }

    /// Runs the command; gives what there is to say about it.
    ///
    /// # Errors
    ///
    /// When it fails, or leaves something behind.
    pub(super) fn make(&self) -> Result<String> {
        let before = self.traces()?;
        let note = match self.is_demo {
            true => self.demo()?,
            false => self.test()?,
        };
        let after = self.traces()?;
        let left: Vec<_> = after.difference(&before).map(String::as_str).collect();
        ensure!(left.is_empty(), "left behind: {}", left.join(", "));
        Ok(note)
    }

    fn test(&self) -> Result<String> {
        let status = self.enter(&self.command)?.wait()?;
        ensure!(status.success(), "ended with {status}");
        Ok(String::new())
    }

    /// Until the first page is there.
    fn demo(&self) -> Result<String> {
        let stop = inside(self.root, Path::new(STOP));
        let script = format!(
            "{} & id=$!\nwhile [ ! -e {STOP} ]; do kill -0 $id || exit 1; sleep 0.1; done\nkill -TERM $id; wait $id",
            self.command
        );
        let start = Instant::now();
        let mut process = self.enter(&script)?;
        let page = self.first_page(&mut process, start + PAGE);
        let took = start.elapsed().as_secs_f64();
        fs::write(&stop, "").context("cannot stop the demo")?;
        let status = process.wait()?;
        let _ = fs::remove_file(&stop);
        let (url, bytes) = page?;
        ensure!(status.success(), "the demo ended with {status}");
        Ok(format!("; {url} after {took:.1} s, {bytes} bytes"))
    }

    /// Fetches the first address that the demo prints.
    fn first_page(&self, process: &mut Child, deadline: Instant) -> Result<(String, usize)> {
        loop {
            let text = String::from_utf8_lossy(&fs::read(&self.log)?).into_owned();
            if let Some(url) = first_url(&text) {
                let mut curl = Command::new("curl");
                let output = curl
                    .args(["--silent", "--show-error", "--fail", "--noproxy", "*", &url])
                    .output()?;
                if output.status.success() {
                    return Ok((url, output.stdout.len()));
                }
            }
            if let Some(status) = process.try_wait()? {
                bail!("the demo ended with {status} before there was a page");
            }
            ensure!(Instant::now() < deadline, "no page after {PAGE:?}");
            thread::sleep(POLL);
        }
    }

    /// Starts a script of the user's inside, in its own process and mount namespaces: with its first process go all
    /// others, and with these the mounts.
    fn enter(&self, script: &str) -> Result<Child> {
        let log = File::create(&self.log).with_context(|| self.log.display().to_string())?;
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child=KILL"])
            .args(["/bin/sh", "-c", &self.init(), "init"]);
        command.args(["/usr/bin/env", "-i"]);
        let home = self.user.home();
        command.arg(format!("HOME={home}")).arg(format!("PATH={PATH}"));
        command.arg(format!("USER={}", self.user.name())).arg("CI=true");
        for (name, value) in &self.machine.variables {
            command.arg(format!("{name}={value}"));
        }
        command.args(["/bin/sh", "-c"]);
        command.arg(format!("cd {home}/{CLONE} || exit 1\n{script}"));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.spawn().context("cannot run unshare")
    }

    /// The first process inside: it mounts, starts the words that follow it, and takes in orphans until they end.
    fn init(&self) -> String {
        let quoted = |path: &Path| format!("'{}'", path.display());
        let root = quoted(self.root);
        let mut lines = vec![
            "set -e".to_owned(),
            format!("mount -t proc proc {root}/proc"),
            format!("mount --rbind /dev {root}/dev"),
        ];
        for (from, to) in &self.machine.lent {
            let (from, to) = (quoted(from), quoted(&inside(self.root, to)));
            lines.push(format!("mount --bind {from} {to}"));
            lines.push(format!("mount -o remount,bind,ro {to}"));
        }
        lines.push("set +e".to_owned());
        let user = self.user.name();
        lines.push(format!("chroot --userspec={user}:{user} {root} \"$@\" & wait $!"));
        lines.join("\n")
    }

    /// What a command may leave behind: temporary files, and changes in the clone and the home.
    fn traces(&self) -> Result<BTreeSet<String>> {
        let mut traces = BTreeSet::new();
        for directory in ["/tmp", "/var/tmp", self.user.home()] {
            let entries = fs::read_dir(inside(self.root, Path::new(directory)));
            for entry in entries.into_iter().flatten().flatten() {
                traces.insert(format!("{directory}/{}", entry.file_name().to_string_lossy()));
            }
        }
        if inside(self.root, Path::new(POLICY)).exists() {
            traces.insert(POLICY.to_owned());
        }
        traces.remove(&format!("{}/.cargo", self.user.home())); // cargo's own
        // systemd, which the packages of the tests bring, makes it for root (tmpfiles.d/provision.conf).
        traces.remove(&format!("{}/.ssh", self.user.home()));
        let clone = inside(self.root, Path::new(self.user.home())).join(CLONE);
        let status = Command::new("git")
            .args(["-c", "safe.directory=*", "-C"])
            .arg(clone)
            .args(["status", "--porcelain"])
            .output()
            .context("cannot run git")?;
        ensure!(status.status.success(), "git status fails in the clone");
        let status = String::from_utf8_lossy(&status.stdout).into_owned();
        traces.extend(status.lines().map(|line| format!("git status: {line}")));
        Ok(traces)
    }
}

/// The two commands of README.md: the indented lines of that section, without what they are for.
fn commands(readme: &str) -> Result<[String; 2]> {
    let section = readme
        .split("\n## ")
        .find(|section| section.starts_with("Two commands"));
    let section = section.context("README.md has no section `Two commands`")?;
    let lines = section.lines().filter_map(|line| line.strip_prefix("    cargo "));
    let commands = lines.map(|line| {
        let command = line.split('#').next().unwrap_or(line).trim();
        format!("cargo {command}")
    });
    let mut commands: Vec<_> = commands.collect();
    commands.truncate(2);
    commands
        .try_into()
        .ok()
        .context("README.md names no two commands of cargo")
}

fn first_url(text: &str) -> Option<String> {
    let start = text.find("http://127.0.0.1:")?;
    // Half a line may end within the number of the port.
    let (line, _) = text[start..].split_once('\n')?;
    let url = line.split([' ', '"', '\'', '<', '>']).next()?;
    Some(url.to_owned())
}

const CLONE: &str = "bridgehead";
const POLICY: &str = "/usr/sbin/policy-rc.d"; // keeps services from starting
const STOP: &str = "/run/stop";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const PAGE: Duration = Duration::from_secs(900);
const POLL: Duration = Duration::from_millis(100);
const LAST: usize = 12; // lines

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_those_of_the_readme() {
        let readme = fs::read_to_string(testbed::workspace().join("README.md")).unwrap();
        let [demo, test] = commands(&readme).unwrap();
        assert!(demo.starts_with("cargo run") && demo.ends_with("demo"), "{demo}");
        assert_eq!(test, "cargo xtask test");
    }

    #[test]
    fn an_address_is_read_when_its_line_is_complete() {
        assert_eq!(first_url("try\n  curl http://127.0.0.1:80"), None);
        assert_eq!(
            first_url("try\n  curl http://127.0.0.1:8080/ now\n").as_deref(),
            Some("http://127.0.0.1:8080/")
        );
    }
}
