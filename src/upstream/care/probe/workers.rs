//! How many workers an endpoint says it has.
//!
//! What it says is not always what is meant. GET_VALUES: php-cgi gives its number of children; PHP-FPM leaves the
//! number out; what is linked with libfcgi says 1 and means the one process that happened to answer (reference,
//! section 1.8), so a single worker is not believed. PHP-FPM's status page: the number of processes is
//! `pm.max_children` with `pm = static` only; otherwise it is what there is at the moment or was at most in use,
//! and the true limit, which the page does not tell (php-src#16221), is not below.

use std::time::Duration;

use serde::Deserialize;

use super::{Prober, Verdict};
use crate::protocol::Target;
use crate::protocol::fastcgi::Capabilities;
use crate::upstream::model::Workers;
use crate::upstream::model::config::EndpointConfig;
use crate::upstream::model::config::slots::Ask;

impl Prober {
    /// Asks the endpoint, which needs a worker for the answer. `Err` when there was none.
    pub async fn workers(
        &self,
        endpoint: &EndpointConfig,
        ask: &Ask,
        limit: Duration,
    ) -> Result<Workers, Verdict> {
        match ask {
            Ask::Nothing => Ok(Workers::Unknown),
            Ask::GetValues => Ok(of_values(self.capabilities(endpoint, limit).await?)),
            Ask::FpmStatus(path) => Ok(of_status(&self.fpm_page(endpoint, &as_json(path), limit).await?)),
        }
    }
}

/// The smaller of the two numbers, if it says anything.
fn of_values(values: Capabilities) -> Workers {
    let known = [values.max_conns, values.max_reqs].into_iter().flatten().min();
    match known {
        Some(count @ 2..) => Workers::Exactly(count as usize),
        Some(0 | 1) | None => Workers::Unknown,
    }
}

/// What is of use on the status page.
#[derive(Deserialize)]
struct Status {
    #[serde(rename = "process manager")]
    manager: String,
    #[serde(rename = "total processes")]
    total: u32,
    #[serde(rename = "max active processes", default)]
    most_active: u32,
}

fn of_status(page: &[u8]) -> Workers {
    let Ok(status) = serde_json::from_slice::<Status>(page) else {
        return Workers::Unknown;
    };
    // A process that is just being replaced is missing in the total. A reload begins a new page.
    match (
        status.manager.as_str(),
        status.total.max(status.most_active) as usize,
    ) {
        (_, 0) => Workers::Unknown,
        ("static", all) => Workers::Exactly(all),
        (_, seen) => Workers::AtLeast(seen),
    }
}

/// The page as JSON and without the list of processes, which takes long in a big pool, whatever the path asks for.
fn as_json(path: &Target) -> Target {
    let json = [path.path(), b"?json"].concat();
    Target::from_bytes(json.into()).unwrap_or_else(|_| path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(max_conns: Option<u32>, max_reqs: Option<u32>) -> Workers {
        of_values(Capabilities {
            max_conns,
            max_reqs,
            mpxs_conns: Some(false),
        })
    }

    #[test]
    fn one_process_does_not_speak_for_its_siblings() {
        assert_eq!(values(Some(8), Some(8)), Workers::Exactly(8));
        assert_eq!(values(Some(8), Some(4)), Workers::Exactly(4));
        assert_eq!(values(Some(1), Some(1)), Workers::Unknown);
        assert_eq!(values(Some(0), None), Workers::Unknown);
        assert_eq!(values(None, None), Workers::Unknown);
    }

    fn status(manager: &str, total: u32, active: u32) -> Workers {
        of_status(
            format!(
                "{{\"pool\":\"www\",\"process manager\":\"{manager}\",\"total processes\":{total},\
                 \"max active processes\":{active}}}"
            )
            .as_bytes(),
        )
    }

    #[test]
    fn only_a_static_pool_tells_its_size() {
        assert_eq!(status("static", 8, 2), Workers::Exactly(8));
        assert_eq!(status("static", 7, 8), Workers::Exactly(8));
        assert_eq!(status("dynamic", 2, 7), Workers::AtLeast(7));
        assert_eq!(status("ondemand", 1, 0), Workers::AtLeast(1));
    }

    #[test]
    fn nonsense_says_nothing() {
        for page in [
            "",
            "pool: www",
            "{}",
            "[1]",
            "{\"process manager\":\"static\",\"total processes\":-1}",
        ] {
            assert_eq!(of_status(page.as_bytes()), Workers::Unknown);
        }
        assert_eq!(status("static", 0, 0), Workers::Unknown);
        assert_eq!(of_status("[".repeat(60_000).as_bytes()), Workers::Unknown);
    }
}
