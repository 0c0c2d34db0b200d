//! What can be asked for, as a line.

use std::fmt;
use std::str::FromStr;

/// A request of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlRequest {
    /// Another generation of the application of this name.
    Restart(String),
}

impl FromStr for ControlRequest {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        match line.split_once(' ') {
            Some((RESTART, name)) if !name.is_empty() => Ok(Self::Restart(name.to_owned())),
            _ => Err("not a request: the gateway is of another version".to_owned()),
        }
    }
}

impl fmt::Display for ControlRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restart(name) => write!(f, "{RESTART} {name}"),
        }
    }
}

const RESTART: &str = "restart";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_prints_as_it_is_read() {
        let request = ControlRequest::Restart("shop".to_owned());
        assert_eq!(request.to_string().parse(), Ok(request));
        assert!("restart ".parse::<ControlRequest>().is_err());
        assert!("stop shop".parse::<ControlRequest>().is_err());
    }
}
