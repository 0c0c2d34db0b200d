//! A certificate authority of a test's own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertificateSigningRequestParams,
    CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, RevokedCertParams, SerialNumber, date_time_ymd,
};

/// Issues certificates that nothing outside of the test believes.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate, and behind it those of its issuers but the last, as PEM.
    pub cert: String,
    /// The key, as PEM.
    pub key: String,
    /// The number of the certificate.
    pub serial: u64,
}

/// What a certificate is to be like.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The hosts that it is for.
    pub names: &'a [&'a str],
    /// The common name of its holder; the first host, if it is empty.
    pub holder: &'a str,
    /// The last year of its validity; it begins in 2020.
    pub until: i32,
    /// Another curve than that of others: a second kind of key.
    pub p384: bool,
    /// The number of the certificate.
    pub serial: u64,
}

impl Default for Wanted<'_> {
    fn default() -> Self {
        Self {
            names: &[],
            holder: "",
            until: 2100,
            p384: false,
            serial: 1,
        }
    }
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn new(name: &str) -> Result<Self> {
        let params = authority(name)?;
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?,
        })
    }

    /// One below this one.
    ///
    /// # Errors
    ///
    /// As [`Authority::new`].
    pub fn below(&self, name: &str) -> Result<Self> {
        let params = authority(name)?;
        Ok(Self {
            issuer: CertifiedIssuer::signed_by(params, KeyPair::generate()?, &self.issuer)?,
        })
    }

    /// Its own certificate, as PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Its own certificate, as DER.
    pub fn der(&self) -> Vec<u8> {
        self.issuer.der().to_vec()
    }

    /// A certificate for hosts.
    ///
    /// # Errors
    ///
    /// As [`Authority::new`], and when a name is none.
    pub fn issue(&self, names: &[&str]) -> Result<Issued> {
        self.issue_as(&Wanted {
            names,
            ..Wanted::default()
        })
    }

    /// A certificate as it is wanted, for servers and clients.
    ///
    /// # Errors
    ///
    /// As [`Authority::issue`].
    pub fn issue_as(&self, wanted: &Wanted<'_>) -> Result<Issued> {
        let names: Vec<String> = wanted.names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        let holder = match wanted.holder {
            "" => wanted.names.first().copied().unwrap_or("nameless"),
            holder => holder,
        };
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Shop, Inc.");
        params.distinguished_name.push(DnType::CommonName, holder);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(wanted.until, 1, 1);
        params.serial_number = Some(SerialNumber::from(wanted.serial));
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        let algorithm = match wanted.p384 {
            true => &PKCS_ECDSA_P384_SHA384,
            false => &PKCS_ECDSA_P256_SHA256,
        };
        let key = KeyPair::generate_for(algorithm)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            cert: certificate.pem(),
            key: key.serialize_pem(),
            serial: wanted.serial,
        })
    }

    /// A certificate as a request (PKCS #10, DER) wants it, with its number, good since yesterday and for so many days
    /// from now on, as PEM.
    ///
    /// # Errors
    ///
    /// When the request is none.
    pub fn sign(&self, request: &[u8], serial: u64, days: u64) -> Result<String> {
        let mut request = CertificateSigningRequestParams::from_der(&request.to_vec().into())?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let begin = date_time_ymd(1970, 1, 1) + Duration::from_secs(now.as_secs());
        request.params.not_before = begin - Duration::from_secs(24 * 3600);
        request.params.not_after = begin + Duration::from_secs(days * 24 * 3600);
        request.params.serial_number = Some(SerialNumber::from(serial));
        request.params.use_authority_key_identifier_extension = true;
        Ok(request.signed_by(&self.issuer)?.pem())
    }

    /// A list of revoked certificates, as PEM.
    ///
    /// # Errors
    ///
    /// As [`Authority::new`].
    pub fn revoke(&self, revoked: &[&Issued]) -> Result<String> {
        let revoked_certs = revoked.iter().map(|issued| RevokedCertParams {
            serial_number: SerialNumber::from(issued.serial),
            revocation_time: date_time_ymd(2021, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2021, 1, 1),
            next_update: date_time_ymd(2100, 1, 1),
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }
}

impl Issued {
    /// Writes `NAME.pem` and `NAME.key` into a directory. At no moment is there half a file.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn write(&self, dir: &Path, name: &str) -> Result<()> {
        for (suffix, text) in [("pem", &self.cert), ("key", &self.key)] {
            write(&dir.join(format!("{name}.{suffix}")), text)?;
        }
        Ok(())
    }

    /// The same with more certificates behind its own.
    pub fn with_chain(mut self, issuers: &[&Authority]) -> Self {
        for issuer in issuers {
            self.cert.push_str(&issuer.pem());
        }
        self
    }
}

/// Replaces a file.
fn write(path: &PathBuf, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text).with_context(|| format!("cannot write {}", new.display()))?;
    fs::set_permissions(&new, Permissions::from_mode(0o600))?;
    fs::rename(&new, path).with_context(|| format!("cannot replace {}", path.display()))
}

fn authority(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    Ok(params)
}
