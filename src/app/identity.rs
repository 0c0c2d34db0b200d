//! The user and the group that the process becomes once everything that needs more is open.

use std::ffi::CString;
use std::os::fd::OwnedFd;

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::{self, Gid, Uid, User};

use crate::transport::account;

/// A user to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    user: Option<Account>,
    group: Gid,
}

/// A user, with what initgroups(3) wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    uid: Uid,
    /// Absent for a number that has no name, and then no further groups either.
    name: Option<CString>,
}

impl Identity {
    /// The user that the configuration wants; `None`: the one that we are.
    pub(super) fn find(user: Option<&str>, group: Option<&str>) -> Result<Option<Self>> {
        let known = user.map(account::known).transpose()?.flatten();
        let uid = user.map(account::user).transpose()?.map(Uid::from_raw);
        let gid = group.map(account::group).transpose()?.map(Gid::from_raw);
        let group = match (gid, &known) {
            (Some(gid), _) => gid,
            (None, Some(user)) => user.gid,
            (None, None) if user.is_some() => {
                bail!("the user has no name and so no group: name a group in [server], too")
            }
            (None, None) => return Ok(None),
        };
        let account = uid.map(|uid| Self::account(uid, known));
        let wanted = Self {
            user: account.transpose()?,
            group,
        };
        Ok(Some(wanted).filter(|wanted| !wanted.is_ours()))
    }

    fn account(uid: Uid, known: Option<User>) -> Result<Account> {
        let name = known.map(|user| CString::new(user.name)).transpose()?;
        Ok(Account { uid, name })
    }

    /// Gives a file that is open to the new user, which has to open or to write it again.
    pub(super) fn give(&self, file: &OwnedFd) -> Result<()> {
        let uid = self.user.as_ref().map(|user| user.uid.as_raw());
        std::os::unix::fs::fchown(file, uid, Some(self.group.as_raw()))
            .context("cannot give it to the user of [server]")
    }

    /// Becomes that user, for good and in all threads: the C library sees to those (nptl(7)).
    pub(super) fn assume(&self) -> Result<()> {
        ensure!(
            unistd::geteuid().is_root(),
            "only root can become the user and group of [server]; start it as root, or without these keys"
        );
        match &self.user {
            Some(Account { name: Some(name), .. }) => unistd::initgroups(name, self.group),
            _ => unistd::setgroups(&[self.group]),
        }
        .context("cannot change the groups")?;
        unistd::setgid(self.group).context("cannot change the group")?;
        let Some(user) = &self.user else { return Ok(()) };
        unistd::setuid(user.uid).context("cannot change the user")?;
        ensure!(
            user.uid.is_root() || unistd::setuid(Uid::from_raw(0)).is_err(),
            "the user was changed, and root can be had back"
        );
        Ok(())
    }

    /// Whether there is nothing to do: started as that user, or by a process that had become it.
    fn is_ours(&self) -> bool {
        let user = self
            .user
            .as_ref()
            .is_none_or(|user| user.uid == unistd::geteuid());
        user && self.group == unistd::getegid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_wanted_is_nothing_to_do() {
        assert_eq!(Identity::find(None, None).unwrap(), None);
        let (user, group) = (unistd::geteuid().to_string(), unistd::getegid().to_string());
        assert_eq!(Identity::find(Some(&user), Some(&group)).unwrap(), None);
    }

    #[test]
    fn a_user_brings_its_group() {
        let nobody = User::from_name("nobody").unwrap().unwrap();
        let identity = Identity::find(Some("nobody"), None).unwrap().unwrap();
        assert_eq!(identity.group, nobody.gid);
        assert_eq!(identity.user.unwrap().uid, nobody.uid);
    }

    #[test]
    fn a_number_without_a_name_needs_a_group() {
        assert!(Identity::find(Some("54321"), None).is_err());
        let identity = Identity::find(Some("54321"), Some("54322")).unwrap().unwrap();
        assert_eq!(identity.user.unwrap().name, None);
    }
}
