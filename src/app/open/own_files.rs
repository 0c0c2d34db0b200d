//! The files of certificates that the gateway gets for itself: so that there is something to show from the first moment.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};

use super::progress::Progress;
use crate::acme::{Store, local, store};
use crate::app::identity::Identity;
use crate::app::own::Own;
use crate::config::Config;

/// Makes the store, for the user that the process becomes.
pub(super) fn prepare(
    config: &Config,
    own: &Own,
    identity: Option<&Identity>,
    progress: &Progress,
) -> Result<()> {
    if own == &Own::default() {
        return Ok(());
    }
    let path = &config.acme.store;
    progress.at("the store of certificates", "[acme] store", path.display());
    let made = Store::at(path).make();
    let made = made
        .and_then(|()| std::fs::File::open(path))
        .with_context(|| unusable(path))?;
    match identity {
        Some(identity) => identity
            .give(&OwnedFd::from(made))
            .with_context(|| unusable(path)),
        None => Ok(()),
    }
}

/// Certificates of our own authority, and placeholders where a directory has still to be asked.
pub(super) fn provide(config: &Config, own: &Own, progress: &Progress) -> Result<()> {
    if own == &Own::default() {
        return Ok(());
    }
    let (path, now) = (&config.acme.store, SystemTime::now());
    progress.at("the store of certificates", "[acme] store", path.display());
    let made = local::provide(path, own.local.iter().map(String::as_str), now);
    made.with_context(|| unusable(path))?;
    for name in &own.public {
        for &key in &config.acme.keys {
            placeholder(name, &store::certificate(path, name, key), now).with_context(|| unusable(path))?;
        }
    }
    Ok(())
}

/// Never in the place of what is there: another process may just have got a certificate.
fn placeholder(name: &str, file: &Path, now: SystemTime) -> Result<()> {
    if file.try_exists()? {
        return Ok(());
    }
    let pem = local::placeholder(&[name.to_owned()], now)?;
    match store::create(file, pem.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Ok(()) => {
            tracing::warn!(
                name,
                "there is no certificate yet: until there is one, clients get a placeholder, which they refuse"
            );
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn unusable(path: &Path) -> String {
    format!(
        "cannot use the store of certificates {} ([acme] store)",
        path.display()
    )
}
