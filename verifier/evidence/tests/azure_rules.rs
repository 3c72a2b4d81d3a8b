//! One mutation of a good Azure machine per rule, each refused for exactly its own reason; and every byte of what such a machine
//! sends, with a bit flipped. Machines are the simulator's, which shares no code with the verifier.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::ops::Range;

use prooftrail_evidence::{
    Authentic, AwsLc, Context, Crypto, Endorsements, Expected, Link, NoIssuers, Refusal, Revocation, RustCrypto,
    authenticate, identify,
};
use prooftrail_result::{
    Kind, Outcome, ReasonCode as Code, Stage, Timestamp, TrustAnchor,
    claims::{ClaimName, Value, azure_vtpm, cross_vendor, snp, tdx},
};
use prooftrail_simulator::{
    azure::{AttestationKey, Hardware, JsonWebKey, Machine, SignatureForm, Spelling},
    edit::Edit,
    intel::{ExtendedTd, Td15},
};
use prooftrail_trust_roots::RootSet;
use sha2::{Digest, Sha256};

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const BINDING: [u8; 48] = [7; 48];
const SHA1: u16 = 0x0004;
const SHA256: u16 = 0x000B;

fn machine(kind: Kind) -> Machine {
    let mut machine = match kind {
        Kind::AzureSnpVtpm => Machine::snp("rules", AT),
        _ => Machine::tdx("rules", AT),
    };
    machine.quote.extra_data = BINDING.to_vec();
    machine
}

const KINDS: [Kind; 2] = [Kind::AzureSnpVtpm, Kind::AzureTdxVtpm];

/// What surrounds a machine's evidence.
struct Surroundings {
    roots: RootSet,
    files: Vec<Vec<u8>>,
}

impl Surroundings {
    fn of(machine: &Machine) -> Self {
        let (der, manifest) = (machine.root_der(), machine.root_manifest());
        let roots = RootSet::from_manifest(&manifest, TrustAnchor::Configured, |_| Ok::<_, String>(der.clone()));
        Self { roots: roots.unwrap(), files: machine.endorsements() }
    }

    fn appraise(
        &self,
        crypto: &dyn Crypto,
        kind: Kind,
        evidence: &[u8],
        expected: Expected<'_>,
    ) -> Result<Authentic, Refusal> {
        let endorsements = Endorsements::read(crypto, self.files.iter().map(Vec::as_slice)).unwrap();
        let context = Context {
            crypto,
            roots: &self.roots,
            endorsements: &endorsements,
            issuers: &NoIssuers,
            revocation: Revocation::default(),
            at: Timestamp::from_unix_seconds(AT).unwrap(),
            expected,
        };
        authenticate(kind, evidence, &context)
    }

    /// By both providers, which must agree.
    fn appraise_twice(&self, kind: Kind, evidence: &[u8], expected: Expected<'_>) -> Result<Authentic, Refusal> {
        let native = self.appraise(&AwsLc, kind, evidence, expected);
        assert_eq!(native, self.appraise(&RustCrypto, kind, evidence, expected));
        native
    }
}

fn bound<'a>() -> Expected<'a> {
    Expected { binding: Some(&BINDING), ..Expected::default() }
}

fn appraise(kind: Kind, machine: &Machine) -> Result<Authentic, Refusal> {
    Surroundings::of(machine).appraise_twice(kind, &machine.evidence(), bound())
}

fn refused(kind: Kind, change: impl FnOnce(&mut Machine)) -> Code {
    let mut machine = machine(kind);
    change(&mut machine);
    let refusal = appraise(kind, &machine).expect_err("refused");
    assert_eq!(refusal.checks.last().map(|check| check.outcome), Some(Outcome::Failed));
    refusal.reason.code
}

fn claim(authentic: &Authentic, name: impl Into<ClaimName>) -> Option<Value> {
    authentic.claims().get(name).cloned()
}

#[test]
fn good_machines_of_both_kinds_are_authentic_in_every_spelling() {
    for kind in KINDS {
        let mut machine = machine(kind);
        let text = appraise(kind, &machine).expect("authentic");
        machine.spelling = Spelling::Arrays;
        let arrays = appraise(kind, &machine).expect("authentic");
        assert_eq!(text, arrays);
        machine.quote.form = SignatureForm::Structure(0x0014, SHA256);
        assert_eq!(appraise(kind, &machine).expect("authentic"), text, "TPMT_SIGNATURE");

        assert_eq!((text.kind(), text.objections()), (kind, &[][..]));
        assert!(text.binding_matched() && text.debug_applies());
        for (number, pcr) in (0..).zip(machine.quote.pcrs) {
            assert_eq!(claim(&text, azure_vtpm::PCR.at(number)), Some(pcr.as_slice().into()));
        }
        for (name, value) in [
            (ClaimName::from(cross_vendor::SECURE_BOOT), Value::from(true)),
            (azure_vtpm::SECURE_BOOT.into(), true.into()),
            (azure_vtpm::TPM_ENABLED.into(), true.into()),
            (azure_vtpm::TPM_PERSISTED.into(), false.into()),
            (azure_vtpm::CONSOLE_ENABLED.into(), true.into()),
            (azure_vtpm::USER_DATA.into(), [0; 64].as_slice().into()),
            (azure_vtpm::HCL_VERSION.into(), 2_u64.into()),
            (azure_vtpm::FIRMWARE_VERSION.into(), Value::Mask(0x2020_0312_0012_0003)),
            (azure_vtpm::CLOCK.into(), 2_165_009_u64.into()),
            (azure_vtpm::RESET_COUNT.into(), 3_u64.into()),
            (azure_vtpm::RESTART_COUNT.into(), 1_u64.into()),
            (azure_vtpm::CLOCK_SAFE.into(), true.into()),
            (cross_vendor::BINDING.into(), BINDING.as_slice().into()),
            (cross_vendor::DEBUG.into(), false.into()),
            (cross_vendor::SIMULATED.into(), true.into()),
        ] {
            assert_eq!(claim(&text, name), Some(value), "{name}");
        }
        assert_eq!(claim(&text, cross_vendor::INSTANCE), claim(&text, azure_vtpm::VM_UNIQUE_ID));
        assert_eq!(claim(&text, cross_vendor::NONCE), None, "the binding is no nonce");
        assert_eq!(claim(&text, azure_vtpm::EVENT_LOG_MATCHES), None);
        // The id of the key is what any X.509 library says of it: rsaEncryption with NULL, and the key.
        let key = machine.attestation_key.public_key();
        let spki = [
            &[0x30, 0x82, 0x02, 0x22, 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01][..],
            &[0x05, 0x00, 0x03, 0x82, 0x02, 0x0F, 0x00],
            &key,
        ]
        .concat();
        assert_eq!(claim(&text, azure_vtpm::AK_SHA256), Some(Sha256::digest(&spki).as_slice().into()));
        let linked = text.links().contains(&Link::AttestationKey(Sha256::digest(spki).into()));
        let by_hardware = text.links().iter().any(|link| matches!(link, Link::SnpReportId(_)));
        assert!(linked && by_hardware == (kind == Kind::AzureSnpVtpm), "by the key, and by what the hardware says");
        let identified = identify(&machine.evidence()).unwrap();
        assert_eq!((identified.kind, identified.claimed_time), (kind, None));
    }
    let snp = appraise(Kind::AzureSnpVtpm, &machine(Kind::AzureSnpVtpm)).unwrap();
    assert_eq!(claim(&snp, cross_vendor::PLATFORM), Some("sev-snp".into()));
    assert!(claim(&snp, snp::MEASUREMENT).is_some() && claim(&snp, tdx::MRTD).is_none());
    let tdx = appraise(Kind::AzureTdxVtpm, &machine(Kind::AzureTdxVtpm)).unwrap();
    assert_eq!(claim(&tdx, cross_vendor::PLATFORM), Some("tdx".into()));
    assert!(claim(&tdx, tdx::MRTD).is_some() && claim(&tdx, cross_vendor::TCB_STATUS).is_some());
}

#[test]
fn the_evidence_id_covers_what_is_signed_and_nothing_else() {
    for kind in KINDS {
        let id = |change: &dyn Fn(&mut Machine)| {
            let mut machine = machine(kind);
            change(&mut machine);
            appraise(kind, &machine).expect("authentic").evidence_id()
        };
        let genuine = id(&|_| {});
        let bytes = match &machine(kind).hardware {
            Hardware::Snp { .. } => machine(kind).hardware_evidence()[..0x2A0].to_vec(),
            Hardware::Tdx { .. } => machine(kind).hardware_evidence()[..48 + 584].to_vec(),
        };
        let signed = [bytes, machine(kind).quote.message()].concat();
        assert_eq!(genuine.signed_sha384, <[u8; 48]>::from(sha2::Sha384::digest(signed)));
        assert_eq!(id(&|machine| machine.report.padding = 0), genuine);
        assert_eq!(id(&|machine| machine.report.version = 1), genuine, "nobody signs the header");
        assert_ne!(id(&|machine| machine.quote.clock += 1), genuine);
        assert_ne!(id(&|machine| machine.quote.pcrs[4][0] ^= 1), genuine);
        assert_ne!(id(&|machine| machine.runtime_data.user_data = Some("1".repeat(128))), genuine);
    }
}

#[test]
fn envelopes() {
    let replace = |find: &str, with: &str| Edit::Replace { find: find.into(), with: with.into() };
    for kind in KINDS {
        for (edit, code) in [
            (replace("\"version\":", "\"release\":"), Code::AzureEnvelope),
            (replace("{\"version\":", "{\"vcek_\":1,\"version\":"), Code::AzureEnvelope),
            (replace("{\"version\":", "{\"version\":2,\"version\":"), Code::AzureEnvelope),
            (replace("\"message\":\"ff", "\"message\":\"f"), Code::AzureEnvelope),
            (replace("\"message\":\"ff", "\"message\":\"xx"), Code::AzureEnvelope),
            (replace("\"hcl_report\":\"SEN", "\"hcl_report\":\"+EN"), Code::AzureEnvelope),
            (replace("\"hcl_report\":\"SENM", "\"hcl_report\":\"SENN"), Code::AzureReportMalformed),
            (replace("\"pcrs\":[\"", "\"pcrs\":[\"00"), Code::TpmQuoteMalformed),
            (replace("\"pcrs\":[", "\"pcrs\":[7,"), Code::AzureEnvelope),
            (replace("\"signature\":", "\"quote\":1,\"signature\":"), Code::AzureEnvelope),
            (replace("\"tpm_quote\":", "\"quote\":1,\"tpm_quote\":"), Code::AzureEnvelope),
            (Edit::Append(b" {}".to_vec()), Code::AzureEnvelope),
            (Edit::Become(b"null".to_vec()), Code::AzureEnvelope),
            (Edit::Become(Vec::new()), Code::EvidenceEmpty),
            (Edit::Become(vec![b' '; 256 * 1024 + 1]), Code::EvidenceTooLarge),
        ] {
            assert_eq!(refused(kind, |machine| machine.after = vec![edit.clone()]), code, "{kind} {edit:?}");
        }
        let version = replace("\"version\":", "\"version\":3");
        assert_eq!(refused(kind, |machine| machine.after = vec![version]), Code::AzureEnvelope);
        // Padding of base64 may be left out, and white space may stand between tokens.
        let mut unpadded = machine(kind);
        while unpadded.hcl_report().len().is_multiple_of(3) {
            unpadded.report.padding += 1;
        }
        let padding = if unpadded.hcl_report().len() % 3 == 1 { "==\"," } else { "=\"," };
        let genuine = appraise(kind, &unpadded).unwrap();
        unpadded.after = vec![replace(padding, "\" ,")];
        assert_eq!(appraise(kind, &unpadded), Ok(genuine));
    }
    let other = |kind: Kind, machine: &Machine| {
        Surroundings::of(machine).appraise_twice(kind, &machine.evidence(), bound()).unwrap_err().reason.code
    };
    assert_eq!(other(Kind::AzureTdxVtpm, &machine(Kind::AzureSnpVtpm)), Code::AzureReportKind);
    assert_eq!(other(Kind::AzureSnpVtpm, &machine(Kind::AzureTdxVtpm)), Code::AzureReportKind);
    let (td_quote, vcek) = (replace("\"td_quote\"", "\"vcek\""), replace("\"vcek\"", "\"td_quote\""));
    assert_eq!(refused(Kind::AzureTdxVtpm, |machine| machine.after = vec![td_quote]), Code::AzureEnvelope);
    assert_eq!(refused(Kind::AzureSnpVtpm, |machine| machine.after = vec![vcek]), Code::AzureEnvelope);
    let report_alone = machine(Kind::AzureTdxVtpm).hcl_report();
    let surroundings = Surroundings::of(&machine(Kind::AzureTdxVtpm));
    let refusal = surroundings.appraise_twice(Kind::AzureTdxVtpm, &report_alone, bound()).unwrap_err();
    assert_eq!(refusal.reason.code, Code::AzureEnvelope, "a TDREPORT without its quote");
}

#[test]
fn the_report_of_the_paravisor_is_read_to_the_letter() {
    let malformed = Code::AzureReportMalformed;
    for kind in KINDS {
        type Change = fn(&mut Machine);
        let changes: [(Change, Code); 17] = [
            (|machine| machine.report.signature = *b"HCLB", malformed),
            (|machine| machine.report.version = 0, malformed),
            (|machine| machine.report.version = 3, malformed),
            (|machine| machine.report.size_off_by = 1, malformed),
            (|machine| machine.report.request = 1, malformed),
            (|machine| machine.report.status = 1, malformed),
            (|machine| machine.report.reserved[11] = 1, malformed),
            (|machine| machine.report.runtime_size_off_by = 1, malformed),
            (|machine| machine.report.runtime_version = 2, malformed),
            (|machine| machine.report.report_type = 3, Code::AzureReportKind),
            (|machine| machine.report.hash_type = 0, Code::AzureHashType),
            (|machine| machine.report.hash_type = 4, Code::AzureHashType),
            (|machine| machine.report.data_size_off_by = 1, malformed),
            (|machine| machine.report.data_size_off_by = u32::MAX, malformed),
            (|machine| machine.report.after = vec![Edit::Append(vec![1])], malformed),
            (|machine| machine.report.after = vec![Edit::Truncate { len: 1300 }], malformed),
            (|machine| machine.report.padding = 16 * 1024, malformed),
        ];
        for (number, (change, code)) in changes.into_iter().enumerate() {
            assert_eq!(refused(kind, change), code, "{kind}, change {number}");
        }
        for hash_type in [1, 2, 3] {
            let mut machine = machine(kind);
            machine.report.hash_type = hash_type;
            assert!(appraise(kind, &machine).is_ok(), "{kind}, hash {hash_type}");
        }
    }
}

#[test]
fn runtime_data() {
    let replace = |find: &str, with: &str| Edit::Replace { find: find.into(), with: with.into() };
    for kind in KINDS {
        for (find, with, code) in [
            ("{\"keys\"", "[\"keys\"", Code::AzureRuntimeData),
            ("\"user-data\"", "\"user-data\":\"00\",\"user-data\"", Code::AzureRuntimeData),
            ("\"user-data\":\"00", "\"user-data\":\"0", Code::AzureRuntimeData),
            ("\"user-data\":\"00", "\"user-data\":\"0x", Code::AzureRuntimeData),
            ("\"secure-boot\":true", "\"secure-boot\":\"true\"", Code::AzureRuntimeData),
            ("\"vmUniqueId\":\"", "\"vmUniqueId\":\"\",\"was\":\"", Code::AzureRuntimeData),
            ("\"vm-configuration\"", "\"configuration\"", Code::AzureRuntimeData),
            ("\"HCLAkPub\"", "\"HCLAkPrv\"", Code::AzureAttestationKey),
            ("\"HCLEkPub\"", "\"HCLAkPub\"", Code::AzureAttestationKey),
            ("\"RSA\"", "\"EC\"", Code::AzureAttestationKey),
            ("\"e\":\"AQAB\"", "\"e\":\"Aw\"", Code::AzureAttestationKey),
            ("\"n\":\"", "\"n\":\"AAAA", Code::AzureAttestationKey),
            ("\"n\":\"", "\"n\":\"=", Code::AzureAttestationKey),
            ("\"n\":\"", "\"m\":\"", Code::AzureAttestationKey),
        ] {
            let change = |machine: &mut Machine| machine.runtime_data.edits = vec![replace(find, with)];
            assert_eq!(refused(kind, change), code, "{kind}: {with}");
        }
        // A member that is not known is signed and not read.
        let mut newer = machine(kind);
        newer.runtime_data.edits = vec![replace("\"e\":\"AQAB\"", "\"e\":\"AQAB\",\"alg\":\"RS256\"")];
        assert!(appraise(kind, &newer).is_ok());
        // A modulus has no fewer than 2,048 bits.
        let weak = "AQ".repeat(100);
        let weaken = |machine: &mut Machine| machine.runtime_data.keys[0].n.clone_from(&weak);
        assert_eq!(refused(kind, weaken), Code::AzureAttestationKey);
        let long = format!("\"{}\"", "x".repeat(129));
        let lengthen = |machine: &mut Machine| machine.runtime_data.vm_configuration[5].1.clone_from(&long);
        assert_eq!(refused(kind, lengthen), Code::AzureRuntimeData);

        // What older paravisors do not say is absent.
        let mut older = machine(kind);
        older.runtime_data.user_data = None;
        older.runtime_data.vm_configuration = vec![("current-time".into(), "1678652405".into())];
        let authentic = appraise(kind, &older).unwrap();
        for name in
            [azure_vtpm::USER_DATA, azure_vtpm::SECURE_BOOT, azure_vtpm::VM_UNIQUE_ID, cross_vendor::SECURE_BOOT]
        {
            assert_eq!(claim(&authentic, name), None);
        }
    }
}

#[test]
fn the_hardware_vouches_for_the_runtime_data_and_they_for_the_key() {
    for kind in KINDS {
        let genuine = machine(kind);
        let report_data = genuine.report.report_data(&genuine.runtime_data.build());
        // Runtime data of an attacker beside a genuine hardware report.
        let swap = |machine: &mut Machine| {
            machine.attestation_key = AttestationKey::of("attacker");
            machine.runtime_data.keys[0] = JsonWebKey::rsa("HCLAkPub", "sign", &machine.attestation_key);
            machine.report_data = Some(report_data);
        };
        assert_eq!(refused(kind, swap), Code::AzureReportData);
        // Bytes behind the hash are zero.
        for place in [32, 63] {
            let mut longer = report_data;
            longer[place] = 1;
            assert_eq!(refused(kind, |machine| machine.report_data = Some(longer)), Code::AzureReportData);
        }
        // A quote by another key, by the endorsement key, and one of another machine.
        for label in ["attacker", "rules/HCLEkPub"] {
            let by_other = |machine: &mut Machine| machine.quote.key = Some(AttestationKey::of(label));
            assert_eq!(refused(kind, by_other), Code::TpmQuoteSignature);
        }
        // What the hardware alone would refuse is refused here, with its reason.
        let code = refused(kind, |machine| match &mut machine.hardware {
            Hardware::Snp { report, .. } => report.reported_tcb.microcode -= 1,
            Hardware::Tdx { quote, .. } => quote.qe_report_data = Some([1; 64]),
        });
        let expected = [Code::SnpTcbMismatch, Code::BindingAttestationKey];
        assert_eq!(code, expected[usize::from(kind == Kind::AzureTdxVtpm)]);
    }
}

#[test]
fn only_the_paravisor_s_own_report_vouches() {
    for vmpl in [1, 2, 3, u32::MAX] {
        let at_level = |machine: &mut Machine| {
            if let Hardware::Snp { report, .. } = &mut machine.hardware {
                report.vmpl = vmpl;
            }
        };
        assert_eq!(refused(Kind::AzureSnpVtpm, at_level), Code::AzurePrivilegeLevel, "VMPL {vmpl}");
    }
    let partitioned = |vmid: u8| {
        let mut machine = machine(Kind::AzureTdxVtpm);
        if let Hardware::Tdx { quote, .. } = &mut machine.hardware {
            quote.version = 5;
            quote.td_mut().td15 = Some(Td15 { tee_tcb_svn2: quote.td_mut().tee_tcb_svn, mrservicetd: [0; 48] });
            quote.td_mut().extended =
                Some(ExtendedTd { vmid, td_id: [9; 32], init_service_td_hash: [0; 48], cur_service_td_hash: [0; 48] });
        }
        appraise(Kind::AzureTdxVtpm, &machine)
    };
    assert!(partitioned(0).is_ok());
    assert_eq!(partitioned(1).unwrap_err().reason.code, Code::AzurePrivilegeLevel);
}

#[test]
fn quotes() {
    let (malformed, selection) = (Code::TpmQuoteMalformed, Code::TpmPcrSelection);
    type Change = fn(&mut Machine);
    let changes: [(Change, Code); 27] = [
        (|machine| machine.quote.magic = 0xFF54_4348, malformed),
        (|machine| machine.quote.attest_type = 0x8017, malformed),
        (|machine| machine.quote.signer = vec![0; 67], malformed),
        (|machine| machine.quote.extra_data = vec![7; 67], malformed),
        (|machine| machine.quote.safe = 2, malformed),
        (|machine| machine.quote.digest = Some(vec![0; 31]), malformed),
        (|machine| machine.quote.digest = Some(vec![0; 48]), malformed),
        (|machine| machine.quote.before = vec![Edit::Append(vec![0])], malformed),
        (|machine| machine.quote.before = vec![Edit::Truncate { len: 100 }], malformed),
        (|machine| machine.quote.before = vec![Edit::Append(vec![0; 1024])], malformed),
        (|machine| machine.quote.selection = vec![(SHA256, vec![0xFF; 3]); 17], malformed),
        (|machine| machine.quote.selection = Vec::new(), selection),
        (|machine| machine.quote.selection = vec![(SHA256, vec![0; 3])], selection),
        (|machine| machine.quote.selection = vec![(SHA1, vec![1, 0, 0])], selection),
        (|machine| machine.quote.selection = vec![(SHA256, vec![1, 0, 0]), (SHA1, vec![1, 0, 0])], selection),
        (|machine| machine.quote.selection = vec![(SHA256, vec![1, 0, 0]), (SHA256, vec![2, 0, 0])], selection),
        (|machine| machine.quote.selection = vec![(SHA256, vec![1, 0, 0, 1])], selection),
        (|machine| machine.quote.digest = Some(vec![0; 32]), Code::TpmPcrDigest),
        (|machine| machine.quote.sent = Some(machine.quote.pcrs[..23].to_vec()), Code::TpmPcrValues),
        (|machine| machine.quote.sent = Some([machine.quote.pcrs.to_vec(), vec![[0; 32]]].concat()), malformed),
        (|machine| machine.quote.form = SignatureForm::Structure(0x0016, SHA256), Code::TpmSignatureAlgorithm),
        (|machine| machine.quote.form = SignatureForm::Structure(0x0014, SHA1), Code::TpmSignatureAlgorithm),
        (|machine| machine.quote.signature = vec![Edit::Truncate { len: 511 }], Code::TpmQuoteSignature),
        (|machine| machine.quote.signature = vec![Edit::Append(vec![0])], Code::TpmQuoteSignature),
        (|machine| machine.quote.signature = vec![Edit::Append(vec![0; 1024])], malformed),
        (
            |machine| {
                let key = &machine.attestation_key;
                machine.quote.signature = vec![Edit::Become(key.sign_pss(&machine.quote.message()))];
            },
            Code::TpmQuoteSignature,
        ),
        (
            |machine| {
                machine.quote.form = SignatureForm::Structure(0x0014, SHA256);
                machine.quote.signature = vec![Edit::Append(vec![0])];
            },
            Code::TpmQuoteSignature,
        ),
    ];
    for (number, (change, code)) in changes.into_iter().enumerate() {
        assert_eq!(refused(Kind::AzureSnpVtpm, change), code, "change {number}");
    }
    let unsafe_clock = |machine: &mut Machine| machine.quote.safe = 0;
    let mut machine = machine(Kind::AzureSnpVtpm);
    unsafe_clock(&mut machine);
    machine.quote.selection.insert(0, (SHA1, vec![0; 3]));
    let authentic = appraise(Kind::AzureSnpVtpm, &machine).expect("a bank of which nothing is selected");
    assert_eq!(claim(&authentic, azure_vtpm::CLOCK_SAFE), Some(false.into()));
}

/// A guest may reset registers 16 and 23. A quote of them must not be shown as one of registers 0 and 1.
#[test]
fn registers_have_the_numbers_that_the_quote_selects() {
    let kind = Kind::AzureSnpVtpm;
    let mut partial = machine(kind);
    partial.quote.selection = vec![(SHA256, vec![0x90, 0x08, 0x81])];
    let authentic = appraise(kind, &partial).unwrap();
    for number in 0..24_u16 {
        let expected = [4, 7, 11, 16, 23].contains(&number);
        let pcr = partial.quote.pcrs[usize::from(number)];
        assert_eq!(claim(&authentic, azure_vtpm::PCR.at(number)), expected.then(|| pcr.as_slice().into()), "{number}");
    }
    // All 24 values beside a quote of five: whose are they?
    partial.quote.sent = Some(partial.quote.pcrs.to_vec());
    assert_eq!(appraise(kind, &partial).unwrap_err().reason.code, Code::TpmPcrValues);
    // The right values in another order.
    let mut values = partial.quote.selected();
    values.swap(0, 1);
    partial.quote.sent = Some(values);
    assert_eq!(appraise(kind, &partial).unwrap_err().reason.code, Code::TpmPcrDigest);
}

#[test]
fn what_the_caller_expects_stands_in_the_qualifying_data() {
    let appraise = |data: &[u8], expected| {
        let mut machine = machine(Kind::AzureSnpVtpm);
        machine.quote.extra_data = data.to_vec();
        Surroundings::of(&machine).appraise_twice(Kind::AzureSnpVtpm, &machine.evidence(), expected)
    };
    let nonce = |nonce| Expected { nonce: Some(nonce), ..Expected::default() };
    let code = |data: &[u8], expected| appraise(data, expected).unwrap_err().reason.code;

    let authentic = appraise(b"challenge", nonce(b"challenge")).unwrap();
    assert!(authentic.nonce_matched() && !authentic.binding_matched());
    assert_eq!(claim(&authentic, cross_vendor::NONCE), Some(b"challenge".as_slice().into()));
    let authentic = appraise(b"challenge", Expected::default()).unwrap();
    assert!(!authentic.nonce_matched());
    assert_eq!(
        claim(&authentic, cross_vendor::NONCE),
        Some(b"challenge".as_slice().into()),
        "it stands there all the same"
    );
    assert_eq!(claim(&appraise(b"", Expected::default()).unwrap(), cross_vendor::NONCE), None);

    // The binding covers the nonce.
    let both =
        Expected { nonce: Some(b"challenge"), binding: Some(&BINDING), recipient: Some(b"key"), ..Expected::default() };
    assert!(appraise(&BINDING, both).unwrap().binding_matched());

    assert_eq!(code(b"challengf", nonce(b"challenge")), Code::BindingNonceMismatch);
    assert_eq!(code(b"challenge\0", nonce(b"challenge")), Code::BindingNonceMismatch, "exactly, without padding");
    assert_eq!(code(b"challenge", nonce(b"")), Code::BindingNonceMismatch);
    assert_eq!(code(b"", nonce(b"challenge")), Code::BindingNonceAbsent);
    assert_eq!(code(b"", bound()), Code::BindingValueAbsent);
    assert_eq!(code(&[8; 48], bound()), Code::BindingValueMismatch);
    assert_eq!(code(&[&BINDING[..], &[0; 16]].concat(), bound()), Code::BindingValueMismatch, "exactly 48 bytes");
    assert_eq!(code(&BINDING[..47], bound()), Code::BindingValueMismatch);
    assert_eq!(code(&BINDING, nonce(b"challenge")), Code::BindingNonceMismatch);
    // In the hardware's report they would be the paravisor's, and say nothing.
    let in_report = |machine: &mut Machine| {
        let mut field = [0; 64];
        field[..48].copy_from_slice(&BINDING);
        machine.report_data = Some(field);
        machine.quote.extra_data = Vec::new();
    };
    assert_eq!(refused(Kind::AzureSnpVtpm, in_report), Code::AzureReportData);
}

#[test]
fn a_report_alone_takes_its_quote_from_the_endorsements() {
    let kind = Kind::AzureSnpVtpm;
    let machine = machine(kind);
    let (report, quote) = (machine.hcl_report(), machine.quote_file());
    let mut surroundings = Surroundings::of(&machine);
    let whole = surroundings.appraise_twice(kind, &machine.evidence(), bound()).unwrap();
    let Hardware::Snp { platform, vcek, .. } = &machine.hardware else { unreachable!("a machine of AMD's") };
    surroundings.files.extend(platform.vcek_chain(vcek));
    let code = |surroundings: &Surroundings| {
        surroundings.appraise_twice(kind, &report, bound()).map(drop).map_err(|refusal| refusal.reason.code)
    };
    assert_eq!(code(&surroundings), Err(Code::TpmQuoteMissing));
    surroundings.files.push(quote.clone());
    let alone = surroundings.appraise_twice(kind, &report, bound()).unwrap();
    assert_eq!((alone.evidence_id(), alone.claims()), (whole.evidence_id(), whole.claims()));
    let quotes: Vec<_> = alone.inputs().iter().filter(|input| input.role == "tpm_quote").collect();
    assert_eq!((quotes.len(), quotes[0].sha256), (1, Sha256::digest(&quote).into()));
    // Two quotes would leave the choice to whoever sent them.
    let mut other = machine.clone();
    other.quote.clock += 1;
    surroundings.files.push(other.quote_file());
    assert_eq!(code(&surroundings), Err(Code::TpmQuoteMissing));
    // A quote among the endorsements is read as strictly as one in the evidence.
    for broken in [&br#"{"message":"","pcrs":[]}"#[..], br#"{"message":"","signature":"","pcrs":[]}"#] {
        let reason = Endorsements::read(&AwsLc, [broken]).unwrap_err();
        assert_eq!(reason.code, Code::TpmQuoteMalformed);
    }
}

/// Which stage refuses what part of the paravisor's report.
#[test]
fn a_flipped_bit_in_any_byte_of_a_report_is_refused_at_its_stage() {
    use Stage::{Binding, Parse, Signature};
    let kind = Kind::AzureSnpVtpm;
    let mut machine = machine(kind);
    machine.spelling = Spelling::Text;
    let mut surroundings = Surroundings::of(&machine);
    let Hardware::Snp { platform, vcek, .. } = &machine.hardware else { unreachable!("a machine of AMD's") };
    surroundings.files.extend(platform.vcek_chain(vcek));
    surroundings.files.push(machine.quote_file());
    let report = machine.hcl_report();
    let runtime_end = 1236 + machine.runtime_data.build().len();
    let parts: [(Range<usize>, &[Stage]); 8] = [
        (0..32, &[Parse]),
        (32..32 + 0x2A0, &[Parse, Binding, Signature]),
        (32 + 0x2A0..1216, &[Parse, Signature]),
        (1216..1228, &[Parse]),
        // Another hash, and the report data are not that one's.
        (1228..1232, &[Parse, Binding]),
        (1232..1236, &[Parse]),
        (1236..runtime_end, &[Parse, Binding]),
        (runtime_end..report.len(), &[Parse]),
    ];
    let flipped = |surroundings: &Surroundings, bytes: &[u8], place: usize, stages: &[Stage]| {
        let mut bytes = bytes.to_vec();
        bytes[place] ^= 1 << (place % 8);
        let refusal = surroundings.appraise(&AwsLc, kind, &bytes, bound()).expect_err("refused");
        assert!(stages.contains(&refusal.reason.stage()), "byte {place}: {}", refusal.reason);
    };
    assert!(surroundings.appraise(&AwsLc, kind, &report, bound()).is_ok());
    for (range, stages) in parts {
        range.for_each(|place| flipped(&surroundings, &report, place, stages));
    }
}

#[test]
fn a_flipped_bit_in_any_byte_of_a_quote_is_refused_at_its_stage() {
    use Stage::{Binding, Parse, Signature};
    let kind = Kind::AzureSnpVtpm;
    let genuine = machine(kind);
    let surroundings = Surroundings::of(&genuine);
    let evidence = genuine.evidence();
    assert!(surroundings.appraise(&AwsLc, kind, &evidence, bound()).is_ok());
    // Where the hex of a field begins, and how many bytes it spells.
    let after =
        |key: &str| evidence.windows(key.len()).position(|window| window == key.as_bytes()).unwrap() + key.len();
    let (message, signature, pcrs) = (after("\"message\":\""), after("\"signature\":\""), after("\"pcrs\":[\""));
    let mut parts: Vec<(usize, usize, &[Stage])> =
        vec![(message, genuine.quote.message().len(), &[Parse, Signature]), (signature, 512, &[Signature])];
    parts.extend((0..24).map(|register| (pcrs + register * 67, 32, [Binding].as_slice())));
    for (start, bytes, stages) in parts {
        for place in 0..bytes {
            let text = start + 2 * place..start + 2 * place + 2;
            let byte = u8::from_str_radix(std::str::from_utf8(&evidence[text.clone()]).unwrap(), 16).unwrap();
            let mut flipped = evidence.clone();
            flipped[text].copy_from_slice(format!("{:02x}", byte ^ 1 << (place % 8)).as_bytes());
            let refusal = surroundings.appraise(&AwsLc, kind, &flipped, bound()).expect_err("refused");
            assert!(stages.contains(&refusal.reason.stage()), "byte {place} behind {start}: {}", refusal.reason);
        }
    }
}

/// Of a TDREPORT nothing can be verified away from its machine, so nothing is read: the quote stands for it.
#[test]
fn a_tdreport_in_the_report_changes_nothing() {
    let kind = Kind::AzureTdxVtpm;
    let genuine = appraise(kind, &machine(kind)).unwrap();
    for offset in [32, 200, 1055, 1056, 1215] {
        let mut machine = machine(kind);
        machine.report.after = vec![Edit::FlipBit { offset, bit: 0 }];
        assert_eq!(appraise(kind, &machine).as_ref(), Ok(&genuine));
    }
}

/// A firmware's log with SHA-256 and SHA-384 digests of what was measured.
fn log(entries: &[(u32, &[u8])], locality: Option<u8>) -> Vec<u8> {
    let spec_id =
        [b"Spec ID Event03\0".as_slice(), &[0; 4], &[0, 2, 0, 2], &[2, 0, 0, 0, 0x0B, 0, 32, 0, 0x0C, 0, 48, 0, 0]];
    let spec_id = spec_id.concat();
    let length = u32::try_from(spec_id.len()).unwrap().to_le_bytes();
    let mut log = [0_u32.to_le_bytes().as_slice(), &3_u32.to_le_bytes(), &[0; 20], &length, &spec_id].concat();
    let mut push = |register: u32, kind: u32, data: &[u8]| {
        let (sha256, sha384) = (Sha256::digest(data), sha2::Sha384::digest(data));
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        let head = [register, kind, 2].map(u32::to_le_bytes).concat();
        log.extend([head.as_slice(), &[0x0B, 0], &sha256, &[0x0C, 0], &sha384, &length, data].concat());
    };
    if let Some(locality) = locality {
        push(0, 3, &[b"StartupLocality\0".as_slice(), &[locality]].concat());
    }
    entries.iter().for_each(|(register, data)| push(*register, 6, data));
    log
}

#[test]
fn the_log_of_the_tpm_s_firmware_is_replayed() {
    let extend = |value: [u8; 32], data: &[u8]| -> [u8; 32] {
        Sha256::new().chain_update(value).chain_update(Sha256::digest(data)).finalize().into()
    };
    let entries: [(u32, &[u8]); 5] = [(0, b"firmware"), (4, b"loader"), (7, b"policy"), (4, b"kernel"), (11, b"image")];
    let mut good = machine(Kind::AzureSnpVtpm);
    let mut started = [0; 32];
    started[31] = 3;
    good.quote.pcrs[..8].fill([0; 32]);
    good.quote.pcrs[0] = started;
    good.quote.pcrs[11] = [0; 32];
    for (register, data) in entries {
        let pcr = &mut good.quote.pcrs[usize::try_from(register).unwrap()];
        *pcr = extend(*pcr, data);
    }
    let matches = |machine: &Machine, logs: &[Vec<u8>]| {
        let mut surroundings = Surroundings::of(machine);
        surroundings.files.extend_from_slice(logs);
        let kind = Kind::AzureSnpVtpm;
        let authentic = surroundings.appraise_twice(kind, &machine.evidence(), bound()).unwrap();
        let used = authentic.inputs().iter().filter(|input| input.role == "event_log").count();
        let matches = authentic.claims().bool(azure_vtpm::EVENT_LOG_MATCHES);
        assert_eq!(used, usize::from(matches == Some(true)));
        matches
    };
    let whole = log(&entries, Some(3));
    assert_eq!(matches(&good, &[]), None);
    assert_eq!(matches(&good, std::slice::from_ref(&whole)), Some(true));
    assert_eq!(matches(&good, &[log(&entries[1..], Some(3)), whole.clone()]), Some(true), "one of two");
    assert_eq!(matches(&good, &[log(&entries, None)]), Some(false), "the locality counts");
    for left_out in 0..entries.len() - 1 {
        let fewer = entries.iter().enumerate().filter(|(number, _)| *number != left_out);
        let fewer: Vec<_> = fewer.map(|(_, entry)| *entry).collect();
        assert_eq!(matches(&good, &[log(&fewer, Some(3))]), Some(false), "without entry {left_out}");
    }
    // Of register 11 a log need not say anything; what it says of a register below 8 is all there is.
    assert_eq!(matches(&good, &[log(&entries[..4], Some(3))]), Some(true));
    let mut extended = good.clone();
    extended.quote.pcrs[5] = [5; 32];
    assert_eq!(matches(&extended, std::slice::from_ref(&whole)), Some(false));
    // Registers that are not quoted are not compared.
    extended.quote.selection = vec![(SHA256, vec![0x91, 0, 0])];
    assert_eq!(matches(&extended, &[whole]), Some(true));

    let code = |log: &[u8]| Endorsements::read(&AwsLc, [log]).map(drop).map_err(|reason| reason.code);
    assert_eq!(code(&log(&[(24, b"no such register")], None)), Err(Code::EventLogMalformed));
    assert_eq!(code(&log(&[(23, b"the last register")], None)), Ok(()));
}
