//! One mutation of a good answer of NVIDIA's attestation service, or of its key set, per rule, each refused for exactly its own
//! reason. Answers are the simulator's, which shares no code with the verifier.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod question;

use prooftrail_evidence::{Authentic, Expected, Link, Refusal, Revocation, RevocationMode, identify};
use prooftrail_result::{
    Kind, Outcome, ReasonCode as Code, Stage, Timestamp,
    claims::{ClaimName, Claims, Value, cross_vendor, gpu, nras, switch},
};
use prooftrail_simulator::{
    edit::Edit,
    jose::{Json, KeySet},
    key::Key,
    nras::{Answer, ClaimsVersion, Device, Service},
    x509::{Extension, Signing, oid},
};
use prooftrail_trust_roots::RootSet;
use sha2::{Digest, Sha256, Sha384};

use self::question::{Question, configured, refusal_code};

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const LIFETIME: i64 = 3600;
const NONCE: [u8; 32] = [
    7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
    31,
];
const DEVICES: [&str; 3] = ["GPU-0", "GPU-1", "SWITCH-0"];

/// A service, an answer of its, and what an appraisal is told besides.
struct Scene<'a> {
    service: Service,
    answer: Answer,
    key_sets: Vec<KeySet>,
    /// Whether the authority is a root.
    has_root: bool,
    at: i64,
    expected: Expected<'a>,
}

impl<'a> Scene<'a> {
    fn new() -> Self {
        Self::served(|_| ())
    }

    /// An answer of a service that was changed.
    fn served(change: impl FnOnce(&mut Service)) -> Self {
        let mut service = Service::new("rules", AT);
        change(&mut service);
        let (answer, key_sets) = (service.answer(&NONCE, &DEVICES), vec![service.key_set()]);
        let expected = Expected { nonce: Some(&NONCE), ..Expected::default() };
        Self { service, answer, key_sets, has_root: true, at: AT + 60, expected }
    }

    fn appraise(&self, answer: &[u8]) -> Result<Authentic, Refusal> {
        let roots = if self.has_root {
            configured(&self.service.root_manifest(), &self.service.root_der())
        } else {
            RootSet::default()
        };
        let question = Question {
            kind: Kind::NvidiaNras,
            files: &self.key_sets.iter().map(KeySet::build).collect::<Vec<_>>(),
            roots: &roots,
            revocation: Revocation { nvidia: RevocationMode::Required, ..Revocation::default() },
            at: self.at,
            expected: self.expected,
        };
        question.ask(answer)
    }

    fn run(&self) -> Result<Authentic, Refusal> {
        self.appraise(&self.answer.build())
    }

    fn accepted(&self) -> Authentic {
        self.run().expect("authentic")
    }

    fn claims(&self) -> Claims {
        self.accepted().claims().clone()
    }

    fn refused(&self) -> Code {
        refusal_code(self.run())
    }

    fn payload(&mut self, device: usize) -> &mut Json {
        &mut self.answer.devices.get_mut(device).unwrap().token.payload
    }

    /// What no policy can allow, in words.
    fn objections(&self) -> Vec<(Code, String)> {
        let authentic = self.accepted();
        let objections = authentic.objections().iter();
        let told = objections.map(|reason| {
            assert_eq!(reason.stage(), Stage::Claims);
            (reason.code, reason.have.clone().unwrap_or_default().to_string())
        });
        told.collect()
    }
}

/// The reason for which an answer is refused after a change.
fn refused(change: impl FnOnce(&mut Scene<'_>)) -> Code {
    let mut scene = Scene::new();
    change(&mut scene);
    scene.refused()
}

fn get(claims: &Claims, name: impl Into<ClaimName>) -> Option<Value> {
    claims.get(name).cloned()
}

#[test]
fn a_good_answer_is_authentic_and_says_so() {
    let scene = Scene::new();
    let authentic = scene.accepted();
    let claims = authentic.claims();
    assert_eq!((authentic.kind(), authentic.objections()), (Kind::NvidiaNras, &[][..]));
    assert!(authentic.debug_applies() && authentic.nonce_matched() && !authentic.binding_matched());
    assert_eq!(authentic.valid_until(), Timestamp::from_unix_seconds(AT + LIFETIME + 60).unwrap());
    let authority = Sha256::digest(scene.service.root_der());
    for (name, value) in [
        (ClaimName::from(cross_vendor::VENDOR), Value::from("nvidia")),
        (cross_vendor::DEBUG.into(), false.into()),
        (cross_vendor::NONCE.into(), NONCE.as_slice().into()),
        (cross_vendor::ISSUED_AT.into(), Timestamp::from_unix_seconds(AT).unwrap().into()),
        (cross_vendor::REVOCATION.into(), "not_published".into()),
        (cross_vendor::TRUST_ANCHOR.into(), "configured".into()),
        (cross_vendor::ROOT_SHA256.into(), vec![Value::from(authority.as_slice())].into()),
        (cross_vendor::SIMULATED.into(), true.into()),
        (nras::ISSUER.into(), "https://nras.attestation.nvidia.com".into()),
        (nras::OVERALL_RESULT.into(), true.into()),
        (nras::CLAIMS_VERSION.into(), "3.0".into()),
        (nras::EXP.into(), Timestamp::from_unix_seconds(AT + LIFETIME).unwrap().into()),
        (nras::DEVICES.into(), DEVICES.map(Value::from).to_vec().into()),
        (nras::SIGNER_PINNED.into(), true.into()),
        (gpu::VERIFIED_BY.device(1), "nras".into()),
        (gpu::SAMPLE_NONCE.device(1), false.into()),
        (gpu::ARCH.device(1), "HOPPER".into()),
        (gpu::HWMODEL.device(1), "GH100 A01 GSP BROM".into()),
        (gpu::OEMID.device(1), "5703".into()),
        (gpu::DRIVER_VERSION.device(1), "580.159.03".into()),
        (gpu::VBIOS_VERSION.device(1), "96.00.D9.00.01".into()),
        (gpu::FWID_MATCH.device(1), true.into()),
        (gpu::MEASRES.device(1), "success".into()),
        (gpu::RIM_DRIVER_STATUS.device(1), "valid".into()),
        (gpu::RIM_VBIOS_STATUS.device(1), "valid".into()),
        (gpu::RIM_VBIOS_NOT_AFTER.device(1), Value::Time("2027-06-01T02:08:29Z".parse().unwrap())),
        (gpu::OCSP_STATUS.device(1), "good".into()),
        (gpu::SECBOOT.device(1), true.into()),
        (gpu::DBGSTAT.device(1), "disabled".into()),
        (switch::VERIFIED_BY.device(0), "nras".into()),
        (switch::ARCH.device(0), "LS10".into()),
        (switch::BIOS_VERSION.device(0), "96.10.55.00.01".into()),
        (switch::MEASRES.device(0), "success".into()),
        (switch::RIM_BIOS_STATUS.device(0), "valid".into()),
    ] {
        assert_eq!(get(claims, name), Some(value), "{name}");
    }
    for absent in [
        ClaimName::from(cross_vendor::PLATFORM),
        switch::OEMID.device(0),
        gpu::OCSP_REASON.device(0),
        gpu::ERROR_CODE.device(0),
        gpu::VERIFIED_BY.device(2),
    ] {
        assert_eq!(get(claims, absent), None, "{absent}");
    }
    let links: Vec<_> = [gpu::UEID.device(0), gpu::UEID.device(1), switch::UEID.device(0)]
        .map(|name| Link::Device(get(claims, name).unwrap().to_string().into()))
        .to_vec();
    assert_eq!(authentic.links(), links);
    let roles: Vec<_> = authentic.inputs().iter().map(|input| input.role).collect();
    assert_eq!(roles, ["key_set", "root"]);

    let text = scene.answer.build();
    let identified = identify(&text).unwrap();
    assert_eq!((identified.kind, identified.claimed_time), (Kind::NvidiaNras, Timestamp::from_unix_seconds(AT)));
}

#[test]
fn claims_of_version_2_are_read_too() {
    let mut scene = Scene::served(|service| service.version = ClaimsVersion::V2);
    let claims = scene.claims();
    for (name, value) in [
        (ClaimName::from(nras::CLAIMS_VERSION), Value::from("2.0")),
        (gpu::HWMODEL.device(0), "GH100".into()),
        (gpu::ARCH.device(0), "HOPPER".into()),
        (gpu::RIM_DRIVER_STATUS.device(0), "valid".into()),
    ] {
        assert_eq!(get(&claims, name), Some(value), "{name}");
    }
    for absent in [gpu::OCSP_STATUS, gpu::FWID_MATCH, gpu::RIM_DRIVER_NOT_AFTER] {
        assert_eq!(get(&claims, absent.device(0)), None, "{absent:?}");
    }
    assert_eq!(scene.objections(), []);
    scene.payload(0).set("x-nvidia-gpu-attestation-report-cert-chain-validated", false);
    let told = "GPU-0: x-nvidia-gpu-attestation-report-cert-chain-validated is false";
    assert_eq!(scene.objections(), [(Code::NrasDeviceResult, told.to_owned())]);
    scene.payload(0).set("x-nvidia-gpu-attestation-report-cert-chain-validated", true);
    scene.payload(0).set("x-nvidia-gpu-driver-rim-cert-validated", false);
    assert_eq!(get(&scene.claims(), gpu::RIM_DRIVER_STATUS.device(0)), None, "not valid, and nobody says what else");
}

#[test]
fn devices_are_numbered_in_the_order_of_their_names_numbers() {
    let mut scene = Scene::new();
    scene.answer = scene.service.answer(&NONCE, &["GPU-10", "SWITCH-3", "GPU-2"]);
    let claims = scene.claims();
    assert_eq!(get(&claims, nras::DEVICES), Some(["GPU-2", "GPU-10", "SWITCH-3"].map(Value::from).to_vec().into()));
    let ueid = |device: usize| scene.answer.devices[device].token.payload.get("ueid").map(ToString::to_string);
    let claimed = |name: ClaimName| get(&claims, name).map(|value| format!("\"{value}\""));
    assert_eq!(claimed(gpu::UEID.device(0)), ueid(2));
    assert_eq!(claimed(gpu::UEID.device(1)), ueid(0));
    assert_eq!(claimed(switch::UEID.device(0)), ueid(1));
}

#[test]
fn the_form_of_an_answer_is_read_to_the_letter() {
    let good = Scene::new().answer.build();
    let scene = Scene::new();
    let code = |answer: &[u8]| refusal_code(scene.appraise(answer));
    assert_eq!(code(b""), Code::EvidenceEmpty);
    assert_eq!(code(&vec![b' '; 256 * 1024 + 1]), Code::EvidenceTooLarge);
    let text = String::from_utf8(good).unwrap();
    let (overall, devices) = text.split_once("],{").unwrap();
    for other in [
        format!("{text}x"),
        "{}".to_owned(),
        "[]".to_owned(),
        format!("{overall}]]"),
        format!("{overall}],{{{devices}],{{}}]"),
        format!("{overall}],[]]"),
        format!("{overall}],{{}}]"),
        format!("{overall},\"x\"],{{{devices}"),
        text.replacen("\"JWT\"", "\"jwt\"", 1),
        text.replacen("\"GPU-1\":", "\"GPU-0\":", 1),
        text.replacen("\"GPU-1\":", "\"GPU-01\":", 1),
        text.replacen("\"GPU-1\":", "\"NIC-1\":", 1),
        text.replacen("\"GPU-1\":", "\"GPU-1\":1,\"GPU-2\":", 1),
        format!("{{\"claims\":[],\"detached_eat\":{text}}}"),
    ] {
        assert_eq!(code(other.as_bytes()), Code::NrasBundle, "{}", &other[..other.len().min(60)]);
    }
    // White space between the parts is nobody's business; escapes inside a token are.
    assert!(scene.appraise(text.replacen("],{", "],\n {", 1).as_bytes()).is_ok());
    assert_eq!(code(text.replacen("\"eyJ", "\"\\u0065yJ", 1).as_bytes()), Code::JwsMalformed);
    assert_eq!(refused(|scene| scene.answer.devices[0].late = vec![Edit::Append(b".".to_vec())]), Code::JwsMalformed);
    let many: Vec<_> = (0..65).map(|number| format!("GPU-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(refused(|scene| scene.answer = scene.service.answer(&NONCE, &many)), Code::NrasBundle);
}

#[test]
fn what_is_read_has_its_type() {
    for member in ["iss", "iat", "nbf", "exp", "eat_nonce", "submods"] {
        if member == "submods" {
            let code = refused(|scene| scene.answer.digests = Some(vec![Json::from(1)].into()));
            assert_eq!(code, Code::TokenMalformed);
            continue;
        }
        let code = refused(|scene| _ = scene.answer.overall.payload.set(member, vec![Json::from(1)]));
        assert_eq!(code, Code::TokenMalformed, "{member}");
    }
    let read = ["iss", "iat", "nbf", "exp", "eat_nonce", "hwmodel", "ueid", "oemid", "secboot", "dbgstat"];
    let read = read.into_iter().chain(["x-nvidia-gpu-driver-version", "x-nvidia-gpu-vbios-version"]);
    for member in read.chain(["x-nvidia-gpu-attestation-report-cert-chain/x-nvidia-cert-ocsp-status"]) {
        let code = refused(|scene| _ = scene.payload(0).set(member, vec![Json::from(1)]));
        assert_eq!(code, Code::TokenMalformed, "{member}");
    }
    for value in ["zz", "0"] {
        assert_eq!(refused(|scene| _ = scene.payload(0).set("eat_nonce", value)), Code::TokenMalformed, "{value}");
    }
    assert_eq!(refused(|scene| _ = scene.payload(1).append("", "measres", "success")), Code::TokenDuplicateClaim);
    let digest = |digest: Json| Some(Json::object([("GPU-0", digest)]));
    let sha256 = "00".repeat(32);
    for (label, algorithm, value) in [
        ("digest", "SHA-256", sha256.as_str()),
        ("DIGEST", "SHA-384", &sha256),
        ("DIGEST", "SHA-256", &sha256[2..]),
        ("DIGEST", "SHA-256", "zz"),
    ] {
        let submods = digest(vec![label.into(), vec![Json::from(algorithm), value.into()].into()].into());
        assert_eq!(refused(|scene| scene.answer.digests = submods), Code::TokenMalformed, "{label} {algorithm}");
    }
}

#[test]
fn no_other_algorithm_and_no_other_issuer_is_taken_of_any_token() {
    for algorithm in ["none", "HS256", "ES256", "RS256", "es384"] {
        let code = refused(|scene| _ = scene.answer.overall.header.set("alg", algorithm));
        assert_eq!(code, Code::JwsAlgorithm, "{algorithm}");
        let code = refused(|scene| _ = scene.answer.devices[1].token.header.set("alg", algorithm));
        assert_eq!(code, Code::JwsAlgorithm, "{algorithm}");
    }
    for issuer in
        ["https://nras.attestation-stg.nvidia.com", "https://nras.attestation.nvidia.com/", "NVAT-LOCAL-VERIFIER", ""]
    {
        let code = refused(|scene| _ = scene.answer.overall.payload.set("iss", issuer));
        assert_eq!(code, Code::TokenIssuer, "{issuer}");
        assert_eq!(refused(|scene| _ = scene.payload(2).set("iss", issuer)), Code::TokenIssuer, "{issuer}");
    }
    let elsewhere = "https://evil.example/jwks.json";
    assert_eq!(refused(|scene| _ = scene.answer.overall.header.set("jku", elsewhere)), Code::TokenKeySource);
    assert_eq!(refused(|scene| _ = scene.answer.devices[0].token.header.set("jku", elsewhere)), Code::TokenKeySource);
}

#[test]
fn the_key_is_the_one_that_the_key_set_names() {
    assert_eq!(refused(|scene| scene.key_sets.clear()), Code::TokenKeyUnknown);
    assert_eq!(refused(|scene| _ = scene.answer.overall.header.set("kid", "other")), Code::TokenKeyUnknown);
    assert_eq!(refused(|scene| _ = scene.answer.devices[0].token.header.set("kid", "other")), Code::TokenKeyUnknown);
    let other = || Key::p384("another");
    assert_eq!(refused(|scene| scene.answer.overall.key = other()), Code::JwsSignature);
    assert_eq!(refused(|scene| scene.answer.devices[2].token.key = other()), Code::JwsSignature);
    let flip = || vec![Edit::FlipBit { offset: 95, bit: 0 }];
    assert_eq!(refused(|scene| scene.answer.overall.signature = flip()), Code::JwsSignature);
    assert_eq!(refused(|scene| scene.answer.devices[0].token.signature = flip()), Code::JwsSignature);
    let short = || vec![Edit::Truncate { len: 95 }];
    assert_eq!(refused(|scene| scene.answer.overall.signature = short()), Code::JwsSignature);

    // A key that changed between the tokens of one answer is a key like any other.
    let mut scene = Scene::new();
    let mut next = Service::new("another", AT);
    next.kid = "the next day's".to_owned();
    scene.answer.devices[0].token.key = next.certificate.key.clone();
    scene.answer.devices[0].token.header.set("kid", next.kid.as_str());
    scene.key_sets.push(next.bare_key_set());
    let claims = scene.claims();
    assert_eq!(claims.bool(nras::SIGNER_PINNED), Some(false), "one of two is not");
    let Some(Value::List(roots)) = claims.get(cross_vendor::ROOT_SHA256) else { panic!("roots") };
    assert_eq!(roots.len(), 2);
}

#[test]
fn a_chain_to_the_authority_pins_the_key_and_must_hold() {
    // Without the authority among the roots, and without a chain, the key set is taken as given.
    let mut scene = Scene::new();
    scene.has_root = false;
    for bare in [false, true] {
        if bare {
            scene.has_root = true;
            scene.key_sets = vec![scene.service.bare_key_set()];
        }
        let claims = scene.claims();
        let key = Sha256::digest(scene.service.certificate.key.subject_public_key_info());
        assert_eq!(claims.bool(nras::SIGNER_PINNED), Some(false));
        assert_eq!(get(&claims, cross_vendor::ROOT_SHA256), Some(vec![Value::from(key.as_slice())].into()));
        assert_eq!(claims.bool(cross_vendor::SIMULATED), Some(false), "the roots name no key of a simulator's");
    }
    let code = |change: &dyn Fn(&mut Service)| Scene::served(change).refused();
    assert_eq!(code(&|service| service.certificate.not_after = AT), Code::TimeExpired);
    assert_eq!(code(&|service| service.certificate.not_before = AT + 3600), Code::TimeNotYetValid);
    assert_eq!(code(&|service| service.authority.not_after = AT), Code::TimeExpired);
    assert_eq!(
        code(&|service| service.certificate.signing =
            Signing { key: Some(Key::rsa4096_pkcs1("another")), ..Signing::default() }),
        Code::ChainSignature
    );
    assert_eq!(
        code(&|service| service.certificate.signing =
            Signing { key: Some(Key::rsa4096("rules/nras/authority")), ..Signing::default() }),
        Code::ChainAlgorithm,
        "PSS is none of its algorithms"
    );
    assert_eq!(
        code(&|service| service.certificate.set_extension(Extension::basic_constraints(true, None))),
        Code::ChainLeafIsCa
    );
    assert_eq!(
        code(&|service| service
            .certificate
            .set_extension(Extension::extended_key_usage(&[oid::SERVER_AUTH, oid::CODE_SIGNING]))),
        Code::ChainKeyUsage
    );
    assert!(Scene::served(|service| service.certificate.remove_extension(oid::EXTENDED_KEY_USAGE)).run().is_ok());
    assert_eq!(code(&|service| service.certificate.key = Key::p256("small")), Code::TokenKeyType);
}

#[test]
fn the_devices_are_exactly_those_that_the_overall_token_names() {
    assert_eq!(refused(|scene| scene.answer.devices[1].is_named = false), Code::NrasDevices, "one more was sent");
    assert_eq!(refused(|scene| scene.answer.devices[1].is_sent = false), Code::NrasDevices, "one was left out");
    let code = refused(|scene| {
        let name = "GPU-7".to_owned();
        let device = Device { name, is_named: false, ..scene.answer.devices[0].clone() };
        scene.answer.devices.push(device);
    });
    assert_eq!(code, Code::NrasDevices);
    // The same names with each other's tokens.
    let code = refused(|scene| {
        let [one, other] = [0, 1].map(|device| scene.answer.devices[device].token.clone());
        let digests = scene.answer.devices.iter().map(|device| {
            let digest = hex::encode(Sha256::digest(device.token.build()));
            (device.name.clone(), vec!["DIGEST".into(), vec![Json::from("SHA-256"), digest.into()].into()].into())
        });
        scene.answer.digests = Some(Json::Object(digests.collect()));
        (scene.answer.devices[0].token, scene.answer.devices[1].token) = (other, one);
    });
    assert_eq!(code, Code::NrasDigest);
    // The last character of 96 bytes in base64url carries no spare bits: another one is another signature.
    let code = refused(|scene| {
        let length = scene.answer.devices[0].token.build().len();
        scene.answer.devices[0].late = vec![Edit::FlipBit { offset: length - 1, bit: 0 }];
    });
    assert_eq!(code, Code::NrasDigest);
    assert_eq!(
        refused(|scene| {
            let ueid = scene.payload(0).get("ueid").cloned().unwrap();
            scene.payload(1).set("ueid", ueid);
        }),
        Code::NrasDeviceTwice
    );
    let mut scene = Scene::new();
    let ueid = scene.payload(0).get("ueid").cloned().unwrap();
    scene.payload(2).set("ueid", ueid);
    assert!(scene.run().is_ok(), "families have numbers of their own");
}

#[test]
fn tokens_are_good_for_their_time_give_or_take_a_minute() {
    for good in [AT - 60, AT + LIFETIME + 60] {
        assert!(Scene { at: good, ..Scene::new() }.run().is_ok(), "{good}");
    }
    assert_eq!(refused(|scene| scene.at = AT - 61), Code::TimeTokenNotYetValid);
    assert_eq!(refused(|scene| scene.at = AT + LIFETIME + 61), Code::TimeTokenExpired);
    assert_eq!(refused(|scene| _ = scene.payload(2).set("exp", AT - 1)), Code::TimeTokenExpired);
    let mut scene = Scene::new();
    scene.payload(2).set("exp", AT + 300);
    assert_eq!(scene.accepted().valid_until(), Timestamp::from_unix_seconds(AT + 360).unwrap());
}

#[test]
fn all_tokens_answer_the_nonce_that_is_expected() {
    let other: &[u8] = &[8; 32];
    assert_eq!(refused(|scene| scene.expected.nonce = Some(other)), Code::BindingNonceMismatch);
    assert_eq!(refused(|scene| scene.expected.nonce = Some(&NONCE[..31])), Code::BindingNonceMismatch);
    assert_eq!(refused(|scene| _ = scene.payload(1).set("eat_nonce", hex::encode(other))), Code::BindingNonceMismatch);
    assert_eq!(refused(|scene| _ = scene.answer.overall.payload.remove("eat_nonce")), Code::BindingNonceMismatch);
    let code = refused(|scene| {
        scene.answer.overall.payload.remove("eat_nonce");
        (0..3).for_each(|device| _ = scene.payload(device).remove("eat_nonce"));
    });
    assert_eq!(code, Code::BindingNonceAbsent);
    // In a release devices have a value of their own, which covers the rest; a binding is no business of theirs.
    let attached = [(Kind::NvidiaNras, Box::from(NONCE.as_slice()))];
    let expected = Expected { nonce: Some(other), binding: Some(&[7; 48]), attached: &attached, ..Expected::default() };
    let authentic = Scene { expected, ..Scene::new() }.accepted();
    assert!(authentic.nonce_matched() && !authentic.binding_matched());
    // Upper case is the same nonce.
    let mut scene = Scene::new();
    scene.answer.overall.payload.set("eat_nonce", hex::encode_upper(NONCE));
    assert!(scene.run().is_ok());
    // One that vendors print is told.
    let sample = hex::decode("931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb").unwrap();
    let mut scene = Scene::new();
    scene.expected = Expected { nonce: Some(&sample), ..Expected::default() };
    scene.answer = scene.service.answer(&sample, &["GPU-0"]);
    assert_eq!(scene.claims().bool(gpu::SAMPLE_NONCE.device(0)), Some(true));
}

#[test]
fn signed_is_not_passed() {
    assert_eq!(Scene::new().objections(), []);
    for (result, told) in
        [(Json::from(false), "false"), (Json::Null, "absent"), ("true".into(), "absent"), (1.into(), "absent")]
    {
        let mut scene = Scene::new();
        scene.answer.overall.payload.set("x-nvidia-overall-att-result", result);
        assert_eq!(scene.objections(), [(Code::NrasOverallResult, told.to_owned())]);
    }
    // As the service answers a report that was made with another nonce.
    let mut scene = Scene::new();
    scene.answer.overall.payload.set("x-nvidia-overall-att-result", false);
    let error = Json::object([("code", 4010.into()), ("message", "NONCE_NOT_MATCHING".into())]);
    let claims: Vec<_> = scene.payload(1).paths();
    for path in claims {
        if !["iss", "iat", "nbf", "exp", "jti"].contains(&path.as_str()) {
            scene.payload(1).remove(&path);
        }
    }
    scene.payload(1).set("x-nvidia-error-details", error);
    let told = [
        (Code::NrasOverallResult, "false".to_owned()),
        (Code::NrasDeviceError, "GPU-1: 4010 NONCE_NOT_MATCHING".to_owned()),
    ];
    assert_eq!(scene.objections(), told);
    let claims = scene.claims();
    assert_eq!(get(&claims, gpu::ERROR_CODE.device(1)), Some(4010_u64.into()));
    assert_eq!(get(&claims, gpu::MEASRES.device(1)), None);
    assert_eq!(claims.bool(cross_vendor::DEBUG), None, "one device does not say");
    for (error, told) in [
        (Json::from(4013), "GPU-0: 4013"),
        ("4007".into(), "GPU-0: 4007 4007"),
        (Json::object([("reason", "x".into())]), "GPU-0: an error without a code"),
        (vec![].into(), "GPU-0: an error without a code"),
    ] {
        let mut scene = Scene::new();
        scene.payload(0).set("x-nvidia-error-details", error);
        assert_eq!(scene.objections(), [(Code::NrasDeviceError, told.to_owned())]);
    }
}

#[test]
fn what_is_not_said_to_be_good_is_not() {
    let gpu_members = [
        "x-nvidia-gpu-arch-check",
        "x-nvidia-gpu-attestation-report-parsed",
        "x-nvidia-gpu-attestation-report-signature-verified",
        "x-nvidia-gpu-attestation-report-nonce-match",
    ];
    let switch_members = gpu_members.map(|member| member.replace("gpu", "switch"));
    let members = gpu_members.map(|member| (0, member.to_owned())).into_iter();
    for (device, member) in members.chain(switch_members.map(|member| (2, member))) {
        let name = DEVICES[device];
        for (value, told) in [(Some(Json::from(false)), "false"), (Some("true".into()), "absent"), (None, "absent")] {
            let mut scene = Scene::new();
            match value {
                Some(value) => scene.payload(device).set(&member, value),
                None => scene.payload(device).remove(&member),
            };
            assert_eq!(scene.objections(), [(Code::NrasDeviceResult, format!("{name}: {member} is {told}"))]);
        }
    }
    let told = |change: &dyn Fn(&mut Json)| {
        let mut scene = Scene::new();
        change(scene.payload(0));
        (scene.objections().into_iter().map(|(_, told)| told).collect::<Vec<_>>(), scene.claims())
    };
    let (said, claims) = told(&|payload| _ = payload.set("measres", "fail"));
    assert_eq!(said, ["GPU-0: measres is fail"]);
    assert_eq!(get(&claims, gpu::MEASRES.device(0)), Some("fail".into()));
    assert_eq!(told(&|payload| _ = payload.remove("measres")).0, ["GPU-0: measres is absent"]);
    let (said, claims) = told(&|payload| _ = payload.set("measres", "Success"));
    assert_eq!((said.len(), get(&claims, gpu::MEASRES.device(0))), (0, Some("success".into())), "older services");
    let fwid = "x-nvidia-gpu-attestation-report-cert-chain-fwid-match";
    assert_eq!(told(&|payload| _ = payload.set(fwid, false)).0, [format!("GPU-0: {fwid} is false")]);
    assert_eq!(told(&|payload| _ = payload.remove(fwid)).0.len(), 0, "older drivers report none");

    let chain = "x-nvidia-gpu-attestation-report-cert-chain";
    let status = |status: &'static str, reason: Json| {
        told(&move |payload: &mut Json| {
            payload.set(&format!("{chain}/x-nvidia-cert-status"), status);
            payload.set(&format!("{chain}/x-nvidia-cert-revocation-reason"), reason.clone());
        })
    };
    for bad in ["expired", "invalid", "revoked", "VALID", ""] {
        assert_eq!(status(bad, Json::Null).0, [format!("GPU-0: {chain}.x-nvidia-cert-status is {bad}")]);
    }
    for reason in ["certificateHold", "certificate_hold", "CertificateHold"] {
        let (said, claims) = status("revoked", reason.into());
        assert_eq!((said.len(), get(&claims, gpu::OCSP_REASON.device(0))), (0, Some(reason.into())), "policy decides");
    }
    let missing = format!("GPU-0: {chain}-validated is absent");
    assert_eq!(told(&|payload| _ = payload.remove(chain)).0, [missing]);
}

#[test]
fn reference_measurements_are_told() {
    let rim = "x-nvidia-gpu-driver-rim-cert-chain";
    for (status, reason, told) in [
        ("valid", Json::Null, Some("valid")),
        ("expired", Json::Null, Some("expired")),
        ("revoked", "keyCompromise".into(), Some("revoked")),
        ("revoked", "certificateHold".into(), Some("hold")),
        ("invalid", Json::Null, None),
    ] {
        let mut scene = Scene::new();
        scene.payload(0).set(&format!("{rim}/x-nvidia-cert-status"), status);
        scene.payload(0).set(&format!("{rim}/x-nvidia-cert-revocation-reason"), reason);
        assert_eq!(get(&scene.claims(), gpu::RIM_DRIVER_STATUS.device(0)), told.map(Value::from), "{status}");
    }
    let mut scene = Scene::new();
    let record = |index: i64| Json::object([("index", index.into()), ("measurementSource", "firmware".into())]);
    scene.payload(0).set("x-nvidia-mismatch-measurement-records", vec![record(35), record(7), record(7)]);
    let indices = [7, 35].map(Value::Int).to_vec();
    assert_eq!(get(&scene.claims(), gpu::MISMATCHED_INDICES.device(0)), Some(indices.into()));
    let mut scene = Scene::new();
    scene.payload(0).set("dbgstat", "enabled");
    assert_eq!(scene.claims().bool(cross_vendor::DEBUG), Some(true));
}

#[test]
fn the_evidence_id_is_of_what_the_overall_token_signs() {
    let scene = Scene::new();
    let text = String::from_utf8(scene.answer.build()).unwrap();
    let overall = text.split('"').nth(3).unwrap();
    let (signed, _) = overall.rsplit_once('.').unwrap();
    let id = scene.accepted().evidence_id();
    assert_eq!(id.signed_sha384, <[u8; 48]>::from(Sha384::digest(signed)));
    let spaced = scene.appraise(text.replace(',', ", ").as_bytes()).expect("authentic");
    assert_eq!(spaced.evidence_id(), id);
}

#[test]
fn a_bit_flipped_anywhere_is_refused() {
    let scene = Scene::new();
    let text = scene.answer.build();
    for place in (0..text.len()).step_by(53) {
        let mut flipped = text.clone();
        flipped[place] ^= 1;
        let refusal = scene.appraise(&flipped).expect_err("refused");
        assert_eq!(refusal.checks.last().map(|check| check.outcome), Some(Outcome::Failed), "byte {place}");
    }
}
