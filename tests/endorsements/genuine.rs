//! What AMD's and Intel's own services answered, once: it is kept under the pinned roots, as what it is and as nothing else.

use std::{fs, path::PathBuf};

use prooftrail_evidence::{AwsLc, EndorsementFile, Wanted, admit};
use prooftrail_result::ReasonCode as Code;
use prooftrail_trust_roots::RootSet;
use serde_json::Value;

fn own(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Until when an answer is kept, in RFC 3339, or the code of the reason why it is not.
fn kept(name: &str, files: &[&[u8]], issuers: &[&[u8]], at: &str) -> Result<String, Code> {
    let wanted: Wanted = name.parse().unwrap();
    let [files, issuers] =
        [files, issuers].map(|files| files.iter().map(|file| EndorsementFile::from(*file)).collect::<Vec<_>>());
    let admitted = admit(&wanted, &files, &issuers, &RootSet::pinned(), &AwsLc, at.parse().unwrap());
    admitted.map(|admitted| admitted.until.to_string()).map_err(|reason| reason.code)
}

#[test]
fn intel_s_answers_are_kept() {
    const AT: &str = "2025-07-01T00:00:00Z";
    let bundle: Value = serde_json::from_slice(&own("tdx/collateral/dq-tdx_quote.json")).unwrap();
    let text = |key: &str| bundle[key].as_str().unwrap().to_owned();
    // As the service sends them: documents with their signatures, chains of signers beside them.
    let info = format!(r#"{{"tcbInfo":{},"signature":"{}"}}"#, text("tcb_info"), text("tcb_info_signature"));
    let identity =
        format!(r#"{{"enclaveIdentity":{},"signature":"{}"}}"#, text("qe_identity"), text("qe_identity_signature"));
    let signers = text("tcb_info_issuer_chain").into_bytes();
    let until = kept("intel-tdx-tcb-info-b0c06f000000", &[info.as_bytes(), &signers], &[], AT);
    assert_eq!(until.unwrap(), "2025-07-19T10:16:02Z");
    let other = kept("intel-tdx-tcb-info-90c06f000000", &[info.as_bytes(), &signers], &[], AT);
    assert_eq!(other, Err(Code::BindingPlatform));
    assert!(kept("intel-tdx-qe-identity", &[identity.as_bytes(), &signers], &[], AT).unwrap().starts_with("2025-07"));

    let lists = ["pck_crl", "root_ca_crl"].map(|key| hex::decode(text(key)).unwrap());
    let issuers = text("pck_crl_issuer_chain").into_bytes();
    let pck = |at| kept("intel-pck-platform-crl", &[&lists[0]], &[&issuers], at);
    assert!(pck(AT).unwrap().starts_with("2025-0"));
    assert_eq!(pck("2026-01-01T00:00:00Z"), Err(Code::TimeCrlExpired));
    assert_eq!(kept("intel-pck-processor-crl", &[&lists[0]], &[&issuers], AT), Err(Code::RevocationIssuer));
    assert!(kept("intel-root-crl", &[&lists[1]], &[], AT).unwrap().starts_with("2026-0"));
    assert_eq!(kept("intel-root-crl", &[&lists[0]], &[], AT), Err(Code::RevocationIssuer));
}

#[test]
fn amd_s_answers_are_kept() {
    const AT: &str = "2026-09-01T00:00:00Z";
    let chain = own("snp/milan/sev_cert_chain_milan.pem");
    assert!(kept("amd-milan-vcek-chain", &[&chain], &[], AT).unwrap().starts_with("2045-"));
    assert_eq!(kept("amd-genoa-vcek-chain", &[&chain], &[], AT), Err(Code::EndorsementUnrecognised));
    let (report, vcek) = (own("snp/milan/sev_v2_report.bin"), own("snp/milan/sev_v2_vcek.der"));
    let beside = prooftrail_evidence::Endorsements::read(&AwsLc, [vcek.as_slice()]).unwrap();
    let wants = prooftrail_evidence::wanted(prooftrail_result::Kind::AmdSevSnp, &report, &beside, None, &AwsLc);
    let name = wants.unwrap()[0].to_string();
    assert!(kept(&name, &[&vcek], &[&chain], AT).is_ok(), "{name}");
    assert_eq!(kept(&name, &[&vcek], &[], AT), Err(Code::SnpCertificateMissing));

    let Some(shared) = std::env::var_os("PROOFTRAIL_VECTORS").map(PathBuf::from) else {
        println!("skipped: AMD's lists, because PROOFTRAIL_VECTORS names no folder");
        return;
    };
    for line in ["milan", "genoa", "turin"] {
        let list = fs::read(shared.join(format!("snp/crl/kds_{line}.crl"))).unwrap();
        let name = format!("amd-{line}-vcek-crl");
        assert_eq!(kept(&name, &[&list], &[], AT).unwrap(), "2026-10-03T23:59:59Z", "{line}");
        let mut altered = list.clone();
        *altered.last_mut().unwrap() ^= 1;
        assert_eq!(kept(&name, &[&altered], &[], AT), Err(Code::RevocationSignature), "{line}");
        let other = if line == "milan" { "amd-genoa-vcek-crl" } else { "amd-milan-vcek-crl" };
        assert_eq!(kept(other, &[&list], &[], AT), Err(Code::RevocationIssuer), "{line}");
    }
}
