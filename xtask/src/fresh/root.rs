//! The minimal Debian root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::step;

/// An unpacked root, until this is dropped. Nothing is ever mounted in it but in the namespaces of its visitors.
#[derive(Debug)]
pub(super) struct Root(PathBuf);

/// Makes the archive that roots are unpacked from, unless it is there.
///
/// # Errors
///
/// When debootstrap or tar fails.
pub(super) fn prepare(place: &Path) -> Result<()> {
    let archive = place.join(ARCHIVE);
    if archive.exists() {
        eprintln!("{} is there", archive.display());
        return Ok(());
    }
    let root = Root::empty(place)?;
    let mut debootstrap = Command::new("debootstrap");
    debootstrap
        .args(["--variant=minbase", INCLUDE, RELEASE])
        .arg(root.path());
    step::run(debootstrap.arg(mirror()?), "see its output above")?;
    let half = place.join("half.tar");
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(root.path()).args(["--one-file-system", "-cf"]);
    step::run(
        tar.arg(&half).arg("."),
        "is there room for a gigabyte below target/?",
    )?;
    fs::rename(&half, &archive).with_context(|| format!("cannot make {}", archive.display()))
}

/// The mirror that apt is configured for.
fn mirror() -> Result<String> {
    let output = Command::new("apt-get")
        .args([
            "indextargets",
            "--format",
            "$(REPO_URI)",
            &format!("Codename: {RELEASE}"),
        ])
        .output()
        .context("cannot ask apt-get for its mirror")?;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let first = lines.lines().find(|line| !line.contains("security"));
    Ok(first
        .with_context(|| format!("apt has no mirror for {RELEASE}"))?
        .to_owned())
}

impl Root {
    /// Unpacks the archive.
    ///
    /// # Errors
    ///
    /// When tar fails.
    pub(super) fn unpack(place: &Path) -> Result<Self> {
        let root = Self::empty(place)?;
        let mut tar = Command::new("tar");
        tar.arg("-C")
            .arg(root.path())
            .arg("-xpf")
            .arg(place.join(ARCHIVE));
        step::run(&mut tar, "remove the archive, and it is made again")?;
        Ok(root)
    }

    fn empty(place: &Path) -> Result<Self> {
        let path = place.join("root");
        remove(&path).context("a root that an earlier run has left cannot be removed")?;
        fs::create_dir(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            eprintln!("{} is left behind: {error:#}", self.0.display());
        }
    }
}

/// Removes a root in which nothing is mounted: with a mount, files of the host would go.
fn remove(path: &Path) -> Result<()> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("cannot read the mounts")?;
    let below = format!(" {}/", path.display());
    ensure!(
        !mounts.contains(&below),
        "something is mounted below {}",
        path.display()
    );
    match path.exists() {
        true => fs::remove_dir_all(path).with_context(|| path.display().to_string()),
        false => Ok(()),
    }
}

const RELEASE: &str = "bookworm";
const ARCHIVE: &str = "bookworm.tar";
const INCLUDE: &str = "--include=git,gcc,libc6-dev,make,ca-certificates";
