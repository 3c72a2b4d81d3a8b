//! One mutation of a good token of Azure Attestation, of its key set, or of the enclave behind it, per rule, each refused for
//! exactly its own reason, or leaving exactly its own claim absent. Tokens are the simulator's, which shares no code with the
//! verifier.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod question;

use prooftrail_evidence::{Authentic, Expected, Link, Refusal, Revocation, RevocationMode, identify};
use prooftrail_result::{
    Kind, Outcome, ReasonCode as Code, Timestamp,
    claims::{ClaimName, Claims, Value, azure_vtpm, cross_vendor, maa, snp},
};
use prooftrail_simulator::{
    azure::Machine,
    edit::Edit,
    jose::{Json, Jwk, KeySet, Token},
    key::Key,
    maa::Provider,
};
use prooftrail_trust_roots::RootSet;
use sha2::{Digest, Sha256};

use self::question::{Question, configured, refusal_code};

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const LIFETIME: i64 = 8 * 3600;

/// A provider, a token of its, and what an appraisal is told besides.
struct Scene<'a> {
    provider: Provider,
    token: Token,
    key_sets: Vec<KeySet>,
    collateral: Option<Vec<u8>>,
    /// Whether the roots are those of the provider's processor.
    has_intel_root: bool,
    revocation: RevocationMode,
    at: i64,
    expected: Expected<'a>,
}

impl<'a> Scene<'a> {
    fn of(token: impl FnOnce(&Provider) -> Token) -> Self {
        let provider = Provider::new("rules", AT);
        let token = token(&provider);
        let key_sets = vec![provider.key_set()];
        Self {
            token,
            key_sets,
            collateral: None,
            has_intel_root: true,
            revocation: RevocationMode::BestEffort,
            at: AT + 60,
            expected: Expected::default(),
            provider,
        }
    }

    fn guest() -> Self {
        Self::of(|provider| provider.guest_token(&Machine::snp("rules", AT)))
    }

    /// A guest's token of a provider that was changed.
    fn provided(change: impl FnOnce(&mut Provider)) -> Self {
        let mut provider = Provider::new("rules", AT);
        change(&mut provider);
        let token = provider.guest_token(&Machine::snp("rules", AT));
        Self { token, key_sets: vec![provider.key_set()], provider, ..Self::guest() }
    }

    fn expecting(mut self, expected: Expected<'a>) -> Self {
        self.expected = expected;
        self
    }

    fn appraise(&self, token: &[u8]) -> Result<Authentic, Refusal> {
        let mut files: Vec<Vec<u8>> = self.key_sets.iter().map(KeySet::build).collect();
        files.extend(self.collateral.clone());
        let intel = &self.provider.intel;
        let roots = if self.has_intel_root {
            configured(&intel.root_manifest(), &intel.root_der())
        } else {
            RootSet::default()
        };
        let question = Question {
            kind: Kind::AzureMaa,
            files: &files,
            roots: &roots,
            revocation: Revocation { intel: self.revocation, ..Revocation::default() },
            at: self.at,
            expected: self.expected,
        };
        question.ask(token)
    }

    fn run(&self) -> Result<Authentic, Refusal> {
        self.appraise(self.token.build().as_bytes())
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
}

/// The reason for which a guest's token is refused after a change.
fn refused(change: impl FnOnce(&mut Scene<'_>)) -> Code {
    let mut scene = Scene::guest();
    change(&mut scene);
    scene.refused()
}

fn replace(find: &str, with: &str) -> Edit {
    Edit::Replace { find: find.as_bytes().to_vec(), with: with.as_bytes().to_vec() }
}

fn get(claims: &Claims, name: impl Into<ClaimName>) -> Option<Value> {
    claims.get(name).cloned()
}

#[test]
fn a_good_guest_s_token_is_authentic_and_says_so() {
    let scene = Scene::guest();
    let authentic = scene.accepted();
    let claims = authentic.claims();
    assert_eq!((authentic.kind(), authentic.objections()), (Kind::AzureMaa, &[][..]));
    assert!(authentic.debug_applies() && !authentic.nonce_matched() && !authentic.binding_matched());
    let last = Timestamp::from_unix_seconds(AT + LIFETIME + 60).unwrap();
    assert_eq!(authentic.valid_until(), last);
    let machine = Machine::snp("rules", AT);
    let vmid = scene.token.payload.get("x-ms-azurevm-vmid").map(ToString::to_string).unwrap();
    let vmid = Value::from(vmid.trim_matches('"'));
    for (name, value) in [
        (ClaimName::from(cross_vendor::PLATFORM), Value::from("sev-snp")),
        (cross_vendor::VENDOR.into(), "microsoft".into()),
        (cross_vendor::DEBUG.into(), false.into()),
        (cross_vendor::INSTANCE.into(), vmid.clone()),
        (cross_vendor::SECURE_BOOT.into(), true.into()),
        (cross_vendor::ISSUED_AT.into(), Timestamp::from_unix_seconds(AT).unwrap().into()),
        (cross_vendor::REVOCATION.into(), "not_published".into()),
        (cross_vendor::TRUST_ANCHOR.into(), "configured".into()),
        (cross_vendor::SIMULATED.into(), true.into()),
        (maa::ISSUER.into(), scene.provider.issuer.as_str().into()),
        (maa::EXP.into(), Timestamp::from_unix_seconds(AT + LIFETIME).unwrap().into()),
        (maa::ATTESTATION_TYPE.into(), "azurevm".into()),
        (maa::ISOLATION_TEE_TYPE.into(), "sevsnpvm".into()),
        (maa::COMPLIANCE_STATUS.into(), "azure-compliant-cvm".into()),
        (maa::POLICY_HASH.into(), "wm9mHlvTU82e8UqoOy1Yj1FBRSNkfe99-69IYDq9eWs".into()),
        (maa::VER.into(), "1.0".into()),
        (maa::SECUREBOOT.into(), true.into()),
        (maa::VM_UNIQUE_ID.into(), vmid.clone()),
        (maa::USER_DATA.into(), [0; 64].as_slice().into()),
        (maa::AZUREVM_VMID.into(), vmid),
        (maa::AZUREVM_ATTESTED_PCRS.into(), (0..8).map(Value::Int).collect::<Vec<_>>().into()),
        (maa::AZUREVM_HVCI_POLICY.into(), 0_u64.into()),
        (maa::AZUREVM_OSVERSION_MAJOR.into(), 24_u64.into()),
        (maa::AZUREVM_IS_WINDOWS.into(), false.into()),
        (maa::SEVSNPVM_VMPL.into(), 0_u64.into()),
        (maa::SEVSNPVM_IS_DEBUGGABLE.into(), false.into()),
        (maa::SEVSNPVM_SINGLESOCKET.into(), false.into()),
        (maa::ENCLAVE_KEY_BOUND.into(), true.into()),
        (maa::ENCLAVE_DEBUG.into(), false.into()),
        (maa::ENCLAVE_ISVSVN.into(), 2_u64.into()),
    ] {
        assert_eq!(get(claims, name), Some(value), "{name}");
    }
    let launch = get(claims, maa::SEVSNPVM_LAUNCHMEASUREMENT);
    assert!(launch.is_some());
    assert_eq!(get(claims, cross_vendor::MEASUREMENT), launch);
    for absent in [cross_vendor::NONCE, cross_vendor::BINDING, cross_vendor::TCB_STATUS, maa::CLIENT_PAYLOAD_NONCE] {
        assert_eq!(get(claims, absent), None, "{absent:?}");
    }
    let thumbprint = {
        let key = Key::rsa4096("rules/TpmEphemeralEncryptionKey");
        let modulus = prooftrail_simulator::jose::base64url(&key.rsa_modulus().unwrap());
        Sha256::digest(format!(r#"{{"e":"AQAB","kty":"RSA","n":"{modulus}"}}"#))
    };
    assert_eq!(get(claims, maa::RUNTIME_KEY_SHA256), Some(thumbprint.as_slice().into()));
    // The two roots: the key of the token, and Intel's, for the enclave.
    let spki = Sha256::digest(scene.provider.key.subject_public_key_info());
    let intel = Sha256::digest(scene.provider.intel.root_der());
    let mut roots = [spki.as_slice(), intel.as_slice()];
    roots.sort_unstable();
    assert_eq!(get(claims, cross_vendor::ROOT_SHA256), Some(roots.map(Value::from).to_vec().into()));
    let roles: Vec<_> = authentic.inputs().iter().map(|input| input.role).collect();
    assert_eq!(roles, ["root", "key_set", "root"]);

    let identified = identify(scene.token.build().as_bytes()).unwrap();
    assert_eq!(identified.kind, Kind::AzureMaa);
    assert_eq!(identified.claimed_time, Timestamp::from_unix_seconds(AT));

    // What the virtual machine's own evidence says of the same facts.
    let vtpm = of_machine(&machine, Kind::AzureSnpVtpm);
    let mut links = [authentic.links().to_vec(), vtpm.links().to_vec()];
    links.iter_mut().for_each(|links| links.sort());
    assert_eq!(links[0], links[1], "the token and the quote are of one machine");
    assert!(links[0].iter().any(|link| matches!(link, Link::AttestationKey(_))));
    for (ours, theirs) in [
        (maa::SEVSNPVM_LAUNCHMEASUREMENT, snp::MEASUREMENT),
        (maa::SEVSNPVM_REPORTID, snp::REPORT_ID),
        (maa::SEVSNPVM_REPORTDATA, snp::REPORT_DATA),
        (maa::VM_UNIQUE_ID, azure_vtpm::VM_UNIQUE_ID),
    ] {
        assert_eq!(get(claims, ours), get(vtpm.claims(), theirs), "{ours:?}");
    }
}

#[test]
fn hardware_may_stand_at_the_top_level_too() {
    let snp = Scene::of(|provider| provider.sev_snp_token(&Machine::snp("rules", AT))).claims();
    assert_eq!(get(&snp, cross_vendor::PLATFORM), Some("sev-snp".into()));
    assert_eq!(get(&snp, maa::COMPLIANCE_STATUS), Some("azure-compliant-uvm".into()));
    assert_eq!((get(&snp, maa::ISOLATION_TEE_TYPE), get(&snp, maa::AZUREVM_VMID)), (None, None));
    assert!(get(&snp, maa::SEVSNPVM_REPORTID).is_some() && get(&snp, cross_vendor::MEASUREMENT).is_some());

    let mut scene = Scene::of(|provider| provider.tdx_token(&Machine::tdx("rules", AT)));
    let tdx = scene.claims();
    for (name, value) in [
        (ClaimName::from(cross_vendor::PLATFORM), Value::from("tdx")),
        (cross_vendor::DEBUG.into(), false.into()),
        (cross_vendor::TCB_STATUS.into(), "UpToDate".into()),
        (maa::TDX_DBGSTAT.into(), "disabled".into()),
        (maa::TDX_IS_DEBUGGABLE.into(), false.into()),
        (maa::TDX_RTMR.at(3), [0; 48].as_slice().into()),
    ] {
        assert_eq!(get(&tdx, name), Some(value), "{name}");
    }
    assert_eq!(get(&tdx, cross_vendor::MEASUREMENT), get(&tdx, maa::TDX_MRTD));
    scene.token.payload.set("dbgstat", "enabled");
    assert_eq!(scene.claims().bool(cross_vendor::DEBUG), Some(true), "one of two descriptions is enough");
    scene.token.payload.set("dbgstat", "disabled").remove("tdx_td_attributes_debug");
    assert_eq!(scene.claims().bool(cross_vendor::DEBUG), None, "what nobody says is not so");
    scene.token.payload.set("attester_tcb_status", "OUT_OF_DATE");
    assert_eq!(get(&scene.claims(), cross_vendor::TCB_STATUS), Some("OutOfDate".into()));
    assert_eq!(get(&scene.claims(), maa::TDX_ATTESTER_TCB_STATUS), Some("OUT_OF_DATE".into()));
    scene.token.payload.set("attester_tcb_status", "Excellent");
    assert_eq!(get(&scene.claims(), cross_vendor::TCB_STATUS), None, "no word of Intel's");
    scene.token.payload.set("attester_tcb_status", "Revoked");
    assert_eq!(scene.accepted().objections().iter().map(|reason| reason.code).collect::<Vec<_>>(), [Code::TcbRevoked]);

    let scene = Scene::of(Provider::sgx_token);
    let sgx = scene.accepted();
    let claims = sgx.claims();
    assert_eq!(get(claims, cross_vendor::PLATFORM), Some("sgx".into()));
    assert_eq!(get(claims, cross_vendor::MEASUREMENT), get(claims, maa::SGX_MRENCLAVE));
    assert_eq!((get(claims, maa::SGX_PRODUCT_ID), get(claims, maa::SGX_SVN)), (Some(1_u64.into()), Some(2_u64.into())));
    assert_eq!(claims.bool(maa::SGX_IS_DEBUGGABLE), Some(false));
    assert!(matches!(sgx.links(), [Link::QuoteSha256(_)]), "{:?}", sgx.links());
}

/// The machine's own evidence.
fn of_machine(machine: &Machine, kind: Kind) -> Authentic {
    let question = Question {
        kind,
        files: &machine.endorsements(),
        roots: &configured(&machine.root_manifest(), &machine.root_der()),
        revocation: Revocation::default(),
        at: AT,
        expected: Expected::default(),
    };
    question.ask(&machine.evidence()).expect("authentic")
}

/// The links of the machine's own evidence.
fn links_of_machine(machine: &Machine, kind: Kind) -> Vec<Link> {
    let mut links = of_machine(machine, kind).links().to_vec();
    links.sort();
    links
}

#[test]
fn a_token_about_a_paravisor_s_hardware_is_the_machine_s_and_repeats_the_request_s_nonce() {
    for (kind, machine, hardware_type) in [
        (Kind::AzureSnpVtpm, Machine::snp("rules", AT), "sevsnpvm"),
        (Kind::AzureTdxVtpm, Machine::tdx("rules", AT), "tdxvm"),
    ] {
        let value = [0x5A; 48];
        let nonce = prooftrail_simulator::jose::base64url(&value);
        let expected = Expected { nonce: Some(&value), ..Expected::default() };
        let token = |provider: &Provider| provider.platform_token(&machine, &nonce);
        let authentic = Scene::of(token).expecting(expected).accepted();
        let claims = authentic.claims();
        assert!(authentic.nonce_matched() && !authentic.binding_matched(), "{kind}");
        assert_eq!(get(claims, maa::ATTESTATION_TYPE), Some(hardware_type.into()));
        assert_eq!(get(claims, maa::COMPLIANCE_STATUS), Some("azure-compliant-cvm".into()));
        assert_eq!(get(claims, maa::USER_DATA), Some([0; 64].as_slice().into()));
        assert!(get(claims, maa::VM_UNIQUE_ID).is_some() && get(claims, cross_vendor::MEASUREMENT).is_some());
        for absent in [maa::ISOLATION_TEE_TYPE, maa::CLIENT_PAYLOAD_NONCE] {
            assert_eq!(get(claims, absent), None, "{absent:?}");
        }
        let mut links = authentic.links().to_vec();
        links.sort();
        assert_eq!(links, links_of_machine(&machine, kind), "{kind}: the token and the quote are of one machine");
        assert_eq!(links.len(), 2);

        // The report data are the paravisor's: they carry no value, and the service's word no binding.
        let both = Expected { binding: Some(&value), ..expected };
        let bound = Scene::of(token).expecting(both).accepted();
        assert!(bound.nonce_matched() && !bound.binding_matched());
        let report_data = machine.report.report_data(&machine.runtime_data.build());
        let own = Expected { nonce: Some(&report_data[..32]), ..Expected::default() };
        assert_eq!(Scene::of(token).expecting(own).refused(), Code::BindingNonceMismatch);
        let mut scene = Scene::of(token).expecting(expected);
        scene.token.payload.set("nonce", "");
        assert_eq!(scene.refused(), Code::BindingNonceAbsent);
        scene.token.payload.remove("nonce");
        assert_eq!(scene.refused(), Code::BindingNonceAbsent);

        // A key that is none refuses; without a key, or with a choice, the report is the guest's own, and the nonce only repeated.
        let keys = |keys: &str| {
            let mut scene = Scene::of(token).expecting(expected);
            scene.token.payload.set("x-ms-runtime/keys", Json::Raw(keys.to_owned()));
            scene
        };
        assert_eq!(keys(r#"[{"kid":"HCLAkPub","kty":"EC"}]"#).refused(), Code::AzureAttestationKey);
        for none in ["[]", r#"[{"kid":"HCLAkPub"},{"kid":"HCLAkPub"}]"#, r#"[{"kid":"HCLEkPub"}]"#] {
            assert_eq!(keys(none).refused(), Code::BindingNonceMismatch, "{none}");
            let links = keys(none).expecting(Expected::default()).accepted().links().to_vec();
            assert!(links.iter().all(|link| matches!(link, Link::SnpReportId(_))), "{links:?}");
        }
    }
}

/// Anybody's trust domain can name another machine's key in its report data: only what was measured tells the paravisor from it.
#[test]
fn a_key_that_another_trust_domain_vouches_for_links_nothing() {
    let machine = Machine::tdx("rules", AT);
    let ours = links_of_machine(&machine, Kind::AzureTdxVtpm);
    let key = |links: &[Link], is: fn(&Link) -> bool| links.iter().find(|link| is(link)).cloned();
    let bare = |links: &[Link]| key(links, |link| matches!(link, Link::AttestationKey(_)));
    let measured = |links: &[Link]| key(links, |link| matches!(link, Link::ParavisorKey(_)));
    let mut scene = Scene::of(|provider| provider.platform_token(&machine, ""));
    scene.token.payload.set("tdx_mrtd", "ab".repeat(48));
    let theirs = scene.accepted().links().to_vec();
    assert_eq!(bare(&theirs), bare(&ours));
    assert!(measured(&theirs).is_some() && measured(&theirs) != measured(&ours));
    scene.token.payload.remove("tdx_mrtd");
    assert_eq!(scene.accepted().links(), []);
    // A guest's token about a trust domain says as much.
    let guest = Scene::of(|provider| provider.guest_token(&machine)).accepted().links().to_vec();
    assert_eq!((bare(&guest), measured(&guest)), (bare(&ours), measured(&ours)));
}

#[test]
fn a_machine_without_a_tee_has_no_platform_and_does_not_show_that_debug_is_off() {
    let mut scene = Scene::guest();
    scene.token.payload.remove("x-ms-isolation-tee");
    let authentic = scene.accepted();
    assert_eq!(get(authentic.claims(), cross_vendor::PLATFORM), None);
    assert_eq!(get(authentic.claims(), cross_vendor::DEBUG), None);
    assert!(authentic.debug_applies() && authentic.links().is_empty());

    // Hardware that stands where that type of token has none is not this token's.
    let mut scene = Scene::of(|provider| provider.sev_snp_token(&Machine::snp("rules", AT)));
    let inner = Scene::guest().token.payload.get("x-ms-isolation-tee").cloned().unwrap();
    scene.token.payload.set("x-ms-isolation-tee", inner);
    let claims = scene.claims();
    assert_eq!(get(&claims, maa::ISOLATION_TEE_TYPE), None);
    let mut scene = Scene::guest();
    scene.token.payload.set("x-ms-sevsnpvm-is-debuggable", true);
    assert_eq!(scene.claims().bool(maa::SEVSNPVM_IS_DEBUGGABLE), Some(false));
}

#[test]
fn debug_is_told() {
    let mut scene = Scene::guest();
    scene.token.payload.set("x-ms-isolation-tee/x-ms-sevsnpvm-is-debuggable", true);
    let claims = scene.claims();
    assert_eq!((claims.bool(maa::SEVSNPVM_IS_DEBUGGABLE), claims.bool(cross_vendor::DEBUG)), (Some(true), Some(true)));
    assert_eq!(claims.bool(maa::ENCLAVE_DEBUG), Some(false), "the service's enclave is another one");
    let mut scene = Scene::of(Provider::sgx_token);
    scene.token.payload.set("x-ms-sgx-is-debuggable", true);
    assert_eq!(scene.claims().bool(cross_vendor::DEBUG), Some(true));
}

#[test]
fn the_form_of_a_token_is_read_to_the_letter() {
    let text = Scene::guest().token.build();
    let scene = Scene::guest();
    let code = |text: &str| refusal_code(scene.appraise(text.as_bytes()));
    assert_eq!(code(""), Code::EvidenceEmpty);
    assert_eq!(code(&"a".repeat(64 * 1024 + 1)), Code::EvidenceTooLarge);
    let (signed, signature) = text.rsplit_once('.').unwrap();
    for other in [
        format!("{text}\n"),
        format!(" {text}"),
        format!("{text}."),
        format!("{text}="),
        signed.to_owned(),
        format!("{signed}.{signature}.{signature}"),
        text.replace('-', "+"),
        format!("{signed}.{}", &signature[..signature.len() - 1]),
        format!("{{\"payload\":\"{signed}\",\"signature\":\"{signature}\"}}"),
    ] {
        assert_eq!(code(&other), Code::JwsMalformed, "{}", &other[other.len() - 20..]);
    }
    assert_eq!(refused(|scene| _ = scene.token.header.append("", "alg", "RS256")), Code::JwsHeader);
    assert_eq!(refused(|scene| _ = scene.token.header.set("crit", vec![Json::from("exp")])), Code::JwsHeader);
    for (path, name) in [("", "iss"), ("", "x-ms-ver"), ("x-ms-isolation-tee/x-ms-runtime", "user-data")] {
        let code = refused(|scene| _ = scene.token.payload.append(path, name, "again"));
        assert_eq!(code, Code::TokenDuplicateClaim, "{name}");
    }
    assert_eq!(refused(|scene| scene.token.before = vec![Edit::Append(b"x".to_vec())]), Code::TokenMalformed);
    assert_eq!(refused(|scene| scene.token.before = vec![Edit::Become(b"[]".to_vec())]), Code::TokenMalformed);
}

#[test]
fn every_member_that_is_read_has_its_type() {
    // A list is the one type that no claim and no time has but the registers'.
    let token = Scene::guest().token;
    let mut read = 0;
    for path in token.payload.paths() {
        let unread =
            ["jti", "x-ms-isolation-tee/x-ms-runtime/keys", "x-ms-runtime/keys", "x-ms-runtime/client-payload/nonce"];
        let unread = unread.contains(&path.as_str())
            || ["console-enabled", "secure-boot", "tpm-enabled"].iter().any(|name| path.ends_with(&format!("/{name}")));
        let wrong = if path.ends_with("attested-pcrs") { Json::from("0") } else { vec![Json::from(1)].into() };
        let mut scene = Scene::guest();
        scene.token.payload.set(&path, wrong);
        if unread {
            scene.accepted();
        } else {
            read += 1;
            assert_eq!(scene.refused(), Code::TokenMalformed, "{path}");
        }
    }
    assert!(read > 50, "{read} members are read");
    for token in [
        |provider: &Provider| provider.sev_snp_token(&Machine::snp("rules", AT)),
        |provider: &Provider| provider.tdx_token(&Machine::tdx("rules", AT)),
        |provider: &Provider| provider.sgx_token(),
    ] {
        for path in Scene::of(token).token.payload.paths() {
            let older =
                ["is-debuggable", "product-id", "sgx-mrenclave", "sgx-mrsigner", "svn", "tee", "eat_profile", "intuse"];
            if older.contains(&path.as_str()) || path == "jti" || path.ends_with("quotehash") {
                continue;
            }
            let mut scene = Scene::of(token);
            scene.token.payload.set(&path, vec![Json::from(1)]);
            assert_eq!(scene.refused(), Code::TokenMalformed, "{path}");
        }
    }
    // Lengths are types too.
    for (path, value) in [
        ("x-ms-isolation-tee/x-ms-sevsnpvm-reportid", "00"),
        ("x-ms-isolation-tee/x-ms-sevsnpvm-launchmeasurement", "zz"),
        ("x-ms-isolation-tee/x-ms-runtime/user-data", ""),
    ] {
        assert_eq!(refused(|scene| _ = scene.token.payload.set(path, value)), Code::TokenMalformed, "{path}");
    }
    for missing in ["iss", "iat", "exp", "x-ms-attestation-type"] {
        assert_eq!(refused(|scene| _ = scene.token.payload.remove(missing)), Code::TokenMalformed, "{missing}");
    }
}

#[test]
fn what_is_absent_is_not_claimed() {
    let all: Vec<_> = Scene::guest().claims().iter().map(|(name, _)| name).collect();
    for path in Scene::guest().token.payload.paths() {
        if ["iss", "iat", "exp", "x-ms-attestation-type"].contains(&path.as_str()) {
            continue;
        }
        let mut scene = Scene::guest();
        scene.token.payload.remove(&path);
        let claims = scene.claims();
        assert!(claims.iter().all(|(name, _)| all.contains(&name)), "{path} makes no new claim");
    }
}

#[test]
fn no_other_algorithm_is_taken() {
    for algorithm in ["none", "None", "HS256", "RS384", "PS256", "PS384", "ES384", "rs256", ""] {
        let code = refused(|scene| _ = scene.token.header.set("alg", algorithm));
        assert_eq!(code, Code::JwsAlgorithm, "{algorithm}");
    }
    // As the service really answers where somebody asks with a draft policy.
    let mut scene = Scene::guest();
    scene.token.header.set("alg", "none");
    let text = scene.token.build();
    let (signed, _) = text.rsplit_once('.').unwrap();
    assert_eq!(refusal_code(scene.appraise(format!("{signed}.").as_bytes())), Code::JwsAlgorithm);
    // A key set may bind its keys to algorithms.
    assert_eq!(refused(|scene| _ = scene.key_sets[0].keys[0].0.set("alg", "PS384")), Code::JwsKeyAlgorithm);
    assert_eq!(refused(|scene| _ = scene.key_sets[0].keys[0].0.set("use", "enc")), Code::TokenKeyType);
}

#[test]
fn only_providers_of_the_public_cloud_issue_and_their_keys_have_one_place() {
    for issuer in ["https://simulated.sim.attest.azure.us", "https://evil.example", "http://a.b.attest.azure.net", ""] {
        let code = refused(|scene| {
            scene.token.payload.set("iss", issuer);
            scene.token.header.set("jku", format!("{issuer}/certs"));
        });
        assert_eq!(code, Code::TokenIssuer, "{issuer}");
    }
    for jku in ["https://evil.example/certs", "https://simulated.sim.attest.azure.net/certs/", "", "/certs"] {
        assert_eq!(refused(|scene| _ = scene.token.header.set("jku", jku)), Code::TokenKeySource, "{jku}");
    }
    for (name, value) in [("jwk", Json::object([])), ("x5u", "https://evil.example".into())] {
        assert_eq!(refused(|scene| _ = scene.token.header.set(name, value)), Code::TokenKeySource, "{name}");
    }
    let mut scene = Scene::guest();
    scene.token.header.remove("jku");
    assert!(scene.run().is_ok(), "it is followed nowhere, so that it may be left out");
    scene.token.payload.set("iss", format!("{}/", scene.provider.issuer));
    let claims = scene.claims();
    assert_eq!(get(&claims, maa::ISSUER), Some(scene.provider.issuer.as_str().into()), "without the slash");
}

#[test]
fn the_key_is_the_one_that_the_key_set_names() {
    assert_eq!(refused(|scene| scene.key_sets.clear()), Code::TokenKeyUnknown);
    assert_eq!(refused(|scene| _ = scene.token.header.set("kid", "other")), Code::TokenKeyUnknown);
    assert_eq!(refused(|scene| _ = scene.token.header.remove("kid")), Code::TokenKeyUnknown);
    let mut other = Provider::new("rules", AT);
    other.key = Key::rsa4096_pkcs1("another");
    let kid = Provider::new("rules", AT).kid();
    let theirs = || KeySet::new(vec![Jwk::of(&other.key, &kid)]);
    assert_eq!(refused(|scene| scene.key_sets = vec![theirs()]), Code::JwsSignature);
    assert_eq!(refused(|scene| scene.key_sets.push(theirs())), Code::TokenKeyAmbiguous);
    assert_eq!(refused(|scene| scene.key_sets[0].keys.push(theirs().keys[0].clone())), Code::KeySetDuplicate);
    assert_eq!(refused(|scene| scene.token.key = other.key.clone()), Code::JwsSignature);
    assert_eq!(
        refused(|scene| scene.key_sets = vec![KeySet::new(vec![Jwk::of(&Key::p384("x"), &kid)])]),
        Code::JwsKeyAlgorithm
    );
    // A key of 1,024 bits, whose first bit is set.
    let small = prooftrail_simulator::jose::base64url(&[0xC3; 128]);
    let code = refused(|scene| {
        scene.key_sets = vec![scene.provider.bare_key_set()];
        scene.key_sets[0].keys[0].0.set("n", small);
    });
    assert_eq!(code, Code::TokenKeyType);
    // The certificate and the numbers of a key must be of one key.
    let code = refused(|scene| {
        let certificate = [scene.provider.certificate()];
        scene.key_sets = vec![KeySet::new(vec![Jwk::of(&other.key, &kid).with_chain(&certificate)])];
    });
    assert_eq!(code, Code::TokenKeyCertificate);
    // A set that says whose it is speaks for nobody else.
    let of = |issuer: &str| KeySet { issuer: Some(issuer.to_owned()), ..Provider::new("rules", AT).key_set() };
    let mut scene = Scene::guest();
    scene.key_sets = vec![of(&scene.provider.issuer)];
    scene.accepted();
    let code = refused(|scene| scene.key_sets = vec![of("https://nras.attestation.nvidia.com")]);
    assert_eq!(code, Code::TokenKeyUnknown);
    // Two sets may have the same key; what says more counts.
    let mut scene = Scene::guest();
    scene.key_sets.insert(0, scene.provider.bare_key_set());
    assert_eq!(scene.claims().bool(maa::ENCLAVE_KEY_BOUND), Some(true));
}

#[test]
fn a_bit_flipped_anywhere_is_refused() {
    let scene = Scene::guest();
    let text = scene.token.build().into_bytes();
    for place in (0..text.len()).step_by(41) {
        let mut flipped = text.clone();
        flipped[place] ^= 1;
        let refusal = scene.appraise(&flipped).expect_err("refused");
        assert_eq!(refusal.checks.last().map(|check| check.outcome), Some(Outcome::Failed), "byte {place}");
    }
    let flip = |offset| Edit::FlipBit { offset, bit: 0 };
    assert_eq!(refused(|scene| scene.token.signature = vec![flip(0)]), Code::JwsSignature);
    assert_eq!(refused(|scene| scene.token.signature = vec![Edit::Truncate { len: 511 }]), Code::JwsSignature);
    assert_eq!(refused(|scene| scene.token.signature = vec![Edit::Append(vec![0])]), Code::JwsSignature);
}

#[test]
fn a_token_is_good_for_its_time_give_or_take_a_minute() {
    let at = |at: i64| refused(|scene| scene.at = at);
    for good in [AT - 60, AT, AT + LIFETIME, AT + LIFETIME + 60] {
        let scene = Scene { at: good, ..Scene::guest() };
        assert!(scene.run().is_ok(), "{good}");
    }
    assert_eq!(at(AT - 61), Code::TimeTokenNotYetValid);
    assert_eq!(at(AT + LIFETIME + 61), Code::TimeTokenExpired);
    assert_eq!(refused(|scene| _ = scene.token.payload.set("nbf", AT + 3600)), Code::TimeTokenNotYetValid);
    for (member, value) in [("exp", Json::Raw("1.5e9".to_owned())), ("iat", (-1).into()), ("nbf", "soon".into())] {
        assert_eq!(refused(|scene| _ = scene.token.payload.set(member, value)), Code::TokenMalformed, "{member}");
    }
}

#[test]
fn a_guest_s_nonce_is_repeated_and_binds_nothing() {
    // base64 of "challenge", and of base64url("challenge"), as agents send it.
    for sent in ["Y2hhbGxlbmdl", "WTJoaGJHeGxibWRs"] {
        let expected = Expected { nonce: Some(b"challenge"), ..Expected::default() };
        let mut scene = Scene::guest().expecting(expected);
        scene.token.payload.set("x-ms-runtime/client-payload/nonce", sent);
        let authentic = scene.accepted();
        assert!(authentic.nonce_matched());
        assert_eq!(get(authentic.claims(), cross_vendor::NONCE), Some(b"challenge".as_slice().into()));
        assert!(get(authentic.claims(), maa::CLIENT_PAYLOAD_NONCE).is_some());
        // A binding is looked for in hardware's data alone: here there is no place for one.
        let both = Expected { binding: Some(&[7; 48]), ..expected };
        let authentic = Scene { expected: both, ..scene }.accepted();
        assert!(authentic.nonce_matched() && !authentic.binding_matched());
    }
    let expected = Expected { nonce: Some(b"another"), ..Expected::default() };
    let mut scene = Scene::guest().expecting(expected);
    assert_eq!(scene.refused(), Code::BindingNonceAbsent);
    scene.token.payload.set("x-ms-runtime/client-payload/nonce", "Y2hhbGxlbmdl");
    assert_eq!(scene.refused(), Code::BindingNonceMismatch);
    scene.token.payload.set("x-ms-runtime/client-payload/nonce", "not base64");
    assert_eq!(scene.refused(), Code::BindingNonceAbsent);

    // In a release the token has a value of its own.
    let attached = [(Kind::AzureMaa, Box::from([3; 48].as_slice()))];
    let expected =
        Expected { nonce: Some(b"challenge"), binding: Some(&[7; 48]), attached: &attached, ..Expected::default() };
    let mut scene = Scene::guest().expecting(expected);
    scene.token.payload.set("x-ms-runtime/client-payload/nonce", "Y2hhbGxlbmdl");
    assert_eq!(scene.refused(), Code::BindingNonceMismatch);
    scene.token.payload.set("x-ms-runtime/client-payload/nonce", "AwMD".repeat(16));
    assert!(scene.accepted().nonce_matched() && !scene.accepted().binding_matched());
}

#[test]
fn report_data_that_the_guest_chose_carry_a_value_or_its_hash() {
    let value = [7; 48];
    let hash: [u8; 32] = Sha256::digest(value).into();
    for report_data in [[value.as_slice(), &[0; 16]].concat(), [hash.as_slice(), &[0; 32]].concat()] {
        for (path, token) in [
            (
                "x-ms-sevsnpvm-reportdata",
                Scene::of(|provider| provider.sev_snp_token(&Machine::snp("rules", AT))).token,
            ),
            ("tdx_report_data", Scene::of(|provider| provider.tdx_token(&Machine::tdx("rules", AT))).token),
            ("x-ms-sgx-report-data", Scene::of(Provider::sgx_token).token),
        ] {
            let expected = Expected { binding: Some(&value), nonce: Some(b"covered"), ..Expected::default() };
            let mut scene = Scene { token, ..Scene::guest() }.expecting(expected);
            assert_eq!(scene.refused(), Code::BindingValueMismatch);
            scene.token.payload.set(path, hex::encode(&report_data));
            assert!(scene.accepted().binding_matched(), "{path}");
            scene.expected = Expected { nonce: Some(&value), ..Expected::default() };
            assert!(scene.accepted().nonce_matched(), "{path}");
            scene.token.payload.set(path, hex::encode([&report_data[..63], &[1]].concat()));
            assert_eq!(scene.refused(), Code::BindingNonceMismatch, "zeros follow");
        }
    }
    let mut scene = Scene::of(Provider::sgx_token).expecting(Expected { nonce: Some(b""), ..Expected::default() });
    scene.token.payload.set("x-ms-sgx-report-data", "0".repeat(128));
    assert_eq!(scene.refused(), Code::BindingNonceMismatch, "nothing is no value");
    // What a paravisor had signed is not the guest's.
    let report_data = Machine::snp("rules", AT);
    let report_data = report_data.report.report_data(&report_data.runtime_data.build());
    let scene = Scene::guest().expecting(Expected { nonce: Some(&report_data[..32]), ..Expected::default() });
    assert_eq!(scene.refused(), Code::BindingNonceAbsent);
}

/// What is claimed of the enclave.
fn enclave(scene: &Scene<'_>) -> Vec<(ClaimName, Value)> {
    let names = [
        maa::ENCLAVE_KEY_BOUND,
        maa::ENCLAVE_MRENCLAVE,
        maa::ENCLAVE_MRSIGNER,
        maa::ENCLAVE_ISVSVN,
        maa::ENCLAVE_DEBUG,
    ];
    let claims = scene.claims();
    names.into_iter().filter_map(|name| Some((name.into(), claims.get(name)?.clone()))).collect()
}

#[test]
fn the_verifier_is_verified_down_to_intel_s_root() {
    let whole = enclave(&Scene::guest());
    assert_eq!(whole.len(), 5);
    let mut scene = Scene::provided(|provider| provider.quote.enclave_mut().attributes[0] |= 2);
    assert_eq!(scene.claims().bool(maa::ENCLAVE_DEBUG), Some(true));
    assert_eq!(scene.claims().bool(cross_vendor::DEBUG), Some(false), "a fact about the service, not about the guest");
    scene.has_intel_root = false;
    assert_eq!(enclave(&scene), [], "no root of ours");
    assert_eq!(scene.claims().bool(cross_vendor::SIMULATED), Some(false), "and nothing rests on it");

    let absent =
        |what: &str, change: &dyn Fn(&mut Provider)| assert_eq!(enclave(&Scene::provided(change)), [], "{what}");
    absent("the quote was altered", &|provider| {
        provider.quote.after = vec![Edit::FlipBit { offset: 48 + 64, bit: 0 }];
    });
    absent("another key signed it", &|provider| provider.quote.signing_key = Some(Key::p256("another")));
    absent("another platform's key certified it", &|provider| {
        provider.quote.qe_report_key = Some(Key::p256("another"));
    });
    absent("the quoting enclave names another key", &|provider| provider.quote.qe_report_data = Some([1; 64]));
    absent("the quoting enclave is not Intel's", &|provider| provider.quote.qe_report.mrsigner[0] ^= 1);
    absent("it is another product of Intel's", &|provider| provider.quote.qe_report.isvprodid = 2);
    absent("it may be debugged", &|provider| provider.quote.qe_report.attributes[0] |= 2);
    absent("the platform's certificate has ended", &|provider| provider.quote.pck_mut().not_after = AT - 1);
    absent("the header has another version", &|provider| provider.evidence = vec![Edit::FlipBit { offset: 0, bit: 1 }]);
    absent("bytes follow the quote", &|provider| provider.evidence = vec![Edit::Append(vec![0])]);
    absent("the quote ends early", &|provider| provider.evidence = vec![Edit::Truncate { len: 700 }]);

    // A quote that is good and names another key says only that.
    let unbound = |what: &str, change: &dyn Fn(&mut Provider)| {
        let scene = Scene::provided(change);
        assert_eq!(enclave(&scene), [(maa::ENCLAVE_KEY_BOUND.into(), false.into())], "{what}");
    };
    unbound("another key", &|provider| provider.report_data = Some([9; 64]));
    unbound("the certificate was copied", &|provider| {
        let theirs = Provider::new("rules", AT).key_digest();
        let mut report_data = [0; 64];
        report_data[..32].copy_from_slice(&theirs);
        provider.key = Key::rsa4096_pkcs1("another");
        provider.certificate.key = provider.key.clone();
        provider.kid = Some(Provider::new("rules", AT).kid());
        provider.report_data = Some(report_data);
    });
    unbound("bytes behind the hash", &|provider| {
        let mut report_data = [0; 64];
        report_data[..32].copy_from_slice(&provider.key_digest());
        report_data[63] = 1;
        provider.report_data = Some(report_data);
    });
    unbound("another id", &|provider| provider.kid = Some("J0pAPdfXXHqWWimgrH853wMIdh5/fLe1z6uSXYPXCa0=".to_owned()));

    // A key by its numbers alone has no certificate, and so no quote.
    let mut scene = Scene::guest();
    scene.key_sets = vec![scene.provider.bare_key_set()];
    assert_eq!(enclave(&scene), []);
    let spki: [u8; 32] = Sha256::digest(scene.provider.key.subject_public_key_info()).into();
    assert_eq!(get(&scene.claims(), cross_vendor::ROOT_SHA256), Some(vec![Value::from(spki.as_slice())].into()));
}

#[test]
fn collateral_of_the_service_s_platform_is_judged_where_it_is_given() {
    let with = |change: &dyn Fn(&mut prooftrail_simulator::intel::Collateral), provider: &dyn Fn(&mut Provider)| {
        let mut scene = Scene::provided(provider);
        let mut collateral = scene.provider.collateral();
        change(&mut collateral);
        scene.collateral = Some(collateral.build());
        scene
    };
    let scene = with(&|_| (), &|_| ());
    assert_eq!(enclave(&scene).len(), 5);
    let inputs: Vec<_> = scene.accepted().inputs().iter().map(|input| input.role).collect();
    for role in ["root", "key_set", "tcb_info", "qe_identity", "crl"] {
        assert!(inputs.contains(&role), "{role} in {inputs:?}");
    }
    // The identity counts in place of Intel's signer.
    let other_signer = with(&|collateral| collateral.qe_identity.mrsigner = [9; 32], &|provider| {
        provider.quote.qe_report.mrsigner = [9; 32];
    });
    assert_eq!(enclave(&other_signer).len(), 5);
    for (what, scene) in [
        ("another quoting enclave", with(&|collateral| collateral.qe_identity.mrsigner[0] ^= 1, &|_| ())),
        ("it has ended", with(&|collateral| collateral.tcb_info.next_update = AT, &|_| ())),
        ("a level that is revoked", with(&|_| (), &|provider| provider.quote.qe_report.isvsvn = 4)),
        ("no level", with(&|_| (), &|provider| provider.quote.qe_report.isvsvn = 1)),
    ] {
        assert_eq!(enclave(&scene), [], "{what}");
    }
    let revoked = {
        let mut scene = Scene::guest();
        let mut collateral = scene.provider.collateral();
        let serial = scene.provider.quote.pck_mut().serial.clone();
        collateral.pck_crl = Some(scene.provider.intel.crl_of_platform_ca(&[&serial]));
        scene.collateral = Some(collateral.build());
        scene
    };
    assert_eq!(enclave(&revoked), [], "the platform's certificate is revoked");
    // What is of another platform says nothing of this one.
    let other = with(&|collateral| collateral.tcb_info.fmspc = [1; 6], &|_| ());
    assert_eq!(enclave(&other).len(), 5);
    // A policy's demands on Intel's revocation are about evidence.
    let required = Scene { revocation: RevocationMode::Required, ..Scene::guest() };
    assert_eq!(enclave(&required).len(), 5);
}

#[test]
fn an_attestation_key_must_be_one() {
    let keys = "x-ms-isolation-tee/x-ms-runtime/keys";
    let key = |members: &[(&str, &str)]| {
        let mut key = Json::object([("kid", "HCLAkPub".into())]);
        members.iter().for_each(|(name, value)| _ = key.set(name, *value));
        key
    };
    let code =
        refused(|scene| _ = scene.token.payload.set(keys, vec![key(&[("kty", "EC"), ("n", "AQAB"), ("e", "AQAB")])]));
    assert_eq!(code, Code::AzureAttestationKey);
    let code =
        refused(|scene| _ = scene.token.payload.set(keys, vec![key(&[("kty", "RSA"), ("n", "AQAB"), ("e", "AQAB")])]));
    assert_eq!(code, Code::AzureAttestationKey, "too small");
    for keys_of in [vec![], vec![key(&[]), key(&[])], vec![Json::from("HCLAkPub")]] {
        let mut scene = Scene::guest();
        scene.token.payload.set(keys, keys_of);
        let authentic = scene.accepted();
        assert!(matches!(authentic.links(), [Link::SnpReportId(_)]), "no key, or a choice of keys, links nothing");
    }
}

#[test]
fn the_evidence_id_is_of_what_is_signed() {
    let scene = Scene::guest();
    let text = scene.token.build();
    let (signed, _) = text.rsplit_once('.').unwrap();
    let id = scene.accepted().evidence_id();
    assert_eq!(id.signed_sha384, <[u8; 48]>::from(sha2::Sha384::digest(signed)));
    let mut other = Scene::guest();
    other.token.after = vec![replace(&text[text.len() - 4..], "AAAA")];
    let refusal = other.run().expect_err("another signature");
    assert_eq!(refusal.evidence_id, Some(id));
}
