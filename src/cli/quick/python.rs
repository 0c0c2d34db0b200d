//! `bridgehead wsgi` and `bridgehead asgi`: the application of a Python project, and the server that is installed for it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::project::Project;
use super::{Common, directory};
use crate::process::Kind;

/// Serve a Python application that speaks WSGI: Django, Flask and others.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct WsgiArgs {
    /// The application [default: the one of a Django project, app.py, wsgi.py or main.py].
    #[arg(value_name = "MODULE:APP")]
    application: Option<String>,
    /// The directory of the project [default: the current one].
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Serve a Python application that speaks ASGI: FastAPI, Starlette, Django and others.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct AsgiArgs {
    /// The application [default: the one of a Django project, app.py, asgi.py or main.py].
    #[arg(value_name = "MODULE:APP")]
    application: Option<String>,
    /// The directory of the project [default: the current one].
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// One of the two interfaces of Python.
struct Interface {
    /// The file of a Django project.
    django: &'static str,
    /// Files that hold applications.
    files: [&'static str; 5],
    /// Server programs, the best first.
    servers: &'static [Kind],
    advice: &'static str,
}

const WSGI: Interface = Interface {
    django: "wsgi.py",
    files: ["app.py", "wsgi.py", "main.py", "application.py", "__init__.py"],
    servers: &[Kind::Gunicorn, Kind::Uwsgi],
    advice: "pip install gunicorn",
};

const ASGI: Interface = Interface {
    django: "asgi.py",
    files: ["app.py", "asgi.py", "main.py", "application.py", "__init__.py"],
    servers: &[Kind::Uvicorn, Kind::Hypercorn, Kind::Granian],
    advice: "pip install uvicorn",
};

/// Finds what a WSGI server is to load.
pub(super) fn find_wsgi(args: &WsgiArgs) -> Result<Project> {
    let directory = directory(args.directory.as_deref())?;
    project(&directory, args.application.as_deref(), &args.common, &WSGI)
}

/// Finds what an ASGI server is to load.
pub(super) fn find_asgi(args: &AsgiArgs) -> Result<Project> {
    let directory = directory(args.directory.as_deref())?;
    project(&directory, args.application.as_deref(), &args.common, &ASGI)
}

fn project(directory: &Path, named: Option<&str>, common: &Common, interface: &Interface) -> Result<Project> {
    let found = match named {
        Some(named) => Found {
            name: "the application",
            why: "named".to_owned(),
            application: named.to_owned(),
        },
        None => match application(directory, interface) {
            Some(found) => found,
            None => bail!(
                "no application found in {}: name it, such as `app:app` for `app` in app.py",
                directory.display()
            ),
        },
    };
    let (kind, program) = match &common.server {
        Some(server) => (kind_of(server).unwrap_or(interface.servers[0]), None),
        None => match server(directory, interface) {
            Some((kind, program)) => (kind, Some(program)),
            None => bail!("no server for it is installed: {}", interface.advice),
        },
    };
    let Found {
        name,
        why,
        application,
    } = found;
    // Distributions have the interpreter in a plugin of its own, which that of pip has not.
    let is_packaged = kind == Kind::Uwsgi
        && program
            .as_ref()
            .is_some_and(|program| program.starts_with("/usr/bin"));
    let args = match is_packaged {
        true => ["--plugin", "python3"].map(str::to_owned).into(),
        false => Vec::new(),
    };
    Ok(Project {
        name,
        why,
        kind: Some(kind),
        directory: directory.to_owned(),
        program,
        application: Some(application),
        args,
        routes: format!("[[route]]\nproxy = {{ upstream = \"{}\" }}\n", Project::APP),
    })
}

/// An application that was recognized.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) name: &'static str,
    pub(super) why: String,
    pub(super) application: String,
}

/// A WSGI application of a directory.
#[cfg(test)]
pub(super) fn wsgi(directory: &Path) -> Option<Found> {
    application(directory, &WSGI)
}

/// An ASGI application of a directory.
#[cfg(test)]
pub(super) fn asgi(directory: &Path) -> Option<Found> {
    application(directory, &ASGI)
}

fn application(directory: &Path, interface: &Interface) -> Option<Found> {
    django(directory, interface).or_else(|| {
        let mut files = interface.files.into_iter();
        files.find_map(|file| in_file(directory, file))
    })
}

/// `manage.py`, and beside it a package with `wsgi.py` or `asgi.py`.
fn django(directory: &Path, interface: &Interface) -> Option<Found> {
    if !directory.join("manage.py").is_file() {
        return None;
    }
    let entries = fs::read_dir(directory).ok()?.flatten();
    let mut packages: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    packages.sort();
    let package = packages
        .into_iter()
        .find(|package| directory.join(package).join(interface.django).is_file())?;
    let module = interface.django.trim_end_matches(".py");
    Some(Found {
        name: "Django",
        why: format!("manage.py and {package}/{}", interface.django),
        application: format!("{package}.{module}:application"),
    })
}

/// An application, or a function that makes one, at the outermost level of a file.
fn in_file(directory: &Path, file: &str) -> Option<Found> {
    let path = directory.join(file);
    let length = fs::metadata(&path).ok()?.len();
    if length > MAX_FILE {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    let assigned = |name: &&str| {
        let assigns = |line: &str| {
            let rest = line.strip_prefix(*name);
            rest.is_some_and(|rest| {
                rest.trim_start().starts_with(['=', ':']) && !rest.trim_start().starts_with("==")
            })
        };
        text.lines().any(assigns)
    };
    let defined = |name: &&str| {
        text.lines().any(|line| {
            let line = line.strip_prefix("async ").unwrap_or(line);
            line.strip_prefix("def ")
                .is_some_and(|rest| rest.starts_with(&format!("{name}(")))
        })
    };
    let module = file.trim_end_matches(".py");
    let name = framework(&text);
    let found = |word: &str, application: String| Found {
        name,
        why: format!("`{word}` in {file}"),
        application: format!("{module}:{application}"),
    };
    if let Some(word) = ["application", "app"]
        .iter()
        .find(|word| assigned(word) || defined(word))
    {
        return Some(found(word, (*word).to_owned()));
    }
    let factory = ["create_app", "make_app"].iter().find(|word| defined(word))?;
    Some(found(factory, format!("{factory}()")))
}

fn framework(text: &str) -> &'static str {
    let known = FRAMEWORKS.iter().find(|(module, _)| {
        text.contains(&format!("from {module} ")) || text.contains(&format!("import {module}"))
    });
    known.map_or("a Python application", |(_, name)| name)
}

/// The server program: that of the virtual environment, else one on the search path.
fn server(directory: &Path, interface: &Interface) -> Option<(Kind, PathBuf)> {
    let active = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let beside = [".venv", "venv", "env"].map(|name| directory.join(name));
    let environments = active
        .into_iter()
        .chain(beside)
        .map(|environment| environment.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places: Vec<_> = environments.chain(std::env::split_paths(&path)).collect();
    let mut found = places.iter().flat_map(|place| {
        let server = |kind: &Kind| (*kind, place.join(kind.as_str()));
        interface.servers.iter().map(server)
    });
    found.find(|(_, program)| program.is_file())
}

/// The kind of a server that is named by its program.
fn kind_of(server: &str) -> Option<Kind> {
    let name = Path::new(server).file_name()?.to_str()?;
    let known = [
        Kind::Gunicorn,
        Kind::Uwsgi,
        Kind::Uvicorn,
        Kind::Hypercorn,
        Kind::Granian,
    ];
    known.into_iter().find(|kind| kind.as_str() == name)
}

const FRAMEWORKS: [(&str, &str); 8] = [
    ("flask", "Flask"),
    ("fastapi", "FastAPI"),
    ("starlette", "Starlette"),
    ("bottle", "Bottle"),
    ("falcon", "Falcon"),
    ("pyramid", "Pyramid"),
    ("quart", "Quart"),
    ("litestar", "Litestar"),
];

/// Bytes of a file that is looked into.
const MAX_FILE: u64 = 1024 * 1024;
