//! A trust domain with a GPU, whose reference values and statuses the service has from NVIDIA by itself: released where all is
//! well, and then without asking; a failure that costs nothing where NVIDIA's service or responder fails; refused where it
//! says no.

use std::time::Duration;

use prooftrail_protocol::{
    KindValue, OtherPiece, Purpose,
    wire::{PieceOfEvidence, ReleaseRequest},
};
use prooftrail_result::{Kind, Verdict};
use prooftrail_simulator::{
    intel::{Body, Vendor},
    nvidia::{Chip, Device, List},
    nvidia_rim::{Authority, Record, RimSpec},
    vendors::{Conduct, Vendors},
};
use serde_json::{Value, json};

use crate::{
    agent::{EXECUTABLE, Job, Site},
    http::Reply,
    release::{decisions, now, start},
    running::Service,
    scene::{SEED, vendors},
    scratch::Scratch,
};

/// The ids under which NVIDIA publishes the reference values of the GPU's driver and VBIOS.
pub(crate) const DRIVER: &str = "NV_GPU_DRIVER_GH100_580.159.03";
pub(crate) const VBIOS: &str = "NV_GPU_VBIOS_1010_0205_862_9600740020";

/// Longer than something that a vendor refused us is left alone, or a vendor that was in trouble once.
const WAIT: Duration = Duration::from_secs(8);

/// The GPU, whoever signs reference values for it, and the reference values that it meets.
pub(crate) struct Gpu {
    pub(crate) device: Device,
    pub(crate) authority: Authority,
}

impl Gpu {
    pub(crate) fn new(at: i64) -> Self {
        Self { device: Device::new(SEED, Chip::Hopper, 1), authority: Authority::new(SEED, at) }
    }

    fn golden(&self, rim: RimSpec, indices: std::ops::Range<u32>) -> RimSpec {
        let report = self.device.report([0; 32]);
        let values = (0..).zip(&report.blocks).filter(|(index, _)| indices.contains(index));
        values.fold(rim, |rim, (index, block)| {
            rim.with(Record::golden(index, vec![block.value.as_slice().try_into().unwrap()]))
        })
    }

    /// Has NVIDIA publish the reference values.
    pub(crate) fn publish(&self, service: &Vendors) {
        let product = self.device.chip.name();
        let driver = self.golden(self.authority.driver(product, "580.159.03"), 0..21);
        let vbios = self.golden(self.authority.vbios(product, "96.00.74.00.20"), 40..52);
        service.publish_rim(DRIVER, driver, &[]);
        service.publish_rim(VBIOS, vbios, &[]);
    }

    /// Has NVIDIA's responder answer for everything that the GPU and its reference values rest on.
    pub(crate) fn vouch(&self, responder: &Vendors) {
        let Device { identity, provisioner, family, root, .. } = &self.device;
        let links = [(identity, provisioner), (provisioner, family), (family, root)];
        for (certificate, issuer) in links.into_iter().chain(self.authority.links()) {
            responder.answer_for(certificate, issuer);
        }
    }

    /// Both roots, in one manifest beside their files.
    pub(crate) fn write_roots(&self, directory: &std::path::Path) -> std::path::PathBuf {
        let manifest = directory.join("nvidia.toml");
        let write = |name: &str, bytes: &[u8]| std::fs::write(directory.join(name), bytes).unwrap();
        write("simulated-nvidia-device-root.der", &self.device.root_der());
        write("simulated-nvidia-rim-root.der", &self.authority.root_der());
        let entries = format!("{}\n{}", self.device.root_manifest(), self.authority.root_manifest());
        std::fs::write(&manifest, entries).unwrap();
        manifest
    }
}

/// A service, and vendors on hosts of their own: one in trouble is not asked for anything for a while.
struct Scene {
    scratch: Scratch,
    gpu: Gpu,
    intel: Vendors,
    rims: Vendors,
    responder: Vendors,
}

impl Scene {
    fn new() -> Self {
        let at = now();
        let gpu = Gpu::new(at);
        let [intel, rims, responder] = [(); 3].map(|()| vendors(at));
        gpu.publish(&rims);
        gpu.vouch(&responder);
        Self { scratch: Scratch::new(), gpu, intel, rims, responder }
    }

    fn start(&self) -> Service {
        let manifest = self.gpu.write_roots(self.scratch.path());
        start(self.scratch.path(), &self.intel, |config| {
            config.roots.files.push(manifest);
            config.endorsements.nvidia_rim_url = self.rims.url();
            config.endorsements.nvidia_ocsp_url = format!("{}/ocsp", self.responder.url());
        })
    }

    /// How often NVIDIA was asked for reference values, and for statuses.
    fn asked(&self) -> (usize, usize) {
        (self.rims.asked("/v1/rim/"), self.responder.asked("/ocsp"))
    }

    /// A request of the trust domain, with nothing that vouches for anything in it.
    fn request(&self, job: &Job) -> ReleaseRequest {
        self.request_of(job, &self.gpu.device)
    }

    fn request_of(&self, job: &Job, device: &Device) -> ReleaseRequest {
        let Some(KindValue::DeviceNonce(nonce)) = KindValue::attached(Kind::NvidiaGpu, &job.context()) else {
            unreachable!()
        };
        let reports = List::of([(device, &device.report(nonce))]).build();
        let covered = [OtherPiece::of(Kind::NvidiaGpu, &reports)];
        let value = KindValue::primary(Kind::IntelTdx, &job.context(), &job.statement.sha384(), covered);
        let Some(KindValue::ReportData(data)) = value else { unreachable!() };
        let mut quote = Vendor::new(SEED, now()).td_quote();
        let Body::Td(td) = &mut quote.body else { unreachable!() };
        td.report_data = data;
        let pieces = [(Kind::NvidiaGpu, reports), (Kind::IntelTdx, quote.build())];
        let evidence = pieces.map(|(kind, bytes)| PieceOfEvidence { kind, evidence: bytes.into() });
        ReleaseRequest { evidence: evidence.into(), ..job.request() }
    }

    fn ask(&self, site: &Site) -> Reply {
        site.post("/v1/releases", &json!(self.request(&site.job(Purpose::Release))))
    }

    /// The results of the service's decisions, with how many files vouched for each.
    fn decided(&self, site: &Site) -> Vec<(Verdict, Value, usize)> {
        let decided = decisions(self.scratch.path(), site.origin.as_str());
        let result = |decided: &crate::release::Decided| {
            serde_json::from_slice(decided.content(&decided.record.result_sha256)).unwrap()
        };
        decided
            .iter()
            .map(|decided| (decided.record.verdict, result(decided), decided.record.endorsements.len()))
            .collect()
    }
}

/// A policy for the trust domain and its GPU. Revocation is required unless `more` says otherwise.
fn policy(rationale: &str, more: &str) -> String {
    let Body::Td(td) = Vendor::new(SEED, now()).td_quote().body else { unreachable!() };
    format!(
        "prooftrail_policy = 1\nname = 'proofs'\nrationale = '{rationale}'\npresets = ['nvidia-gpu']\n\
         allow_simulated = true\nrequire_binding = true\n{more}[[platform]]\nname = 'gpu'\nprimary = 'intel-tdx'\n\
         devices = [{{ kind = 'nvidia-gpu' }}]\n\
         [[rule]]\nid = 'executable'\nclaim = 'job.executable_sha384'\noperator = 'equals'\nvalue = '{}'\n\
         rationale = 'what runs'\n[[rule]]\nid = 'image'\nclaim = 'tdx.mrtd'\noperator = 'equals'\nvalue = '{}'\n\
         rationale = 'which image'\n",
        hex::encode(EXECUTABLE),
        hex::encode(td.mrtd)
    )
}

fn site(service: &Service, text: &str) -> Site {
    let site = Site::prepare(service.address, &service.token);
    site.put_in_force(text);
    site
}

fn codes(reply: &Reply) -> Vec<String> {
    let reasons = reply.json()["reasons"].as_array().unwrap().clone();
    reasons.iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_gpu_s_reference_values_and_statuses_are_fetched_and_then_at_hand() {
    let scene = Scene::new();
    let service = scene.start();
    let site = site(&service, &policy("with a GPU", ""));
    let reply = scene.ask(&site);
    assert_eq!(reply.status, 200, "{reply:?}");
    // Of the device's chain three certificates, and as many of the reference values' signer's.
    assert_eq!(scene.asked(), (2, 6));
    let intel = scene.intel.asked("/");
    let reply = scene.ask(&site);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!((scene.asked(), scene.intel.asked("/")), ((2, 6), intel), "everything was at hand");
    drop(service);

    // After a restart with nobody to ask.
    for vendors in [&scene.intel, &scene.rims, &scene.responder] {
        vendors.conduct(Conduct::Down);
    }
    let service = scene.start();
    let again = Site { address: service.address, ..site };
    let reply = scene.ask(&again);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!((scene.asked(), scene.intel.asked("/")), ((2, 6), intel));
    drop(service);
    let decided = scene.decided(&again);
    assert_eq!(decided.len(), 3);
    for (verdict, result, files) in decided {
        let claim = |name: &str| result["claims"][name].clone();
        assert_eq!(verdict, Verdict::Affirming);
        assert_eq!((claim("gpu.0.measres"), claim("revocation")), (json!("success"), json!("good")), "{result}");
        assert_eq!(files, 5 + 2 + 6, "Intel's collateral, the reference values, the statuses");
    }
}

#[test]
fn a_responder_that_fails_costs_nothing_but_time() {
    for (conduct, code) in [
        (Conduct::Down, "endorsements.unreachable"),
        // The answer to another question, whose nonce it repeats.
        (Conduct::Repeating, "endorsements.refused"),
    ] {
        let scene = Scene::new();
        scene.responder.conduct(conduct);
        let service = scene.start();
        let site = site(&service, &policy("with a GPU", ""));
        let request = json!(scene.request(&site.job(Purpose::Release)));
        let reply = site.post("/v1/releases", &request);
        assert_eq!((reply.status, reply.problem().as_str()), (503, code), "{conduct:?}: {reply:?}");
        assert!(reply.header("retry-after").is_some(), "{reply:?}");
        assert!(codes(&reply).iter().all(|found| found == code), "{reply:?}");
        if conduct == Conduct::Repeating {
            assert!(reply.json()["detail"].as_str().unwrap().contains("nonce"), "{reply:?}");
        }
        // The same bytes again, when it is up: the challenge was not spent.
        scene.responder.conduct(Conduct::Honest);
        std::thread::sleep(WAIT);
        let reply = site.post("/v1/releases", &request);
        assert_eq!(reply.status, 200, "{conduct:?}: {reply:?}");
        assert_eq!(scene.rims.asked("/v1/rim/"), 2, "what had come was kept");
        drop(service);
        let decided = scene.decided(&site);
        assert_eq!(decided.iter().map(|(verdict, ..)| *verdict).collect::<Vec<_>>(), [Verdict::Affirming]);
    }
}

/// Without its reference values a GPU is authentic, and nothing is known of its firmware. That is no word about the GPU.
#[test]
fn a_rim_service_that_fails_makes_no_denial() {
    for (conduct, code) in [
        (Conduct::Down, "endorsements.unreachable"),
        // Genuine reference values of another driver.
        (Conduct::Lying, "endorsements.refused"),
    ] {
        let scene = Scene::new();
        scene.rims.conduct(conduct);
        let service = scene.start();
        let site = site(&service, &policy("with a GPU", ""));
        let request = json!(scene.request(&site.job(Purpose::Release)));
        let reply = site.post("/v1/releases", &request);
        assert_eq!((reply.status, reply.problem().as_str()), (503, code), "{conduct:?}: {reply:?}");
        assert_eq!(codes(&reply), [code; 2], "{conduct:?}: {reply:?}");
        assert_eq!(scene.asked(), (2, 3), "nobody knows yet who signed what has not come");
        scene.rims.conduct(Conduct::Honest);
        std::thread::sleep(WAIT);
        let reply = site.post("/v1/releases", &request);
        assert_eq!(reply.status, 200, "{conduct:?}: {reply:?}");
        assert_eq!(scene.asked(), (4, 6));
        drop(service);
        assert_eq!(scene.decided(&site).len(), 1, "{conduct:?}");
    }
}

#[test]
fn what_stands_against_the_evidence_is_said_whoever_fails() {
    let scene = Scene::new();
    let service = scene.start();
    // A policy that no such trust domain meets: NVIDIA's answers would change nothing.
    let site = site(&service, &policy("another program", "").replace(&hex::encode(EXECUTABLE), &hex::encode([1; 48])));
    scene.rims.conduct(Conduct::Down);
    let reply = scene.ask(&site);
    assert_eq!((reply.status, reply.problem().as_str()), (403, "policy.rule_violated"), "{reply:?}");
    assert_eq!(codes(&reply), ["policy.rule_violated", "policy.claim_absent"]);
    // A GPU of nobody's: nobody is asked.
    let asked = scene.asked();
    let job = site.job(Purpose::Release);
    let stranger = scene.request_of(&job, &Device::new("nobody", Chip::Hopper, 1));
    let reply = site.post("/v1/releases", &json!(stranger));
    assert_eq!((reply.status, reply.problem().as_str()), (422, "chain.root_not_pinned"), "{reply:?}");
    assert_eq!(scene.asked(), asked);
}

#[test]
fn a_revoked_device_is_refused_with_its_own_reason() {
    let scene = Scene::new();
    let service = scene.start();
    let site = site(&service, &policy("with a GPU", ""));
    scene.responder.conduct(Conduct::Revoking);
    let reply = scene.ask(&site);
    assert_eq!((reply.status, reply.problem().as_str()), (422, "revocation.revoked"), "{reply:?}");
    assert_eq!(scene.responder.asked("/ocsp"), 6);
    // Where revocation is not required, a device on hold is authentic, and reference values on hold are not used: a denial,
    // which nobody's answer would change.
    site.put_in_force(&policy("best effort", "[revocation]\nnvidia = 'best-effort'\n"));
    let reply = scene.ask(&site);
    assert_eq!((reply.status, reply.problem().as_str()), (403, "policy.claim_absent"), "{reply:?}");
    drop(service);
    let decided = scene.decided(&site);
    let [(Verdict::Refused, result, _)] = decided.as_slice() else { panic!("one denial: {decided:?}") };
    let claim = |name: &str| result["claims"][name].clone();
    assert_eq!(claim("gpu.0.ocsp_status"), "revoked");
    assert_eq!(claim("gpu.0.rim.driver.status"), "hold");
}
