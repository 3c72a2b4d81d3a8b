//! What a set claims as one, and what keeps pieces from being one.

use prooftrail_evidence::Link;
use prooftrail_result::{
    EvidenceId, Kind, TrustAnchor,
    claims::{Claims, Value},
};

use super::{Discord, Piece, claims, discord};
use crate::{MAX_PIECES, testing::MadeEvidence};

fn discord_of(set: &[MadeEvidence]) -> Option<Discord> {
    discord(&set.iter().map(MadeEvidence::piece).collect::<Vec<_>>())
}

#[test]
fn a_token_counts_only_beside_the_machine_that_it_is_about() {
    use Kind::{AmdSevSnp, AzureMaa, AzureSnpVtpm, AzureTdxVtpm, GcpConfidentialSpace, IntelTdx, IntelTrustAuthority};
    let key = |number| Link::AttestationKey([number; 32]);
    let guest = |number| Link::SnpReportId([number; 32]);
    let quote = |number| Link::QuoteSha256([number; 32]);
    let paravisor = |number| Link::ParavisorKey([number; 32]);
    let vtpm = [key(1), guest(1)];
    let td_vtpm = [key(1), paravisor(1)];
    for (hardware, known_by, token, says, is_linked) in [
        (AzureSnpVtpm, &vtpm[..], AzureMaa, &[key(1), guest(1)][..], true),
        (AzureSnpVtpm, &vtpm, AzureMaa, &[guest(1)], true),
        // Another machine's token, whole or in part.
        (AzureSnpVtpm, &vtpm, AzureMaa, &[key(2), guest(2)], false),
        (AzureSnpVtpm, &vtpm, AzureMaa, &[key(1), guest(2)], false),
        (AzureSnpVtpm, &vtpm, AzureMaa, &[key(2), guest(1)], false),
        (AzureSnpVtpm, &vtpm, AzureMaa, &[quote(1)], false),
        (AzureSnpVtpm, &vtpm, AzureMaa, &[], false),
        (AzureTdxVtpm, &td_vtpm, AzureMaa, &[key(1), paravisor(1)], true),
        // The machine's key, vouched for by another trust domain.
        (AzureTdxVtpm, &td_vtpm, AzureMaa, &[key(1), paravisor(2)], false),
        (AmdSevSnp, &[guest(3)], AzureMaa, &[guest(3)], true),
        (AmdSevSnp, &[], AzureMaa, &[], false),
        // A padded quote is known by two digests.
        (IntelTdx, &[quote(1), quote(2)], IntelTrustAuthority, &[quote(2)], true),
        (IntelTdx, &[quote(1), quote(2)], IntelTrustAuthority, &[quote(3)], false),
        (IntelTdx, &[quote(1)], GcpConfidentialSpace, &[], false),
    ] {
        let hardware = MadeEvidence::linked(hardware, 1, known_by).with(&[("instance", "'hardware'")]);
        let token = MadeEvidence::linked(token, 2, says).with(&[("instance", "'token'")]);
        let expected = (!is_linked).then_some(Discord::Unlinked(token.evidence_id.kind, hardware.evidence_id.kind));
        for set in [[hardware.clone(), token.clone()], [token.clone(), hardware.clone()]] {
            assert_eq!(discord_of(&set), expected, "{says:?}");
            if is_linked {
                assert_eq!(shown(&merged(&set), "instance").as_deref(), Some("hardware"));
            }
        }
        let twice =
            MadeEvidence { evidence_id: EvidenceId { signed_sha384: [9; 48], ..token.evidence_id }, ..token.clone() };
        assert!(discord_of(&[hardware, token, twice]).is_some(), "a token twice");
    }
    // Tokens alone are linked by nothing.
    let tokens = [AzureMaa, IntelTrustAuthority].map(|kind| MadeEvidence::linked(kind, 1, &[quote(1)]));
    assert_eq!(discord_of(&tokens), Some(Discord::TwoCpus(AzureMaa, IntelTrustAuthority)));
}

#[test]
fn a_service_s_word_counts_beside_reports_of_the_same_devices() {
    let device = |name: &str| Link::Device(name.into());
    let reports = [("1", 1), ("2", 2)]
        .map(|(name, number)| MadeEvidence { links: vec![device(name)], ..MadeEvidence::gpu(number) });
    for (devices, is_linked) in
        [(&["1", "2"][..], true), (&["2"], true), (&["3"], false), (&["1", "2", "3"], false), (&[], false)]
    {
        let links: Vec<_> = devices.iter().map(|name| device(name)).collect();
        let token = MadeEvidence::linked(Kind::NvidiaNras, 7, &links);
        let [one, two] = reports.clone();
        let expected = (!is_linked).then_some(Discord::Unlinked(Kind::NvidiaNras, Kind::NvidiaGpu));
        assert_eq!(discord_of(&[MadeEvidence::snp(), one, token.clone(), two]), expected, "{devices:?}");
        assert_eq!(discord_of(&[MadeEvidence::snp(), token]), None);
    }
}

/// The claims of pieces that are a set.
fn merged(set: &[MadeEvidence]) -> Claims {
    let pieces: Vec<_> = set.iter().map(MadeEvidence::piece).collect();
    assert_eq!(discord(&pieces), None);
    claims(&pieces, None)
}

fn shown(claims: &Claims, name: &str) -> Option<String> {
    claims.get(name.parse::<prooftrail_result::claims::ClaimName>().unwrap()).map(Value::to_string)
}

#[test]
fn one_piece_is_a_set_that_claims_what_it_claims() {
    let nitro = MadeEvidence::nitro();
    assert_eq!(merged(std::slice::from_ref(&nitro)), nitro.claims);
}

#[test]
fn devices_are_numbered_over_the_set_in_the_order_given() {
    let claims = merged(&[
        MadeEvidence::gpu(7),
        MadeEvidence::switch(3),
        MadeEvidence::snp(),
        MadeEvidence::gpu(8).with(&[("gpu.0.measurement.3", &format!("'{}'", "ab".repeat(48)))]),
        MadeEvidence::switch(4),
    ]);
    for (name, value) in [
        ("gpu.0.ueid", Some("47")),
        ("gpu.1.ueid", Some("48")),
        ("gpu.2.ueid", None),
        ("gpu.1.pdi", Some("0000000000000008")),
        ("gpu.0.measurement.3", None),
        ("gpu.1.measurement.3", Some(&*"ab".repeat(48))),
        ("switch.0.ueid", Some("53")),
        ("switch.1.ueid", Some("54")),
        ("gpu.count", Some("2")),
        ("switch.count", Some("2")),
        ("gpu.measres", Some("success")),
        ("platform", Some("sev-snp")),
        ("vendor", Some("amd")),
    ] {
        assert_eq!(shown(&claims, name).as_deref(), value, "{name}");
    }
}

#[test]
fn the_gpus_mode_is_stated_where_there_are_gpus_and_no_token_says_it() {
    let stated = crate::testing::claims(&[("gpu.cc_mode", "'on'"), ("job.agent_version", "'1'")]);
    let joined = |set: &[MadeEvidence]| {
        let pieces: Vec<_> = set.iter().map(MadeEvidence::piece).collect();
        let mut claims = claims(&pieces, None);
        super::join_statement(&mut claims, &pieces, &stated);
        (shown(&claims, "gpu.cc_mode"), shown(&claims, "job.agent_version"))
    };
    let both = |mode: Option<&str>, version: Option<&str>| (mode.map(str::to_owned), version.map(str::to_owned));
    let bound = || MadeEvidence { binding_matched: true, ..MadeEvidence::snp() };
    assert_eq!(joined(&[bound(), MadeEvidence::gpu(1)]), both(Some("on"), Some("1")));
    assert_eq!(joined(&[bound()]), both(None, Some("1")), "there are no GPUs");
    let unbound = MadeEvidence { binding_matched: false, ..MadeEvidence::snp() };
    assert_eq!(joined(&[unbound, MadeEvidence::gpu(1)]), both(None, None), "no binding covers it");
    let said = bound().with(&[("gpu.cc_mode", "'off'")]);
    assert_eq!(joined(&[said, MadeEvidence::gpu(1)]), both(Some("off"), Some("1")), "a token says it");
}

#[test]
fn one_bad_piece_spoils_the_set() {
    let good = || [MadeEvidence::snp(), MadeEvidence::gpu(1), MadeEvidence::gpu(2)];
    // claim, what the pieces say, what the set says
    for (name, pieces, set) in [
        ("debug", [Some("false"), None, None], Some("false")),
        ("debug", [Some("false"), Some("false"), Some("true")], Some("true")),
        ("debug", [None, Some("false"), None], None),
        ("debug", [None, Some("true"), None], Some("true")),
        ("debug", [None, None, None], None),
        ("simulated", [Some("false"), Some("false"), Some("false")], Some("false")),
        ("simulated", [Some("false"), Some("true"), None], Some("true")),
        ("simulated", [Some("false"), Some("false"), None], None),
        ("tcb.status", [None, None, None], None),
        ("tcb.status", [Some("'UpToDate'"), None, None], Some("UpToDate")),
        ("tcb.status", [Some("'OutOfDate'"), Some("'UpToDate'"), None], Some("OutOfDate")),
        (
            "tcb.status",
            [Some("'SWHardeningNeeded'"), Some("'TDRelaunchAdvised'"), Some("'UpToDate'")],
            Some("TDRelaunchAdvised"),
        ),
        ("tcb.status", [Some("'OutOfDate'"), Some("'Revoked'"), None], Some("Revoked")),
        ("advisories", [None, None, None], None),
        ("advisories", [Some("['B', 'C']"), Some("['A', 'B']"), None], Some("A,B,C")),
        ("advisories", [Some("[]"), None, None], Some("")),
        ("gpu.measres", [Some("'fail'"), None, None], Some("success")),
    ] {
        let set_of_three = good().map(|piece| piece.without(name));
        let mut said = Vec::new();
        for (piece, value) in set_of_three.into_iter().zip(pieces) {
            said.push(match value {
                Some(value) => piece.with(&[(name, value)]),
                None => piece,
            });
        }
        assert_eq!(shown(&merged(&said), name).as_deref(), set, "{name} {pieces:?}");
    }
}

#[test]
fn the_cpu_speaks_for_the_set() {
    let claims = merged(&[
        MadeEvidence::gpu(1).with(&[("nonce", "'aa'"), ("issued_at", "'2024-01-01T00:00:00Z'"), ("instance", "'gpu'")]),
        MadeEvidence::nitro(),
    ]);
    assert_eq!(shown(&claims, "nonce").as_deref(), Some("00112233"));
    assert_eq!(shown(&claims, "issued_at").as_deref(), Some("2025-01-06T16:07:05Z"));
    assert_eq!(shown(&claims, "instance"), None);
    assert_eq!(shown(&claims, "nitro.region").as_deref(), Some("eu-central-1"));
}

#[test]
fn devices_alone_claim_what_they_agree_on_and_the_earliest_time() {
    let claims = merged(&[
        MadeEvidence::gpu(1).with(&[
            ("nonce", "'aa'"),
            ("issued_at", "'2025-01-02T00:00:00Z'"),
            ("hardware_id", "'1'"),
        ]),
        MadeEvidence::gpu(2).with(&[
            ("nonce", "'aa'"),
            ("issued_at", "'2025-01-01T00:00:00Z'"),
            ("hardware_id", "'2'"),
        ]),
    ]);
    assert_eq!(shown(&claims, "nonce").as_deref(), Some("aa"));
    assert_eq!(shown(&claims, "issued_at").as_deref(), Some("2025-01-01T00:00:00Z"));
    assert_eq!(shown(&claims, "vendor").as_deref(), Some("nvidia"));
    assert_eq!(shown(&claims, "hardware_id"), None);
    let one_without = merged(&[MadeEvidence::gpu(1).with(&[("nonce", "'aa'")]), MadeEvidence::gpu(2)]);
    assert_eq!(shown(&one_without, "nonce"), None);
}

#[test]
fn roots_are_united_and_the_operator_s_word_counts() {
    let configured = MadeEvidence {
        trust_anchor: TrustAnchor::Configured,
        ..MadeEvidence::gpu(1).with(&[("root_sha256", &format!("['{}']", "01".repeat(32)))])
    };
    let claims = merged(&[MadeEvidence::nitro(), configured]);
    assert_eq!(shown(&claims, "root_sha256"), Some(format!("{},{}", "01".repeat(32), "64".repeat(32))));
    assert_eq!(shown(&claims, "trust_anchor").as_deref(), Some("configured"));
}

#[test]
fn gpus_are_counted_once_and_only_where_they_can_be_told_apart() {
    let token = || {
        let nras =
            MadeEvidence::gpu(1).with(&[("gpu.1.ueid", "'42'"), ("gpu.1.measres", "'success'"), ("gpu.count", "2")]);
        MadeEvidence {
            evidence_id: EvidenceId { kind: Kind::NvidiaNras, ..nras.evidence_id },
            links: ["41", "42"].map(|device| Link::Device(device.into())).into(),
            ..nras
        }
    };
    for (set, count) in [
        (vec![MadeEvidence::gpu(1)], Some("1")),
        (vec![MadeEvidence::gpu(1).without("gpu.0.ueid")], Some("1")),
        (vec![MadeEvidence::gpu(1), MadeEvidence::gpu(2)], Some("2")),
        (vec![MadeEvidence::gpu(1), MadeEvidence::gpu(2).without("gpu.0.ueid")], None),
        (vec![token()], Some("2")),
        (vec![token().without("gpu.1.ueid")], Some("2")),
        (vec![MadeEvidence::gpu(1), MadeEvidence::gpu(2), token()], Some("2")),
        (vec![MadeEvidence::nitro()], None),
    ] {
        assert_eq!(shown(&merged(&set), "gpu.count").as_deref(), count);
    }
}

#[test]
fn measurements_of_all_gpus_count() {
    let pair = |first: &str, second: &str| {
        shown(
            &merged(&[
                MadeEvidence::gpu(1).with(&[("gpu.0.measres", first)]),
                MadeEvidence::gpu(2).with(&[("gpu.0.measres", second)]),
            ]),
            "gpu.measres",
        )
    };
    assert_eq!(pair("'success'", "'success'").as_deref(), Some("success"));
    assert_eq!(pair("'success'", "'fail'").as_deref(), Some("fail"));
    let unknown = [MadeEvidence::gpu(1), MadeEvidence::gpu(2).without("gpu.0.measres")];
    assert_eq!(shown(&merged(&unknown), "gpu.measres"), None);
}

#[test]
fn topology_needs_both_halves_and_exactly_the_set() {
    let pdi = |number: u8| format!("'00000000000000{number:02x}'");
    let gpu = |number: u8, switches: &str| MadeEvidence::gpu(number).with(&[("gpu.0.switch_pdis", switches)]);
    let switch = |number: u8, gpus: &str| MadeEvidence::switch(number).with(&[("switch.0.gpu_pdis", gpus)]);
    let switches = format!("[{}, {}]", pdi(8), pdi(9));
    let gpus = format!("[{}, {}]", pdi(2), pdi(1));
    let one = format!("[{}]", pdi(1));
    let whole = || vec![gpu(1, &switches), gpu(2, &switches), switch(8, &gpus), switch(9, &gpus)];
    let topology = |set: Vec<MadeEvidence>| shown(&merged(&set), "gpu.topology");
    assert_eq!(topology(whole()).as_deref(), Some("true"));
    assert_eq!(topology(whole().into_iter().skip(1).collect()).as_deref(), Some("false"), "a GPU is missing");
    let mut partial = whole();
    partial[2] = switch(8, &one);
    assert_eq!(topology(partial).as_deref(), Some("false"));
    let mut silent = whole();
    silent[2] = MadeEvidence::switch(8);
    assert_eq!(topology(silent), None);
    assert_eq!(topology(vec![gpu(1, &switches)]), None);
}

#[test]
fn colocation_is_software_s_word_where_everything_is_bound() {
    let colocation = |cpu: MadeEvidence, gpu: MadeEvidence| shown(&merged(&[cpu, gpu]), "gpu.colocation");
    let bound = colocation(MadeEvidence::snp(), MadeEvidence::gpu(1));
    assert_eq!(bound.as_deref(), Some("software-bound"));
    assert_eq!(colocation(MadeEvidence::nitro(), MadeEvidence::gpu(1)), None, "the CPU carries no binding");
    let stale = MadeEvidence { nonce_matched: false, ..MadeEvidence::gpu(1) };
    assert_eq!(colocation(MadeEvidence::snp(), stale), None);
    assert_eq!(shown(&merged(&[MadeEvidence::snp()]), "gpu.colocation"), None);
}

#[test]
fn what_two_tokens_say_differently_the_set_does_not_say() {
    let token = |identity: u8, jti: &str| {
        let made = MadeEvidence::gpu(identity).with(&[("nras.jti", jti), ("nras.overall_result", "true")]);
        MadeEvidence { evidence_id: EvidenceId { kind: Kind::NvidiaNras, ..made.evidence_id }, ..made }
    };
    let claims = merged(&[token(1, "'a'"), token(2, "'b'")]);
    assert_eq!(shown(&claims, "nras.jti"), None);
    assert_eq!(shown(&claims, "nras.overall_result").as_deref(), Some("true"));
}

#[test]
fn pieces_that_are_no_set() {
    let (nitro, snp, gpu) = (MadeEvidence::nitro(), MadeEvidence::snp(), MadeEvidence::gpu(1));
    let same_device = MadeEvidence { evidence_id: MadeEvidence::gpu(9).evidence_id, ..gpu.clone() };
    let twice_in_one = gpu.clone().with(&[("gpu.1.ueid", "'41'")]);
    let high = gpu.clone().with(&[("gpu.65535.ueid", "'4x'")]);
    let other = MadeEvidence::gpu(2).with(&[("gpu.65534.ueid", "'4y'")]);
    for (set, expected) in [
        (vec![], Discord::Empty),
        (vec![&nitro, &snp], Discord::TwoCpus(Kind::AwsNitro, Kind::AmdSevSnp)),
        (vec![&nitro, &nitro], Discord::TwoCpus(Kind::AwsNitro, Kind::AwsNitro)),
        (vec![&nitro, &gpu, &gpu], Discord::SamePiece(gpu.evidence_id)),
        (vec![&nitro, &gpu, &same_device], Discord::SameDevice("41".into())),
        (vec![&twice_in_one], Discord::SameDevice("41".into())),
        (vec![&high], Discord::TooManyDevices),
        (vec![&other, &gpu], Discord::TooManyDevices),
        (vec![&gpu; MAX_PIECES + 1], Discord::TooMany(MAX_PIECES + 1)),
    ] {
        let pieces: Vec<Piece<'_>> = set.into_iter().map(MadeEvidence::piece).collect();
        assert_eq!(discord(&pieces), Some(expected.clone()));
        assert!(!expected.to_string().is_empty());
    }
}

#[test]
fn pieces_that_are_no_set_still_say_what_spoils_one() {
    let pieces = [MadeEvidence::nitro(), MadeEvidence::snp().with(&[("debug", "true"), ("simulated", "true")])];
    let pieces = [pieces[0].piece(), pieces[1].piece()];
    let claims = claims(&pieces, discord(&pieces).as_ref());
    assert_eq!(shown(&claims, "debug").as_deref(), Some("true"));
    assert_eq!(shown(&claims, "simulated").as_deref(), Some("true"));
    assert_eq!(shown(&claims, "nitro.pcr0"), None);
}
