//! The JSON Schema of the file, for editors.

use serde_json::{Map, Value as Json, json};

use super::layout::{Default, Form, Key, Layout};
use super::table::Table;
use super::tables::File;

/// JSON Schema 2020-12 of a configuration file.
pub fn schema() -> Json {
    let mut tables = Map::new();
    let Json::Object(mut root) = table(File::layout(), &mut tables) else {
        return Json::Null;
    };
    root.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    root.insert("title".to_owned(), json!("Bridgehead configuration"));
    root.insert("$defs".to_owned(), Json::Object(tables));
    Json::Object(root)
}

/// A table; those that it refers to are added to `tables`.
fn table(layout: Layout, tables: &mut Map<String, Json>) -> Json {
    let keys = layout.keys.into_iter();
    let properties: Map<String, Json> = keys
        .map(|key| (key.name.to_owned(), property(key, tables)))
        .collect();
    json!({
        "description": layout.doc,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn property(key: Key, tables: &mut Map<String, Json>) -> Json {
    let description = match &key.default {
        Some(Default::Required) => format!("{} Required.", key.doc),
        Some(Default::Value(text) | Default::Words(text)) => format!("{} Default: {text}.", key.doc),
        None => key.doc.clone(),
    };
    let mut schema = match key.form {
        Form::Value { schema, .. } => schema,
        Form::Table(layout) => reference(layout, tables),
        Form::Switch(layout) => json!({ "anyOf": [{ "type": "boolean" }, reference(layout, tables)] }),
        Form::Tables(layout) => json!({ "type": "array", "items": reference(layout, tables) }),
        Form::Named(layout) => {
            json!({ "type": "object", "additionalProperties": reference(layout, tables) })
        }
    };
    schema["description"] = json!(description);
    schema
}

fn reference(layout: Layout, tables: &mut Map<String, Json>) -> Json {
    let name = layout.name;
    let schema = table(layout, tables);
    tables.insert(name.to_owned(), schema);
    json!({ "$ref": format!("#/$defs/{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key of every table, with its schema.
    fn keys() -> Vec<(String, Json)> {
        let schema = schema();
        let tables = schema["$defs"].as_object().unwrap();
        let all = tables.values().chain([&schema]);
        let properties = all.flat_map(|table| table["properties"].as_object().unwrap());
        properties
            .map(|(key, schema)| (key.clone(), schema.clone()))
            .collect()
    }

    #[test]
    fn nothing_can_be_null() {
        let text = schema().to_string();
        assert_eq!(text.matches("null").count(), 0);
    }

    #[test]
    fn every_key_is_explained_and_has_a_form() {
        for (key, schema) in keys() {
            let explained = schema["description"].as_str().is_some_and(|text| text.len() > 5);
            let form = ["type", "enum", "anyOf", "$ref"]
                .iter()
                .any(|form| !schema[*form].is_null());
            assert!(explained && form, "{key}: {schema}");
        }
    }

    #[test]
    fn bounds_and_defaults_are_said() {
        let schema = schema();
        let upstream = &schema["$defs"]["Upstream"]["properties"];
        assert_eq!(upstream["balance"]["type"], "string");
        assert_eq!(upstream["head_size"]["minimum"], 8 * 1024);
        let said = upstream["head_size"]["description"].as_str().unwrap();
        assert!(said.ends_with("Default: \"64KiB\"."), "{said}");
        assert_eq!(upstream["queue"]["$ref"], "#/$defs/Queue");
        assert_eq!(schema["properties"]["route"]["items"]["$ref"], "#/$defs/Route");
    }
}
