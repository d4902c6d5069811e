//! `/openapi.json`: the description of everything that is served over TCP (OpenAPI 3.1), made from
//! the table of operations, from the types of queries, bodies and answers, and from the table of
//! errors. What an operation takes and gives stands in [`described`]; nothing is written twice.

mod described;
mod events;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::{HttpResponse, get};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use self::described::{Answer, Body, Described};
use super::idempotency;
use crate::access::operation::{CsrfToken, Need, OPERATIONS, Operation, Shown};
use crate::error::{ErrorCode, PROBLEM_CONTENT_TYPE, Problem};

/// Version of the specification.
const OPENAPI: &str = "3.1.0";
/// Where the schemas of types are.
const SCHEMAS: &str = "/components/schemas";

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

#[get("/openapi.json")]
pub(super) async fn serve() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT.as_str())
}

/// The whole document.
pub fn document() -> Value {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for operation in &OPERATIONS {
        let described = described::of(operation);
        let all = std::iter::once(operation.path).chain(operation.also.iter().copied());
        for (at, path) in all.enumerate() {
            let item = item(operation, &described, path, at, &mut schemas);
            let methods = paths.entry(plain(path)).or_default();
            methods.insert(operation.method.to_lowercase(), item);
        }
    }
    json!({
        "openapi": OPENAPI,
        "info": {
            "title": "Cadencia",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Campaign orchestrator: the interfaces for programs and browsers.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": described::TAGS.map(|(name, words)| json!({"name": name, "description": words})),
        "paths": paths,
        "components": {
            "responses": std::mem::take(&mut schemas.refusals),
            "schemas": schemas.all(),
            "securitySchemes": security_schemes(),
        },
    })
}

fn security_schemes() -> Value {
    json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token. The scope that an operation needs stands with it.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "cadencia_session",
            "description": "The session of a browser, `__Host-cadencia_session` by https. Writes \
                carry the session's token in the header `X-CSRF-Token`, forms in the field `csrf`.",
        },
        "writeKey": {
            "type": "http",
            "scheme": "basic",
            "description": "A write key as user name, without a password.",
        },
    })
}

/// Schemas of types: as they are read, and as they are written.
struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
    /// Refusals, by the name that operations share them under.
    refusals: BTreeMap<String, Value>,
}

impl Schemas {
    fn new() -> Self {
        let settings = || {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = SCHEMAS.into();
            settings.meta_schema = None;
            settings
        };
        Self {
            read: settings().for_deserialize().into_generator(),
            written: settings().for_serialize().into_generator(),
            refusals: BTreeMap::new(),
        }
    }

    /// All that was referred to. A type that is read and written in two shapes has two names.
    fn all(mut self) -> Map<String, Value> {
        let mut all = self.written.take_definitions(true);
        for (name, schema) in self.read.take_definitions(true) {
            if let Some(known) = all.insert(name.clone(), schema.clone()) {
                debug_assert_eq!(known, schema, "`{name}` has two shapes");
            }
        }
        all
    }
}

/// A path without the patterns of its parameters.
fn plain(path: &str) -> String {
    let part = |part: &str| match part.split_once(':') {
        Some((name, _)) if part.starts_with('{') => format!("{name}}}"),
        _ => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn item(
    operation: &Operation,
    described: &Described,
    path: &str,
    at: usize,
    schemas: &mut Schemas,
) -> Value {
    let id = match at {
        0 => operation.id.to_owned(),
        _ => format!("{}At{}", operation.id, path.rsplit('/').next().unwrap_or_default()),
    };
    let mut item = json!({
        "operationId": id,
        "summary": described.summary,
        "tags": [described.tag],
        "security": security(operation),
        "responses": responses(operation, described, schemas),
    });
    let parameters = parameters(operation, described, path, schemas);
    if !parameters.is_empty() {
        item["parameters"] = parameters.into();
    }
    if let Some(body) = &described.body {
        item["requestBody"] = request_body(body, described.example, schemas);
    }
    if let Need::Scope(scope) = operation.need {
        item["description"] = format!("Needs the scope `{}`.", scope.word()).into();
    }
    item
}

fn security(operation: &Operation) -> Value {
    match operation.need {
        Need::Nothing => json!([]),
        // Until there is a write key, events are taken from everybody.
        Need::Sender => json!([{"writeKey": []}, {"token": ["ingest"]}, {}]),
        Need::Known => json!([{"token": []}, {"session": []}]),
        Need::Scope(scope) => json!([{"token": [scope.word()]}, {"session": [scope.word()]}]),
    }
}

fn parameters(
    operation: &Operation,
    described: &Described,
    path: &str,
    schemas: &mut Schemas,
) -> Vec<Value> {
    let mut parameters = Vec::new();
    for part in path.split('/').filter_map(|part| part.strip_prefix('{')) {
        let (name, pattern) =
            part.trim_end_matches('}').split_once(':').unwrap_or((part.trim_end_matches('}'), ""));
        let schema = match pattern {
            "" | ".+" => described::path_schema(operation.id, name),
            words => json!({"type": "string", "enum": words.split('|').collect::<Vec<_>>()}),
        };
        let mut parameter = json!({
            "name": name, "in": "path", "required": true,
            "description": described::path_words(operation.id, name), "schema": schema,
        });
        if pattern == ".+" {
            parameter["description"] = "Her id; slashes are part of it.".into();
        }
        parameters.push(parameter);
    }
    if let Some(query) = described.query {
        parameters.extend(query_parameters(&query(&mut schemas.read)));
    }
    if idempotency::applies(operation) {
        parameters.push(json!({
            "name": idempotency::KEY_HEADER, "in": "header", "required": false,
            "description": "A key of your own for this request: sent again with the same key it \
                is answered as before and not done again.",
            "schema": {"type": "string", "pattern": idempotency::KEY_PATTERN},
        }));
    }
    parameters
}

/// The fields of a query's type as parameters.
fn query_parameters(schema: &Value) -> Vec<Value> {
    let Some(properties) = schema["properties"].as_object() else {
        return Vec::new();
    };
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        without_null(&mut schema);
        let description = schema.as_object_mut().and_then(|all| all.remove("description"));
        json!({
            "name": name, "in": "query", "required": required.contains(&json!(name)),
            "description": description.unwrap_or_default(), "schema": schema,
        })
    };
    properties.iter().map(parameter).collect()
}

/// A parameter that is left out has no value; there is none that says so.
fn without_null(schema: &mut Value) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            schema["type"] = only.clone();
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type") != Some(&json!("null")));
        if let [only] = &choices[..] {
            let reference = only["$ref"].clone();
            if let Some(all) = schema.as_object_mut() {
                all.remove("anyOf");
                all.insert("$ref".to_owned(), reference);
            }
        }
    }
}

fn request_body(body: &Body, example: Option<fn() -> Value>, schemas: &mut Schemas) -> Value {
    let (content_type, schema) = match body {
        Body::Json(schema) => ("application/json", schema(&mut schemas.read)),
        Body::Events(schema) => ("application/json", schema()),
        Body::CloudEvent => ("application/cloudevents+json", events::cloud_event()),
        Body::Form(schema) => ("application/x-www-form-urlencoded", schema.clone()),
        Body::Bytes => ("application/octet-stream", json!({"type": "string", "format": "binary"})),
    };
    let mut content = json!({"schema": schema});
    if let Some(example) = example {
        content["examples"] = json!({"usual": {"value": example()}});
    }
    json!({"required": true, "content": {content_type: content}})
}

fn responses(operation: &Operation, described: &Described, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    for answer in &described.answers {
        let (status, response) = match answer {
            Answer::Json(schema) => {
                let schema = schema(&mut schemas.written);
                (
                    "200",
                    json!({"description": "Done.",
                    "content": {"application/json": {"schema": schema}}}),
                )
            }
            Answer::Nothing => (
                "200",
                json!({"description": "Done.",
                "content": {"application/json": {"schema": {"type": "null"}}}}),
            ),
            Answer::Empty => ("204", json!({"description": "Done; there is no body."})),
            Answer::Text(content_type, words) => (
                "200",
                json!({"description": words,
                "content": {*content_type: {"schema": {"type": "string"}}}}),
            ),
            Answer::Elsewhere => (
                "303",
                json!({"description": "It goes on elsewhere.",
                "headers": {"Location": {"schema": {"type": "string"}}}}),
            ),
        };
        match responses.get_mut(status).and_then(|known| known["content"].as_object_mut()) {
            // The same in another form.
            Some(content) => {
                content.extend(response["content"].as_object().cloned().unwrap_or_default())
            }
            None => {
                responses.insert(status.to_owned(), response);
            }
        }
    }
    if !described.links.is_empty()
        && let Some(ok) = responses.get_mut("200")
    {
        ok["links"] = described.links.iter().map(link).collect::<Map<_, _>>().into();
    }
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in problems(operation, described) {
        let codes = by_status.entry(code.row().status.unwrap_or(500)).or_default();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    for (status, codes) in by_status {
        let name = refusal_name(operation, status, &codes);
        let reference = json!({"$ref": format!("#/components/responses/{name}")});
        responses.insert(status.to_string(), reference);
        let refusal = refusal(operation, &codes, schemas);
        schemas.refusals.insert(name, refusal);
    }
    responses.into()
}

/// The same for all operations that may be refused so.
fn refusal_name(operation: &Operation, status: u16, codes: &[ErrorCode]) -> String {
    let form = if operation.shown == Shown::Page { "page" } else { "problem" };
    let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    format!("{form}-{status}-{}", codes.join("-").replace("CAD-", ""))
}

/// A refusal: a problem document, on pages a page.
fn refusal(operation: &Operation, codes: &[ErrorCode], schemas: &mut Schemas) -> Value {
    let words: Vec<String> =
        codes.iter().map(|code| format!("{}: {}", code.as_str(), code.row().title)).collect();
    let problem = schemas.written.subschema_for::<Problem>().to_value();
    let mut content = json!({PROBLEM_CONTENT_TYPE: {"schema": problem}});
    if operation.shown == Shown::Page {
        content["text/html; charset=utf-8"] = json!({"schema": {"type": "string"}});
    }
    json!({"description": words.join("; "), "content": content})
}

/// What an operation may be refused with: by the guard, by what it takes, and by itself.
fn problems(operation: &Operation, described: &Described) -> Vec<ErrorCode> {
    use ErrorCode as E;
    let mut all = vec![E::BadParameter, E::NotFound];
    match operation.need {
        Need::Nothing => {}
        Need::Sender => all.extend([E::UnauthorisedWriteKey, E::Forbidden]),
        Need::Known => all.push(E::Unauthorised),
        Need::Scope(_) => all.extend([E::Unauthorised, E::Forbidden]),
    }
    if operation.writes() && operation.need != Need::Sender {
        all.extend([E::Forbidden, E::CrossSite]);
    }
    if described.body.is_some() {
        all.extend([E::MalformedBody, E::PayloadTooLarge, E::UnknownContentType]);
    }
    if idempotency::applies(operation) {
        all.extend([E::IdempotencyUnfinished, E::IdempotencyMismatch]);
    }
    all.extend([E::Overloaded, E::StoreCorrupt, E::CustomerTooLarge]);
    all.extend([E::StoreUnavailable, E::ShuttingDown]);
    all.extend(described.problems);
    if operation.csrf == CsrfToken::Form && operation.need != Need::Nothing {
        // Who is not known is led to the login.
        all.retain(|code| *code != E::Unauthorised);
    }
    all
}

/// From one answer to the request that follows.
fn link(link: &(&'static str, &'static str, &'static str)) -> (String, Value) {
    let (operation, parameter, expression) = link;
    let value = json!({"operationId": operation, "parameters": {*parameter: expression}});
    ((*operation).to_owned(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_for_programs_is_described() {
        for operation in OPERATIONS.iter().filter(|one| one.shown == Shown::Problem) {
            assert!(described::is_described(operation), "describe `{}`", operation.id);
        }
    }

    #[test]
    fn everything_that_is_referred_to_is_there() {
        let document = document();
        let mut queue = vec![&document];
        let mut references = 0;
        while let Some(value) = queue.pop() {
            match value {
                Value::Object(fields) => {
                    if let Some(Value::String(path)) = fields.get("$ref") {
                        let found = document.pointer(path.trim_start_matches('#'));
                        assert!(found.is_some(), "{path}");
                        references += 1;
                    }
                    queue.extend(fields.values());
                }
                Value::Array(items) => queue.extend(items),
                _ => {}
            }
        }
        assert!(references > 100, "{references}");
    }

    #[test]
    fn paths_lose_their_patterns() {
        assert_eq!(plain("/a/{name}/{action:pause|stop}"), "/a/{name}/{action}");
        assert_eq!(plain("/customers/{id:.+}"), "/customers/{id}");
    }
}
