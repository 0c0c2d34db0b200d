//! What the application of a route may ask for: nothing, unless the route says so. An application that is not trusted
//! might pass on what a client has made it say.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use bytes::Bytes;

use super::flow::InternalUri;
use crate::protocol::fields::{FieldName, FieldNames};

/// What the application of a route may ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accel {
    /// Whether `X-Accel-*` is heeded.
    pub enabled: bool,
    /// Whose files it may have sent by `X-Sendfile`.
    pub send_file: Vec<SendFile>,
}

/// A route with files, whose names an application knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendFile {
    /// The name of the route.
    pub route: String,
    /// Its directory.
    pub root: PathBuf,
}

/// What is nginx's.
const X_ACCEL: FieldNames = FieldNames::of(&[
    FieldName::XAccelCharset,
    FieldName::XAccelExpires,
    FieldName::XAccelLimitRate,
    FieldName::XAccelRedirect,
]);

/// What is lighttpd's and Apache's.
const X_SENDFILE: FieldNames = FieldNames::of(&[FieldName::XLighttpdSendFile, FieldName::XSendfile]);

impl Accel {
    /// The fields that are heeded.
    pub fn heeded(&self) -> FieldNames {
        let accel = if self.enabled { X_ACCEL } else { FieldNames::NONE };
        match self.send_file.is_empty() {
            true => accel,
            false => accel.or(X_SENDFILE),
        }
    }

    /// The file of that name, if it is below the directory of one of the routes.
    pub(super) fn file(&self, name: &[u8]) -> InternalUri {
        let found = self
            .send_file
            .iter()
            .find_map(|from| Some((from, from.below(name)?)));
        match found {
            Some((from, path)) => InternalUri::file(&from.route, path),
            None => InternalUri::Invalid(Bytes::copy_from_slice(name)),
        }
    }
}

impl SendFile {
    /// The rest of the name of a file in the directory, slash included.
    fn below<'a>(&self, name: &'a [u8]) -> Option<&'a [u8]> {
        let root = self.root.as_os_str().as_bytes();
        let rest = name.strip_prefix(root.strip_suffix(b"/").unwrap_or(root))?;
        (rest.len() > 1 && rest.starts_with(b"/")).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Target;

    #[test]
    fn only_files_below_the_directories_can_be_sent() {
        let from = |route: &str, root: &str| SendFile {
            route: route.to_owned(),
            root: root.into(),
        };
        let accel = Accel {
            enabled: true,
            send_file: vec![from("media", "/srv/media"), from("all", "/srv/all/")],
        };
        let within = |route: &str, target| InternalUri::Within(route.into(), Target::from_static(target));
        for (name, expected) in [
            ("/srv/media/a b.pdf", within("media", "/a%20b.pdf")),
            ("/srv/all/x/y", within("all", "/x/y")),
        ] {
            assert_eq!(accel.file(name.as_bytes()), expected);
        }
        for name in [
            "",
            "a",
            "/etc/passwd",
            "/srv/media",
            "/srv/media/",
            "/srv/mediaa/x",
            "/srv/media/../x",
            "/srv/media/a/../../x",
        ] {
            assert!(
                matches!(accel.file(name.as_bytes()), InternalUri::Invalid(_)),
                "{name}"
            );
        }
    }
}
