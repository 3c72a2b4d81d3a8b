//! RSA-4096 keys that belong to a label, RSASSA-PSS with SHA-256 and SHA-384 and RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, sections 8.1
//! and 8.2). A label comes in; the same key comes out. None of them is a secret: each is made of two of twelve primes that stand beside this file.

use std::fmt;

use num_bigint::BigUint;
use sha2::{Digest, Sha256};

use crate::{der, derive};

/// Twelve primes of 2,048 bits, whose highest two bits are set, so that any two make a modulus of 4,096 bits.
const PRIMES: &[u8] = include_bytes!("primes.bin");
const PRIME_BYTES: usize = 256;
const MODULUS_BYTES: usize = 512;
/// DigestInfo of SHA-256 without the digest (RFC 8017, section 9.2, note 1).
const SHA256_DIGEST_INFO: &[u8] = b"\x30\x31\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

/// A private key.
#[derive(Clone)]
pub(crate) struct RsaKey {
    modulus: BigUint,
    prime: BigUint,
    other_prime: BigUint,
    exponent: BigUint,
}

impl RsaKey {
    /// The key of `label`.
    pub(crate) fn of(label: &str) -> Self {
        let primes: Vec<_> = PRIMES.chunks_exact(PRIME_BYTES).map(BigUint::from_bytes_be).collect();
        let pairs: Vec<_> = primes
            .iter()
            .enumerate()
            .flat_map(|(place, prime)| primes.iter().skip(place + 1).map(move |other| (prime, other)))
            .collect();
        let drawn = usize::from(u16::from_be_bytes(derive::bytes(&format!("rsa4096/{label}"))));
        #[expect(clippy::expect_used, reason = "a remainder is below its divisor")]
        let (prime, other_prime) = pairs.get(drawn % pairs.len()).expect("one of the pairs");
        Self {
            modulus: *prime * *other_prime,
            prime: (*prime).clone(),
            other_prime: (*other_prime).clone(),
            exponent: BigUint::from(65537_u32),
        }
    }

    /// RSAPublicKey (RFC 8017, appendix A.1.1), DER.
    pub(crate) fn public_key(&self) -> Vec<u8> {
        let integer = |number: &BigUint| der::integer(&der::unsigned(&number.to_bytes_be()));
        der::sequence([integer(&self.modulus), integer(&self.exponent)])
    }

    /// The RSASSA-PSS signature with the hash `D` over `message`, 512 bytes.
    pub(crate) fn sign<D: Digest>(&self, message: &[u8]) -> Vec<u8> {
        left_padded(&self.power(&BigUint::from_bytes_be(&encoded::<D>(message))), MODULUS_BYTES)
    }

    /// The RSASSA-PKCS1-v1_5 signature with SHA-256 over `message`, 512 bytes.
    pub(crate) fn sign_pkcs1(&self, message: &[u8]) -> Vec<u8> {
        let info = [SHA256_DIGEST_INFO, Sha256::digest(message).as_slice()].concat();
        let padding = vec![0xFF; MODULUS_BYTES - 3 - info.len()];
        let block = [[0, 1].as_slice(), &padding, &[0], &info].concat();
        left_padded(&self.power(&BigUint::from_bytes_be(&block)), MODULUS_BYTES)
    }

    /// The modulus, most significant byte first.
    pub(crate) fn modulus(&self) -> Vec<u8> {
        self.modulus.to_bytes_be()
    }

    /// `number` to the private exponent, by the Chinese remainder theorem (RFC 8017, section 5.1.2).
    #[expect(
        clippy::expect_used,
        reason = "65537 is a prime that divides no p - 1 of these keys, and p differs from q"
    )]
    fn power(&self, number: &BigUint) -> BigUint {
        let one = BigUint::from(1_u32);
        let residue = |prime: &BigUint| {
            let order = prime - &one;
            let private = self.exponent.modinv(&order).expect("an exponent that is a unit");
            (number % prime).modpow(&private, prime)
        };
        let (p, q) = (&self.prime, &self.other_prime);
        let (in_p, in_q) = (residue(p), residue(q));
        let inverse = q.modinv(p).expect("two different primes");
        let difference = (p + in_p - &in_q % p) % p;
        in_q + q * ((inverse * difference) % p)
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaKey")
    }
}

/// EMSA-PSS (RFC 8017, section 9.1.1) for 4,095 bits, with a salt that belongs to the message.
fn encoded<D: Digest>(message: &[u8]) -> Vec<u8> {
    let hash = D::digest(message);
    let salt = D::new().chain_update(b"prooftrail-simulator/salt/").chain_update(&hash).finalize();
    let digest = D::new().chain_update([0; 8]).chain_update(&hash).chain_update(&salt).finalize();
    let mut block = vec![0; MODULUS_BYTES - 2 * hash.len() - 2];
    block.push(1);
    block.extend_from_slice(&salt);
    let mask = (0_u32..)
        .flat_map(|counter| D::new().chain_update(&digest).chain_update(counter.to_be_bytes()).finalize().to_vec());
    block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    // The modulus has a bit more than the encoded message.
    if let Some(first) = block.first_mut() {
        *first &= 0x7F;
    }
    block.extend_from_slice(&digest);
    block.push(0xBC);
    block
}

fn left_padded(number: &BigUint, length: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let mut padded = vec![0; length.saturating_sub(bytes.len())];
    padded.extend_from_slice(&bytes);
    padded
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sha2::{Digest, Sha256, Sha384};

    use super::{MODULUS_BYTES, RsaKey};

    #[test]
    fn keys_have_4096_bits_and_signatures_are_undone_by_the_public_exponent() {
        fn signed<D: Digest>() -> Vec<u8> {
            let key = RsaKey::of("a");
            assert_eq!(key.modulus.bits(), 4096);
            let signature = key.sign::<D>(b"message");
            assert_eq!(signature.len(), MODULUS_BYTES);
            assert_eq!(signature, RsaKey::of("a").sign::<D>(b"message"), "signatures repeat");
            let opened = num_bigint::BigUint::from_bytes_be(&signature).modpow(&key.exponent, &key.modulus);
            assert_eq!(super::left_padded(&opened, MODULUS_BYTES), super::encoded::<D>(b"message"));
            signature
        }
        assert_ne!(signed::<Sha256>(), signed::<Sha384>());
    }

    #[test]
    fn labels_choose_among_many_keys() {
        let moduli: BTreeSet<_> = (0..100).map(|label| RsaKey::of(&label.to_string()).modulus).collect();
        assert!(moduli.len() > 40, "{}", moduli.len());
    }
}
