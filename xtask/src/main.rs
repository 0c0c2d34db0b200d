//! Everything a developer or CI runs; see [`USAGE`].

mod audit;
mod bench;
mod capture;
mod chaos;
mod conform;
mod debian;
mod fresh;
mod fuzz;
mod guard;
mod http2;
mod policy;
mod step;
mod test;

use std::env;
use std::process::ExitCode;

use anyhow::{Result, bail};

use debian::Consent;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let consent = Consent::take_from(&mut arguments);
    match run(&arguments, consent) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = error.downcast_ref::<step::Failure>();
            if !failure.is_some_and(step::Failure::is_reported) {
                eprintln!("xtask: {error:#}");
            }
            failure.map_or(ExitCode::FAILURE, step::Failure::exit_code)
        }
    }
}

fn run(arguments: &[String], consent: Consent) -> Result<()> {
    match arguments.split_first().map(|(task, rest)| (task.as_str(), rest)) {
        Some(("test", [])) => test::everything(consent),
        Some(("test", names)) => test::only(names, consent),
        Some(("fresh", rest)) => fresh::run(rest, consent),
        Some(("fuzz", rest)) => fuzz::run(rest),
        Some(("bench", rest)) => bench::run(rest, consent),
        Some(("guard", rest)) => guard::run(rest, consent),
        Some(("chaos", rest)) => chaos::run(rest, consent),
        Some(("tls-audit", rest)) => audit::run(rest, consent),
        Some(("conform", rest)) => conform::run(rest, consent),
        Some(("capture", names)) => capture::run(names, consent),
        _ => bail!("{USAGE}"),
    }
}

const USAGE: &str = "usage:
  cargo xtask test                      everything that has to pass before a commit
  cargo xtask test NAME...              only the tests whose names contain NAME
  cargo xtask fresh [NAME...] [--nextest]
                                        the two commands of README.md in a minimal Debian root, as root and as
                                        an ordinary user; NAME: root/demo, root/test, user/demo, user/test
  cargo xtask fuzz [TARGET] [SECONDS]   each fuzz target, or one, for 60 seconds or as long as said
  cargo xtask capture [NAME...]         fixtures/wire from the real servers; only files whose names contain NAME
  cargo xtask bench [NAME...] [--requests N]
                                        Bridgehead and nginx on the same work; see benches/README.md
  cargo xtask guard [--write]           instructions and system calls per request on the core paths, against
                                        benches/limits.txt, or into it
  cargo xtask chaos [NAME...] [--seconds N] [--rate N] [--debug] [--together] [--write]
                                        faults under load with real servers; see benches/CHAOS.md
  cargo xtask tls-audit                 testssl.sh against the defaults of TLS
  cargo xtask conform [NAME...] [--intrusive] [--write]
                                        the conformance kit against real servers and front ends; see
                                        protocol-tests/RESULTS.md
With --install, or CI=true, the Debian packages that a task needs are installed without a question.";
