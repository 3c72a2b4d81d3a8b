//! NVIDIA's RIM service and responder: RIMs and statuses that are good, and every way in which they are not.

use std::{fs, process::Command, sync::Arc, time::Duration};

use prooftrail::endorsements::{Places, Source, source::Gathered};
use prooftrail_evidence::{
    AwsLc, Context, Endorsements, Expected, NoIssuers, Revocation, RevocationMode, Rim, RimStatus, Wanted, statuses,
};
use prooftrail_result::{Timestamp, TrustAnchor};
use prooftrail_simulator::{
    nvidia::List,
    nvidia_rim::Authority,
    vendors::{Conduct, Vendors},
};
use prooftrail_trust_roots::RootSet;

use crate::{
    gpu::{DRIVER, Gpu, VBIOS},
    release,
    scene::{AT, DAY, SEED, Set, failing, timestamp},
    scratch::Scratch,
};

const ID: &str = "NV_GPU_DRIVER_GH100_550.90.07";

fn roots(authority: &Authority) -> RootSet {
    let der = authority.root_der();
    RootSet::from_manifest(&authority.root_manifest(), TrustAnchor::Configured, |_| Ok::<_, String>(der.clone()))
        .unwrap()
}

/// NVIDIA with one driver's RIM.
fn nvidia(authority: &Authority, at: i64) -> Vendors {
    let vendors = Vendors::start(Vec::new(), SEED, at);
    vendors.publish_rim(ID, authority.driver("GH100", "550.90.07"), &authority.links());
    vendors
}

fn source(vendors: &Vendors, authority: &Authority, clock: &Arc<Set>, cache: Option<&std::path::Path>) -> Arc<Source> {
    let url = vendors.url();
    let places = Places { nvidia_ocsp: format!("{url}/ocsp"), nvidia_rim: url, ..Places::default() };
    Source::open(places, roots(authority), clock.clone(), Duration::from_secs(1), cache).unwrap()
}

fn rim() -> Wanted {
    format!("nvidia-rim-{ID}").parse().unwrap()
}

fn files(gathered: &Gathered) -> Vec<Vec<u8>> {
    gathered.kept.iter().flat_map(|kept| &kept.files).map(|file| file.to_vec()).collect()
}

/// The statuses that a RIM's signers need, made known to the source.
fn signers(source: &Source, authority: &Authority) -> Vec<Wanted> {
    let rim = authority.driver("GH100", "550.90.07").build();
    let wanted = statuses(&Endorsements::read(&AwsLc, [rim.as_bytes()]).unwrap(), &AwsLc);
    assert_eq!(wanted.len(), 3, "everything below the root");
    source.introduce(wanted.clone());
    wanted.into_iter().map(|(wanted, _)| wanted).collect()
}

/// What a RIM is worth with what was gathered, revocation being required.
fn status(files: &[Vec<u8>], authority: &Authority, at: Timestamp) -> RimStatus {
    let rim = files.iter().find_map(|file| Rim::read(&AwsLc, file).ok()).unwrap();
    let endorsements = Endorsements::read(&AwsLc, files.iter().map(Vec::as_slice)).unwrap();
    let context = Context {
        crypto: &AwsLc,
        roots: &roots(authority),
        endorsements: &endorsements,
        issuers: &NoIssuers,
        revocation: Revocation { nvidia: RevocationMode::Required, ..Revocation::default() },
        at,
        expected: Expected::default(),
    };
    rim.verify(&context).unwrap().status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rim_and_what_is_said_of_its_signers_are_fetched_kept_and_enough() {
    let authority = Authority::new(SEED, AT);
    let (vendors, clock, scratch) = (nvidia(&authority, AT), Set::at(AT), Scratch::new());
    let first = source(&vendors, &authority, &clock, Some(scratch.path()));
    let wants = [vec![rim()], signers(&first, &authority)].concat();
    let gathered = first.gather(&wants).await;
    assert_eq!(gathered.failures, []);
    assert_eq!(status(&files(&gathered), &authority, timestamp(AT)), RimStatus::Valid);
    assert_eq!((vendors.asked("/v1/rim/"), vendors.asked("/ocsp")), (1, 3));
    // After a restart nobody is asked for what is in force, and nobody has to say again who answers for whom.
    drop(first);
    let second = source(&vendors, &authority, &clock, Some(scratch.path()));
    assert!(wants.iter().all(|wanted| second.at_hand(wanted).is_some()));
    // Answers last ten days; they are asked for anew before, and daily.
    clock.to(AT + 2 * DAY);
    vendors.set_time(AT + 2 * DAY);
    second.refresh().await;
    assert_eq!((vendors.asked("/v1/rim/"), vendors.asked("/ocsp")), (2, 6));
    clock.to(AT + 20 * DAY);
    assert!(wants.iter().skip(1).all(|wanted| second.at_hand(wanted).is_none()));
    assert!(second.at_hand(&rim()).is_some());
    clock.to(AT + 40 * DAY);
    assert!(second.at_hand(&rim()).is_none(), "a RIM is used for 30 days");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_fail_leaves_nothing() {
    let authority = Authority::new(SEED, AT);
    for (conduct, code) in failing() {
        let (vendors, clock) = (nvidia(&authority, AT), Set::at(AT));
        vendors.conduct(conduct);
        let source = source(&vendors, &authority, &clock, None);
        let wants = [vec![rim()], signers(&source, &authority)].concat();
        let gathered = source.gather(&wants).await;
        assert!(gathered.kept.is_empty(), "{conduct:?}");
        assert_eq!(gathered.failures.len(), wants.len());
        for (wanted, failure) in &gathered.failures {
            assert_eq!(failure.code(), code, "{conduct:?}, {wanted}: {failure}");
        }
    }
    // What was not asked for, and what nobody published.
    let (vendors, clock) = (nvidia(&authority, AT), Set::at(AT));
    let source = source(&vendors, &authority, &clock, None);
    let unknown: Wanted = "nvidia-rim-NV_GPU_DRIVER_GH100_1.2.3".parse().unwrap();
    let foreign = Authority::new("another NVIDIA", AT);
    let strangers = signers(&source, &foreign);
    let gathered = source.gather(&[vec![unknown], strangers].concat()).await;
    let codes: Vec<_> = gathered.failures.iter().map(|(_, failure)| failure.code()).collect();
    assert_eq!(
        codes,
        ["endorsements.not_found", "endorsements.refused", "endorsements.refused", "endorsements.refused"]
    );
    assert!(gathered.failures[1].1.to_string().contains("Unauthorized"), "{:?}", gathered.failures[1]);
    // Whoever was not told who answers for a certificate believes nobody.
    let own = signers(&source, &authority);
    source.introduce(own.iter().take(2).map(|wanted| (wanted.clone(), Vec::new())));
    let gathered = source.gather(&own).await;
    assert_eq!(gathered.failures.len(), 2, "the root answers for the third");
    assert!(gathered.failures.iter().all(|(_, failure)| failure.code() == "endorsements.refused"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_no_answer() {
    let authority = Authority::new(SEED, AT);
    let (vendors, clock) = (nvidia(&authority, AT), Set::at(AT));
    let source = source(&vendors, &authority, &clock, None);
    let wants = signers(&source, &authority);
    vendors.conduct(Conduct::Repeating);
    let gathered = source.gather(&wants).await;
    assert_eq!(gathered.failures.len(), 3);
    assert!(gathered.failures.iter().all(|(_, failure)| failure.to_string().contains("nonce")), "{gathered:?}");
    // An answer to our own question that is older than one that we have seen. Whoever failed is not asked again at once.
    let source = self::source(&vendors, &authority, &clock, None);
    assert_eq!(signers(&source, &authority), wants);
    vendors.conduct(Conduct::Honest);
    clock.to(AT + DAY);
    vendors.set_time(AT + DAY);
    assert_eq!(source.gather(&wants).await.failures, []);
    vendors.conduct(Conduct::Replaying);
    let gathered = source.gather(&wants).await;
    assert!(gathered.failures.iter().all(|(_, failure)| failure.code() == "endorsements.replayed"), "{gathered:?}");
    assert_eq!(gathered.failures.len(), 3);
    assert!(wants.iter().all(|wanted| source.at_hand(wanted).is_some()), "what is younger stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_kept_like_any_other_answer() {
    let authority = Authority::new(SEED, AT);
    let (vendors, clock) = (nvidia(&authority, AT), Set::at(AT));
    let source = source(&vendors, &authority, &clock, None);
    vendors.conduct(Conduct::Revoking);
    let gathered = source.gather(&[vec![rim()], signers(&source, &authority)].concat()).await;
    assert_eq!(gathered.failures, []);
    assert_eq!(status(&files(&gathered), &authority, timestamp(AT)), RimStatus::Hold);
}

/// `endorsements fetch --item nvidia-rim-…` brings what is said of the signers along, and `import` verifies all of it again.
#[test]
fn a_folder_has_the_rim_and_what_is_said_of_its_signers() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = i64::try_from(now).unwrap();
    let authority = Authority::new(SEED, now);
    let (vendors, scratch) = (nvidia(&authority, now), Scratch::new());
    fs::write(scratch.path().join("simulated-nvidia-rim-root.der"), authority.root_der()).unwrap();
    fs::write(scratch.path().join("nvidia.toml"), authority.root_manifest()).unwrap();
    let (url, item) = (vendors.url(), format!("nvidia-rim-{ID}"));
    let ocsp = format!("{url}/ocsp");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prooftrail"));
        let output = command.env_clear().current_dir(scratch.path()).arg("endorsements").args(arguments);
        let output = output.args(["--root", "nvidia.toml", "--json"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let json: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), json)
    };
    let (code, told) =
        run(&["fetch", "--item", &item, "--nvidia-rim-url", &url, "--nvidia-ocsp-url", &ocsp, "--into", "folder"]);
    assert_eq!((code, told["complete"].as_bool()), (Some(0), Some(true)), "{told}");
    let names: Vec<_> = told["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(names[0], item);
    assert!(names.iter().skip(1).all(|name| name.starts_with("nvidia-status-")));
    let (code, told) = run(&["import", "folder", "--into", "elsewhere"]);
    assert_eq!((code, told["complete"].as_bool()), (Some(0), Some(true)), "{told}");
    let read: Vec<Vec<u8>> = fs::read_dir(scratch.path().join("elsewhere"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ors") || is_rim(path))
        .map(|path| fs::read(path).unwrap())
        .collect();
    assert_eq!(status(&read, &authority, timestamp(now)), RimStatus::Valid);
}

fn is_rim(path: &std::path::Path) -> bool {
    path.file_name().unwrap().to_str().unwrap().starts_with("nvidia-rim-")
}

/// A GPU's report as its driver returns it, with the certificates in a file beside it, and as NVIDIA's tools hand both on.
struct Reported {
    gpu: Gpu,
    vendors: Vendors,
    scratch: Scratch,
}

impl Reported {
    fn new() -> Self {
        let at = release::now();
        let (gpu, vendors, scratch) = (Gpu::new(at), Vendors::start(Vec::new(), SEED, at), Scratch::new());
        gpu.publish(&vendors);
        gpu.vouch(&vendors);
        gpu.write_roots(scratch.path());
        let report = gpu.device.report([5; 32]);
        let write = |name: &str, bytes: Vec<u8>| fs::write(scratch.path().join(name), bytes).unwrap();
        write("report.bin", gpu.device.sign(&report));
        write("chain.pem", gpu.device.chain_pem().into());
        write("reports.json", List::of([(&gpu.device, &report)]).build());
        Self { gpu, vendors, scratch }
    }

    /// Runs the program under the GPU's roots: its exit status, and what it told.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, serde_json::Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prooftrail"));
        let output = command.env_clear().current_dir(self.scratch.path()).args(arguments);
        let output = output.args(["--root", "nvidia.toml", "--json"]).output().unwrap();
        let told = serde_json::from_slice(&output.stdout);
        (output.status.code(), told.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))))
    }

    fn fetch(&self, evidence: &[&str], into: &str) -> (Option<i32>, Vec<(String, String)>) {
        let (url, ocsp) = (self.vendors.url(), format!("{}/ocsp", self.vendors.url()));
        let places = ["--nvidia-rim-url", &url, "--nvidia-ocsp-url", &ocsp, "--into", into, "--kind", "nvidia-gpu"];
        let (code, told) = self.run(&[&["endorsements", "fetch", "--evidence"], evidence, &places].concat());
        let text = |item: &serde_json::Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
        let items = told["items"].as_array().unwrap().iter();
        (code, items.map(|item| (text(item, "name"), text(item, "outcome") + &text(item, "code"))).collect())
    }

    fn appraise(&self, evidence: &[&str], folder: &str) -> (Option<i32>, serde_json::Value) {
        let entries = fs::read_dir(self.scratch.path().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let files: Vec<_> = entries.filter(|path| !path.ends_with("manifest.json")).collect();
        let files: Vec<_> = files.iter().flat_map(|path| ["--endorsement", path.to_str().unwrap()]).collect();
        self.run(&[&["appraise"], evidence, &["--kind", "nvidia-gpu"], files.as_slice()].concat())
    }
}

/// How many of the names are statuses, behind those of the reference values.
fn statuses_in(items: &[(String, String)]) -> usize {
    items.iter().filter(|(name, _)| name.starts_with("nvidia-status-")).count()
}

#[test]
fn a_folder_has_all_that_a_gpu_needs() {
    let reported = Reported::new();
    let with_chain = ["report.bin", "--endorsement", "chain.pem"];
    for (evidence, into) in [(&with_chain[..], "raw"), (&["reports.json"], "listed")] {
        let (code, items) = reported.fetch(evidence, into);
        assert_eq!(code, Some(0), "{items:?}");
        let rims: Vec<_> = items.iter().filter(|(name, _)| name.starts_with("nvidia-rim-")).collect();
        assert_eq!(rims.iter().map(|(name, _)| &name[11..]).collect::<Vec<_>>(), [DRIVER, VBIOS]);
        assert_eq!((items.len(), statuses_in(&items)), (8, 6), "{items:?}");
        assert!(items.iter().all(|(_, outcome)| outcome == "new"), "{items:?}");
        let (code, told) = reported.appraise(evidence, into);
        assert_eq!(code, Some(0), "{told}");
        let claim = |name: &str| told["claims"][name].clone();
        assert_eq!((claim("gpu.0.measres"), claim("revocation")), ("success".into(), "good".into()), "{told}");
        // Carried to where there is no network, and verified there.
        let carried = format!("{into}-carried");
        let (code, told) = reported.run(&["endorsements", "import", into, "--into", &carried]);
        assert_eq!((code, &told["complete"]), (Some(0), &true.into()), "{told}");
        assert_eq!(reported.appraise(evidence, &carried).0, Some(0));
    }
    // Without its certificates a report tells neither its chip, by which drivers are named, nor who answers for it.
    let (code, items) = reported.fetch(&["report.bin"], "bare");
    assert_eq!((code, statuses_in(&items)), (Some(0), 3), "of the signer of the VBIOS's: {items:?}");
    assert_eq!(items.iter().filter(|(name, _)| name.ends_with(VBIOS)).count(), 1);
    assert_eq!(items.len(), 4, "{items:?}");
}

#[test]
fn what_the_responder_says_of_a_gpu_is_kept_and_what_it_replays_is_not() {
    let reported = Reported::new();
    reported.vendors.conduct(Conduct::Repeating);
    let (code, items) = reported.fetch(&["reports.json"], "replayed");
    assert_eq!(code, Some(1), "{items:?}");
    assert_eq!((items.len(), statuses_in(&items)), (8, 6));
    let outcome = |(name, _): &&(String, String)| name.starts_with("nvidia-status-");
    assert!(items.iter().filter(outcome).all(|(_, outcome)| outcome == "failedendorsements.refused"), "{items:?}");
    // A certificate on hold: the answer is as good as any, and a policy decides what it means.
    reported.vendors.conduct(Conduct::Revoking);
    let (code, items) = reported.fetch(&["reports.json"], "held");
    assert_eq!((code, items.len()), (Some(0), 8), "{items:?}");
    let (_, told) = reported.appraise(&["reports.json"], "held");
    let claim = |name: &str| told["claims"][name].clone();
    assert_eq!((claim("gpu.0.ocsp_status"), claim("gpu.0.ocsp_reason")), ("revoked".into(), "certificateHold".into()));
    // Another NVIDIA's responder: whoever signs there is nobody whom the device's issuer lets answer.
    reported.vendors.conduct(Conduct::Honest);
    let stranger = prooftrail_simulator::nvidia::Device::new("nobody", reported.gpu.device.chip, 1);
    let list = List::of([(&stranger, &stranger.report([5; 32]))]).build();
    fs::write(reported.scratch.path().join("stranger.json"), list).unwrap();
    let (code, items) = reported.fetch(&["stranger.json"], "strange");
    assert_eq!((code, statuses_in(&items)), (Some(1), 6), "{items:?}");
    let refused = items.iter().filter(|(_, outcome)| outcome == "failedendorsements.refused").count();
    assert_eq!(refused, 3, "its own three, and not those of the signers: {items:?}");
}
