//! What the kit knows about a target: its application, its variables, what it can do.

use std::num::NonZeroUsize;

use crate::content::Scope;
use crate::notation::{Complaint, File, Node, Source, Table};
use crate::protocol::Protocol;

/// A file of `profiles/`.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Short.
    pub name: String,
    /// What target it fits.
    pub about: String,
    /// The only protocol that it is for, if there is one.
    pub protocol: Option<Protocol>,
    /// Capabilities.
    pub provides: Vec<String>,
    /// Connections that the target can serve at once.
    pub jobs: NonZeroUsize,
    /// The names of the files of known deviations.
    pub expectations: Vec<String>,
    params: Vec<(String, String)>,
    values: Vec<(String, String)>,
}

impl Profile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The first complaint.
    pub fn read(file: &File) -> Result<Self, Complaint> {
        let source = Source::new(&file.path, &file.text);
        let document = source.parse()?;
        let mut table = Table::new(document.get_ref(), document.span(), source);
        let protocols = Protocol::ALL.map(|protocol| (protocol.name(), protocol));
        let params = table.take("params").map_or(Ok(Vec::new()), |node| node.items())?;
        let values = table
            .take("values")
            .map_or(Ok(Vec::new()), |node| node.entries())?;
        let value = |(name, node): (String, Node<'_>)| Ok((name, node.scalar()?));
        let profile = Self {
            name: table.need("name")?.string()?,
            about: table.need("about")?.string()?,
            protocol: table
                .take("protocol")
                .map(|node| node.one_of(&protocols))
                .transpose()?,
            provides: table.strings("provides")?,
            jobs: table
                .integer("jobs")?
                .and_then(NonZeroUsize::new)
                .unwrap_or(NonZeroUsize::MIN),
            expectations: table
                .take("expectations")
                .map_or(Ok(Vec::new()), |node| node.one_or_more())?,
            params: params.iter().map(read_param).collect::<Result<_, _>>()?,
            values: values.into_iter().map(value).collect::<Result<_, Complaint>>()?,
        };
        table.finish()?;
        Ok(profile)
    }

    /// The values and variables for cases; `set` goes before the profile's own.
    pub fn scope(&self, protocol: Protocol, set: &[(String, String)]) -> Scope {
        let scope = Scope {
            params: self.params.clone(),
            ..Scope::new(protocol)
        };
        let all = self.values.iter().chain(set);
        all.fold(scope, |scope, (name, value)| scope.with(name, value))
    }
}

fn read_param(node: &Node<'_>) -> Result<(String, String), Complaint> {
    match node.strings()?.as_slice() {
        [name, template] => Ok((name.clone(), template.clone())),
        _ => Err(node.complaint("a variable is [\"NAME\", \"template\"]")),
    }
}
