//! Results on stdout.

use std::io::{self, Write};
use std::process::ExitCode;

use super::START_FAILED;

/// Writes a result. A reader that has seen enough (`| head`) is no failure.
pub(super) fn output(text: impl AsRef<[u8]>) -> ExitCode {
    match write(text.as_ref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot write to stdout: {error}");
            START_FAILED.into()
        }
    }
}

/// Writes a piece of a result, at once.
pub(super) fn write(piece: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(piece).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
