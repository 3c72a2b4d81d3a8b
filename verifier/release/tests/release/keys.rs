//! Witness keys and headers: what opens, and what does not.

use prooftrail_protocol::limits::WITNESS_HEADER_BYTES;
use prooftrail_release::{HeaderError, InvalidWitnessKey, MAX_STANZAS, WitnessKey};

use crate::fixture::{header_of, sealed_file, witness_key};

fn unwrap(header: &[u8]) -> Result<[u8; 16], HeaderError> {
    witness_key().unwrap(header).map(|key| *key.expose())
}

fn other() -> WitnessKey {
    WitnessKey::from_seed(&[0x42; 32]).unwrap()
}

#[test]
fn a_key_reads_back_and_its_text_is_age_s() {
    let text = witness_key().expose();
    assert!(text.starts_with("AGE-SECRET-KEY-1"));
    assert_eq!(text.parse::<WitnessKey>().map(|key| key.recipient()), Ok(witness_key().recipient()));
    assert!(witness_key().recipient().starts_with("age1"));
    assert_ne!(witness_key().recipient(), other().recipient());
    for text in ["", "AGE-SECRET-KEY-1", "age1qqqq", &witness_key().recipient(), &text[..text.len() - 1]] {
        assert_eq!(text.parse::<WitnessKey>().err(), Some(InvalidWitnessKey));
    }
}

#[test]
fn the_file_key_is_the_one_for_any_of_the_recipients() {
    let file = sealed_file(&[&other().recipient(), &witness_key().recipient()], b"x");
    let ours = unwrap(header_of(&file)).unwrap();
    assert_eq!(other().unwrap(header_of(&file)).map(|key| *key.expose()), Ok(ours));
    assert_ne!(ours, [0; 16]);
    let third = WitnessKey::from_seed(&[0x43; 32]).unwrap();
    assert_eq!(third.unwrap(header_of(&file)).err(), Some(HeaderError::Foreign));
}

#[test]
fn the_header_ends_exactly_where_it_ends() {
    let file = sealed_file(&[&witness_key().recipient()], b"x");
    let header = header_of(&file);
    assert!(unwrap(header).is_ok());
    for length in 0..header.len() {
        assert!(unwrap(&header[..length]).is_err(), "{length}");
    }
    for more in 1..file.len() - header.len() {
        assert!(unwrap(&file[..header.len() + more]).is_err(), "{more}");
        assert!(unwrap(&[header, &vec![0; more]].concat()).is_err(), "{more}");
        assert!(unwrap(&[header, &vec![b'\n'; more]].concat()).is_err(), "{more}");
    }
}

#[test]
fn every_bit_of_the_header_counts() {
    let file = sealed_file(&[&witness_key().recipient()], b"x");
    let header = header_of(&file);
    for place in 0..header.len() * 8 {
        let mut changed = header.to_vec();
        changed[place / 8] ^= 1 << (place % 8);
        assert!(unwrap(&changed).is_err(), "bit {place}");
    }
    // A stanza of which another header's MAC does not know.
    let elsewhere = sealed_file(&[&witness_key().recipient()], b"x");
    let (ours, theirs) = (mac_line(header), mac_line(header_of(&elsewhere)));
    assert_eq!(unwrap(&[&header[..ours], &header_of(&elsewhere)[theirs..]].concat()), Err(HeaderError::Mac));
}

fn mac_line(header: &[u8]) -> usize {
    header.windows(5).position(|bytes| bytes == b"\n--- ").unwrap()
}

#[test]
fn passphrases_and_doubled_stanzas_are_refused() {
    let passphrase = age::secrecy::SecretString::from("witness".to_owned());
    let mut recipient = age::scrypt::Recipient::new(passphrase);
    recipient.set_work_factor(2);
    let recipient: &dyn age::Recipient = &recipient;
    let mut file = Vec::new();
    let encryptor = age::Encryptor::with_recipients(std::iter::once(recipient)).unwrap();
    encryptor.wrap_output(&mut file).unwrap().finish().unwrap();
    assert_eq!(unwrap(header_of(&file)), Err(HeaderError::Passphrase));

    let twice = sealed_file(&[&witness_key().recipient(), &witness_key().recipient()], b"x");
    assert_eq!(unwrap(header_of(&twice)), Err(HeaderError::Malformed));
}

#[test]
fn headers_beyond_the_caps_are_refused() {
    let us = witness_key().recipient();
    let mut recipients = vec![us.as_str(); 1];
    let others: Vec<_> = (0_u8..u8::try_from(MAX_STANZAS).unwrap())
        .map(|seed| WitnessKey::from_seed(&[seed | 0x80; 32]).unwrap().recipient())
        .collect();
    recipients.extend(others.iter().map(String::as_str));
    // The library adds a stanza of its own to each header, so two fewer recipients still fit.
    assert!(unwrap(header_of(&sealed_file(&recipients[..MAX_STANZAS - 1], b"x"))).is_ok());
    assert_eq!(unwrap(header_of(&sealed_file(&recipients, b"x"))), Err(HeaderError::Malformed));
    let long = [b"age-encryption.org/v1\n".as_slice(), &vec![b'a'; WITNESS_HEADER_BYTES]].concat();
    assert_eq!(unwrap(&long), Err(HeaderError::Malformed));
    let armoured = b"-----BEGIN AGE ENCRYPTED FILE-----\n";
    assert_eq!(unwrap(armoured), Err(HeaderError::Malformed));
}
