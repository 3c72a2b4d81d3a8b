//! Reports against reference values and against what NVIDIA says of revocation, one change at a time. Devices, RIMs and
//! responses are the simulator's, which shares no code with the verifier.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_evidence::{
    Authentic, AwsLc, Context, Crypto, Endorsements, Expected, NoIssuers, Refusal, Revocation, RevocationMode,
    RustCrypto, authenticate,
};
use prooftrail_result::{
    Kind, Outcome, ReasonCode as Code, Stage, Timestamp, TrustAnchor,
    claims::{ClaimName, gpu},
};
use prooftrail_simulator::{
    key::Key,
    nvidia::{Chip, Device, Report, entry},
    nvidia_rim::{Authority, Record, RimSpec},
    ocsp::{CertStatus, ResponseSpec},
    x509::CrlSpec,
};
use prooftrail_trust_roots::RootSet;

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const DAY: i64 = 24 * 3600;
const NONCE: [u8; 32] = *b"a nonce of exactly 32 characters";

/// Indices that the driver's RIM and the VBIOS's have values for.
const OF_DRIVER: [u16; 4] = [0, 5, 35, 63];
const OF_VBIOS: [u16; 3] = [1, 2, 9];

/// A device with its reference values, and everything around them that a test may change.
struct Scene {
    device: Device,
    report: Report,
    authority: Authority,
    rims: Vec<RimSpec>,
    responses: Vec<ResponseSpec>,
    crls: Vec<Vec<u8>>,
    mode: RevocationMode,
    at: i64,
}

impl Scene {
    fn of(chip: Chip) -> Self {
        let device = Device::new("values", chip, 1);
        let report = device.report(NONCE);
        let authority = Authority::new("values", AT);
        let rims = match chip {
            Chip::Switch => {
                let all: Vec<u16> = (0..31).collect();
                vec![with_values(authority.switch_bios("LS10", "96.10.55.00.01"), &report, &all)]
            }
            _ => vec![
                with_values(authority.driver(chip.name(), "580.159.03"), &report, &OF_DRIVER),
                with_values(authority.vbios(chip.name(), vbios(chip)), &report, &OF_VBIOS),
            ],
        };
        let (responses, crls, mode) = (Vec::new(), Vec::new(), RevocationMode::BestEffort);
        Self { device, report, authority, rims, responses, crls, mode, at: AT }
    }

    fn kind(&self) -> Kind {
        if self.device.chip == Chip::Switch { Kind::NvidiaSwitch } else { Kind::NvidiaGpu }
    }

    fn roots(&self) -> RootSet {
        let (device, values) = (self.device.root_der(), self.authority.root_der());
        let manifest = format!("{}\n{}", self.device.root_manifest(), self.authority.root_manifest());
        let file = |name: &str| Ok::<_, String>(if name.contains("rim") { values.clone() } else { device.clone() });
        RootSet::from_manifest(&manifest, TrustAnchor::Configured, file).unwrap()
    }

    /// Authenticates by both providers, which must agree.
    fn run(&self) -> Result<Authentic, Refusal> {
        let mut files = vec![self.device.chain_pem().into_bytes()];
        files.extend(self.rims.iter().map(|rim| rim.build().into_bytes()));
        files.extend(self.responses.iter().map(ResponseSpec::build));
        files.extend(self.crls.clone());
        let (roots, evidence) = (self.roots(), self.device.sign(&self.report));
        let providers: [&dyn Crypto; 2] = [&AwsLc, &RustCrypto];
        let [native, portable] = providers.map(|crypto| {
            let endorsements = Endorsements::read(crypto, files.iter().map(Vec::as_slice)).unwrap();
            let context = Context {
                crypto,
                roots: &roots,
                endorsements: &endorsements,
                issuers: &NoIssuers,
                revocation: Revocation { nvidia: self.mode, ..Revocation::default() },
                at: Timestamp::from_unix_seconds(self.at).unwrap(),
                expected: Expected::default(),
            };
            authenticate(self.kind(), &evidence, &context)
        });
        assert_eq!(native, portable);
        native
    }

    fn refused(&self) -> Code {
        let refusal = self.run().expect_err("refused");
        assert_eq!(refusal.checks.last().map(|check| check.outcome), Some(Outcome::Failed));
        refusal.reason.code
    }

    /// Responses for the device, its provisioner and the family's CA: all good.
    fn with_responses(mut self) -> Self {
        let Device { identity, provisioner, family, root, .. } = &self.device;
        self.responses = vec![
            ResponseSpec::good(identity, provisioner, AT),
            ResponseSpec::good(provisioner, family, AT),
            ResponseSpec::good(family, root, AT),
        ];
        self
    }

    /// The same, and for the signer of the reference values.
    fn with_all_responses(self) -> Self {
        let mut scene = self.with_responses();
        scene.responses.extend(scene.authority.statuses(AT));
        scene
    }
}

const fn vbios(chip: Chip) -> &'static str {
    match chip {
        Chip::Blackwell => "97.00.88.00.0F",
        _ => "96.00.74.00.20",
    }
}

/// The value that a report has at an index of reference values.
fn value(report: &Report, index: u16) -> [u8; 48] {
    report.blocks.get(usize::from(index)).unwrap().value.clone().try_into().unwrap()
}

/// A RIM that expects what a report has.
fn with_values(rim: RimSpec, report: &Report, indices: &[u16]) -> RimSpec {
    let golden = |index: &u16| Record::golden(u32::from(*index), vec![value(report, *index)]);
    indices.iter().map(golden).fold(rim, RimSpec::with)
}

fn scene(change: impl FnOnce(&mut Scene)) -> Scene {
    let mut scene = Scene::of(Chip::Hopper);
    change(&mut scene);
    scene
}

fn shown(authentic: &Authentic, name: &str) -> Option<String> {
    authentic.claims().get(name.parse::<ClaimName>().unwrap()).map(ToString::to_string)
}

/// What came of a comparison: result, indices, and why no policy can allow it.
fn outcome(scene: &Scene) -> (Option<String>, Option<String>, Vec<Code>) {
    let authentic = scene.run().expect("authentic");
    assert!(authentic.objections().iter().all(|reason| reason.stage() == Stage::Claims));
    let codes = authentic.objections().iter().map(|reason| reason.code).collect();
    (shown(&authentic, "gpu.0.measres"), shown(&authentic, "gpu.0.mismatched_indices"), codes)
}

fn changed(change: impl FnOnce(&mut Scene)) -> (Option<String>, Option<String>, Vec<Code>) {
    outcome(&scene(change))
}

fn success() -> (Option<String>, Option<String>, Vec<Code>) {
    (Some("success".to_owned()), Some(String::new()), Vec::new())
}

fn nothing() -> (Option<String>, Option<String>, Vec<Code>) {
    (None, None, Vec::new())
}

fn fail(indices: &str, codes: &[Code]) -> (Option<String>, Option<String>, Vec<Code>) {
    (Some("fail".to_owned()), Some(indices.to_owned()), codes.to_vec())
}

#[test]
fn values_that_are_met_are_named_with_the_files_that_say_so() {
    for chip in [Chip::Hopper, Chip::Blackwell] {
        let scene = Scene::of(chip);
        let authentic = scene.run().expect("authentic");
        assert_eq!(authentic.objections(), []);
        for (name, value) in [
            ("gpu.0.measres", "success".to_owned()),
            ("gpu.0.oemid", "5703".to_owned()),
            ("gpu.0.rim.driver.status", "valid".to_owned()),
            ("gpu.0.rim.vbios.status", "valid".to_owned()),
            ("gpu.0.rim.driver.version", "580.159.03".to_owned()),
            ("gpu.0.rim.vbios.version", vbios(chip).to_owned()),
            ("gpu.0.rim.driver.id", scene.rims[0].tag_id.clone()),
            ("gpu.0.rim.driver.not_after", "2027-06-01T12:00:00Z".to_owned()),
        ] {
            assert_eq!(shown(&authentic, name), Some(value), "{name}");
        }
        let file = AwsLc.sha256(&[scene.rims[0].build().as_bytes()]);
        assert_eq!(shown(&authentic, "gpu.0.rim.driver.sha256"), Some(hex::encode(file)));
        assert_eq!(authentic.inputs().iter().filter(|input| input.role == "rim").count(), 2);
        assert_eq!(authentic.inputs().iter().filter(|input| input.role == "root").count(), 2);
        let roots = shown(&authentic, "root_sha256").unwrap();
        assert_eq!(roots.split(',').count(), 2, "the verdict rests on the root of reference values as well");
        assert!(authentic.valid_until() < Timestamp::from_unix_seconds(AT + 600 * DAY).unwrap(), "the signer's end");
    }
    let switch = Scene::of(Chip::Switch).run().expect("authentic");
    assert_eq!(shown(&switch, "switch.0.measres").as_deref(), Some("success"));
    assert_eq!(shown(&switch, "switch.0.rim.bios.status").as_deref(), Some("valid"));
    assert_eq!(shown(&switch, "switch.0.oemid").as_deref(), Some("5703"));
}

#[test]
fn what_differs_is_refused_by_its_index() {
    let mismatch = &[Code::NvidiaMeasurementMismatch];
    assert_eq!(changed(|_| {}), success());
    for index in [0, 1, 2, 5, 9, 63] {
        let code = changed(|scene| scene.report.blocks[index].value[0] ^= 1);
        assert_eq!(code, fail(&index.to_string(), mismatch));
    }
    let both = |scene: &mut Scene| {
        scene.report.blocks[9].value[47] ^= 1;
        scene.report.blocks[0].value[47] ^= 1;
    };
    assert_eq!(changed(both), fail("0,9", mismatch));
    // What nobody has values for may be anything; what somebody has must be there.
    assert_eq!(changed(|scene| scene.report.blocks[7].value[0] ^= 1), success());
    assert_eq!(changed(|scene| drop(scene.report.blocks.remove(7))), success());
    assert_eq!(changed(|scene| drop(scene.report.blocks.remove(63))), fail("63", mismatch));
    let alternatives = |scene: &mut Scene| {
        let good = value(&scene.report, 5);
        scene.rims[0] = scene.rims[0].clone().with(Record::golden(5, vec![[1; 48], good]));
    };
    assert_eq!(changed(alternatives), success());
    let inactive = |scene: &mut Scene| {
        let record = Record { active: false, ..Record::golden(5, vec![[1; 48]]) };
        scene.rims[0] = scene.rims[0].clone().with(record);
    };
    assert_eq!(changed(inactive), success());
    let mut switch = Scene::of(Chip::Switch);
    switch.report.blocks[30].value[0] ^= 1;
    let authentic = switch.run().expect("authentic");
    assert_eq!(shown(&authentic, "switch.0.measres").as_deref(), Some("fail"));
    assert_eq!(shown(&authentic, "switch.0.mismatched_indices").as_deref(), Some("30"));
}

#[test]
fn the_decoder_s_firmware_counts_where_it_is_loaded() {
    let other = |scene: &mut Scene| scene.report.blocks[35].value[0] ^= 1;
    assert_eq!(changed(other), success(), "the decoder is disabled");
    let enabled = |scene: &mut Scene| {
        other(scene);
        scene.report.opaque.set(entry::NVDEC0_STATUS, &[0xAA]);
    };
    assert_eq!(changed(enabled), fail("35", &[Code::NvidiaMeasurementMismatch]));
    let silent = |scene: &mut Scene| {
        other(scene);
        scene.report.opaque.remove(entry::NVDEC0_STATUS);
    };
    assert_eq!(changed(silent), fail("35", &[Code::NvidiaMeasurementMismatch]), "nothing says that it is disabled");
}

#[test]
fn both_parts_are_needed_for_success_and_one_for_failure() {
    let partly = (None, Some(String::new()), Vec::new());
    assert_eq!(changed(|scene| drop(scene.rims.remove(0))), partly);
    assert_eq!(changed(|scene| drop(scene.rims.remove(1))), partly);
    assert_eq!(changed(|scene| scene.rims.clear()), nothing());
    let one_fails = |scene: &mut Scene| {
        scene.rims.remove(0);
        scene.report.blocks[9].value[0] ^= 1;
    };
    assert_eq!(changed(one_fails), fail("9", &[Code::NvidiaMeasurementMismatch]));
}

#[test]
fn values_are_for_the_version_and_the_product_that_the_device_reports() {
    let of_other_version = |scene: &mut Scene| scene.rims[0].version = "580.159.04".to_owned();
    assert_eq!(changed(of_other_version).0, None);
    let of_other_product = |scene: &mut Scene| scene.rims[0].product = "GB100".to_owned();
    assert_eq!(changed(of_other_product).0, None);
    let of_a_switch = |scene: &mut Scene| scene.rims[1].edition = "SWITCH".to_owned();
    assert_eq!(changed(of_a_switch).0, None);
    let in_other_letters = |scene: &mut Scene| {
        scene.report.opaque.set(entry::VBIOS_VERSION, &[0xAB, 0, 0xCD, 0x96, 0x0F, 0, 0, 0]);
        scene.rims[1].version = "96.cd.00.ab.0f".to_owned();
    };
    assert_eq!(changed(in_other_letters), success());
    let for_nobody = |scene: &mut Scene| {
        let other = scene.authority.driver("GH100", "535.86.09").with(Record::golden(0, vec![[1; 48]]));
        scene.rims.push(other);
    };
    assert_eq!(changed(for_nobody), success(), "a RIM for no device of the set is left alone");
    let without_version = |scene: &mut Scene| scene.report.opaque.remove(entry::DRIVER_VERSION);
    assert_eq!(changed(without_version).0, None);
}

#[test]
fn of_several_for_one_version_the_one_that_is_met_counts() {
    let wrong = |scene: &Scene| scene.authority.vbios("GH100", "96.00.74.00.20").with(Record::golden(9, vec![[1; 48]]));
    let before = |scene: &mut Scene| scene.rims.insert(0, wrong(scene));
    assert_eq!(changed(before), success());
    let after = |scene: &mut Scene| scene.rims.push(wrong(scene));
    assert_eq!(changed(after), success());
    let alone = |scene: &mut Scene| scene.rims[1] = wrong(scene);
    assert_eq!(changed(alone), fail("9", &[Code::NvidiaMeasurementMismatch]));
}

#[test]
fn what_two_speak_of_is_a_conflict() {
    let same_index = |scene: &mut Scene| {
        let record = Record::golden(9, vec![value(&scene.report, 9)]);
        scene.rims[0] = scene.rims[0].clone().with(record);
    };
    assert_eq!(changed(same_index), fail("", &[Code::NvidiaRimConflict]));
    let same_floor = |scene: &mut Scene| {
        scene.report.opaque = scene.report.opaque.clone().versioned();
        for rim in &mut scene.rims {
            *rim = rim.clone().with(Record::floor(entry::FSP_UCODE_SVN, 7));
        }
    };
    assert_eq!(changed(same_floor), fail("", &[Code::NvidiaRimConflict]));
}

#[test]
fn security_versions_have_floors() {
    let floor = |least: u64, versioned: bool| {
        changed(|scene| {
            if versioned {
                scene.report.opaque = scene.report.opaque.clone().versioned();
            }
            scene.rims[0] = scene.rims[0].clone().with(Record::floor(entry::FSP_UCODE_SVN, least));
        })
    };
    // The simulated driver reports 7.
    assert_eq!(floor(6, true), success());
    assert_eq!(floor(7, true), success());
    assert_eq!(floor(8, true), fail("", &[Code::NvidiaSvnTooLow]));
    assert_eq!(floor(1, false), fail("", &[Code::NvidiaSvnTooLow]), "not reported");
}

#[test]
fn what_has_ended_or_is_on_hold_is_not_compared_with() {
    let mut expired = Scene::of(Chip::Hopper);
    expired.report.blocks[0].value[0] ^= 1;
    expired.at = AT + 366 * DAY;
    let authentic = expired.run().expect("authentic");
    assert_eq!(shown(&authentic, "gpu.0.rim.driver.status").as_deref(), Some("expired"));
    assert_eq!(outcome(&expired), nothing());
    assert_eq!(authentic.claims().get(gpu::OEMID.device(0)), None);

    let with_status = |status| {
        let mut scene = Scene::of(Chip::Hopper);
        let mut responses = scene.authority.statuses(AT);
        responses[0].status = status;
        scene.responses.extend(responses);
        scene.report.blocks[0].value[0] ^= 1;
        scene
    };
    let hold = with_status(CertStatus::Revoked(Some(6)));
    assert_eq!(shown(&hold.run().expect("authentic"), "gpu.0.rim.vbios.status").as_deref(), Some("hold"));
    assert_eq!(outcome(&hold), nothing());
    assert_eq!(with_status(CertStatus::Revoked(Some(1))).refused(), Code::RevocationRevoked);
    assert_eq!(with_status(CertStatus::Unknown).refused(), Code::RimSignerUnknown);
    assert_eq!(outcome(&with_status(CertStatus::Good)).0.as_deref(), Some("fail"));
}

#[test]
fn forged_values_refuse_the_device_that_they_are_for() {
    let forged = scene(|scene| scene.rims[0].key = Key::p384("somebody"));
    assert_eq!(forged.refused(), Code::RimSignature);
    let stranger = scene(|scene| {
        let other = Authority::new("another authority", AT);
        let report = scene.report.clone();
        scene.rims[0] = with_values(other.driver("GH100", "580.159.03"), &report, &OF_DRIVER);
    });
    assert_eq!(stranger.refused(), Code::ChainRootNotPinned);
    // The root of devices signs no reference values, and theirs certifies no device.
    let swapped = scene(|scene| {
        let device = scene.device.clone();
        scene.authority.root = device.root.clone();
        scene.rims[0].certificates = scene.authority.chain();
    });
    let roots = |scene: &Scene| {
        let der = scene.device.root_der();
        RootSet::from_manifest(&scene.device.root_manifest(), TrustAnchor::Configured, |_| Ok::<_, String>(der.clone()))
            .unwrap()
    };
    let files = [swapped.device.chain_pem().into_bytes(), swapped.rims[0].build().into_bytes()];
    let endorsements = Endorsements::read(&AwsLc, files.iter().map(Vec::as_slice)).unwrap();
    let context = Context {
        crypto: &AwsLc,
        roots: &roots(&swapped),
        endorsements: &endorsements,
        issuers: &NoIssuers,
        revocation: Revocation::default(),
        at: Timestamp::from_unix_seconds(AT).unwrap(),
        expected: Expected::default(),
    };
    let refusal = authenticate(Kind::NvidiaGpu, &swapped.device.sign(&swapped.report), &context).unwrap_err();
    assert_eq!(refusal.reason.code, Code::ChainRootNotPinned);
}

#[test]
fn what_nvidia_s_responder_says_of_a_device() {
    let said = |scene: &Scene| {
        let authentic = scene.run().expect("authentic");
        let claim = |name| shown(&authentic, name);
        (claim("revocation"), claim("gpu.0.ocsp_status"), claim("gpu.0.ocsp_reason"))
    };
    let text = |text: &str| Some(text.to_owned());
    let good = Scene::of(Chip::Hopper).with_responses();
    assert_eq!(said(&good), (text("good"), text("good"), None));
    let authentic = good.run().unwrap();
    assert_eq!(shown(&authentic, "revocation_scope"), text("deny_list"), "good is whatever is not on its list");
    assert_eq!(shown(&authentic, "revocation_as_of"), text("2026-06-01T11:00:00Z"));
    assert_eq!(authentic.valid_until(), Timestamp::from_unix_seconds(AT + DAY - 3600).unwrap().just_before());
    assert_eq!(authentic.inputs().iter().filter(|input| input.role == "ocsp").count(), 3);

    for place in 0..3 {
        let mut scene = Scene::of(Chip::Hopper).with_responses();
        scene.responses.remove(place);
        assert_eq!(said(&scene), (text("not_checked"), None, None), "certificate {place} was not asked about");
        let mut scene = Scene::of(Chip::Hopper).with_responses();
        scene.responses[place].status = CertStatus::Unknown;
        assert_eq!(said(&scene), (text("not_checked"), text("unknown"), None));
        scene.responses[place].status = CertStatus::Revoked(Some(6));
        assert_eq!(said(&scene), (text("not_checked"), text("revoked"), text("certificateHold")));
        for reason in [None, Some(0), Some(1), Some(4)] {
            scene.responses[place].status = CertStatus::Revoked(reason);
            assert_eq!(scene.refused(), Code::RevocationRevoked, "{reason:?}");
        }
        scene.responses[place].status = CertStatus::Good;
        scene.responses[place].next_update = Some(AT - 1);
        assert_eq!(scene.refused(), Code::TimeOcspExpired);
    }
    let mut off = Scene::of(Chip::Hopper).with_responses();
    off.responses[0].status = CertStatus::Revoked(None);
    off.mode = RevocationMode::Off;
    assert_eq!(said(&off), (text("not_checked"), None, None));
}

#[test]
fn where_revocation_is_required_all_must_be_good() {
    let required = |change: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::of(Chip::Hopper).with_all_responses();
        scene.mode = RevocationMode::Required;
        change(&mut scene);
        scene.run().map(|_| ()).map_err(|refusal| refusal.reason.code)
    };
    assert_eq!(required(&|_| {}), Ok(()));
    assert_eq!(required(&|scene| drop(scene.responses.remove(0))), Err(Code::RevocationNotChecked));
    assert_eq!(required(&|scene| drop(scene.responses.remove(2))), Err(Code::RevocationNotChecked));
    assert_eq!(required(&|scene| drop(scene.responses.remove(3))), Err(Code::RevocationNotChecked), "the RIM's signer");
    let hold = |scene: &mut Scene| scene.responses[0].status = CertStatus::Revoked(Some(6));
    assert_eq!(required(&hold), Err(Code::RevocationRevoked), "on hold is not good");
    let unknown = |scene: &mut Scene| scene.responses[1].status = CertStatus::Unknown;
    assert_eq!(required(&unknown), Err(Code::RevocationNotChecked));
    // Lists do for the authorities, not for the device.
    let lists = |scene: &mut Scene| {
        let Device { root, family, .. } = &scene.device;
        scene.crls = [root, family].map(|issuer| CrlSpec::issued_by(issuer, AT - 3600, &[]).build()).into();
        scene.responses.drain(1..3);
    };
    assert_eq!(required(&lists), Ok(()));
    let lists_alone = |scene: &mut Scene| {
        lists(scene);
        scene.responses.remove(0);
    };
    assert_eq!(required(&lists_alone), Err(Code::RevocationNotChecked));
}
