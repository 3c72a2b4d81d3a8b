//! Trust policies: the files that are policies and those that are not, and what a policy makes of checkpoints. Keys are
//! made from fixed seeds.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_ledger::{
    Checkpoint, Hash, InvalidDecimal, Note, NoteSigner, TrustPolicy,
    checkpoint::CheckpointError,
    cosignature::Cosigner,
    note::{KeyName, NoteText, SignatureError, VerifierKeyError, VerifyError},
    trust_policy::{
        MAX_NAMES, MAX_POLICY_BYTES, PolicyError, PolicyFileError, PolicyLineError, PolicyRefusal, Threshold,
        TrustPolicyBuilder, TrustedLog,
    },
};

fn log(name: &str, seed: u8) -> NoteSigner {
    NoteSigner::from_seed(KeyName::new(name).unwrap(), &[seed; 32]).unwrap()
}

fn cosigner(seed: u8) -> Cosigner {
    Cosigner::from_seed(KeyName::new("cosigner.example").unwrap(), &[seed; 32]).unwrap()
}

/// Puts keys for `LOG`, `LOG2` and `C1` to `C9` in a policy.
fn policy(text: &str) -> Result<TrustPolicy, PolicyFileError> {
    let mut text = text.replace("LOG2", &log("other.example", 101).verifier_key().to_string());
    text = text.replace("LOG", &log("log.example", 100).verifier_key().to_string());
    for seed in 1..10 {
        text = text.replace(&format!("C{seed}"), &cosigner(seed).verifier_key().to_string());
    }
    TrustPolicy::parse(text.as_bytes())
}

fn line(number: usize, reason: PolicyLineError) -> PolicyFileError {
    PolicyFileError::Line { number, reason }
}

fn checkpoint() -> Checkpoint {
    Checkpoint::new("log.example", 7, Hash::of_leaf(b"")).unwrap()
}

fn cosigned(by: &[u8]) -> Note {
    let mut note = Note::sign(checkpoint().text(), &log("log.example", 100)).unwrap();
    for &seed in by {
        note.add_signature(cosigner(seed).cosign(&checkpoint(), seed.into()).unwrap()).unwrap();
    }
    note
}

const TWO_OF_THREE_AND_ONE_OF_TWO: &str = "
    # the example of the specification
log LOG https://log.example/
witness X1 C1
witness X2\tC2   https://x2.example/
witness X3 C3
group X-witnesses 2 X1 X2 X3
witness Y1 C4
witness Y2 C5
group Y-witnesses any Y1 Y2

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
";

#[test]
fn quorums_are_counted_as_the_policy_says() {
    let policy = policy(TWO_OF_THREE_AND_ONE_OF_TWO).unwrap();
    assert_eq!(policy.logs().len(), 1);
    assert_eq!(policy.logs()[0].origin, "log.example");
    assert_eq!(policy.logs()[0].url.as_deref(), Some(b"https://log.example/".as_slice()));
    assert_eq!(policy.cosigners().len(), 5);
    for by in [[1, 2, 4].as_slice(), &[1, 3, 5], &[2, 3, 4, 5], &[5, 4, 3, 2, 1], &[1, 2, 4, 4, 9]] {
        let verified = policy.verify_checkpoint(&cosigned(by)).unwrap();
        assert_eq!(verified.checkpoint, checkpoint());
        let known: Vec<_> = by.iter().filter(|seed| **seed < 6).collect();
        assert_eq!(verified.cosignatures.len(), known.len());
        assert_eq!(verified.cosignatures[0].time, Some(u64::from(by[0])));
    }
    for by in [[].as_slice(), &[1, 2], &[1, 4], &[1, 1, 4], &[4, 5], &[1, 4, 5], &[1, 9, 4]] {
        let Err(PolicyRefusal::QuorumNotMet { quorum, cosigned }) = policy.verify_checkpoint(&cosigned(by)) else {
            panic!("{by:?} is no quorum");
        };
        assert_eq!(quorum.to_string(), "X-and-Y");
        assert_eq!(cosigned.len(), by.iter().filter(|seed| **seed < 6).count());
    }
}

#[test]
fn each_refusal_of_a_checkpoint_has_its_reason() {
    let none = policy("log LOG\nlog LOG2\nwitness w C1\nquorum none\n").unwrap();
    assert!(none.verify_checkpoint(&cosigned(&[])).is_ok());

    let by_nobody = Note::sign(checkpoint().text(), &log("log.example", 7)).unwrap();
    assert_eq!(none.verify_checkpoint(&by_nobody), Err(PolicyRefusal::Note(VerifyError::NoKnownSignature)));

    let mut by_cosigner = by_nobody;
    by_cosigner.add_signature(cosigner(1).cosign(&checkpoint(), 9).unwrap()).unwrap();
    let origin = "log.example".to_owned();
    assert_eq!(none.verify_checkpoint(&by_cosigner), Err(PolicyRefusal::NotSignedByLog { origin }));

    let by_other_log = Note::sign(checkpoint().text(), &log("other.example", 101)).unwrap();
    let (have, need) = ("log.example".to_owned(), "other.example".to_owned());
    assert_eq!(none.verify_checkpoint(&by_other_log), Err(PolicyRefusal::OriginMismatch { have, need }));

    let text = NoteText::new("log.example\n7\n").unwrap();
    assert_eq!(
        none.verify_checkpoint(&Note::sign(&text, &log("log.example", 100)).unwrap()),
        Err(PolicyRefusal::Checkpoint(CheckpointError::TooFewLines))
    );

    // A cosignature of another checkpoint beside a quorum that does not even need it.
    let other = Checkpoint::new("log.example", 8, Hash::of_leaf(b"")).unwrap();
    let mut misplaced = cosigned(&[]);
    misplaced.add_signature(cosigner(1).cosign(&other, 9).unwrap()).unwrap();
    let key = cosigner(1).verifier_key().clone();
    assert_eq!(
        none.verify_checkpoint(&misplaced),
        Err(PolicyRefusal::Note(VerifyError::Signature {
            name: key.name().clone(),
            id: key.id(),
            reason: SignatureError::Invalid,
        }))
    );
}

#[test]
fn a_log_may_sign_under_another_name_than_its_origin() {
    let signer = log("sum.example", 100);
    let checkpoint = Checkpoint::new("a database tree", 7, Hash::of_leaf(b"")).unwrap();
    let note = Note::sign(checkpoint.text(), &signer).unwrap();
    let trusting = |origin: &str| {
        let mut builder = TrustPolicyBuilder::new();
        let log = TrustedLog { origin: origin.to_owned(), key: signer.verifier_key().clone(), url: None };
        builder.log(log).unwrap().quorum(b"none").unwrap();
        builder.build().unwrap()
    };
    assert!(trusting("a database tree").verify_checkpoint(&note).is_ok());
    let (have, need) = ("a database tree".to_owned(), "sum.example".to_owned());
    assert_eq!(trusting("sum.example").verify_checkpoint(&note), Err(PolicyRefusal::OriginMismatch { have, need }));
}

#[test]
fn names_are_bytes() {
    let mut text = format!("witness \u{212a} {}\n", cosigner(1).verifier_key()).into_bytes();
    text.extend(format!("witness K {}\n", cosigner(2).verifier_key()).as_bytes());
    text.extend(b"# \xff\xfe\ngroup \xff any \xe2\x84\xaa K\nquorum \xff\n");
    let policy = TrustPolicy::parse(&text).unwrap();
    assert_eq!(policy.cosigners()[0].name.as_bytes(), "\u{212a}".as_bytes());
}

#[test]
fn each_defect_of_a_file_has_its_reason() {
    let named = |name: &str| policy(&format!("witness {name} C1\nquorum none\n")).unwrap().cosigners()[0].name.clone();
    let contradiction = |number, error| line(number, PolicyLineError::Policy(error));
    for (text, reason) in [
        ("", PolicyFileError::Unterminated),
        ("quorum none", PolicyFileError::Unterminated),
        ("\n", PolicyFileError::Policy(PolicyError::NoQuorum)),
        ("log LOG\n", PolicyFileError::Policy(PolicyError::NoQuorum)),
        ("quorum none\r\n", line(1, PolicyLineError::ControlCharacter { byte: b'\r' })),
        ("# \u{7f}\n", line(1, PolicyLineError::ControlCharacter { byte: 0x7f })),
        ("quorum none\nquorum none\n", contradiction(2, PolicyError::SecondQuorum)),
        ("\n\nlogs LOG\n", line(3, PolicyLineError::Keyword)),
        ("Quorum none\n", line(1, PolicyLineError::Keyword)),
        ("log\n", line(1, PolicyLineError::Fields)),
        ("log LOG url more\n", line(1, PolicyLineError::Fields)),
        ("witness w\n", line(1, PolicyLineError::Fields)),
        ("witness w C1 url more\n", line(1, PolicyLineError::Fields)),
        ("group g\n", line(1, PolicyLineError::Fields)),
        ("quorum\n", line(1, PolicyLineError::Fields)),
        ("quorum none # a comment\n", line(1, PolicyLineError::Fields)),
        ("log key\n", line(1, PolicyLineError::Key(VerifierKeyError::Fields))),
        ("log C1\n", contradiction(1, PolicyError::LogKeyType { code: 4 })),
        ("witness w LOG\n", contradiction(1, PolicyError::CosignerKeyType { code: 1 })),
        ("log LOG\nlog LOG\n", contradiction(2, PolicyError::DuplicateKey)),
        ("witness v C1\nwitness w C1\n", contradiction(2, PolicyError::DuplicateKey)),
        ("witness none C1\n", contradiction(1, PolicyError::ReservedName)),
        ("witness w C1\nwitness w C2\n", contradiction(2, PolicyError::DuplicateName { name: named("w") })),
        ("witness w C1\ngroup w any w\n", contradiction(2, PolicyError::DuplicateName { name: named("w") })),
        ("quorum w\nwitness w C1\n", contradiction(1, PolicyError::UnknownName { name: named("w") })),
        ("group g any w\nwitness w C1\n", contradiction(1, PolicyError::UnknownName { name: named("w") })),
        ("group g any g\n", contradiction(1, PolicyError::UnknownName { name: named("g") })),
        ("group g any none\n", contradiction(1, PolicyError::UnknownName { name: named("x") })),
        ("witness w C1\ngroup g any w w\n", contradiction(2, PolicyError::MemberTwice { name: named("w") })),
        (
            "witness w C1\ngroup g any w\ngroup h any w\n",
            contradiction(3, PolicyError::MemberTwice { name: named("w") }),
        ),
        ("group g any\n", contradiction(1, PolicyError::Threshold { members: 0 })),
        ("group g all\n", contradiction(1, PolicyError::Threshold { members: 0 })),
        ("witness w C1\ngroup g 0 w\n", contradiction(2, PolicyError::Threshold { members: 1 })),
        ("witness w C1\ngroup g 2 w\n", contradiction(2, PolicyError::Threshold { members: 1 })),
        ("witness w C1\ngroup g 01 w\n", line(2, PolicyLineError::Threshold(InvalidDecimal::LeadingZero))),
        ("witness w C1\ngroup g most w\n", line(2, PolicyLineError::Threshold(InvalidDecimal::NotADigit))),
    ] {
        let reason = match reason {
            // `none` cannot be defined, so no policy yields its name.
            PolicyFileError::Line { number, .. } if text == "group g any none\n" => {
                let error = policy(text).unwrap_err();
                assert_eq!(error.to_string(), format!("line {number}: the name none is not defined before its use"));
                continue;
            }
            reason => reason,
        };
        assert_eq!(policy(text), Err(reason), "{text:?}");
    }
    assert_eq!(TrustPolicy::parse(b"log \xff\n"), Err(line(1, PolicyLineError::KeyNotUtf8)));
    let long = vec![b'\n'; MAX_POLICY_BYTES + 1];
    let reason = PolicyFileError::TooLong { have: long.len(), max: MAX_POLICY_BYTES };
    assert_eq!(TrustPolicy::parse(&long), Err(reason));
}

#[test]
fn a_member_of_a_group_can_still_be_the_quorum() {
    let policy = policy("log LOG\nwitness w C1\ngroup g any w\nquorum w\n").unwrap();
    assert!(policy.verify_checkpoint(&cosigned(&[1])).is_ok());
    assert!(policy.verify_checkpoint(&cosigned(&[2])).is_err());
}

#[test]
fn policies_have_a_largest_size() {
    let mut builder = TrustPolicyBuilder::new();
    builder.cosigner(b"w", cosigner(1).verifier_key().clone(), None).unwrap();
    let mut member = b"w".to_vec();
    for number in 1..MAX_NAMES {
        let name = format!("g{number}").into_bytes();
        builder.group(&name, Threshold::All, &[&member]).unwrap();
        member = name;
    }
    let full = builder.group(b"one too many", Threshold::AtLeast(1), &[&member]).unwrap_err();
    assert_eq!(full, PolicyError::TooManyNames { max: MAX_NAMES });
    // The deepest policy there is can be evaluated.
    let key = log("log.example", 100).verifier_key().clone();
    builder.log(TrustedLog { origin: "log.example".to_owned(), key, url: None }).unwrap();
    builder.quorum(&member).unwrap();
    let policy = builder.build().unwrap();
    assert!(policy.verify_checkpoint(&cosigned(&[1])).is_ok());
    assert!(policy.verify_checkpoint(&cosigned(&[2])).is_err());
}
