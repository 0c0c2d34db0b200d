//! How certificates are compressed for clients that take that (RFC 8879).
//!
//! A certificate is compressed in the first handshake that needs it, on a thread that other connections wait for: quickly.
//! rustls would do its best instead, which takes brotli a hundred times as long for some percent, and remember four
//! certificates: with more, that would come again and again.

use std::sync::Arc;

use rustls::CertificateCompressionAlgorithm;
use rustls::compress::{
    BROTLI_COMPRESSOR, CertCompressor, CompressionCache, CompressionFailed, CompressionLevel, ZLIB_COMPRESSOR,
};
use rustls::server::ServerConfig;

/// Certificates of a listener that are remembered, at most: each has some kilobytes for each way.
const REMEMBERED: usize = 1024;

/// Compresses at the level for a client that waits.
#[derive(Debug)]
struct Quick(&'static &'static dyn CertCompressor);

static BROTLI: Quick = Quick(&BROTLI_COMPRESSOR);

static ZLIB: Quick = Quick(&ZLIB_COMPRESSOR);

/// Has a server compress so many certificates.
pub(super) fn prepare(server: &mut ServerConfig, certificates: usize) {
    let ways: [&'static dyn CertCompressor; 2] = [&BROTLI, &ZLIB];
    server.cert_compressors = ways.into();
    let remembered = ways.len() * certificates.clamp(1, REMEMBERED);
    server.cert_compression_cache = Arc::new(CompressionCache::new(remembered));
}

impl CertCompressor for Quick {
    fn compress(&self, input: Vec<u8>, _level: CompressionLevel) -> Result<Vec<u8>, CompressionFailed> {
        self.0.compress(input, CompressionLevel::Interactive)
    }

    fn algorithm(&self) -> CertificateCompressionAlgorithm {
        self.0.algorithm()
    }
}
