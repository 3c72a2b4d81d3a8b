//! What other verifiers say of genuine evidence, beside what the binary says. The peers' answers are recorded in the shared
//! folder; where we differ, the difference is named here with its reason.

use std::{fs, path::Path};

use serde_json::Value;

use crate::vectors::{json, prooftrail, run, shared};

/// A quote, its collateral and what dcap-qvl 0.7.1 answered, as its file name says it.
struct Recorded {
    name: String,
    kind: &'static str,
    quote: String,
    collateral: String,
    at: i64,
    claims: Value,
}

fn recorded(folder: &Path) -> Vec<Recorded> {
    let read = |path: &Path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let answer: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let (quote, collateral) = name.split_once('@').expect("quote@collateral");
        Recorded {
            kind: if name.starts_with("tdx") { "intel-tdx" } else { "intel-sgx" },
            quote: format!("tdx/quotes/{quote}.bin"),
            collateral: format!("tdx/collateral/{collateral}.json"),
            at: answer["now"].as_i64().expect("seconds"),
            claims: answer["claims"].clone(),
            name,
        }
    };
    let entries = fs::read_dir(folder.join("tdx/peer-claims")).expect("a folder");
    entries.map(|entry| read(&entry.unwrap().path())).collect()
}

fn rfc3339(seconds: i64) -> String {
    prooftrail_result::Timestamp::from_unix_seconds(seconds).expect("a year").to_string()
}

/// A claim of ours and the same fact of theirs.
type Pair = (String, Value);

/// The facts that both state, by our names.
fn facts(kind: &str, theirs: &Value) -> Vec<Pair> {
    let family = if kind == "intel-tdx" { "tdx" } else { "sgx" };
    // Flags are recorded as Python spells them.
    let own = |name: &str, value: &Value| {
        let value = match value.as_str() {
            Some("True") => true.into(),
            Some("False") => false.into(),
            _ => value.clone(),
        };
        (format!("{family}.{name}"), value)
    };
    let pck = &theirs["platform"]["pck"];
    let sgx_type = ["standard", "scalable", "scalable_with_integrity"]
        [usize::try_from(pck["sgx_type"].as_u64().unwrap()).unwrap()];
    let mut advisories: Vec<String> =
        theirs["tcb"]["advisory_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    advisories.sort();
    let (first, last) = (&theirs["latest_issue_date"], &theirs["earliest_expiration_date"]);
    let mut facts = vec![
        ("tcb.status".to_owned(), theirs["tcb"]["status"].clone()),
        ("advisories".to_owned(), advisories.into()),
        own("quote_version", &theirs["header"]["version"]),
        own("tcb.evaluation_data_number", &theirs["tcb"]["eval_data_number"]),
        own("tcb.qe_status", &theirs["qe"]["tcb_level"]["tcbStatus"]),
        own("ppid", &pck["ppid"]),
        own("cpu_svn", &pck["cpu_svn"]),
        own("pce_svn", &pck["pce_svn"]),
        own("pce_id", &pck["pce_id"]),
        own("fmspc", &pck["fmspc"]),
        own("sgx_type", &sgx_type.into()),
        own("qe.mrenclave", &theirs["qe"]["report"]["mr_enclave"]),
        own("qe.mrsigner", &theirs["qe"]["report"]["mr_signer"]),
        own("qe.isvprodid", &theirs["qe"]["report"]["isv_prod_id"]),
        own("qe.isvsvn", &theirs["qe"]["report"]["isv_svn"]),
        own("collateral.issued", &rfc3339(first.as_i64().unwrap()).into()),
        own("collateral.expires", &rfc3339(last.as_i64().unwrap()).into()),
    ];
    for name in ["platform_instance_id", "dynamic_platform", "cached_keys", "smt_enabled"] {
        // What they call unknown is absent here; so is what the Processor CA does not certify.
        if family == "tdx" {
            facts.push(own(name, &pck[name]));
        }
    }
    let report = &theirs["report"];
    if let Some(enclave) = report.get("SgxEnclave") {
        for (name, theirs) in [
            ("mrenclave", "mr_enclave"),
            ("mrsigner", "mr_signer"),
            ("isvprodid", "isv_prod_id"),
            ("isvsvn", "isv_svn"),
            ("attributes", "attributes"),
            ("report_data", "report_data"),
        ] {
            facts.push(own(name, &enclave[theirs]));
        }
        return facts;
    }
    let (td15, td10) = match (report.get("TD15Ex"), report.get("TD15"), report.get("TD10")) {
        (Some(extended), _, _) => {
            facts.push(own("td_id", &extended["td_id"]));
            facts.push(own("vmid", &extended["vmid"]));
            (Some(&extended["base"]), &extended["base"]["base"])
        }
        (_, Some(td15), _) => (Some(td15), &td15["base"]),
        (_, _, td10) => (None, td10.expect("a report")),
    };
    if let Some(td15) = td15 {
        facts.push(own("tee_tcb_svn2", &td15["tee_tcb_svn2"]));
        facts.push(own("mrservicetd", &td15["mr_service_td"]));
    }
    for (name, theirs) in [
        ("tee_tcb_svn", "tee_tcb_svn"),
        ("mrseam", "mr_seam"),
        ("mrsignerseam", "mr_signer_seam"),
        ("seam_attributes", "seam_attributes"),
        ("td_attributes", "td_attributes"),
        ("xfam", "xfam"),
        ("mrtd", "mr_td"),
        ("mrconfigid", "mr_config_id"),
        ("mrowner", "mr_owner"),
        ("mrownerconfig", "mr_owner_config"),
        ("rtmr0", "rt_mr0"),
        ("rtmr1", "rt_mr1"),
        ("rtmr2", "rt_mr2"),
        ("rtmr3", "rt_mr3"),
        ("report_data", "report_data"),
    ] {
        facts.push(own(name, &td10[theirs]));
    }
    facts
}

#[test]
fn dcap_qvl_and_we_say_the_same_of_genuine_quotes() {
    let Some(folder) = shared("dcap-qvl's answers") else { return };
    let recorded = recorded(&folder);
    assert_eq!(recorded.len(), 9);
    let mut differences = Vec::new();
    for Recorded { name, kind, quote, collateral, at, claims } in &recorded {
        let mut command = prooftrail();
        command.args(["appraise", "--kind", kind, "--json", "--allow-debug", "--at", &rfc3339(*at)]);
        command.arg(folder.join(quote)).arg("--endorsement").arg(folder.join(collateral));
        let (status, result) = json(&run(&mut command));
        assert_eq!(status, 0, "{name}: {result}");
        for (claim, theirs) in facts(kind, claims) {
            let ours = &result["claims"][&claim];
            if *ours != theirs {
                differences.push(format!("{name}: {claim}: we say {ours}, dcap-qvl {theirs}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
