//! Which users may connect to a unix socket that we listen on.

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

/// The same as the system has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// The user.
    pub owner: Option<u32>,
    /// The group.
    pub group: Option<u32>,
    /// Permission bits.
    pub mode: Option<u32>,
}

impl Access {
    /// Looks the names up. Not for a thread of the runtime: see [`account`].
    pub fn resolve(&self) -> Result<Ownership, AccountError> {
        Ok(Ownership {
            owner: self.owner.as_deref().map(account::user).transpose()?,
            group: self.group.as_deref().map(account::group).transpose()?,
            mode: self.mode,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_become_numbers() {
        let access = Access {
            owner: Some("root".into()),
            group: Some("4711".into()),
            mode: Some(0o620),
        };
        let ownership = Ownership {
            owner: Some(0),
            group: Some(4711),
            mode: Some(0o620),
        };
        assert_eq!(access.resolve().unwrap(), ownership);
    }

    #[test]
    fn an_unknown_owner_is_an_error() {
        let access = Access {
            owner: Some("nobody-at-all".into()),
            ..Access::default()
        };
        assert!(matches!(access.resolve(), Err(AccountError::User(_))));
    }
}
