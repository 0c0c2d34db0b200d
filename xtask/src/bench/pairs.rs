//! CPU time of both servers, measured in turns.

use anyhow::{Context, Result};

/// What one piece of work costs both, in seconds of CPU time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cpu {
    /// Bridgehead's median.
    pub(crate) bridgehead: f64,
    /// nginx's median.
    pub(crate) nginx: f64,
    /// The median of the ratios within pairs, Bridgehead to nginx.
    pub(crate) ratio: f64,
}

/// Measures each server [`PAIRS`] times. Each goes first in every other pair, so that what else the machine does hits
/// both alike.
///
/// # Errors
///
/// Those of the measurements.
pub(crate) fn cpu(
    mut bridgehead: impl FnMut() -> Result<f64>,
    mut nginx: impl FnMut() -> Result<f64>,
) -> Result<Cpu> {
    let mut pairs = Vec::new();
    for turn in 0..PAIRS {
        let pair = match turn % 2 {
            0 => (bridgehead()?, nginx()?),
            _ => {
                let theirs = nginx()?;
                (bridgehead()?, theirs)
            }
        };
        pairs.push(pair);
    }
    let median = |of: fn(&(f64, f64)) -> f64| median(pairs.iter().map(of).collect());
    Ok(Cpu {
        bridgehead: median(|(ours, _)| *ours)?,
        nginx: median(|(_, theirs)| *theirs)?,
        ratio: median(|(ours, theirs)| ours / theirs)?,
    })
}

/// The middle one of an odd number of figures.
fn median(mut figures: Vec<f64>) -> Result<f64> {
    figures.sort_by(f64::total_cmp);
    figures
        .get(figures.len() / 2)
        .copied()
        .context("nothing was measured")
}

/// Pairs, in one run; an odd number.
pub(crate) const PAIRS: usize = 5;

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn medians_pass_over_what_the_machine_disturbed() {
        let mut ours = [1.0, 9.0, 1.0, 2.0, 1.0].into_iter();
        let mut theirs = [2.0, 2.0, 2.0, 2.0, 20.0].into_iter();
        let cpu = cpu(
            || ours.next().context("a sixth"),
            || theirs.next().context("a sixth"),
        )
        .unwrap();
        let expected = Cpu {
            bridgehead: 1.0,
            nginx: 2.0,
            ratio: 0.5,
        };
        assert_eq!(cpu, expected);
    }

    #[test]
    fn the_servers_take_turns_at_being_first() {
        let order = RefCell::new(String::new());
        let note = |server| {
            order.borrow_mut().push(server);
            Ok(1.0)
        };
        cpu(|| note('b'), || note('n')).unwrap();
        assert_eq!(order.into_inner(), "bnnbbnnbbn");
    }
}
