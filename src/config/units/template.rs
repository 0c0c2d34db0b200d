//! Texts with variables: `https://$host$request_uri`.

use std::str::FromStr;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::suggest;
use crate::telemetry::variable::{self as logged, LogVariable};
use crate::variables::{self, Template, TemplateError};

/// A text with variables of a request.
pub(in crate::config) fn template(typed: &At<String>, complaints: &mut Complaints) -> Option<Template> {
    Template::with_captures(typed, &complaints.captures)
        .map_err(|error| complain(&error, typed, typed, complaints))
        .ok()
}

/// A text with variables of the access log.
pub(in crate::config) fn log_template(
    typed: &At<String>,
    complaints: &mut Complaints,
) -> Option<Template<LogVariable>> {
    let names: Vec<&str> = logged::NAMES.into_iter().chain(variables::NAMES).collect();
    typed
        .parse::<Template<LogVariable>>()
        .map_err(|error| complain_of(&error, &names, typed, typed, complaints))
        .ok()
}

/// Says what is wrong with `text`, a part of what was typed, in which the variables of a request may be.
pub(in crate::config) fn complain(
    error: &TemplateError,
    text: &str,
    typed: &At<String>,
    complaints: &mut Complaints,
) {
    match error {
        TemplateError::Unknown(name) if LogVariable::from_str(name).is_ok() => {
            let place = complaints.part(typed.span(), name);
            let complaint =
                complaints.error(place, format!("`{name}` is not known before the request is over"));
            complaint.help("it is a variable of `access_format` in [log] alone");
        }
        _ => {
            let captures = complaints.captures.clone();
            let captures = captures.iter().map(String::as_str);
            let names: Vec<&str> = variables::NAMES.into_iter().chain(captures).collect();
            complain_of(error, &names, text, typed, complaints);
        }
    }
}

/// Says what is wrong with `text`, a part of what was typed; there are variables of these names.
fn complain_of(
    error: &TemplateError,
    names: &[&str],
    text: &str,
    typed: &At<String>,
    complaints: &mut Complaints,
) {
    let known = || suggest::list(names.iter().copied());
    let (wrong, help) = match error {
        TemplateError::Unknown(name) => {
            let help = match suggest::nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", known()),
            };
            (&**name, help)
        }
        TemplateError::Field(name) => {
            let help = "write the name of a field in lower case with `_` for `-`: $http_x_user";
            (&**name, help.to_owned())
        }
        TemplateError::Dollar => (text, format!("the variables are {}", known())),
    };
    let place = complaints.part(typed.span(), wrong);
    complaints.error(place, error.to_string()).help(help);
}
