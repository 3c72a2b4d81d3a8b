//! One mutation of a good report per rule, each refused for exactly its own reason. Devices and certificates are the
//! simulator's, which shares no code with the verifier.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod everything;

use prooftrail_evidence::{
    Authentic, AwsLc, Context, Crypto, Endorsements, Expected, NoIssuers, Refusal, Revocation, RevocationMode,
    RustCrypto, VerifiedIssuers, authenticate, identify,
};
use prooftrail_result::{
    Kind, Outcome, Reason, ReasonCode as Code, Timestamp, TrustAnchor,
    claims::{ClaimName, Claims, Value, cross_vendor, gpu, switch},
};
use prooftrail_simulator::{
    der,
    edit::Edit,
    key::Key,
    nvidia::{
        Block, COMPOSITE_DEVICE_ID, Chip, Device, Header, List, Machine, Opaque, OpaqueEntry, Report, TCB_INFO,
        composite_device_id, entry, tcb_info, value_type,
    },
    x509::{CertificateSpec, CrlSpec, Extension, KeyUsage, oid},
};
use prooftrail_trust_roots::RootSet;

use self::everything::Everything;

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const NONCE: [u8; 32] = *b"a nonce of exactly 32 characters";

fn at(offset_seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(AT).unwrap().saturating_add_seconds(offset_seconds)
}

const fn kind(chip: Chip) -> Kind {
    match chip {
        Chip::Hopper | Chip::Blackwell => Kind::NvidiaGpu,
        Chip::Switch => Kind::NvidiaSwitch,
    }
}

/// What an appraisal is told besides the evidence.
#[derive(Clone, Copy)]
struct Told<'a> {
    expected: Expected<'a>,
    mode: RevocationMode,
    at: Timestamp,
}

impl Default for Told<'_> {
    fn default() -> Self {
        Self { expected: Expected::default(), mode: RevocationMode::BestEffort, at: at(0) }
    }
}

fn roots_of(device: &Device) -> RootSet {
    let der = device.root_der();
    let manifest = device.root_manifest();
    RootSet::from_manifest(&manifest, TrustAnchor::Configured, |_| Ok::<_, String>(der.clone())).unwrap()
}

/// Authenticates by both providers, which must agree.
fn appraise(
    kind: Kind,
    evidence: &[u8],
    files: &[Vec<u8>],
    roots: &RootSet,
    told: Told<'_>,
) -> Result<Authentic, Refusal> {
    let providers: [&dyn Crypto; 2] = [&AwsLc, &RustCrypto];
    let [native, portable] = providers.map(|crypto| {
        let endorsements = Endorsements::read(crypto, files.iter().map(Vec::as_slice)).unwrap();
        let revocation = Revocation { nvidia: told.mode, ..Revocation::default() };
        let (endorsements, issuers) = (&endorsements, &NoIssuers);
        let Told { expected, at, .. } = told;
        authenticate(kind, evidence, &Context { crypto, roots, endorsements, issuers, revocation, at, expected })
    });
    assert_eq!(native, portable);
    native
}

/// A device and its report, with everything around them that a test may change.
struct Scene {
    device: Device,
    report: Report,
    /// The key that signs, where it is not the certified one.
    signer: Option<Key>,
    crls: Vec<Vec<u8>>,
}

impl Scene {
    fn of(chip: Chip) -> Self {
        let device = Device::new("rules", chip, 1);
        let report = device.report(NONCE);
        Self { device, report, signer: None, crls: Vec::new() }
    }

    fn evidence(&self) -> Vec<u8> {
        self.report.build(self.signer.as_ref().unwrap_or(&self.device.attestation.key))
    }

    fn told(&self, told: Told<'_>) -> Result<Authentic, Refusal> {
        let files = [vec![self.device.chain_pem().into_bytes()], self.crls.clone()].concat();
        appraise(kind(self.device.chip), &self.evidence(), &files, &roots_of(&self.device), told)
    }

    fn accepted(&self) -> Authentic {
        let authentic = self.told(Told::default()).expect("authentic");
        assert_eq!(authentic.objections(), []);
        authentic
    }

    fn refused(&self) -> Reason {
        let refusal = self.told(Told::default()).expect_err("refused");
        assert_eq!(refusal.checks.last().map(|check| check.outcome), Some(Outcome::Failed));
        refusal.reason
    }
}

/// The code for which a changed scene of that chip is refused.
fn refused_on(chip: Chip, change: impl FnOnce(&mut Scene)) -> Code {
    let mut scene = Scene::of(chip);
    change(&mut scene);
    scene.refused().code
}

fn refused(change: impl FnOnce(&mut Scene)) -> Code {
    refused_on(Chip::Hopper, change)
}

fn claims(change: impl FnOnce(&mut Scene)) -> Claims {
    let mut scene = Scene::of(Chip::Hopper);
    change(&mut scene);
    scene.accepted().claims().clone()
}

/// A claim as it is printed.
fn shown(claims: &Claims, name: &str) -> Option<String> {
    claims.get(name.parse::<ClaimName>().unwrap()).map(ToString::to_string)
}

#[test]
fn good_reports_of_every_chip_are_authentic_and_say_so() {
    for (chip, architecture, model, prefix, measurements) in [
        (Chip::Hopper, "HOPPER", "GH100 A01 GSP BROM", "gpu.0", 64),
        (Chip::Blackwell, "BLACKWELL", "GB100 A01 GSP BROM", "gpu.0", 64),
        (Chip::Switch, "LS10", "LS_10 A01 FSP BROM", "switch.0", 31),
    ] {
        let scene = Scene::of(chip);
        let authentic = scene.accepted();
        let claims = authentic.claims();
        let of_device = |name: &str| shown(claims, &format!("{prefix}.{name}"));
        assert_eq!(of_device("verified_by").as_deref(), Some("report"));
        assert_eq!(of_device("arch").as_deref(), Some(architecture));
        assert_eq!(of_device("hwmodel").as_deref(), Some(model));
        assert_eq!(of_device("pdi"), Some(hex::encode(scene.device.pdi)));
        assert_eq!(of_device("measurement.7"), Some(hex::encode(&scene.report.blocks[6].value)));
        let reported = claims.iter().filter(|(name, _)| name.to_string().contains(".measurement."));
        assert_eq!(reported.count(), measurements);
        assert_eq!(of_device("measres"), None, "nothing to compare with");
        for (name, value) in [
            ("vendor", "nvidia".to_owned()),
            ("nonce", hex::encode(NONCE)),
            ("hardware_id", hex::encode(scene.device.pdi)),
            ("revocation", "not_checked".to_owned()),
            ("trust_anchor", "configured".to_owned()),
            ("simulated", "true".to_owned()),
        ] {
            assert_eq!(shown(claims, name), Some(value), "{name}");
        }
        for absent in ["platform", "debug", "issued_at", "binding", "gpu.cc_mode", "revocation_scope"] {
            assert_eq!(shown(claims, absent), None, "{absent} is not said by a report");
        }
        assert!(!authentic.debug_applies(), "devices have no debug mode that a report could show");
        assert!(!authentic.nonce_matched(), "none was expected");
        assert_eq!(authentic.valid_until(), "9999-12-31T23:59:59Z".parse::<Timestamp>().unwrap().end_of_second());
        let roles: Vec<_> = authentic.inputs().iter().map(|input| input.role).collect();
        assert_eq!(roles, [&["certificate"; 5][..], &["root"]].concat());
        assert!(authentic.checks().iter().all(|check| check.outcome != Outcome::Failed));
        assert_eq!(identify(&scene.evidence()).unwrap().kind, kind(chip));
    }
}

#[test]
fn a_gpu_s_claims_follow_its_report() {
    let plain = claims(|_| {});
    for (name, value) in [
        ("gpu.0.driver_version", "580.159.03"),
        ("gpu.0.vbios_version", "96.00.74.00.20"),
        ("gpu.0.project", "1010"),
        ("gpu.0.project_sku", "0205"),
        ("gpu.0.chip_sku", "862"),
        ("gpu.0.feature", "spt"),
        ("gpu.0.protected_pcie", "false"),
        ("gpu.0.nvdec0_enabled", "false"),
        ("gpu.0.opaque_data_version", "1"),
        ("gpu.0.fwid_match", "true"),
        ("gpu.0.sample_nonce", "false"),
    ] {
        assert_eq!(shown(&plain, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(shown(&plain, "gpu.0.fwid"), Some(hex::encode(Scene::of(Chip::Hopper).device.fwid)));
    let set = |id: u16, data: &[u8], name: &str| {
        let data = data.to_vec();
        shown(&claims(|scene| scene.report.opaque.set(id, &data)), name)
    };
    for (id, data, name, value) in [
        (entry::FEATURE_FLAG, &[1, 0][..], "gpu.0.feature", Some("mpt")),
        (entry::FEATURE_FLAG, &[2, 0], "gpu.0.feature", Some("ppcie")),
        (entry::FEATURE_FLAG, &[3, 0], "gpu.0.feature", None),
        (entry::PROTECTED_PCIE_STATUS, &[0xAA], "gpu.0.protected_pcie", Some("true")),
        (entry::NVDEC0_STATUS, &[0xAA], "gpu.0.nvdec0_enabled", Some("true")),
        (entry::PROJECT, &[0, 0], "gpu.0.project", None),
        (entry::VBIOS_VERSION, &[0xAB, 0, 0xCD, 0x97, 0x0F, 0, 0, 0], "gpu.0.vbios_version", Some("97.CD.00.AB.0F")),
        (999, b"whatever", "gpu.0.feature", Some("spt")),
    ] {
        assert_eq!(set(id, data, name).as_deref(), value, "{id} {data:?}");
    }
    let mut switches = claims(|scene| scene.report.opaque.set_switches(&[[9; 8], [1, 2, 3, 4, 5, 6, 7, 8]]));
    assert_eq!(shown(&switches, "gpu.0.switch_pdis").as_deref(), Some("0102030405060708,0909090909090909"));
    switches = claims(|scene| scene.report.opaque.set_switches(&[[0xFF; 8], [7; 8], [0; 8]]));
    assert_eq!(shown(&switches, "gpu.0.switch_pdis").as_deref(), Some("0707070707070707"), "links to nowhere");
}

#[test]
fn a_switch_s_claims_follow_its_report() {
    let mut scene = Scene::of(Chip::Switch);
    scene.report.opaque.set(entry::VBIOS_VERSION, b"96.10.5f.00.01");
    scene.report.opaque.set_gpus(&[[9; 8], [1; 8]]);
    let authentic = scene.accepted();
    let shown = |name: &str| shown(authentic.claims(), name);
    assert_eq!(shown("switch.0.bios_version").as_deref(), Some("96.10.5F.00.01"));
    assert_eq!(shown("switch.0.gpu_pdis").as_deref(), Some("0101010101010101,0909090909090909"));
    assert_eq!(shown("switch.0.fwid"), None, "switches do not report their firmware's digest");
    assert_eq!(authentic.claims().get(switch::FWID_MATCH.device(0)), None);
}

#[test]
fn the_versioned_format_is_read_by_its_header() {
    let versioned = |change: fn(&mut Header)| {
        claims(|scene| {
            let mut opaque = scene.report.opaque.clone().versioned();
            opaque.header.as_mut().map(change).unwrap();
            scene.report.opaque = opaque;
        })
    };
    let plain = versioned(|_| {});
    assert_eq!(shown(&plain, "gpu.0.opaque_data_version").as_deref(), Some("2"), "the stray entry says 512");
    assert_eq!(shown(&plain, "gpu.0.min_svn.37").as_deref(), Some("7"));
    assert_eq!(shown(&plain, "gpu.0.driver_version").as_deref(), Some("580.159.03"));
    assert_eq!(
        shown(&versioned(|header| header.version = [1, 9, 9]), "gpu.0.opaque_data_version").as_deref(),
        Some("1")
    );

    type Change = fn(&mut Header);
    let table: [(Change, Code); 5] = [
        (|header| header.version = [3, 0, 0], Code::NvidiaOpaqueVersion),
        (|header| header.profile = 1, Code::NvidiaOpaqueData),
        (|header| header.profile = 256, Code::NvidiaOpaqueData),
        (|header| header.padding = 1, Code::NvidiaOpaqueData),
        // Read as the plain format, its first entry is longer than the data.
        (|header| header.magic = *b"NVDAOE", Code::NvidiaOpaqueData),
    ];
    for (number, (change, code)) in table.into_iter().enumerate() {
        let changed = |scene: &mut Scene| {
            scene.report.opaque = scene.report.opaque.clone().versioned();
            scene.report.opaque.header.as_mut().map(change).unwrap();
        };
        assert_eq!(refused(changed), code, "change {number}");
    }
    for data in [&[][..], &[1], &[1, 2, 3]] {
        let svn = |scene: &mut Scene| {
            scene.report.opaque = scene.report.opaque.clone().versioned();
            scene.report.opaque.set(entry::FSP_UCODE_SVN, data);
        };
        assert_eq!(refused(svn), Code::NvidiaOpaqueData, "a security version of {} bytes", data.len());
    }
    assert_eq!(
        refused(|scene| scene.report.opaque.set(entry::OPAQUE_DATA_VERSION, &[3, 0])),
        Code::NvidiaOpaqueVersion,
        "the plain format has its version in an entry"
    );
}

/// Opaque data that a driver of CUDA 13.5 wrote, in a report of the simulator's with a certificate for that firmware.
#[test]
fn genuine_opaque_data_of_the_versioned_format_are_read() {
    #[expect(clippy::disallowed_methods, reason = "tests find the vectors folder by the environment")]
    let Some(folder) = std::env::var_os("PROOFTRAIL_VECTORS") else { return };
    let genuine =
        std::fs::read(std::path::Path::new(&folder).join("nvgpu/nvdaod/opaque_v2_hopper_620.12.bin")).unwrap();
    // Type 20, value type 1, 48 bytes.
    let at = genuine.windows(6).position(|window| window == [20, 0, 1, 0, 48, 0]).unwrap() + 6;
    let fwid: [u8; 48] = genuine[at..at + 48].try_into().unwrap();
    let read = claims(|scene| {
        let dice = composite_device_id(&scene.device.identity.key.subject_public_key_info(), fwid);
        scene.device.attestation.set_extension(dice);
        scene.report.opaque.raw = Some(genuine.clone());
    });
    for (name, value) in [
        ("gpu.0.opaque_data_version", "2"),
        ("gpu.0.driver_version", "620.12"),
        ("gpu.0.vbios_version", "96.00.D9.00.0F"),
        ("gpu.0.project", "G520"),
        ("gpu.0.project_sku", "0201"),
        ("gpu.0.chip_sku", "884"),
        ("gpu.0.nvdec0_enabled", "true"),
        ("gpu.0.protected_pcie", "false"),
        ("gpu.0.feature", "spt"),
        ("gpu.0.min_svn.37", "0"),
        ("gpu.0.fwid", &hex::encode(fwid)),
    ] {
        assert_eq!(shown(&read, name).as_deref(), Some(value), "{name}");
    }
    // Cut anywhere but between two entries (17 of them), nothing is read.
    let whole = (0..genuine.len()).filter(|length| {
        let mut scene = Scene::of(Chip::Hopper);
        scene.report.opaque.raw = Some(genuine[..*length].to_vec());
        let refused = scene.told(Told::default()).err().map(|refusal| refusal.reason.code);
        refused != Some(Code::NvidiaOpaqueData)
    });
    // No data at all are a plain list without entries.
    assert_eq!(whole.count(), 1 + 17);
}

#[test]
fn entries_of_another_form_than_their_type_s_are_refused() {
    for (chip, id, data) in [
        (Chip::Hopper, entry::FWID, &[1; 47][..]),
        (Chip::Hopper, entry::FWID, &[]),
        (Chip::Hopper, entry::VBIOS_VERSION, &[0; 7]),
        (Chip::Hopper, entry::VBIOS_VERSION, b"96.10.55.00.01"),
        (Chip::Hopper, entry::DRIVER_VERSION, b"580\0x"),
        (Chip::Hopper, entry::DRIVER_VERSION, b"5 8"),
        (Chip::Hopper, entry::DRIVER_VERSION, &[0xC3, 0xA9]),
        (Chip::Hopper, entry::NVDEC0_STATUS, &[0x54]),
        (Chip::Hopper, entry::NVDEC0_STATUS, &[0x55, 0]),
        (Chip::Hopper, entry::PROTECTED_PCIE_STATUS, &[1]),
        (Chip::Hopper, entry::FEATURE_FLAG, &[0]),
        (Chip::Hopper, entry::OPAQUE_DATA_VERSION, &[1]),
        (Chip::Hopper, entry::SWITCH_PDI, &[7; 136]),
        (Chip::Hopper, entry::SWITCH_PDI, &[7; 145]),
        (Chip::Switch, entry::SWITCH_PDI, &[7; 9]),
        (Chip::Switch, entry::GPU_PDIS, &[7; 127]),
        (Chip::Switch, entry::GPU_PDIS, &[7; 136]),
        (Chip::Switch, entry::VBIOS_VERSION, &[0x96, 0x10]),
    ] {
        let code = refused_on(chip, |scene| scene.report.opaque.set(id, data));
        assert_eq!(code, Code::NvidiaOpaqueData, "{chip:?}: {id} {data:?}");
    }
    let twice = |scene: &mut Scene| {
        let first = scene.report.opaque.entries[0].clone();
        scene.report.opaque.entries.push(first);
    };
    assert_eq!(refused(twice), Code::NvidiaOpaqueData);
    let many = |scene: &mut Scene| {
        let entries = (1000..1200).map(|id| OpaqueEntry { id, value_type: value_type::BYTES, data: Vec::new() });
        scene.report.opaque.entries.extend(entries);
    };
    assert_eq!(refused(many), Code::NvidiaOpaqueData);
}

#[test]
fn reports_of_another_form_are_refused_though_they_are_signed() {
    type Change = fn(&mut Report);
    let flip = |offset: usize| Edit::FlipBit { offset, bit: 0 };
    for offset in [0, 1, 2, 3, 36, 37, 38, 39, 40] {
        assert_eq!(
            refused(|scene| scene.report.before.push(flip(offset))),
            Code::NvidiaReportMalformed,
            "byte {offset}"
        );
    }
    let table: [(&str, Change, Code); 12] = [
        ("a block less than stated", |r| r.before.push(Edit::FlipBit { offset: 41, bit: 0 }), Code::NvidiaMeasurements),
        (
            "a block more than stated",
            |r| {
                r.blocks.pop();
                r.before.push(Edit::FlipBit { offset: 41, bit: 6 });
            },
            Code::NvidiaMeasurements,
        ),
        ("specification 2", |r| r.blocks[0].specification = 2, Code::NvidiaMeasurements),
        ("a raw value", |r| r.blocks[9].value_type = 0x81, Code::NvidiaMeasurements),
        ("a value of 47 bytes", |r| r.blocks[9].value.truncate(47), Code::NvidiaMeasurements),
        ("a value of 64 bytes", |r| r.blocks[9].value.resize(64, 0), Code::NvidiaMeasurements),
        ("index 0", |r| r.blocks[0].index = 0, Code::NvidiaMeasurements),
        ("an index twice", |r| r.blocks[4].index = 4, Code::NvidiaMeasurements),
        ("indices out of order", |r| r.blocks.swap(4, 5), Code::NvidiaMeasurements),
        ("a byte behind the signature", |r| r.after.push(Edit::Append(vec![0])), Code::NvidiaTrailingBytes),
        ("no signature", |r| r.after.push(Edit::Truncate { len: 4000 }), Code::NvidiaReportMalformed),
        ("text", |r| r.after.push(Edit::Become(b"{}".to_vec())), Code::NvidiaReportMalformed),
    ];
    for (name, change, code) in table {
        assert_eq!(refused(|scene| change(&mut scene.report)), code, "{name}");
    }
    let with_gap = claims(|scene| {
        scene.report.blocks.remove(9);
        scene.report.blocks.push(Block::new(200, [7; 48]));
    });
    assert_eq!(with_gap.get(gpu::MEASUREMENT.device_at(0, 10)), None);
    assert_eq!(with_gap.get(gpu::MEASUREMENT.device_at(0, 200)), Some(&Value::from([7; 48].as_slice())));
    let large = |scene: &mut Scene| scene.report.opaque.set(999, &[0; 6000]);
    assert_eq!(refused(large), Code::EvidenceTooLarge);
}

#[test]
fn the_kinds_do_not_pass_for_each_other() {
    let (gpu, switch) = (Scene::of(Chip::Hopper), Scene::of(Chip::Switch));
    let as_other = |scene: &Scene, kind| {
        let files = [scene.device.chain_pem().into_bytes()];
        appraise(kind, &scene.evidence(), &files, &roots_of(&scene.device), Told::default()).unwrap_err().reason.code
    };
    assert_eq!(as_other(&gpu, Kind::NvidiaSwitch), Code::NvidiaOpaqueData);
    assert_eq!(as_other(&switch, Kind::NvidiaGpu), Code::NvidiaOpaqueData);
    // A switch that writes what a GPU writes is one all the same.
    let mut disguised = Scene::of(Chip::Switch);
    disguised.report = gpu.report;
    assert_eq!(as_other(&disguised, Kind::NvidiaGpu), Code::ChainName);
}

#[test]
fn every_flipped_bit_is_refused() {
    let scene = Scene::of(Chip::Blackwell);
    let (roots, files) = (roots_of(&scene.device), [scene.device.chain_pem().into_bytes()]);
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
    let mut bytes = scene.evidence();
    assert!(authenticate(Kind::NvidiaGpu, &bytes, &context).is_ok());
    for place in 0..bytes.len() {
        bytes[place] ^= 1 << (place % 8);
        assert!(authenticate(Kind::NvidiaGpu, &bytes, &context).is_err(), "byte {place}");
        bytes[place] ^= 1 << (place % 8);
    }
    for length in 0..bytes.len() {
        assert!(authenticate(Kind::NvidiaGpu, &bytes[..length], &context).is_err(), "{length} bytes");
    }
    let [leaf, others @ ..] = scene.device.chain();
    for place in (0..leaf.len()).step_by(3) {
        let mut leaf = leaf.clone();
        leaf[place] ^= 1 << (place % 8);
        let chain = [&[leaf][..], &others].concat();
        let Ok(endorsements) = Endorsements::read(&AwsLc, [pem(&chain).as_slice()]) else { continue };
        let context = Context { endorsements: &endorsements, ..context };
        assert!(authenticate(Kind::NvidiaGpu, &bytes, &context).is_err(), "byte {place} of the leaf");
    }
}

/// Certificates in PEM.
fn pem(certificates: &[Vec<u8>]) -> Vec<u8> {
    prooftrail_simulator::nvidia::pem(certificates).into_bytes()
}

#[test]
fn only_the_certified_key_s_signature_counts() {
    assert_eq!(refused(|scene| scene.signer = Some(Key::p384("somebody"))), Code::NvidiaSignature);
    assert_eq!(refused(|scene| scene.signer = Some(scene.device.identity.key.clone())), Code::NvidiaSignature);
    let other = Device::new("rules", Chip::Hopper, 2);
    assert_eq!(refused(|scene| scene.signer = Some(other.attestation.key.clone())), Code::NvidiaSignature);

    let mut scene = Scene::of(Chip::Hopper);
    let id = scene.accepted().evidence_id();
    scene.report.twin = true;
    assert_eq!(scene.accepted().evidence_id(), id, "a signature's twin is the same evidence");
    scene.report.response_nonce = [0; 32];
    assert_ne!(scene.accepted().evidence_id(), id);
}

#[test]
fn the_chain_is_five_certificates_in_one_order() {
    let scene = Scene::of(Chip::Hopper);
    let [leaf, identity, provisioner, family, root] = scene.device.chain();
    let other_root = Device::new("another root", Chip::Hopper, 1);
    let code = |chain: &[&Vec<u8>]| {
        let file = pem(&chain.iter().map(|der| (*der).clone()).collect::<Vec<_>>());
        let appraised =
            appraise(Kind::NvidiaGpu, &scene.evidence(), &[file], &roots_of(&scene.device), Told::default());
        appraised.map(|_| ()).map_err(|refusal| refusal.reason.code)
    };
    assert_eq!(code(&[&leaf, &identity, &provisioner, &family, &root]), Ok(()));
    for (chain, expected) in [
        (vec![&leaf, &identity, &provisioner, &family], Code::ChainLength),
        (vec![&leaf, &identity, &family, &root], Code::ChainLength),
        (vec![&leaf, &identity, &provisioner, &family, &family, &root], Code::ChainLength),
        (vec![&leaf, &identity, &provisioner, &family, &root, &root], Code::ChainLength),
        (vec![&root, &family, &provisioner, &identity, &leaf], Code::ChainRootNotPinned),
        (vec![&leaf, &provisioner, &identity, &family, &root], Code::ChainOrder),
        (vec![&leaf, &leaf, &provisioner, &family, &root], Code::ChainOrder),
        (vec![&identity, &identity, &provisioner, &family, &root], Code::ChainOrder),
        (vec![&leaf, &identity, &provisioner, &family, &other_root.root_der()], Code::ChainRootNotPinned),
        (vec![&leaf], Code::NvidiaChainMissing),
        (vec![&leaf, &identity], Code::NvidiaChainMissing),
    ] {
        assert_eq!(code(&chain), Err(expected), "{} certificates", chain.len());
    }
    let none = appraise(Kind::NvidiaGpu, &scene.evidence(), &[], &roots_of(&scene.device), Told::default());
    assert_eq!(none.unwrap_err().reason.code, Code::NvidiaChainMissing);
    let foreign = appraise(
        Kind::NvidiaGpu,
        &scene.evidence(),
        &[scene.device.chain_pem().into_bytes()],
        &roots_of(&other_root),
        Told::default(),
    );
    assert_eq!(foreign.unwrap_err().reason.code, Code::NvidiaChainMissing, "it names no root of ours");
}

#[test]
fn every_certificate_must_fit_the_profile() {
    type Change = fn(&mut Device);
    let table: [(&str, Change, Code); 13] = [
        (
            "the provisioner is no CA",
            |d| d.provisioner.set_extension(Extension::basic_constraints(false, None)),
            Code::ChainNotCa,
        ),
        (
            "the device is no CA",
            |d| d.identity.set_extension(Extension::basic_constraints(false, None)),
            Code::ChainNotCa,
        ),
        (
            "the leaf is one",
            |d| d.attestation.set_extension(Extension::basic_constraints(true, None)),
            Code::ChainLeafIsCa,
        ),
        (
            "the device may not certify",
            |d| d.identity.set_extension(Extension::key_usage(&[KeyUsage::DigitalSignature])),
            Code::ChainKeyUsage,
        ),
        (
            "the leaf may not sign",
            |d| d.attestation.set_extension(Extension::key_usage(&[KeyUsage::KeyAgreement])),
            Code::ChainKeyUsage,
        ),
        (
            "the family allows no CA below",
            |d| d.family.set_extension(Extension::basic_constraints(true, Some(1))),
            Code::ChainPathLength,
        ),
        (
            "a critical extension",
            |d| d.attestation.extension_mut(COMPOSITE_DEVICE_ID).critical = true,
            Code::ChainExtension,
        ),
        (
            "a key on P-256",
            |d| d.attestation.subject_public_key_info = Some(Key::p256("leaf").subject_public_key_info()),
            Code::ChainKeyType,
        ),
        ("a provisioner's key on P-256", |d| d.provisioner.key = Key::p256("provisioner"), Code::ChainKeyType),
        ("another issuer's name", |d| d.attestation.issuer = Some(d.family.subject.clone()), Code::ChainOrder),
        ("signed by somebody", |d| d.identity.signing.key = Some(Key::p384("somebody")), Code::ChainSignature),
        ("ended", |d| d.provisioner.not_after = AT - 1, Code::TimeExpired),
        ("not begun", |d| d.attestation.not_before = AT + 1, Code::TimeNotYetValid),
    ];
    for (name, change, code) in table {
        assert_eq!(refused(|scene| change(&mut scene.device)), code, "{name}");
    }
    let mut scene = Scene::of(Chip::Hopper);
    scene.device.identity.not_after = AT;
    assert_eq!(scene.accepted().valid_until(), at(0).end_of_second());
}

#[test]
fn names_must_be_those_of_one_device() {
    let name = |certificate: fn(&mut Device) -> &mut CertificateSpec, oid, text: &str| {
        let text = text.to_owned();
        refused(|scene| *certificate(&mut scene.device).subject.attribute_mut(oid) = text)
    };
    type Place = fn(&mut Device) -> &mut CertificateSpec;
    let table: [(Place, &[&str]); 4] = [
        (
            |d| &mut d.attestation,
            &["GH100 A01 GSP", "GH100 A01 GSP BROM", "GH100 A02 GSP FMC LF", "GB100 A01 GSP FMC LF", ""],
        ),
        (
            |d| &mut d.identity,
            &["GH100 A01 GSP", "GB100 A01 GSP BROM", "XX100 A01 GSP BROM", "LS_10 A01 GSP BROM", "BROM"],
        ),
        (
            |d| &mut d.provisioner,
            &[
                "NVIDIA GB100 Provisioner ICA 1",
                "NVIDIA GH100 Provisioner ICA ",
                "NVIDIA GH100 Provisioner ICA x",
                "NVIDIA GH100 Identity",
            ],
        ),
        (|d| &mut d.family, &["NVIDIA GB100 Identity", "NVIDIA Identity", "NVIDIA LS_10 Identity", "GH100 Identity"]),
    ];
    for (certificate, texts) in table {
        for text in texts {
            assert_eq!(name(certificate, oid::COMMON_NAME, text), Code::ChainName, "{text}");
        }
    }
    // The prefix is a switch's, the number is too short, no number, in other than hexadecimal digits.
    for text in ["50FFEEB20009E0BE49", "41FFEEB20009E0BE", "", "41FFEEB20009E0BEXY"] {
        assert_eq!(name(|d| &mut d.identity, oid::SERIAL_NUMBER, text), Code::ChainName, "{text}");
    }
    let twice = |scene: &mut Scene| {
        let first = scene.device.identity.subject.0[0].clone();
        scene.device.identity.subject.0.push(first);
    };
    assert_eq!(refused(twice), Code::ChainName);
    let other = |scene: &mut Scene| {
        *scene.device.provisioner.subject.attribute_mut(oid::COMMON_NAME) =
            "NVIDIA GH100 Provisioner ICA 00042".to_owned();
    };
    claims(other);
}

#[test]
fn firmware_ids_are_certified_and_reported_alike() {
    for chip in [Chip::Hopper, Chip::Blackwell] {
        assert_eq!(refused_on(chip, |scene| scene.report.opaque.set(entry::FWID, &[7; 48])), Code::NvidiaFwidMismatch);
        let mut scene = Scene::of(chip);
        scene.report.opaque.remove(entry::FWID);
        let authentic = scene.accepted();
        assert_eq!(authentic.claims().get(gpu::FWID.device(0)), None, "older drivers do not report it");
        assert_eq!(authentic.claims().get(gpu::FWID_MATCH.device(0)), None);
    }
    let without = |scene: &mut Scene| scene.device.attestation.remove_extension(COMPOSITE_DEVICE_ID);
    assert_eq!(refused(without), Code::NvidiaFwidMismatch, "what nobody certified");
    claims(|scene| {
        without(scene);
        scene.report.opaque.remove(entry::FWID);
    });
    let key_of = |key: Key| {
        move |scene: &mut Scene| {
            let dice = composite_device_id(&key.subject_public_key_info(), scene.device.fwid);
            scene.device.attestation.set_extension(dice);
        }
    };
    assert_eq!(refused(key_of(Key::p384("another device"))), Code::NvidiaFwidKey);
    let on_a_switch = |scene: &mut Scene| key_of(Key::p384("another device"))(scene);
    assert_eq!(refused_on(Chip::Switch, on_a_switch), Code::NvidiaFwidKey, "though it reports no firmware id");
    claims(|scene| {
        // Either form will do.
        let fwid = scene.device.fwid;
        scene.device.attestation.remove_extension(COMPOSITE_DEVICE_ID);
        scene.device.attestation.set_extension(tcb_info("GH100 A01 GSP", &[fwid]));
    });
    let both = |scene: &mut Scene| {
        let fwid = scene.device.fwid;
        scene.device.attestation.set_extension(tcb_info("GH100 A01 GSP", &[fwid]));
    };
    assert_eq!(refused(both), Code::NvidiaFwidExtension);
    let second = |scene: &mut Scene| {
        let fwid = scene.device.fwid;
        scene.device.attestation.set_extension(tcb_info("GB100 A01 GSP", &[[0; 48], fwid]));
    };
    assert_eq!(refused_on(Chip::Blackwell, second), Code::NvidiaFwidMismatch, "the first of the list counts");
}

#[test]
fn a_certified_firmware_id_that_cannot_be_read_is_refused() {
    let sha384 = || der::object_identifier(oid::SHA384);
    let digest = |bytes: &[u8]| der::sequence([sha384(), der::octet_string(bytes)]);
    let key = Scene::of(Chip::Hopper).device.identity.key.subject_public_key_info();
    for (number, value) in [
        Vec::new(),
        der::sequence([]),
        der::sequence([der::small_integer(2), key.clone(), digest(&[1; 48])]),
        der::sequence([der::small_integer(1), digest(&[1; 48])]),
        der::sequence([der::small_integer(1), key.clone(), digest(&[1; 47])]),
        der::sequence([der::small_integer(1), key.clone(), digest(&[1; 48]), der::null()]),
        der::sequence([der::small_integer(1), key.clone(), der::sequence([sha384(), der::bit_string(0, &[1; 47])])]),
        der::sequence([der::small_integer(1), der::octet_string(&key), digest(&[1; 48])]),
        der::sequence([
            der::small_integer(1),
            key.clone(),
            der::sequence([der::object_identifier(oid::ECDSA_WITH_SHA384), der::octet_string(&[1; 48])]),
        ]),
        [der::sequence([der::small_integer(1), key, digest(&[1; 48])]), vec![0]].concat(),
    ]
    .into_iter()
    .enumerate()
    {
        let set = |scene: &mut Scene| {
            scene.device.attestation.set_extension(Extension::new(COMPOSITE_DEVICE_ID, false, value));
        };
        assert_eq!(refused(set), Code::NvidiaFwidExtension, "form {number} of Hopper");
    }
    for (number, value) in [
        Vec::new(),
        der::sequence([]),
        der::sequence([der::context_primitive(0, b"NVIDIA")]),
        der::sequence([der::context(6, &[])]),
        der::sequence([der::context(6, &digest(&[1; 32]))]),
        der::sequence([der::context(6, &[digest(&[1; 48]), der::null()].concat())]),
        der::sequence([der::context_primitive(6, &digest(&[1; 48]))]),
        der::sequence([der::context(6, &digest(&[1; 48])), der::context(6, &digest(&[2; 48]))]),
        der::sequence([der::context_primitive(7, &[0]), der::context(6, &digest(&[1; 48]))]),
        der::sequence([der::null(), der::context(6, &digest(&[1; 48]))]),
        [der::sequence([der::context(6, &digest(&[1; 48]))]), vec![0]].concat(),
    ]
    .into_iter()
    .enumerate()
    {
        let set = |scene: &mut Scene| scene.device.attestation.set_extension(Extension::new(TCB_INFO, false, value));
        assert_eq!(refused_on(Chip::Blackwell, set), Code::NvidiaFwidExtension, "form {number} of Blackwell");
    }
}

#[test]
fn a_switch_says_which_it_is() {
    let other = |scene: &mut Scene| scene.report.opaque.set(entry::SWITCH_PDI, &[7; 8]);
    assert_eq!(refused_on(Chip::Switch, other), Code::NvidiaDeviceMismatch);
    let mut silent = Scene::of(Chip::Switch);
    silent.report.opaque.remove(entry::SWITCH_PDI);
    silent.accepted();
}

#[test]
fn nonces_are_compared_and_published_ones_are_named() {
    let told = |expected| Told { expected, ..Told::default() };
    let nonce = |nonce: &'static [u8]| told(Expected { nonce: Some(nonce), ..Expected::default() });
    let scene = Scene::of(Chip::Hopper);
    assert!(scene.told(nonce(&NONCE)).unwrap().nonce_matched());
    for other in [&[7; 32][..], &NONCE[..31], &[], b"a nonce of exactly 32 characters and more"] {
        assert_eq!(scene.told(nonce(other)).unwrap_err().reason.code, Code::BindingNonceMismatch);
    }
    // In a release a device carries the value of its kind, whatever the caller's nonce is.
    let attached: [(Kind, Box<[u8]>); 2] =
        [(Kind::NvidiaSwitch, Box::new([7; 32])), (Kind::NvidiaGpu, Box::new(NONCE))];
    let own = Expected { nonce: Some(&[9; 32]), attached: &attached, ..Expected::default() };
    assert!(scene.told(told(own)).unwrap().nonce_matched());
    let switch = Scene::of(Chip::Switch);
    assert_eq!(switch.told(told(own)).unwrap_err().reason.code, Code::BindingNonceMismatch);
    let without = Expected { nonce: Some(&NONCE), attached: &attached[..1], ..Expected::default() };
    assert!(scene.told(told(without)).unwrap().nonce_matched(), "no value of its own: the caller's nonce");

    for published in
        ["931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb", &"11".repeat(32), &"00".repeat(32)]
    {
        let nonce: [u8; 32] = hex::decode(published).unwrap().try_into().unwrap();
        let claims = claims(|scene| scene.report.nonce = nonce);
        assert_eq!(claims.bool(gpu::SAMPLE_NONCE.device(0)), Some(true), "{published}");
    }
}

/// Two GPUs, changed, as a list with their certificates inside.
fn list_refused(change: impl FnOnce(&mut [(Device, Report); 2], &mut List)) -> Code {
    let mut gpus = [1, 2].map(|number| {
        let device = Device::new("rules", Chip::Hopper, number);
        let report = device.report(NONCE);
        (device, report)
    });
    let mut list = List::of(gpus.iter().map(|(device, report)| (device, report)));
    change(&mut gpus, &mut list);
    let roots = roots_of(&gpus[0].0);
    appraise(Kind::NvidiaGpu, &list.build(), &[], &roots, Told::default()).unwrap_err().reason.code
}

#[test]
fn the_devices_of_a_machine_are_numbered_in_their_order() {
    let machine = Machine::new("rules", 1, NONCE, NONCE);
    let roots = roots_of(&machine.gpus[0].0);
    let told = Told { expected: Expected { nonce: Some(&NONCE), ..Expected::default() }, ..Told::default() };
    let gpus = appraise(Kind::NvidiaGpu, &machine.gpu_list().build(), &[], &roots, told).unwrap();
    let switches = appraise(Kind::NvidiaSwitch, &machine.switch_list().build(), &[], &roots, told).unwrap();
    assert!(gpus.nonce_matched() && switches.nonce_matched());
    for (n, (device, _)) in machine.gpus.iter().enumerate() {
        assert_eq!(shown(gpus.claims(), &format!("gpu.{n}.pdi")), Some(hex::encode(device.pdi)));
        assert_eq!(shown(gpus.claims(), &format!("gpu.{n}.feature")).as_deref(), Some("ppcie"));
    }
    let mut named: Vec<_> = machine.switches.iter().map(|(device, _)| hex::encode(device.pdi)).collect();
    named.sort();
    assert_eq!(shown(gpus.claims(), "gpu.3.switch_pdis"), Some(named.join(",")));
    assert_eq!(shown(gpus.claims(), "gpu.8.pdi"), None);
    assert_eq!(gpus.claims().get(cross_vendor::HARDWARE_ID), None, "several devices are no one hardware");
    assert_eq!(shown(switches.claims(), "switch.3.pdi"), Some(hex::encode(machine.switches[3].0.pdi)));
    let names: Vec<_> = gpus.checks().iter().map(|check| check.name).collect();
    assert_eq!(names.len(), names.iter().collect::<std::collections::BTreeSet<_>>().len(), "one check of a kind");
    assert_eq!(gpus.inputs().len(), 1, "certificates inside the evidence are the evidence");
    assert_eq!(identify(&machine.gpu_list().build()).unwrap().kind, Kind::NvidiaGpu);
    assert_eq!(identify(&machine.switch_list().build()).unwrap().kind, Kind::NvidiaSwitch);
}

#[test]
fn a_list_of_one_is_the_same_evidence_as_the_report_alone() {
    let scene = Scene::of(Chip::Blackwell);
    let alone = scene.accepted();
    let list = List::of([(&scene.device, &scene.report)]);
    let listed =
        appraise(Kind::NvidiaGpu, &list.build(), &[], &roots_of(&scene.device), Told::default()).expect("authentic");
    assert_eq!(listed.evidence_id(), alone.evidence_id());
    assert_eq!(listed.claims(), alone.claims());
    let machine = Machine::new("rules", 1, NONCE, NONCE);
    let roots = roots_of(&machine.gpus[0].0);
    let id = |list: &List| {
        appraise(Kind::NvidiaGpu, &list.build(), &[], &roots, Told::default()).expect("authentic").evidence_id()
    };
    let whole = id(&machine.gpu_list());
    let mut list = machine.gpu_list();
    list.after = vec![Edit::Append(b"\n ".to_vec())];
    assert_eq!(id(&list), whole, "white space is no evidence");
    list.entries.swap(0, 1);
    assert_ne!(id(&list), whole, "the order numbers the devices");
    list.entries.pop();
    assert_ne!(id(&list), whole);
}

#[test]
fn what_stands_in_one_piece_belongs_together() {
    assert_eq!(list_refused(|_, list| list.entries.push(list.entries[0].clone())), Code::NvidiaDeviceTwice);
    let other_nonce = |gpus: &mut [(Device, Report); 2], list: &mut List| {
        let (device, report) = &mut gpus[1];
        report.nonce = [7; 32];
        list.entries[1] = List::of([(&*device, &*report)]).entries.remove(0);
    };
    assert_eq!(list_refused(other_nonce), Code::NvidiaNoncesDiffer);
    assert_eq!(list_refused(|_, list| list.entries[1].arch = "BLACKWELL".to_owned()), Code::NvidiaDeviceMismatch);
    assert_eq!(list_refused(|_, list| list.entries[1].nonce = "07".repeat(32)), Code::NvidiaDeviceMismatch);
    let swapped = |_: &mut [(Device, Report); 2], list: &mut List| {
        let (first, second) = list.entries.split_at_mut(1);
        std::mem::swap(&mut first[0].evidence, &mut second[0].evidence);
    };
    assert_eq!(list_refused(swapped), Code::NvidiaSignature, "one GPU's report with another's certificates");
}

#[test]
fn lists_of_another_form_are_refused() {
    type Change = fn(&mut List);
    let replace = |find: &str, with: &str| Edit::Replace { find: find.into(), with: with.into() };
    for (find, with) in [
        ("\"arch\"", "\"architecture\""),
        ("\"evidence\"", "\"Evidence\""),
        ("\"certificate\": \"", "\"certificate\": \"*"),
        ("\"evidence\": \"", "\"evidence\": \" "),
        ("\"version\": \"1.0\"", "\"arch\": \"HOPPER\""),
        ("\"nonce\": \"61", "\"nonce\": \"0x61"),
        ("\"nonce\": \"61", "\"nonce\": \""),
        ("\n]", "\n] []"),
        ("\n]", ",\n]"),
        ("\"HOPPER\"", "7"),
    ] {
        let edit = replace(find, with);
        assert_eq!(list_refused(|_, list| list.after.push(edit)), Code::NvidiaEnvelope, "{find} {with}");
    }
    let table: [(&str, Change, Code); 6] = [
        ("no device", |list| list.entries.clear(), Code::NvidiaEnvelope),
        ("too many", |list| list.entries = vec![list.entries[0].clone(); 17], Code::NvidiaEnvelope),
        ("no certificates", |list| list.entries[0].certificate.clear(), Code::ChainLength),
        (
            "too many certificates",
            |list| list.entries[0].certificate = list.entries[0].certificate.repeat(2),
            Code::NvidiaEnvelope,
        ),
        ("no PEM", |list| list.entries[0].certificate = "certificate".to_owned(), Code::NvidiaEnvelope),
        ("an empty report", |list| list.entries[0].evidence.clear(), Code::NvidiaReportMalformed),
    ];
    for (name, change, code) in table {
        assert_eq!(list_refused(|_, list| change(list)), code, "{name}");
    }
    assert_eq!(
        list_refused(|_, list| list.entries[1].evidence.push(0)),
        Code::NvidiaTrailingBytes,
        "a byte behind a report inside a list"
    );
}

#[test]
fn reports_without_certificates_find_theirs_among_several_chains() {
    let machine = Machine::new("rules", 1, NONCE, NONCE);
    let roots = roots_of(&machine.gpus[0].0);
    let chains: Vec<_> = machine.gpus.iter().map(|(device, _)| device.chain_pem().into_bytes()).collect();
    for (device, report) in &machine.gpus {
        let authentic =
            appraise(Kind::NvidiaGpu, &device.sign(report), &chains, &roots, Told::default()).expect("authentic");
        assert_eq!(authentic.claims().get(gpu::PDI.device(0)), Some(&Value::from(device.pdi.as_slice())));
    }
    let (device, report) = &machine.gpus[7];
    let others = &chains[..7];
    let refusal = appraise(Kind::NvidiaGpu, &device.sign(report), others, &roots, Told::default()).unwrap_err();
    assert_eq!(refusal.reason.code, Code::NvidiaSignature);
    // Other vendors' chains are none of ours.
    let stranger = Device::new("another root", Chip::Hopper, 1).chain_pem().into_bytes();
    let files = [stranger, chains[7].clone()];
    appraise(Kind::NvidiaGpu, &device.sign(report), &files, &roots, Told::default()).expect("authentic");
}

#[test]
fn lists_speak_of_authorities_only() {
    let list = |issuer: &CertificateSpec, revoked: &[&[u8]]| CrlSpec::issued_by(issuer, AT - 3600, revoked).build();
    let mut scene = Scene::of(Chip::Hopper);
    scene.crls = vec![list(&scene.device.root, &[]), list(&scene.device.family, &[])];
    let authentic = scene.accepted();
    assert_eq!(
        shown(authentic.claims(), "revocation").as_deref(),
        Some("not_checked"),
        "of the device nothing is known"
    );
    assert_eq!(shown(authentic.claims(), "revocation_scope").as_deref(), Some("deny_list"));
    assert_eq!(authentic.inputs().iter().filter(|input| input.role == "crl").count(), 2);
    let required = Told { mode: RevocationMode::Required, ..Told::default() };
    assert_eq!(scene.told(required).unwrap_err().reason.code, Code::RevocationNotChecked);
    let off = Told { mode: RevocationMode::Off, ..Told::default() };
    assert_eq!(shown(scene.told(off).unwrap().claims(), "revocation_scope"), None);
    for revoked in [0, 1] {
        let [provisioner, family] = [&scene.device.provisioner.serial, &scene.device.family.serial];
        let serials: [&[&[u8]]; 2] = if revoked == 0 { [&[], &[provisioner]] } else { [&[family], &[]] };
        let [by_root, by_family] = serials;
        let crls = vec![list(&scene.device.root, by_root), list(&scene.device.family, by_family)];
        let scene = Scene { crls, ..Scene::of(Chip::Hopper) };
        assert_eq!(scene.refused().code, Code::RevocationRevoked);
    }
}

#[test]
fn what_is_remembered_of_a_gpu_makes_it_no_switch() {
    let gpu = Scene::of(Chip::Hopper);
    // A switch's report by a GPU's key: whoever has a GPU could make one, if its certificates were read as a switch's.
    let mut switch = Device::new("rules", Chip::Switch, 1).report(NONCE);
    switch.opaque = Opaque::of_switch("96.10.55.00.01", gpu.device.pdi);
    let forged = gpu.device.sign(&switch);
    let (roots, chain) = (roots_of(&gpu.device), gpu.device.chain_pem().into_bytes());
    let endorsements = Endorsements::read(&AwsLc, [chain.as_slice()]).unwrap();
    let appraise = |kind, evidence: &[u8], issuers: &dyn VerifiedIssuers| {
        let (crypto, roots, endorsements): (&dyn Crypto, _, _) = (&AwsLc, &roots, &endorsements);
        let Told { expected, at, mode, .. } = Told::default();
        let revocation = Revocation { nvidia: mode, ..Revocation::default() };
        authenticate(kind, evidence, &Context { crypto, roots, endorsements, issuers, revocation, at, expected })
    };
    let cold = appraise(Kind::NvidiaSwitch, &forged, &NoIssuers);
    assert_eq!(cold.as_ref().map_err(|refusal| refusal.reason.code).unwrap_err(), Code::ChainName);
    let cache = Everything::default();
    appraise(Kind::NvidiaGpu, &gpu.evidence(), &cache).expect("authentic");
    assert_eq!(appraise(Kind::NvidiaSwitch, &forged, &cache), cold);
}
