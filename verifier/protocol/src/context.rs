//! The context: who asks, for what, with which keys. In: what the agent chose and what the challenge says; out: the bytes
//! that every piece of evidence covers and that the sealed key is bound to.

use crate::{
    cbor::{Reader, Writer},
    challenge::Nonce,
    digest::sha384,
    limits,
    malformed::{Fault, Malformed},
    names::{KeyName, KeyRef, Origin, Purpose, SealingSuite},
    proof_key::ProofPublic,
    sealing::RecipientPublic,
};

const DOMAIN: &str = "prooftrail/context/v1";
const WHAT: &str = "context";

/// `["prooftrail/context/v1", log origin, nonce, purpose, [key, version] | null, sealing suite, recipient SPKI, proof key]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Context {
    /// The origin of the log in which the decision will stand.
    pub log_origin: Origin,
    /// The challenge's nonce.
    pub nonce: Nonce,
    /// What for.
    pub purpose: Purpose,
    /// The witness key that is asked for; none where no witness is.
    pub key: Option<KeyRef>,
    /// How the file key is to be sealed.
    pub suite: SealingSuite,
    /// To whom.
    pub recipient: RecipientPublic,
    /// The key that will sign the proof record.
    pub proof_key: ProofPublic,
}

impl Context {
    /// Its deterministic encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { log_origin, nonce, purpose, key, suite, recipient, proof_key } = self;
        let mut out = Writer::array(8);
        out.text(DOMAIN).text(log_origin.as_str()).bytes(&nonce.0).text(purpose.as_str());
        match key {
            Some(KeyRef { name, version }) => out.nested_array(2).text(name.as_str()).uint(*version),
            None => out.null(),
        };
        out.text(suite.as_str()).bytes(&recipient.spki()).bytes(proof_key.as_bytes());
        out.finish()
    }

    /// Reads a context, as a record or a bundle keeps it.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let read = |reader: &mut Reader<'_>| {
            reader.named_array(8, DOMAIN)?;
            Ok(Self {
                log_origin: reader.text("log origin")?.parse()?,
                nonce: Nonce(reader.exactly("nonce")?),
                purpose: reader.text("purpose")?.parse()?,
                key: reader.or_null("key", key_ref)?,
                suite: reader.text("sealing suite")?.parse()?,
                recipient: RecipientPublic::from_spki(reader.bytes("recipient")?)?,
                proof_key: ProofPublic::from_bytes(&reader.exactly("proof key")?)?,
            })
        };
        Reader::strict(WHAT, bytes, limits::CONTEXT_BYTES, read, Self::encode)
    }

    /// SHA-384 of the encoding.
    #[must_use]
    pub fn sha384(&self) -> [u8; 48] {
        sha384(&[&self.encode()])
    }
}

/// `[key, version]`.
fn key_ref(reader: &mut Reader<'_>, field: &'static str) -> Result<KeyRef, Malformed> {
    reader.array_of(2, field)?;
    let name = reader.text(field)?.parse::<KeyName>()?;
    match reader.uint(field)? {
        0 => Err(reader.fault(Fault::Field(field))),
        version => Ok(KeyRef { name, version }),
    }
}
