//! Context, statement and binding: one encoding each, and every part counts.

use std::collections::BTreeSet;

use prooftrail_protocol::{
    Context, GpuCcMode, KindValue, OtherPiece, Place, Statement, argv_sha384, attached, attached_32, limits, place,
    primary,
};
use prooftrail_result::{
    Kind,
    claims::{Value, cross_vendor, job},
};

use crate::fixture::{self, changed_contexts, context, statement};

#[test]
fn a_context_reads_back_and_every_field_counts() {
    let good = context();
    assert_eq!(Context::decode(&good.encode()), Ok(good.clone()));
    let mut digests = BTreeSet::from([good.sha384()]);
    for (field, changed) in changed_contexts() {
        assert_eq!(Context::decode(&changed.encode()), Ok(changed.clone()), "{field}");
        assert!(digests.insert(changed.sha384()), "{field}");
    }
}

#[test]
fn a_context_or_statement_of_which_any_bit_is_changed_says_something_else_or_nothing() {
    let (context, statement) = (context().encode(), statement().encode());
    for place in 0..context.len() * 8 {
        let mut changed = context.clone();
        changed[place / 8] ^= 1 << (place % 8);
        if let Ok(read) = Context::decode(&changed) {
            assert_eq!(read.encode(), changed);
        }
    }
    let with_gpus = Statement { gpu_cc_mode: Some(GpuCcMode::On), ..fixture::statement() }.encode();
    for statement in [statement, with_gpus] {
        for place in 0..statement.len() * 8 {
            let mut changed = statement.clone();
            changed[place / 8] ^= 1 << (place % 8);
            if let Ok(read) = Statement::decode(&changed) {
                assert_eq!(read.encode(), changed);
            }
        }
    }
}

#[test]
fn the_gpus_mode_is_claimed_as_it_is_stated() {
    for (mode, claimed) in [(GpuCcMode::On, "on"), (GpuCcMode::DevTools, "devtools"), (GpuCcMode::Off, "off")] {
        let stated = Statement { gpu_cc_mode: Some(mode), ..statement() };
        assert_eq!(stated.claims(false).get(cross_vendor::GPU_CC_MODE), Some(&claimed.into()));
        let mut bytes = stated.encode();
        let place = bytes.windows(claimed.len()).position(|window| window == claimed.as_bytes()).unwrap();
        bytes[place] = b'x';
        assert!(Statement::decode(&bytes).is_err(), "no such mode");
    }
    assert_eq!(statement().claims(false).get(cross_vendor::GPU_CC_MODE), None);
}

fn changed_statements() -> Vec<(&'static str, Statement)> {
    let good = statement;
    vec![
        ("agent version", Statement { agent_version: "0.1.1".into(), ..good() }),
        ("executable", Statement { executable_sha384: [0x67; 48], ..good() }),
        ("argv", Statement { argv: vec!["prove".into(), "--circuit solvency".into()], ..good() }),
        ("environment", Statement { environment: BTreeSet::from(["PATH".into()]), ..good() }),
        ("sandbox", Statement { sandbox: BTreeSet::new(), ..good() }),
        ("no header", Statement { witness_header_sha384: None, ..good() }),
        ("header", Statement { witness_header_sha384: Some([1; 48]), ..good() }),
        ("GPUs on", Statement { gpu_cc_mode: Some(GpuCcMode::On), ..good() }),
        ("GPUs off", Statement { gpu_cc_mode: Some(GpuCcMode::Off), ..good() }),
        (
            "GPUs for development, and no header",
            Statement { gpu_cc_mode: Some(GpuCcMode::DevTools), witness_header_sha384: None, ..good() },
        ),
    ]
}

#[test]
fn a_statement_reads_back_and_every_field_counts() {
    let mut digests = BTreeSet::from([statement().sha384()]);
    assert_eq!(Statement::decode(&statement().encode()), Ok(statement()));
    for (field, changed) in changed_statements() {
        assert_eq!(Statement::decode(&changed.encode()), Ok(changed.clone()), "{field}");
        assert!(digests.insert(changed.sha384()), "{field}");
    }
}

#[test]
fn a_statement_keeps_to_its_format() {
    let field = |statement: Statement| statement.checked().unwrap_err().to_string();
    for (changed, name) in [
        (Statement { agent_version: String::new(), ..statement() }, "agent_version"),
        (Statement { agent_version: "a b".into(), ..statement() }, "agent_version"),
        (Statement { argv: Vec::new(), ..statement() }, "argv"),
        (Statement { argv: vec!["a\0".into()], ..statement() }, "argv"),
        (Statement { argv: vec!["a".into(); limits::STATEMENT_ITEMS + 1], ..statement() }, "argv"),
        (Statement { environment: BTreeSet::from(["A=b".into()]), ..statement() }, "environment"),
        (Statement { environment: BTreeSet::from([String::new()]), ..statement() }, "environment"),
        (Statement { sandbox: BTreeSet::from(["no network".into()]), ..statement() }, "sandbox"),
    ] {
        assert!(Statement::decode(&changed.encode()).is_err(), "{name}");
        assert!(field(changed).contains(&format!("`{name}`")), "{name}");
    }
    let large = Statement { argv: vec!["a".repeat(limits::STATEMENT_BYTES)], ..statement() };
    assert_eq!(Statement::decode(&large.encode()).unwrap_err().code(), "malformed.too_large");
    assert_eq!(large.checked().unwrap_err().code(), "malformed.too_large");
}

#[test]
fn a_statement_has_one_encoding_and_no_unknown_field() {
    let good = statement().encode();
    // The map's head: 6 entries, then the text `argv`.
    assert_eq!(good[..6], *b"\xa6\x64argv");
    let unknown = [&[0xA7][..], &good[1..], b"\x78\x18witness_header_sha384bis\xf6"].concat();
    assert_eq!(Statement::decode(&unknown).unwrap_err().code(), "malformed.cbor");
    let renamed = [&good[..2], b"args", &good[6..]].concat();
    assert_eq!(Statement::decode(&renamed).unwrap_err().code(), "malformed.cbor");
    // The names of a set stand in order, each once: LANG before PATH.
    let text = good.windows(10).position(|bytes| bytes == b"\x64LANG\x64PATH").unwrap();
    for other in [b"\x64PATH\x64LANG", b"\x64PATH\x64PATH"] {
        let changed = [&good[..text], other, &good[text + 10..]].concat();
        assert_eq!(Statement::decode(&changed).unwrap_err().code(), "malformed.not_deterministic");
    }
}

#[test]
fn the_claims_are_the_statement_s_and_arguments_in_clear_only_on_demand() {
    let claims = statement().claims(false);
    assert_eq!(claims.get(job::ARGV), None);
    let digest = argv_sha384(["prove", "--circuit", "solvency"].into_iter());
    assert_eq!(claims.get(job::ARGV_SHA384), Some(&Value::from(digest.as_slice())));
    assert_eq!(claims.get(job::EXECUTABLE_SHA384), Some(&Value::from([0x66; 48].as_slice())));
    assert_eq!(claims.get(job::ENVIRONMENT), Some(&Value::List(vec!["LANG".into(), "PATH".into()])));
    assert_eq!(claims.get(job::SANDBOX), Some(&Value::List(vec!["no_core".into(), "no_network".into()])));
    assert_eq!(claims.iter().len(), 6);
    let clear = statement().claims(true);
    let argv = Value::List(vec!["prove".into(), "--circuit".into(), "solvency".into()]);
    assert_eq!(clear.get(job::ARGV), Some(&argv));
}

#[test]
fn the_primary_value_covers_kind_context_statement_and_every_other_piece() {
    let (context, statement) = (context().sha384(), statement().sha384());
    let gpu = |evidence: &[u8]| OtherPiece::of(Kind::NvidiaGpu, evidence);
    let good = primary(Kind::AwsNitro, &context, &statement, [gpu(b"1"), gpu(b"2")]);
    assert_eq!(
        good,
        primary(Kind::AwsNitro, &context, &statement, [gpu(b"2"), gpu(b"1")]),
        "the order is the format's"
    );
    let switch = OtherPiece::of(Kind::NvidiaSwitch, b"2");
    for other in [
        primary(Kind::AwsNitroTpm, &context, &statement, [gpu(b"1"), gpu(b"2")]),
        primary(Kind::AwsNitro, &statement, &context, [gpu(b"1"), gpu(b"2")]),
        primary(Kind::AwsNitro, &context, &[0; 48], [gpu(b"1"), gpu(b"2")]),
        primary(Kind::AwsNitro, &context, &statement, [gpu(b"1")]),
        primary(Kind::AwsNitro, &context, &statement, [gpu(b"1"), gpu(b"1")]),
        primary(Kind::AwsNitro, &context, &statement, [gpu(b"1"), switch]),
        primary(Kind::AwsNitro, &context, &statement, []),
    ] {
        assert_ne!(good, other);
    }
}

#[test]
fn every_kind_has_a_place_and_gets_its_value_in_that_form() {
    let (context, statement) = (context(), statement().sha384());
    for kind in Kind::ALL {
        let place = place(kind).expect("a row in the table");
        let value = primary(kind, &context.sha384(), &statement, []);
        match (place, KindValue::primary(kind, &context, &statement, [])) {
            (Place::DeviceNonce | Place::Beside, None) => {}
            (Place::NitroFields, Some(KindValue::NitroFields { nonce, public_key, user_data })) => {
                assert_eq!((nonce, public_key, user_data), (context.nonce, context.recipient.spki(), value));
            }
            (Place::ReportData, Some(KindValue::ReportData(data))) => {
                assert_eq!((&data[..48], &data[48..]), (&value[..], &[0; 16][..]));
            }
            (Place::QualifyingData, Some(KindValue::QualifyingData(data))) => assert_eq!(data, value),
            (Place::TokenNonce, Some(KindValue::TokenNonce { audience, nonce })) => {
                assert_eq!((audience.as_str(), nonce.len()), ("prooftrail.example/log", 64));
            }
            (Place::RuntimeData, Some(KindValue::RuntimeData(data))) => assert!(data.ends_with(&value)),
            (place, value) => panic!("{kind}: {place:?} {value:?}"),
        }
        let device = KindValue::attached(kind, &context);
        if kind.is_device() {
            assert_eq!(device, Some(KindValue::DeviceNonce(attached_32(kind, &context))));
        }
        assert_ne!(attached(kind, &context), value);
    }
}
