//! Tables in tables.

use std::collections::BTreeMap;

use super::Table;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;
use crate::config::units::Unit;

/// A table: `[name]` or `name = { … }`.
pub(in crate::config) struct Section;

/// `true`, `false`, or a table: see [`Switch`].
pub(in crate::config) struct FlagOrSection;

/// Something that is off, on as usual, or on as a table says.
#[derive(Clone, Debug)]
pub(in crate::config) enum Switch<T> {
    Off,
    On,
    Own(T),
}

/// Any number of tables: `[[name]]`.
pub(in crate::config) struct Repeated;

/// Tables with names: `[name.NAME]`.
pub(in crate::config) struct ByName;

impl<T: Table> Unit<T> for Section {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<T> {
        let table = node.table(complaints)?;
        Some(T::read(table, complaints))
    }

    fn show(&self, table: &T) -> Shown {
        Shown::Table(table.show())
    }

    fn form(&self) -> Form {
        Form::Table(T::layout())
    }
}

impl<T: Table> Unit<Switch<T>> for FlagOrSection {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Switch<T>> {
        match &node.value {
            Value::Flag(true) => Some(Switch::On),
            Value::Flag(false) => Some(Switch::Off),
            Value::Table(table) => Some(Switch::Own(T::read(table, complaints))),
            _ => {
                node.refuse("`true`, `false` or a table", complaints);
                None
            }
        }
    }

    fn show(&self, switch: &Switch<T>) -> Shown {
        match switch {
            Switch::Off => Shown::plain(false),
            Switch::On => Shown::plain(true),
            Switch::Own(table) => Shown::Table(table.show()),
        }
    }

    fn form(&self) -> Form {
        Form::Switch(T::layout())
    }
}

impl<T: Table> Unit<Vec<At<T>>> for Repeated {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Vec<At<T>>> {
        let mut tables = Vec::new();
        for item in node.list(complaints)? {
            match Section.read(item, complaints) {
                Some(table) => tables.push(At::new(item.span.clone(), table)),
                None => complaints.damage(node.span.clone()),
            }
        }
        Some(tables)
    }

    fn show(&self, tables: &Vec<At<T>>) -> Shown {
        Shown::Tables(tables.iter().map(|table| table.show()).collect())
    }

    fn form(&self) -> Form {
        Form::Tables(T::layout())
    }
}

impl<T: Table> Unit<BTreeMap<At<String>, At<T>>> for ByName {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<BTreeMap<At<String>, At<T>>> {
        let typed = node.table(complaints)?;
        let mut tables = BTreeMap::new();
        for (name, item) in &typed.entries {
            match Section.read(item, complaints) {
                Some(table) => {
                    tables.insert(name.clone(), At::new(item.span.clone(), table));
                }
                None => complaints.damage(typed.span.clone()),
            }
        }
        Some(tables)
    }

    fn show(&self, tables: &BTreeMap<At<String>, At<T>>) -> Shown {
        let shown = tables
            .iter()
            .map(|(name, table)| (name.to_string(), table.show()));
        Shown::Named(shown.collect())
    }

    fn form(&self) -> Form {
        Form::Named(T::layout())
    }
}
