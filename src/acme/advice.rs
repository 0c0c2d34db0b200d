//! What a directory says about when a certificate is to be renewed (ACME Renewal Information, RFC 9773).

use std::path::PathBuf;
use std::time::Duration;

use super::client::Client;
use super::config::DirectoryConfig;
use super::disk::on_disk;
use super::failure::Cause;
use super::http::Http;
use super::message::RenewalInfo;
use super::schedule::Window;

/// What it says, and for how long that is good; `None`: it says nothing of such things.
pub(super) async fn ask(
    directory: &DirectoryConfig,
    certificate: &str,
) -> Result<(Option<Window>, Option<Duration>), Cause> {
    let http = on_disk({
        let ca: Option<PathBuf> = directory.ca.clone();
        move || Http::load(ca).map_err(|error| Cause::Request(error.to_string()))
    });
    let mut client = Client::open(http.await?, &directory.url).await?;
    let Some(base) = client.directory.renewal_info.clone() else {
        return Ok((None, None));
    };
    let url = format!("{}/{certificate}", base.trim_end_matches('/'));
    let reply = client.get(&url).await?;
    let info: RenewalInfo = reply.json(&url)?;
    let window = Window {
        start: seconds(&info.suggested_window.start)?,
        end: seconds(&info.suggested_window.end)?,
    };
    if let Some(explanation) = info.explanation {
        tracing::info!(
            certificate,
            explanation,
            "the directory says why the certificate is to be renewed then"
        );
    }
    Ok((Some(window), reply.retry_after))
}

/// A moment (RFC 3339), in seconds since 1970.
fn seconds(text: &str) -> Result<i64, Cause> {
    let moment: Result<jiff::Timestamp, _> = text.parse();
    let moment = moment.map_err(|error| Cause::Senseless(format!("`{text}` as a time: {error}")))?;
    Ok(moment.as_second())
}
