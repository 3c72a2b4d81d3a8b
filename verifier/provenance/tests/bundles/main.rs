//! Bundles: a genuine one, then one tampering per rule, each with its exact reason.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

mod scene;

use prooftrail_protocol::{ProofKey, ReleaseKey, Statement, sha256};
use prooftrail_provenance::{
    Bundle, BundleCode, Check, EntryType, Links, ProofFinding, ProvenancePage, Revoked, TrustError, TrustFile,
    bundle::MAX_REVOCATIONS,
};
use prooftrail_result::Verdict;
use scene::{AFTER, BEFORE, Scene, at, note, release_key, sign_terms};

fn codes(scene: &Scene, bundle: &Bundle) -> Vec<&'static str> {
    scene.verify(bundle).reasons.iter().map(|reason| reason.code.as_str()).collect()
}

#[test]
fn a_genuine_bundle_shows_everything() {
    let scene = Scene::new();
    let file = scene.bundle().to_file().unwrap();
    let bundle = Bundle::parse(&file).unwrap();
    assert_eq!(bundle, scene.bundle());
    let found = scene.verify(&bundle);
    assert_eq!(found.reasons, []);
    assert_eq!(found.not_shown, []);
    let shown: Vec<_> = found.shown.iter().map(|finding| finding.check).collect();
    for check in Check::ALL {
        assert!(shown.contains(check), "{check}");
    }
    assert_eq!(found.verdict(), Verdict::Affirming);
    assert!(found.simulated);
    let window = found.time.unwrap();
    assert_eq!((window.after, window.before), (at(BEFORE + 1), at(AFTER).end_of_second()));
}

/// What an operator can do, who commits to it and signs it with his own keys.
#[test]
fn every_lie_that_was_committed_to_has_its_reason() {
    type Lie = fn(&mut Scene);
    let table: &[(&str, Lie)] = &[
        ("bundle.entry_type", |scene| scene.decision_type = EntryType::Approval),
        ("bundle.denied", |scene| {
            scene.decision.verdict = Verdict::Refused;
            scene.decision.release = None;
            scene.decision.reasons =
                vec![(&prooftrail_result::Reason::from(prooftrail_result::ReasonCode::PolicyDebug)).into()];
        }),
        ("bundle.origin bundle.appraisal", |scene| {
            scene.decision.context.log_origin = "other.example".parse().unwrap();
            sign_terms(&mut scene.decision, &release_key(), |_| {});
        }),
        ("bundle.statement bundle.proof_session", |scene| scene.decision.statement_sha384[0] ^= 1),
        ("bundle.witness", |scene| {
            scene.decision.witness_header_sha384 = Some([1; 48]);
            scene.proof.witness_header_sha384 = [1; 48];
            sign_terms(&mut scene.decision, &release_key(), |_| {});
        }),
        ("bundle.challenge_checkpoint", |scene| scene.decision.challenge.checkpoint_sha256[0] ^= 1),
        ("bundle.nonce", |scene| scene.decision.challenge.random[0] ^= 1),
        ("bundle.nonce", |scene| scene.decision.challenge.recovery_epoch = 1),
        ("bundle.evidence", |scene| scene.decision.evidence[0].sha256[0] ^= 1),
        ("bundle.evidence bundle.terms", |scene| {
            scene.decision.evidence[0].id.kind = prooftrail_result::Kind::AwsNitroTpm;
        }),
        ("bundle.evidence_id", |scene| {
            scene.decision.evidence[0].id.signed_sha384[0] ^= 1;
            sign_terms(&mut scene.decision, &release_key(), |_| {});
        }),
        ("bundle.endorsements", |scene| scene.decision.endorsements.push([0; 32])),
        ("bundle.policy_text", |scene| scene.decision.policy.text_sha256[0] ^= 1),
        ("bundle.policy_digest", |scene| {
            scene.policy = scene.policy.replace("Only a test", "Anyone");
            scene.decision.policy.text_sha256 = sha256(&[scene.policy.as_bytes()]);
        }),
        ("bundle.policy_digest", |scene| {
            scene.policy = "not a policy".to_owned();
            scene.decision.policy.text_sha256 = sha256(&[scene.policy.as_bytes()]);
        }),
        ("bundle.policy_digest", |scene| scene.decision.trusted_roots = vec![[1; 32]]),
        // The evidence itself, changed in its signature and committed to.
        ("bundle.appraisal", |scene| {
            *scene.evidence.last_mut().unwrap() ^= 1;
            scene.decision.evidence[0].sha256 = sha256(&[&scene.evidence]);
        }),
        // Another proof key than the one that the evidence covers: the binding does not fit.
        ("bundle.appraisal", |scene| {
            scene.proof_key = ProofKey::from_seed(&[99; 32]);
            scene.decision.context.proof_key = scene.proof_key.public();
            sign_terms(&mut scene.decision, &release_key(), |_| {});
        }),
        ("bundle.appraisal", |scene| {
            scene.decision.context.key.as_mut().unwrap().version = 2;
            sign_terms(&mut scene.decision, &release_key(), |_| {});
        }),
        // A statement of another program, which the evidence does not cover.
        ("bundle.appraisal bundle.proof_session", |scene| {
            let mut statement = Statement::decode(&scene.statement).unwrap();
            statement.executable_sha384 = [9; 48];
            scene.statement = statement.encode();
            scene.decision.statement_sha384 = statement.sha384();
        }),
        ("bundle.result", |scene| scene.decision.result_sha256[0] ^= 1),
        ("bundle.result_differs", |scene| {
            scene.result = scene.result.replace("us-east-1", "us-west-2");
            scene.decision.result_sha256 = sha256(&[scene.result.as_bytes()]);
        }),
        ("bundle.result_differs", |scene| {
            scene.result = "[]".to_owned();
            scene.decision.result_sha256 = sha256(&[b"[]"]);
        }),
        ("bundle.release_signature", |scene| {
            sign_terms(&mut scene.decision, &ReleaseKey::from_seed(&[66; 32]), |_| {});
        }),
        ("bundle.release_signature", |scene| {
            scene.decision.release.as_mut().unwrap().sealed_sha256[0] ^= 1;
        }),
        ("bundle.terms", |scene| sign_terms(&mut scene.decision, &release_key(), |terms| terms.key.version = 2)),
        ("bundle.terms", |scene| sign_terms(&mut scene.decision, &release_key(), |terms| terms.release_id.0[0] ^= 1)),
        ("bundle.terms", |scene| {
            sign_terms(&mut scene.decision, &release_key(), |terms| terms.policy_digest[0] ^= 1);
        }),
        ("bundle.terms", |scene| {
            sign_terms(&mut scene.decision, &release_key(), |terms| terms.header_sha384[0] ^= 1);
        }),
        ("bundle.terms", |scene| sign_terms(&mut scene.decision, &release_key(), |terms| terms.evidence.clear())),
        ("bundle.terms", |scene| {
            sign_terms(&mut scene.decision, &release_key(), |terms| terms.context_sha384[0] ^= 1);
        }),
        ("bundle.terms", |scene| {
            sign_terms(&mut scene.decision, &release_key(), |terms| terms.expires = at(BEFORE));
        }),
        ("bundle.proof_signature", |scene| scene.proof_key = ProofKey::from_seed(&[99; 32])),
        ("bundle.release_link", |scene| scene.release = Some(([0; 32], 1))),
        ("bundle.proof_session", |scene| scene.proof.session.0[0] ^= 1),
        ("bundle.proof_session", |scene| scene.proof.statement_sha384[0] ^= 1),
        ("bundle.proof_session", |scene| scene.proof.witness_header_sha384[0] ^= 1),
        ("bundle.proof_session", |scene| scene.proof_project = "other".to_owned()),
        ("bundle.order", |scene| scene.proof_at = at(BEFORE + 4)),
        ("bundle.future", |scene| scene.proof_at = at(AFTER + 2000)),
        ("bundle.no_proof", |scene| {
            scene.proof.exit_status = 1;
            scene.proof.proof_sha256 = None;
        }),
        ("bundle.proof_documents", |scene| scene.proof.vk_sha256.as_mut().unwrap()[0] ^= 1),
        ("bundle.proof_documents", |scene| scene.proof.public_sha256 = None),
        ("bundle.proof_refused", |scene| {
            scene.documents[2] = b"[\"1\",\"2\"]".to_vec();
            scene.proof.public_sha256 = Some(sha256(&[&scene.documents[2]]));
        }),
        ("bundle.finding", |scene| scene.finding = ProofFinding::NoProof),
        ("bundle.finding", |scene| scene.finding = ProofFinding::Refused { code: "proof.shape".to_owned() }),
        ("bundle.finding", |scene| {
            if let ProofFinding::Verified { statement_id, .. } = &mut scene.finding {
                statement_id[0] ^= 1;
            }
        }),
        ("bundle.quorum bundle.quorum", |scene| {
            scene.cosigned.pop();
        }),
        ("bundle.time_window", |scene| scene.cosigned = vec![BEFORE + 4, AFTER]),
    ];
    let mut wrong = Vec::new();
    for (number, (code, lie)) in table.iter().enumerate() {
        let mut scene = Scene::new();
        lie(&mut scene);
        let bundle = scene.bundle();
        let found = codes(&scene, &bundle).join(" ");
        if found != *code {
            wrong.push(format!("{number}: {found}, not {code}"));
        }
        assert_eq!(scene.verify(&bundle).verdict(), Verdict::Refused, "{number}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What anyone can do who hands a bundle on.
#[test]
fn every_change_on_the_way_has_its_reason() {
    type Change = fn(&mut Bundle);
    let table: &[(&str, Change)] = &[
        ("bundle.leaf", |bundle| bundle.decision.leaf.0[0] ^= 1),
        ("bundle.inclusion", |bundle| *bundle.decision.leaf.0.last_mut().unwrap() ^= 1),
        ("bundle.leaf", |bundle| bundle.proof.as_mut().unwrap().leaf.0.truncate(3)),
        ("bundle.entry_type", |bundle| bundle.proof = Some(bundle.decision.clone())),
        ("bundle.tlog_proof", |bundle| bundle.decision.tlog_proof.insert(0, ' ')),
        ("bundle.inclusion", |bundle| {
            bundle.decision.tlog_proof = bundle.proof.as_ref().unwrap().tlog_proof.clone();
        }),
        ("bundle.checkpoint", |bundle| {
            bundle.decision.tlog_proof = bundle.decision.tlog_proof.replace("\n3\n", "\n4\n");
        }),
        ("bundle.commitment", |bundle| bundle.decision.opening.as_mut().unwrap().salt.0[0] ^= 1),
        ("bundle.commitment", |bundle| bundle.decision.opening.as_mut().unwrap().record.0[40] ^= 1),
        ("bundle.commitment", |bundle| bundle.proof.as_mut().unwrap().opening.as_mut().unwrap().record.0[40] ^= 1),
        ("bundle.challenge_checkpoint", |bundle| bundle.checkpoint.as_mut().unwrap().push('\n')),
        ("bundle.statement", |bundle| bundle.statement.as_mut().unwrap().0[5] ^= 1),
        ("bundle.evidence", |bundle| bundle.evidence.as_mut().unwrap()[0].evidence.0[500] ^= 1),
        ("bundle.evidence", |bundle| bundle.evidence.as_mut().unwrap().clear()),
        ("bundle.endorsements", |bundle| bundle.endorsements.as_mut().unwrap().push(vec![1].into())),
        ("bundle.policy_text", |bundle| bundle.policy.as_mut().unwrap().push('\n')),
        ("bundle.result", |bundle| bundle.result.as_mut().unwrap().push(' ')),
        ("bundle.proof_documents", |bundle| {
            bundle.documents.as_mut().unwrap().proof.as_mut().unwrap().0.push(b'\n');
        }),
        ("bundle.entry_type", |bundle| bundle.revocations.push(bundle.decision.clone())),
    ];
    let scene = Scene::new();
    for (number, (code, change)) in table.iter().enumerate() {
        let mut bundle = scene.bundle();
        change(&mut bundle);
        assert_eq!(codes(&scene, &bundle), [*code], "{number}");
        assert_eq!(scene.verify(&bundle).verdict(), Verdict::Refused, "{number}");
    }
}

#[test]
fn what_is_withheld_is_not_shown_and_contradicts_nothing() {
    type Withhold = fn(&mut Bundle);
    let table: &[(&[Check], Withhold)] = &[
        (&[Check::ProofEntry, Check::ProofRecord, Check::Proof], |bundle| bundle.proof = None),
        (&[Check::DecisionRecord, Check::Appraisal, Check::Proof], |bundle| bundle.decision.opening = None),
        (&[Check::ProofRecord, Check::Proof], |bundle| bundle.proof.as_mut().unwrap().opening = None),
        (&[Check::Challenge, Check::Appraisal, Check::Time], |bundle| bundle.checkpoint = None),
        (&[Check::Statement], |bundle| bundle.statement = None),
        (&[Check::Evidence, Check::Appraisal], |bundle| bundle.evidence = None),
        (&[Check::Evidence, Check::Appraisal], |bundle| bundle.endorsements = None),
        (&[Check::Policy, Check::Appraisal], |bundle| bundle.policy = None),
        (&[Check::Result], |bundle| bundle.result = None),
        (&[Check::Proof], |bundle| bundle.documents = None),
        (&[Check::Proof], |bundle| bundle.documents.as_mut().unwrap().public = None),
    ];
    let scene = Scene::new();
    for (number, (checks, withhold)) in table.iter().enumerate() {
        let mut bundle = scene.bundle();
        withhold(&mut bundle);
        let found = scene.verify(&bundle);
        assert_eq!(found.reasons, [], "{number}");
        let missing: Vec<_> = found.not_shown.iter().map(|finding| finding.check).collect();
        for check in *checks {
            assert!(missing.contains(check) && !found.shows(*check), "{number}: {check}");
        }
        assert_eq!(found.verdict(), Verdict::Refused, "{number}");
        // Every check has exactly one place.
        let mut all: Vec<_> = found.shown.iter().chain(&found.not_shown).map(|finding| finding.check).collect();
        all.sort_unstable();
        assert_eq!(all, Check::ALL, "{number}");
    }
}

#[test]
fn another_trust_gives_another_answer() {
    let other_digest = "ab".repeat(48);
    let table: Vec<(&str, String)> = {
        let trust = Scene::new().trust;
        let line = |name: &str| trust.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        let key = ReleaseKey::from_seed(&[67; 32]).public();
        let other_log = prooftrail_ledger::NoteSigner::from_seed(
            prooftrail_ledger::note::KeyName::new(scene::ORIGIN).unwrap(),
            &[77; 32],
        );
        vec![
            ("bundle.simulated", trust.replace("accept_simulated = true", "accept_simulated = false")),
            ("bundle.policy_untrusted", trust.replace(&line("policies"), &format!("policies = [\"{other_digest}\"]"))),
            (
                "bundle.release_signature",
                trust.replace(&line("release_keys"), &format!("release_keys = [\"{}\"]", hex::encode(key.as_bytes()))),
            ),
            ("bundle.verifying_key", trust.replace(&line("verifying_keys"), "verifying_keys = []")),
            ("bundle.root_untrusted", format!("{trust}roots = [\"{}\"]\n", "cd".repeat(32))),
            ("bundle.verifier", format!("{trust}verifiers = [\"prooftrail 9\"]\n")),
            ("bundle.endorsement_age", format!("{trust}max_endorsement_age_seconds = 60\n")),
            (
                "bundle.checkpoint",
                trust.replace(&line("log log"), &format!("log {}", other_log.unwrap().verifier_key())),
            ),
            ("bundle.time_operator", trust.replace("quorum both", "quorum none")),
        ]
    };
    for (code, trust) in table {
        let scene = Scene { trust, ..Scene::new() };
        let found = codes(&scene, &scene.bundle());
        assert!(found.iter().all(|found| *found == code) && !found.is_empty(), "{found:?}, not {code}");
    }
    let trust = Scene::new().trust.replace("quorum both", "quorum none") + "accept_operator_time = true\n";
    let scene = Scene { trust, ..Scene::new() };
    let found = scene.verify(&scene.bundle());
    assert_eq!((found.verdict(), found.time), (Verdict::Affirming, None));
    assert!(found.shown.iter().any(|finding| finding.words.contains("operator's word")));
}

#[test]
fn the_recorded_time_lies_between_what_cosigners_vouch_for() {
    // The decision is at BEFORE + 5; the challenge's last cosignature at BEFORE + 1.
    for (cosigned, holds) in [
        (vec![BEFORE + 5, BEFORE + 5], true),
        (vec![BEFORE + 4, BEFORE + 9], false),
        (vec![BEFORE + 9, BEFORE + 4], false),
        (vec![AFTER + 900, AFTER + 900], true),
    ] {
        let mut scene = Scene::new();
        scene.cosigned.clone_from(&cosigned);
        let found = codes(&scene, &scene.bundle());
        assert_eq!(found, if holds { vec![] } else { vec!["bundle.time_window"] }, "{cosigned:?}");
    }
    // A bundle from the future.
    let scene = Scene { now: at(BEFORE), ..Scene::new() };
    assert!(codes(&scene, &scene.bundle()).contains(&"bundle.future"));
}

#[test]
fn a_challenge_from_a_later_checkpoint_is_out_of_order() {
    // The nonce commits to a checkpoint that is larger than the decision's own place.
    let mut scene = Scene::new();
    let later = note(2, prooftrail_ledger::Hash::of_leaf(b"x"), &[BEFORE, BEFORE]).to_string();
    scene.checkpoint.clone_from(&later);
    scene.decision.challenge.checkpoint_sha256 = sha256(&[later.as_bytes()]);
    scene.decision.context.nonce = prooftrail_protocol::Nonce::of(&[2; 32], &later, 0);
    sign_terms(&mut scene.decision, &release_key(), |_| {});
    let found = codes(&scene, &scene.bundle());
    assert!(found.contains(&"bundle.order"), "{found:?}");
    // Nor does a checkpoint count that nobody signed.
    let mut scene = Scene::new();
    let unsigned = note(1, prooftrail_ledger::Hash::of_leaf(b"x"), &[]).to_string();
    scene.checkpoint.clone_from(&unsigned);
    scene.decision.challenge.checkpoint_sha256 = sha256(&[unsigned.as_bytes()]);
    scene.decision.context.nonce = prooftrail_protocol::Nonce::of(&[2; 32], &unsigned, 0);
    sign_terms(&mut scene.decision, &release_key(), |_| {});
    assert!(codes(&scene, &scene.bundle()).contains(&"bundle.challenge_untrusted"));
}

/// A pin of a circuit in a policy.
fn pinned(system: &str, key: &str) -> String {
    format!("{}\n[[proof]]\nsystem = \"{system}\"\nvk_sha256 = \"{key}\"\n", scene::POLICY)
}

#[test]
fn a_policy_s_circuits_are_asked_for_again() {
    let ProofFinding::Verified { verifying_key, .. } = Scene::new().finding else { panic!("it verifies") };
    let key = hex::encode(verifying_key);
    let other = "ab".repeat(32);
    // What the service ought to have refused, it may have recorded as verified all the same.
    let table = [
        (pinned("groth16-bn254", &key), vec![]),
        (pinned("groth16-bn254", &other), vec!["bundle.proof_not_allowed"]),
        (pinned("groth16-bls12-381", &key), vec!["bundle.proof_not_allowed"]),
        // One pin of several is enough.
        (pinned("groth16-bn254", &other) + &pinned("groth16-bn254", &key)[scene::POLICY.len()..], vec![]),
    ];
    for (policy, expected) in table {
        let scene = Scene::under(&policy);
        let found = scene.verify(&scene.bundle());
        assert_eq!(codes(&scene, &scene.bundle()), expected, "{policy}");
        assert_eq!(found.verdict() == Verdict::Affirming, expected.is_empty());
        assert_eq!(found.shows(Check::Proof), expected.is_empty());
    }
    // The reason says what there is, and what is allowed.
    let scene = Scene::under(&pinned("groth16-bn254", &other));
    let [reason] = scene.verify(&scene.bundle()).reasons.try_into().unwrap();
    assert_eq!(reason.have, Some(format!("groth16-bn254 {key}")));
    assert_eq!(reason.need, Some(format!("groth16-bn254 {other}")));
    // Without the policy's text it cannot be asked, and is not affirmed.
    let mut bundle = scene.bundle();
    bundle.policy = None;
    let found = scene.verify(&bundle);
    assert_eq!((found.reasons.len(), found.verdict()), (0, Verdict::Refused));
    assert!(!found.shows(Check::Policy));
}

#[test]
fn circuits_of_unknown_systems_are_named_by_their_bytes() {
    let raw = hex::encode(Scene::new().proof.vk_sha256.unwrap());
    for (policy, expected) in [
        (scene::POLICY.to_owned(), vec![]),
        (pinned("plonk", &raw), vec![]),
        (pinned("plonk", &"ab".repeat(32)), vec!["bundle.proof_not_allowed"]),
        (pinned("groth16-bn254", &raw), vec!["bundle.proof_not_allowed"]),
    ] {
        let mut scene = Scene::under(&policy);
        scene.proof.system = Some("plonk".to_owned());
        scene.finding = ProofFinding::Unsupported;
        let bundle = scene.bundle();
        assert_eq!(codes(&scene, &bundle), expected, "{policy}");
        assert_eq!(scene.verify(&bundle).verdict(), Verdict::Refused, "nobody has verified it");
    }
}

#[test]
fn revocations_stand_apart() {
    for what in [Revoked::Release, Revoked::Proof] {
        let scene = Scene { revoked: Some(what), ..Scene::new() };
        let found = scene.verify(&scene.bundle());
        assert_eq!((found.reasons.len(), found.not_shown.len()), (0, 0));
        assert_eq!(found.shown.len(), Check::ALL.len());
        assert_eq!(found.revoked_since.len(), 1);
        assert_eq!((found.revoked_since[0].what, found.verdict()), (what, Verdict::Refused));
    }
}

#[test]
fn a_file_is_read_strictly() {
    let file = String::from_utf8(Scene::new().bundle().to_file().unwrap()).unwrap();
    for changed in [
        file.replace("bundle/v1", "bundle/v2"),
        file.replacen("{\"format\"", "{\"roots\":[],\"format\"", 1),
        file.replacen("\"salt\":\"", "\"salt\":\"0", 1),
        file.replacen("\"salt\":\"04", "\"salt\":\"0A", 1).replacen("0A04", "0A0F", 1),
        file.replacen("\"leaf\":\"", "\"leaf\":\"=", 1),
        file.replacen("\"leaf\":", "\"leaf\":\"\",\"leaf\":", 1),
        format!("{file}x"),
        String::new(),
    ] {
        assert!(Bundle::parse(changed.as_bytes()).is_err());
    }
    assert!(Bundle::parse(&vec![b' '; 8 * 1024 * 1024 + 1]).is_err());
    let mut bundle = Scene::new().bundle();
    bundle.revocations = vec![bundle.decision.clone(); MAX_REVOCATIONS + 1];
    assert!(Bundle::parse(&bundle.to_file().unwrap()).is_err());
    let malformed = Bundle::parse(b"{}").unwrap_err();
    let found = prooftrail_provenance::Verification::malformed(&malformed);
    assert_eq!((found.verdict(), found.reasons[0].code), (Verdict::Refused, BundleCode::Malformed));
}

#[test]
fn a_trust_file_is_read_strictly() {
    let trust = Scene::new().trust;
    assert!(TrustFile::parse(&trust).is_ok());
    assert!(matches!(TrustFile::parse(&format!("{trust}extra = 1\n")), Err(TrustError::Syntax(_))));
    assert!(matches!(TrustFile::parse(""), Err(TrustError::Syntax(_))));
    let second = trust.replace("prooftrail_trust = 1", "prooftrail_trust = 2");
    assert_eq!(TrustFile::parse(&second).unwrap_err(), TrustError::Version(2));
    assert!(matches!(TrustFile::parse(&trust.replace("quorum both\n", "")), Err(TrustError::Log(_))));
    assert_eq!(TrustFile::parse(&format!("{trust}roots = []\n")).unwrap_err(), TrustError::Empty("roots"));
    assert!(matches!(
        TrustFile::parse(&format!("{trust}roots = [\"zz\"]\n")),
        Err(TrustError::Hex { field: "roots", bytes: 32, .. })
    ));
    assert_eq!(TrustFile::parse(&" ".repeat(1 << 21)).unwrap_err(), TrustError::TooLarge(1 << 21));
}

fn page(scene: &Scene, bundle: &Bundle) -> String {
    let found = scene.verify(bundle);
    let links = Links { bundle: "/v1/proofs/00/bundle", shown_by: scene::ORIGIN };
    let html = ProvenancePage::new(&found, links).html().unwrap();
    // For whoever wants to look at it: the tests' own scratch folder.
    let name = found.reasons.first().map_or(found.verdict().to_string(), |reason| reason.code.to_string());
    let name = if found.not_shown.is_empty() { name } else { format!("{name}-not-shown") };
    std::fs::write(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.html")), &html).unwrap();
    html
}

#[test]
fn the_page_says_what_is_shown_and_what_is_not() {
    let scene = Scene::new();
    let html = page(&scene, &scene.bundle());
    assert!(html.contains("Everything that can be shown is shown.") && html.contains("Simulated."));
    assert!(!html.contains("What failed") && !html.contains("What is not shown"));
    assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("https://"));
    assert!(html.contains("href=\"/v1/proofs/00/bundle\"") && html.contains("prove --all"));

    let mut bundle = scene.bundle();
    bundle.documents = None;
    bundle.statement = None;
    let html = page(&scene, &bundle);
    assert!(html.contains("not everything is shown") && html.contains("What is not shown"));
    assert!(!html.contains("prove --all"));

    bundle.evidence.as_mut().unwrap()[0].evidence.0[500] ^= 1;
    let html = page(&scene, &bundle);
    assert!(html.contains("bundle.evidence") && html.contains("Do not rely on this proof"));
    let revoked = Scene { revoked: Some(Revoked::Release), ..Scene::new() };
    assert!(page(&revoked, &revoked.bundle()).contains("the image leaks its witness"));
}

#[test]
fn the_page_says_whose_word_the_time_is() {
    let cosigned = Scene::new();
    assert!(!page(&cosigned, &cosigned.bundle()).contains("operator&rsquo;s word"));
    let trust = cosigned.trust.replace("quorum both", "quorum none") + "accept_operator_time = true\n";
    let alone = Scene { trust, ..Scene::new() };
    assert!(page(&alone, &alone.bundle()).contains("operator&rsquo;s word"));
}

#[test]
fn nothing_from_outside_becomes_markup_or_turns_the_text() {
    let mut scene = Scene::new();
    scene.decision.policy.name = "<img src=x onerror=alert(1)>\u{202e}".to_owned();
    scene.decision.verifier = "\"><script>alert(2)</script>".to_owned();
    let html = page(&scene, &scene.bundle());
    assert!(!html.contains("<img") && !html.contains("<script") && !html.contains('\u{202e}'));
    assert!(html.contains("onerror=alert(1)"), "it is shown, as text");
}

mod flips {
    use proptest::prelude::*;

    use super::{Bundle, Scene, Verdict};

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        /// No byte of a bundle can be changed and the bundle still verify, except what JSON does not mean.
        #[test]
        fn no_flipped_byte_verifies(place in any::<prop::sample::Index>(), bit in 0u8..7) {
            thread_local! {
                static SCENE: (Scene, Vec<u8>) = {
                    let scene = Scene::new();
                    let file = scene.bundle().to_file().unwrap();
                    (scene, file)
                };
            }
            SCENE.with(|(scene, file)| {
                let mut changed = file.clone();
                let at = place.index(changed.len() - 1);
                changed[at] ^= 1 << bit;
                let affirming = Bundle::parse(&changed)
                    .is_ok_and(|bundle| scene.verify(&bundle).verdict() == Verdict::Affirming);
                prop_assert!(!affirming, "byte {} bit {}", at, bit);
                Ok(())
            })?;
        }
    }
}
