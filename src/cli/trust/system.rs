//! The certificates that a system believes, and how it is told of others.

use std::fmt::Display;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Error, Result, ensure};
use tempfile::NamedTempFile;

/// A directory for further certificates, and the program that has to be called after a change.
struct Kind {
    name: &'static str,
    directory: &'static str,
    program: &'static str,
}

/// Of which the first one is taken whose directory and program are there.
const KINDS: [Kind; 4] = [
    Kind {
        name: "Debian, Ubuntu, Alpine",
        directory: "usr/local/share/ca-certificates",
        program: "usr/sbin/update-ca-certificates",
    },
    Kind {
        name: "Fedora, RHEL",
        directory: "etc/pki/ca-trust/source/anchors",
        program: "usr/bin/update-ca-trust",
    },
    Kind {
        name: "openSUSE",
        directory: "etc/pki/trust/anchors",
        program: "usr/sbin/update-ca-certificates",
    },
    Kind {
        name: "Arch",
        directory: "etc/ca-certificates/trust-source/anchors",
        program: "usr/bin/update-ca-trust",
    },
];

/// How the files of ours begin.
const PREFIX: &str = "bridgehead-local-";

/// How they end: Debian takes no others.
const SUFFIX: &str = ".crt";

/// This machine.
pub(super) struct System {
    name: &'static str,
    directory: PathBuf,
    program: PathBuf,
}

impl System {
    /// The one whose files are below a directory; `None`: a kind that is not known.
    pub(super) fn find(root: &Path) -> Option<Self> {
        let mut kinds = KINDS.iter().map(|kind| Self {
            name: kind.name,
            directory: root.join(kind.directory),
            program: root.join(kind.program),
        });
        kinds.find(|kind| kind.directory.is_dir() && kind.program.is_file())
    }

    /// What is to be done.
    pub(super) fn said(&self, file: &dyn Display, fingerprint: &[u8]) -> String {
        let (place, program) = (self.place(fingerprint), self.program.display());
        format!(
            "This machine ({}), as root, or by `bridgehead trust --install`:\n  cp {file} {}\n  {program}\n",
            self.name,
            place.display()
        )
    }

    /// Has it believe a certificate; says what was done.
    pub(super) fn install(&self, certificate: &str, fingerprint: &[u8]) -> Result<String> {
        let place = self.place(fingerprint);
        let write = || {
            let mut file = NamedTempFile::with_prefix_in(".new-", &self.directory)?;
            file.write_all(certificate.as_bytes())?;
            // The user of every program reads it.
            file.as_file().set_permissions(Permissions::from_mode(0o644))?;
            file.as_file().sync_all()?;
            file.persist(&place)?;
            File::open(&self.directory)?.sync_all()
        };
        write().map_err(|error| failed("write", &place, error))?;
        self.update()?;
        Ok(format!("{}: this machine believes it now\n", place.display()))
    }

    /// Has it believe none of ours any more; says what was done.
    pub(super) fn uninstall(&self) -> Result<String> {
        let files = self
            .ours()
            .map_err(|error| failed("read", &self.directory, error))?;
        for file in &files {
            fs::remove_file(file).map_err(|error| failed("remove", file, error))?;
        }
        if files.is_empty() {
            return Ok("this machine believes no local authority of Bridgehead\n".to_owned());
        }
        self.update()?;
        let lines = files.iter().map(|file| format!("{}: removed\n", file.display()));
        Ok(lines.collect())
    }

    fn ours(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for file in fs::read_dir(&self.directory)? {
            let path = file?.path();
            let name = path.file_name().map(|name| name.to_string_lossy());
            if name.is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX)) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Where a certificate belongs.
    fn place(&self, fingerprint: &[u8]) -> PathBuf {
        let digits: String = fingerprint
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.directory.join(format!("{PREFIX}{digits}{SUFFIX}"))
    }

    fn update(&self) -> Result<()> {
        let program = self.program.display();
        // What it says goes to where errors go: our own results are for others to read.
        let status = Command::new(&self.program)
            .stdin(Stdio::null())
            .stdout(io::stderr())
            .status();
        let status = status.with_context(|| format!("cannot start {program}"))?;
        ensure!(status.success(), "{program}: {status}");
        Ok(())
    }
}

fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    let error = Error::new(error).context(format!("cannot {what} {}", path.display()));
    match denied {
        true => error.context("this is for root: sudo bridgehead trust …"),
        false => error,
    }
}
