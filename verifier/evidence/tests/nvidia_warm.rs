//! What a cache may change: nothing but the time that a verdict takes. Every change to a report, to its reference values and
//! to what is known of them is appraised cold, and warm beside everything that was good before, and the verdicts are compared.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod everything;

use prooftrail_evidence::{
    Authentic, AwsLc, Context, Endorsements, Expected, NoIssuers, Refusal, Revocation, RevocationMode, VerifiedIssuers,
    authenticate,
};
use prooftrail_result::{Kind, ReasonCode as Code, Timestamp, TrustAnchor};
use prooftrail_simulator::{
    edit::Edit,
    key::{Key, SignatureEdit},
    nvidia::{Chip, Device, Report},
    nvidia_rim::{Authority, Record, RimSpec},
    ocsp::{CertStatus, ResponseSpec},
    x509::CrlSpec,
};
use prooftrail_trust_roots::RootSet;

use self::everything::Everything;

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const DAY: i64 = 24 * 3600;
const DRIVER: &str = "580.159.03";
const VBIOS: &str = "96.00.74.00.20";

/// A GPU with its reference values, and everything around them that a test may change.
#[derive(Clone)]
struct Scene {
    device: Device,
    report: Report,
    authority: Authority,
    /// The driver's and the VBIOS's.
    rims: [String; 2],
    roots: RootSet,
    responses: Vec<ResponseSpec>,
    lists: Vec<CrlSpec>,
    mode: RevocationMode,
    at: i64,
}

impl Scene {
    fn new() -> Self {
        let device = Device::new("warm", Chip::Hopper, 1);
        let report = device.report(*b"a nonce of exactly 32 characters");
        let authority = Authority::new("warm", AT);
        let rims = [driver(&authority, &report), vbios(&authority, &report)].map(|rim| rim.build());
        let roots = roots(&device, &authority.root_manifest(), &authority);
        let (responses, lists, mode) = (Vec::new(), Vec::new(), RevocationMode::BestEffort);
        Self { device, report, authority, rims, roots, responses, lists, mode, at: AT }
    }

    /// All that NVIDIA's responder says, and its lists: nothing is revoked.
    fn add_statuses(&mut self) {
        let Device { identity, provisioner, family, root, .. } = &self.device;
        self.responses = [(identity, provisioner), (provisioner, family), (family, root)]
            .map(|(certificate, issuer)| ResponseSpec::good(certificate, issuer, AT))
            .into();
        self.responses.extend(self.authority.statuses(AT));
        self.lists = vec![self.list(&[])];
    }

    /// The list of what the root of reference values issued.
    fn list(&self, revoked: &[&[u8]]) -> CrlSpec {
        CrlSpec::issued_by(&self.authority.root, AT - DAY, revoked)
    }

    /// A list of what the CA of signers issued, for which NVIDIA publishes none.
    fn list_of_signers(&self) -> CrlSpec {
        CrlSpec::issued_by(&self.authority.signer_ca, AT - DAY, &[])
    }

    fn run(&self, issuers: &dyn VerifiedIssuers) -> Result<Authentic, Refusal> {
        let mut files = vec![self.device.chain_pem().into_bytes()];
        files.extend(self.rims.iter().map(|rim| rim.clone().into_bytes()));
        files.extend(self.responses.iter().map(ResponseSpec::build));
        files.extend(self.lists.iter().map(CrlSpec::build));
        let endorsements = Endorsements::read(&AwsLc, files.iter().map(Vec::as_slice)).unwrap();
        let context = Context {
            crypto: &AwsLc,
            roots: &self.roots,
            endorsements: &endorsements,
            issuers,
            revocation: Revocation { nvidia: self.mode, ..Revocation::default() },
            at: Timestamp::from_unix_seconds(self.at).unwrap(),
            expected: Expected::default(),
        };
        authenticate(Kind::NvidiaGpu, &self.device.sign(&self.report), &context)
    }
}

fn with_values(rim: RimSpec, report: &Report, indices: [u16; 2]) -> RimSpec {
    let value = |index: u16| report.blocks[usize::from(index)].value.clone().try_into().unwrap();
    indices.iter().map(|index| Record::golden(u32::from(*index), vec![value(*index)])).fold(rim, RimSpec::with)
}

fn driver(authority: &Authority, report: &Report) -> RimSpec {
    with_values(authority.driver("GH100", DRIVER), report, [0, 5])
}

fn vbios(authority: &Authority, report: &Report) -> RimSpec {
    with_values(authority.vbios("GH100", VBIOS), report, [1, 2])
}

/// The device's root, and that of reference values as the manifest says.
fn roots(device: &Device, values: &str, authority: &Authority) -> RootSet {
    let (of_device, of_values) = (device.root_der(), authority.root_der());
    let manifest = format!("{}\n{values}", device.root_manifest());
    let file = |name: &str| Ok::<_, String>(if name.contains("rim") { of_values.clone() } else { of_device.clone() });
    RootSet::from_manifest(&manifest, TrustAnchor::Configured, file).unwrap()
}

type Change = fn(&mut Scene);

/// Changes, and the code for which each is refused; none where it is authentic.
const OF_RIMS: &[(&str, Option<Code>, Change)] = &[
    ("nothing", None, |_| {}),
    ("another's signature", Some(Code::RimSignature), |scene| {
        let rim = driver(&scene.authority, &scene.report);
        scene.rims[0] = RimSpec { key: Key::p384("somebody"), ..rim }.build();
    }),
    ("another value", Some(Code::RimDigest), |scene| {
        scene.rims[0] = scene.rims[0].replacen("index=\"7\" active=\"False\"", "index=\"7\" active=\"True\"", 1);
    }),
    ("another signer's certificate", Some(Code::RimSignature), |scene| {
        let mut rim = driver(&scene.authority, &scene.report);
        rim.certificates[0] = Authority::new("other", AT).chain().remove(0);
        scene.rims[0] = rim.build();
    }),
    ("another CA", Some(Code::ChainSignature), |scene| {
        let mut rim = driver(&scene.authority, &scene.report);
        rim.certificates[1] = Authority::new("other", AT).chain().remove(1);
        scene.rims[0] = rim.build();
    }),
    ("one certificate too many", Some(Code::ChainLength), |scene| {
        let mut rim = driver(&scene.authority, &scene.report);
        rim.certificates.insert(2, rim.certificates[2].clone());
        scene.rims[0] = rim.build();
    }),
    ("another authority", Some(Code::ChainRootNotPinned), |scene| {
        scene.rims[0] = driver(&Authority::new("other", AT), &scene.report).build();
    }),
    ("a measurement that no RIM has", None, |scene| scene.report.blocks[0].value[0] ^= 1),
];

const OF_ROOTS: &[(&str, Option<Code>, Change)] = &[
    ("no root of reference values", Some(Code::ChainRootNotPinned), |scene| {
        scene.roots.retain(|root| !root.id.contains("rim"));
    }),
    ("a root of evidence", Some(Code::ChainRootNotPinned), |scene| {
        let manifest = scene.authority.root_manifest().replace("purpose = \"reference-values\"\n", "");
        scene.roots = roots(&scene.device, &manifest, &scene.authority);
    }),
    ("a root of switches' values", Some(Code::ChainRootNotPinned), |scene| {
        let manifest = scene.authority.root_manifest().replace("\"nvidia-gpu\", ", "");
        scene.roots = roots(&scene.device, &manifest, &scene.authority);
    }),
    ("the same root from elsewhere", None, |scene| {
        scene.roots.retain(|root| !root.id.contains("rim"));
        scene.roots.extend(RootSet::from_certificate(scene.authority.root_der()));
    }),
];

const OF_INSTANTS: &[(&str, Option<Code>, Change)] = &[
    ("the signer's last second", None, |scene| scene.at = AT + 365 * DAY),
    ("a second later", None, |scene| scene.at = AT + 365 * DAY + 1),
    ("before the signer's first", Some(Code::TimeNotYetValid), |scene| scene.at = AT - 365 * DAY - 1),
    ("responses that have ended", Some(Code::TimeOcspExpired), |scene| {
        scene.add_statuses();
        scene.at = AT + 2 * DAY;
    }),
    ("a list that has ended", Some(Code::TimeCrlExpired), |scene| {
        scene.lists = vec![scene.list(&[])];
        scene.at = AT + 20 * DAY;
    }),
    ("a list that has ended and covers nothing", Some(Code::TimeCrlExpired), |scene| {
        scene.lists = vec![scene.list_of_signers()];
        scene.at = AT + 20 * DAY;
    }),
    ("a list of tomorrow", Some(Code::TimeCrlNotYetValid), |scene| {
        scene.lists = vec![CrlSpec { this_update: AT + 1, ..scene.list(&[]) }];
    }),
];

const OF_REVOCATION: &[(&str, Option<Code>, Change)] = &[
    ("all is good", None, Scene::add_statuses),
    ("all must be good", None, |scene| {
        scene.add_statuses();
        scene.mode = RevocationMode::Required;
    }),
    ("nothing is known", Some(Code::RevocationNotChecked), |scene| scene.mode = RevocationMode::Required),
    ("the signer's CA was not asked about", Some(Code::RevocationNotChecked), |scene| {
        scene.add_statuses();
        scene.mode = RevocationMode::Required;
        scene.responses.remove(4);
    }),
    ("a CA is on the list", Some(Code::RevocationRevoked), |scene| {
        scene.lists = vec![scene.list(&[&scene.authority.product_ca.serial])];
    }),
    ("a list that nobody signed", Some(Code::RevocationSignature), |scene| {
        scene.lists = vec![CrlSpec { key: Key::p384("somebody"), ..scene.list(&[]) }];
    }),
    ("the signer is on hold", None, |scene| {
        scene.add_statuses();
        scene.responses[3].status = CertStatus::Revoked(Some(6));
    }),
    ("the signer is revoked", Some(Code::RevocationRevoked), |scene| {
        scene.add_statuses();
        scene.responses[3].status = CertStatus::Revoked(Some(1));
    }),
    ("the signer is unknown", Some(Code::RimSignerUnknown), |scene| {
        scene.add_statuses();
        scene.responses[3].status = CertStatus::Unknown;
    }),
    ("the device is revoked", Some(Code::RevocationRevoked), |scene| {
        scene.add_statuses();
        scene.responses[0].status = CertStatus::Revoked(Some(1));
    }),
    ("a response about the device that nobody signed", Some(Code::OcspSignature), |scene| {
        scene.add_statuses();
        scene.responses[0].signature = Some(SignatureEdit::Bytes(Edit::FlipBit { offset: 40, bit: 0 }));
    }),
];

#[test]
fn a_warm_verdict_is_the_cold_one() {
    let (good, cache) = (Scene::new(), Everything::default());
    let sizes = || (cache.certificates.lock().unwrap().len(), cache.signatures.lock().unwrap().len());
    good.run(&cache).unwrap();
    // The device's family, provisioner, identity and key; the CAs and the signer of RIMs; each RIM. Their signatures.
    assert_eq!(sizes(), (4 + 3 + 2, 4 + 3 + 2));
    good.run(&cache).unwrap();
    assert_eq!(sizes(), (9, 9), "nothing is learnt twice");
    let mut asked = good.clone();
    asked.add_statuses();
    for mode in [RevocationMode::Off, RevocationMode::BestEffort, RevocationMode::Required] {
        Scene { mode, ..asked.clone() }.run(&cache).unwrap();
    }
    for list in [good.list(&[]), good.list_of_signers()] {
        Scene { lists: vec![list], ..good.clone() }.run(&cache).unwrap();
    }
    for (name, code, change) in [OF_RIMS, OF_ROOTS, OF_INSTANTS, OF_REVOCATION].into_iter().flatten() {
        let mut scene = good.clone();
        change(&mut scene);
        let cold = scene.run(&NoIssuers);
        assert_eq!(cold.as_ref().err().map(|refusal| refusal.reason.code), *code, "{name}");
        // What was refused once must not be taken the next time either.
        for time in ["first", "second"] {
            assert_eq!(scene.run(&cache), cold, "{name}, the {time} time");
        }
    }
}
