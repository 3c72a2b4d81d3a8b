//! One mutation of a good Confidential Space token per rule, each refused for exactly its own reason; every claim changed after
//! it was signed; and what tokens of every kind share. Tokens are the simulator's, which shares no code with the verifier.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod question;

use std::collections::BTreeMap;

use prooftrail_evidence::{
    Authentic, AwsLc, Endorsements, Expected, Link, Refusal, Revocation, RustCrypto, bare_root, holds_key_set,
    identify, read_key_sets,
};
use prooftrail_result::{
    Kind, ReasonCode as Code, Stage, Timestamp, TrustAnchor,
    claims::{ClaimName, Claims, Value, cross_vendor, gcs, gpu},
};
use prooftrail_simulator::{
    edit::Edit,
    google::Verifier,
    jose::{Json, Jwk, KeySet, Token, base64url},
    key::Key,
    x509::{Extension, KeyUsage, oid},
};
use prooftrail_trust_roots::RootSet;

use self::question::{Question, configured, refusal_code};

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const LIFETIME: i64 = 3600;
const BINDING: [u8; 48] = [7; 48];
const KIND: Kind = Kind::GcpConfidentialSpace;

/// A token and what surrounds it.
struct Scene {
    verifier: Verifier,
    key_sets: Vec<Vec<u8>>,
    token: Token,
    has_root: bool,
    at: i64,
    expected: Expected<'static>,
}

impl Scene {
    fn oidc() -> Self {
        let verifier = Verifier::new("rules", AT);
        let (key_sets, token) = (vec![verifier.key_set().build()], verifier.oidc_token());
        Self { verifier, key_sets, token, has_root: false, at: AT + 10, expected: Expected::default() }
    }

    fn pki(change: impl FnOnce(&mut Verifier)) -> Self {
        let mut scene = Self::oidc();
        change(&mut scene.verifier);
        Self { token: scene.verifier.pki_token(), key_sets: Vec::new(), has_root: true, ..scene }
    }

    fn roots(&self) -> RootSet {
        if !self.has_root {
            return RootSet::default();
        }
        configured(&self.verifier.root_manifest(), &self.verifier.root_der())
    }

    fn run(&self) -> Result<Authentic, Refusal> {
        self.run_bytes(self.token.build().as_bytes(), &self.roots())
    }

    fn run_bytes(&self, bytes: &[u8], roots: &RootSet) -> Result<Authentic, Refusal> {
        let (files, at, expected) = (&self.key_sets, self.at, self.expected);
        let revocation = Revocation::default();
        Question { kind: KIND, files, roots, revocation, at, expected }.ask(bytes)
    }

    fn code(&self) -> Code {
        refusal_code(self.run())
    }
}

fn refused(change: impl FnOnce(&mut Scene)) -> Code {
    let mut scene = Scene::oidc();
    change(&mut scene);
    scene.code()
}

fn shown(claims: &Claims) -> BTreeMap<String, String> {
    claims.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn claim(authentic: &Authentic, name: impl Into<ClaimName>) -> Option<String> {
    authentic.claims().get(name).map(Value::to_string)
}

#[test]
fn every_claim_is_read() {
    let scene = Scene::oidc();
    let authentic = scene.run().expect("authentic");
    let claims = shown(authentic.claims());
    for (name, value) in [
        ("platform", "tdx"),
        ("vendor", "google"),
        ("debug", "false"),
        ("secure_boot", "true"),
        ("tcb.status", "UpToDate"),
        ("tcb.date", "2024-03-13T00:00:00Z"),
        ("issued_at", "2026-06-01T12:00:00Z"),
        ("trust_anchor", "configured"),
        ("simulated", "false"),
        ("revocation", "not_published"),
        ("gpu.cc_mode", "on"),
        ("gpu.count", "1"),
        ("gpu.0.verified_by", "gcs"),
        ("gpu.0.hwmodel", "GCP_NVIDIA_H100"),
        ("gpu.0.driver_version", "550.90.07"),
        ("gpu.0.vbios_version", "96.00.9F.00.01"),
        ("gcs.token_type", "oidc"),
        ("gcs.aud", "https://relying.party.example"),
        ("gcs.exp", "2026-06-01T13:00:00Z"),
        ("gcs.hwmodel", "GCP_INTEL_TDX"),
        ("gcs.swname", "CONFIDENTIAL_SPACE"),
        ("gcs.swversion", "260501"),
        ("gcs.dbgstat", "disabled-since-boot"),
        ("gcs.secboot", "true"),
        ("gcs.oemid", "11129"),
        ("gcs.attester_tcb", "INTEL"),
        ("gcs.tdx.gcp_attester_tcb_status", "UpToDate"),
        ("gcs.tdx.gcp_attester_tcb_date", "2024-03-13T00:00:00Z"),
        ("gcs.service_accounts", "prover@prover.iam.gserviceaccount.com"),
        ("gcs.support_attributes", "LATEST,STABLE,USABLE"),
        ("gcs.monitoring_memory", "false"),
        ("gcs.container.image_reference", "us-docker.pkg.dev/prover/images/prover:1"),
        ("gcs.container.restart_policy", "Never"),
        ("gcs.container.args", "/prover,--once"),
        ("gcs.container.cmd_override", "--once"),
        ("gcs.container.env", "HOSTNAME=prover-1,PATH=/bin"),
        ("gcs.container.env_override", "LEVEL=info"),
        ("gcs.gce.zone", "us-central1-a"),
        ("gcs.gce.project_id", "prover"),
        ("gcs.gce.project_number", "297985297894"),
        ("gcs.gce.instance_name", "prover-1"),
        ("gcs.nvidia_gpu.cc_mode", "ON"),
        ("gcs.nvidia_gpu.cc_feature", "SPT"),
    ] {
        assert_eq!(claims.get(name).map(String::as_str), Some(value), "{name}");
    }
    for (name, path) in [
        ("measurement", "submods/container/image_digest"),
        ("gcs.container.image_digest", "submods/container/image_digest"),
        ("gcs.container.image_id", "submods/container/image_id"),
        ("instance", "submods/gce/instance_id"),
        ("gcs.gce.instance_id", "submods/gce/instance_id"),
        ("gcs.sub", "sub"),
    ] {
        let Some(Json::Text(text)) = scene.token.payload.get(path) else { panic!("no {path}") };
        assert_eq!(claims.get(name), Some(text), "{name}");
    }
    assert_eq!(claims["gcs.container.signature_key_ids"].len(), 64);
    assert_eq!(authentic.links(), [Link::Device(claims["gpu.0.ueid"].as_str().into())]);
    // `binding`, `nonce` and `gcs.eat_nonce` are the ones that this token does not establish.
    let dictionary = prooftrail_result::claims::Family::Gcs.table();
    for spec in dictionary.iter().filter(|spec| spec.pattern != "gcs.eat_nonce") {
        assert!(claims.contains_key(spec.pattern), "{}", spec.pattern);
    }
    assert!(authentic.debug_applies() && !authentic.binding_matched() && authentic.objections().is_empty());
    assert_eq!(authentic.valid_until().to_string(), "2026-06-01T13:01:00Z");
    let roles: Vec<_> = authentic.inputs().iter().map(|input| input.role).collect();
    assert_eq!(roles, ["root", "key_set"]);
    let identified = identify(scene.token.build().as_bytes()).expect("a token");
    assert_eq!((identified.kind, identified.claimed_time), (KIND, Timestamp::from_unix_seconds(AT)));
}

#[test]
fn what_a_token_leaves_out_is_absent() {
    let mut scene = Scene::oidc();
    for path in ["sub", "nbf", "secboot", "oemid", "hwmodel", "swname", "swversion", "attester_tcb", "dbgstat", "tdx"] {
        scene.token.payload.remove(path);
    }
    scene.token.payload.remove("submods").remove("google_service_accounts");
    let authentic = scene.run().expect("authentic");
    let names: Vec<_> = shown(authentic.claims()).into_keys().collect();
    let expected =
        ["gcs.aud", "gcs.exp", "gcs.token_type", "issued_at", "revocation", "root_sha256", "simulated", "trust_anchor"];
    assert_eq!(names, [&expected[..], &["vendor"]].concat());
    for path in ["iss", "aud", "iat", "exp"] {
        assert_eq!(refused(|scene| _ = scene.token.payload.remove(path)), Code::TokenMalformed, "{path}");
    }
}

#[test]
fn no_debug_status_makes_a_tee_of_a_machine_that_is_none() {
    for (model, dbgstat, platform, debug) in [
        ("GCP_INTEL_TDX", "disabled-since-boot", Some("tdx"), Some("false")),
        ("GCP_INTEL_TDX", "enabled", Some("tdx"), Some("true")),
        ("GCP_INTEL_TDX", "enable", Some("tdx"), None),
        ("GCP_INTEL_TDX", "disabled", Some("tdx"), None),
        ("GCP_AMD_SEV", "disabled-since-boot", Some("sev"), Some("false")),
        ("GCP_AMD_SEV_ES", "disabled-since-boot", Some("sev"), Some("false")),
        ("GCP_SHIELDED_VM", "disabled-since-boot", Some("shielded-vm"), None),
        ("GCP_SHIELDED_VM", "enabled", Some("shielded-vm"), Some("true")),
        ("INTEL_TDX", "disabled-since-boot", None, None),
        ("gcp_intel_tdx", "disabled-since-boot", None, None),
    ] {
        let mut scene = Scene::oidc();
        scene.token.payload.set("hwmodel", model).set("dbgstat", dbgstat);
        let authentic = scene.run().expect("authentic");
        assert!(authentic.debug_applies(), "what does not say that it is no debug TEE is refused as one");
        assert_eq!(claim(&authentic, cross_vendor::PLATFORM).as_deref(), platform, "{model}");
        assert_eq!(claim(&authentic, cross_vendor::DEBUG).as_deref(), debug, "{model} {dbgstat}");
    }
}

#[test]
fn devices_are_numbered_and_none_is_there_twice() {
    let gpu = |ueid: &str| Json::object([("hwmodel", "GCP_NVIDIA_H100".into()), ("ueid", ueid.into())]);
    let mut scene = Scene::oidc();
    scene.token.payload.set("submods/nvidia_gpu/gpus", vec![gpu("1"), gpu("2")]);
    for (mode, shown) in [("OFF", Some("off")), ("DEVTOOLS", Some("devtools")), ("on", None)] {
        scene.token.payload.set("submods/nvidia_gpu/cc_mode", mode);
        let authentic = scene.run().expect("authentic");
        assert_eq!(claim(&authentic, cross_vendor::GPU_CC_MODE).as_deref(), shown, "{mode}");
        assert_eq!(claim(&authentic, cross_vendor::GPU_COUNT).as_deref(), Some("2"));
        assert_eq!(claim(&authentic, gpu::UEID.device(1)).as_deref(), Some("2"));
    }
    scene.token.payload.set("submods/nvidia_gpu/gpus", vec![gpu("1"), gpu("1")]);
    assert_eq!(scene.run().expect_err("refused").reason.code, Code::TokenMalformed);
    // A device without an id may be any other.
    scene.token.payload.set("submods/nvidia_gpu/gpus", vec![gpu("1"), Json::object([])]);
    assert_eq!(claim(&scene.run().expect("authentic"), cross_vendor::GPU_COUNT), None);
}

#[test]
fn pki_tokens_rest_on_their_root_and_nothing_else() {
    let scene = Scene::pki(|_| ());
    let authentic = scene.run().expect("authentic");
    assert_eq!(claim(&authentic, gcs::TOKEN_TYPE).as_deref(), Some("pki"));
    assert_eq!(claim(&authentic, cross_vendor::SIMULATED).as_deref(), Some("true"), "as the manifest says");
    assert_eq!(
        claim(&authentic, cross_vendor::REVOCATION).as_deref(),
        Some("not_checked"),
        "of the CA, none was there"
    );
    let root = scene.roots().iter().next().unwrap().sha256;
    assert_eq!(claim(&authentic, cross_vendor::ROOT_SHA256), Some(hex::encode(root)));
    assert_eq!(authentic.inputs().iter().map(|input| (input.role, input.sha256)).collect::<Vec<_>>(), [("root", root)]);

    let no_roots = scene.run_bytes(scene.token.build().as_bytes(), &RootSet::default()).expect_err("refused");
    assert_eq!(no_roots.reason.code, Code::ChainRootNotPinned);
    // A root that is known by its digest is as good.
    let manifest = scene.verifier.root_manifest().replace("file = \"simulated-google-root.der\"\n", "");
    let by_digest = RootSet::from_manifest(&manifest, TrustAnchor::Pinned, |_| Err::<Vec<u8>, _>("no file")).unwrap();
    let by_digest = scene.run_bytes(scene.token.build().as_bytes(), &by_digest).expect("authentic");
    assert_eq!(claim(&by_digest, cross_vendor::ROOT_SHA256), claim(&authentic, cross_vendor::ROOT_SHA256));
    assert_eq!(by_digest.trust_anchor(), TrustAnchor::Pinned);

    let chain = |edit: fn(&mut Vec<Json>)| {
        let mut scene = Scene::pki(|_| ());
        let Some(Json::List(mut certificates)) = scene.token.header.get("x5c").cloned() else { panic!("no chain") };
        edit(&mut certificates);
        scene.token.header.set("x5c", certificates);
        scene.code()
    };
    assert_eq!(chain(|chain| _ = chain.pop()), Code::ChainLength);
    assert_eq!(chain(|chain| chain.truncate(1)), Code::ChainLength);
    assert_eq!(chain(|chain| chain.push(chain[2].clone())), Code::ChainLength);
    assert_eq!(chain(|chain| chain.swap(0, 2)), Code::ChainRootNotPinned);
    assert_eq!(chain(|chain| chain[1] = chain[0].clone()), Code::ChainOrder);
    assert_eq!(chain(|chain| chain[1] = chain[2].clone()), Code::ChainOrder);
    assert_eq!(chain(|chain| chain[0] = "AAAA".into()), Code::X509Malformed);
    assert_eq!(chain(|chain| chain[0] = "!".into()), Code::TokenKeyCertificate);
    assert_eq!(chain(Vec::clear), Code::JwsHeader);
    assert_eq!(chain(|chain| chain.resize(9, chain[0].clone())), Code::JwsHeader);
}

#[test]
fn the_chain_of_a_pki_token_has_its_profile() {
    let code = |change: &dyn Fn(&mut Verifier)| Scene::pki(change).code();
    let other = |label: &str| Key::rsa4096_pkcs1(label);
    assert_eq!(code(&|google| google.leaf.not_after = AT), Code::TimeExpired);
    assert_eq!(code(&|google| google.leaf.not_before = AT + 60), Code::TimeNotYetValid);
    assert_eq!(code(&|google| google.intermediate.not_after = AT), Code::TimeExpired);
    assert_eq!(code(&|google| google.root.not_after = AT), Code::TimeExpired);
    assert_eq!(
        code(&|google| google.leaf.set_extension(Extension::basic_constraints(true, None))),
        Code::ChainLeafIsCa
    );
    let not_ca = |google: &mut Verifier| google.intermediate.set_extension(Extension::basic_constraints(false, None));
    assert_eq!(code(&not_ca), Code::ChainNotCa);
    let no_use = |google: &mut Verifier| google.intermediate.set_extension(Extension::key_usage(&[KeyUsage::CrlSign]));
    assert_eq!(code(&no_use), Code::ChainKeyUsage);
    let server = Extension::extended_key_usage(&[oid::SERVER_AUTH]);
    assert_eq!(code(&|google| google.leaf.set_extension(server.clone())), Code::ChainKeyUsage);
    let depth = |google: &mut Verifier| google.root.set_extension(Extension::basic_constraints(true, Some(0)));
    assert_eq!(code(&depth), Code::ChainPathLength);
    assert_eq!(code(&|google| google.leaf.signing.key = Some(other("another"))), Code::ChainSignature);
    assert_eq!(code(&|google| google.intermediate.signing.key = Some(other("another"))), Code::ChainSignature);
    assert_eq!(code(&|google| google.intermediate.key = Key::p384("ca")), Code::ChainKeyType);
    assert_eq!(code(&|google| google.leaf.key = Key::p384("leaf")), Code::ChainKeyType);
    // PSS is none of the algorithms.
    assert_eq!(code(&|google| google.leaf.signing.key = Some(Key::rsa4096("rules/google/ca"))), Code::ChainAlgorithm);
    // A token that was signed with another key than the leaf's.
    let mut scene = Scene::pki(|_| ());
    scene.token.key = other("another");
    assert_eq!(scene.code(), Code::JwsSignature);
    // Old tokens are verified at the instant at which they were issued, whatever has ended since.
    let mut scene = Scene::pki(|google| google.leaf.not_after = AT + 30);
    assert!(scene.run().is_ok());
    scene.at = AT + 31;
    assert_eq!(scene.code(), Code::TimeExpired);
}

#[test]
fn a_token_is_signed_with_rs256_by_the_key_that_it_names() {
    for name in ["none", "None", "NONE", "", "HS256", "RS384", "RS512", "PS256", "PS384", "ES384", "EdDSA", "rs256"] {
        assert_eq!(refused(|scene| _ = scene.token.header.set("alg", name)), Code::JwsAlgorithm, "{name}");
    }
    assert_eq!(refused(|scene| _ = scene.token.header.remove("alg")), Code::JwsHeader);
    assert_eq!(refused(|scene| _ = scene.token.header.remove("kid")), Code::TokenKeyUnknown);
    assert_eq!(refused(|scene| _ = scene.token.header.set("kid", 1)), Code::JwsHeader);
    assert_eq!(refused(|scene| _ = scene.token.header.set("kid", "another")), Code::TokenKeyUnknown);
    assert_eq!(refused(|scene| scene.key_sets.clear()), Code::TokenKeyUnknown);
    assert_eq!(refused(|scene| scene.token.key = Key::rsa4096_pkcs1("another")), Code::JwsSignature);
    assert_eq!(refused(|scene| scene.token.key = Key::p384("another")), Code::JwsSignature);
    // The right key with another scheme.
    assert_eq!(refused(|scene| scene.token.key = Key::rsa4096("rules/google/oidc")), Code::JwsSignature);
    for edit in [
        Edit::FlipBit { offset: 0, bit: 0 },
        Edit::Truncate { len: 511 },
        Edit::Append(vec![0]),
        Edit::Become(Vec::new()),
    ] {
        assert_eq!(refused(|scene| scene.token.signature.push(edit)), Code::JwsSignature);
    }
    // An algorithm that is not the issuer's says nothing, whatever else is wrong.
    let nothing_right = refused(|scene| {
        scene.token.header.set("alg", "none").set("jku", "https://evil.example").remove("kid");
        scene.token.payload.set("iss", "https://evil.example").set("exp", 0);
    });
    assert_eq!(nothing_right, Code::JwsAlgorithm);
}

#[test]
fn keys_come_from_nowhere_else() {
    let google = "https://www.googleapis.com/service_accounts/v1/metadata/jwk/signer@confidentialspace-sign.iam.gserviceaccount.com";
    for jku in ["https://evil.example/certs", "", &format!("{google}/"), &google.replace("https", "http")] {
        assert_eq!(refused(|scene| _ = scene.token.header.set("jku", jku)), Code::TokenKeySource, "{jku}");
    }
    let mut scene = Scene::oidc();
    scene.token.header.set("jku", google);
    assert!(scene.run().is_ok());
    let own = Jwk::of(&scene.token.key, "own").0;
    for change in [("jwk", own), ("x5u", "https://evil.example".into())] {
        assert_eq!(refused(|scene| _ = scene.token.header.set(change.0, change.1)), Code::TokenKeySource);
    }
    for name in ["crit", "b64"] {
        assert_eq!(refused(|scene| _ = scene.token.header.set(name, vec![Json::from("exp")])), Code::JwsHeader);
    }
    for issuer in ["https://confidentialcomputing.googleapis.com/", "https://portal.trustauthority.intel.com", ""] {
        assert_eq!(refused(|scene| _ = scene.token.payload.set("iss", issuer)), Code::TokenIssuer, "{issuer}");
    }
}

#[test]
fn key_sets_are_read_strictly() {
    let scene = Scene::oidc();
    let (key, kid) = (scene.token.key.clone(), scene.verifier.kid.clone());
    let good = || Jwk::of(&key, &kid);
    let set = |keys: Vec<Jwk>| KeySet::new(keys).build();
    let read = |json: &[u8]| {
        let native = Endorsements::read(&AwsLc, [json]).map(|_| ()).map_err(|reason| reason.code);
        assert_eq!(native, Endorsements::read(&RustCrypto, [json]).map(|_| ()).map_err(|reason| reason.code));
        native
    };
    let text = String::from_utf8(set(vec![good()])).unwrap();
    assert!(holds_key_set(text.as_bytes()) && holds_key_set(format!("\n {text}").as_bytes()));
    assert_eq!(read(text.as_bytes()), Ok(()));
    assert_eq!(read(text.replace("\"kty\"", "\"e\":\"AQAB\",\"kty\"").as_bytes()), Err(Code::KeySetDuplicate));
    assert_eq!(read(text.replace("\"kty\":\"RSA\",", "").as_bytes()), Err(Code::KeySetMalformed));
    assert_eq!(read(&set(vec![good(), good()])), Err(Code::KeySetDuplicate));
    let mut other = Jwk::of(&Key::p384("other"), &kid);
    other.0.set("alg", "ES384");
    assert_eq!(
        read(&set(vec![good(), other.clone()])),
        Err(Code::KeySetDuplicate),
        "a key without an algorithm serves all"
    );
    let mut named = good();
    named.0.set("alg", "RS256");
    assert_eq!(read(&set(vec![named.clone(), other.clone()])), Ok(()), "one id, two algorithms");
    assert_eq!(read(&set(vec![good().with_chain(&[])])), Err(Code::KeySetMalformed));
    let large = text.replace('}', &format!("{}}}", " ".repeat(300_000)));
    assert_eq!(read(large.as_bytes()), Err(Code::EndorsementTooLarge));
    for other in ["{\"keys\":1}", "{\"keys\":{}}", "{}", "[]"] {
        assert!(!holds_key_set(other.as_bytes()), "{other}");
    }

    let with = |keys: Vec<Vec<Jwk>>| {
        let mut scene = Scene::oidc();
        scene.key_sets = keys.into_iter().map(set).collect();
        scene.run().map(|authentic| claim(&authentic, cross_vendor::ROOT_SHA256)).map_err(|refusal| refusal.reason.code)
    };
    let plain = with(vec![vec![good()]]);
    assert!(plain.is_ok());
    // The same key may stand in many sets, a different one of its name in none.
    assert_eq!(with(vec![vec![good()], vec![named.clone()], vec![Jwk::of(&Key::p384("x"), "x")]]), plain);
    assert_eq!(
        with(vec![vec![good()], vec![Jwk::of(&Key::rsa4096_pkcs1("another"), &kid)]]),
        Err(Code::TokenKeyAmbiguous)
    );
    assert_eq!(with(vec![vec![named, other.clone()]]), plain, "the algorithm tells them apart");
    assert_eq!(with(vec![vec![other]]), Err(Code::JwsKeyAlgorithm));
    assert_eq!(
        with(vec![vec![Jwk::of(&Key::p384("x"), &kid)]]),
        Err(Code::JwsKeyAlgorithm),
        "an algorithm for another key"
    );
    let changed = |name: &str, value: Json| {
        let mut key = good();
        key.0.set(name, value);
        with(vec![vec![key]])
    };
    assert_eq!(changed("alg", "RS512".into()), Err(Code::JwsKeyAlgorithm));
    assert_eq!(changed("use", "enc".into()), Err(Code::TokenKeyType));
    assert_eq!(changed("kty", "EC".into()), Err(Code::TokenKeyType));
    for exponent in ["AQ", "Aw", "AAEAAQ", ""] {
        assert_eq!(changed("e", exponent.into()), Err(Code::TokenKeyType), "{exponent}");
    }
    let modulus = key.rsa_modulus().unwrap();
    let mut odd = modulus[..256].to_vec();
    odd[0] = 0x7F;
    for modulus in [&modulus[..128], &[&[0], modulus.as_slice()].concat(), &[&[1], modulus.as_slice()].concat(), &odd] {
        assert_eq!(changed("n", base64url(modulus).into()), Err(Code::TokenKeyType), "{} bytes", modulus.len());
    }
    assert_eq!(changed("n", format!("{}=", base64url(&modulus)).into()), Err(Code::TokenKeyType));
    let even = [&modulus[..511], &[modulus[511] & 0xFE]].concat();
    assert_eq!(changed("n", base64url(&even).into()), Err(Code::JwsSignature), "such a key verifies nothing");
    // By certificate alone, or with one that has another key.
    let chain = scene.verifier.chain();
    assert_eq!(with(vec![vec![Jwk::certified(&key, &kid, &chain[..1])]]), Err(Code::JwsSignature), "the leaf's key");
    assert_eq!(with(vec![vec![good().with_chain(&chain[..1])]]), Err(Code::TokenKeyCertificate));
    let mut leaf = scene.verifier.leaf.clone();
    leaf.key = key.clone();
    let own = [leaf.issued_by(&scene.verifier.intermediate)];
    assert_eq!(with(vec![vec![Jwk::certified(&key, &kid, &own)]]), plain);
    assert_eq!(with(vec![vec![good().with_chain(&own)]]), plain);
}

#[test]
fn a_named_key_set_is_the_only_one_that_counts() {
    let scene = Scene::oidc();
    let bytes = scene.token.build();
    let run = |roots: &RootSet| scene.run_bytes(bytes.as_bytes(), roots);
    let own = bare_root(&AwsLc, &scene.key_sets[0]).expect("a key set").expect("well-formed");
    let authentic = run(&own).expect("authentic");
    assert_eq!(
        claim(&authentic, cross_vendor::SIMULATED).as_deref(),
        Some("true"),
        "a bare root counts as a simulator's"
    );
    let vouched = run(&RootSet::default()).expect("authentic");
    assert_eq!(claim(&vouched, cross_vendor::ROOT_SHA256), claim(&authentic, cross_vendor::ROOT_SHA256));

    let another = KeySet::new(vec![Jwk::of(&Key::rsa4096_pkcs1("another"), "another")]).build();
    let another = bare_root(&AwsLc, &another).expect("a key set").expect("well-formed");
    assert_eq!(run(&another).expect_err("refused").reason.code, Code::ChainRootNotPinned);
    let mut none = RootSet::default();
    none.demand_listed_keys([]);
    assert_eq!(run(&none).expect_err("refused").reason.code, Code::ChainRootNotPinned);
    none.demand_listed_keys([own.iter().next().unwrap().sha256]);
    assert_eq!(claim(&run(&none).expect("authentic"), cross_vendor::SIMULATED).as_deref(), Some("false"));

    // In a manifest, with a word on what stands behind it.
    let manifest = format!(
        "[[root]]\nid = 'keys'\nkey_set = 'keys.json'\nsha256 = '{}'\nsubject = 'https://issuer.example'\n\
         not_before = '2026-01-01T00:00:00Z'\nnot_after = '2027-01-01T00:00:00Z'\nvendor = 'google'\n\
         kinds = ['gcp-confidential-space']\nsource = 'a test'\n",
        hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&scene.key_sets[0]))
    );
    let read = |_: &str| Ok::<_, String>(scene.key_sets[0].clone());
    let unread = RootSet::from_manifest(&manifest, TrustAnchor::Configured, read).unwrap();
    let listed = read_key_sets(&AwsLc, unread).unwrap();
    assert_eq!(
        listed.iter().map(|root| root.id.as_str()).collect::<Vec<_>>(),
        [format!("keys#{}", scene.verifier.kid)]
    );
    assert_eq!(claim(&run(&listed).expect("authentic"), cross_vendor::SIMULATED).as_deref(), Some("false"));
    assert!(bare_root(&AwsLc, b"{}").is_none() && bare_root(&AwsLc, b"{\"keys\":[{}]}").unwrap().is_err());
}

#[test]
fn tokens_are_three_parts_and_nothing_else() {
    let scene = Scene::oidc();
    let token = scene.token.build();
    let code = |text: &str| {
        scene.run_bytes(text.as_bytes(), &RootSet::default()).map(|_| ()).map_err(|refusal| refusal.reason.code)
    };
    assert_eq!(code(&token), Ok(()));
    let parts: Vec<_> = token.split('.').collect();
    for text in [
        format!("{token}."),
        format!(".{token}"),
        format!("{token}\n"),
        format!(" {token}"),
        format!("{token}="),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}..{}", parts[0], parts[2]).replace("..", ".!."),
        format!("{}=.{}.{}", parts[0], parts[1], parts[2]),
        format!("{}. {}.{}", parts[0], parts[1], parts[2]),
        format!("{}.{}.{}.{}", parts[0], parts[1], parts[2], parts[2]),
        token.replace('.', ".."),
        "..".to_owned(),
        "{\"payload\":\"\",\"signatures\":[]}".to_owned(),
    ] {
        let code = code(&text).expect_err("refused");
        assert!(matches!(code, Code::JwsMalformed | Code::JwsHeader), "{code}: {text}");
    }
    assert_eq!(code(""), Err(Code::EvidenceEmpty));
    assert_eq!(code(&format!("{token}{}", "A".repeat(64 << 10))), Err(Code::EvidenceTooLarge));
    assert_eq!(code(&format!("{}..{}", parts[0], parts[2])), Err(Code::TokenMalformed), "an empty payload");
    // The last letter of a part has bits that carry nothing; they are zero.
    let last = parts[2].chars().last().unwrap();
    let others =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars().filter(|other| *other != last);
    for other in others {
        let twin = format!("{}{other}", &token[..token.len() - 1]);
        assert!(matches!(code(&twin), Err(Code::JwsMalformed | Code::JwsSignature)), "{other}");
    }
    assert_eq!(refused(|scene| _ = scene.token.payload.append("", "dbgstat", "enabled")), Code::TokenDuplicateClaim);
    let nested = refused(|scene| _ = scene.token.payload.append("submods/container", "image_digest", "sha256:00"));
    assert_eq!(nested, Code::TokenDuplicateClaim);
    assert_eq!(refused(|scene| _ = scene.token.header.append("", "alg", "RS256")), Code::JwsHeader);
    assert_eq!(refused(|scene| scene.token.before.push(Edit::Append(b" {}".to_vec()))), Code::TokenMalformed);
}

#[test]
fn every_claim_is_signed() {
    let signed = Scene::oidc().token;
    let text = signed.build();
    let parts: Vec<_> = text.split('.').collect();
    for path in signed.payload.paths() {
        let mut changed = signed.clone();
        changed.payload.remove(&path);
        let payload = base64url(changed.payload.to_string().as_bytes());
        let scene = Scene::oidc();
        let bytes = format!("{}.{payload}.{}", parts[0], parts[2]);
        let refusal = scene.run_bytes(bytes.as_bytes(), &RootSet::default()).expect_err("refused");
        let code = refusal.reason.code;
        assert!(matches!(code, Code::JwsSignature | Code::TokenMalformed), "{path}: {code}");
        assert!(code == Code::JwsSignature || ["iss", "aud", "iat", "exp"].contains(&path.as_str()), "{path}");
    }
}

#[test]
fn every_claim_has_its_type() {
    let scene = Scene::oidc();
    // The ones that are signed and not read.
    let unread = [
        "eat_profile",
        "submods/container/image_signatures/signature",
        "submods/container/image_signatures/signature_algorithm",
    ];
    for path in scene.token.payload.paths().iter().filter(|path| !unread.contains(&path.as_str())) {
        for wrong in [Json::object([]), Json::from(vec![Json::from(1)]), Json::from(-1)] {
            // A second before the epoch is a time.
            if ["iat", "nbf", "exp"].contains(&path.as_str()) && wrong == Json::from(-1) {
                continue;
            }
            let mut scene = Scene::oidc();
            scene.token.payload.set(path, wrong.clone());
            assert_eq!(scene.code(), Code::TokenMalformed, "{path}: {wrong}");
        }
    }
    for date in ["yesterday", "2024-03-13", ""] {
        assert_eq!(
            refused(|scene| _ = scene.token.payload.set("tdx/gcp_attester_tcb_date", date)),
            Code::TokenMalformed
        );
    }
    let key = |id: &str| vec![Json::object([("key_id", id.into())])];
    for id in ["", "00", &"zz".repeat(32)] {
        let code = refused(|scene| _ = scene.token.payload.set("submods/container/image_signatures", key(id)));
        assert_eq!(code, Code::TokenMalformed);
    }
}

#[test]
fn a_token_is_good_for_its_time_give_or_take_a_minute() {
    let at = |at: i64| {
        let mut scene = Scene::oidc();
        scene.at = at;
        scene.run().map(|_| ()).map_err(|refusal| (refusal.reason.code, refusal.reason.stage()))
    };
    assert_eq!((at(AT - 60), at(AT + LIFETIME + 60)), (Ok(()), Ok(())));
    assert_eq!(at(AT - 61), Err((Code::TimeTokenNotYetValid, Stage::Time)));
    assert_eq!(at(AT + LIFETIME + 61), Err((Code::TimeTokenExpired, Stage::Time)));
    let late = refused(|scene| _ = scene.token.payload.set("nbf", AT + 3_000));
    assert_eq!(late, Code::TimeTokenNotYetValid);
    let early = refused(|scene| _ = scene.token.payload.set("nbf", AT - 3_000).set("iat", AT + 3_000));
    assert_eq!(early, Code::TimeTokenNotYetValid, "issued in the future");
    for (name, time) in [("exp", i64::MAX), ("iat", i64::MIN), ("nbf", i64::MAX)] {
        assert_eq!(refused(|scene| _ = scene.token.payload.set(name, time)), Code::TokenMalformed, "{name}");
    }
    let fraction = refused(|scene| _ = scene.token.payload.set("exp", Json::Raw(format!("{}.5", AT + 60))));
    assert_eq!(fraction, Code::TokenMalformed);
}

#[test]
fn a_nonce_is_found_in_a_text_or_a_list_in_three_spellings() {
    let nonce: &'static [u8] = b"\x00nonce of the caller\xff";
    let run = |nonces: Option<Json>| {
        let mut scene = Scene::oidc();
        scene.expected.nonce = Some(nonce);
        if let Some(nonces) = nonces {
            scene.token.payload.set("eat_nonce", nonces);
        }
        scene.run().map_err(|refusal| refusal.reason.code)
    };
    let list = |texts: &[&str]| Some(Json::from(texts.iter().map(|text| Json::from(*text)).collect::<Vec<_>>()));
    let (hex, base64) = (hex::encode(nonce), base64url(nonce));
    for nonces in [Some(hex.as_str().into()), Some(base64.as_str().into()), list(&[&hex]), list(&["another", &base64])]
    {
        let authentic = run(nonces).expect("authentic");
        assert!(authentic.nonce_matched());
        assert_eq!(claim(&authentic, cross_vendor::NONCE), Some(hex.clone()));
    }
    assert_eq!(run(None).err(), Some(Code::BindingNonceAbsent));
    assert_eq!(run(list(&[])).err(), Some(Code::BindingNonceAbsent));
    for nonces in
        [list(&["another"]), Some("".into()), Some(hex.to_uppercase().into()), Some(format!("{base64}=").into())]
    {
        assert_eq!(run(nonces).err(), Some(Code::BindingNonceMismatch));
    }
    let mut text = Scene::oidc();
    text.token.payload.set("eat_nonce", "challenge");
    assert_eq!(claim(&text.run().expect("authentic"), cross_vendor::NONCE), None, "nobody asked for it");
    text.expected.nonce = Some(b"challenge");
    assert!(text.run().expect("authentic").nonce_matched());
    assert_eq!(claim(&text.run().expect("authentic"), gcs::EAT_NONCE).as_deref(), Some("challenge"));
}

#[test]
fn a_binding_is_the_one_nonce_of_a_token_for_this_log() {
    let origin = "ledger.example/log";
    let run = |nonces: Json, audience: &str| {
        let mut scene = Scene::pki(|_| ());
        scene.token.payload.set("eat_nonce", nonces).set("aud", audience);
        scene.expected = Expected {
            nonce: Some(b"covered by the binding"),
            binding: Some(&BINDING),
            audience: Some(origin),
            ..Expected::default()
        };
        scene.run().map_err(|refusal| (refusal.reason.code, refusal.reason.stage()))
    };
    let value = base64url(&BINDING);
    let authentic = run(value.as_str().into(), origin).expect("authentic");
    assert!(authentic.binding_matched() && !authentic.nonce_matched());
    assert_eq!(claim(&authentic, cross_vendor::BINDING), Some(hex::encode(BINDING)));
    let differs = Err((Code::BindingValueMismatch, Stage::Binding));
    for nonces in [
        Json::from(vec![Json::from(value.as_str())]),
        vec![Json::from(value.as_str()), "another".into()].into(),
        hex::encode(BINDING).into(),
        format!("{value}=").into(),
        base64url(&BINDING[..47]).into(),
    ] {
        assert_eq!(run(nonces, origin), differs);
    }
    for audience in ["ledger.example/log/", "Ledger.example/log", "https://sts.google.com", ""] {
        assert_eq!(run(value.as_str().into(), audience), Err((Code::BindingAudience, Stage::Binding)), "{audience}");
    }
    let mut scene = Scene::oidc();
    scene.expected.binding = Some(&BINDING);
    assert_eq!(scene.code(), Code::BindingValueAbsent);
    assert_eq!(scene.token.payload.get("aud"), Some(&Json::from("https://relying.party.example")));
}

#[test]
fn an_id_is_of_what_is_signed() {
    let scene = Scene::oidc();
    let id = scene.run().expect("authentic").evidence_id();
    let mut forged = scene;
    forged.token.signature.push(Edit::FlipBit { offset: 3, bit: 1 });
    assert_eq!(forged.run().expect_err("refused").evidence_id, Some(id));
    let text = forged.token.build();
    let (signed, _) = text.rsplit_once('.').unwrap();
    assert_eq!(id.signed_sha384[..], <sha2::Sha384 as sha2::Digest>::digest(signed)[..]);
    assert_eq!(id.kind, KIND);
}
