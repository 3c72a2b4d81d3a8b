//! The description of the API against what goes over the wire: every message of a session, as it was sent and answered, is
//! of its schema; every member that a schema names is in some message; and a member that is required is missed.

use std::collections::BTreeSet;

use prooftrail_protocol::{
    Purpose,
    wire::{AppraisalRequest, Bytes, LedgerPlace, PieceOfEvidence, base64url},
};
use prooftrail_result::{Kind, Timestamp};
use serde_json::{Value, json};

use crate::{
    agent::{Site, header_of},
    proofs::Proof,
    release::on_each,
};

/// The schemas, and which of their members were seen.
struct Described {
    schemas: Value,
    seen: BTreeSet<(String, String)>,
}

impl Described {
    /// Checks a message against the form `name`.
    fn check(&mut self, name: &str, message: &Value) {
        self.of_form(name, message).unwrap_or_else(|wrong| panic!("{name}: {wrong}: {message}"));
    }

    fn of_form(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let schema = self.schemas[name].clone();
        assert!(schema.is_object(), "there is no schema {name}");
        if let Some(members) = value.as_object() {
            self.seen.extend(members.keys().map(|member| (name.to_owned(), member.clone())));
        }
        self.of(&schema, value)
    }

    /// Objects whose members are written as one.
    fn merged(&self, parts: &[Value]) -> Value {
        let mut merged = json!({ "type": "object", "properties": {}, "required": [] });
        for part in parts {
            let named = part["$ref"].as_str().map(|reference| &self.schemas[reference.rsplit('/').next().unwrap()]);
            let part = named.unwrap_or(part);
            merged["properties"].as_object_mut().unwrap().extend(part["properties"].as_object().unwrap().clone());
            merged["required"].as_array_mut().unwrap().extend(part["required"].as_array().unwrap().clone());
        }
        merged
    }

    fn of(&mut self, schema: &Value, value: &Value) -> Result<(), String> {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.of_form(reference.rsplit('/').next().unwrap(), value);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let merged = self.merged(parts);
            return self.of(&merged, value);
        }
        for one_of in ["oneOf", "anyOf"] {
            if let Some(schemas) = schema[one_of].as_array() {
                let found = schemas.iter().any(|schema| self.of(schema, value).is_ok());
                return if found { Ok(()) } else { Err(format!("none of {one_of}")) };
            }
        }
        if let Some(values) = schema["enum"].as_array() {
            return if values.contains(value) { Ok(()) } else { Err(format!("not one of {values:?}")) };
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().map(|one| one.as_str().unwrap()).collect(),
            other => panic!("a schema without a type: {other}: {schema}"),
        };
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if !types.contains(&found) {
            return Err(format!("{found}, not {types:?}"));
        }
        match value {
            Value::String(text) => is_text(schema, text),
            Value::Number(number) if schema["minimum"].is_number() && number.as_f64() < schema["minimum"].as_f64() => {
                Err("below the minimum".to_owned())
            }
            Value::Array(items) => items.iter().try_for_each(|item| self.of(&schema["items"], item)),
            Value::Object(members) => {
                let Some(properties) = schema["properties"].as_object().cloned() else { return Ok(()) };
                for name in schema["required"].as_array().into_iter().flatten() {
                    if !members.contains_key(name.as_str().unwrap()) {
                        return Err(format!("without {name}"));
                    }
                }
                members.iter().try_for_each(|(name, member)| match properties.get(name) {
                    Some(schema) => self.of(schema, member).map_err(|wrong| format!("{name}: {wrong}")),
                    None => Err(format!("{name} is not described")),
                })
            }
            _ => Ok(()),
        }
    }
}

fn is_text(schema: &Value, text: &str) -> Result<(), String> {
    let is_hex = || hex::decode(text).is_ok() && !text.is_empty() && text == text.to_lowercase();
    let fits = match (schema["pattern"].as_str(), schema["contentEncoding"].as_str(), schema["format"].as_str()) {
        (Some("^([0-9a-f]{2})+$"), None, None) => is_hex(),
        (None, Some("base64url"), None) => base64url::decode(text, "test", text.len()).is_ok(),
        (None, None, Some("date-time")) => text.parse::<Timestamp>().is_ok(),
        (None, None, None) => true,
        other => panic!("this test does not know {other:?}"),
    };
    if fits { Ok(()) } else { Err(format!("{text:?} is not as described")) }
}

/// The forms that take no other members than those that they describe.
fn forms(document: &Value) -> Vec<String> {
    let is_strict = |schema: &Value| schema["additionalProperties"] == json!(false);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    schemas.iter().filter(|(_, schema)| is_strict(schema)).map(|(name, _)| name.clone()).collect()
}

fn messages_are_as_described(site: &Site) {
    let document = site.call("GET", "/openapi.json", None).json();
    let mut described = Described { schemas: document["components"]["schemas"].clone(), seen: BTreeSet::new() };
    // Agents bring no token; people do.
    let mut exchange = |path: &str, forms: (&str, &str), request: &Value| -> Value {
        let is_agents = ["Challenge", "Release", "Session", "Proof", "Appraisal"];
        let is_agents = is_agents.iter().any(|start| forms.0.starts_with(start)) && forms.0.ends_with("Request");
        let send = |request: &Value| {
            if is_agents { site.post(path, request) } else { site.call("POST", path, Some(request)) }
        };
        described.check(forms.0, request);
        // What is described as required is, one by one; and nothing else is taken.
        for name in described.schemas[forms.0]["required"].as_array().into_iter().flatten() {
            let mut without = request.clone();
            without.as_object_mut().unwrap().remove(name.as_str().unwrap()).unwrap();
            assert_eq!(send(&without).problem(), "request.json", "{path} without {name}");
        }
        let mut more = request.clone();
        more["more"] = json!(1);
        assert_eq!(send(&more).problem(), "request.json", "{path}");
        let reply = send(request);
        assert!([200, 201].contains(&reply.status), "{path}: {reply:?}");
        let reply = reply.json();
        described.check(forms.1, &reply);
        reply
    };
    let challenge = ("ChallengeRequest", "ChallengeResponse");
    exchange("/v1/challenges", challenge, &json!({ "purpose": "release" }));
    let answered = exchange("/v1/challenges", challenge, &json!({ "purpose": "session", "key": "solvency" }));
    assert_eq!(answered["key"]["version"], 1);
    let job = site.job_of(Purpose::Session, serde_json::from_value(answered).unwrap());
    let opened = exchange("/v1/releases", ("ReleaseRequest", "ReleaseResponse"), &json!(job.request()));
    let session = serde_json::from_value(opened["release_id"].clone()).unwrap();
    let opened = serde_json::from_value(opened).unwrap();
    let further = json!(job.further(session, 1, header_of(&site.file)));
    let path = format!("/v1/releases/{session}");
    exchange(&path, ("SessionReleaseRequest", "ReleaseResponse"), &further);
    let proof = Proof::of_two();
    let registration = json!(proof.registration(&job, &proof.record(&job, &opened, 0)));
    exchange("/v1/proofs", ("ProofRequest", "ProofResponse"), &registration);
    let failed = json!(job.registration(&job.record(&opened, session, 1)));
    exchange("/v1/proofs", ("ProofRequest", "ProofResponse"), &failed);
    let job = site.job(Purpose::Appraisal);
    let appraisal = AppraisalRequest {
        challenge: job.challenge.clone(),
        policy: "proofs".to_owned(),
        suite: job.context().suite,
        recipient: job.recipient.public(),
        proof_key: job.proof_key.public(),
        statement: Bytes(job.statement.encode()),
        evidence: vec![PieceOfEvidence { kind: Kind::AwsNitro, evidence: job.evidence().into() }],
        endorsements: Vec::new(),
    };
    exchange("/v1/appraisals", ("AppraisalRequest", "AppraisalResponse"), &json!(appraisal));
    // What operators send.
    exchange("/v1/projects", ("NewProject", "Project"), &json!({ "name": "treasury" }));
    let token = json!({ "label": "audit", "roles": ["auditor"], "lifetime_seconds": 60 });
    exchange("/v1/tokens", ("NewTokenRequest", "IssuedToken"), &token);
    exchange("/v1/keys", ("NewKey", "WitnessKey"), &json!({ "name": "another", "policy": "proofs" }));
    exchange("/v1/keys/another/revoke", ("Revocation", "WitnessKey"), &json!({ "version": 1 }));
    let digest = site.call("GET", "/v1/policies/proofs", None).json()["policies"][0]["digest"].clone();
    let activation = json!({ "version": 1, "digest": digest });
    exchange("/v1/policies/proofs/activate", ("Activation", "PolicyVersion"), &activation);
    let revocation = json!({ "why": "a test" });
    exchange(&format!("{path}/revoke"), ("ReleaseRevocation", "RevokedRelease"), &revocation);
    // Members that no message of this session has: of the forms themselves.
    described.check("AppraisalRequest", &json!(AppraisalRequest { endorsements: vec![Bytes(vec![1])], ..appraisal }));
    let mut with_lists = site.job(Purpose::Release).request();
    with_lists.endorsements = vec![Bytes(vec![1])];
    described.check("ReleaseRequest", &json!(with_lists));
    let place = LedgerPlace {
        leaf_index: 1,
        leaf: Bytes(vec![1]),
        checkpoint: String::new(),
        proof: Some("c2sp.org/tlog-proof@v1\n".to_owned()),
    };
    described.check("LedgerPlace", &json!(place));

    let described_members: BTreeSet<(String, String)> = forms(&document)
        .iter()
        .flat_map(|form| {
            let members = described.schemas[form]["properties"].as_object().unwrap().keys();
            members.map(|member| (form.clone(), member.clone())).collect::<Vec<_>>()
        })
        .collect();
    assert!(described_members.len() > 60);
    let missing: Vec<_> = described_members.difference(&described.seen).collect();
    assert!(missing.is_empty(), "described, and in no message: {missing:?}");

    // A problem, and what people and machines read.
    let refused = site.post("/v1/releases", &json!({}));
    described.check("Problem", &refused.json());
    let reads = [
        ("/healthz", "Health"),
        ("/readyz", "Ready"),
        ("/.well-known/prooftrail", "WellKnown"),
        ("/v1/projects", "ProjectList"),
        ("/v1/tokens", "TokenList"),
        ("/v1/policies", "PolicyList"),
        ("/v1/policies/proofs/versions/1", "PolicyText"),
        ("/v1/keys", "KeyList"),
        ("/v1/keys/solvency/recipient", "KeyRecipient"),
        ("/v1/releases", "DecisionList"),
    ];
    for (path, form) in reads {
        let reply = site.call("GET", path, None);
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        described.check(form, &reply.json());
    }
    let id = hex::encode(prooftrail_protocol::sha256(&[&proof.proof]));
    described.check("ProofRecords", &site.call("GET", &format!("/v1/proofs/{id}"), None).json());
}

#[test]
fn what_goes_over_the_wire_is_what_the_api_describes() {
    on_each(|_, site, _| messages_are_as_described(site));
}
