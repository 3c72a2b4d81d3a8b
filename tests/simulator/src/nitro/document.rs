//! An attestation document before it is built: chain, payload and envelope, each open to change. What is built first
//! is what genuine hardware builds first: the certificates, then the payload around them, then the signature over both.

use sha2::{Digest, Sha384};

use super::{
    chain,
    envelope::Envelope,
    extended,
    hypervisor::Hypervisor,
    payload::{Field, Payload},
};
use crate::{
    cbor::{Head, Item},
    key::Key,
    x509::CertificateSpec,
};

/// An attestation document. Setters change it in place and can be chained; everything else is a public field.
#[derive(Clone, Debug)]
pub struct Document {
    /// The certificates, root first and leaf last: each is issued by the one before it, the first by itself.
    pub chain: Vec<CertificateSpec>,
    /// The payload map.
    pub payload: Payload,
    /// Bytes to sign in place of the payload map.
    pub raw_payload: Option<Vec<u8>>,
    /// The COSE_Sign1 around the payload.
    pub envelope: Envelope,
    /// The key that signs the document; `None` is the leaf's.
    pub signing_key: Option<Key>,
}

/// What is attested.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Enclave,
    NitroTpm,
}

/// The payload key of an enclave's PCRs and of a NitroTPM's.
const PCR_KEYS: [&str; 2] = ["pcrs", "nitrotpm_pcrs"];

impl Document {
    /// The untouched document of `hypervisor` at `at_ms`.
    #[expect(clippy::expect_used, reason = "milliseconds divided by 1000 are below 2^63")]
    pub(super) fn new(hypervisor: &Hypervisor, kind: Kind, at_ms: u64) -> Self {
        let [enclave_pcrs, nitrotpm_pcrs] = PCR_KEYS;
        let instance_id = hypervisor.instance_id();
        let enclave_id = hypervisor.enclave_id.to_be_bytes();
        let at = i64::try_from(at_ms / 1000).expect("seconds of a u64 of milliseconds fit into an i64");
        let (module_id, serial_prefix, pcr_key, pcrs) = match kind {
            Kind::Enclave => {
                let module_id = format!("{instance_id}-enc{}", hex::encode(enclave_id));
                (module_id, enclave_id.as_slice(), enclave_pcrs, enclave_pcr_values(hypervisor))
            }
            Kind::NitroTpm => {
                let module_id = format!("{instance_id}-tpm{:016x}", 0);
                (module_id, [].as_slice(), nitrotpm_pcrs, nitrotpm_pcr_values(hypervisor))
            }
        };
        let pcrs = (0..).zip(pcrs).map(|(index, value)| (Item::Unsigned(index), Item::bytes(&value)));
        let entries = [
            ("module_id", Item::from(module_id.as_str()).into()),
            ("digest", Item::from("SHA384").into()),
            ("timestamp", Item::Unsigned(at_ms).into()),
            (pcr_key, Item::Map(pcrs.collect()).into()),
            ("certificate", Field::Certificate),
            ("cabundle", Field::CaBundle),
            ("public_key", Item::Null.into()),
            ("user_data", Item::Null.into()),
            ("nonce", Item::Null.into()),
        ];
        let entries = entries.into_iter().map(|(key, value)| (Item::from(key), value));
        Self {
            chain: chain::certificates(hypervisor, &module_id, serial_prefix, at),
            payload: Payload { head: Head::Indefinite, entries: entries.collect() },
            raw_payload: None,
            envelope: Envelope::default(),
            signing_key: None,
        }
    }

    /// Sets the field `public_key`.
    pub fn public_key(&mut self, public_key: &[u8]) -> &mut Self {
        self.payload.set("public_key", Item::bytes(public_key));
        self
    }

    /// Sets the field `user_data`.
    pub fn user_data(&mut self, user_data: &[u8]) -> &mut Self {
        self.payload.set("user_data", Item::bytes(user_data));
        self
    }

    /// Sets the field `nonce`.
    pub fn nonce(&mut self, nonce: &[u8]) -> &mut Self {
        self.payload.set("nonce", Item::bytes(nonce));
        self
    }

    /// Sets one PCR, of any length, in place or at the end.
    ///
    /// # Panics
    /// When the document has no map of PCRs.
    pub fn pcr(&mut self, index: u64, value: &[u8]) -> &mut Self {
        let pcrs = self.pcrs_mut();
        match pcrs.iter_mut().find(|(key, _)| *key == Item::Unsigned(index)) {
            Some((_, present)) => *present = Item::bytes(value),
            None => pcrs.push((Item::Unsigned(index), Item::bytes(value))),
        }
        self
    }

    /// The PCRs, to remove, duplicate or retype them.
    ///
    /// # Panics
    /// When the document has no map of PCRs.
    #[expect(clippy::expect_used, reason = "a test that took the map away has no PCR to set")]
    pub fn pcrs_mut(&mut self) -> &mut Vec<(Item, Item)> {
        let key = PCR_KEYS.into_iter().find(|key| self.payload.get(key).is_some());
        match key.and_then(|key| self.payload.get_mut(key)) {
            Some(Field::Item(Item::Map(pcrs))) => Some(pcrs),
            _ => None,
        }
        .expect("the payload has a map of PCRs")
    }

    /// What the hypervisor says of an enclave in debug mode: the measurements of the image (PCR0, 1 and 2) and of its
    /// signer (PCR8) are zero, those of the role and the instance are not.
    pub fn debug(&mut self) -> &mut Self {
        self.pcr(0, &[0; 48]).pcr(1, &[0; 48]).pcr(2, &[0; 48]).pcr(8, &[0; 48])
    }

    /// The certificates in DER, root first and leaf last.
    #[must_use]
    pub fn certificates(&self) -> Vec<Vec<u8>> {
        let issuers = self.chain.iter().take(1).chain(&self.chain);
        self.chain.iter().zip(issuers).map(|(certificate, issuer)| certificate.issued_by(issuer)).collect()
    }

    /// The payload's bytes.
    #[must_use]
    pub fn payload_bytes(&self) -> Vec<u8> {
        self.raw_payload.clone().unwrap_or_else(|| self.payload.encode(&self.certificates()))
    }

    /// The bytes that the document's signature covers (the Sig_structure of RFC 9052, section 4.4).
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        self.envelope.signed_bytes(&self.payload_bytes())
    }

    /// The document.
    ///
    /// # Panics
    /// When the chain is empty and no `signing_key` is given.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that empties the chain has to say which key signs")]
    pub fn build(&self) -> Vec<u8> {
        let leaf = self.chain.last().map(|leaf| &leaf.key);
        let key = self.signing_key.as_ref().or(leaf).expect("a leaf or a signing key");
        self.envelope.seal(&self.payload_bytes(), key)
    }
}

/// PCR0 to PCR15 of an enclave from an unsigned image.
fn enclave_pcr_values(hypervisor: &Hypervisor) -> Vec<[u8; 48]> {
    let Hypervisor { image, role, instance_id, .. } = hypervisor;
    let mut values = (0..3).map(|index| extended(format!("{image}/{index}").as_bytes())).collect::<Vec<_>>();
    values.push(role.as_ref().map_or([0; 48], |arn| extended(arn.as_bytes())));
    values.push(extended(instance_id.as_bytes()));
    values.resize(16, [0; 48]);
    values
}

/// PCR0 to PCR23 of a NitroTPM: the boot chain in 0–7 and 9–11, with the separator alone in 2, 3 and 6; 17–22 are for
/// a dynamic launch, which did not happen; the others are zero.
fn nitrotpm_pcr_values(hypervisor: &Hypervisor) -> Vec<[u8; 48]> {
    let measured = |index: u8| extended(format!("{}/tpm/{index}", hypervisor.image).as_bytes());
    let value = |index| match index {
        2 | 3 | 6 => extended(&Sha384::digest([0; 4])),
        0..=7 | 9..=11 => measured(index),
        17..=22 => [0xFF; 48],
        _ => [0; 48],
    };
    (0..24).map(value).collect()
}
