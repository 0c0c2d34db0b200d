//! The JSON Schema of the file, for editors.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

use super::file::File;

/// JSON Schema 2020-12 of a configuration file.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(WithoutNull);
    settings
        .into_generator()
        .into_root_schema_for::<File>()
        .to_value()
}

/// Takes `null` out of every type: keys are left out in TOML, there is no null to write.
#[derive(Clone, Debug)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut Schema) {
        for key in ["type", "enum", "anyOf"] {
            if let Some(Value::Array(choices)) = schema.get_mut(key) {
                choices.retain(|choice| !is_null(choice));
            }
        }
        if schema.get("default").is_some_and(Value::is_null) {
            schema.remove("default");
        }
        flatten(schema);
        transform_subschemas(self, schema);
    }
}

/// A choice of one is none.
fn flatten(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type")
        && let [only] = types.as_slice()
    {
        let only = only.clone();
        schema.insert("type".to_owned(), only);
    }
    let single = matches!(schema.get("anyOf"), Some(Value::Array(choices)) if choices.len() == 1);
    if let (true, Some(Value::Array(choices))) = (single, schema.get("anyOf").cloned()) {
        schema.remove("anyOf");
        for (key, value) in choices.iter().filter_map(Value::as_object).flatten() {
            schema.insert(key.clone(), value.clone());
        }
    }
}

/// As a value, as the name of a type, or as a schema that allows nothing else.
fn is_null(choice: &Value) -> bool {
    choice.is_null() || choice == "null" || choice.get("type").is_some_and(|name| name == "null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_be_null() {
        let text = schema().to_string();
        assert_eq!(text.matches("null").count(), 0);
    }

    #[test]
    fn a_choice_of_one_is_written_plainly() {
        let schema = schema();
        let upstream = &schema["$defs"]["Upstream"]["properties"];
        assert_eq!(upstream["balance"]["type"], "string");
        assert_eq!(upstream["head_size"]["$ref"], "#/$defs/Size");
    }
}
