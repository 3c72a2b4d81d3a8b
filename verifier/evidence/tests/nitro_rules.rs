//! One mutation of a good document per rule, each refused for exactly its own reason. The documents are the
//! simulator's, which shares no code with the verifier.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use prooftrail_evidence::{
    Authentic, AwsLc, Context, Crypto, Endorsements, Expected, NoIssuers, PathId, Refusal, Revocation, RevocationMode,
    RustCrypto, SignatureId, VerifiedCertificate, VerifiedIssuers, authenticate,
};
use prooftrail_result::{
    Kind, Outcome, Reason, ReasonCode as Code, Timestamp, TrustAnchor,
    claims::{Value, cross_vendor, nitro, nitrotpm},
};
use prooftrail_simulator::{
    cbor::{Head, Item},
    edit::Edit,
    key::{Key, SignatureEdit},
    nitro::{Document, Element, Hypervisor, extended},
    x509::{Algorithm, CrlSpec, Extension, KeyUsage, oid},
};
use prooftrail_trust_roots::RootSet;

/// 2026-06-01T12:00:00Z.
const AT_MS: u64 = 1_780_315_200_000;

fn at(offset_seconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(i64::try_from(AT_MS).unwrap()).unwrap().saturating_add_seconds(offset_seconds)
}

fn hypervisor() -> Hypervisor {
    Hypervisor::new("rules")
}

fn roots(hypervisor: &Hypervisor) -> RootSet {
    let der = hypervisor.root_der();
    RootSet::from_manifest(&hypervisor.root_manifest(), TrustAnchor::Configured, |_| Ok::<_, String>(der.clone()))
        .unwrap()
}

/// What an appraisal is told besides the document.
struct Told<'a> {
    kind: Kind,
    at: Timestamp,
    crls: Vec<Vec<u8>>,
    mode: RevocationMode,
    expected: Expected<'a>,
}

impl Default for Told<'_> {
    fn default() -> Self {
        let expected = Expected::default();
        Self { kind: Kind::AwsNitro, at: at(0), crls: Vec::new(), mode: RevocationMode::BestEffort, expected }
    }
}

fn run(hypervisor: &Hypervisor, bytes: &[u8], told: &Told<'_>) -> Result<Authentic, Refusal> {
    run_with(hypervisor, bytes, told, &NoIssuers, &AwsLc)
}

fn run_with(
    hypervisor: &Hypervisor,
    bytes: &[u8],
    told: &Told<'_>,
    issuers: &dyn VerifiedIssuers,
    crypto: &dyn Crypto,
) -> Result<Authentic, Refusal> {
    let endorsements = Endorsements::read(crypto, told.crls.iter().map(Vec::as_slice)).unwrap();
    let revocation = Revocation { amazon: told.mode, ..Revocation::default() };
    let (roots, at, expected) = (roots(hypervisor), told.at, told.expected);
    authenticate(
        told.kind,
        bytes,
        &Context { crypto, roots: &roots, endorsements: &endorsements, issuers, revocation, at, expected },
    )
}

/// The reason for which a changed document is refused, by both providers alike.
fn refused(change: impl FnOnce(&mut Document)) -> Reason {
    let hypervisor = hypervisor();
    let mut document = hypervisor.document(AT_MS);
    change(&mut document);
    let bytes = document.build();
    let told = Told::default();
    let refusal = run(&hypervisor, &bytes, &told).expect_err("refused");
    assert_eq!(run_with(&hypervisor, &bytes, &told, &NoIssuers, &RustCrypto), Err(refusal.clone()));
    assert_eq!(refusal.checks.last().map(|check| check.outcome), Some(Outcome::Failed));
    refusal.reason
}

fn accepted(change: impl FnOnce(&mut Document)) -> Authentic {
    let hypervisor = hypervisor();
    let mut document = hypervisor.document(AT_MS);
    change(&mut document);
    run(&hypervisor, &document.build(), &Told::default()).expect("authentic")
}

#[test]
fn a_good_document_is_authentic_and_says_so() {
    let authentic = accepted(|document| {
        document.nonce(b"fresh").user_data(b"").public_key(&[7; 1024]);
    });
    let claims = authentic.claims();
    assert_eq!(claims.get(cross_vendor::PLATFORM), Some(&"nitro-enclave".into()));
    assert_eq!(claims.bool(cross_vendor::DEBUG), Some(false));
    assert_eq!(claims.bool(cross_vendor::SIMULATED), Some(true));
    assert_eq!(claims.get(cross_vendor::REVOCATION), Some(&"not_checked".into()));
    assert_eq!(claims.get(cross_vendor::NONCE), Some(&b"fresh".as_slice().into()));
    assert_eq!(claims.get(nitro::USER_DATA), Some(&[].as_slice().into()));
    assert_eq!(claims.get(nitro::REGION), Some(&"us-east-1".into()));
    assert_eq!(claims.get(nitro::PARTITION), None, "a simulator serves no partition");
    assert_eq!(claims.bool(nitro::PCR4_MATCHES_INSTANCE), Some(true));
    let expected = extended(hypervisor().instance_id().as_bytes());
    assert_eq!(claims.get(nitro::PCR.at(4)), Some(&expected.as_slice().into()));
    assert_eq!(authentic.valid_until(), at(3 * 3600).end_of_second(), "the leaf ends first");
    assert!(authentic.checks().iter().all(|check| check.outcome != Outcome::Failed));
}

#[test]
fn the_encodings_that_aws_uses_or_documents_are_accepted() {
    let base = accepted(|_| {}).evidence_id();
    assert_eq!(accepted(|document| document.envelope.tag = Some(18)).evidence_id(), base);
    accepted(|document| document.payload.head = Head::Shortest);
    accepted(|document| {
        for key in ["public_key", "user_data", "nonce"] {
            document.payload.remove(key);
        }
    });
    accepted(|document| {
        document.user_data(&[1; 1024]).nonce(&[2; 1024]);
    });
    let unknown = accepted(|document| {
        document.payload.push("zeta", Item::Null);
        document.payload.push("alpha", Item::Array(vec![Item::Bool(true), Item::Float(1.5)]));
    });
    let fields = unknown.claims().get(nitro::UNKNOWN_FIELDS);
    assert_eq!(fields, Some(&Value::List(vec!["alpha".into(), "zeta".into()])), "sorted");
}

#[test]
fn envelopes() {
    let code = |change: fn(&mut Document)| refused(change).code;
    assert_eq!(code(|document| document.envelope.tag = Some(17)), Code::CborUnexpectedType);
    assert_eq!(code(|document| document.envelope.head = Head::OneByte), Code::CborNotShortest);
    assert_eq!(code(|document| document.envelope.head = Head::Indefinite), Code::CborIndefinite);
    assert_eq!(code(|document| document.envelope.elements.truncate(3)), Code::CoseNotSign1);
    assert_eq!(code(|document| document.envelope.elements.push(Element::Item(Item::Null))), Code::CoseNotSign1);
    assert_eq!(code(|document| document.envelope.trailing = vec![0]), Code::CborTrailingBytes);
    assert_eq!(code(|document| document.envelope.protected = vec![0xA1, 0x01, 0x26]), Code::CoseProtectedHeader);
    let one = Item::Map(vec![(Item::Unsigned(4), Item::bytes(b"kid"))]);
    assert_eq!(refused(|document| document.envelope.unprotected = one).code, Code::CoseUnprotectedHeader);
    let indefinite = Item::Map(vec![]).headed(Head::Indefinite);
    assert_eq!(refused(|document| document.envelope.unprotected = indefinite).code, Code::CoseUnprotectedHeader);
    let sign_as = |edit| refused(|document| document.envelope.signature = Some(edit)).code;
    assert_eq!(sign_as(SignatureEdit::OtherForm), Code::CoseSignatureLength);
    assert_eq!(sign_as(SignatureEdit::Bytes(Edit::Truncate { len: 95 })), Code::CoseSignatureLength);
    assert_eq!(sign_as(SignatureEdit::Bytes(Edit::FlipBit { offset: 0, bit: 0 })), Code::CoseSignature);
    assert_eq!(sign_as(SignatureEdit::Bytes(Edit::Become(vec![0; 96]))), Code::CoseSignature);
    assert_eq!(code(|document| document.envelope.context = "Signature".into()), Code::CoseSignature);
    assert_eq!(code(|document| document.envelope.external_aad = b"x".to_vec()), Code::CoseSignature);
    assert_eq!(code(|document| document.signing_key = Some(Key::p384("stranger"))), Code::CoseSignature);
}

#[test]
fn twins_have_one_evidence_id() {
    let twin = accepted(|document| document.envelope.signature = Some(SignatureEdit::Twin));
    assert_eq!(twin, accepted(|_| {}));
}

#[test]
fn payloads() {
    let code = |change: fn(&mut Document)| refused(change).code;
    for key in ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"] {
        assert_eq!(refused(|document| document.payload.remove(key)).code, Code::NitroFieldMissing, "{key}");
        let again = refused(|document| {
            let value = document.payload.get(key).cloned().unwrap();
            document.payload.entries.push((Item::from(key), value));
        });
        assert_eq!(again.code, Code::CborDuplicateKey, "{key}");
        assert_eq!(refused(|document| document.payload.set(key, Item::Null)).code, Code::CborUnexpectedType, "{key}");
    }
    let set = |key: &str, item: Item| refused(|document| document.payload.set(key, item)).code;
    assert_eq!(set("digest", "SHA256".into()), Code::NitroDigestUnsupported);
    assert_eq!(set("module_id", "".into()), Code::NitroFieldInvalid);
    assert_eq!(set("module_id", "i".repeat(257).as_str().into()), Code::CborTooLong);
    assert_eq!(set("timestamp", Item::Unsigned(0)), Code::NitroFieldInvalid);
    assert_eq!(set("timestamp", Item::Unsigned(u64::MAX)), Code::NitroFieldInvalid);
    assert_eq!(set("timestamp", Item::Float(1.0)), Code::CborUnexpectedType);
    assert_eq!(set("timestamp", Item::Negative(1)), Code::CborUnexpectedType);
    assert_eq!(set("certificate", Item::bytes(&[])), Code::NitroFieldInvalid);
    assert_eq!(set("certificate", Item::bytes(&[0x30; 1025])), Code::CborTooLong);
    assert_eq!(set("certificate", Item::bytes(&[0x30; 1024])), Code::X509Malformed);
    assert_eq!(set("cabundle", Item::Array(vec![])), Code::NitroFieldInvalid);
    assert_eq!(set("cabundle", Item::Array(vec![Item::bytes(&[])])), Code::NitroFieldInvalid);
    assert_eq!(set("cabundle", Item::Array(vec![Item::bytes(&[1]); 9])), Code::ChainLength);
    for key in ["public_key", "user_data", "nonce"] {
        assert_eq!(set(key, Item::bytes(&[0; 1025])), Code::CborTooLong, "{key}");
        assert_eq!(set(key, Item::Chunked(vec![Item::bytes(b"a")])), Code::CborIndefinite, "{key}");
        assert_eq!(set(key, Item::Undefined), Code::CborUnexpectedType, "{key}");
        assert_eq!(set(key, "text".into()), Code::CborUnexpectedType, "{key}");
    }
    let unknown_twice = |document: &mut Document| {
        document.payload.push("new", Item::Null);
        document.payload.push("new", Item::Null);
    };
    assert_eq!(refused(unknown_twice).code, Code::CborDuplicateKey);
    let deep = (0..9).fold(Item::Null, |inner, _| Item::Array(vec![inner]));
    assert_eq!(refused(|document| document.payload.push("new", deep)).code, Code::CborTooDeep);
    assert_eq!(code(|document| document.raw_payload = Some(vec![])), Code::NitroPayloadTooLarge);
    assert_eq!(code(|document| document.raw_payload = Some(vec![0x80])), Code::CborUnexpectedType);
    assert_eq!(code(|document| document.payload.head = Head::Claims(3)), Code::CborTrailingBytes);
    assert_eq!(code(|document| document.payload.head = Head::Claims(99)), Code::CborTruncated);
    assert_eq!(code(|document| document.payload.head = Head::Claims(u64::MAX)), Code::CborTruncated);
    assert_eq!(code(|document| document.raw_payload = Some(vec![0x81; 16_384])), Code::CborUnexpectedType);
    assert_eq!(code(|document| document.raw_payload = Some(vec![0x81; 16_385])), Code::NitroPayloadTooLarge);
    assert_eq!(code(|document| document.raw_payload = Some(vec![0x81; 20_000])), Code::EvidenceTooLarge);
}

#[test]
fn pcrs() {
    type Pcrs = Vec<(Item, Item)>;
    let code = |change: &dyn Fn(&mut Pcrs)| refused(|document| change(document.pcrs_mut())).code;
    assert_eq!(code(&Vec::clear), Code::NitroFieldInvalid);
    assert_eq!(code(&|pcrs| pcrs[0].0 = Item::Unsigned(32)), Code::NitroPcrIndex);
    assert_eq!(code(&|pcrs| pcrs[0].0 = Item::Unsigned(u64::MAX)), Code::NitroPcrIndex);
    assert_eq!(code(&|pcrs| pcrs[0].0 = Item::from("0")), Code::CborUnexpectedType);
    assert_eq!(code(&|pcrs| pcrs[0].0 = Item::Unsigned(0).headed(Head::OneByte)), Code::CborNotShortest);
    assert_eq!(code(&|pcrs| pcrs[1].0 = Item::Unsigned(0)), Code::CborDuplicateKey);
    for length in [0, 32, 33, 47, 49, 64] {
        assert_eq!(code(&|pcrs| pcrs[0].1 = Item::bytes(&vec![1; length])), Code::NitroPcrLength, "{length}");
    }
    let more = accepted(|document| {
        document.pcr(31, &[9; 48]);
    });
    assert_eq!(more.claims().get(nitro::PCR.at(31)), Some(&[9; 48].as_slice().into()));
}

#[test]
fn debug_is_zero_pcr_0_to_2_and_nothing_else() {
    let debug = |change: fn(&mut Document)| accepted(change).claims().bool(cross_vendor::DEBUG);
    assert_eq!(debug(|document| _ = document.debug()), Some(true));
    assert_eq!(debug(|document| _ = document.pcr(0, &[0; 48])), Some(false));
    // Not shown to be off is not the same as off.
    assert_eq!(debug(|document| document.pcrs_mut().retain(|(index, _)| *index != Item::Unsigned(2))), None);
    let authentic = accepted(|document| document.pcrs_mut().retain(|(index, _)| *index == Item::Unsigned(4)));
    assert!(authentic.debug_applies());
}

#[test]
fn chains() {
    let code = |change: fn(&mut Document)| refused(change).code;
    // The root is met by its bytes, not by its name.
    let impostor = refused(|document| document.chain[0].key = Key::p384("impostor"));
    assert_eq!(impostor.code, Code::ChainRootNotPinned);
    assert_eq!(code(|document| drop(document.chain.remove(0))), Code::ChainRootNotPinned);
    // The bundle as sent, not as it could be sorted: [root, regional, zonal, instance].
    for (order, expected) in [
        (&[0, 2, 1, 3][..], Code::ChainOrder),
        (&[3, 2, 1, 0], Code::ChainRootNotPinned),
        (&[0, 1, 3], Code::ChainOrder),
        (&[0, 1, 2, 2, 3], Code::ChainOrder),
        (&[0, 0, 1, 2, 3], Code::ChainOrder),
        (&[0], Code::ChainOrder),
    ] {
        let reordered = refused(|document| {
            let sent = document.certificates();
            let bundle = order.iter().map(|&place: &usize| Item::bytes(&sent[place])).collect();
            document.payload.set("cabundle", Item::Array(bundle));
        });
        assert_eq!(reordered.code, expected, "{order:?}");
    }
    for place in 1..5 {
        let at = |change: &dyn Fn(&mut prooftrail_simulator::x509::CertificateSpec)| {
            refused(|document| change(&mut document.chain[place])).code
        };
        assert_eq!(at(&|spec| spec.version = None), Code::ChainVersion, "{place}");
        assert_eq!(at(&|spec| spec.signing.key = Some(Key::p384("forger"))), Code::ChainSignature, "{place}");
        let sha256 = || Algorithm { oid: oid::ECDSA_WITH_SHA256, parameters: None };
        assert_eq!(at(&|spec| spec.signing.inner_algorithm = Some(sha256())), Code::ChainAlgorithm, "{place}");
        assert_eq!(at(&|spec| spec.signing.outer_algorithm = Some(sha256())), Code::ChainAlgorithm, "{place}");
        let short = refused(|document| {
            document.signing_key = Some(Key::p384("its signature has the right length"));
            document.chain[place].key = Key::p256("short");
        });
        assert_eq!(short.code, Code::ChainKeyType, "{place}");
        let strange = || Extension::new(oid::COMMON_NAME, true, vec![5, 0]);
        assert_eq!(at(&|spec| spec.extensions.push(strange())), Code::ChainExtension, "{place}");
        assert_eq!(at(&|spec| spec.extensions.push(spec.extensions[0].clone())), Code::ChainExtension, "{place}");
        assert_eq!(at(&|spec| spec.remove_extension(oid::KEY_USAGE)), Code::ChainKeyUsage, "{place}");
        assert_eq!(at(&|spec| spec.not_after = i64::try_from(AT_MS / 1000).unwrap() - 1), Code::TimeExpired, "{place}");
        assert_eq!(
            at(&|spec| spec.not_before = i64::try_from(AT_MS / 1000).unwrap() + 301),
            Code::TimeNotYetValid,
            "{place}"
        );
        assert_eq!(at(&|spec| spec.signing.after = vec![Edit::Append(vec![0])]), Code::X509Malformed, "{place}");
    }
    for place in 1..4 {
        let set = |extension: Extension| refused(|document| document.chain[place].set_extension(extension)).code;
        assert_eq!(set(Extension::basic_constraints(false, None)), Code::ChainNotCa, "{place}");
        let no_constraints = refused(|document| document.chain[place].remove_extension(oid::BASIC_CONSTRAINTS));
        assert_eq!(no_constraints.code, Code::ChainNotCa, "{place}");
        assert_eq!(set(Extension::key_usage(&[KeyUsage::DigitalSignature])), Code::ChainKeyUsage, "{place}");
    }
    let path_length = |document: &mut Document, place: usize, length| {
        document.chain[place].set_extension(Extension::basic_constraints(true, Some(length)));
    };
    assert_eq!(refused(|document| path_length(document, 1, 1)).code, Code::ChainPathLength);
    assert_eq!(refused(|document| path_length(document, 2, 0)).code, Code::ChainPathLength);
    assert_eq!(
        code(|document| document.chain[4].set_extension(Extension::basic_constraints(true, None))),
        Code::ChainLeafIsCa
    );
    let certifying =
        refused(|document| document.chain[4].set_extension(Extension::key_usage(&[KeyUsage::KeyCertSign])));
    assert_eq!(certifying.code, Code::ChainKeyUsage);
}

#[test]
fn a_leaf_may_be_a_little_ahead_of_our_clock_and_nothing_may_be_behind_it() {
    let hypervisor = hypervisor();
    let bytes = hypervisor.document(AT_MS).build();
    // The leaf begins three seconds before the document and lives three hours and three seconds.
    for (offset, expected) in [
        (-304, Err(Code::TimeNotYetValid)),
        (-303, Err(Code::TimeTimestampInFuture)),
        (-300, Ok(())),
        (0, Ok(())),
        (3 * 3600, Ok(())),
        (3 * 3600 + 1, Err(Code::TimeExpired)),
    ] {
        let told = Told { at: at(offset), ..Told::default() };
        assert_eq!(
            run(&hypervisor, &bytes, &told).map(drop).map_err(|refusal| refusal.reason.code),
            expected,
            "{offset}"
        );
    }
}

#[test]
fn time_stamps_stay_inside_their_certificate() {
    let stamp = |millis: u64| refused(|document| document.payload.set("timestamp", Item::Unsigned(millis))).code;
    assert_eq!(stamp(AT_MS / 1000), Code::TimeTimestampOutsideCertificate, "seconds for milliseconds");
    assert_eq!(stamp(AT_MS + 4 * 3_600_000), Code::TimeTimestampOutsideCertificate);
    assert_eq!(stamp(AT_MS + 301_000), Code::TimeTimestampInFuture);
    accepted(|document| document.payload.set("timestamp", Item::Unsigned(AT_MS + 300_000)));
}

#[test]
fn identities_agree_with_the_certified_ones() {
    let other = "i-0123456789abcdef0-enc0000000000000000";
    assert_eq!(
        refused(|document| document.payload.set("module_id", Item::from(other))).code,
        Code::BindingCertifiedName
    );
    let unnamed = accepted(|document| *document.chain[4].subject.attribute_mut(oid::COMMON_NAME) = "leaf".into());
    assert_eq!(unnamed.claims().get(nitro::REGION), None, "another form certifies nothing");
    assert_eq!(unnamed.claims().get(nitro::PCR4_MATCHES_INSTANCE), None);
    let elsewhere = accepted(|document| _ = document.pcr(4, &[3; 48]));
    assert_eq!(elsewhere.claims().bool(nitro::PCR4_MATCHES_INSTANCE), Some(false));
}

#[test]
fn what_the_caller_expects_is_found_or_refused() {
    let hypervisor = hypervisor();
    let value = [5; 48];
    let full = hypervisor.document(AT_MS).nonce(b"fresh").user_data(&value).build();
    let bare = hypervisor.document(AT_MS).build();
    let code = |bytes: &[u8], nonce, binding| {
        let told = Told { expected: Expected { nonce, binding, ..Expected::default() }, ..Told::default() };
        run(&hypervisor, bytes, &told)
            .map(|authentic| authentic.binding_matched())
            .map_err(|refusal| refusal.reason.code)
    };
    assert_eq!(code(&full, Some(b"fresh"), Some(&value)), Ok(true));
    assert_eq!(code(&full, None, None), Ok(false));
    assert_eq!(code(&full, Some(b"fresh "), None), Err(Code::BindingNonceMismatch));
    assert_eq!(code(&full, Some(b""), None), Err(Code::BindingNonceMismatch));
    assert_eq!(code(&bare, Some(b"fresh"), None), Err(Code::BindingNonceAbsent));
    assert_eq!(code(&full, None, Some(&[6; 48])), Err(Code::BindingValueMismatch));
    assert_eq!(code(&bare, None, Some(&value)), Err(Code::BindingValueAbsent));
}

#[test]
fn the_two_kinds_are_not_taken_for_each_other() {
    let hypervisor = hypervisor();
    let tpm = hypervisor.nitrotpm_document(AT_MS).build();
    let enclave = hypervisor.document(AT_MS).build();
    let as_tpm = Told { kind: Kind::AwsNitroTpm, ..Told::default() };
    let authentic = run(&hypervisor, &tpm, &as_tpm).expect("authentic");
    assert_eq!(authentic.claims().get(cross_vendor::DEBUG), None, "an instance's TPM has no debug mode");
    assert!(!authentic.debug_applies());
    assert_eq!(authentic.claims().get(nitrotpm::PCR.at(12)), Some(&[0; 48].as_slice().into()));
    assert_eq!(run(&hypervisor, &tpm, &Told::default()).unwrap_err().reason.code, Code::NitroDocumentKind);
    assert_eq!(run(&hypervisor, &enclave, &as_tpm).unwrap_err().reason.code, Code::NitroDocumentKind);
    let both = refused(|document| {
        document.payload.push("nitrotpm_pcrs", Item::Map(vec![(Item::Unsigned(0), Item::bytes(&[0; 48]))]));
    });
    assert_eq!(both.code, Code::NitroDocumentKind);
}

#[test]
fn revocation_lists() {
    let hypervisor = hypervisor();
    let document = hypervisor.document(AT_MS);
    let bytes = document.build();
    let now = i64::try_from(AT_MS / 1000).unwrap();
    let root = |revoked: &[&[u8]]| hypervisor.crl_of_root(now - 3600, revoked);
    let regional = |revoked: &[&[u8]]| hypervisor.crl_of_regional(now - 3600, revoked);
    let run = |crls: Vec<CrlSpec>, mode| {
        let told = Told { crls: crls.iter().map(CrlSpec::build).collect(), mode, ..Told::default() };
        run(&hypervisor, &bytes, &told)
    };
    let code = |crls, mode| run(crls, mode).map(drop).map_err(|refusal| refusal.reason.code);
    let (best, required) = (RevocationMode::BestEffort, RevocationMode::Required);

    let good = run(vec![root(&[]), regional(&[])], required).expect("good");
    assert_eq!(good.claims().get(cross_vendor::REVOCATION), Some(&"good".into()));
    assert_eq!(good.claims().get(cross_vendor::REVOCATION_AS_OF), Some(&at(-3600).into()));
    assert_eq!(good.inputs().iter().filter(|input| input.role == "crl").count(), 2);
    let half = run(vec![root(&[])], best).expect("best effort");
    assert_eq!(half.claims().get(cross_vendor::REVOCATION), Some(&"not_checked".into()));
    assert_eq!(code(vec![root(&[])], required), Err(Code::RevocationNotChecked));
    assert_eq!(code(vec![], required), Err(Code::RevocationNotChecked));
    assert_eq!(code(vec![], RevocationMode::Off), Ok(()));

    let (regional_serial, zonal_serial) = (document.chain[1].serial.clone(), document.chain[2].serial.clone());
    assert_eq!(code(vec![root(&[&regional_serial])], best), Err(Code::RevocationRevoked));
    assert_eq!(code(vec![regional(&[&zonal_serial])], best), Err(Code::RevocationRevoked));
    assert_eq!(code(vec![root(&[&regional_serial])], RevocationMode::Off), Ok(()), "off is off");

    let forged = |mut crl: CrlSpec| {
        crl.signing.key = Some(Key::p384("forger"));
        crl
    };
    assert_eq!(code(vec![forged(root(&[]))], best), Err(Code::RevocationSignature));
    let at_time = |this_update, next_update| {
        let mut crl = root(&[]);
        (crl.this_update, crl.next_update) = (this_update, next_update);
        crl
    };
    assert_eq!(code(vec![at_time(now + 1, Some(now + 60))], best), Err(Code::TimeCrlNotYetValid));
    assert_eq!(code(vec![at_time(now - 60, Some(now - 1))], best), Err(Code::TimeCrlExpired));
    let short = run(vec![at_time(now - 60, Some(now + 60))], best).expect("in force");
    assert_eq!(short.valid_until(), at(60).just_before(), "a verdict ends with the data it rests on");
    assert_eq!(code(vec![at_time(now - 60, Some(now))], best), Err(Code::TimeCrlExpired), "due is no longer in force");
}

/// A cache that counts, for the tests below.
#[derive(Debug, Default)]
struct Counting {
    known: Mutex<HashMap<PathId, Arc<VerifiedCertificate>>>,
}

impl VerifiedIssuers for Counting {
    fn get(&self, path: &PathId) -> Option<Arc<VerifiedCertificate>> {
        self.known.lock().unwrap().get(path).cloned()
    }

    fn insert(&self, path: PathId, certificate: Arc<VerifiedCertificate>) {
        self.known.lock().unwrap().insert(path, certificate);
    }

    fn knows_signature(&self, _: &SignatureId) -> bool {
        false
    }

    fn insert_signature(&self, _: SignatureId) {}
}

#[test]
fn a_warm_verification_says_exactly_what_a_cold_one_says() {
    let hypervisor = hypervisor();
    let good = hypervisor.document(AT_MS).build();
    let next_leaf = hypervisor.document(AT_MS + 1_000).build();
    let cache = Counting::default();
    let mut forged_leaf = hypervisor.document(AT_MS);
    forged_leaf.chain[4].signing.key = Some(Key::p384("forger"));
    let mut other_middle = hypervisor.document(AT_MS);
    other_middle.chain[2].signing.key = Some(Key::p384("forger"));
    let mut extra_ca = hypervisor.document(AT_MS);
    extra_ca.chain[3].set_extension(Extension::basic_constraints(true, Some(3)));
    let mut bad_signature = hypervisor.document(AT_MS);
    bad_signature.signing_key = Some(Key::p384("forger"));
    let documents = [
        good.clone(),
        next_leaf,
        forged_leaf.build(),
        other_middle.build(),
        extra_ca.build(),
        bad_signature.build(),
        good,
    ];
    for offset in [0, 3 * 3600 + 1, -303, 30 * 86_400, 0] {
        let told = Told { at: at(offset), ..Told::default() };
        for (place, document) in documents.iter().enumerate() {
            let cold = run(&hypervisor, document, &told);
            let warm = run_with(&hypervisor, document, &told, &cache, &AwsLc);
            assert_eq!(warm, cold, "document {place} at {offset}");
        }
    }
    assert!(cache.known.lock().unwrap().len() >= 5);
}

#[test]
fn a_warm_cache_does_not_outlive_a_revocation() {
    let hypervisor = hypervisor();
    let document = hypervisor.document(AT_MS);
    let bytes = document.build();
    let cache = Counting::default();
    run_with(&hypervisor, &bytes, &Told::default(), &cache, &AwsLc).expect("good without a CRL");
    let crl = hypervisor.crl_of_root(i64::try_from(AT_MS / 1000).unwrap() - 60, &[&document.chain[1].serial]).build();
    let told = Told { crls: vec![crl], ..Told::default() };
    let refusal = run_with(&hypervisor, &bytes, &told, &cache, &AwsLc).unwrap_err();
    assert_eq!(refusal.reason.code, Code::RevocationRevoked);
}

#[test]
fn a_root_that_does_not_fit_the_profile_or_has_ended_vouches_for_nothing() {
    let code = |change: fn(&mut Hypervisor)| {
        let mut hypervisor = hypervisor();
        change(&mut hypervisor);
        let bytes = hypervisor.document(AT_MS).build();
        run(&hypervisor, &bytes, &Told::default()).unwrap_err().reason.code
    };
    assert_eq!(code(|hypervisor| hypervisor.root.not_after = 1_700_000_000), Code::TimeExpired);
    assert_eq!(
        code(|hypervisor| hypervisor.root.set_extension(Extension::key_usage(&[KeyUsage::CrlSign]))),
        Code::ChainKeyUsage
    );
    assert_eq!(
        code(|hypervisor| hypervisor.root.set_extension(Extension::basic_constraints(false, None))),
        Code::ChainNotCa
    );
    assert_eq!(
        code(|hypervisor| hypervisor.root.set_extension(Extension::basic_constraints(true, Some(1)))),
        Code::ChainPathLength
    );
}

#[test]
fn evidence_without_a_byte_is_refused() {
    assert_eq!(run(&hypervisor(), b"", &Told::default()).unwrap_err().reason.code, Code::EvidenceEmpty);
}
