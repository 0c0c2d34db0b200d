//! Users and groups of the system, by name or by number.
//!
//! The system may have to ask a directory service (nsswitch.conf(5)), which may not answer: never on a thread of the
//! runtime.

use std::io;

use nix::unistd::{Gid, Group, Uid, User};

/// Why there is no number for a name.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Neither a user's name nor a number.
    #[error("there is no user `{0}`")]
    User(String),
    /// Neither a group's name nor a number.
    #[error("there is no group `{0}`")]
    Group(String),
    /// The system cannot tell.
    #[error("cannot look up `{0}`: {1}")]
    Lookup(String, io::Error),
}

/// The number of a user. A name that consists of digits is a name first.
pub fn user(name: &str) -> Result<u32, AccountError> {
    match known(name)? {
        Some(user) => Ok(user.uid.as_raw()),
        None => name.parse().map_err(|_| AccountError::User(name.to_owned())),
    }
}

/// The number of a group. A name that consists of digits is a name first.
pub fn group(name: &str) -> Result<u32, AccountError> {
    let found = Group::from_name(name).map_err(|error| lookup(name, error))?;
    match found {
        Some(group) => Ok(group.gid.as_raw()),
        None => name.parse().map_err(|_| AccountError::Group(name.to_owned())),
    }
}

/// The user of that name.
pub fn known(name: &str) -> Result<Option<User>, AccountError> {
    User::from_name(name).map_err(|error| lookup(name, error))
}

/// The name of a user, or the number where it has none. Asks the system as the others here do, which may take long.
pub fn user_name(uid: u32) -> String {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| uid.to_string(), |user| user.name)
}

/// The name of a group, or the number where it has none.
pub fn group_name(gid: u32) -> String {
    let group = Group::from_gid(Gid::from_raw(gid)).ok().flatten();
    group.map_or_else(|| gid.to_string(), |group| group.name)
}

fn lookup(name: &str, error: nix::errno::Errno) -> AccountError {
    AccountError::Lookup(name.to_owned(), error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_names_and_numbers() {
        assert_eq!((user("root").unwrap(), group("root").unwrap()), (0, 0));
        assert_eq!((user("4711").unwrap(), group("4711").unwrap()), (4711, 4711));
    }

    #[test]
    fn an_account_that_does_not_exist_is_named() {
        assert_eq!(
            user("nobody-at-all").unwrap_err().to_string(),
            "there is no user `nobody-at-all`"
        );
        assert_eq!(
            group("no group").unwrap_err().to_string(),
            "there is no group `no group`"
        );
    }
}
