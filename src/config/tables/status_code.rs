//! Statuses of answers.

use http::StatusCode;

use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::Node;
use crate::config::shown::Shown;
use crate::config::units::{Number, Unit};

/// A status within a range.
pub(super) struct Status(pub(super) Number);

impl Unit<StatusCode> for Status {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<StatusCode> {
        let status: u32 = self.0.read(node, complaints)?;
        let status = u16::try_from(status).ok()?;
        StatusCode::from_u16(status).ok()
    }

    fn show(&self, status: &StatusCode) -> Shown {
        Shown::plain(status.as_u16())
    }

    fn form(&self) -> Form {
        Unit::<u32>::form(&self.0)
    }
}
