//! The records of challenges that are under way, on disk: all processes that share the store answer with them, and those of
//! an order that its process did not survive are known to the next one.
//!
//! A record is a file without content. Its directory is the name that is proven, its own name the value.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::name::{DomainName, is_plain};

/// Records of one name, at most: an order has one for a name, and one for all names below it.
pub(super) const PER_NAME: usize = 8;

/// Bytes of a record: a digest in base64url has 43 (RFC 8555, section 8.4).
const LONGEST: usize = 64;

/// Until the disk has to have told them; the asker does not wait for longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What challenges are answered with: orders put it there, the responder shows it.
#[derive(Clone, Debug)]
pub struct Records(PathBuf);

impl Records {
    /// Those of a store.
    pub fn new(store: &Path) -> Self {
        Self(store.join("challenges").join("dns"))
    }

    /// Shows `value` for the challenges of `domain`, without `*.` and `_acme-challenge.`. Waits for the disk.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or no answer could carry it.
    pub fn publish(&self, domain: &str, value: &str) -> io::Result<()> {
        let (domain, value) = (name(domain)?, checked(value)?);
        let directory = self.directory(&domain);
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let path = directory.join(value);
        if self.read(&domain)?.len() >= PER_NAME && !path.exists() {
            let message = format!("{}: {PER_NAME} records are there already", directory.display());
            return Err(io::Error::other(message));
        }
        let mut options = OpenOptions::new();
        options
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)?;
        Ok(())
    }

    /// No longer shows it, if it was shown. Waits for the disk.
    ///
    /// # Errors
    ///
    /// When it cannot be removed.
    pub fn withdraw(&self, domain: &str, value: &str) -> io::Result<()> {
        let directory = self.directory(&name(domain)?);
        match fs::remove_file(directory.join(checked(value)?)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // It goes with the last one.
        let _ = fs::remove_dir(directory);
        Ok(())
    }

    /// What is shown for a name now.
    pub(super) async fn of(&self, domain: DomainName) -> io::Result<Vec<String>> {
        let records = self.clone();
        let read = spawn_blocking(move || records.read(&domain));
        timeout(PATIENCE, read).await?.map_err(io::Error::other)?
    }

    /// The same. Waits for the disk.
    pub(super) fn read(&self, domain: &DomainName) -> io::Result<Vec<String>> {
        let files = match fs::read_dir(self.directory(domain)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files?,
        };
        let names = files.take(PER_NAME).map(|file| file.map(|file| file.file_name()));
        let names = names.collect::<io::Result<Vec<_>>>()?;
        let mut values: Vec<_> = names
            .into_iter()
            .filter_map(|name| name.into_string().ok())
            .collect();
        values.retain(|value| checked(value).is_ok());
        values.sort();
        Ok(values)
    }

    fn directory(&self, domain: &DomainName) -> PathBuf {
        self.0.join(domain.as_str())
    }
}

fn name(domain: &str) -> io::Result<DomainName> {
    let message = || format!("`{domain}` is no name that the DNS could have a record for");
    DomainName::new(domain).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, message()))
}

/// A value that is a digest: with other characters it would be no name of a file.
fn checked(value: &str) -> io::Result<&str> {
    match (1..=LONGEST).contains(&value.len()) && value.bytes().all(is_plain) {
        true => Ok(value),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the answer to a challenge is no digest: it has other characters than letters, digits, `-` and `_`, or too many",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(records: &Records, domain: &str) -> Vec<String> {
        records.read(&DomainName::new(domain).unwrap()).unwrap()
    }

    #[test]
    fn a_record_is_shown_by_all_that_share_the_store_until_it_is_withdrawn() {
        let store = tempfile::tempdir().unwrap();
        let (one, other) = (Records::new(store.path()), Records::new(store.path()));
        one.publish("Shop.example", "for-the-name").unwrap();
        one.publish("shop.example.", "for-all-below").unwrap();
        one.publish("shop.example.", "for-all-below").unwrap();
        assert_eq!(shown(&other, "shop.example"), ["for-all-below", "for-the-name"]);
        for _ in 0..2 {
            other.withdraw("shop.example", "for-the-name").unwrap();
            assert_eq!(shown(&one, "shop.example"), ["for-all-below"]);
        }
        one.withdraw("shop.example", "for-all-below").unwrap();
        assert!(shown(&other, "shop.example").is_empty());
        assert_eq!(
            fs::read_dir(store.path().join("challenges/dns")).unwrap().count(),
            0
        );
    }

    #[test]
    fn what_no_answer_could_carry_is_not_taken() {
        let store = tempfile::tempdir().unwrap();
        let records = Records::new(store.path());
        for domain in ["*.example", "..", "a/b", ""] {
            let error = records.publish(domain, "x").unwrap_err().to_string();
            assert_eq!(
                error,
                format!("`{domain}` is no name that the DNS could have a record for")
            );
        }
        for value in ["", "a b", "..", "a/b", &"x".repeat(65)] {
            assert!(records.publish("shop.example", value).is_err(), "{value}");
            assert!(records.withdraw("shop.example", value).is_err(), "{value}");
        }
        for value in 0..PER_NAME {
            records.publish("shop.example", &value.to_string()).unwrap();
        }
        let error = records.publish("shop.example", "more").unwrap_err().to_string();
        assert!(
            error.ends_with("challenges/dns/shop.example: 8 records are there already"),
            "{error}"
        );
        records.publish("shop.example", "7").unwrap();
    }
}
