//! Keeps services of new packages from starting: Debian's maintainer scripts ask `policy-rc.d` (invoke-rc.d(8)).

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// A policy that forbids every service, until this is dropped. One that is there already stays as it is.
#[derive(Debug)]
pub(super) struct Policy {
    made: Option<PathBuf>,
    /// Whether signals end this process, as usual.
    over: Arc<AtomicBool>,
}

impl Policy {
    /// The policy of this system.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(super) fn without_services() -> io::Result<Self> {
        Self::at(Path::new("/usr/sbin/policy-rc.d"))
    }

    fn at(path: &Path) -> io::Result<Self> {
        let mut policy = Self {
            made: None,
            over: Arc::default(),
        };
        // An interrupt ends apt-get, and leaves us to remove the file.
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, policy.over.clone())?;
        }
        match File::create_new(path) {
            Ok(mut file) => {
                policy.made = Some(path.to_owned());
                file.write_all(FORBIDDEN)?;
                fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                eprintln!("{} decides whether services are started", path.display());
            }
            Err(error) => return Err(error),
        }
        Ok(policy)
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if let Some(path) = &self.made
            && let Err(error) = fs::remove_file(path)
        {
            eprintln!("remove {} by hand: {error}", path.display());
        }
        self.over.store(true, Ordering::Relaxed);
    }
}

const FORBIDDEN: &[u8] = b"#!/bin/sh\nexit 101\n"; // 101: action forbidden by policy

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_goes_with_its_value() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy-rc.d");
        let policy = Policy::at(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), FORBIDDEN);
        drop(policy);
        assert!(!path.exists());
    }

    #[test]
    fn a_policy_that_was_there_before_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy-rc.d");
        fs::write(&path, "#!/bin/sh\nexit 0\n").unwrap();
        drop(Policy::at(&path).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"#!/bin/sh\nexit 0\n");
    }
}
