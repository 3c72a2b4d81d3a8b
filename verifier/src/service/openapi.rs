//! The description of the API. In: the table of routes and the schemas of what they read and write; out: an OpenAPI 3.1
//! document. It is made of the rows that the routes are registered from, so that neither can lack what the other has.

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::{
    access::{Body, ROUTES, Route, Rule},
    auth::Role,
    health, info, keys, policies, projects, provenance,
    release::{self, revocation, search},
    tokens,
};

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(plain_path(route.path)).or_insert_with(|| Value::Object(Map::new()));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.as_str().to_ascii_lowercase(), operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Prooftrail", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "MIT OR Apache-2.0" } },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
        },
    })
}

/// The path without the patterns of its variable parts, which OpenAPI does not have.
fn plain_path(path: &str) -> String {
    path.split('/')
        .map(|part| match part.split_once(':') {
            Some((name, _)) if part.starts_with('{') => format!("{name}}}"),
            _ => part.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("/")
}

fn operation(route: &Route) -> Value {
    let Route { method, path, rule, body, query, summary, answers, handler: _ } = route;
    let plain = plain_path(path);
    let variable = plain.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path =
        variable.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = query
        .iter()
        .map(|name| json!({ "name": name, "in": "query", "required": false, "schema": { "type": "string" } }));
    let problem = json!({
        "description": "A problem (RFC 9457)",
        "content": { "application/problem+json": { "schema": reference("Problem") } },
    });
    let success = match answers {
        Some(schema) => json!({
            "description": "Done", "content": { "application/json": { "schema": reference(schema) } }
        }),
        None => json!({ "description": "Done" }),
    };
    let mut operation = Map::new();
    let mut set = |name: &str, value: Value| drop(operation.insert(name.to_owned(), value));
    set("summary", json!(summary));
    set("operationId", json!(format!("{} {plain}", method.as_str().to_ascii_lowercase())));
    set("parameters", json!(in_path.chain(in_query).collect::<Vec<_>>()));
    set("responses", json!({ "200": success, "default": problem }));
    let (roles, instance): (&[Role], bool) = match rule {
        Rule::Public | Rule::Agent => (&[], false),
        Rule::Project(roles) => (roles, false),
        Rule::Instance(roles) => (roles, true),
    };
    if rule.needs_principal() {
        set("security", json!([{ "bearer": [] }]));
        set("x-roles", json!(roles));
        set("x-instance", json!(instance));
    } else {
        set("security", json!([]));
    }
    match body {
        Body::Empty => {}
        Body::Json(cap, schema) => {
            let content = json!({ "application/json": { "schema": reference(schema) } });
            set("requestBody", json!({ "required": true, "content": content, "x-max-bytes": cap }));
        }
        Body::Text(cap) => {
            let text = json!({ "schema": { "type": "string" } });
            let content = json!({ "text/plain": text, "application/toml": text });
            set("requestBody", json!({ "required": true, "content": content, "x-max-bytes": cap }));
        }
    }
    Value::Object(operation)
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// Every schema by its name.
fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    add::<Role>(&mut schemas);
    add::<health::Health>(&mut schemas);
    add::<health::Ready>(&mut schemas);
    add::<info::WellKnown>(&mut schemas);
    add::<projects::NewProject>(&mut schemas);
    add::<projects::Project>(&mut schemas);
    add::<projects::ProjectList>(&mut schemas);
    add::<tokens::NewTokenRequest>(&mut schemas);
    add::<tokens::IssuedToken>(&mut schemas);
    add::<tokens::RevokedToken>(&mut schemas);
    add::<tokens::TokenList>(&mut schemas);
    add::<tokens::Token>(&mut schemas);
    add::<policies::PolicyVersion>(&mut schemas);
    add::<policies::PolicyList>(&mut schemas);
    add::<policies::UploadedPolicy>(&mut schemas);
    add::<policies::PolicyText>(&mut schemas);
    add::<policies::Activation>(&mut schemas);
    add::<keys::NewKey>(&mut schemas);
    add::<keys::Revocation>(&mut schemas);
    add::<keys::WitnessKey>(&mut schemas);
    add::<keys::KeyVersion>(&mut schemas);
    add::<keys::KeyList>(&mut schemas);
    add::<keys::KeyRecipient>(&mut schemas);
    add::<search::DecisionList>(&mut schemas);
    add::<search::FoundDecision>(&mut schemas);
    add::<revocation::ReleaseRevocation>(&mut schemas);
    add::<revocation::RevokedRelease>(&mut schemas);
    add::<provenance::ProofRecords>(&mut schemas);
    add::<provenance::FoundProof>(&mut schemas);
    schemas.extend(release::schemas::all());
    let text = json!({ "type": "string" });
    schemas.insert(
        "Problem".to_owned(),
        json!({
            "type": "object",
            "required": ["type", "title", "status", "detail", "code"],
            "properties": {
                "type": text, "title": text, "status": { "type": "integer" }, "detail": text, "code": text,
                "instance": text, "reasons": { "type": "array", "items": { "type": "object" } },
            },
        }),
    );
    schemas
}

fn add<T: ToSchema + PartialSchema>(schemas: &mut Map<String, Value>) {
    // A schema is made of strings, numbers and maps with text keys.
    let schema = serde_json::to_value(T::schema()).unwrap_or_default();
    schemas.insert(T::name().into_owned(), schema);
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{ROUTES, document, plain_path};

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(map) => map.iter().for_each(|(key, value)| match value {
                    Value::String(text) if key == "$ref" => found.push(text.clone()),
                    _ => references(value, found),
                }),
                Value::Array(list) => list.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() >= ROUTES.len());
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some_and(Value::is_object), "{reference}");
        }
    }

    #[test]
    fn a_path_has_no_pattern() {
        assert_eq!(plain_path("/ledger/tile/{tile:.*}"), "/ledger/tile/{tile}");
        assert_eq!(plain_path("/v1/tokens/{id}"), "/v1/tokens/{id}");
    }
}
