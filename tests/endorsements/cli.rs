//! `prooftrail endorsements` as a process: fetched where there is a network, carried, verified, and appraised with where
//! there is none.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use prooftrail_simulator::{
    google::Verifier,
    intel::Vendor,
    snp::Line,
    vendors::{Conduct, Vendors},
};
use serde_json::Value;

use crate::{
    scene::{DAY, SEED, platform, quote, report, source, vendors},
    scratch::Scratch,
};

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Exit status, standard output, standard error.
type Ended = (Option<i32>, String, String);

fn run(scratch: &Scratch, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prooftrail"));
    let output = command.env_clear().current_dir(scratch.path()).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.1).unwrap_or_else(|_| panic!("{ended:?}"))
}

/// A scratch directory with the roots and evidence of both vendors.
fn scene(at: i64) -> Scratch {
    let scratch = Scratch::new();
    let write = |name: &str, bytes: Vec<u8>| fs::write(scratch.path().join(name), bytes).unwrap();
    write("amd.der", platform().root_der());
    write("intel.der", Vendor::new(SEED, at).root_der());
    write("report.bin", report(at).0);
    write("quote.bin", quote(at).0);
    scratch
}

const ROOTS: [&str; 4] = ["--root", "amd.der", "--root", "intel.der"];

fn fetch(scratch: &Scratch, vendors: &Vendors, more: &[&str]) -> Ended {
    let url = vendors.url();
    let list = format!("{url}/IntelSGXRootCA.der");
    let places = ["--amd-url", &url, "--intel-url", &url, "--intel-root-crl-url", &list];
    run(scratch, &[&["endorsements", "fetch"], more, &places, &ROOTS].concat())
}

/// Names and outcomes, as the program tells them.
fn outcomes(told: &Value) -> Vec<(String, String)> {
    let items = told["items"].as_array().unwrap();
    let text = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
    let mut all: Vec<_> = items.iter().map(|item| (text(item, "name"), text(item, "outcome"))).collect();
    all.sort();
    all
}

/// Every file of a folder that an appraisal can be given.
fn endorsements(folder: &Path) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap() != "manifest.json");
    files.sort();
    files.iter().flat_map(|path| ["--endorsement".to_owned(), path.to_str().unwrap().to_owned()]).collect()
}

fn appraise(scratch: &Scratch, file: &str, kind: &str, folder: &str, more: &[&str]) -> Ended {
    let endorsements = endorsements(&scratch.path().join(folder));
    let endorsements: Vec<&str> = endorsements.iter().map(String::as_str).collect();
    run(scratch, &[&["appraise", file, "--kind", kind, "--json"], endorsements.as_slice(), &ROOTS, more].concat())
}

#[test]
fn what_is_fetched_here_is_appraised_with_there() {
    let at = now();
    let (scratch, vendors) = (scene(at), vendors(at));
    for (file, kind, count) in [("report.bin", "amd-sev-snp", 3), ("quote.bin", "intel-tdx", 4)] {
        let into = format!("here-{kind}");
        let fetched = fetch(&scratch, &vendors, &["--evidence", file, "--kind", kind, "--into", &into, "--json"]);
        assert_eq!(fetched.0, Some(0), "{fetched:?}");
        let told = json(&fetched);
        assert_eq!(told["complete"], true);
        let all = outcomes(&told);
        assert!(all.len() == count && all.iter().all(|(_, outcome)| outcome == "new"), "{all:?}");
        assert_eq!(appraise(&scratch, file, kind, &into, &[]).0, Some(0));

        // Carried, and verified on the other side.
        let there = format!("there-{kind}");
        let import = |more: &[&str]| {
            let arguments = ["endorsements", "import", &into, "--into", &there, "--json"];
            run(&scratch, &[&arguments, &ROOTS[..], more].concat())
        };
        let imported = import(&[]);
        assert_eq!(imported.0, Some(0), "{imported:?}");
        assert_eq!(outcomes(&json(&imported)), all);
        vendors.conduct(Conduct::Down);
        let ended = appraise(&scratch, file, kind, &there, &[]);
        assert_eq!((ended.0, &json(&ended)["claims"]["revocation"]), (Some(0), &Value::from("good")));
        vendors.conduct(Conduct::Honest);
        let again = import(&[]);
        assert!(again.0 == Some(0) && outcomes(&json(&again)).iter().all(|(_, outcome)| outcome == "same"));
    }
    // Younger lists take the place of older ones, and not the other way round.
    vendors.set_time(at + DAY / 2);
    let args = ["--amd-product", "milan", "--into", "here-amd-sev-snp", "--json"];
    // The clock of this machine has not moved, so what is dated tomorrow is not yet in force.
    vendors.set_time(at - 2 * DAY);
    let older = fetch(&scratch, &vendors, &args);
    assert_eq!(older.0, Some(1), "{older:?}");
    let list = ("amd-milan-vcek-crl".to_owned(), "older".to_owned());
    assert!(outcomes(&json(&older)).contains(&list));
    assert_eq!(json(&older)["items"][1]["code"], "endorsements.replayed");
    // For people.
    vendors.set_time(at);
    let told = fetch(&scratch, &vendors, &["--item", "amd-milan-vlek-crl", "--into", "named"]);
    assert!(told.0 == Some(0) && told.1.starts_with("new    amd-milan-vlek-crl, until "), "{told:?}");
    let told = fetch(&scratch, &vendors, &["--fmspc", "90c06f000000", "--tee", "sgx", "--into", "named", "--json"]);
    assert_eq!((told.0, outcomes(&json(&told)).len()), (Some(0), 4));
}

#[test]
fn what_could_not_be_had_or_does_not_verify_is_told_and_left_out() {
    let at = now();
    let (scratch, vendors) = (scene(at), vendors(at));
    let args = ["--amd-product", "milan", "--into", "here", "--json"];
    for (conduct, code) in [
        (Conduct::Garbage, "endorsements.refused"),
        (Conduct::Lying, "endorsements.refused"),
        (Conduct::Forging, "endorsements.refused"),
        (Conduct::Failing, "endorsements.status"),
        (Conduct::Endless, "endorsements.too_long"),
        (Conduct::Throttling(Some(3000)), "endorsements.throttled"),
    ] {
        vendors.conduct(conduct);
        let ended = fetch(&scratch, &vendors, &args);
        assert_eq!(ended.0, Some(1), "{conduct:?}: {ended:?}");
        let told = json(&ended);
        assert_eq!((&told["complete"], told["items"].as_array().unwrap().len()), (&Value::from(false), 2));
        for item in told["items"].as_array().unwrap() {
            assert_eq!((&item["outcome"], &item["code"]), (&Value::from("failed"), &Value::from(code)), "{conduct:?}");
        }
    }
    assert_eq!(endorsements(&scratch.path().join("here")), [""; 0]);
    // A vendor that asks for a moment gets it.
    vendors.conduct(Conduct::ThrottlingOnce(1));
    let turin = fetch(&scratch, &vendors, &["--item", "amd-milan-vlek-chain", "--into", "here", "--json"]);
    assert_eq!(turin.0, Some(0), "{turin:?}");
    assert_eq!(Line::Turin.name(), "Turin");

    // What was altered on the way is refused as a whole; what no root of this machine signed is left out.
    vendors.conduct(Conduct::Honest);
    assert_eq!(fetch(&scratch, &vendors, &args).0, Some(0));
    let unknown = run(&scratch, &["endorsements", "import", "here", "--into", "there", "--json"]);
    assert_eq!(unknown.0, Some(1), "{unknown:?}");
    assert!(outcomes(&json(&unknown)).iter().all(|(_, outcome)| outcome == "failed"));
    assert!(endorsements(&scratch.path().join("there")).is_empty());
    let files = endorsements(&scratch.path().join("here"));
    fs::write(&files[1], b"altered").unwrap();
    let import = [&["endorsements", "import", "here", "--into", "there"], ROOTS.as_slice()].concat();
    let altered = run(&scratch, &import);
    assert_eq!(altered.0, Some(2), "{altered:?}");
    assert!(altered.2.contains("SHA-256") && altered.2.contains(&files[1][files[1].len() - 20..]), "{altered:?}");

    for (arguments, part) in [
        (vec!["endorsements", "fetch", "--into", "x"], "name what to fetch"),
        (vec!["endorsements", "fetch", "--item", "amd-milan-root", "--into", "x"], "not the name of an endorsement"),
        (
            vec!["endorsements", "fetch", "--evidence", "amd.der", "--kind", "amd-sev-snp", "--into", "x"],
            "is no amd-sev-snp",
        ),
        (vec!["endorsements", "export", "--cache", "nowhere", "--into", "x"], "no cache at nowhere"),
        (vec!["endorsements", "import", "nowhere", "--into", "x"], "nowhere"),
        (vec!["endorsements", "fetch", "--item", "intel-root-crl", "--into", "."], "no manifest"),
    ] {
        let ended = run(&scratch, &arguments);
        assert!(ended.0 == Some(2) && ended.2.contains(part), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn a_token_s_issuer_is_asked_for_its_keys_and_they_are_carried() {
    let at = now();
    let (scratch, vendors) = (scene(at), vendors(at));
    let google = Verifier::new(SEED, at);
    vendors.publish_keys("google", google.key_set());
    fs::write(scratch.path().join("token.jwt"), google.oidc_token().build()).unwrap();
    let name = "google-confidential-space-keys";
    let url = format!("{name}={}/keys/google", vendors.url());
    let needs = ["--evidence", "token.jwt", "--kind", "gcp-confidential-space", "--keys-url", &url, "--json"];
    let fetched = fetch(&scratch, &vendors, &[&needs[..], &["--into", "here"]].concat());
    assert_eq!((fetched.0, outcomes(&json(&fetched))), (Some(0), vec![(name.to_owned(), "new".to_owned())]));
    let imported = run(&scratch, &["endorsements", "import", "here", "--into", "there", "--json"]);
    assert_eq!((imported.0, outcomes(&json(&imported)).len()), (Some(0), 1), "{imported:?}");
    let carried = endorsements(&scratch.path().join("there"));
    let appraise = ["appraise", "token.jwt", "--kind", "gcp-confidential-space", "--json"];
    let carried: Vec<&str> = carried.iter().map(String::as_str).collect();
    let ended = run(&scratch, &[&appraise[..], &carried].concat());
    assert_eq!((ended.0, &json(&ended)["trust_anchor"]), (Some(0), &Value::from("configured")), "{ended:?}");
    for (url, part) in
        [("google", "NAME=URL"), ("intel-root-crl=https://x.example", "no name of a token issuer's keys")]
    {
        let ended = fetch(&scratch, &vendors, &["--item", name, "--keys-url", url, "--into", "x"]);
        assert!(ended.0 == Some(2) && ended.2.contains(part), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_s_cache_is_exported_as_it_is() {
    let at = now();
    let (scratch, vendors) = (scene(at), vendors(at));
    let clock = crate::scene::Set::at(at);
    let cache = scratch.path().join("cache");
    let wants = [report(at).1, quote(at).1].concat();
    assert_eq!(source(&vendors, &clock, Some(&cache)).gather(&wants).await.failures, []);
    let arguments = ["endorsements", "export", "--cache", "cache", "--into", "carried", "--json"];
    let exported = run(&scratch, &[&arguments, &ROOTS[..]].concat());
    assert_eq!(exported.0, Some(0), "{exported:?}");
    let mut names: Vec<_> = wants.iter().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(outcomes(&json(&exported)).into_iter().map(|(name, _)| name).collect::<Vec<_>>(), names);
    // Lists of one vendor are of no use for the other's evidence, so each is given its own.
    let imported =
        run(&scratch, &[&["endorsements", "import", "carried", "--into", "there", "--json"], &ROOTS[..]].concat());
    assert_eq!((imported.0, outcomes(&json(&imported)).len()), (Some(0), wants.len()));
}
