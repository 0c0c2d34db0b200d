//! Certificates that are sent compressed (RFC 8879).

use testbed::TlsClient;

use super::Site;

#[test]
fn a_certificate_is_compressed_as_the_client_takes_it() {
    let site = Site::new();
    for compression in [&["brotli"][..], &["zlib"], &["zlib", "brotli"]] {
        let tls = site.tls_as(&TlsClient {
            name: "shop.example",
            compression,
            ..TlsClient::default()
        });
        assert!(!site.resumes(&tls));
        assert_eq!(tls.compressed(), 1, "{compression:?}");
    }
    let tls = site.tls();
    assert!(!site.resumes(&tls));
    assert_eq!(tls.compressed(), 0);
}
