//! Event logs of TDX guests: what replays to the registers of a quote is claimed, and what does not is told.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_evidence::{AwsLc, Context, Endorsements, Expected, NoIssuers, Revocation, authenticate};
use prooftrail_result::{
    Kind, Reason, ReasonCode, Timestamp, TrustAnchor,
    claims::{Claims, tdx},
};
use prooftrail_simulator::intel::Vendor;
use prooftrail_trust_roots::RootSet;
use sha2::{Digest, Sha384};

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;

fn sha384(parts: &[&[u8]]) -> [u8; 48] {
    parts.iter().fold(Sha384::new(), Sha384::chain_update).finalize().into()
}

/// The registers after these digests.
fn replayed(entries: &[(usize, [u8; 48])]) -> [[u8; 48]; 4] {
    let mut rtmrs = [[0; 48]; 4];
    for (index, digest) in entries {
        rtmrs[*index] = sha384(&[&rtmrs[*index], digest]);
    }
    rtmrs
}

/// What a quote with these registers claims beside that log.
fn claims(rtmrs: [[u8; 48]; 4], log: &[u8]) -> Result<Claims, Reason> {
    let vendor = Vendor::new("event logs", AT);
    let mut quote = vendor.td_quote();
    quote.td_mut().rtmrs = rtmrs;
    let der = vendor.root_der();
    let collateral = vendor.tdx_collateral().build();
    let context = Context {
        crypto: &AwsLc,
        roots: &RootSet::from_manifest(&vendor.root_manifest(), TrustAnchor::Configured, |_| {
            Ok::<_, String>(der.clone())
        })
        .unwrap(),
        endorsements: &Endorsements::read(&AwsLc, [collateral.as_slice(), log])?,
        issuers: &NoIssuers,
        revocation: Revocation::default(),
        at: Timestamp::from_unix_seconds(AT).unwrap(),
        expected: Expected::default(),
    };
    Ok(authenticate(Kind::IntelTdx, &quote.build(), &context).unwrap().claims().clone())
}

fn matches(rtmrs: [[u8; 48]; 4], log: &[u8]) -> Option<bool> {
    claims(rtmrs, log).unwrap().bool(tdx::EVENT_LOG_MATCHES)
}

fn entry(register: u32, kind: u32, digest: &[u8; 48]) -> Vec<u8> {
    let (register, kind, one) = (register.to_le_bytes(), kind.to_le_bytes(), 1_u32.to_le_bytes());
    let (algorithm, data) = (0x0C_u16.to_le_bytes(), b"data");
    [register.as_slice(), &kind, &one, &algorithm, digest, &4_u32.to_le_bytes(), data].concat()
}

/// A firmware's log with those entries, and an area around it.
fn ccel(entries: &[Vec<u8>], fill: u8) -> Vec<u8> {
    let spec_id = [b"Spec ID Event03\0".as_slice(), &[0, 0, 0, 0, 0, 2, 0, 2, 1, 0, 0, 0, 0x0C, 0, 48, 0, 0]].concat();
    let length = u32::try_from(spec_id.len()).unwrap().to_le_bytes();
    let head = [1_u32.to_le_bytes().as_slice(), &3_u32.to_le_bytes(), &[0; 20], &length, &spec_id].concat();
    [head, entries.concat(), vec![fill; 1000]].concat()
}

#[test]
fn the_log_of_firmware_is_replayed() {
    let digests = [(0, [1; 48]), (1, [2; 48]), (0, [3; 48]), (2, [4; 48])];
    let rtmrs = replayed(&digests);
    let entries: Vec<_> =
        digests.iter().map(|(index, digest)| entry(u32::try_from(*index).unwrap() + 1, 6, digest)).collect();
    for fill in [0xFF, 0] {
        assert_eq!(matches(rtmrs, &ccel(&entries, fill)), Some(true));
    }
    // Entries without action, one of them of no register, and one of MRTD extend nothing.
    let idle = [entry(1, 3, &[9; 48]), entry(u32::MAX, 3, &[9; 48]), entry(0, 6, &[9; 48])];
    assert_eq!(matches(rtmrs, &ccel(&[idle.to_vec(), entries.clone()].concat(), 0xFF)), Some(true));
    // Register 3 is the guest's: firmware's log knows nothing of it.
    let running = [rtmrs[0], rtmrs[1], rtmrs[2], [7; 48]];
    assert_eq!(matches(running, &ccel(&entries, 0xFF)), Some(true));
    let with_rtmr3 = [entries.clone(), vec![entry(4, 6, &[5; 48])]].concat();
    assert_eq!(matches(running, &ccel(&with_rtmr3, 0xFF)), Some(false));
    for index in 0..3 {
        let mut other = rtmrs;
        other[index][0] ^= 1;
        assert_eq!(matches(other, &ccel(&entries, 0xFF)), Some(false), "{index}");
    }
    assert_eq!(matches(rtmrs, &ccel(&entries[1..], 0xFF)), Some(false), "an entry less");

    let code = |log: &[u8]| claims(rtmrs, log).map(drop).map_err(|reason| reason.code);
    let malformed = Err(ReasonCode::EventLogMalformed);
    assert_eq!(code(&ccel(&[entry(5, 6, &[1; 48])], 0xFF)), malformed, "no such register");
    let whole = ccel(&entries, 0xFF);
    assert_eq!(code(&whole[..whole.len() - 1001]), malformed, "cut inside an entry");
    let mut unknown_algorithm = entries[0].clone();
    unknown_algorithm[12] = 0x0B;
    assert_eq!(code(&ccel(&[unknown_algorithm], 0xFF)), malformed);
    let mut many = entries[0].clone();
    many[8..12].fill(0xFF);
    assert_eq!(code(&ccel(&[many], 0xFF)), malformed);
}

#[test]
fn the_log_of_a_dstack_guest_is_replayed_and_says_what_it_recorded() {
    const RUNTIME: u32 = 0x0800_0001;
    let digest = |event: &str, payload: &[u8]| sha384(&[&RUNTIME.to_le_bytes(), b":", event.as_bytes(), b":", payload]);
    let recorded = [
        ("app-id", vec![1; 20]),
        ("compose-hash", vec![2; 32]),
        ("key-provider", vec![3]),
        ("key-provider", vec![4]),
        ("system-ready", vec![]),
        ("os-image-hash", vec![5; 32]),
    ];
    let mut digests = vec![(0, [1; 48]), (1, [2; 48]), (2, [3; 48])];
    digests.extend(recorded.iter().map(|(event, payload)| (3, digest(event, payload))));
    let rtmrs = replayed(&digests);
    let log = |with_digests: bool, tamper: bool| {
        let boot = digests.iter().take(3).map(|(imr, digest)| {
            format!(r#"{{"imr":{imr},"event_type":6,"digest":"{}","event":"","event_payload":""}}"#, hex(digest))
        });
        let run_time = recorded.iter().map(|(event, payload)| {
            let digest = if with_digests { hex(&digest(event, payload)) } else { String::new() };
            let payload = hex(payload);
            let payload = if tamper { payload.replacen("01", "02", 1) } else { payload };
            format!(r#"{{"imr":3,"event_type":{RUNTIME},"digest":"{digest}","event":"{event}","event_payload":"{payload}"}}"#)
        });
        format!("[{}]", boot.chain(run_time).collect::<Vec<_>>().join(","))
    };
    let as_list = |log: String| format!(r#"{{"quote":"","event_log":{log}}}"#).into_bytes();
    let as_text = |log: String| format!(r#"{{"event_log":"{}"}}"#, log.replace('"', "\\\"")).into_bytes();
    for log in [as_list(log(true, false)), as_text(log(true, false)), as_list(log(false, false))] {
        let claims = claims(rtmrs, &log).unwrap();
        assert_eq!(claims.bool(tdx::EVENT_LOG_MATCHES), Some(true));
        assert_eq!(claims.get(tdx::DSTACK_APP_ID), Some(&[1; 20].as_slice().into()));
        assert_eq!(claims.get(tdx::DSTACK_COMPOSE_HASH), Some(&[2; 32].as_slice().into()));
        assert_eq!(claims.get(tdx::DSTACK_KEY_PROVIDER), None, "recorded twice");
        assert_eq!(claims.get(tdx::DSTACK_OS_IMAGE_HASH), None, "recorded by the guest's own programs");
    }
    let code = |log: Vec<u8>| claims(rtmrs, &log).map(drop).map_err(|reason| reason.code);
    assert_eq!(code(as_list(log(true, true))), Err(ReasonCode::EventLogMalformed), "a payload of another digest");
    let stripped = claims(rtmrs, &as_list(log(false, true))).unwrap();
    assert_eq!(stripped.bool(tdx::EVENT_LOG_MATCHES), Some(false));
    assert_eq!(stripped.get(tdx::DSTACK_COMPOSE_HASH), None, "what does not match claims nothing");
    assert_eq!(
        code(as_list(log(true, false).replacen("\"imr\":0", "\"imr\":4", 1))),
        Err(ReasonCode::EventLogMalformed)
    );
    assert_eq!(code(as_text("[{}]".to_owned())), Err(ReasonCode::EventLogMalformed));
    let genuine = claims(rtmrs, b"-----BEGIN X509 CRL-----").map(drop).map_err(|reason| reason.code);
    assert_eq!(genuine, Err(ReasonCode::EndorsementUnrecognised));
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
