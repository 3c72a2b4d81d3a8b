//! The offline directory of endorsements: what it has vouches for evidence, is archived, and can be replaced.

use std::{fs, path::Path};

use prooftrail_protocol::{Purpose, sha256};
use serde_json::json;

use crate::{
    agent::{EXECUTABLE, Site, hypervisor, now_ms, policy},
    http::Reply,
    provenance::{get, registered, trust, verified_under},
    release::{decisions, start},
    scratch::Scratch,
};

/// A policy for which revocation must have been checked.
fn strict() -> String {
    policy("proofs", EXECUTABLE, "revocation is checked", "[revocation]\namazon = 'required'\n")
}

/// Both lists that the chain names, a minute old.
fn write_lists(folder: &Path, revoked: &[&[u8]]) -> [Vec<u8>; 2] {
    let hypervisor = hypervisor();
    let at = i64::try_from(now_ms() / 1000).unwrap() - 60;
    let lists = [hypervisor.crl_of_root(at, &[]).build(), hypervisor.crl_of_regional(at, revoked).build()];
    fs::write(folder.join("root.crl"), &lists[0]).unwrap();
    fs::write(folder.join("regional.crl"), &lists[1]).unwrap();
    lists
}

#[test]
fn lists_from_the_folder_are_used_archived_and_read_again() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("endorsements");
    fs::create_dir(&folder).unwrap();
    let url = format!("sqlite:{}", scratch.path().join("data/prooftrail.db").display());
    let service = start(scratch.path(), None, |config| config.endorsements.folder = Some(folder.clone()));
    let site = Site::prepare(service.address, &service.token);
    site.put_in_force(&strict());
    let ask = || -> Reply { site.post("/v1/releases", &json!(site.job(Purpose::Release).request())) };
    let refused = ask();
    assert_eq!((refused.status, refused.problem().as_str()), (422, "revocation.not_checked"));

    let lists = write_lists(&folder, &[]);
    assert_eq!(ask().problem(), "revocation.not_checked", "nobody has said that the files are there");
    service.reloader.reload();
    let (_, response) = registered(&site, b"proof");
    let (decided, _) = decisions(&url, site.origin.as_str());
    let [(_, decision)] = decided.as_slice() else { panic!("one decision") };
    // In the order of the files' names.
    let [root, regional] = lists.each_ref().map(|list| sha256(&[list]));
    assert_eq!(decision.endorsements, [regional, root]);
    // They are in the bundle, and the appraisal that is made again with them gives the same.
    let id = hex::encode(response.proof_id.unwrap().0);
    let found = verified_under(&trust(&site, &[]), &get(&site, &format!("/v1/proofs/{id}/bundle"), "*/*").body);
    assert_eq!(found.reasons, []);
    // A list that the agent sends as well is one list.
    let mut request = site.job(Purpose::Release).request();
    request.endorsements = vec![lists[0].clone().into()];
    let reply = site.post("/v1/releases", &json!(request));
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(decisions(&url, site.origin.as_str()).0[1].1.endorsements, [root, regional]);

    // What cannot be used changes nothing.
    fs::write(folder.join("z.crl"), b"garbage").unwrap();
    service.reloader.reload();
    assert_eq!(ask().status, 200);
    fs::remove_file(folder.join("z.crl")).unwrap();
    // A newer list on which the enclave's zonal issuer stands.
    let zonal = hypervisor().document(now_ms()).chain[2].serial.clone();
    write_lists(&folder, &[&zonal]);
    service.reloader.reload();
    let revoked = ask();
    assert_eq!((revoked.status, revoked.problem().as_str()), (422, "revocation.revoked"));
}

#[test]
fn a_service_does_not_start_on_what_is_no_endorsement() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("endorsements");
    fs::create_dir(&folder).unwrap();
    write_lists(&folder, &[]);
    fs::write(folder.join("notes.txt"), "to be renewed in May").unwrap();
    let config = format!("[endorsements]\nfolder = {folder:?}\n");
    fs::write(scratch.path().join("config.toml"), config).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_prooftrail"));
    command.env_clear().current_dir(scratch.path()).args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--config",
        "config.toml",
    ]);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("endorsements.folder") && said.contains("notes.txt"), "{said}");
    assert!(!scratch.path().join("prooftrail-data").exists(), "nothing was made");
}
