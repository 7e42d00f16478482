//! The interface's description, made from the table of routes and the types themselves. Pure.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::routes::{Body, ROUTES, Route};
use super::wire;
use crate::config::file::Document;
use crate::metrics::CONTENT_TYPE;

/// The media type of JSON objects that each stand on a line.
pub const LINES: &str = "application/x-ndjson";

/// The OpenAPI 3.1 document of [`ROUTES`].
pub fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let error = generator.subschema_for::<wire::Error>().to_value();
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.name()] = operation(route, &error, &mut generator);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "lb-ctl daemon",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "HTTP/1.1 and JSON on the daemon's Unix socket.",
        },
        "servers": [{ "url": "http://localhost", "description": "curl --unix-socket PATH" }],
        "paths": paths,
        "components": { "schemas": generator.take_definitions(true) },
    })
}

fn operation(route: &Route, error: &Value, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": format!("{:?}", route.operation),
        "summary": route.summary,
        "parameters": parameters(route),
        "responses": {
            "200": response("Done", content(route.response, generator)),
            "default": response(
                "Not done: 422 refused, 404 not found, 409 there already, 400 unreadable, 500 failed",
                Some(json!({ "application/json": { "schema": error } })),
            ),
        },
    });
    if let Some(content) = content(route.request, generator) {
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

fn response(description: &str, content: Option<Value>) -> Value {
    match content {
        Some(content) => json!({ "description": description, "content": content }),
        None => json!({ "description": description }),
    }
}

fn parameters(route: &Route) -> Vec<Value> {
    let path = route.path_parameters().map(|name| {
        json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": path_parameter(name),
            "schema": { "type": "string" },
        })
    });
    let query = route.query.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": "query",
            "description": parameter.description,
            "schema": { "type": parameter.kind },
        })
    });
    path.chain(query).collect()
}

fn path_parameter(name: &str) -> &'static str {
    match name {
        "protocol" => "tcp or udp",
        "endpoint" => {
            "VIP and ports: 192.0.2.10:80, [2001:db8::10]:8000-8100 or, for any port, 192.0.2.10:0"
        }
        _ => "The real's address",
    }
}

fn content(body: Body, generator: &mut SchemaGenerator) -> Option<Value> {
    const JSON: &str = "application/json";
    Some(match body {
        Body::Empty => return None,
        Body::Json(schema) => json!({ JSON: { "schema": schema(generator) } }),
        Body::Lines(schema) => json!({ LINES: { "schema": schema(generator) } }),
        Body::JsonOrLines(whole, each) => json!({
            JSON: { "schema": whole(generator) },
            LINES: { "schema": each(generator) },
        }),
        Body::Definition => {
            json!({ JSON: { "schema": generator.subschema_for::<Document>() } })
        }
        Body::Metrics => json!({ CONTENT_TYPE: { "schema": { "type": "string" } } }),
        Body::Description => {
            let schema = json!({ "type": "object", "description": "An OpenAPI document." });
            json!({ JSON: { "schema": schema } })
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn describes_every_route_once_and_nothing_else() {
        let document = document();
        let paths = document["paths"].as_object().unwrap();
        let described: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(described, ROUTES.len());
        for route in ROUTES {
            let operation = &document["paths"][route.path][route.method.name()];
            assert_eq!(operation["summary"], route.summary, "{}", route.path);
            assert_eq!(operation["requestBody"].is_null(), matches!(route.request, Body::Empty));
        }
    }

    #[test]
    fn an_operation_has_one_route() {
        let operations: HashSet<_> = ROUTES.iter().map(|route| route.operation).collect();
        assert_eq!(operations.len(), ROUTES.len());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(value: &Value, seen: &mut Vec<String>) {
            match value {
                Value::Object(map) => {
                    if let Some(Value::String(target)) = map.get("$ref") {
                        seen.push(target.clone());
                    }
                    map.values().for_each(|value| walk(value, seen));
                }
                Value::Array(values) => values.iter().for_each(|value| walk(value, seen)),
                _ => {}
            }
        }
        let document = document();
        let mut references = Vec::new();
        walk(&document, &mut references);
        assert!(references.iter().any(|target| target == "#/components/schemas/List"));
        for target in references {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{target}");
        }
    }
}
