//! Capabilities: what a target can do. Cases need them; a profile and the command line say which there are.

use crate::notation::Case;

/// What a target can do: what its profile says and what is added to that, less what is taken away.
///
/// # Errors
///
/// A name that is neither one of [`ALL`] nor needed by one of `cases`, and one that is both added and taken away.
pub fn combine(
    profile: &[String],
    added: &[String],
    taken: &[String],
    cases: &[Case],
) -> Result<Vec<String>, String> {
    for name in added.iter().chain(taken) {
        let needed = || cases.iter().any(|case| case.needs.contains(name));
        if !ALL.contains(&name.as_str()) && !needed() {
            return Err(format!(
                "`{name}` is no capability, and no case here needs it; there are: {}",
                ALL.join(", ")
            ));
        }
    }
    if let Some(name) = added.iter().find(|name| taken.contains(name)) {
        return Err(format!("both --provides {name} and --lacks {name}"));
    }
    let all = profile.iter().chain(added);
    Ok(all.filter(|name| !taken.contains(name)).cloned().collect())
}

/// Those that the kit's cases need and its profiles have; README.md says what each of them means.
pub const ALL: [&str; 36] = [
    // pages of the probe
    "env",
    "echo",
    "download",
    "stream",
    "cookies",
    "headers",
    "status",
    "sleep",
    "noread",
    "stderr",
    "exit",
    "mixed",
    "lies",
    "nobody",
    // other things about application servers
    "php",
    "ping",
    "authorizer",
    "filter",
    "denied",
    "harakiri",
    "websocket",
    "single",
    "keep",
    "program",
    // front ends
    "hasty",
    "pool",
    "block_limit",
    "body_limit",
    "php_site",
    "named_host",
    "head_timeout",
    "body_timeout",
    "untrusted",
    "trusted",
    "h2c",
    "upgrade",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_command_line_adds_to_a_profile_and_takes_away_from_it() {
        let (profile, none) = (names(&["env", "keep"]), names(&[]));
        let all = combine(&profile, &names(&["php"]), &names(&["keep"]), &[]);
        assert_eq!(all, Ok(names(&["env", "php"])));
        assert_eq!(
            combine(&profile, &none, &names(&["php"]), &[]),
            Ok(profile.clone())
        );
    }

    #[test]
    fn a_name_that_nothing_knows_is_refused() {
        let (added, taken) = (names(&["kepe"]), names(&[]));
        let error = combine(&[], &added, &taken, &[]).expect_err("unknown");
        assert!(
            error.starts_with("`kepe` is no capability") && error.contains("keep"),
            "{error}"
        );
        assert!(combine(&[], &taken, &added, &[]).is_err());
        let both = names(&["keep"]);
        assert!(combine(&[], &both, &both, &[]).is_err());
    }
}
