//! Certificates of the local authority in their files: made, and made anew in time.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::authority::{CERTIFICATE, LocalAuthority, LocalError};
use super::private::{self, Lock};
use crate::transport::tls::CertificateFacts;

/// How long a certificate is good.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// Where the local authority of a store is.
pub fn directory(store: &Path) -> PathBuf {
    store.join("local")
}

/// Where the certificate for a host is, `shop.test`, `*.shop.test`, `127.0.0.1`, `[::1]`, with its key.
pub fn path(store: &Path, host: &str) -> PathBuf {
    let plain = |c: char| match c {
        '*' | ':' => '_',
        c => c,
    };
    let name: String = bare(host).chars().map(plain).collect();
    directory(store).join(format!("{name}.pem"))
}

/// Sees to it that each host has a certificate of the local authority that is good for a third of its time at least. How many were
/// made.
///
/// # Errors
///
/// When the authority or a file cannot be made.
pub fn provide<'a>(
    store: &Path,
    hosts: impl IntoIterator<Item = &'a str>,
    now: SystemTime,
) -> Result<usize, LocalError> {
    let mut made = 0;
    for host in hosts {
        made += usize::from(provide_one(store, host, now)?);
    }
    Ok(made)
}

fn provide_one(store: &Path, host: &str, now: SystemTime) -> Result<bool, LocalError> {
    let (directory, file, names) = (directory(store), path(store, host), names(host));
    let root = private::read(&directory.join(CERTIFICATE))?;
    if let Some(root) = &root
        && is_good(&file, root, &names, now)?
    {
        return Ok(false);
    }
    let lock = Lock::acquire(&directory)?;
    let authority = LocalAuthority::locked(&directory, &lock)?;
    // Another process may have been faster.
    if is_good(&file, authority.certificate(), &names, now)? {
        return Ok(false);
    }
    let issued = authority.issue(&names, LIFETIME, now);
    let issued = issued.map_err(|error| LocalError::Issue {
        names: names.clone(),
        why: error.to_string(),
    })?;
    lock.write(&file, &issued)?;
    tracing::info!(names = names.join(" "), file = %file.display(), "certificate issued by the local authority");
    Ok(true)
}

/// What the certificate for a host is for: this machine has three names, and clients that use an address ask for none.
fn names(host: &str) -> Vec<String> {
    let host = bare(host);
    match host.as_str() {
        "localhost" => ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into(),
        _ => vec![host],
    }
}

fn bare(host: &str) -> String {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.to_ascii_lowercase()
}

/// Whether what a file holds can be used on.
fn is_good(file: &Path, root: &str, names: &[String], now: SystemTime) -> Result<bool, LocalError> {
    let Some(text) = private::read(file)? else {
        return Ok(false);
    };
    let facts = [root, &text].map(|pem| CertificateFacts::of_pem(pem.as_bytes()));
    let [Ok(root), Ok(facts)] = facts else {
        return Ok(false);
    };
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let third = (facts.not_after - facts.not_before) / 3;
    let in_time = facts.not_before <= now && now < facts.not_after - third;
    let has = |name: &String| facts.names.contains(name);
    Ok(in_time
        && facts.issuer == root.subject
        && facts.issuer_key_id == root.key_id
        && names.iter().all(has)
        && text.contains("PRIVATE KEY"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{CertificateError, Error, RootCertStore};

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// What a client says that believes the authority.
    fn verified(authority: &LocalAuthority, pem: &str, name: &str) -> Result<(), Error> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(authority.certificate().as_bytes()).unwrap())
            .unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider().into();
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
            .build()
            .unwrap();
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let verified = verifier.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now());
        verified.map(|_| ())
    }

    #[test]
    fn clients_that_believe_the_authority_believe_what_it_issues() {
        let store = tempfile::tempdir().unwrap();
        for (host, names) in [
            ("localhost", &["localhost", "127.0.0.1", "::1"][..]),
            ("*.shop.test", &["www.shop.test"]),
            ("192.168.1.7", &["192.168.1.7"]),
            ("[fd00::7]", &["fd00::7"]),
        ] {
            assert_eq!(provide(store.path(), [host], SystemTime::now()).unwrap(), 1);
            let authority = LocalAuthority::open(&directory(store.path())).unwrap().unwrap();
            let pem = fs::read_to_string(path(store.path(), host)).unwrap();
            for name in names {
                assert_eq!(verified(&authority, &pem, name), Ok(()), "{name}");
            }
        }
    }

    #[test]
    fn its_key_is_worth_nothing_for_names_of_others() {
        let dir = tempfile::tempdir().unwrap();
        let authority = LocalAuthority::open_or_make(dir.path()).unwrap();
        for name in ["bank.example", "192.0.2.1", "2001:db8::1", "localhost.example"] {
            let pem = authority
                .issue(&[name.to_owned()], LIFETIME, SystemTime::now())
                .unwrap();
            let error = verified(&authority, &pem, name).unwrap_err();
            let why = matches!(&error, Error::InvalidCertificate(CertificateError::Other(_)));
            assert!(
                why && format!("{error:?}").contains("NameConstraint"),
                "{name}: {error:?}"
            );
        }
    }

    #[test]
    fn a_certificate_stays_for_two_thirds_of_its_time() {
        let store = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let provide = |now| provide(store.path(), ["localhost"], now).unwrap();
        let read = || fs::read_to_string(path(store.path(), "localhost")).unwrap();
        assert_eq!(provide(now), 1);
        let first = read();
        assert_eq!(provide(now + 19 * DAY), 0);
        assert_eq!(first, read());
        assert_eq!(provide(now + 21 * DAY), 1);
        assert_ne!(first, read());
    }

    #[test]
    fn what_cannot_be_used_is_made_anew() {
        let store = tempfile::tempdir().unwrap();
        let provide = || provide(store.path(), ["a.test", "b.test"], SystemTime::now()).unwrap();
        assert_eq!(provide(), 2);
        fs::write(path(store.path(), "a.test"), "nothing").unwrap();
        assert_eq!(provide(), 1);
        // That of another name.
        fs::copy(path(store.path(), "a.test"), path(store.path(), "b.test")).unwrap();
        assert_eq!(provide(), 1);
        // Another authority.
        for file in ["root.pem", "root.key"] {
            fs::remove_file(directory(store.path()).join(file)).unwrap();
        }
        assert_eq!((provide(), provide()), (2, 0));
    }

    #[test]
    fn several_processes_make_one_authority() {
        let store = tempfile::tempdir().unwrap();
        let made = std::thread::scope(|scope| {
            let provide = || provide(store.path(), ["localhost"], SystemTime::now()).unwrap();
            let all: Vec<_> = (0..4).map(|_| scope.spawn(provide)).collect();
            all.into_iter().map(|one| one.join().unwrap()).sum::<usize>()
        });
        assert_eq!(made, 1);
    }

    #[test]
    fn a_file_is_named_after_its_host() {
        let name = |host| path(Path::new("/s"), host).display().to_string();
        assert_eq!(name("*.Shop.test"), "/s/local/_.shop.test.pem");
        assert_eq!(name("[fd00::1]"), "/s/local/fd00__1.pem");
    }
}
