//! Who may connect to a unix socket that we listen on.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::Path;

use super::account::{self, AccountError};

/// Owner, group and mode of a socket's file. `connect(2)` asks for write permission, nothing else (unix(7)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The user, by name or number; `None`: the one that we run as.
    pub owner: Option<String>,
    /// The group, by name or number; `None`: the one that we run as.
    pub group: Option<String>,
    /// Permission bits; `None`: what the umask leaves.
    pub mode: Option<u32>,
}

/// Why a socket's file cannot be given to somebody.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The user or the group is not known.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The system does not permit it.
    #[error("cannot change owner, group or mode: {0}")]
    Io(#[from] io::Error),
}

impl Access {
    /// Gives the file to whom it belongs. Before `listen(2)`: until then every connection is refused, so nobody gets
    /// in with the permissions that `bind(2)` left.
    pub fn apply(&self, file: &Path) -> Result<(), AccessError> {
        let owner = self.owner.as_deref().map(account::user).transpose()?;
        let group = self.group.as_deref().map(account::group).transpose()?;
        let now = fs::symlink_metadata(file)?;
        // Only what has to be: a process that gave up its privileges may no longer do what was done before.
        let owner = owner.filter(|owner| *owner != now.uid());
        let group = group.filter(|group| *group != now.gid());
        if owner.is_some() || group.is_some() {
            lchown(file, owner, group)?;
        }
        // After the owner: a change of owner may take bits away.
        match self.mode {
            Some(mode) if mode != now.mode() & BITS => {
                fs::set_permissions(file, Permissions::from_mode(mode))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// The permission bits of a file's mode.
const BITS: u32 = 0o7777;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gets_the_mode_and_the_group() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let ours = file.as_file().metadata().unwrap().gid();
        let access = Access {
            owner: None,
            group: Some(ours.to_string()),
            mode: Some(0o620),
        };
        access.apply(file.path()).unwrap();
        let metadata = fs::metadata(file.path()).unwrap();
        assert_eq!((metadata.mode() & 0o7777, metadata.gid()), (0o620, ours));
    }

    #[test]
    fn an_unknown_owner_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let access = Access {
            owner: Some("nobody-at-all".into()),
            ..Access::default()
        };
        let error = access.apply(file.path()).unwrap_err();
        assert!(matches!(error, AccessError::Account(AccountError::User(_))));
    }
}
