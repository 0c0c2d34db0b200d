//! Texts with variables: `https://$host$request_uri`.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::suggest;
use crate::variables::{self, Template, TemplateError};

/// A text with variables of a request.
pub(in crate::config) fn template(typed: &At<String>, complaints: &mut Complaints) -> Option<Template> {
    match typed.parse() {
        Ok(template) => Some(template),
        Err(error) => {
            complain(&error, typed, typed, complaints);
            None
        }
    }
}

/// Says what is wrong with `text`, a part of what was typed.
pub(in crate::config) fn complain(
    error: &TemplateError,
    text: &str,
    typed: &At<String>,
    complaints: &mut Complaints,
) {
    let names = || suggest::list(variables::NAMES);
    let (wrong, help) = match error {
        TemplateError::Unknown(name) => {
            let help = match suggest::nearest(name, variables::NAMES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names()),
            };
            (&**name, help)
        }
        TemplateError::Field(name) => {
            let help = "write the name of a field in lower case with `_` for `-`: $http_x_user";
            (&**name, help.to_owned())
        }
        TemplateError::Dollar => (text, format!("the variables are {}", names())),
    };
    let place = complaints.part(typed.span(), wrong);
    complaints.error(place, error.to_string()).help(help);
}
