//! One good release, end to end; and whatever is changed, the reason for which it is refused.

use std::io::Read as _;

use prooftrail_protocol::{
    Ask, Challenge, KeyRef, Offer, ProofKey, Purpose, RecipientKey, Statement, sha384, wire::LedgerPlace,
};
use prooftrail_release::{
    Committed, Denial, Receipt, SealedKey, Sealing, WitnessKey, WrongReceipt, http_status, redeem,
};
use prooftrail_result::{
    Kind, ReasonCode as Code, Stage,
    claims::{Value, cross_vendor, job},
};

use crate::fixture::{
    Exchange, Fixed, PLAINTEXT, decrypt, fleet, header_of, now, release_key, sealed_file, sealing, witness_key,
};

fn place() -> LedgerPlace {
    LedgerPlace { leaf_index: 6, leaf: vec![1].into(), checkpoint: "note\n".into(), proof: None }
}

fn committed(exchange: &Exchange) -> SealedKey<Committed> {
    let (witness, release) = (witness_key(), release_key());
    let attested = exchange.ask().unwrap();
    let pending = attested.seal(sealing(&witness, &release, header_of(&exchange.file)), &mut Fixed(1)).unwrap();
    let sealed_sha256 = pending.sealed_sha256();
    pending.commit(Receipt { place: place(), sealed_sha256 }).unwrap()
}

fn codes(denial: &Denial) -> Vec<Code> {
    denial.reasons.iter().map(|reason| reason.code).collect()
}

#[test]
fn the_agent_opens_what_the_service_released_and_reads_the_witness() {
    let exchange = Exchange::good();
    let response = committed(&exchange).response();
    let ask = Ask {
        context: exchange.context(),
        header_sha384: sha384(&[header_of(&exchange.file)]),
        kinds: vec![Kind::AwsNitro],
        policy_digest: Some(exchange.policy().digest()),
    };
    let offer = Offer { terms: &response.terms.0, sealed: &response.sealed.0, signature: response.signature };
    let checked = ask.check(offer, &release_key().public(), now()).unwrap();
    assert_eq!(checked.terms().evidence, exchange.ask().unwrap().affirming().result().evidence_ids);
    let file_key = checked.open(&exchange.recipient).unwrap();

    let decryptor = age::Decryptor::new_buffered(exchange.file.as_slice()).unwrap();
    let mut plaintext = Vec::new();
    let mut reader = decrypt(decryptor, &file_key).unwrap();
    reader.read_to_end(&mut plaintext).unwrap();
    assert_eq!(plaintext, PLAINTEXT);
    // The same key opens no other file.
    let other = sealed_file(&[&witness_key().recipient()], PLAINTEXT);
    let decryptor = age::Decryptor::new_buffered(other.as_slice()).unwrap();
    assert!(decrypt(decryptor, &file_key).is_err());
}

#[test]
fn the_statement_s_claims_are_judged_with_the_evidence_s() {
    let exchange = Exchange::good();
    let attested = exchange.ask().unwrap();
    let claims = &attested.affirming().result().claims;
    assert_eq!(claims.get(cross_vendor::BINDING_PROFILE), Some(&Value::from("prooftrail/v1")));
    assert_eq!(claims.get(job::EXECUTABLE_SHA384), Some(&Value::from([0x66; 48].as_slice())));
    assert_eq!(claims.get(job::ARGV), None, "no rule asks for the arguments in clear");

    let cat =
        Exchange { statement: Statement { executable_sha384: [0x67; 48], ..exchange.statement.clone() }, ..exchange };
    let denial = cat.ask().unwrap_err();
    assert_eq!(codes(&denial), [Code::PolicyRuleViolated]);
    assert_eq!(denial.reasons[0].rule.as_deref(), Some("executable"));
    assert!(denial.is_authentic());
    assert_eq!((denial.status(), denial.problem().code.as_str()), (403, "policy.rule_violated"));
    assert_eq!(denial.asked.unwrap().statement, cat.statement);
}

#[test]
fn arguments_are_shown_in_clear_only_to_a_policy_that_asks() {
    let mut exchange = Exchange::good();
    exchange.policy.push_str(
        "[[rule]]\nid = 'argv'\nclaim = 'job.argv'\noperator = 'contains-all'\nvalue = ['--now']\nrationale = 'r'\n",
    );
    let attested = exchange.ask().unwrap();
    let argv = attested.affirming().result().claims.get(job::ARGV).cloned();
    assert_eq!(argv, Some(Value::List(vec!["prove".into(), "--now".into()])));
}

#[test]
fn evidence_for_any_other_context_or_statement_is_refused() {
    let (nonce, binding) = (vec![Code::BindingNonceMismatch], vec![Code::BindingValueMismatch]);
    let base = Exchange::good();
    let evidence = base.evidence();
    // One file for all, so that the header is the same.
    let on_base = |change: &dyn Fn(&mut Exchange)| {
        let mut exchange = Exchange { file: base.file.clone(), statement: base.statement.clone(), ..Exchange::good() };
        change(&mut exchange);
        let denial = exchange.ask_with(&[(Kind::AwsNitro, &evidence)]).err();
        denial.map(|denial| codes(&denial)).unwrap_or_default()
    };
    assert_eq!(on_base(&|_| {}), [], "the evidence is good where nothing is changed");
    let challenge = |random: u8, note: &str, epoch| {
        Challenge::new([random; 32], note, epoch, now(), now().saturating_add_seconds(300)).unwrap()
    };
    type Change<'a> = &'a dyn Fn(&mut Exchange);
    let header = vec![Code::ReleaseHeaderMismatch];
    let changes: [(&str, Vec<Code>, Change<'_>); 19] = [
        ("random", nonce.clone(), &|e| e.challenge = challenge(0x12, "note\n", 3)),
        ("checkpoint", nonce.clone(), &|e| e.challenge = challenge(0x11, "Note\n", 3)),
        ("epoch", nonce, &|e| e.challenge = challenge(0x11, "note\n", 4)),
        ("recipient", vec![Code::BindingRecipientMismatch], &|e| e.recipient = RecipientKey::generate(&mut Fixed(9))),
        ("origin", binding.clone(), &|e| e.origin = "other.example".parse().unwrap()),
        ("purpose", binding.clone(), &|e| e.purpose = Purpose::Session),
        ("key", binding.clone(), &|e| e.key = Some(KeyRef { name: "other".parse().unwrap(), version: 2 })),
        ("version", binding.clone(), &|e| e.key = Some(KeyRef { name: "solvency".parse().unwrap(), version: 3 })),
        ("proof key", binding.clone(), &|e| e.proof_key = ProofKey::from_seed(&[9; 32])),
        ("agent version", binding.clone(), &|e| e.statement.agent_version = "0.1.1".into()),
        ("executable", binding.clone(), &|e| e.statement.executable_sha384 = [0x67; 48]),
        ("argv", binding.clone(), &|e| e.statement.argv.push("--more".into())),
        ("environment", binding.clone(), &|e| _ = e.statement.environment.insert("HOME".into())),
        ("sandbox", binding, &|e| e.statement.sandbox.clear()),
        ("statement's header", header.clone(), &|e| e.statement.witness_header_sha384 = Some([1; 48])),
        ("no statement's header", header.clone(), &|e| e.statement.witness_header_sha384 = None),
        ("header", header, &|e| e.file[30] ^= 1),
        ("no key", vec![Code::ReleasePurpose], &|e| e.key = None),
        ("appraisal with a key", vec![Code::ReleasePurpose], &|e| e.purpose = Purpose::Appraisal),
    ];
    for (field, codes, change) in changes {
        assert_eq!(on_base(change), codes, "{field}");
    }
}

#[test]
fn evidence_that_lacks_a_field_is_refused() {
    let exchange = Exchange::good();
    let context = exchange.context();
    let value = prooftrail_protocol::primary(Kind::AwsNitro, &context.sha384(), &exchange.statement.sha384(), []);
    let document = || exchange.hypervisor.document(crate::fixture::AT_MS);
    let (nonce, spki) = (context.nonce.0, context.recipient.spki());
    for (bytes, code) in [
        (document().public_key(&spki).user_data(&value).build(), Code::BindingNonceAbsent),
        (document().nonce(&nonce).user_data(&value).build(), Code::BindingRecipientAbsent),
        (document().nonce(&nonce).public_key(&spki).build(), Code::BindingValueAbsent),
        (document().nonce(&nonce).public_key(&spki[12..]).user_data(&value).build(), Code::BindingRecipientMismatch),
    ] {
        let denial = exchange.ask_with(&[(Kind::AwsNitro, &bytes)]).unwrap_err();
        assert_eq!((codes(&denial), denial.status(), denial.is_authentic()), (vec![code], 422, false));
    }
}

#[test]
fn a_set_has_one_piece_that_binds_it() {
    let exchange = Exchange::good();
    let evidence = exchange.evidence();
    for set in [
        &[][..],
        &[(Kind::NvidiaGpu, evidence.as_slice())],
        &[(Kind::AzureMaa, evidence.as_slice())],
        &[(Kind::AwsNitro, evidence.as_slice()), (Kind::AwsNitroTpm, evidence.as_slice())],
    ] {
        let denial = exchange.ask_with(set).unwrap_err();
        assert_eq!((codes(&denial), denial.status()), (vec![Code::BindingPrimary], 422));
    }
    // A further piece is covered by the primary's value, so one that is slipped in changes it.
    let denial = exchange.ask_with(&[(Kind::AwsNitro, &evidence), (Kind::NvidiaGpu, b"gpu")]).unwrap_err();
    assert_eq!(codes(&denial), [Code::BindingValueMismatch, Code::NvidiaReportMalformed]);
    assert_eq!(denial.status(), 400);
}

#[test]
fn a_policy_that_demands_no_binding_gets_one_all_the_same() {
    let mut exchange = Exchange::good();
    exchange.policy = exchange.policy.replace("require_binding = true", "require_nonce = false");
    assert!(exchange.ask().is_ok());
    let elsewhere = Exchange { origin: "other.example".parse().unwrap(), ..Exchange::good() };
    exchange.statement = elsewhere.statement.clone();
    exchange.file.clone_from(&elsewhere.file);
    assert_eq!(exchange.refused(&elsewhere.evidence()), [Code::BindingValueMismatch]);
}

#[test]
fn an_appraisal_names_no_key_and_seals_nothing() {
    let mut exchange = Exchange { purpose: Purpose::Appraisal, key: None, ..Exchange::good() };
    exchange.statement.witness_header_sha384 = None;
    let attested = exchange.ask().unwrap();
    let (witness, release) = (witness_key(), release_key());
    let denial = attested.seal(sealing(&witness, &release, header_of(&exchange.file)), &mut Fixed(1)).unwrap_err();
    assert_eq!(codes(&denial), [Code::ReleasePurpose]);
}

#[test]
fn a_session_opens_witnesses_that_its_statement_does_not_name() {
    let mut exchange = Exchange { purpose: Purpose::Session, ..Exchange::good() };
    exchange.statement.witness_header_sha384 = None;
    let (witness, release) = (witness_key(), release_key());
    let further = sealed_file(&[&witness_key().recipient()], b"another");
    let attested = exchange.ask().unwrap();
    let pending = attested.seal(sealing(&witness, &release, header_of(&further)), &mut Fixed(1)).unwrap();
    assert_eq!(pending.terms().header_sha384, sha384(&[header_of(&further)]));
    // A release's statement names its one witness, so nothing else is sealed for it.
    let attested = Exchange::good().ask().unwrap();
    let denial = attested.seal(sealing(&witness, &release, header_of(&further)), &mut Fixed(1)).unwrap_err();
    assert_eq!(
        (codes(&denial), denial.status(), denial.is_authentic()),
        (vec![Code::ReleaseHeaderMismatch], 422, true)
    );
}

#[test]
fn a_witness_of_another_key_is_denied_after_the_appraisal() {
    let exchange = Exchange::good();
    let (other, release) = (WitnessKey::from_seed(&[0x42; 32]).unwrap(), release_key());
    let attested = exchange.ask().unwrap();
    let denial = attested.seal(sealing(&other, &release, header_of(&exchange.file)), &mut Fixed(1)).unwrap_err();
    assert_eq!((codes(&denial), denial.status(), denial.is_authentic()), (vec![Code::ReleaseHeaderForeign], 403, true));
}

#[test]
fn a_release_ends_with_its_appraisal() {
    let exchange = Exchange::good();
    let (witness, release) = (witness_key(), release_key());
    let seal = |at, expires| {
        let attested = exchange.ask().unwrap();
        let valid_until = attested.affirming().valid_until();
        let sealing = Sealing { at, expires, ..sealing(&witness, &release, header_of(&exchange.file)) };
        (attested.seal(sealing, &mut Fixed(1)).map(|pending| pending.terms().expires), valid_until)
    };
    let far = now().saturating_add_seconds(100 * 86_400);
    let (ends, valid_until) = seal(now(), far);
    assert_eq!(ends, Ok(valid_until));
    assert_eq!(seal(now(), now().saturating_add_seconds(1)).0, Ok(now().saturating_add_seconds(1)));
    for (at, expires) in [(now(), now()), (far, far.saturating_add_seconds(1))] {
        assert_eq!(codes(&seal(at, expires).0.unwrap_err()), [Code::ReleaseExpired]);
    }
}

#[test]
fn only_its_own_receipt_commits_a_key_and_the_store_gives_the_same_answer() {
    let exchange = Exchange::good();
    let (witness, release) = (witness_key(), release_key());
    let pending =
        || exchange.ask().unwrap().seal(sealing(&witness, &release, header_of(&exchange.file)), &mut Fixed(1)).unwrap();
    let wrong = Receipt { place: place(), sealed_sha256: [0; 32] };
    assert_eq!(pending().commit(wrong.clone()), Err(WrongReceipt));
    let receipt = Receipt { place: place(), sealed_sha256: pending().sealed_sha256() };
    let stored = pending().to_store();
    let committed = pending().commit(receipt.clone()).unwrap();
    let again = SealedKey::from_store(&stored, &release.public(), receipt.clone()).unwrap();
    assert_eq!(again.response(), committed.response());
    assert_eq!(serde_json::to_value(&again).unwrap(), serde_json::to_value(committed.response()).unwrap());
    assert!(SealedKey::from_store(&stored, &release.public(), wrong).is_err());
    for place in [0, 63, 64, 127, 128, stored.len() - 1] {
        let mut changed = stored.clone();
        changed[place] ^= 1;
        assert!(SealedKey::from_store(&changed, &release.public(), receipt.clone()).is_err(), "{place}");
    }
    assert!(SealedKey::from_store(&stored[..127], &release.public(), receipt).is_err());
}

#[test]
fn tokens_are_redeemed_in_their_epoch_and_time() {
    let challenge = Exchange::good().challenge;
    let token = fleet().token(&challenge);
    assert_eq!(redeem(&fleet(), token.as_str(), 3, now()), Ok(challenge.clone()));
    for (token, epoch, at, code, status) in [
        (token.as_str(), 4, now(), Code::ChallengeVoid, 422),
        (token.as_str(), 3, challenge.expires(), Code::ChallengeExpired, 422),
        (&token.as_str()[1..], 3, now(), Code::ChallengeMalformed, 400),
    ] {
        let denial = redeem(&fleet(), token, epoch, at).unwrap_err();
        assert_eq!((codes(&denial), denial.status()), (vec![code], status));
    }
}

#[test]
fn each_stage_has_its_status_and_the_earliest_counts() {
    let statuses: Vec<_> = Stage::ALL.into_iter().map(http_status).collect();
    assert_eq!(statuses, [400, 422, 422, 422, 422, 422, 403, 403, 403]);
    let both = Denial {
        reasons: vec![Code::PolicyDebug.into(), Code::ChallengeExpired.into()],
        ..Denial::because(Code::PolicyDebug.into())
    };
    assert_eq!((both.status(), both.problem().reasons.len()), (422, 2));
    assert_eq!(Denial::because(Code::ChallengeSpent.into()).status(), 409);
}
