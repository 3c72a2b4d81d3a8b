//! One mutation of a good Intel Trust Authority token per rule, each refused for exactly its own reason; every claim changed
//! after it was signed; in both versions of the claims. Tokens are the simulator's, which shares no code with the verifier.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that fails fails its test"
)]

mod question;

use std::collections::BTreeMap;

use prooftrail_evidence::{Authentic, AwsLc, Expected, Link, Refusal, Revocation, RevocationMode, bare_root, identify};
use prooftrail_result::{
    Kind, ReasonCode as Code, Stage, Timestamp,
    claims::{ClaimName, Claims, Family, Value, cross_vendor, ita},
};
use prooftrail_simulator::{
    edit::Edit,
    jose::{Json, Jwk, KeySet, Token, base64url},
    key::Key,
    trust_authority::Service,
    x509::{CrlSpec, Extension, KeyUsage},
};
use prooftrail_trust_roots::RootSet;
use sha2::{Digest, Sha256, Sha512};

use self::question::{Question, configured, refusal_code};

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const LIFETIME: i64 = 300;
const KIND: Kind = Kind::IntelTrustAuthority;
const DATA: &[u8] = b"runtime data of the attester";
const BINDING: [u8; 48] = [7; 48];

/// Runtime data of a release, written by hand (docs/protocol.md).
fn runtime_data() -> Vec<u8> {
    [b"\x82\x71prooftrail/ita/v1\x58\x30".as_slice(), &BINDING].concat()
}

/// A token and what surrounds it.
struct Scene {
    service: Service,
    files: Vec<Vec<u8>>,
    token: Token,
    /// What the manifest says of the root; `None` is no root at all.
    simulated: Option<bool>,
    at: i64,
    expected: Expected<'static>,
    revocation: RevocationMode,
}

impl Scene {
    fn of(make: impl FnOnce(&Service) -> Token) -> Self {
        Self::changed(make, |_| ())
    }

    fn changed(make: impl FnOnce(&Service) -> Token, change: impl FnOnce(&mut Service)) -> Self {
        let mut service = Service::new("rules", AT);
        change(&mut service);
        let (files, token) = (vec![service.key_set().build()], make(&service));
        Self {
            service,
            files,
            token,
            simulated: Some(true),
            at: AT + 10,
            expected: Expected::default(),
            revocation: RevocationMode::BestEffort,
        }
    }

    fn domain() -> Self {
        Self::of(|service| service.trust_domain(DATA))
    }

    fn enclave() -> Self {
        Self::of(|service| service.enclave(DATA))
    }

    fn composite() -> Self {
        Self::of(|service| service.composite(DATA))
    }

    fn roots(&self) -> RootSet {
        let Some(simulated) = self.simulated else { return RootSet::default() };
        let manifest = self.service.root_manifest();
        let manifest = manifest.replace("simulated = true", &format!("simulated = {simulated}"));
        configured(&manifest, &self.service.root_der())
    }

    fn run(&self) -> Result<Authentic, Refusal> {
        self.run_bytes(self.token.build().as_bytes(), &self.roots())
    }

    fn run_bytes(&self, bytes: &[u8], roots: &RootSet) -> Result<Authentic, Refusal> {
        let (files, at, expected) = (&self.files, self.at, self.expected);
        let revocation = Revocation { intel: self.revocation, ..Revocation::default() };
        Question { kind: KIND, files, roots, revocation, at, expected }.ask(bytes)
    }

    fn code(&self) -> Code {
        refusal_code(self.run())
    }

    fn objections(&self) -> Vec<Code> {
        let authentic = self.run().expect("authentic");
        assert!(authentic.objections().iter().all(|reason| reason.stage().is_authentic()));
        authentic.objections().iter().map(|reason| reason.code).collect()
    }
}

fn refused(change: impl FnOnce(&mut Scene)) -> Code {
    let mut scene = Scene::domain();
    change(&mut scene);
    scene.code()
}

fn shown(claims: &Claims) -> BTreeMap<String, String> {
    claims.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn claim(authentic: &Authentic, name: impl Into<ClaimName>) -> Option<String> {
    authentic.claims().get(name).map(Value::to_string)
}

fn text<'a>(token: &'a Token, path: &str) -> &'a str {
    match token.payload.get(path) {
        Some(Json::Text(text)) => text,
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn every_claim_is_read_in_both_versions() {
    let (domain, enclave, composite) = (Scene::domain(), Scene::enclave(), Scene::composite());
    let (td, sgx, both) = (domain.run().unwrap(), enclave.run().unwrap(), composite.run().unwrap());
    let established = [&td, &sgx, &both].map(|authentic| shown(authentic.claims()));
    for spec in Family::Ita.table() {
        let numbered = (0..4).map(|number| spec.pattern.replace("<i>", &number.to_string()));
        for name in numbered {
            assert!(established.iter().any(|claims| claims.contains_key(&name)), "{name}");
        }
    }
    for (claims, token, prefix) in [
        (&established[0], &domain.token, ""),
        (&established[1], &enclave.token, ""),
        (&established[2], &composite.token, "tdx/"),
    ] {
        // What is text in the token stands in the claim as it is, under the same name.
        let section = token.payload.paths().into_iter().filter_map(|path| path.strip_prefix(prefix).map(str::to_owned));
        let mut compared = 0;
        for path in section.filter(|path| path.starts_with("tdx_") || path.starts_with("sgx_")) {
            let name = format!("ita.{}", path.replacen('_', ".", 1));
            if let Some(Json::Text(value)) = token.payload.get(&format!("{prefix}{path}")) {
                let name = if path.ends_with("quotehash") { "ita.quote_sha256" } else { &name };
                assert_eq!(claims.get(name), Some(value), "{name}");
                compared += 1;
            }
        }
        assert!(compared >= 4, "{compared}");
        for (name, value) in [
            ("debug", "false"),
            ("vendor", "intel"),
            ("simulated", "true"),
            ("trust_anchor", "configured"),
            ("revocation", "not_checked"),
            ("tcb.status", "OutOfDate"),
            ("tcb.date", "2025-08-13T00:00:00Z"),
            ("advisories", "INTEL-SA-00837,INTEL-SA-01192"),
            ("issued_at", "2026-06-01T12:00:00Z"),
            ("ita.issuer", "Intel Trust Authority"),
            ("ita.exp", "2026-06-01T12:05:00Z"),
            ("ita.dbgstat", "disabled"),
            ("ita.intuse", "generic"),
            ("ita.attester_tcb_status", "OutOfDate"),
            ("ita.attester_tcb_date", "2025-08-13T00:00:00Z"),
            ("ita.attester_advisory_ids", "INTEL-SA-00837,INTEL-SA-01192"),
            ("ita.attester_held_data_sha256", &hex::encode(Sha256::digest(DATA))),
            ("ita.policy_ids_matched", text_of_policy(token, prefix, "policy_ids_matched").as_str()),
            ("ita.policy_ids_unmatched", text_of_policy(token, prefix, "policy_ids_unmatched").as_str()),
        ] {
            assert_eq!(claims.get(name).map(String::as_str), Some(value), "{name}");
        }
    }
    for (claims, platform, attester, version) in [
        (&established[0], "tdx", "TDX", "1.0.0"),
        (&established[1], "sgx", "SGX", "1.0.0"),
        (&established[2], "tdx", "TDX", "2.0.0"),
    ] {
        assert_eq!((claims["platform"].as_str(), claims["ita.attester_type"].as_str()), (platform, attester));
        assert_eq!(claims["ita.ver"], version);
    }
    assert_eq!(established[0]["measurement"], text(&domain.token, "tdx_mrtd"));
    assert_eq!(established[1]["measurement"], text(&enclave.token, "sgx_mrenclave"));
    for (name, value) in [
        ("gpu.count", "1"),
        ("gpu.measres", "success"),
        ("gpu.0.verified_by", "ita"),
        ("gpu.0.measres", "success"),
        ("gpu.0.hwmodel", "GH100 A01 GSP BROM"),
        ("gpu.0.arch", "HOPPER"),
        ("gpu.0.oemid", "5703"),
        ("gpu.0.secboot", "true"),
        ("gpu.0.dbgstat", "disabled"),
        ("gpu.0.driver_version", "550.90.07"),
        ("gpu.0.vbios_version", "96.00.9F.00.01"),
        ("gpu.0.ueid", text(&composite.token, "nvgpu/ueid")),
    ] {
        assert_eq!(established[2].get(name).map(String::as_str), Some(value), "{name}");
    }
    let quote: [u8; 32] = hex::decode(&established[2]["ita.quote_sha256"]).unwrap().try_into().unwrap();
    let device = Link::Device(text(&composite.token, "nvgpu/ueid").into());
    assert_eq!(both.links(), [Link::QuoteSha256(quote), device]);
    assert!(both.debug_applies() && both.objections().is_empty());
    assert_eq!(both.valid_until().to_string(), "2026-06-01T12:06:00Z");
    assert_eq!(both.inputs().iter().map(|input| input.role).collect::<Vec<_>>(), ["root", "key_set"]);
    let root: [u8; 32] = Sha256::digest(composite.service.root_der()).into();
    assert_eq!(claim(&both, cross_vendor::ROOT_SHA256), Some(hex::encode(root)));
    let identified = identify(domain.token.build().as_bytes()).expect("a token");
    assert_eq!((identified.kind, identified.claimed_time), (KIND, Timestamp::from_unix_seconds(AT)));
}

fn text_of_policy(token: &Token, prefix: &str, name: &str) -> String {
    let Some(Json::List(policies)) = token.payload.get(&format!("{prefix}{name}")) else { panic!("no {name}") };
    let Some(Json::Text(id)) = policies[0].get("id") else { panic!("no id") };
    id.clone()
}

#[test]
fn a_key_counts_by_its_chain_alone() {
    let scene = Scene::domain();
    let token = scene.token.build();
    let mut other = RootSet::default();
    assert_eq!(scene.run_bytes(token.as_bytes(), &other).expect_err("refused").reason.code, Code::ChainRootNotPinned);
    assert_eq!(
        scene.run_bytes(token.as_bytes(), &RootSet::pinned()).expect_err("refused").reason.code,
        Code::ChainRootNotPinned
    );
    // A key that is listed without its chain is none.
    let key: [u8; 32] = Sha256::digest(scene.token.key.subject_public_key_info()).into();
    other.demand_listed_keys([key]);
    assert_eq!(scene.run_bytes(token.as_bytes(), &other).expect_err("refused").reason.code, Code::ChainRootNotPinned);
    // The key set as a root brings its authority.
    let own = bare_root(&AwsLc, &scene.files[0]).expect("a key set").expect("well-formed");
    assert_eq!(own.iter().len(), 2);
    let authentic = scene.run_bytes(token.as_bytes(), &own).expect("authentic");
    assert_eq!(
        claim(&authentic, cross_vendor::ROOT_SHA256),
        Some(hex::encode(Sha256::digest(scene.service.root_der())))
    );

    let with = |change: fn(&Service) -> Jwk| {
        let mut scene = Scene::domain();
        scene.files = vec![KeySet::new(vec![change(&scene.service)]).build()];
        scene.code()
    };
    assert_eq!(with(|service| Jwk::of(&service.leaf.key, &service.kid)), Code::ChainLength, "no chain");
    let two = |service: &Service| Jwk::of(&service.leaf.key, &service.kid).with_chain(&service.chain()[..2]);
    assert_eq!(with(two), Code::ChainLength);
    let reversed = |service: &Service| {
        let mut chain = service.chain();
        chain.swap(1, 2);
        Jwk::of(&service.leaf.key, &service.kid).with_chain(&chain)
    };
    assert_eq!(with(reversed), Code::ChainRootNotPinned);
    let foreign = |service: &Service| Jwk::of(&Key::rsa4096("another"), &service.kid).with_chain(&service.chain());
    assert_eq!(with(foreign), Code::TokenKeyCertificate);
    let alone = |service: &Service| Jwk::certified(&service.leaf.key, &service.kid, &service.chain());
    let mut scene = Scene::domain();
    scene.files = vec![KeySet::new(vec![alone(&scene.service)]).build()];
    assert!(scene.run().is_ok(), "certificates name the key as well");
}

#[test]
fn the_chain_of_a_key_has_its_profile() {
    let code = |change: &dyn Fn(&mut Service)| Scene::changed(|service| service.trust_domain(DATA), change).code();
    let other = || Some(Key::rsa4096_pkcs1("another"));
    assert_eq!(code(&|ita| ita.leaf.not_after = AT), Code::TimeExpired);
    assert_eq!(code(&|ita| ita.leaf.not_before = AT + 60), Code::TimeNotYetValid);
    assert_eq!(code(&|ita| ita.authority.not_after = AT), Code::TimeExpired);
    assert_eq!(code(&|ita| ita.root.not_after = AT), Code::TimeExpired);
    assert_eq!(code(&|ita| ita.leaf.signing.key = other()), Code::ChainSignature);
    assert_eq!(code(&|ita| ita.authority.signing.key = other()), Code::ChainSignature);
    assert_eq!(code(&|ita| ita.leaf.set_extension(Extension::basic_constraints(true, None))), Code::ChainLeafIsCa);
    let signs_lists = Extension::key_usage(&[KeyUsage::CrlSign]);
    assert_eq!(code(&|ita| ita.authority.set_extension(signs_lists.clone())), Code::ChainKeyUsage);
    let enciphers = Extension::key_usage(&[KeyUsage::KeyEncipherment]);
    assert_eq!(code(&|ita| ita.leaf.set_extension(enciphers.clone())), Code::ChainKeyUsage);
    let server = Extension::extended_key_usage(&[prooftrail_simulator::x509::oid::SERVER_AUTH]);
    assert_eq!(code(&|ita| ita.leaf.set_extension(server.clone())), Code::ChainKeyUsage);
    assert_eq!(code(&|ita| ita.authority.key = Key::p384("ca")), Code::ChainKeyType);
    let short = Extension::basic_constraints(true, Some(0));
    assert_eq!(code(&|ita| ita.root.set_extension(short.clone())), Code::ChainPathLength);
}

#[test]
fn a_revoked_key_signs_nothing_and_lists_may_be_required() {
    let with = |mode: RevocationMode, lists: &dyn Fn(&Service) -> Vec<CrlSpec>| {
        let mut scene = Scene::domain();
        scene.revocation = mode;
        let lists: Vec<_> = lists(&scene.service).iter().map(CrlSpec::build).collect();
        scene.files.extend(lists);
        scene.run().map(|authentic| claim(&authentic, cross_vendor::REVOCATION)).map_err(|refusal| refusal.reason.code)
    };
    let good = |service: &Service| service.crls().to_vec();
    let revoked = |service: &Service| {
        vec![CrlSpec::issued_by(&service.authority, AT - 60, &[&service.leaf.serial]), service.crls()[1].clone()]
    };
    assert_eq!(with(RevocationMode::Required, &good), Ok(Some("good".to_owned())));
    assert_eq!(with(RevocationMode::Required, &|_| Vec::new()), Err(Code::RevocationNotChecked));
    assert_eq!(with(RevocationMode::Required, &|ita| ita.crls()[..1].to_vec()), Err(Code::RevocationNotChecked));
    assert_eq!(with(RevocationMode::BestEffort, &revoked), Err(Code::RevocationRevoked));
    let old = |service: &Service| vec![CrlSpec::issued_by(&service.authority, AT - 30 * 86_400, &[])];
    assert_eq!(with(RevocationMode::BestEffort, &old), Err(Code::TimeCrlExpired));
}

#[test]
fn a_token_is_signed_with_the_algorithm_of_its_key() {
    for name in ["none", "HS256", "HS384", "RS384", "PS256", "PS512", "ES384", "ps384", ""] {
        assert_eq!(refused(|scene| _ = scene.token.header.set("alg", name)), Code::JwsAlgorithm, "{name}");
    }
    // RS256 is one of the issuer's, and not this key's.
    let same_key = Key::rsa4096_pkcs1("rules/ita/leaf");
    let other_scheme = |scene: &mut Scene| {
        scene.token.header.set("alg", "RS256");
        scene.token.key = same_key.clone();
    };
    assert_eq!(refused(other_scheme), Code::JwsKeyAlgorithm);
    let mut scene = Scene::domain();
    other_scheme(&mut scene);
    let mut key = Jwk::of(&same_key, &scene.service.kid).with_chain(&scene.service.chain());
    key.0.set("alg", "RS256");
    scene.files = vec![KeySet::new(vec![key.clone()]).build()];
    assert!(scene.run().is_ok(), "the key set says that the key signs so");
    // One id with both is two keys, and each verifies its own.
    let mut both = Scene::domain();
    let mut pss = Jwk::of(&both.token.key, &both.service.kid).with_chain(&both.service.chain());
    pss.0.set("alg", "PS384");
    both.files = vec![KeySet::new(vec![pss, key]).build()];
    assert!(both.run().is_ok());
    both.token.header.set("alg", "RS256");
    assert_eq!(both.code(), Code::JwsSignature, "PSS is no PKCS#1 v1.5");

    assert_eq!(refused(|scene| _ = scene.token.header.set("kid", "another")), Code::TokenKeyUnknown);
    assert_eq!(refused(|scene| _ = scene.token.header.remove("kid")), Code::TokenKeyUnknown);
    assert_eq!(refused(|scene| _ = scene.token.header.set("kid", 1234)), Code::JwsHeader);
    assert_eq!(refused(|scene| scene.token.key = Key::rsa4096("another")), Code::JwsSignature);
    assert_eq!(refused(|scene| scene.token.signature.push(Edit::FlipBit { offset: 0, bit: 7 })), Code::JwsSignature);
}

#[test]
fn issuers_and_the_places_of_their_keys_are_known() {
    for issuer in ["https://portal.trustauthority.intel.com", "https://portal.eu.trustauthority.intel.com"] {
        let mut scene = Scene::domain();
        scene.token.payload.set("iss", issuer);
        assert_eq!(claim(&scene.run().expect("authentic"), ita::ISSUER).as_deref(), Some(issuer));
    }
    for issuer in ["intel trust authority", "https://portal.trustauthority.intel.com/", "https://evil.example", ""] {
        assert_eq!(refused(|scene| _ = scene.token.payload.set("iss", issuer)), Code::TokenIssuer, "{issuer}");
    }
    let elsewhere = |simulated: bool| {
        let mut scene = Scene::domain();
        scene.simulated = Some(simulated);
        scene.token.header.set("jku", "https://amber-test1-user1.project-amber-smas.com/certs");
        scene.run().map(|_| ()).map_err(|refusal| refusal.reason.code)
    };
    assert_eq!(elsewhere(false), Err(Code::TokenKeySource));
    assert_eq!(elsewhere(true), Ok(()), "a development system has its own place; it is not asked either");
    let own = Jwk::of(&Key::rsa4096("another"), "own").0;
    assert_eq!(refused(|scene| _ = scene.token.header.set("jwk", own)), Code::TokenKeySource);
}

#[test]
fn a_token_is_good_for_its_time_give_or_take_a_minute() {
    let at = |at: i64| {
        let mut scene = Scene::domain();
        scene.at = at;
        scene.run().map(|_| ()).map_err(|refusal| (refusal.reason.code, refusal.reason.stage()))
    };
    assert_eq!((at(AT - 60), at(AT + LIFETIME + 60)), (Ok(()), Ok(())));
    assert_eq!(at(AT - 61), Err((Code::TimeTokenNotYetValid, Stage::Time)));
    assert_eq!(at(AT + LIFETIME + 61), Err((Code::TimeTokenExpired, Stage::Time)));
}

#[test]
fn what_the_hardware_signed_is_hashed_again() {
    for (mut scene, path, data) in [
        (Scene::domain(), "tdx_report_data", "attester_runtime_data"),
        (Scene::enclave(), "sgx_report_data", "attester_held_data"),
        (Scene::composite(), "tdx/tdx_report_data", "tdx/attester_runtime_data"),
    ] {
        scene.token.payload.set(path, "00".repeat(64));
        assert_eq!(scene.code(), Code::ItaReportData);
        // Without the data nobody can tell, and nothing is claimed.
        scene.token.payload.remove(data);
        assert_eq!(claim(&scene.run().expect("authentic"), ita::ATTESTER_HELD_DATA_SHA256), None);
        // A paravisor's data are an object, whose spelling is lost.
        scene.token.payload.set(data, Json::object([("user-data", "00".into())]));
        assert_eq!(claim(&scene.run().expect("authentic"), ita::ATTESTER_HELD_DATA_SHA256), None);
    }
    for (name, value) in [("val", "!"), ("iat", "="), ("val", "AA=")] {
        let code = refused(|scene| _ = scene.token.payload.set(&format!("verifier_nonce/{name}"), value));
        assert_eq!(code, Code::TokenMalformed);
    }
    let other_nonce = refused(|scene| _ = scene.token.payload.set("verifier_nonce/val", "AAAA"));
    assert_eq!(other_nonce, Code::ItaReportData);
    // Without the service's nonce, the data alone are hashed.
    let mut scene = Scene::domain();
    scene.token.payload.remove("verifier_nonce").set("tdx_report_data", hex::encode(Sha512::digest(DATA)));
    assert!(claim(&scene.run().expect("authentic"), ita::ATTESTER_HELD_DATA_SHA256).is_some());
    let mut scene = Scene::enclave();
    let padded = [Sha256::digest(DATA).as_slice(), &[0; 32]].concat();
    scene.token.payload.remove("verifier_nonce").set("sgx_report_data", hex::encode(&padded));
    assert!(claim(&scene.run().expect("authentic"), ita::ATTESTER_HELD_DATA_SHA256).is_some());
    scene.token.payload.set("sgx_report_data", hex::encode([&padded[..32], &[1; 32]].concat()));
    assert_eq!(scene.code(), Code::ItaReportData, "an enclave's are padded with zeros");
}

#[test]
fn a_release_s_binding_is_found_in_the_report_data() {
    let runtime = runtime_data();
    let bound = || Expected { binding: Some(&BINDING), nonce: Some(b"covered"), ..Expected::default() };
    for mut scene in [
        Scene::of(|service| service.trust_domain(&runtime)),
        Scene::of(|service| service.enclave(&runtime)),
        Scene::of(|service| service.composite(&runtime)),
    ] {
        scene.expected = bound();
        let authentic = scene.run().expect("authentic");
        assert!(authentic.binding_matched() && !authentic.nonce_matched());
        assert_eq!(claim(&authentic, cross_vendor::BINDING), Some(hex::encode(BINDING)));
        scene.expected.binding = Some(&[8; 48]);
        assert_eq!(scene.code(), Code::BindingValueMismatch);
    }
    // What the token says of the data does not count, only what was hashed.
    let mut scene = Scene::of(|service| service.trust_domain(&runtime));
    scene.expected = bound();
    scene.token.payload.remove("attester_runtime_data");
    assert!(scene.run().expect("authentic").binding_matched());
    scene.token.payload.remove("tdx_report_data");
    assert_eq!(scene.code(), Code::BindingValueAbsent);
    let mut other = Scene::domain();
    other.expected = bound();
    assert_eq!(other.code(), Code::BindingValueMismatch);
}

#[test]
fn a_nonce_is_the_service_s() {
    let mut scene = Scene::domain();
    let value: &'static [u8] = Sha256::digest("prooftrail-simulator/rules/ita/nonce").to_vec().leak();
    scene.expected.nonce = Some(value);
    let authentic = scene.run().expect("authentic");
    assert!(authentic.nonce_matched());
    assert_eq!(claim(&authentic, cross_vendor::NONCE), Some(hex::encode(value)));
    scene.expected.nonce = Some(b"another");
    assert_eq!(scene.code(), Code::BindingNonceMismatch);
    scene.token.payload.remove("verifier_nonce").remove("attester_runtime_data");
    assert_eq!(scene.code(), Code::BindingNonceAbsent);
}

#[test]
fn signed_is_not_passed() {
    assert_eq!(Scene::composite().objections(), []);
    for said in ["fail", "comparison-fail", "comparison-failed", "SUCCESS", "", "unknown"] {
        let mut scene = Scene::composite();
        scene.token.payload.set("nvgpu/measres", said);
        assert_eq!(scene.objections(), [Code::ItaGpuVerdict], "{said}");
        assert_eq!(claim(&scene.run().unwrap(), cross_vendor::GPU_MEASRES).as_deref(), Some("fail"));
    }
    let mut silent = Scene::composite();
    silent.token.payload.remove("nvgpu/measres").remove("nvgpu/x-nvidia-overall-att-result");
    assert_eq!(silent.objections(), [Code::ItaGpuVerdict; 2], "of the device and on the whole");
    let mut negative = Scene::composite();
    negative.token.payload.set("nvgpu/x-nvidia-overall-att-result", false);
    assert_eq!(negative.objections(), [Code::ItaGpuVerdict; 2]);
    // An object for each device.
    let mut several = Scene::composite();
    let device = several.token.payload.get("nvgpu").unwrap().clone();
    let mut other = device.clone();
    other.set("ueid", "2").set("measres", "comparison-fail");
    let overall = Json::object([("x-nvidia-overall-att-result", true.into()), ("GPU-10", other), ("GPU-2", device)]);
    several.token.payload.set("nvgpu", overall);
    assert_eq!(several.objections(), [Code::ItaGpuVerdict]);
    let claims = shown(several.run().unwrap().claims());
    assert_eq!((claims["gpu.0.measres"].as_str(), claims["gpu.1.measres"].as_str()), ("success", "fail"));
    assert_eq!((claims["gpu.count"].as_str(), claims["gpu.1.ueid"].as_str()), ("2", "2"));
}

#[test]
fn trust_domain_and_gpu_were_asked_the_same() {
    let elsewhere = "11".repeat(32);
    for nonce in [elsewhere.as_str(), "", "11", "zz"] {
        let mut scene = Scene::composite();
        scene.token.payload.set("nvgpu/eat_nonce", nonce);
        assert_eq!(scene.code(), Code::ItaGpuNonce, "{nonce}");
    }
    let mut silent = Scene::composite();
    silent.token.payload.remove("nvgpu/eat_nonce");
    assert_eq!(silent.code(), Code::ItaGpuNonce);
    for nonce in [hex::encode(&Sha512::digest(DATA)[..32]), hex::encode(Sha256::digest(DATA))] {
        let mut scene = Scene::composite();
        scene.token.payload.set("nvgpu/eat_nonce", nonce);
        assert!(scene.run().is_ok());
    }
    let runtime = runtime_data();
    let mut scene = Scene::of(|service| service.composite(&runtime));
    scene.token.payload.set("nvgpu/eat_nonce", elsewhere).remove("tdx/attester_runtime_data");
    assert!(scene.run().is_ok(), "nobody can tell");
    scene.expected.binding = Some(&BINDING);
    assert_eq!(scene.code(), Code::ItaGpuNonce, "the verifier can");
}

#[test]
fn what_no_policy_can_allow_is_said() {
    let mut snp = Scene::domain();
    snp.token.payload.set("attester_type", "SEVSNP");
    assert_eq!(snp.objections(), [Code::ItaAttester]);
    assert_eq!(claim(&snp.run().unwrap(), cross_vendor::PLATFORM), None);
    let mut nested = Scene::domain();
    nested.token.payload.set("sevsnp", Json::object([]));
    assert_eq!(nested.objections(), [Code::ItaAttester]);
    let mut nobody = Scene::domain();
    nobody.token.payload.remove("attester_type");
    assert_eq!(nobody.objections(), [Code::ItaAttester]);
    let mut revoked = Scene::domain();
    revoked.token.payload.set("attester_tcb_status", "REVOKED");
    assert_eq!(revoked.objections(), [Code::TcbRevoked]);
    let mut two = Scene::composite();
    two.token.payload.set("sgx", Json::object([]));
    assert_eq!(two.code(), Code::TokenMalformed);
    let mut contradicts = Scene::composite();
    contradicts.token.payload.set("attester_type", "SGX");
    assert_eq!(contradicts.code(), Code::TokenMalformed);

    let mut gpu = Scene::composite();
    gpu.token.payload.remove("tdx");
    let authentic = gpu.run().expect("authentic");
    assert!(!authentic.debug_applies() && claim(&authentic, cross_vendor::PLATFORM).is_none());
    assert_eq!(claim(&authentic, ita::ATTESTER_TYPE).as_deref(), Some("NVGPU"));
}

#[test]
fn statuses_have_one_spelling_and_any_word_of_debugging_counts() {
    for (said, status) in [
        ("OK", Some("UpToDate")),
        ("UpToDate", Some("UpToDate")),
        ("UP_TO_DATE", Some("UpToDate")),
        ("OUT_OF_DATE", Some("OutOfDate")),
        ("SW_HARDENING_NEEDED", Some("SWHardeningNeeded")),
        ("ConfigurationAndSWHardeningNeeded", Some("ConfigurationAndSWHardeningNeeded")),
        ("OUT_OF_DATE_CONFIGURATION_NEEDED", Some("OutOfDateConfigurationNeeded")),
        ("TD_RELAUNCH_ADVISED", Some("TDRelaunchAdvised")),
        ("Fine", None),
        ("", None),
    ] {
        let mut scene = Scene::domain();
        scene.token.payload.set("attester_tcb_status", said);
        let authentic = scene.run().expect("authentic");
        assert_eq!(claim(&authentic, cross_vendor::TCB_STATUS).as_deref(), status, "{said}");
        assert_eq!(claim(&authentic, ita::ATTESTER_TCB_STATUS).as_deref(), status, "{said}");
    }
    for (name, value) in [
        ("dbgstat", Json::from("enabled")),
        ("tdx_is_debuggable", true.into()),
        ("tdx_td_attributes_debug", true.into()),
    ] {
        let mut scene = Scene::domain();
        scene.token.payload.set(name, value);
        assert_eq!(claim(&scene.run().expect("authentic"), cross_vendor::DEBUG).as_deref(), Some("true"), "{name}");
    }
    let mut silent = Scene::domain();
    silent.token.payload.remove("dbgstat").remove("tdx_is_debuggable").remove("tdx_td_attributes_debug");
    let authentic = silent.run().expect("authentic");
    assert!(authentic.debug_applies() && claim(&authentic, cross_vendor::DEBUG).is_none());
}

#[test]
fn every_claim_is_signed_and_has_its_type() {
    for scene in [Scene::domain(), Scene::enclave(), Scene::composite()] {
        let text = scene.token.build();
        let parts: Vec<_> = text.split('.').collect();
        for path in scene.token.payload.paths() {
            let mut changed = scene.token.clone();
            changed.payload.remove(&path);
            let bytes = format!("{}.{}.{}", parts[0], base64url(changed.payload.to_string().as_bytes()), parts[2]);
            let code = scene.run_bytes(bytes.as_bytes(), &scene.roots()).expect_err("refused").reason.code;
            let is_needed = ["iss", "iat", "exp"].contains(&path.as_str()) || path.starts_with("verifier_nonce/");
            let is_needed = is_needed || path.starts_with("tdx/verifier_nonce/");
            let need =
                if is_needed && !path.ends_with("signature") { Code::TokenMalformed } else { Code::JwsSignature };
            assert_eq!(code, need, "{path}");

            // A list is no value of any claim but of those that are lists, and their members are none.
            let unread = ["appraisal/", "signature", "x-nvidia-gpu-arch"];
            let may_be_anything = ["attester_runtime_data", "attester_held_data"];
            if unread.iter().chain(&may_be_anything).any(|name| path.contains(name)) || path.contains("hash") {
                continue;
            }
            let mut wrong = scene.token.clone();
            wrong.payload.set(&path, vec![Json::from(1)]);
            let code = scene.run_bytes(wrong.build().as_bytes(), &scene.roots()).expect_err("refused").reason.code;
            assert_eq!(code, Code::TokenMalformed, "{path}");
        }
    }
    for (path, wrong) in [
        ("tdx_mrtd", "00"),
        ("tdx_mrtd", &"zz".repeat(48)),
        ("tdx_xfam", &"00".repeat(9)),
        ("attester_tcb_date", "2025"),
        ("tdx_collateral/quotehash", "00"),
    ] {
        assert_eq!(refused(|scene| _ = scene.token.payload.set(path, wrong)), Code::TokenMalformed, "{path}");
    }
    assert_eq!(refused(|scene| _ = scene.token.payload.append("", "dbgstat", "disabled")), Code::TokenDuplicateClaim);
    assert_eq!(refused(|scene| _ = scene.token.payload.append("", "tdx_seamsvn", 9)), Code::TokenDuplicateClaim);
}
