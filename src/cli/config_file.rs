//! Which configuration file a command reads.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The named file, or the first of the usual ones that exists.
///
/// # Errors
///
/// When none is named and none exists.
pub(super) fn find(named: Option<&Path>) -> Result<PathBuf> {
    match named {
        Some(path) => Ok(path.to_owned()),
        None => first(&USUAL),
    }
}

fn first(places: &[&str]) -> Result<PathBuf> {
    match places.iter().find(|place| exists(Path::new(place))) {
        Some(place) => Ok(place.into()),
        None => bail!(
            "there is no configuration file: neither {}; `-c FILE` (`--config`) names another one",
            places.join(" nor ")
        ),
    }
}

/// A file that cannot be read exists, too: the complaint about it is better than another file.
fn exists(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

/// Where a file is looked for when none is named, in this order.
const USUAL: [&str; 2] = ["./bridgehead.toml", "/etc/bridgehead/bridgehead.toml"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_with_a_file_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let place = |name: &str| dir.path().join(name).display().to_string();
        let (near, far) = (place("near.toml"), place("far.toml"));
        let found = || first(&[&near, &far]).map_err(|error| error.to_string());
        let error = found().unwrap_err();
        assert!(
            error.contains(&format!("neither {near} nor {far}; `-c FILE`")),
            "{error}"
        );
        std::fs::write(&far, "").unwrap();
        assert_eq!(found(), Ok(far.clone().into()));
        std::os::unix::fs::symlink("/nonexistent", &near).unwrap();
        assert_eq!(found(), Ok(near.clone().into()));
    }

    #[test]
    fn a_named_file_is_taken_whether_it_exists_or_not() {
        let named = Path::new("/nonexistent.toml");
        assert_eq!(find(Some(named)).unwrap(), named);
    }
}
