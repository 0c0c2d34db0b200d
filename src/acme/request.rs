//! Keys, requests for certificates, and the certificate that answers a challenge.

use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize,
};

use super::answer::Answer;
use super::base64;
use super::config::KeyKind;
use super::failure::Cause;

/// A key for a certificate, as PEM. An RSA key takes a moment: not for a thread of the runtime.
pub(super) fn key(kind: KeyKind) -> Result<String, Cause> {
    let key = match kind {
        KeyKind::EcdsaP256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        KeyKind::EcdsaP384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
        KeyKind::Rsa2048 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
    };
    Ok(key.map_err(failed)?.serialize_pem())
}

/// The request for a certificate with a key (RFC 2986), base64url.
pub(super) fn csr(name: &str, key: &str) -> Result<String, Cause> {
    let key = KeyPair::from_pem(key).map_err(failed)?;
    let csr = params(name)?.serialize_request(&key).map_err(failed)?;
    Ok(base64::encode(csr.der()))
}

/// The public key that belongs to a key (SubjectPublicKeyInfo).
pub(super) fn public_key(key: &str) -> Result<Vec<u8>, Cause> {
    use rcgen::PublicKeyData;
    Ok(KeyPair::from_pem(key).map_err(failed)?.subject_public_key_info())
}

/// The certificate, with its key, that a directory is shown in a handshake (RFC 8737, section 3), as PEM.
pub(super) fn alpn_certificate(answer: &Answer) -> Result<String, Cause> {
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = params(&answer.name)?;
    let digest = answer.digest();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest.as_ref())];
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(key.serialize_pem() + &certificate.pem())
}

fn params(name: &str) -> Result<CertificateParams, Cause> {
    let mut params = CertificateParams::new([name.to_owned()]).map_err(failed)?;
    params.distinguished_name = DistinguishedName::new();
    Ok(params)
}

fn failed(error: rcgen::Error) -> Cause {
    Cause::Request(error.to_string())
}
