//! What the command line asks for.

use anyhow::{Context, Result, bail, ensure};
use testbed::Kind;

use super::case::{self, Case};
use super::trial::Extent;

/// Which cases, how long, on which build.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Order {
    names: Vec<String>,
    /// Load and time.
    pub(crate) extent: Extent,
    /// The release build instead of the debug build.
    pub(crate) is_release: bool,
    /// The servers at the same time.
    pub(crate) together: bool,
    /// Write `benches/CHAOS.md`.
    pub(crate) write: bool,
}

impl Order {
    /// Reads the arguments after `chaos`.
    ///
    /// # Errors
    ///
    /// When there is one that makes no sense.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut order = Self {
            names: Vec::new(),
            extent: FULL,
            is_release: true,
            together: false,
            write: false,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--seconds" => order.extent.seconds = number(arguments.next())?,
                "--rate" => order.extent.rate = number(arguments.next())?,
                "--debug" => order.is_release = false,
                "--together" => order.together = true,
                "--write" => order.write = true,
                option if option.starts_with('-') => bail!("unknown option {option}"),
                name => order.names.push(name.to_owned()),
            }
        }
        Ok(order)
    }

    /// The form that runs before every commit.
    pub(crate) fn short() -> Self {
        Self {
            names: Vec::new(),
            extent: SHORT,
            is_release: false,
            together: true,
            write: false,
        }
    }

    /// The cases of a server, by names like `flood`, `php-fpm` and `php-fpm/flood`. One that takes several times as long as
    /// the others is no part of a shorter run, unless it is named.
    pub(crate) fn cases(&self, kind: Kind) -> Vec<Case> {
        let is_shorter = self.extent.seconds < FULL.seconds;
        let wanted = |case: &Case| {
            let full = format!("{kind}/{}", case.name);
            let is_named = |name: &String| [case.name, kind.name(), &full].contains(&name.as_str());
            match self.names.is_empty() {
                true => case.times == 1 || !is_shorter,
                false => self.names.iter().any(is_named),
            }
        };
        case::ALL.into_iter().filter(wanted).collect()
    }
}

fn number(argument: Option<&String>) -> Result<u32> {
    let number = argument.and_then(|text| text.parse().ok());
    let number = number.context("--seconds and --rate need a number")?;
    ensure!(number > 0, "--seconds and --rate need a number above 0");
    Ok(number)
}

const FULL: Extent = Extent {
    seconds: 60,
    rate: 250,
};
const SHORT: Extent = Extent {
    seconds: 10,
    rate: 200,
};

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Order> {
        Order::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn names_and_options_come_in_any_order() {
        let order = parse("php-fpm/flood --seconds 5 --debug reload --rate 50 --write").unwrap();
        assert_eq!(order.extent, Extent { seconds: 5, rate: 50 });
        assert!(order.write && !order.is_release);
        let names = |kind| -> Vec<_> { order.cases(kind).iter().map(|case| case.name).collect() };
        assert_eq!(names(Kind::PhpFpm), ["reload", "flood"]);
        assert_eq!(names(Kind::UwsgiUwsgi), ["reload"]);
    }

    #[test]
    fn what_is_no_option_is_refused() {
        assert!(parse("--second 5").is_err());
        assert!(parse("--seconds 0").is_err());
        assert!(parse("--rate").is_err());
    }

    #[test]
    fn the_short_form_has_every_case_of_ordinary_length() {
        assert_eq!(
            Order::short().cases(Kind::PhpFpm).len(),
            case::ALL.iter().filter(|case| case.times == 1).count()
        );
    }
}
