//! One mutation of a good quote, or of its collateral, per rule, each refused for exactly its own reason. Both are the
//! simulator's, which shares no code with the verifier.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_evidence::{
    Authentic, AwsLc, Context, Crypto, Endorsements, Expected, Link, NoIssuers, Refusal, Revocation, RevocationMode,
    RustCrypto, authenticate,
};
use prooftrail_result::{
    Kind, Outcome, ReasonCode as Code, Stage, Timestamp, TrustAnchor,
    claims::{Claims, Value, cross_vendor, sgx, tdx},
};
use prooftrail_simulator::{
    edit::Edit,
    intel::{Collateral, ExtendedTd, Quote, Td15, Vendor},
    key::{Key, SignatureEdit},
    x509::{CrlSpec, Extension, KeyUsage, oid},
};
use prooftrail_trust_roots::RootSet;

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const DAY: i64 = 24 * 3600;

fn at(offset_seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(AT + offset_seconds).unwrap()
}

fn roots(vendor: &Vendor) -> RootSet {
    let der = vendor.root_der();
    RootSet::from_manifest(&vendor.root_manifest(), TrustAnchor::Configured, |_| Ok::<_, String>(der.clone())).unwrap()
}

/// A vendor with a quote and its collateral, before either is built.
struct Scene {
    vendor: Vendor,
    kind: Kind,
    quote: Quote,
    collateral: Collateral,
}

fn td() -> Scene {
    let vendor = Vendor::new("rules", AT);
    Scene { kind: Kind::IntelTdx, quote: vendor.td_quote(), collateral: vendor.tdx_collateral(), vendor }
}

fn enclave() -> Scene {
    let vendor = Vendor::new("rules", AT);
    Scene { kind: Kind::IntelSgx, quote: vendor.enclave_quote(), collateral: vendor.sgx_collateral(), vendor }
}

/// What an appraisal is told besides.
#[derive(Clone, Copy)]
struct Told<'a> {
    at: i64,
    mode: RevocationMode,
    expected: Expected<'a>,
}

impl Default for Told<'_> {
    fn default() -> Self {
        Self { at: 0, mode: RevocationMode::Required, expected: Expected::default() }
    }
}

impl Scene {
    /// By both providers alike.
    fn run(&self, files: &[Vec<u8>], told: Told<'_>) -> Result<Authentic, Refusal> {
        let ours = self.run_with(files, told, &AwsLc);
        assert_eq!(self.run_with(files, told, &RustCrypto), ours);
        ours
    }

    fn run_with(&self, files: &[Vec<u8>], told: Told<'_>, crypto: &dyn Crypto) -> Result<Authentic, Refusal> {
        let unread = |reason| Refusal { evidence_id: None, checks: Vec::new(), reason };
        let endorsements = Endorsements::read(crypto, files.iter().map(Vec::as_slice)).map_err(unread)?;
        let context = Context {
            crypto,
            roots: &roots(&self.vendor),
            endorsements: &endorsements,
            issuers: &NoIssuers,
            revocation: Revocation { intel: told.mode, ..Revocation::default() },
            at: at(told.at),
            expected: told.expected,
        };
        authenticate(self.kind, &self.quote.build(), &context)
    }

    fn told(&self, told: Told<'_>) -> Result<Authentic, Refusal> {
        self.run(&[self.collateral.build()], told)
    }

    fn accepted(&self) -> Authentic {
        self.told(Told::default()).expect("authentic")
    }

    fn refused(&self) -> Code {
        let refusal = self.told(Told::default()).expect_err("refused");
        if let Some(last) = refusal.checks.last() {
            assert_eq!(last.outcome, Outcome::Failed);
        }
        refusal.reason.code
    }

    /// The codes of what no policy can allow.
    fn objections(&self) -> Vec<Code> {
        let authentic = self.accepted();
        assert!(authentic.objections().iter().all(|reason| reason.stage() == Stage::Tcb));
        assert!(authentic.claims().get(cross_vendor::HARDWARE_ID).is_some());
        authentic.objections().iter().map(|reason| reason.code).collect()
    }
}

fn td_refused(change: impl FnOnce(&mut Scene)) -> Code {
    let mut scene = td();
    change(&mut scene);
    scene.refused()
}

fn td_claims(change: impl FnOnce(&mut Scene)) -> Claims {
    let mut scene = td();
    change(&mut scene);
    let authentic = scene.accepted();
    assert_eq!(authentic.objections(), []);
    authentic.claims().clone()
}

fn text(claims: &Claims, name: prooftrail_result::claims::ClaimId) -> Option<String> {
    claims.get(name).map(ToString::to_string)
}

#[test]
fn a_good_quote_of_a_trust_domain_is_authentic_and_says_so() {
    let mut scene = td();
    scene.quote.td_mut().report_data[..48].fill(9);
    let told = Told {
        expected: Expected { binding: Some(&[9; 48]), nonce: Some(b"covered"), ..Expected::default() },
        ..Told::default()
    };
    let authentic = scene.told(told).expect("authentic");
    assert_eq!(authentic.objections(), []);
    assert!(authentic.binding_matched() && authentic.debug_applies() && !authentic.nonce_matched());
    let claims = authentic.claims();
    for (name, value) in [
        (cross_vendor::PLATFORM, "tdx"),
        (cross_vendor::VENDOR, "intel"),
        (cross_vendor::DEBUG, "false"),
        (cross_vendor::SIMULATED, "true"),
        (cross_vendor::TCB_STATUS, "UpToDate"),
        (cross_vendor::TCB_DATE, "2026-03-11T00:00:00Z"),
        (cross_vendor::ADVISORIES, ""),
        (cross_vendor::REVOCATION, "good"),
        (tdx::QUOTE_VERSION, "4"),
        (tdx::BODY_TYPE, "2"),
        (tdx::TD_ATTRIBUTES_SEPTVE_DISABLE, "true"),
        (tdx::TD_ATTRIBUTES_PROFILING, "false"),
        (tdx::MODULE_ID, "TDX_01"),
        (tdx::MODULE_ISVSVN, "6"),
        (tdx::TCB_MODULE_STATUS, "UpToDate"),
        (tdx::TCB_QE_STATUS, "UpToDate"),
        (tdx::TCB_EVALUATION_DATA_NUMBER, "21"),
        (tdx::FMSPC, "90c06f000000"),
        (tdx::PCE_SVN, "13"),
        (tdx::SGX_TYPE, "scalable"),
        (tdx::DYNAMIC_PLATFORM, "true"),
        (tdx::CACHED_KEYS, "false"),
        (tdx::PCK_CA, "platform"),
        (tdx::QE_ISVSVN, "8"),
    ] {
        assert_eq!(text(claims, name).as_deref(), Some(value), "{name:?}");
    }
    assert_eq!(claims.get(cross_vendor::MEASUREMENT), claims.get(tdx::MRTD));
    assert_eq!(claims.get(cross_vendor::HARDWARE_ID), claims.get(tdx::PPID));
    assert_eq!(claims.get(cross_vendor::INSTANCE), None, "only the extended body names the instance");
    // The TCB info is due first, and the QE identity was issued last, but for the PCK CRL.
    assert_eq!(claims.get(tdx::COLLATERAL_EXPIRES), Some(&at(20 * DAY).into()));
    assert_eq!(claims.get(tdx::COLLATERAL_ISSUED), Some(&at(-8 * DAY).into()));
    assert_eq!(claims.get(cross_vendor::REVOCATION_AS_OF), Some(&at(-100 * DAY).into()));
    assert_eq!(authentic.valid_until(), at(20 * DAY).just_before());
    let roles: Vec<_> = authentic.inputs().iter().map(|input| input.role).collect();
    assert_eq!(roles, ["root", "tcb_info", "qe_identity", "crl", "crl"]);
    assert!(authentic.checks().iter().all(|check| check.outcome != Outcome::Failed));
}

#[test]
fn a_good_quote_of_an_enclave_is_authentic_and_says_so() {
    let scene = enclave();
    let authentic = scene.accepted();
    assert_eq!(authentic.objections(), []);
    let claims = authentic.claims();
    for (name, value) in [
        (cross_vendor::PLATFORM, "sgx"),
        (cross_vendor::DEBUG, "false"),
        (sgx::ATTRIBUTES_DEBUG, "false"),
        (sgx::TCB_STATUS, "UpToDate"),
        (sgx::QUOTE_VERSION, "3"),
        (sgx::ISVPRODID, "1"),
        (sgx::ISVSVN, "2"),
        (sgx::QE_ISVPRODID, "1"),
    ] {
        assert_eq!(text(claims, name).as_deref(), Some(value), "{name:?}");
    }
    assert_eq!(claims.get(cross_vendor::MEASUREMENT), claims.get(sgx::MRENCLAVE));
    assert_eq!(claims.get(tdx::TCB_MODULE_STATUS), None);
}

#[test]
fn every_combination_of_version_and_body_that_exists_is_read_and_no_other() {
    let td15 = || Some(Td15 { tee_tcb_svn2: [6, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], mrservicetd: [3; 48] });
    let extended = || {
        let (init_service_td_hash, cur_service_td_hash) = ([5; 48], [6; 48]);
        Some(ExtendedTd { vmid: 2, td_id: [4; 32], init_service_td_hash, cur_service_td_hash })
    };
    let body = |version: u16, number: usize| {
        td_claims(|scene| {
            scene.quote.version = version;
            scene.quote.td_mut().td15 = if number > 2 { td15() } else { None };
            scene.quote.td_mut().extended = if number > 3 { extended() } else { None };
        })
    };
    for (version, number) in [(4, 2), (5, 2), (5, 3), (5, 4)] {
        let claims = body(version, number);
        assert_eq!(text(&claims, tdx::QUOTE_VERSION), Some(version.to_string()));
        assert_eq!(text(&claims, tdx::BODY_TYPE), Some(number.to_string()));
        assert_eq!(claims.get(tdx::TEE_TCB_SVN2).is_some(), number > 2);
        assert_eq!(claims.get(tdx::MRSERVICETD).is_some(), number > 2);
        assert_eq!(claims.get(tdx::TD_ID).is_some(), number > 3);
    }
    let claims = body(5, 4);
    assert_eq!(claims.get(cross_vendor::INSTANCE), claims.get(tdx::TD_ID));
    assert_eq!(text(&claims, tdx::VMID).as_deref(), Some("2"));
    assert_eq!(claims.get(tdx::INIT_SERVICE_TD_HASH), Some(&[5; 48].as_slice().into()));
    assert_eq!(claims.get(tdx::CUR_SERVICE_TD_HASH), Some(&[6; 48].as_slice().into()));
    for version in [3, 4, 5] {
        let mut scene = enclave();
        scene.quote.version = version;
        assert_eq!(text(scene.accepted().claims(), sgx::QUOTE_VERSION), Some(version.to_string()));
    }

    let header = |change: fn(&mut Quote)| td_refused(|scene| change(&mut scene.quote));
    for version in [0, 2, 6] {
        assert_eq!(td_refused(|scene| scene.quote.version = version), Code::QuoteVersion);
    }
    assert_eq!(header(|quote| quote.version = 3), Code::QuoteTee, "version 3 is SGX's alone");
    assert_eq!(header(|quote| quote.key_type = 3), Code::QuoteKeyType);
    assert_eq!(header(|quote| quote.tee = 0), Code::QuoteTee);
    assert_eq!(header(|quote| quote.tee = 0x82), Code::QuoteTee);
    assert_eq!(header(|quote| quote.qe_vendor[0] ^= 1), Code::QuoteVendor);
    let descriptor = |number, size| {
        td_refused(|scene| {
            scene.quote.version = 5;
            scene.quote.descriptor = Some((number, size));
        })
    };
    assert_eq!(descriptor(1, 384), Code::QuoteBodyType, "an enclave's report in a quote of TDX");
    assert_eq!(descriptor(5, 584), Code::QuoteBodyType);
    assert_eq!(descriptor(2, 648), Code::QuoteBodySize);
    assert_eq!(descriptor(3, 584), Code::QuoteBodySize);
    assert_eq!(descriptor(2, u32::MAX), Code::QuoteBodySize);
    let wrong_kind = Scene { kind: Kind::IntelSgx, ..td() };
    assert_eq!(wrong_kind.refused(), Code::QuoteTee);
}

#[test]
fn zeros_may_follow_a_quote_and_nothing_else_may() {
    let alone = td().accepted();
    let id = alone.evidence_id();
    let unpadded = Link::QuoteSha256(AwsLc.sha256(&[&td().quote.build()]));
    assert!(alone.links().is_empty());
    let linked = |mut quote: Authentic, bytes: &[u8]| {
        quote.link_quote(bytes, &AwsLc);
        quote.links().to_vec()
    };
    assert_eq!(linked(alone, &td().quote.build()), std::slice::from_ref(&unpadded));
    for length in [1, 70, 3065] {
        let mut scene = td();
        scene.quote.padding = vec![0; length];
        let padded = scene.accepted();
        assert_eq!(padded.evidence_id(), id, "padding is not signed");
        let sent = Link::QuoteSha256(AwsLc.sha256(&[&scene.quote.build()]));
        let links = linked(padded, &scene.quote.build());
        assert_eq!(links, [unpadded.clone(), sent], "others may have hashed either");
        scene.quote.padding[length - 1] = 1;
        assert_eq!(scene.refused(), Code::QuoteTrailingBytes);
    }
    let mut scene = td();
    scene.quote.signature = Some(SignatureEdit::Twin);
    assert_eq!(scene.accepted().evidence_id(), id, "(r, n - s) is the same signature");
    assert_eq!(td_refused(|scene| scene.quote.outer_tail = vec![0]), Code::QuoteTrailingBytes);
    assert_eq!(td_refused(|scene| scene.quote.inner_tail = vec![0]), Code::QuoteTrailingBytes);
    assert_eq!(td_refused(|scene| scene.quote.padding = vec![0; 64 * 1024]), Code::EvidenceTooLarge);
    let length = td().quote.build().len();
    for keep in [1, 47, 48, 631, 632, 636, 700, 1200, length - 1] {
        let code = td_refused(|scene| scene.quote.after = vec![Edit::Truncate { len: keep }]);
        assert_eq!(code, Code::QuoteTruncated, "{keep}");
    }
}

#[test]
fn certification_data() {
    for other in [1, 2, 3, 4, 5, 7] {
        assert_eq!(td_refused(|scene| scene.quote.outer_type = other), Code::QuoteCertificationData, "outer {other}");
    }
    for other in [1, 2, 3, 4, 6, 7] {
        assert_eq!(td_refused(|scene| scene.quote.inner_type = other), Code::QuoteCertificationData, "inner {other}");
    }
    let data = |bytes: &[u8]| td_refused(|scene| scene.quote.certification_data = Some(bytes.to_vec()));
    assert_eq!(data(b""), Code::ChainLength);
    assert_eq!(data(b"\0"), Code::ChainLength);
    assert_eq!(data(b"PPID"), Code::X509Malformed);
    assert_eq!(td_refused(|scene| drop(scene.quote.chain.remove(1))), Code::ChainLength);
}

#[test]
fn signatures_and_what_they_bind() {
    let quote = |change: fn(&mut Quote)| td_refused(|scene| change(&mut scene.quote));
    assert_eq!(quote(|quote| quote.signing_key = Some(Key::p256("forger"))), Code::QuoteSignature);
    assert_eq!(quote(|quote| quote.qe_report_key = Some(Key::p256("forger"))), Code::QuoteQeReportSignature);
    assert_eq!(quote(|quote| quote.qe_report_data = Some([0; 64])), Code::BindingAttestationKey);
    // Found where the digest belongs, but with something behind it.
    let tail = |scene: &mut Scene| {
        use sha2::{Digest, Sha256};
        let key = scene.quote.attestation_key.public_point().split_off(1);
        let mut data = [1; 64];
        data[..32].copy_from_slice(&Sha256::new().chain_update(key).chain_update(&scene.quote.qe_auth_data).finalize());
        scene.quote.qe_report_data = Some(data);
    };
    assert_eq!(td_refused(tail), Code::BindingAttestationKey);
    let forger = || Some(Key::p256("forger"));
    assert_eq!(td_refused(|scene| scene.collateral.tcb_info_signing.key = forger()), Code::CollateralSignature);
    assert_eq!(td_refused(|scene| scene.collateral.qe_identity_signing.key = forger()), Code::CollateralSignature);
    // The verbatim text is signed: the same JSON, written otherwise, is another text.
    let respaced = |scene: &mut Scene| {
        let (find, with) = (b"\"version\":3".to_vec(), b"\"version\": 3".to_vec());
        scene.collateral.tcb_info_signing.after = vec![Edit::Replace { find, with }];
    };
    assert_eq!(td_refused(respaced), Code::CollateralSignature);
}

#[test]
fn chains() {
    let impostor = td_refused(|scene| {
        scene.quote.chain[0].key = Key::p256("impostor");
    });
    assert_eq!(impostor, Code::ChainRootNotPinned);
    for place in [1, 2] {
        let chain = |change: &dyn Fn(&mut prooftrail_simulator::x509::CertificateSpec)| {
            td_refused(|scene| change(&mut scene.quote.chain[place]))
        };
        assert_eq!(chain(&|spec| spec.signing.key = Some(Key::p256("forger"))), Code::ChainSignature, "{place}");
        assert_eq!(chain(&|spec| spec.not_after = AT - 1), Code::TimeExpired, "{place}");
        assert_eq!(chain(&|spec| spec.not_before = AT + 1), Code::TimeNotYetValid, "{place}");
        assert_eq!(chain(&|spec| spec.remove_extension(oid::KEY_USAGE)), Code::ChainKeyUsage, "{place}");
    }
    let another_curve = |scene: &mut Scene, place: usize| {
        scene.quote.qe_report_key = Some(Key::p256("its signatures have the right length"));
        scene.quote.chain[place].key = Key::p384("another curve");
    };
    for place in [1, 2] {
        assert_eq!(td_refused(|scene| another_curve(scene, place)), Code::ChainKeyType, "{place}");
    }
    assert_eq!(
        td_refused(|scene| scene.quote.pck_mut().set_extension(Extension::basic_constraints(true, None))),
        Code::ChainLeafIsCa
    );
    // One root, several purposes: what a certificate is for stands in its name.
    let renamed = |scene: &mut Scene, place: usize, name: &str| {
        *scene.quote.chain[place].subject.attribute_mut(oid::COMMON_NAME) = name.to_owned();
    };
    assert_eq!(td_refused(|scene| renamed(scene, 2, "Intel SGX TCB Signing")), Code::ChainName);
    let mut something = td();
    renamed(&mut something, 1, "Intel SGX Something CA");
    let unchecked = Told { mode: RevocationMode::Off, ..Told::default() };
    assert_eq!(something.told(unchecked).map_err(|refusal| refusal.reason.code).err(), Some(Code::ChainName));
    let mut processor = enclave();
    renamed(&mut processor, 1, "Intel SGX PCK Processor CA");
    processor.collateral.pck_crl = None;
    let told = Told { mode: RevocationMode::BestEffort, ..Told::default() };
    let processor = processor.told(told).expect("authentic");
    assert_eq!(text(processor.claims(), sgx::PCK_CA).as_deref(), Some("processor"));
    assert_eq!(text(processor.claims(), cross_vendor::REVOCATION).as_deref(), Some("not_checked"));
}

#[test]
fn what_is_certified_of_a_platform() {
    let platform = |change: fn(&mut Vendor)| {
        let mut scene = td();
        change(&mut scene.vendor);
        *scene.quote.pck_mut() = scene.vendor.pck();
        scene
    };
    for arc in [1, 2, 3, 4, 5] {
        let mut scene = td();
        scene.vendor.platform.without = Some(arc);
        *scene.quote.pck_mut() = scene.vendor.pck();
        assert_eq!(scene.refused(), Code::PckExtension, "without {arc}");
    }
    for arc in [1, 4, 6] {
        let mut scene = td();
        scene.vendor.platform.twice = Some(arc);
        *scene.quote.pck_mut() = scene.vendor.pck();
        assert_eq!(scene.refused(), Code::PckExtension, "twice {arc}");
    }
    assert_eq!(platform(|vendor| vendor.platform.sgx_type = 3).refused(), Code::PckExtension);
    assert_eq!(
        td_refused(|scene| scene.quote.pck_mut().remove_extension(prooftrail_simulator::intel::EXTENSION)),
        Code::PckExtension
    );
    let bare = platform(|vendor| {
        vendor.platform.platform_instance_id = None;
        vendor.platform.configuration = None;
    });
    let bare = bare.accepted();
    for name in [tdx::PLATFORM_INSTANCE_ID, tdx::DYNAMIC_PLATFORM, tdx::CACHED_KEYS, tdx::SMT_ENABLED] {
        assert_eq!(bare.claims().get(name), None, "{name:?}");
    }
    let other_family = platform(|vendor| vendor.platform.fmspc[0] ^= 1);
    assert_eq!(other_family.refused(), Code::BindingPlatform);
    let other_pce = platform(|vendor| vendor.platform.pce_id[0] ^= 1);
    assert_eq!(other_pce.refused(), Code::BindingPlatform);
}

#[test]
fn collateral_that_does_not_vouch() {
    let told = Told::default();
    let scene = td();
    let bare = |files: &[Vec<u8>]| scene.run(files, told).map(drop).map_err(|refusal| refusal.reason.code);
    let mode = RevocationMode::BestEffort;
    let unsupplied = scene.run(&[], Told { mode, ..told }).expect_err("refused");
    assert_eq!(unsupplied.reason.code, Code::CollateralMissing);
    assert_eq!(bare(&[]), Err(Code::RevocationNotChecked), "first of all, nothing says what is revoked");

    let sgx = scene.vendor.sgx_collateral();
    let mixed = |scene: &mut Scene| scene.collateral.qe_identity = sgx.qe_identity.clone();
    assert_eq!(td_refused(mixed), Code::BindingQeIdentity);
    let mixed = |scene: &mut Scene| scene.collateral.tcb_info = sgx.tcb_info.clone();
    assert_eq!(td_refused(mixed), Code::BindingPlatform);

    let qe = |change: fn(&mut Scene)| td_refused(change);
    assert_eq!(qe(|scene| scene.quote.qe_report.mrsigner[0] ^= 1), Code::BindingQeIdentity);
    assert_eq!(qe(|scene| scene.quote.qe_report.isvprodid = 3), Code::BindingQeIdentity);
    assert_eq!(qe(|scene| scene.quote.qe_report.miscselect[3] = 1), Code::BindingQeIdentity);
    assert_eq!(qe(|scene| scene.quote.qe_report.attributes[0] |= 2), Code::BindingQeIdentity, "a debug QE");
    let masked = |scene: &mut Scene| scene.quote.qe_report.attributes[0] ^= 4;
    assert_eq!(text(&td_claims(masked), cross_vendor::TCB_STATUS).as_deref(), Some("UpToDate"), "outside the mask");

    let module = |change: fn(&mut Scene)| td_refused(change);
    assert_eq!(module(|scene| scene.quote.td_mut().mrsignerseam[0] = 1), Code::BindingTdxModule);
    assert_eq!(module(|scene| scene.quote.td_mut().seam_attributes[7] = 1), Code::BindingTdxModule);
    assert_eq!(module(|scene| scene.quote.td_mut().tee_tcb_svn[1] = 2), Code::BindingTdxModule, "an unknown module");
    assert_eq!(module(|scene| scene.collateral.tcb_info.modules[0].1.attributes[0] = 1), Code::BindingTdxModule);
    // Without its own version among the components, the module of TDX 1.0 is judged by the platform's levels.
    let first = td_claims(|scene| scene.quote.td_mut().tee_tcb_svn[1] = 0);
    assert_eq!((first.get(tdx::MODULE_ID), first.get(tdx::TCB_MODULE_STATUS)), (None, None));
}

#[test]
fn signers_of_collateral() {
    let signer = |change: &dyn Fn(&mut Scene)| td_refused(change);
    let chain = |scene: &Scene| vec![scene.vendor.root.clone(), scene.vendor.platform_ca.clone()];
    assert_eq!(signer(&|scene| scene.collateral.tcb_info_signing.chain = chain(scene)), Code::ChainLeafIsCa);
    assert_eq!(
        signer(&|scene| scene.collateral.qe_identity_signing.chain = scene.quote.chain.clone()),
        Code::ChainLength,
        "a platform signs no collateral"
    );
    let renamed = |scene: &mut Scene| {
        let name = scene.collateral.tcb_info_signing.chain[1].subject.attribute_mut(oid::COMMON_NAME);
        *name = "Intel SGX PCK Certificate".to_owned();
    };
    assert_eq!(signer(&renamed), Code::ChainName);
    let other_root = |scene: &mut Scene| scene.collateral.tcb_info_signing.chain[0].key = Key::p256("impostor");
    assert_eq!(signer(&other_root), Code::ChainRootNotPinned);
    let no_signature = |scene: &mut Scene| {
        let signer = &mut scene.collateral.qe_identity_signing.chain[1];
        signer.set_extension(Extension::key_usage(&[KeyUsage::CrlSign]));
    };
    assert_eq!(signer(&no_signature), Code::ChainKeyUsage);
    let ended = |scene: &mut Scene| scene.collateral.qe_identity_signing.chain[1].not_after = AT - 1;
    assert_eq!(signer(&ended), Code::TimeExpired);
}

#[test]
fn collateral_as_the_service_answers_it() {
    let scene = td();
    let crls = [scene.vendor.crl_of_root(&[]).build(), scene.vendor.crl_of_platform_ca(&[]).build()];
    let files = |collateral: &Collateral| [collateral.responses().to_vec(), crls.to_vec()].concat();
    let answered = scene.run(&files(&scene.collateral), Told::default()).expect("authentic");
    let bundled = scene.accepted();
    assert_eq!((answered.claims(), answered.inputs()), (bundled.claims(), bundled.inputs()));

    // Intel issued its signer anew under the same key and serial number; the one of the time counts.
    let mut old = scene.collateral.clone();
    old.tcb_info_signing.chain[1].not_after = AT - 1;
    let both = [files(&scene.collateral), vec![old.responses()[2].clone()]].concat();
    assert_eq!(scene.run(&both, Told::default()).map(|authentic| authentic.valid_until()), Ok(bundled.valid_until()));
    let without_signer = files(&scene.collateral).into_iter().filter(|file| !file.starts_with(b"-----"));
    let refusal = scene.run(&without_signer.collect::<Vec<_>>(), Told::default()).expect_err("refused");
    assert_eq!(refusal.reason.code, Code::CollateralMissing);

    // Of two, the one in force counts, whatever its number.
    let mut ended = scene.collateral.clone();
    (ended.tcb_info.issue_date, ended.tcb_info.next_update) = (AT - 50 * DAY, AT - 20 * DAY);
    ended.tcb_info.evaluation_data_number = 99;
    let mut younger = scene.collateral.clone();
    younger.tcb_info.evaluation_data_number = 22;
    younger.tcb_info.levels[0].status = "SWHardeningNeeded".to_owned();
    let several = [ended.build(), scene.collateral.build(), younger.build()];
    let chosen = scene.run(&several, Told::default()).expect("authentic");
    assert_eq!(text(chosen.claims(), tdx::TCB_PLATFORM_STATUS).as_deref(), Some("SWHardeningNeeded"));
    assert_eq!(text(chosen.claims(), tdx::TCB_EVALUATION_DATA_NUMBER).as_deref(), Some("21"), "the lower of the two");
}

#[test]
fn collateral_that_is_no_collateral() {
    let edited = |find: &str, with: &str| {
        let (find, with) = (find.as_bytes().to_vec(), with.as_bytes().to_vec());
        td_refused(|scene| scene.collateral.tcb_info_signing.before = vec![Edit::Replace { find, with }])
    };
    // Signed by Intel, and still refused: readers would disagree.
    assert_eq!(edited("\"version\":3", "\"version\":3,\"version\":3"), Code::CollateralDuplicateKey);
    assert_eq!(edited("\"pcesvn\":13", "\"other\":1,\"other\":2,\"pcesvn\":13"), Code::CollateralDuplicateKey);
    assert_eq!(edited("\"version\":3", "\"version\":2"), Code::CollateralVersion);
    assert_eq!(edited("\"version\":3", "\"version\":4"), Code::CollateralVersion);
    assert_eq!(edited("\"tcbType\":0", "\"tcbType\":1"), Code::CollateralVersion);
    assert_eq!(edited("\"id\":\"TDX\"", "\"id\":\"tdx\""), Code::CollateralMalformed);
    assert_eq!(edited("\"fmspc\":\"90", "\"fmspc\":\""), Code::CollateralMalformed);
    assert_eq!(edited("\"svn\":5}", "\"svn\":256}"), Code::CollateralMalformed);
    assert_eq!(edited("{\"svn\":5},", ""), Code::CollateralMalformed, "fifteen components");
    assert_eq!(edited("\"UpToDate\"", "\"Fine\""), Code::CollateralMalformed);
    assert_eq!(
        edited(
            "\"isvsvn\":5},\"tcbDate\":\"2026-03-11T00:00:00Z\",\"tcbStatus\":\"UpToDate\"",
            "\"isvsvn\":5},\"tcbDate\":\"2026-03-11T00:00:00Z\",\"tcbStatus\":\"ConfigurationNeeded\""
        ),
        Code::CollateralMalformed,
        "no status of a module"
    );
    assert_eq!(edited("tdxtcbcomponents", "tdxcomponents"), Code::CollateralVersion);
    assert_eq!(edited("\"nextUpdate\":\"2026", "\"nextUpdate\":\"soon"), Code::CollateralMalformed);
    let scene = td();
    let file = |file: &[u8]| scene.run(&[file.to_vec()], Told::default()).expect_err("refused").reason.code;
    let bundle = String::from_utf8(scene.collateral.build()).unwrap();
    assert_eq!(file(b"{}"), Code::EndorsementUnrecognised);
    assert_eq!(file(b"{"), Code::CollateralMalformed);
    assert_eq!(file(bundle.replacen("{", "{\"pck_crl\":\"\",", 1).as_bytes()), Code::CollateralDuplicateKey);
    assert_eq!(file(bundle.replacen("tcb_info_signature", "signature", 1).as_bytes()), Code::CollateralMalformed);
    assert_eq!(file(bundle.replacen("\"pck_crl\":\"30", "\"pck_crl\":\"xy", 1).as_bytes()), Code::CollateralMalformed);
    assert_eq!(file(bundle.replacen("\"pck_crl\":\"30", "\"pck_crl\":\"31", 1).as_bytes()), Code::X509Malformed);
    let qe = |version| td_refused(|scene| scene.collateral.qe_identity.version = version);
    assert_eq!((qe(1), qe(4)), (Code::CollateralVersion, Code::CollateralVersion));
}

#[test]
fn times() {
    // Issued last is the PCK CRL, 8 days ago; the TCB info is due first, in 20 days.
    let code =
        |seconds| td().told(Told { at: seconds, ..Told::default() }).map(drop).map_err(|refusal| refusal.reason.code);
    assert_eq!(code(-8 * DAY), Ok(()));
    assert_eq!(code(-8 * DAY - 1), Err(Code::TimeCrlNotYetValid));
    assert_eq!(code(20 * DAY - 1), Ok(()));
    assert_eq!(code(20 * DAY), Err(Code::TimeCollateralExpired), "due is no longer in force");
    assert_eq!(code(22 * DAY), Err(Code::TimeCrlExpired));
    let early = |scene: &mut Scene| scene.collateral.qe_identity.issue_date = AT + 1;
    assert_eq!(td_refused(early), Code::TimeCollateralNotYetValid);
    let late = |scene: &mut Scene| scene.collateral.qe_identity.next_update = AT;
    assert_eq!(td_refused(late), Code::TimeCollateralExpired);
}

#[test]
fn revocation() {
    let scene = td();
    let serials: Vec<Vec<u8>> = scene.quote.chain.iter().map(|certificate| certificate.serial.clone()).collect();
    let signer = scene.vendor.tcb_signing.serial.clone();
    let root = |revoked: &[&[u8]]| Some(scene.vendor.crl_of_root(revoked));
    let pck = |revoked: &[&[u8]]| Some(scene.vendor.crl_of_platform_ca(revoked));
    let with = |root_crl: Option<CrlSpec>, pck_crl: Option<CrlSpec>, mode| {
        let mut scene = td();
        (scene.collateral.root_crl, scene.collateral.pck_crl) = (root_crl, pck_crl);
        scene
            .told(Told { mode, ..Told::default() })
            .map(|authentic| text(authentic.claims(), cross_vendor::REVOCATION).unwrap())
            .map_err(|refusal| refusal.reason.code)
    };
    let (best, required, off) = (RevocationMode::BestEffort, RevocationMode::Required, RevocationMode::Off);
    assert_eq!(with(root(&[]), pck(&[]), required).as_deref(), Ok("good"));
    assert_eq!(with(root(&[]), pck(&[&serials[2]]), best), Err(Code::RevocationRevoked), "the platform");
    assert_eq!(with(root(&[&serials[1]]), pck(&[]), best), Err(Code::RevocationRevoked), "the CA");
    assert_eq!(with(root(&[&signer]), pck(&[]), best), Err(Code::RevocationRevoked), "the signer of collateral");
    assert_eq!(with(root(&[&signer]), pck(&[&serials[2]]), off).as_deref(), Ok("not_checked"));
    for (root, pck) in [(root(&[]), None), (None, pck(&[])), (None, None)] {
        assert_eq!(with(root.clone(), pck.clone(), best).as_deref(), Ok("not_checked"));
        assert_eq!(with(root, pck, required), Err(Code::RevocationNotChecked));
    }
    let mut forged = scene.vendor.crl_of_platform_ca(&[]);
    forged.signing.key = Some(Key::p256("forger"));
    assert_eq!(with(root(&[]), Some(forged), best), Err(Code::RevocationSignature));
}

#[test]
fn levels() {
    let status = |change: &dyn Fn(&mut Scene)| {
        let claims = td_claims(change);
        let of = |name| text(&claims, name).unwrap_or_default();
        let parts = [tdx::TCB_STATUS, tdx::TCB_PLATFORM_STATUS, tdx::TCB_MODULE_STATUS, tdx::TCB_QE_STATUS].map(of);
        (parts.join(" "), of(cross_vendor::TCB_DATE), of(cross_vendor::ADVISORIES))
    };
    let expected =
        |status: &str, date: &str, open: &str| (status.to_owned(), format!("{date}T00:00:00Z"), open.to_owned());
    let pce = |scene: &mut Scene, svn| {
        scene.vendor.platform.pce_svn = svn;
        *scene.quote.pck_mut() = scene.vendor.pck();
    };
    assert_eq!(status(&|_| {}), expected("UpToDate UpToDate UpToDate UpToDate", "2026-03-11", ""));
    assert_eq!(
        status(&|scene| pce(scene, 12)),
        expected("OutOfDate OutOfDate UpToDate UpToDate", "2025-08-13", "INTEL-SA-00001,INTEL-SA-00002")
    );
    assert_eq!(
        status(&|scene| scene.quote.td_mut().tee_tcb_svn[0] = 4),
        expected("OutOfDate UpToDate OutOfDate UpToDate", "2025-08-13", "INTEL-SA-00002")
    );
    assert_eq!(
        status(&|scene| scene.quote.qe_report.isvsvn = 7),
        expected("OutOfDate UpToDate UpToDate OutOfDate", "2025-08-13", "INTEL-SA-00004")
    );
    let all = |scene: &mut Scene| {
        pce(scene, 11);
        scene.quote.td_mut().tee_tcb_svn[0] = 3;
        scene.quote.qe_report.isvsvn = 6;
        scene.collateral.tcb_info.levels[1].status = "ConfigurationAndSWHardeningNeeded".to_owned();
    };
    assert_eq!(
        status(&all),
        expected(
            "OutOfDateConfigurationNeeded ConfigurationAndSWHardeningNeeded OutOfDate OutOfDate",
            "2025-08-13",
            "INTEL-SA-00001,INTEL-SA-00002,INTEL-SA-00004"
        )
    );
    // In whatever order Intel lists them, the highest that is met counts.
    let reversed = |scene: &mut Scene| scene.collateral.tcb_info.levels.reverse();
    assert_eq!(status(&reversed).0, "UpToDate UpToDate UpToDate UpToDate");
    // The module's own components count only where no identity judges it.
    let module = |scene: &mut Scene| {
        scene.collateral.tcb_info.levels[0].tdx = Some([9, 9, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    };
    assert_eq!(status(&module).0, "UpToDate UpToDate UpToDate UpToDate");
    let first = |scene: &mut Scene| {
        module(scene);
        scene.quote.td_mut().tee_tcb_svn[1] = 0;
    };
    assert_eq!(text(&td_claims(first), tdx::TCB_STATUS).as_deref(), Some("OutOfDate"));
}

#[test]
fn what_is_below_every_level_says_how_far_and_what_is_revoked_is_refused() {
    let judged = |change: &dyn Fn(&mut Scene)| {
        let mut scene = td();
        change(&mut scene);
        *scene.quote.pck_mut() = scene.vendor.pck();
        scene.accepted()
    };
    let behind = judged(&|scene| {
        scene.vendor.platform.components[7] = 2;
        scene.vendor.platform.pce_svn = 4;
        scene.quote.td_mut().tee_tcb_svn[2] = 1;
    });
    let reasons: Vec<_> = behind.objections().iter().map(ToString::to_string).collect();
    let level = "tcb.no_level: no TCB level matches; the nearest, of 2023-08-09T00:00:00Z (Revoked), asks for more of";
    let need = [
        "SGX component 08 (SEAMLDR ACM) (have 2) (need 3)",
        "TDX component 03 (have 1) (need 3)",
        "the PCE SVN (have 4) (need 5)",
    ];
    assert_eq!(reasons, need.map(|need| format!("{level} {need}")));
    let claims = behind.claims();
    for name in [cross_vendor::TCB_STATUS, tdx::TCB_STATUS, tdx::TCB_DATE, cross_vendor::ADVISORIES] {
        assert_eq!(claims.get(name), None, "{name:?}: what matches no level has no status");
    }
    assert_eq!(text(claims, tdx::PCE_SVN).as_deref(), Some("4"));
    assert_eq!(behind.checks().last().map(|check| check.outcome), Some(Outcome::Failed));

    let codes = |authentic: &Authentic| authentic.objections().iter().map(|reason| reason.code).collect::<Vec<_>>();
    let revoked = judged(&|scene| scene.vendor.platform.components[7] = 3);
    assert_eq!(codes(&revoked), [Code::TcbRevoked]);
    assert_eq!(text(revoked.claims(), tdx::TCB_PLATFORM_STATUS).as_deref(), Some("Revoked"));
    assert_eq!(codes(&judged(&|scene| scene.quote.td_mut().tee_tcb_svn[0] = 1)), [Code::TcbRevoked], "the module");
    assert_eq!(codes(&judged(&|scene| scene.quote.qe_report.isvsvn = 4)), [Code::TcbRevoked], "the quoting enclave");
    assert_eq!(codes(&judged(&|scene| scene.quote.td_mut().tee_tcb_svn[0] = 0)), [Code::TcbNoLevel]);
    assert_eq!(codes(&judged(&|scene| scene.quote.qe_report.isvsvn = 3)), [Code::TcbNoLevel]);
    let both = |scene: &mut Scene| {
        scene.vendor.platform.pce_svn = 4;
        scene.quote.td_mut().tee_tcb_svn[0] = 0;
    };
    assert_eq!(codes(&judged(&both)), [Code::TcbNoLevel, Code::TcbNoLevel], "every failure is listed");
    let none = |scene: &mut Scene| scene.collateral.tcb_info.levels.clear();
    assert_eq!(codes(&judged(&none)), [Code::TcbNoLevel]);

    let mut scene = enclave();
    scene.vendor.platform.components[0] = 4;
    *scene.quote.pck_mut() = scene.vendor.pck();
    assert_eq!(scene.objections(), [Code::TcbNoLevel]);
}

#[test]
fn a_relaunch_is_advised_where_the_module_was_updated_under_the_guest() {
    let with = |launch: u8, present: [u8; 2]| {
        let mut scene = td();
        scene.quote.version = 5;
        let mut svn = scene.quote.td_mut().tee_tcb_svn;
        svn[0] = launch;
        scene.quote.td_mut().tee_tcb_svn = svn;
        [svn[0], svn[1]] = present;
        scene.quote.td_mut().td15 = Some(Td15 { tee_tcb_svn2: svn, mrservicetd: [0; 48] });
        scene
    };
    let status = |scene: &Scene| {
        let authentic = scene.accepted();
        assert_eq!(authentic.objections(), []);
        text(authentic.claims(), cross_vendor::TCB_STATUS).unwrap()
    };
    assert_eq!(status(&with(6, [7, 1])), "UpToDate");
    assert_eq!(status(&with(3, [5, 1])), "TDRelaunchAdvised");
    assert_eq!(status(&with(3, [4, 1])), "OutOfDate");
    let mut scene = with(3, [5, 1]);
    scene.collateral.tcb_info.levels[0].status = "ConfigurationNeeded".to_owned();
    assert_eq!(status(&scene), "TDRelaunchAdvisedConfigurationNeeded");
    let claims = scene.accepted().claims().clone();
    assert_eq!(text(&claims, tdx::TCB_MODULE_STATUS).as_deref(), Some("OutOfDate"), "of the launch");
    assert_eq!(claims.get(cross_vendor::ADVISORIES), Some(&Value::List(vec!["INTEL-SA-00002".into()])));
    assert_eq!(with(6, [1, 1]).objections(), [Code::TcbRevoked], "what runs now is revoked");
    assert_eq!(with(6, [0, 1]).objections(), [Code::TcbNoLevel]);
    assert_eq!(with(6, [6, 2]).objections(), [Code::TcbNoLevel], "no identity of what runs now");
}

#[test]
fn attributes_are_claims_and_no_refusals() {
    for (attributes, set) in [
        ([0; 8], None),
        ([1, 0, 0, 0x10, 0, 0, 0, 0], Some(tdx::TD_ATTRIBUTES_DEBUG)),
        ([0x20, 0, 0, 0, 0, 0, 0, 0], Some(tdx::TD_ATTRIBUTES_PROFILING)),
        ([0, 0, 1, 0, 0, 0, 0, 0], Some(tdx::TD_ATTRIBUTES_ICSSD)),
        ([0, 0, 2, 0, 0, 0, 0, 0], Some(tdx::TD_ATTRIBUTES_SERVTD_EXT)),
        ([0, 0, 0, 0x08, 0, 0, 0, 0], Some(tdx::TD_ATTRIBUTES_LASS)),
        ([0, 0, 0, 0x20, 0, 0, 0, 0], Some(tdx::TD_ATTRIBUTES_MIGRATABLE)),
        ([0, 0, 0, 0x40, 0, 0, 0, 0], Some(tdx::TD_ATTRIBUTES_PROTECTION_KEYS)),
        ([0, 0, 0, 0x80, 0, 0, 0, 0], Some(tdx::TD_ATTRIBUTES_KEY_LOCKER)),
        ([0, 0, 0, 0, 0, 0, 0, 0x40], Some(tdx::TD_ATTRIBUTES_TPA)),
        ([0, 0, 0, 0x10, 0, 0, 0, 0x80], Some(tdx::TD_ATTRIBUTES_PERFMON)),
    ] {
        let claims = td_claims(|scene| scene.quote.td_mut().td_attributes = attributes);
        assert_eq!(claims.get(tdx::TD_ATTRIBUTES), Some(&attributes.as_slice().into()));
        assert_eq!(claims.bool(cross_vendor::DEBUG), Some(attributes[0] & 1 == 1));
        assert_eq!(claims.bool(tdx::TD_ATTRIBUTES_SEPTVE_DISABLE), Some(attributes[3] & 0x10 != 0));
        let all = [
            tdx::TD_ATTRIBUTES_DEBUG,
            tdx::TD_ATTRIBUTES_PROFILING,
            tdx::TD_ATTRIBUTES_ICSSD,
            tdx::TD_ATTRIBUTES_SERVTD_EXT,
            tdx::TD_ATTRIBUTES_LASS,
            tdx::TD_ATTRIBUTES_MIGRATABLE,
            tdx::TD_ATTRIBUTES_PROTECTION_KEYS,
            tdx::TD_ATTRIBUTES_KEY_LOCKER,
            tdx::TD_ATTRIBUTES_TPA,
            tdx::TD_ATTRIBUTES_PERFMON,
        ];
        for name in all {
            assert_eq!(claims.bool(name), Some(set == Some(name)), "{attributes:?} {name:?}");
        }
    }
    let mut scene = enclave();
    scene.quote.enclave_mut().attributes[0] |= 2;
    assert_eq!(scene.accepted().claims().bool(cross_vendor::DEBUG), Some(true));
}

#[test]
fn what_the_caller_expects_is_found_or_refused() {
    let mut scene = td();
    let code = |scene: &Scene, nonce, binding| {
        let told = Told { expected: Expected { nonce, binding, ..Expected::default() }, ..Told::default() };
        scene.told(told).map(|authentic| authentic.binding_matched()).map_err(|refusal| refusal.reason.code)
    };
    assert_eq!(code(&scene, None, Some(&[5; 48])), Err(Code::BindingValueMismatch));
    scene.quote.td_mut().report_data[..48].fill(5);
    assert_eq!(code(&scene, None, None), Ok(false));
    assert_eq!(code(&scene, None, Some(&[5; 48])), Ok(true));
    assert_eq!(code(&scene, None, Some(&[6; 48])), Err(Code::BindingValueMismatch));
    assert_eq!(code(&scene, Some(&[5; 48]), None), Ok(false), "a nonce fills the field");
    assert_eq!(code(&scene, Some(&[5; 47]), None), Err(Code::BindingNonceMismatch));
    assert_eq!(code(&scene, Some(&[6; 48]), Some(&[5; 48])), Ok(true), "the binding covers the nonce");
    scene.quote.td_mut().report_data[63] = 1;
    assert_eq!(code(&scene, None, Some(&[5; 48])), Err(Code::BindingValueMismatch), "sixteen zeros follow");
}
