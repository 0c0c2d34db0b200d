//! The authority itself: its certificate and its key.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustix::system::uname;
use x509_parser::time::ASN1Time;

use super::private::{self, Lock};
use crate::acme::names::{LOCAL, NETWORKS};

/// The certificate of the authority, which is what machines are to believe.
pub(super) const CERTIFICATE: &str = "root.pem";

/// Its key.
const KEY: &str = "root.key";

/// How long the authority is good: a machine that believes it is not to be asked again before it is replaced itself.
const ROOT: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Clocks of others may go wrong by so much.
const SKEW: Duration = Duration::from_secs(3600);

/// Issues certificates for local names.
pub struct LocalAuthority {
    /// Its certificate, as PEM.
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// Why there is no local certificate.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// A file cannot be read, or made.
    #[error("the local authority: {0}")]
    Io(#[from] io::Error),
    /// What is in its files is of no use.
    #[error(
        "the local authority in {}: {why}; without its two files {CERTIFICATE} and {KEY} a new one is made, which \
         machines have to be told to believe (bridgehead trust)",
        directory.display()
    )]
    Malformed {
        /// Where it is.
        directory: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A certificate cannot be issued.
    #[error("the local authority cannot issue for {names}: {why}", names = names.join(", "))]
    Issue {
        /// The names that it is for.
        names: Vec<String>,
        /// What is wrong.
        why: String,
    },
}

impl LocalAuthority {
    /// The one in a directory; made, if there is none.
    ///
    /// # Errors
    ///
    /// When its files cannot be read or made, or are of no use.
    pub fn open_or_make(directory: &Path) -> Result<Self, LocalError> {
        Self::locked(directory, &Lock::acquire(directory)?)
    }

    /// The one in a directory, if there is one.
    ///
    /// # Errors
    ///
    /// When its files cannot be read, or are of no use.
    pub fn open(directory: &Path) -> Result<Option<Self>, LocalError> {
        let certificate = private::read(&directory.join(CERTIFICATE))?;
        let Some(certificate) = certificate else {
            return Ok(None);
        };
        let malformed = |why: String| LocalError::Malformed {
            directory: directory.to_owned(),
            why,
        };
        let key =
            private::read(&directory.join(KEY))?.ok_or_else(|| malformed(format!("{KEY} is missing")))?;
        let key = KeyPair::from_pem(&key).map_err(|error| malformed(format!("{KEY}: {error}")))?;
        let issuer = Issuer::from_ca_cert_pem(&certificate, key);
        Ok(Some(Self {
            issuer: issuer.map_err(|error| malformed(format!("{CERTIFICATE}: {error}")))?,
            certificate,
        }))
    }

    pub(super) fn locked(directory: &Path, lock: &Lock) -> Result<Self, LocalError> {
        if let Some(there) = Self::open(directory)? {
            return Ok(there);
        }
        let made = make(SystemTime::now()).map_err(|error| LocalError::Malformed {
            directory: directory.to_owned(),
            why: error.to_string(),
        });
        let (certificate, key) = made?;
        // The certificate is what says that there is an authority: it comes last.
        lock.write(&directory.join(KEY), &key)?;
        lock.write(&directory.join(CERTIFICATE), &certificate)?;
        tracing::info!(directory = %directory.display(), "a local authority was made; `bridgehead trust` has machines believe it");
        Self::open(directory)?.ok_or_else(|| LocalError::Io(io::ErrorKind::NotFound.into()))
    }

    /// The certificate of the one in a directory, as PEM, and its file; its key is for the gateway alone.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn certificate_in(directory: &Path) -> Result<Option<(PathBuf, String)>, LocalError> {
        let file = directory.join(CERTIFICATE);
        let certificate = private::read(&file)?;
        Ok(certificate.map(|certificate| (file, certificate)))
    }

    /// Its certificate, as PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate for some names, good for `lifetime`, with its key in front, as PEM.
    pub(super) fn issue(
        &self,
        names: &[String],
        lifetime: Duration,
        now: SystemTime,
    ) -> Result<String, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = certificate(names, lifetime, now)?;
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(key.serialize_pem() + &certificate.pem())
    }
}

/// What certificates of servers have in common; the first name is that of the holder.
pub(super) fn certificate(
    names: &[String],
    lifetime: Duration,
    now: SystemTime,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    let holder = names.first().map(String::as_str).unwrap_or_default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, holder);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    validity(&mut params, lifetime, now)?;
    Ok(params)
}

fn make(now: SystemTime) -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Bridgehead");
    params.distinguished_name.push(DnType::CommonName, name());
    // It issues for servers only, and for no further authorities.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(constraints());
    validity(&mut params, ROOT, now)?;
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

/// With the name of the machine: those of several stand side by side in a browser.
fn name() -> String {
    let system = uname();
    let machine = system.nodename().to_string_lossy();
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let machine: String = machine.chars().filter(plain).take(MACHINE).collect();
    format!("Bridgehead Local Authority {machine}")
        .trim_end()
        .to_owned()
}

fn constraints() -> NameConstraints {
    let names = LOCAL
        .iter()
        .map(|name| GeneralSubtree::DnsName((*name).to_owned()));
    let networks = NETWORKS.iter().filter_map(|(address, bits)| {
        let network = CidrSubnet::from_addr_prefix(address.parse().ok()?, *bits);
        Some(GeneralSubtree::IpAddress(network))
    });
    NameConstraints {
        permitted_subtrees: names.chain(networks).collect(),
        excluded_subtrees: Vec::new(),
    }
}

fn validity(params: &mut CertificateParams, lifetime: Duration, now: SystemTime) -> Result<(), rcgen::Error> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let moment = |at: Duration| {
        let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
        let moment = ASN1Time::from_timestamp(seconds).map_err(|_| rcgen::Error::Time)?;
        Ok::<_, rcgen::Error>(moment.to_datetime())
    };
    params.not_before = moment(now.saturating_sub(SKEW))?;
    params.not_after = moment(now + lifetime - SKEW)?;
    Ok(())
}

/// Characters of a machine's name: with the rest, a common name has 64 (RFC 5280, appendix A.1).
const MACHINE: usize = 32;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_made_once_and_its_key_is_for_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let directory = dir.path().join("state/local");
        assert!(LocalAuthority::open(&directory).unwrap().is_none());
        let made = LocalAuthority::open_or_make(&directory).unwrap();
        let again = LocalAuthority::open_or_make(&directory).unwrap();
        assert_eq!(made.certificate(), again.certificate());
        let (file, certificate) = LocalAuthority::certificate_in(&directory).unwrap().unwrap();
        assert_eq!(file, directory.join("root.pem"));
        assert_eq!(made.certificate(), certificate);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&directory), 0o700);
        for file in fs::read_dir(&directory).unwrap() {
            assert_eq!(mode(&file.unwrap().path()), 0o600);
        }
        let mut names: Vec<_> = fs::read_dir(&directory)
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["lock", "root.key", "root.pem"]);
    }

    #[test]
    fn files_that_are_of_no_use_are_named_and_stay() {
        let dir = tempfile::tempdir().unwrap();
        LocalAuthority::open_or_make(dir.path()).unwrap();
        fs::write(dir.path().join("root.key"), "nothing").unwrap();
        let error = LocalAuthority::open_or_make(dir.path())
            .err()
            .unwrap()
            .to_string();
        let start = format!("the local authority in {}: root.key: ", dir.path().display());
        assert!(error.starts_with(&start), "{error}");
        fs::remove_file(dir.path().join("root.key")).unwrap();
        let error = LocalAuthority::open_or_make(dir.path())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("root.key is missing"), "{error}");
    }
}
