//! Results on stdout.

use std::io::{self, Write};
use std::process::ExitCode;

use super::{START_FAILED, complaint};

/// Writes a result. A reader that has seen enough (`| head`) is no failure.
pub(super) fn output(text: impl AsRef<[u8]>) -> ExitCode {
    match write(text.as_ref()) {
        Err(error) if !has_seen_enough(&error) => {
            complaint::error(format_args!("cannot write to stdout: {error}"));
            START_FAILED.into()
        }
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

/// Writes a piece of a result, at once.
pub(super) fn write(piece: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(piece).and_then(|()| stdout.flush())
}

/// Whether writing failed because the reader is gone.
pub(super) fn has_seen_enough(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}
