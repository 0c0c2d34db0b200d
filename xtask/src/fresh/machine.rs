//! What the minimal root has from this machine: Rust, and the way to the registries.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The parts of this machine that are lent. All of it is found when this runs.
#[derive(Debug)]
pub(super) struct Machine {
    /// Version and place of the compiler.
    pub(super) rust: String,
    /// Directories that are seen inside, read only: where, and under which path.
    pub(super) lent: Vec<(PathBuf, PathBuf)>,
    /// Environment variables.
    pub(super) variables: Vec<(String, String)>,
    nextest: Option<PathBuf>,
}

impl Machine {
    /// Looks for all of it.
    ///
    /// # Errors
    ///
    /// When there is no toolchain in a directory of its own.
    pub(super) fn find(has_nextest: bool) -> Result<Self> {
        let sysroot = PathBuf::from(said_by("rustc", &["--print", "sysroot"])?);
        ensure!(
            sysroot.join("bin/cargo").exists() && sysroot != Path::new("/usr"),
            "{} is no toolchain that could be lent; install Rust with rustup",
            sysroot.display()
        );
        let nextest = match has_nextest {
            true => Some(found_in_path("cargo-nextest").context("cargo-nextest is not installed")?),
            false => None,
        };
        let variables: Vec<_> = env::vars()
            .filter(|(name, _)| leads_to_registries(name))
            .collect();
        let directories = variables.iter().map(|(_, value)| PathBuf::from(value));
        let directories =
            directories.filter(|path| path.is_absolute() && path.is_dir() && !path.starts_with("/etc"));
        let mut lent = vec![(sysroot.clone(), PathBuf::from(RUST))];
        lent.extend(directories.map(|path| (path.clone(), path)));
        Ok(Self {
            rust: format!("{} from {}", said_by("rustc", &["-V"])?, sysroot.display()),
            lent,
            variables,
            nextest,
        })
    }

    /// Puts into the root what is copied, and makes the places for what is lent.
    ///
    /// # Errors
    ///
    /// When something cannot be copied.
    pub(super) fn furnish(&self, root: &Path) -> Result<()> {
        for file in COPIED.map(Path::new).iter().filter(|file| file.exists()) {
            copy(file, &inside(root, file))?;
        }
        for file in proxies() {
            copy(&file, &inside(root, &file))?;
        }
        for (_, path) in &self.lent {
            let place = inside(root, path);
            fs::create_dir_all(&place).with_context(|| place.display().to_string())?;
        }
        let programs = inside(root, Path::new("/usr/local/bin"));
        for program in fs::read_dir(self.lent[0].0.join("bin"))?.flatten() {
            let path = Path::new(RUST).join("bin").join(program.file_name());
            symlink(path, programs.join(program.file_name())).context("cannot link the toolchain")?;
        }
        if let Some(nextest) = &self.nextest {
            copy(nextest, &programs.join("cargo-nextest"))?;
        }
        Ok(())
    }

    /// Puts cargo's configuration into a home inside; its credentials stay where they are.
    ///
    /// # Errors
    ///
    /// When it cannot be copied.
    pub(super) fn furnish_home(&self, home: &Path) -> Result<()> {
        let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
        let cargo_home = cargo_home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
        let config = cargo_home.map(|home| home.join("config.toml"));
        match config.filter(|config| config.exists()) {
            Some(config) => copy(&config, &home.join(".cargo/config.toml")),
            None => Ok(()),
        }
    }
}

/// Settings of cargo and pip, proxies and certificates; no tokens.
fn leads_to_registries(name: &str) -> bool {
    let upper = name.to_uppercase();
    let begins = PREFIXES.iter().any(|prefix| upper.starts_with(prefix));
    (begins || upper.ends_with("_PROXY") || CERTIFICATES.contains(&name)) && !upper.ends_with("TOKEN")
}

/// The files of apt's configuration that name a proxy.
fn proxies() -> Vec<PathBuf> {
    let entries = fs::read_dir("/etc/apt/apt.conf.d")
        .into_iter()
        .flatten()
        .flatten();
    let names_one = |path: &PathBuf| fs::read_to_string(path).is_ok_and(|text| text.contains("::Proxy"));
    entries.map(|entry| entry.path()).filter(names_one).collect()
}

/// The same path below the root.
pub(super) fn inside(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let parent = to.parent().context("a file lies in a directory")?;
    fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

fn said_by(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    ensure!(
        output.status.success(),
        "{program} {arguments:?} ended with {}",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn found_in_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}

const RUST: &str = "/opt/rust";
const PREFIXES: [&str; 6] = [
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "PIP_",
];
const CERTIFICATES: [&str; 4] = [
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
];
const COPIED: [&str; 3] = [
    "/etc/resolv.conf",
    "/etc/pip.conf",
    "/etc/ssl/certs/ca-certificates.crt",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_registries_are_passed_on_and_tokens_are_not() {
        for name in ["CARGO_NET_RETRY", "PIP_INDEX_URL", "https_proxy", "SSL_CERT_FILE"] {
            assert!(leads_to_registries(name), "{name}");
        }
        for name in [
            "CARGO_REGISTRY_TOKEN",
            "CARGO_REGISTRIES_X_TOKEN",
            "CARGO_MANIFEST_DIR",
            "HOME",
        ] {
            assert!(!leads_to_registries(name), "{name}");
        }
    }
}
