//! Every way in which a document can be wrong that the corpus of negative vectors knows, as one change each.

use minicbor::Decoder;
use prooftrail_simulator::{
    cbor::{Head, Item},
    edit::Edit,
    key::{Key, SignatureEdit},
    nitro::{Document, Element, Hypervisor},
    x509::{Extension, oid},
};

use crate::reading::AT_MS;

type Change = fn(&mut Document);

/// A document with one change.
fn turned(turn: impl FnOnce(&mut Document)) -> Vec<u8> {
    let mut document = Hypervisor::new("knobs").document(AT_MS);
    turn(&mut document);
    document.build()
}

/// The signature and what stands before it.
fn signature(document: &[u8]) -> (&[u8], &[u8]) {
    document.split_at(document.len() - 96)
}

#[test]
fn envelopes() {
    let genuine = turned(|_| {});
    let body = &genuine[1..];
    let wrapped = |head: &[u8], tail: &[u8]| [head, body, tail].concat();
    assert_eq!(turned(|document| document.envelope.tag = Some(18)), wrapped(&[0xD2, 0x84], &[]));
    assert_eq!(turned(|document| document.envelope.tag = Some(17)), wrapped(&[0xD1, 0x84], &[]));
    assert_eq!(turned(|document| document.envelope.head = Head::OneByte), wrapped(&[0x98, 0x04], &[]));
    assert_eq!(turned(|document| document.envelope.head = Head::Indefinite), wrapped(&[0x9F], &[0xFF]));
    assert_eq!(turned(|document| document.envelope.head = Head::Claims(5)), wrapped(&[0x85], &[]));
    assert_eq!(turned(|document| document.envelope.trailing = vec![0]), wrapped(&[0x84], &[0]));
    assert_eq!(
        turned(|document| document.envelope.elements.push(Element::Item(Item::Null))),
        wrapped(&[0x85], &[0xF6])
    );
    assert_eq!(turned(|document| drop(document.envelope.elements.pop())), [&[0x83], &body[..body.len() - 98]].concat());
}

#[test]
fn headers() {
    let genuine = turned(|_| {});
    let junk = turned(|document| {
        document.envelope.unprotected = Item::Map(vec![(Item::Unsigned(4), Item::bytes(b"x"))]);
    });
    assert_eq!(junk, [&genuine[..6], &[0xA1, 0x04, 0x41, b'x'], &genuine[7..]].concat());

    let es256 = turned(|document| document.envelope.protected = vec![0xA1, 0x01, 0x26]);
    assert_eq!(es256[..6], [0x84, 0x43, 0xA1, 0x01, 0x26, 0xA0]);
    assert_ne!(signature(&es256).1, signature(&genuine).1, "the header is signed");

    let swapped = turned(|document| document.envelope.elements[0] = Element::Item(Item::bytes(&[0xA0])));
    assert_eq!(swapped[..4], [0x84, 0x41, 0xA0, 0xA0]);
    assert_eq!(signature(&swapped).1, signature(&genuine).1, "the header sent is not the one signed");
}

#[test]
fn signatures() {
    let genuine = turned(|_| {});
    let edited = |edit: SignatureEdit| turned(|document| document.envelope.signature = Some(edit));
    let flip = SignatureEdit::Bytes(Edit::FlipBit { offset: 95, bit: 0 });
    let (body, original) = signature(&genuine);

    let twin = edited(SignatureEdit::Twin);
    assert_eq!((signature(&twin).0, &signature(&twin).1[..48]), (body, &original[..48]));
    assert_ne!(signature(&twin).1, original);
    assert_eq!(edited(flip).last().unwrap() ^ 1, *genuine.last().unwrap());
    assert_eq!(
        edited(SignatureEdit::Bytes(Edit::Truncate { len: 95 }))[body.len() - 1..],
        [&[95], &original[..95]].concat()
    );
    assert_eq!(edited(SignatureEdit::OtherForm)[body.len()], 0x30, "a DER SEQUENCE");
    for (context, aad) in [("Signature", ""), ("Signature1", "aad")] {
        let other = turned(|document| {
            document.envelope.context = context.to_owned();
            document.envelope.external_aad = aad.into();
        });
        assert_eq!(signature(&other).0, body);
        assert_ne!(signature(&other).1, original);
    }
    let forged = turned(|document| document.signing_key = Some(Key::p384("impostor")));
    assert_eq!(signature(&forged).0, body);
    assert_ne!(signature(&forged).1, original);
}

/// Keys and heads, by what minicbor sees or by the bytes.
#[test]
fn payload_maps() {
    let payload = |turn: &dyn Fn(&mut Document)| {
        let mut document = Hypervisor::new("knobs").document(AT_MS);
        turn(&mut document);
        document.payload_bytes()
    };
    let keys = |payload: &[u8]| {
        let mut decoder = Decoder::new(payload);
        let count = decoder.map().unwrap().unwrap();
        let key = |decoder: &mut Decoder<'_>| decoder.str().unwrap().to_owned();
        let keys = (0..count).map(|_| (key(&mut decoder), decoder.skip().unwrap()).0).collect::<Vec<_>>();
        assert_eq!(decoder.position(), payload.len());
        keys
    };
    let definite = |turn: &dyn Fn(&mut Document)| {
        keys(&payload(&|document| {
            document.payload.head = Head::Shortest;
            turn(document);
        }))
    };

    assert_eq!(payload(&|document| document.payload.head = Head::Shortest)[0], 0xA9);
    assert_eq!(payload(&|document| document.payload.head = Head::OneByte)[..2], [0xB8, 0x09]);
    assert_eq!(payload(&|document| document.payload.head = Head::Claims(8))[0], 0xA8);
    assert_eq!(payload(&|document| document.raw_payload = Some(vec![0x80])), [0x80]);
    assert!(!definite(&|document| document.payload.remove("pcrs")).contains(&"pcrs".to_owned()));
    assert_eq!(definite(&|document| document.payload.push("later", Item::Null)).last().unwrap(), "later");
    let twice = definite(&|document| {
        let pcrs = document.payload.get("pcrs").unwrap().clone();
        document.payload.push("pcrs", pcrs);
    });
    assert_eq!(twice.iter().filter(|key| *key == "pcrs").count(), 2);
    let swapped = definite(&|document| document.payload.entries.swap(0, 1));
    assert_eq!(swapped[..2], ["digest", "module_id"]);
}

/// Each value lands where its key is, and nothing else before it changes.
#[test]
fn payload_values() {
    let table: &[(&str, Item, &str)] = &[
        ("digest", Item::from("SHA256"), "66534841323536"),
        ("digest", Item::Chunked(vec![Item::from("SHA"), Item::from("384")]), "7f6353484163333834ff"),
        ("timestamp", Item::Unsigned(0), "00"),
        ("timestamp", Item::Float(1.0), "fb3ff0000000000000"),
        ("timestamp", Item::Negative(0), "20"),
        ("pcrs", Item::Map(vec![]), "a0"),
        ("pcrs", Item::Undefined, "f7"),
        ("certificate", Item::bytes(b""), "40"),
        ("cabundle", Item::Array(vec![]), "80"),
        ("cabundle", Item::Array(vec![]).headed(Head::Indefinite), "9fff"),
        ("user_data", Item::bytes(b"").headed(Head::Claims(1 << 39)), "5b0000008000000000"),
        ("nonce", Item::Tagged(24, Box::new(Item::Null)), "d818f6"),
        ("nonce", Item::Raw(vec![0x81; 4]), "81818181"),
    ];
    let genuine = Hypervisor::new("knobs").document(AT_MS).payload_bytes();
    for (key, value, expected) in table {
        let mut document = Hypervisor::new("knobs").document(AT_MS);
        document.payload.set(key, value.clone());
        let payload = document.payload_bytes();
        let name = Item::from(*key).encode();
        let at = genuine.windows(name.len()).position(|window| window == name).unwrap() + name.len();
        assert_eq!(payload[..at], genuine[..at], "{key}");
        assert!(hex::encode(&payload[at..]).starts_with(expected), "{key} {value:?}");
    }
}

#[test]
fn pcrs() {
    let pcrs = |turn: &dyn Fn(&mut Document)| {
        let mut document = Hypervisor::new("knobs").document(AT_MS);
        turn(&mut document);
        document.pcrs_mut().clone()
    };
    let untouched = pcrs(&|_| {});
    assert_eq!(
        pcrs(&|document| {
            document.pcr(0, &[7; 33]);
        })[0],
        (Item::Unsigned(0), Item::bytes(&[7; 33]))
    );
    assert_eq!(
        pcrs(&|document| {
            document.pcr(32, &[7; 48]);
        })[16]
            .0,
        Item::Unsigned(32)
    );
    assert_eq!(pcrs(&|document| drop(document.pcrs_mut().remove(3))).len(), 15);
    assert_eq!(pcrs(&|document| document.pcrs_mut().push(untouched[0].clone()))[16], untouched[0]);
    assert_eq!(pcrs(&|document| document.pcrs_mut()[0].0 = Item::from("0"))[0].0, Item::from("0"));
    let wide = pcrs(&|document| document.pcrs_mut()[0].0 = Item::Unsigned(0).headed(Head::OneByte));
    assert_eq!(wide[0].0.encode(), [0x18, 0x00]);
}

#[test]
fn chains() {
    let chain = |turn: &dyn Fn(&mut Document)| {
        let mut document = Hypervisor::new("knobs").document(AT_MS);
        turn(&mut document);
        document.certificates()
    };
    let untouched = chain(&|_| {});
    // A change to one certificate leaves the others alone, as long as neither its name nor its key changes.
    let changes: &[(usize, Change)] = &[
        (1, |document| {
            document.chain[1].set_extension(Extension::basic_constraints(true, Some(0)));
        }),
        (2, |document| {
            document.chain[2].remove_extension(oid::KEY_USAGE);
        }),
        (3, |document| {
            document.chain[3].set_extension(Extension::basic_constraints(false, None));
        }),
        (3, |document| {
            document.chain[3].signing.key = Some(Key::p384("impostor"));
        }),
        (4, |document| {
            document.chain[4].not_after = document.chain[4].not_before;
        }),
        (4, |document| {
            document.chain[4].extension_mut(oid::KEY_USAGE).critical = true;
        }),
        (4, |document| {
            document.chain[4].extensions.push(Extension::new(&[1, 2, 3], true, vec![5, 0]));
        }),
        (4, |document| document.chain[4].key = Key::p256("leaf")),
        (4, |document| {
            *document.chain[4].subject.attribute_mut(oid::COMMON_NAME) = "other".to_owned();
        }),
    ];
    for (position, change) in changes {
        let changed = chain(change);
        let differing: Vec<_> = (0..5).filter(|index| changed[*index] != untouched[*index]).collect();
        assert_eq!(differing, [*position]);
    }
    // A root with the same name and another key carries a whole chain of its own.
    let impostor = chain(&|document| document.chain[0].key = Key::p384("impostor"));
    assert!(impostor[0] != untouched[0] && impostor[1] != untouched[1]);
    assert_eq!(impostor[2..], untouched[2..]);

    let long = chain(&|document| {
        let instance = document.chain[3].clone();
        document.chain.splice(3..3, vec![instance; 19]);
    });
    assert_eq!(long.len(), 24);
}

/// A P-256 leaf signs with ES256, 64 bytes.
#[test]
fn other_curves() {
    let document = turned(|document| {
        document.chain[4].key = Key::p256("leaf");
        document.envelope.protected = vec![0xA1, 0x01, 0x26];
    });
    assert_eq!(document[document.len() - 66..][..2], [0x58, 0x40]);
}

/// The parts that are built late can be taken out, damaged and put back.
#[test]
fn late_values() {
    let reversed = turned(|document| {
        let [root, regional, zonal, instance, _] = document.certificates().try_into().unwrap();
        let bundle = [instance, zonal, regional, root].map(Item::Bytes);
        document.payload.set("cabundle", Item::Array(bundle.into()));
    });
    assert_eq!(reversed.len(), turned(|_| {}).len());

    let genuine = turned(|_| {});
    let flipped = turned(|document| {
        let mut payload = document.payload_bytes();
        Edit::FlipBit { offset: 20, bit: 0 }.apply(&mut payload);
        document.envelope.elements[2] = Element::Item(Item::Bytes(payload));
    });
    let differing: Vec<_> = (0..genuine.len()).filter(|index| genuine[*index] != flipped[*index]).collect();
    assert_eq!(differing, [30]);
}
