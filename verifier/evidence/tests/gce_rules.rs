//! Google's endorsements of firmware: what they add to evidence of both TEEs, and one mutation per rule, each refused for exactly
//! its own reason. Endorsements and evidence are the simulator's, which shares no code with the verifier.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_evidence::{
    Authentic, AwsLc, Context, Crypto, Endorsements, Expected, NoIssuers, Refusal, Revocation, RustCrypto,
    authenticate, check,
};
use prooftrail_result::{
    Check, Kind, Outcome, ReasonCode as Code, Stage, Timestamp, TrustAnchor,
    claims::{Value, cross_vendor, snp, tdx},
};
use prooftrail_simulator::{
    der,
    edit::Edit,
    gce::{Endorsement, Signer, protobuf::Field},
    intel::{Quote, Vendor},
    key::Key,
    snp::{Entry, Line, Platform, Report, certificate_table},
    x509::{Algorithm, CertificateSpec, Extension, KeyUsage, Signing, oid},
};
use prooftrail_trust_roots::RootSet;

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const DAY: i64 = 24 * 3600;
const YEAR: i64 = 365 * DAY;

fn at(offset_seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(AT + offset_seconds).unwrap()
}

/// The roots of a manifest with one file.
fn roots(manifest: &str, der: &[u8]) -> RootSet {
    RootSet::from_manifest(manifest, TrustAnchor::Configured, |_| Ok::<_, String>(der.to_vec())).unwrap()
}

/// A machine of SEV-SNP that the signer's firmware launched with four virtual CPUs.
struct Machine {
    platform: Platform,
    report: Report,
    key: CertificateSpec,
}

impl Machine {
    fn new(measurement: [u8; 48]) -> Self {
        let platform = Platform::new("gce", Line::Milan);
        let report = Report { measurement, ..platform.report() };
        let key = platform.vcek(&report, AT - DAY);
        Self { platform, report, key }
    }

    fn roots(&self) -> RootSet {
        roots(&self.platform.root_manifest(), &self.platform.root_der())
    }
}

/// The surroundings of an endorsement.
struct Scene {
    signer: Signer,
    machine: Machine,
    at: i64,
}

fn scene() -> (Scene, Endorsement) {
    let signer = Signer::new("rules", AT);
    let endorsement = signer.endorsement(AT - 30 * DAY);
    let machine = Machine::new(endorsement.snp_measurement(4));
    (Scene { signer, machine, at: 0 }, endorsement)
}

impl Scene {
    fn roots(&self) -> RootSet {
        let mut all = self.machine.roots();
        all.extend(roots(&self.signer.root_manifest(), &self.signer.root_der()));
        all
    }

    fn run_with(&self, files: &[Vec<u8>], roots: &RootSet, crypto: &dyn Crypto) -> Result<Authentic, Refusal> {
        let Machine { platform, report, key } = &self.machine;
        let chain = platform.vcek_chain(key);
        let unread = |reason| Refusal { evidence_id: None, checks: Vec::new(), reason };
        let endorsements = Endorsements::read(crypto, chain.iter().chain(files).map(Vec::as_slice)).map_err(unread)?;
        let context = Context {
            crypto,
            roots,
            endorsements: &endorsements,
            issuers: &NoIssuers,
            revocation: Revocation::default(),
            at: at(self.at),
            expected: Expected::default(),
        };
        authenticate(Kind::AmdSevSnp, &report.build(&key.key), &context)
    }

    /// By both providers alike.
    fn run(&self, files: &[Vec<u8>]) -> Result<Authentic, Refusal> {
        let (roots, portable) = (self.roots(), RustCrypto);
        let ours = self.run_with(files, &roots, &AwsLc);
        assert_eq!(self.run_with(files, &roots, &portable), ours);
        ours
    }

    fn accepted(&self, files: &[Vec<u8>]) -> Authentic {
        self.run(files).expect("authentic")
    }

    fn refused(&self, files: &[Vec<u8>]) -> Code {
        let refusal = self.run(files).expect_err("refused");
        if refusal.reason.stage() != Stage::Parse {
            let last = Check { name: check::FIRMWARE, outcome: Outcome::Failed };
            assert_eq!(refusal.checks.last(), Some(&last));
        }
        refusal.reason.code
    }
}

/// The code for which a changed endorsement is refused.
fn refused(change: impl FnOnce(&mut Scene, &mut Endorsement)) -> Code {
    let (mut scene, mut endorsement) = scene();
    change(&mut scene, &mut endorsement);
    scene.refused(&[endorsement.build()])
}

/// The endorsement with the signer's certificate as it is now.
fn certified(change: impl FnOnce(&mut Signer)) -> Code {
    refused(|scene, endorsement| {
        change(&mut scene.signer);
        endorsement.certificate = scene.signer.certificate.issued_by(&scene.signer.root);
        endorsement.key = scene.signer.certificate.key.clone();
    })
}

fn outcome(authentic: &Authentic) -> Option<Outcome> {
    authentic.checks().iter().find(|check| check.name == check::FIRMWARE).map(|check| check.outcome)
}

#[test]
fn an_endorsement_that_lists_the_measurement_says_which_firmware_was_launched() {
    let (scene, endorsement) = scene();
    let (without, authentic) = (scene.accepted(&[]), scene.accepted(&[endorsement.build()]));
    let claims = authentic.claims();
    assert_eq!(claims.get(snp::GCE_UEFI_DIGEST), Some(&endorsement.uefi_digest.as_slice().into()));
    assert_eq!(claims.get(snp::GCE_SVN), Some(&Value::Int(2)));
    assert_eq!(claims.get(snp::GCE_TIMESTAMP), Some(&at(-30 * DAY).into()));
    assert_eq!(claims.get(tdx::GCE_SVN), None);
    assert_eq!((outcome(&without), outcome(&authentic)), (None, Some(Outcome::Passed)));
    // The verdict rests on both roots, and on nothing longer than Google's signer.
    let all = scene.roots();
    let mut both: Vec<_> = all.iter().map(|root| Value::from(root.sha256.as_slice())).collect();
    both.sort_by_key(ToString::to_string);
    assert_eq!(claims.get(cross_vendor::ROOT_SHA256), Some(&Value::List(both)));
    assert!(without.valid_until() > at(4 * YEAR));
    assert_eq!(authentic.valid_until(), at(4 * YEAR).end_of_second());
    let added: Vec<_> = authentic.inputs()[without.inputs().len()..].iter().map(|input| input.role).collect();
    assert_eq!(added, ["root", "firmware_endorsement"]);
    // Nothing else changes.
    assert_eq!(claims.iter().len(), without.claims().iter().len() + 3);
    assert_eq!(authentic.evidence_id(), without.evidence_id());
}

#[test]
fn any_listed_number_of_processors_will_do_and_a_service_module_s_measurement_too() {
    let (mut scene, mut endorsement) = scene();
    endorsement.snp.as_mut().unwrap().svsm_measurement = Some(vec![7; 48]);
    endorsement.snp.as_mut().unwrap().svn = 0;
    for measurement in [endorsement.snp_measurement(1), endorsement.snp_measurement(8), [7; 48]] {
        scene.machine = Machine::new(measurement);
        assert_eq!(scene.accepted(&[endorsement.build()]).claims().get(snp::GCE_SVN), Some(&Value::Int(0)));
    }
}

#[test]
fn a_trust_domain_s_mrtd_is_looked_up_among_those_of_tdx() {
    let signer = Signer::new("rules", AT);
    let endorsement = signer.endorsement(AT - DAY);
    let vendor = Vendor::new("gce", AT);
    let mut all = roots(&vendor.root_manifest(), &vendor.root_der());
    all.extend(roots(&signer.root_manifest(), &signer.root_der()));
    let run = |quote: &Quote, endorsement: &Endorsement| {
        let providers: [&dyn Crypto; 2] = [&AwsLc, &RustCrypto];
        let [ours, portable] = providers.map(|crypto| {
            let files = [vendor.tdx_collateral().build(), endorsement.build()];
            let endorsements = Endorsements::read(crypto, files.iter().map(Vec::as_slice)).unwrap();
            let context = Context {
                crypto,
                roots: &all,
                endorsements: &endorsements,
                issuers: &NoIssuers,
                revocation: Revocation::default(),
                at: at(0),
                expected: Expected::default(),
            };
            authenticate(Kind::IntelTdx, &quote.build(), &context)
        });
        assert_eq!(ours, portable);
        ours
    };
    let mut quote = vendor.td_quote();
    quote.td_mut().mrtd = endorsement.mrtd(32);
    let authentic = run(&quote, &endorsement).expect("authentic");
    let claims = authentic.claims();
    assert_eq!(claims.get(tdx::GCE_UEFI_DIGEST), Some(&endorsement.uefi_digest.as_slice().into()));
    assert_eq!(claims.get(tdx::GCE_SVN), Some(&Value::Int(3)));
    assert_eq!(claims.get(tdx::GCE_TIMESTAMP), Some(&at(-DAY).into()));
    assert_eq!(claims.get(snp::GCE_SVN), None);
    let forged = Endorsement { signature: Some(vec![1; 512]), ..endorsement.clone() };
    assert_eq!(run(&quote, &forged).expect_err("refused").reason.code, Code::GceSignature);
    // A measurement of the other TEE is none of this one's.
    quote.td_mut().mrtd = endorsement.snp_measurement(4);
    let authentic = run(&quote, &endorsement).expect("authentic");
    assert_eq!(authentic.claims().get(tdx::GCE_UEFI_DIGEST), None);
}

#[test]
fn an_endorsement_of_another_build_says_nothing() {
    let (mut scene, endorsement) = scene();
    for measurement in [[0; 48], endorsement.mrtd(4)] {
        scene.machine = Machine::new(measurement);
        let (without, with) = (scene.accepted(&[]), scene.accepted(&[endorsement.build()]));
        assert_eq!(with, without);
    }
    // Nor is one verified: a build's endorsement that ended refuses no evidence of another build.
    let forged = Endorsement { signature: Some(vec![1; 512]), ..endorsement };
    assert_eq!(scene.accepted(&[forged.build()]), scene.accepted(&[]));
    let (scene, mut endorsement) = self::scene();
    endorsement.snp = None;
    assert_eq!(scene.accepted(&[endorsement.build()]), scene.accepted(&[]));
}

/// A root serves what its manifest says, and nothing else.
#[test]
fn without_a_root_for_this_purpose_endorsements_are_left_unused() {
    let (scene, endorsement) = scene();
    let der = scene.signer.root_der();
    let manifest = scene.signer.root_manifest();
    let for_evidence = manifest.replace("purpose = \"gce-firmware\"\n", "");
    let for_tdx = manifest.replace("\"amd-sev-snp\", ", "");
    assert!(for_evidence != manifest && for_tdx != manifest);
    let bare = RootSet::from_certificate(der.clone());
    for further in [RootSet::default(), bare, roots(&for_evidence, &der), roots(&for_tdx, &der)] {
        let mut all = scene.machine.roots();
        all.extend(further);
        let authentic = scene.run_with(&[endorsement.build()], &all, &AwsLc).expect("authentic");
        assert_eq!(outcome(&authentic), Some(Outcome::NotPerformed));
        assert_eq!(authentic.claims(), scene.accepted(&[]).claims());
    }
    let google = roots(&manifest, &der);
    assert_eq!(google.of_gce_firmware(Kind::AmdSevSnp).count(), 1);
    for kind in [Kind::AmdSevSnp, Kind::IntelTdx, Kind::GcpConfidentialSpace] {
        assert_eq!(google.find(kind, &der), None);
        assert_eq!(google.serving(kind).count(), 0);
    }
}

#[test]
fn the_host_s_table_of_certificates_may_bring_it() {
    let (scene, endorsement) = scene();
    let [vcek, ask] = scene.machine.platform.vcek_chain(&scene.machine.key);
    let file = endorsement.build();
    let table = certificate_table(&[(Entry::Vcek, &vcek), (Entry::GceFirmware, &file), (Entry::Ask, &ask)]);
    let (alone, in_table) = (scene.accepted(&[file]), scene.accepted(&[table]));
    assert_eq!(in_table, alone);
    let garbage = certificate_table(&[(Entry::GceFirmware, b"garbage")]);
    assert_eq!(scene.refused(&[garbage]), Code::EndorsementUnrecognised);
}

#[test]
fn signatures_that_do_not_verify_are_refused() {
    assert_eq!(refused(|_, endorsement| endorsement.signature = Some(vec![0; 512])), Code::GceSignature);
    assert_eq!(refused(|_, endorsement| endorsement.signature = Some(Vec::new())), Code::GceSignature);
    assert_eq!(refused(|_, endorsement| endorsement.key = Key::rsa4096_sha256("another one")), Code::GceSignature);
    // Another hash, another padding and another salt are other algorithms.
    let label = "rules/gce/simulated-uefi-signer";
    assert_eq!(refused(|_, endorsement| endorsement.key = Key::rsa4096(label)), Code::GceSignature);
    let altered = |endorsement: &mut Endorsement| {
        let with = endorsement.uefi_digest.iter().map(|byte| !byte).collect();
        endorsement.after = vec![Edit::Replace { find: endorsement.uefi_digest.clone(), with }];
    };
    assert_eq!(refused(|_, endorsement| altered(endorsement)), Code::GceSignature);
}

#[test]
fn certificates_that_the_root_did_not_issue_for_this_are_refused() {
    let codes = [
        // Of a root with another name, and of one with another key and the same name.
        refused(|scene, _| scene.signer = Signer::new("another", AT)),
        refused(|scene, _| scene.signer.root.key = Key::rsa4096_sha256("another root")),
        refused(|_, endorsement| endorsement.certificate = b"garbage".to_vec()),
        certified(|signer| signer.certificate.signing.key = Some(Key::rsa4096_sha256("another root"))),
        certified(|signer| {
            signer.certificate.signing = Signing::with_algorithm(&Algorithm::rsa_pss_sha384(false));
        }),
        certified(|signer| signer.certificate.version = None),
        certified(|signer| signer.certificate.key = Key::p384("short")),
        certified(|signer| signer.certificate.set_extension(Extension::basic_constraints(true, None))),
        certified(|signer| signer.certificate.set_extension(Extension::key_usage(&[KeyUsage::KeyCertSign]))),
        certified(|signer| signer.certificate.remove_extension(oid::KEY_USAGE)),
        certified(|signer| {
            // For code signing alone.
            let usage = der::sequence([der::object_identifier(&[1, 3, 6, 1, 5, 5, 7, 3, 3])]);
            signer.certificate.set_extension(Extension::new(&[2, 5, 29, 37], false, usage));
        }),
        certified(|signer| {
            signer.certificate.set_extension(Extension::new(&[1, 2, 3], true, der::null()));
        }),
        certified(|signer| signer.root.set_extension(Extension::basic_constraints(false, None))),
    ];
    assert_eq!(codes, [Code::GceCertificate; 13]);
}

#[test]
fn endorsements_outside_their_time_are_refused() {
    let codes = [
        refused(|scene, _| scene.at = 4 * YEAR + 1),
        certified(|signer| signer.certificate.not_before = AT + 1),
        certified(|signer| signer.root.not_after = AT - 1),
        refused(|_, endorsement| endorsement.timestamp = Some((AT + 1, 0))),
    ];
    assert_eq!(codes, [Code::GceTime; 4]);
    let (mut scene, mut endorsement) = scene();
    scene.at = 4 * YEAR;
    endorsement.timestamp = Some((AT + 4 * YEAR, 999_999_999));
    let signed_at = at(4 * YEAR);
    let authentic = scene.accepted(&[endorsement.build()]);
    assert_eq!(authentic.claims().get(snp::GCE_TIMESTAMP), Some(&signed_at.into()), "cut to the second");
}

#[test]
fn of_several_the_youngest_in_force_counts_and_a_forged_one_refuses() {
    let (scene, endorsement) = scene();
    let mut ended = endorsement.clone();
    let certificate = CertificateSpec { not_after: AT - 1, ..scene.signer.certificate.clone() };
    ended.certificate = certificate.issued_by(&scene.signer.root);
    ended.timestamp = Some((AT - 10 * DAY, 0));
    let mut younger = endorsement.clone();
    younger.timestamp = Some((AT - 20 * DAY, 0));
    let files = [&endorsement, &ended, &younger, &endorsement].map(Endorsement::build);
    for turn in 0..files.len() {
        let mut files = files.to_vec();
        files.rotate_left(turn);
        let authentic = scene.accepted(&files);
        assert_eq!(authentic.claims().get(snp::GCE_TIMESTAMP), Some(&at(-20 * DAY).into()));
        files.push(Endorsement { signature: Some(vec![1; 512]), ..endorsement.clone() }.build());
        files.rotate_left(turn);
        assert_eq!(scene.refused(&files), Code::GceSignature);
    }
    assert_eq!(scene.refused(&[ended.build()]), Code::GceTime);
}

#[test]
fn fields_that_are_not_known_are_passed_over() {
    let (scene, mut endorsement) = scene();
    let unknown = || vec![Field::Varint(100, 1), Field::Bytes(101, b"later".to_vec()), Field::Fixed64(102, 3)];
    endorsement.further = unknown();
    endorsement.further_in_snp = unknown();
    endorsement.further_in_tdx = unknown();
    endorsement.further_outside = unknown();
    endorsement.commit = vec![1; 20];
    assert!(scene.accepted(&[endorsement.build()]).claims().get(snp::GCE_SVN).is_some());
}

#[test]
fn what_cannot_be_read_or_can_be_read_in_two_ways_is_refused() {
    type Change = fn(&mut Endorsement);
    let changes: &[(&str, Change)] = &[
        ("no time", |e| e.timestamp = None),
        ("a time beyond the years", |e| e.timestamp = Some((i64::MAX, 0))),
        ("a second with too many nanoseconds", |e| e.timestamp = Some((AT, 1_000_000_000))),
        ("no provenance", |e| e.change = 0),
        ("no certificate", |e| e.certificate = Vec::new()),
        ("no digest", |e| e.uefi_digest = Vec::new()),
        ("a short digest", |e| e.uefi_digest = vec![1; 47]),
        ("a measurement of 32 bytes", |e| e.snp.as_mut().unwrap().measurements.push((16, vec![1; 32]))),
        ("two for one number", |e| e.snp.as_mut().unwrap().measurements.push((4, vec![1; 48]))),
        ("a version of 33 bits", |e| e.snp.as_mut().unwrap().svn = 1 << 32),
        ("a service module's of 32 bytes", |e| e.snp.as_mut().unwrap().svsm_measurement = Some(vec![1; 32])),
        ("an MRTD of 32 bytes", |e| e.tdx.as_mut().unwrap().measurements.push((64, false, vec![1; 32]))),
        ("a version of 33 bits on TDX", |e| e.tdx.as_mut().unwrap().svn = 1 << 32),
        ("an entry without measurement", |e| e.further_in_snp.push(Field::Bytes(2, Vec::new()))),
        ("a measurement without MRTD", |e| e.further_in_tdx.push(Field::Bytes(2, Vec::new()))),
        ("two versions", |e| e.further_in_snp.push(Field::Varint(1, 9))),
        ("two versions on TDX", |e| e.further_in_tdx.push(Field::Varint(1, 9))),
        ("two digests", |e| e.further.push(Field::Bytes(5, vec![1; 48]))),
        ("two parts on SEV-SNP", |e| e.further.push(Field::Bytes(7, Vec::new()))),
        ("two certificates", |e| e.further.push(Field::Bytes(4, Vec::new()))),
        ("two signatures", |e| e.further_outside.push(Field::Bytes(2, vec![1; 512]))),
        ("two signed parts", |e| e.further_outside.push(Field::Bytes(1, Vec::new()))),
        ("a time that is a number", |e| e.further.push(Field::Varint(1, 1))),
        ("a digest that is a number", |e| e.further.push(Field::Varint(5, 1))),
        ("a group", |e| e.further.push(Field::Raw(vec![0x7B, 0x7C]))),
        ("the end of a field missing", |e| e.further.push(Field::Raw(vec![0x7A, 0x05]))),
        ("a number in too many bytes", |e| e.further.push(Field::Raw(vec![0xF8, 0x01, 0x80, 0x00]))),
        ("bytes behind it", |e| e.after.push(Edit::Append(b"\0".to_vec()))),
    ];
    for (name, change) in changes {
        assert_eq!(refused(|_, endorsement| change(endorsement)), Code::GceMalformed, "{name}");
    }
    // Until August 2024 Google's releases did not say what they were built from.
    let (scene, mut endorsement) = scene();
    (endorsement.change, endorsement.timestamp) = (0, Some((1_722_556_800, 0)));
    assert!(scene.accepted(&[endorsement.build()]).claims().get(snp::GCE_SVN).is_some());
    let many = (0..=4096).map(|count| (count + 100, vec![1; 48]));
    let code = refused(|_, endorsement| endorsement.snp.as_mut().unwrap().measurements = many.collect());
    assert_eq!(code, Code::GceMalformed);
    let large = |_: &mut Scene, e: &mut Endorsement| e.further.push(Field::Bytes(100, vec![0; 256 * 1024]));
    assert_eq!(refused(large), Code::EndorsementTooLarge);
}

/// Texts may begin with the line feed that is also an endorsement's first byte.
#[test]
fn texts_behind_an_empty_line_are_still_texts() {
    let collateral = Vendor::new("gce", AT).tdx_collateral();
    for text in [collateral.build(), collateral.tcb_info_signing.pem().into_bytes()] {
        let file = [b"\n".as_slice(), &text].concat();
        assert!(Endorsements::read(&AwsLc, [file.as_slice()]).is_ok());
    }
}

/// Whatever byte of an endorsement is flipped: it is refused, or it lists the measurement no more and says nothing.
#[test]
fn no_flipped_byte_leaves_anything_said() {
    let (scene, endorsement) = scene();
    let (all, without) = (scene.roots(), scene.accepted(&[]));
    let measurement = endorsement.snp_measurement(4);
    let mut file = endorsement.build();
    let listed = file.windows(48).position(|window| window == measurement).unwrap();
    let mut unlisted = Vec::new();
    // Every byte of the listing and of the message's head, and some of certificate, signature and other builds: what they are
    // flipped to is verified by code that has tests of its own.
    let is_tried = |place: &usize| place.is_multiple_of(13) || *place < 32 || (listed..listed + 48).contains(place);
    for place in (0..file.len()).filter(is_tried) {
        let flip = 1 << (place % 8);
        file[place] ^= flip;
        match scene.run_with(&[file.clone()], &all, &AwsLc) {
            Err(refusal) => {
                let code = refusal.reason.code;
                let own = [Code::GceMalformed, Code::GceSignature, Code::GceCertificate, Code::GceTime];
                // The tags and lengths around the two fields, by which an endorsement is known.
                let is_frame = place < 8 || (file.len() - 515..file.len() - 512).contains(&place);
                let unread = [Code::EndorsementUnrecognised, Code::EventLogMalformed, Code::CollateralMalformed];
                assert!(own.contains(&code) || (is_frame && unread.contains(&code)), "byte {place}: {code}");
            }
            Ok(authentic) => {
                assert_eq!(authentic, without, "byte {place}");
                unlisted.push(place);
            }
        }
        file[place] ^= flip;
    }
    // Unknown fields and numbers of fields are signed too; what goes unsaid is the listing itself.
    assert!((listed..listed + 48).all(|place| unlisted.contains(&place)));
    assert!(unlisted.len() < 80, "{unlisted:?}");
}

/// What the fuzzer starts from reaches everything: the simulator's endorsement of a genuine report's measurement.
#[test]
fn the_corpus_has_an_endorsement_that_counts() {
    const REPORT: &[u8] = include_bytes!("../../../tests/vectors/snp/milan/sev_v2_report.bin");
    const VCEK: &[u8] = include_bytes!("../../../tests/vectors/snp/milan/sev_v2_vcek.der");
    const ASK: &[u8] = include_bytes!("../../../tests/vectors/snp/roots/ask_milan.pem");
    let signer = Signer::new("fuzz", 1_704_067_200);
    let mut endorsement = signer.endorsement(1_701_388_800);
    endorsement.snp.as_mut().unwrap().measurements.push((16, REPORT[0x90..0xC0].to_vec()));
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/gce_firmware");
    let kept = |name: &str| std::fs::read(corpus.join(name)).unwrap();
    assert_eq!(kept("signed_endorsement"), endorsement.build());
    assert_eq!(kept("root"), signer.root_der());
    assert_eq!(kept("root_manifest"), signer.root_manifest().as_bytes());
    let mut all = RootSet::pinned();
    all.extend(roots(&signer.root_manifest(), &signer.root_der()));
    let endorsements = Endorsements::read(&AwsLc, [VCEK, ASK, &endorsement.build()]).unwrap();
    let context = Context {
        crypto: &AwsLc,
        roots: &all,
        endorsements: &endorsements,
        issuers: &NoIssuers,
        revocation: Revocation::default(),
        at: Timestamp::from_unix_seconds(1_704_067_200).unwrap(),
        expected: Expected::default(),
    };
    let authentic = authenticate(Kind::AmdSevSnp, REPORT, &context).expect("authentic");
    assert_eq!(authentic.claims().get(snp::GCE_SVN), Some(&Value::Int(2)));
    assert_eq!(authentic.claims().get(cross_vendor::TRUST_ANCHOR), Some(&"configured".into()));
    assert_eq!(authentic.claims().bool(cross_vendor::SIMULATED), Some(true));
}
