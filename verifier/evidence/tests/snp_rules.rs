//! One mutation of a good report per rule, each refused for exactly its own reason. Reports and certificates are the
//! simulator's, which shares no code with the verifier.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_evidence::{
    Authentic, AwsLc, Context, Crypto, Endorsements, Expected, Link, NoIssuers, Refusal, Revocation, RevocationMode,
    RustCrypto, authenticate,
};
use prooftrail_result::{
    Kind, Outcome, Reason, ReasonCode as Code, Timestamp, TrustAnchor,
    claims::{ClaimName, Value, cross_vendor, snp},
};
use prooftrail_simulator::{
    der,
    edit::Edit,
    key::Key,
    snp::{
        CSP_ID, Entry, FMC_SPL, HWID, Line, MICROCODE_SPL, PRODUCT_NAME, Platform, RESERVED_SPL, Report,
        STRUCT_VERSION, Tcb, certificate_table,
    },
    x509::{Algorithm, CertificateSpec, Extension, KeyUsage, Signing, oid},
};
use prooftrail_trust_roots::RootSet;

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const DAY: i64 = 24 * 3600;

fn at(offset_seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(AT).unwrap().saturating_add_seconds(offset_seconds)
}

/// A report with everything around it that a test may change.
struct Scene<'a> {
    platform: Platform,
    report: Report,
    key: CertificateSpec,
    /// The key that signs, where it is not the certified one.
    signer: Option<Key>,
    crls: Vec<Vec<u8>>,
    mode: RevocationMode,
    expected: Expected<'a>,
    at: Timestamp,
}

impl Scene<'_> {
    fn of_vcek(line: Line) -> Self {
        let platform = Platform::new("rules", line);
        let report = platform.report();
        let key = platform.vcek(&report, AT - DAY);
        Self::of(platform, report, key)
    }

    fn of_vlek() -> Self {
        let platform = Platform::new("rules", Line::Milan);
        let report = platform.vlek_report();
        let key = platform.vlek(&report, "CN=cc-us-east-2.example", AT - DAY);
        Self::of(platform, report, key)
    }

    fn of(platform: Platform, report: Report, key: CertificateSpec) -> Self {
        let (expected, at) = (Expected::default(), at(0));
        let mode = RevocationMode::BestEffort;
        Self { platform, report, key, signer: None, crls: Vec::new(), mode, expected, at }
    }

    fn evidence(&self) -> Vec<u8> {
        self.report.build(self.signer.as_ref().unwrap_or(&self.key.key))
    }

    /// The key's certificate and its issuer's.
    fn chain(&self) -> [Vec<u8>; 2] {
        let is_vlek = self.key.subject.to_string().starts_with("CN=SEV-VLEK");
        if is_vlek { self.platform.vlek_chain(&self.key) } else { self.platform.vcek_chain(&self.key) }
    }

    fn roots(&self) -> RootSet {
        let der = self.platform.root_der();
        let manifest = self.platform.root_manifest();
        RootSet::from_manifest(&manifest, TrustAnchor::Configured, |_| Ok::<_, String>(der.clone())).unwrap()
    }

    /// Authenticates any evidence and files by both providers, which must agree.
    fn appraise(&self, evidence: &[u8], files: &[Vec<u8>]) -> Result<Authentic, Refusal> {
        let providers: [&dyn Crypto; 2] = [&AwsLc, &RustCrypto];
        let [native, portable] = providers.map(|crypto| {
            let endorsements = Endorsements::read(crypto, files.iter().chain(&self.crls).map(Vec::as_slice)).unwrap();
            let revocation = Revocation { amd: self.mode, ..Revocation::default() };
            let (roots, at, expected, issuers) = (self.roots(), self.at, self.expected, &NoIssuers);
            let endorsements = &endorsements;
            authenticate(
                Kind::AmdSevSnp,
                evidence,
                &Context { crypto, roots: &roots, endorsements, issuers, revocation, at, expected },
            )
        });
        assert_eq!(native, portable);
        native
    }

    fn run(&self) -> Result<Authentic, Refusal> {
        self.appraise(&self.evidence(), &self.chain())
    }

    fn accepted(&self) -> Authentic {
        let authentic = self.run().expect("authentic");
        assert_eq!(authentic.objections(), []);
        authentic
    }

    fn refused(&self) -> Reason {
        let refusal = self.run().expect_err("refused");
        assert_eq!(refusal.checks.last().map(|check| check.outcome), Some(Outcome::Failed));
        refusal.reason
    }
}

/// The reason for which a changed scene of that line is refused.
fn refused_on(line: Line, change: impl FnOnce(&mut Scene<'_>)) -> Reason {
    let mut scene = Scene::of_vcek(line);
    change(&mut scene);
    scene.refused()
}

fn refused(change: impl FnOnce(&mut Scene<'_>)) -> Reason {
    refused_on(Line::Genoa, change)
}

#[test]
fn good_reports_of_every_line_are_authentic_and_say_so() {
    for (line, name, fmc) in
        [(Line::Milan, "Milan", None), (Line::Genoa, "Genoa", None), (Line::Turin, "Turin", Some(1))]
    {
        let scene = Scene::of_vcek(line);
        let authentic = scene.accepted();
        let claims = authentic.claims();
        let [Link::SnpReportId(id)] = authentic.links() else { panic!("{:?}", authentic.links()) };
        assert_eq!(claims.get(snp::REPORT_ID), Some(&id.as_slice().into()));
        assert_eq!(claims.get(cross_vendor::PLATFORM), Some(&"sev-snp".into()));
        assert_eq!(claims.get(cross_vendor::VENDOR), Some(&"amd".into()));
        assert_eq!(claims.bool(cross_vendor::SIMULATED), Some(true));
        assert_eq!(claims.bool(cross_vendor::DEBUG), Some(false));
        assert_eq!(claims.get(snp::PRODUCT), Some(&name.into()));
        assert_eq!(claims.get(snp::SIGNING_KEY), Some(&"vcek".into()));
        assert_eq!(claims.get(snp::CHIP_ID), Some(&scene.platform.chip_id.as_slice().into()));
        assert_eq!(claims.get(cross_vendor::HARDWARE_ID), claims.get(snp::CHIP_ID));
        assert_eq!(claims.get(snp::TCB_REPORTED_FMC), fmc.map(Value::Int).as_ref());
        assert_eq!(claims.get(snp::VMPL), Some(&Value::Int(0)));
        assert_eq!(claims.bool(snp::PROVISIONAL), Some(false));
        assert_eq!(claims.bool(snp::CHIP_ID_MASKED), Some(false));
        assert_eq!(claims.get(snp::FIRMWARE_CURRENT), Some(&"1.58.3".into()));
        assert_eq!(claims.get(cross_vendor::REVOCATION), Some(&"not_checked".into()));
        assert_eq!(claims.get(cross_vendor::ISSUED_AT), None, "a report carries no time");
        let roles: Vec<_> = authentic.inputs().iter().map(|input| input.role).collect();
        assert_eq!(roles, ["root", "certificate", "certificate"]);
        assert!(authentic.checks().iter().all(|check| check.outcome != Outcome::Failed));
    }
}

#[test]
fn a_cloud_s_key_names_the_cloud_and_no_chip() {
    let scene = Scene::of_vlek();
    let authentic = scene.accepted();
    let claims = authentic.claims();
    assert_eq!(claims.get(snp::CSP_ID), Some(&"CN=cc-us-east-2.example".into()));
    assert_eq!(claims.get(snp::SIGNING_KEY), Some(&"vlek".into()));
    assert_eq!((claims.get(snp::CHIP_ID), claims.get(cross_vendor::HARDWARE_ID)), (None, None));
    assert_eq!(claims.bool(snp::CHIP_ID_MASKED), Some(false), "nothing is hidden: the key is no chip's");
}

#[test]
fn a_chip_that_hides_its_id_is_not_named() {
    let mut scene = Scene::of_vcek(Line::Genoa);
    scene.report.chip_id.clear();
    let authentic = scene.accepted();
    assert_eq!(authentic.claims().bool(snp::CHIP_ID_MASKED), Some(true));
    assert_eq!(authentic.claims().get(snp::CHIP_ID), None);
    assert_eq!(authentic.claims().get(cross_vendor::HARDWARE_ID), None);
}

#[test]
fn claims_follow_the_report() {
    let mut scene = Scene::of_vcek(Line::Turin);
    scene.report.policy = 1 << 17 | 0x03FD_1F00 | 7;
    scene.report.platform_info = 0xFF;
    scene.report.key_info = 0b11;
    scene.report.guest_svn = 65_547;
    scene.report.vmpl = 3;
    scene.report.mitigations = [1, 3];
    scene.report.committed_firmware = [1, 58, 2];
    scene.report.committed_tcb.microcode -= 1;
    scene.report.launch_tcb.snp = 9;
    let authentic = scene.accepted();
    let claims = authentic.claims();
    for (claim, value) in [
        (snp::POLICY_ABI_MINOR, 7),
        (snp::POLICY_ABI_MAJOR, 0x1F),
        (snp::GUEST_SVN, 65_547),
        (snp::VMPL, 3),
        (snp::TCB_LAUNCH_SNP, 9),
        (snp::TCB_COMMITTED_MICROCODE, 96),
        (snp::TCB_CURRENT_MICROCODE, 97),
        (snp::CPUID_FAMILY, 0x1A),
        (snp::CPUID_MODEL, 2),
        (snp::CPUID_STEPPING, 1),
    ] {
        assert_eq!(claims.get(claim), Some(&Value::Int(value)), "{claim:?}");
    }
    for claim in [
        snp::POLICY_SMT_ALLOWED,
        snp::POLICY_MIGRATE_MA_ALLOWED,
        snp::POLICY_DEBUG_ALLOWED,
        snp::POLICY_SINGLE_SOCKET_REQUIRED,
        snp::POLICY_CXL_ALLOWED,
        snp::POLICY_MEM_AES256_XTS_REQUIRED,
        snp::POLICY_RAPL_DISABLED_REQUIRED,
        snp::POLICY_CIPHERTEXT_HIDING_REQUIRED,
        snp::POLICY_PAGE_SWAP_DISABLED_REQUIRED,
        snp::PLATFORM_SMT_ENABLED,
        snp::PLATFORM_TSME_ENABLED,
        snp::PLATFORM_ECC_ENABLED,
        snp::PLATFORM_RAPL_DISABLED,
        snp::PLATFORM_CIPHERTEXT_HIDING_ENABLED,
        snp::PLATFORM_ALIAS_CHECK_COMPLETE,
        snp::PLATFORM_IOMMU_WRITE_SAFE,
        snp::PLATFORM_SEV_TIO_ENABLED,
        snp::AUTHOR_KEY_ENABLED,
        snp::CHIP_KEY_MASKED,
        snp::PROVISIONAL,
        cross_vendor::DEBUG,
    ] {
        assert_eq!(claims.bool(claim), Some(true), "{claim:?}");
    }
    assert_eq!(claims.get(snp::FIRMWARE_COMMITTED), Some(&"1.58.2".into()));
    assert_eq!(claims.get(snp::MITIGATIONS_LAUNCH), Some(&Value::Mask(1)));
    assert_eq!(claims.get(snp::MITIGATIONS_CURRENT), Some(&Value::Mask(3)));
}

#[test]
fn each_policy_bit_is_its_own_claim() {
    for (bit, claim) in [
        (16, snp::POLICY_SMT_ALLOWED),
        (18, snp::POLICY_MIGRATE_MA_ALLOWED),
        (19, snp::POLICY_DEBUG_ALLOWED),
        (20, snp::POLICY_SINGLE_SOCKET_REQUIRED),
        (21, snp::POLICY_CXL_ALLOWED),
        (22, snp::POLICY_MEM_AES256_XTS_REQUIRED),
        (23, snp::POLICY_RAPL_DISABLED_REQUIRED),
        (24, snp::POLICY_CIPHERTEXT_HIDING_REQUIRED),
        (25, snp::POLICY_PAGE_SWAP_DISABLED_REQUIRED),
    ] {
        let mut scene = Scene::of_vcek(Line::Genoa);
        scene.report.policy = 1 << 17 | 1 << bit;
        let authentic = scene.accepted();
        let set = authentic
            .claims()
            .iter()
            .filter(|(name, value)| name.to_string().starts_with("snp.policy_") && **value == Value::Bool(true));
        assert_eq!(set.map(|(name, _)| name).collect::<Vec<_>>(), [ClaimName::from(claim)], "bit {bit}");
        scene.report.policy = 1 << 17;
        assert_eq!(scene.accepted().claims().bool(claim), Some(false), "bit {bit}");
    }
}

#[test]
fn a_bit_that_the_version_does_not_define_is_absent_unless_it_is_set() {
    let mut scene = Scene::of_vcek(Line::Milan);
    scene.report.platform_info = 0;
    for (version, alias_check, iommu) in [(2, None, None), (3, Some(false), None), (5, Some(false), Some(false))] {
        scene.report.version = version;
        scene.report.cpuid = if version == 2 { [0; 3] } else { [0x19, 1, 1] };
        let authentic = scene.accepted();
        assert_eq!(authentic.claims().bool(snp::PLATFORM_ALIAS_CHECK_COMPLETE), alias_check, "version {version}");
        assert_eq!(authentic.claims().bool(snp::PLATFORM_IOMMU_WRITE_SAFE), iommu, "version {version}");
    }
    (scene.report.version, scene.report.platform_info) = (3, 1 << 6);
    assert_eq!(scene.accepted().claims().bool(snp::PLATFORM_IOMMU_WRITE_SAFE), Some(true));
}

#[test]
fn versions_2_to_5_are_read_each_with_its_own_fields() {
    let mut scene = Scene::of_vcek(Line::Genoa);
    for version in [2, 3, 4, 5] {
        scene.report.version = version;
        scene.report.cpuid = if version == 2 { [0; 3] } else { [0x19, 0xA0, 2] };
        let authentic = scene.accepted();
        assert_eq!(authentic.claims().get(snp::VERSION), Some(&Value::Int(version.into())));
        assert_eq!(authentic.claims().get(snp::CPUID_MODEL), (version > 2).then_some(Value::Int(0xA0)).as_ref());
        let mitigations = (version == 5).then_some(Value::Mask(0));
        assert_eq!(authentic.claims().get(snp::MITIGATIONS_CURRENT), mitigations.as_ref());
    }
    scene.report.mitigations = [1, 1];
    scene.report.version = 4;
    assert_eq!(scene.accepted().claims().get(snp::MITIGATIONS_CURRENT), None, "signed, and not claimed");
    for version in [0, 1, 6, 7, u32::MAX] {
        scene.report.version = version;
        let reason = scene.refused();
        assert_eq!((reason.code, reason.need.as_deref()), (Code::SnpVersion, Some("2 to 5")), "{version}");
    }
}

#[test]
fn reserved_fields_are_refused_though_they_are_signed() {
    type Change = fn(&mut Report);
    let table: [(&str, Change); 24] = [
        ("policy bit 17 clear", |report| report.policy &= !(1 << 17)),
        ("policy bit 26", |report| report.policy |= 1 << 26),
        ("policy bit 63", |report| report.policy |= 1 << 63),
        ("platform bit 8", |report| report.platform_info |= 1 << 8),
        ("platform bit 63", |report| report.platform_info |= 1 << 63),
        ("vmpl 4", |report| report.vmpl = 4),
        ("vmpl fffffffe", |report| report.vmpl = u32::MAX - 1),
        ("key info bit 5", |report| report.key_info |= 1 << 5),
        ("key info bit 31", |report| report.key_info |= 1 << 31),
        ("signing key 2", |report| report.key_info |= 2 << 2),
        ("signing key 6", |report| report.key_info |= 6 << 2),
        ("0x04c", |report| report.before.push(Edit::FlipBit { offset: 0x4C, bit: 0 })),
        ("0x04f", |report| report.before.push(Edit::FlipBit { offset: 0x4F, bit: 7 })),
        ("0x18b", |report| report.before.push(Edit::FlipBit { offset: 0x18B, bit: 0 })),
        ("0x19f", |report| report.before.push(Edit::FlipBit { offset: 0x19F, bit: 0 })),
        ("0x1eb", |report| report.before.push(Edit::FlipBit { offset: 0x1EB, bit: 0 })),
        ("0x1ef", |report| report.before.push(Edit::FlipBit { offset: 0x1EF, bit: 0 })),
        ("0x1f8 in version 3", |report| report.mitigations = [1, 0]),
        ("0x200 in version 3", |report| report.mitigations = [0, 1]),
        ("0x208", |report| report.before.push(Edit::FlipBit { offset: 0x208, bit: 0 })),
        ("0x29f", |report| report.before.push(Edit::FlipBit { offset: 0x29F, bit: 0 })),
        ("current TCB", |report| report.before.push(Edit::FlipBit { offset: 0x3A, bit: 0 })),
        ("launch TCB", |report| report.before.push(Edit::FlipBit { offset: 0x1F5, bit: 0 })),
        ("CPUID in version 2", |report| report.version = 2),
    ];
    for (name, change) in table {
        assert_eq!(refused(|scene| change(&mut scene.report)).code, Code::SnpReserved, "{name}");
    }
    let of_version_2 = |scene: &mut Scene<'_>| {
        (scene.report.version, scene.report.cpuid) = (2, [0; 3]);
        scene.report.before.push(Edit::FlipBit { offset: 0x1E5, bit: 0 });
    };
    assert_eq!(refused(of_version_2).code, Code::SnpReserved, "committed TCB, known by the certificate's line");
}

#[test]
fn what_is_no_report_says_why() {
    let scene = Scene::of_vcek(Line::Genoa);
    let (report, files) = (scene.evidence(), scene.chain());
    let code = |bytes: &[u8]| scene.appraise(bytes, &files).expect_err("refused").reason.code;
    assert_eq!(code(&report[..1183]), Code::SnpLength);
    assert_eq!(code(&[report.as_slice(), &[0]].concat()), Code::SnpLength);
    assert_eq!(code(&[0; 1184]), Code::SnpVersion);
    assert_eq!(code(&vec![2; 70_000]), Code::EvidenceTooLarge);
    assert_eq!(refused(|scene| scene.report.signature_algorithm = 2).code, Code::SnpSignatureAlgorithm);
    for cpuid in [[0x19, 0x20, 0], [0x1A, 0x50, 0], [0x17, 1, 2], [0; 3]] {
        assert_eq!(refused(|scene| scene.report.cpuid = cpuid).code, Code::SnpProductUnknown, "{cpuid:?}");
    }
}

#[test]
fn a_signature_has_one_encoding_and_its_twin_the_same_identity() {
    for offset in [0x2A0 + 48, 0x2A0 + 71, 0x2E8 + 48, 0x2E8 + 71, 0x330, 0x49F] {
        let reason = refused(|scene| scene.report.after.push(Edit::FlipBit { offset, bit: 3 }));
        assert_eq!(reason.code, Code::SnpSignatureEncoding, "{offset:#x}");
    }
    for offset in [0x2A0, 0x2A0 + 47, 0x2E8, 0x2E8 + 47] {
        let reason = refused(|scene| scene.report.after.push(Edit::FlipBit { offset, bit: 3 }));
        assert_eq!(reason.code, Code::SnpSignature, "{offset:#x}");
    }
    let mut scene = Scene::of_vcek(Line::Genoa);
    let id = scene.accepted().evidence_id();
    scene.report.twin = true;
    assert_eq!(scene.accepted().evidence_id(), id);
}

#[test]
fn a_report_that_nobody_signed_is_refused() {
    assert_eq!(refused(|scene| scene.report.key_info = 7 << 2 | 2).code, Code::SnpUnsigned);
    let zeros = |scene: &mut Scene<'_>| {
        let mut report = scene.evidence();
        report.truncate(0x2A0);
        report.resize(1184, 0);
        scene.report.after.push(Edit::Become(report));
    };
    assert_eq!(refused(zeros).code, Code::SnpUnsigned);
    assert_eq!(refused(|scene| scene.signer = Some(Key::p384("impostor"))).code, Code::SnpSignature);
}

#[test]
fn the_certificate_must_be_this_report_s() {
    let tcb = |change: fn(&mut Tcb)| refused_on(Line::Turin, |scene| change(&mut scene.report.reported_tcb));
    let lower: [fn(&mut Tcb); 5] = [
        |tcb| tcb.fmc -= 1,
        |tcb| tcb.bootloader -= 1,
        |tcb| tcb.tee -= 1,
        |tcb| tcb.snp -= 1,
        |tcb| tcb.microcode -= 1,
    ];
    for change in lower {
        assert_eq!(tcb(change).code, Code::SnpTcbMismatch);
    }
    let reason = tcb(|tcb| tcb.microcode -= 1);
    assert_eq!(reason.have.as_deref(), Some("fmc 1, bootloader 3, tee 2, snp 5, microcode 96"));
    assert_eq!(reason.need.as_deref(), Some("fmc 1, bootloader 3, tee 2, snp 5, microcode 97"));

    for line in [Line::Genoa, Line::Turin] {
        assert_eq!(refused_on(line, |scene| scene.report.chip_id[7] ^= 1).code, Code::SnpChipIdMismatch);
    }
    let padded = |scene: &mut Scene<'_>| scene.report.chip_id.push(1);
    assert_eq!(refused_on(Line::Turin, padded).code, Code::SnpChipIdMismatch, "the padding is part of the id");
    let mut vlek = Scene::of_vlek();
    vlek.report.chip_id = vec![1];
    assert_eq!(vlek.refused().code, Code::SnpChipIdMismatch, "a VLEK certifies no chip");

    assert_eq!(refused(|scene| scene.report.cpuid = [0x19, 1, 1]).code, Code::SnpProductMismatch);
    assert_eq!(refused(|scene| scene.report.key_info = 1 << 2).code, Code::SnpSigningKeyMismatch);
    let mut vlek = Scene::of_vlek();
    vlek.report.key_info = 0;
    assert_eq!(vlek.refused().code, Code::SnpSigningKeyMismatch);
}

#[test]
fn what_no_sound_firmware_reports_is_authentic_and_refused_with_every_level_listed() {
    let mut scene = Scene::of_vcek(Line::Genoa);
    scene.report.current_tcb = Tcb { bootloader: 9, snp: 26, ..scene.report.current_tcb };
    scene.report.committed_firmware = [1, 58, 4];
    scene.report.vmpl = u32::MAX;
    let authentic = scene.run().expect("authentic");
    let listed: Vec<_> =
        authentic.objections().iter().map(|reason| (reason.code, reason.have.clone().unwrap_or_default())).collect();
    let expected = [
        (Code::SnpReportedAboveCurrent, "bootloader 10"),
        (Code::SnpReportedAboveCurrent, "snp 27"),
        (Code::SnpCommittedAboveCurrent, "bootloader 10"),
        (Code::SnpCommittedAboveCurrent, "snp 27"),
        (Code::SnpCommittedAboveCurrent, "firmware 1.58.4"),
        (Code::SnpHostRequested, ""),
    ];
    assert_eq!(listed, expected.map(|(code, have)| (code, have.to_owned())));
    assert_eq!(authentic.claims().get(snp::VMPL), None);

    let mut scene = Scene::of_vcek(Line::Genoa);
    scene.report.launch_tcb.snp = 200;
    scene.accepted();
    scene.report.current_tcb.snp += 1;
    assert_eq!(scene.accepted().claims().bool(snp::PROVISIONAL), Some(true));
}

/// What is expected of REPORT_DATA.
#[test]
fn nonce_and_binding_stand_in_the_report_data() {
    let (value, nonce) = ([7; 48], [9_u8; 32]);
    let mut scene = Scene::of_vcek(Line::Genoa);
    scene.report.report_data[..48].copy_from_slice(&value);
    scene.expected.binding = Some(&value);
    scene.expected.nonce = Some(&nonce);
    let authentic = scene.accepted();
    assert!(authentic.binding_matched() && !authentic.nonce_matched(), "the binding covers the nonce");
    assert_eq!(authentic.claims().get(cross_vendor::BINDING), Some(&value.as_slice().into()));
    scene.report.report_data[63] = 1;
    assert_eq!(scene.refused().code, Code::BindingValueMismatch, "sixteen zero bytes follow");
    (scene.report.report_data[63], scene.report.report_data[0]) = (0, 1);
    assert_eq!(scene.refused().code, Code::BindingValueMismatch);

    scene.expected.binding = None;
    assert_eq!(scene.refused().code, Code::BindingNonceMismatch);
    scene.report.report_data = [0; 64];
    scene.report.report_data[..32].copy_from_slice(&nonce);
    let authentic = scene.accepted();
    assert!(authentic.nonce_matched() && !authentic.binding_matched());
    assert_eq!(authentic.claims().get(cross_vendor::NONCE), Some(&nonce.as_slice().into()));
    scene.expected.nonce = Some(&[9; 31]);
    assert_eq!(scene.refused().code, Code::BindingNonceMismatch, "a longer one is another one");
    for other in [&[][..], &[9; 65]] {
        scene.expected.nonce = Some(other);
        assert_eq!(scene.refused().code, Code::BindingNonceMismatch);
    }
}

#[test]
fn amd_s_extensions_are_read_in_one_encoding() {
    type Change = fn(&mut CertificateSpec);
    let value = |oid, value: &[u8]| Extension::new(oid, false, value.to_vec());
    let set = |oid, bytes: &[u8], name: &str| {
        let reason = refused(|scene| scene.key.set_extension(value(oid, bytes)));
        assert_eq!(reason.code, Code::SnpCertificateExtension, "{name}");
    };
    set(STRUCT_VERSION, &[2, 1, 1], "structVersion of another generation");
    set(PRODUCT_NAME, b"\x16\x05Milan", "productName of another line");
    set(PRODUCT_NAME, b"\x0c\x05Genoa", "productName as UTF8String");
    set(MICROCODE_SPL, &[2, 2, 0, 86], "an INTEGER that is not the shortest");
    set(MICROCODE_SPL, &[2, 2, 1, 0], "a level above 255");
    set(MICROCODE_SPL, &[2, 1, 0x80], "a negative level");
    set(MICROCODE_SPL, &[2, 1, 86, 0], "trailing bytes");
    set(RESERVED_SPL, &[2, 1, 1], "a reserved level");
    set(FMC_SPL, &[2, 1, 1], "a level of a later generation");
    set(HWID, &[1; 8], "a chip id of another generation");
    set(HWID, &[1; 63], "a chip id that is too short");
    set(CSP_ID, b"\x16\x01x", "a cloud's name in a VCEK");
    let remove: [(&str, Change); 4] = [
        ("structVersion", |key| key.remove_extension(STRUCT_VERSION)),
        ("productName", |key| key.remove_extension(PRODUCT_NAME)),
        ("ucodeSPL", |key| key.remove_extension(MICROCODE_SPL)),
        ("hwID", |key| key.remove_extension(HWID)),
    ];
    for (name, change) in remove {
        assert_eq!(refused(|scene| change(&mut scene.key)).code, Code::SnpCertificateExtension, "{name}");
    }
    let turin = refused_on(Line::Turin, |scene| scene.key.remove_extension(FMC_SPL));
    assert_eq!(turin.code, Code::SnpCertificateExtension);
    for (name, change) in [
        ("hwID", value(HWID, &[1; 64])),
        ("no cspID", value(CSP_ID, b"\x16\x00")),
        ("cspID as UTF8String", value(CSP_ID, b"\x0c\x01x")),
    ] {
        let mut vlek = Scene::of_vlek();
        vlek.key.set_extension(change);
        assert_eq!(vlek.refused().code, Code::SnpCertificateExtension, "{name} in a VLEK");
    }

    // Levels from 128 on take two bytes, and chip ids may be wrapped.
    let mut scene = Scene::of_vcek(Line::Milan);
    assert!(scene.report.reported_tcb.microcode >= 128);
    let wrapped = Extension::new(HWID, false, der::octet_string(&scene.platform.chip_id));
    scene.key.set_extension(wrapped);
    scene.key.remove_extension(RESERVED_SPL);
    scene.accepted();
}

#[test]
fn the_chain_is_amd_s_to_the_letter() {
    type Change = fn(&mut Scene<'_>);
    let table: [(&str, Change, Code); 16] = [
        ("ECDSA CA", |scene| scene.platform.ask.key = Key::p384("ask"), Code::ChainKeyType),
        (
            "a leaf that RSA signs",
            |scene| {
                scene.key.subject_public_key_info = Some(Key::rsa4096("leaf").subject_public_key_info());
            },
            Code::ChainKeyType,
        ),
        (
            "P-256 leaf",
            |scene| scene.key.subject_public_key_info = Some(Key::p256("leaf").subject_public_key_info()),
            Code::ChainKeyType,
        ),
        (
            "algorithms that differ",
            |scene| scene.key.signing.outer_algorithm = Some(Algorithm::rsa_pss_sha384(true)),
            Code::ChainAlgorithm,
        ),
        ("forged leaf", |scene| scene.key.signing.key = Some(Key::rsa4096("impostor")), Code::ChainSignature),
        ("forged ASK", |scene| scene.platform.ask.signing.key = Some(Key::rsa4096("impostor")), Code::ChainSignature),
        (
            "ASK that is no CA",
            |scene| scene.platform.ask.set_extension(Extension::basic_constraints(false, None)),
            Code::ChainNotCa,
        ),
        (
            "ASK that may not certify",
            |scene| scene.platform.ask.set_extension(Extension::key_usage(&[KeyUsage::CrlSign])),
            Code::ChainKeyUsage,
        ),
        (
            "leaf that is a CA",
            |scene| scene.key.set_extension(Extension::basic_constraints(true, None)),
            Code::ChainLeafIsCa,
        ),
        (
            "unknown critical extension",
            |scene| scene.key.extensions.push(Extension::new(&[1, 3, 6, 1, 4, 1, 3704, 9], true, vec![5, 0])),
            Code::ChainExtension,
        ),
        ("version 2", |scene| scene.key.version = Some(1), Code::ChainVersion),
        ("leaf not yet valid", |scene| scene.key.not_before = AT + 1, Code::TimeNotYetValid),
        ("leaf expired", |scene| scene.key.not_after = AT - 1, Code::TimeExpired),
        ("ASK expired", |scene| scene.platform.ask.not_after = AT - 1, Code::TimeExpired),
        ("root expired", |scene| scene.platform.root.not_after = AT - 1, Code::TimeExpired),
        (
            "SHA-256",
            |scene| scene.key.signing = Signing::with_algorithm(&Algorithm::new(&[1, 2, 840, 113549, 1, 1, 11])),
            Code::ChainAlgorithm,
        ),
    ];
    for (name, change, code) in table {
        assert_eq!(refused(change).code, code, "{name}");
    }
    // Both spellings of the parameters are AMD's.
    let mut scene = Scene::of_vcek(Line::Genoa);
    scene.key.signing = Signing::with_algorithm(&Algorithm::rsa_pss_sha384(true));
    scene.platform.ask.signing = Signing::default();
    scene.accepted();
}

#[test]
fn names_decide_what_certifies_what() {
    let named = |change: fn(&mut Scene<'_>)| refused(change).code;
    assert_eq!(
        named(|scene| *scene.platform.ask.subject.attribute_mut(oid::COMMON_NAME) = "SEV-VLEK-Genoa".to_owned()),
        Code::SnpCertificateKind,
        "an ASVK certifies no VCEK"
    );
    assert_eq!(
        named(|scene| *scene.platform.ask.subject.attribute_mut(oid::COMMON_NAME) = "SEV-Naples".to_owned()),
        Code::SnpCertificateKind
    );
    assert_eq!(
        named(|scene| *scene.platform.root.subject.attribute_mut(oid::COMMON_NAME) = "ARK-Milan".to_owned()),
        Code::SnpCertificateKind,
        "the root of another line"
    );
    assert_eq!(
        named(|scene| *scene.key.subject.attribute_mut(oid::COMMON_NAME) = "SEV-XXXX".to_owned()),
        Code::SnpCertificateMissing
    );
    let scene = Scene::of_vcek(Line::Genoa);
    let elsewhere = Scene { platform: Platform::new("elsewhere", Line::Genoa), ..Scene::of_vcek(Line::Genoa) };
    let refusal = elsewhere.appraise(&scene.evidence(), &scene.chain()).expect_err("refused");
    assert_eq!(refusal.reason.code, Code::ChainRootNotPinned);
}

#[test]
fn certificates_come_in_any_order_and_what_is_missing_is_named() {
    let scene = Scene::of_vcek(Line::Genoa);
    let (report, [vcek, ask]) = (scene.evidence(), scene.chain());
    let ark = scene.platform.root_der();
    let id = scene.accepted().evidence_id();
    let run = |files: &[&Vec<u8>]| scene.appraise(&report, &files.iter().copied().cloned().collect::<Vec<_>>());
    assert_eq!(run(&[&ark, &ask, &vcek, &vcek]).expect("authentic").evidence_id(), id);
    let missing = |files: &[&Vec<u8>]| {
        let reason = run(files).expect_err("refused").reason;
        assert_eq!(reason.code, Code::SnpCertificateMissing);
        reason.need.unwrap_or_default()
    };
    assert_eq!(missing(&[&ask, &ark]), "the certificate of the vcek that signed the report");
    assert_eq!(missing(&[&vcek, &ark]), "the certificate of SEV-Genoa");
    assert_eq!(missing(&[]), "the certificate of the vcek that signed the report");
}

#[test]
fn among_many_certificates_the_fitting_ones_are_used() {
    let scene = Scene::of_vcek(Line::Genoa);
    let platform = &scene.platform;
    let older = Report { reported_tcb: Tcb { snp: 1, ..scene.report.reported_tcb }, ..scene.report.clone() };
    let mut other_chip = platform.clone();
    other_chip.chip_id = vec![5; 64];
    let mut expired = scene.key.clone();
    expired.not_after = AT - 1;
    // The vendor has replaced the CA: same name, another serial number, and no key in common.
    let mut replaced = platform.ask.clone();
    (replaced.key, replaced.not_before) = (Key::rsa4096("an older ASK"), replaced.not_before - DAY);
    let all = [
        platform.vcek(&older, AT - DAY).issued_by(&platform.ask),
        other_chip.vcek(&scene.report, AT - DAY).issued_by(&platform.ask),
        platform.vlek(&scene.report, "CN=cloud", AT - DAY).issued_by(&platform.asvk),
        expired.issued_by(&platform.ask),
        replaced.issued_by(&platform.root),
        platform.asvk.issued_by(&platform.root),
    ];
    let [vcek, ask] = scene.chain();
    let files: Vec<_> = all.into_iter().chain([vcek, ask]).collect();
    for turn in 0..files.len() {
        let mut files = files.clone();
        files.rotate_left(turn);
        scene.appraise(&scene.evidence(), &files).expect("authentic");
    }
}

#[test]
fn a_host_s_table_of_certificates_serves_as_endorsement_and_as_evidence() {
    let scene = Scene::of_vcek(Line::Genoa);
    let ([vcek, ask], ark, report) = (scene.chain(), scene.platform.root_der(), scene.evidence());
    let crl = scene.platform.crl(AT - DAY, &[]).build();
    let table =
        certificate_table(&[(Entry::Ark, &ark), (Entry::Ask, &ask), (Entry::Vcek, &vcek), (Entry::Other, b"xyz")]);
    let id = scene.accepted().evidence_id();
    assert_eq!(scene.appraise(&report, std::slice::from_ref(&table)).expect("authentic").evidence_id(), id);
    let extended = [report.as_slice(), &table].concat();
    assert_eq!(scene.appraise(&extended, &[]).expect("authentic").evidence_id(), id, "the table is no part of it");
    let padded = [extended.as_slice(), &[0; 100]].concat();
    scene.appraise(&padded, &[]).expect("hosts pad to pages");
    let with_crl = certificate_table(&[(Entry::Vcek, &vcek), (Entry::Ask, &ask), (Entry::Crl, &crl)]);
    let authentic = scene.appraise(&[report.as_slice(), &with_crl].concat(), &[]).expect("authentic");
    assert_eq!(authentic.claims().get(cross_vendor::REVOCATION), Some(&"good".into()));

    let code = |table: &[u8]| scene.appraise(&[&report, table].concat(), &[]).expect_err("refused").reason.code;
    assert_eq!(code(&table[..table.len() - 4]), Code::SnpCertificateTable);
    let junk = certificate_table(&[(Entry::Vcek, b"junk")]);
    assert_eq!(code(&junk), Code::EndorsementUnrecognised);
    let nested = certificate_table(&[(Entry::Vcek, &table)]);
    assert_eq!(code(&nested), Code::EndorsementUnrecognised, "a table holds no table");
}

#[test]
fn the_root_s_list_covers_the_issuer() {
    let (best, required) = (RevocationMode::BestEffort, RevocationMode::Required);
    let outcome = |mode, crls: &dyn Fn(&Platform) -> Vec<Vec<u8>>| {
        let mut scene = Scene::of_vcek(Line::Genoa);
        (scene.mode, scene.crls) = (mode, crls(&scene.platform));
        scene.run().map_err(|refusal| refusal.reason.code)
    };
    let good = outcome(required, &|platform| vec![platform.crl(AT - DAY, &[&[2, 0, 1]]).build()]).expect("authentic");
    assert_eq!(good.claims().get(cross_vendor::REVOCATION), Some(&"good".into()));
    assert_eq!(good.claims().get(cross_vendor::REVOCATION_SCOPE), Some(&"intermediates".into()));
    assert_eq!(good.claims().get(cross_vendor::REVOCATION_AS_OF), Some(&at(-DAY).into()));
    assert_eq!(good.valid_until(), at(44 * DAY).just_before(), "the list ends first");

    assert_eq!(outcome(required, &|_| vec![]), Err(Code::RevocationNotChecked));
    let revoked = |platform: &Platform| vec![platform.crl(AT - DAY, &[&platform.ask.serial]).build()];
    assert_eq!(outcome(best, &revoked), Err(Code::RevocationRevoked));
    assert!(outcome(RevocationMode::Off, &revoked).is_ok(), "off is off");
    // An older list that does not know yet must not hide what a newer one says.
    for names in [["a", "b"], ["b", "a"], ["c", "d"]] {
        let both = |platform: &Platform| {
            let [older, newer] = names.map(|name| {
                let serial = name.as_bytes().to_vec();
                (platform.crl(AT - 2 * DAY, &[&serial]).build(), {
                    platform.crl(AT - DAY, &[&serial, &platform.ask.serial]).build()
                })
            });
            vec![older.0, newer.1]
        };
        assert_eq!(outcome(best, &both), Err(Code::RevocationRevoked));
    }
    let expired = |platform: &Platform| vec![platform.crl(AT - 45 * DAY, &[]).build()];
    assert_eq!(outcome(best, &expired), Err(Code::TimeCrlExpired));
    let early = |platform: &Platform| vec![platform.crl(AT + 1, &[]).build()];
    assert_eq!(outcome(best, &early), Err(Code::TimeCrlNotYetValid));
    let forged = |platform: &Platform| {
        let mut crl = platform.crl(AT - DAY, &[]);
        crl.signing.key = Some(Key::rsa4096("impostor"));
        vec![crl.build()]
    };
    assert_eq!(outcome(best, &forged), Err(Code::RevocationSignature));
    let of_another_line = |_: &Platform| vec![Platform::new("rules", Line::Milan).crl(AT - DAY, &[]).build()];
    assert_eq!(outcome(required, &of_another_line), Err(Code::RevocationNotChecked));
}

#[test]
fn every_flipped_bit_of_a_report_is_refused() {
    let scene = Scene::of_vcek(Line::Turin);
    let (genuine, files, roots) = (scene.evidence(), scene.chain(), scene.roots());
    let endorsements = Endorsements::read(&AwsLc, files.iter().map(Vec::as_slice)).unwrap();
    let context = Context {
        crypto: &AwsLc,
        roots: &roots,
        endorsements: &endorsements,
        issuers: &NoIssuers,
        revocation: Revocation::default(),
        at: at(0),
        expected: Expected::default(),
    };
    authenticate(Kind::AmdSevSnp, &genuine, &context).expect("authentic");
    let mut bytes = genuine;
    for place in 0..bytes.len() {
        for bit in 0..8 {
            bytes[place] ^= 1 << bit;
            assert!(authenticate(Kind::AmdSevSnp, &bytes, &context).is_err(), "bit {bit} of byte {place:#x}");
            bytes[place] ^= 1 << bit;
        }
    }
    for length in 0..bytes.len() {
        assert!(authenticate(Kind::AmdSevSnp, &bytes[..length], &context).is_err(), "{length} bytes");
    }
}
