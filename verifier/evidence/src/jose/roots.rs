//! Roots that a person names by file: a certificate, or the key set of a token issuer.
//!
//! In: the file's bytes, or a set of roots with key sets that were not read yet. Out: a set of roots in which each key of a
//! key set stands for itself, and so does the authority in which a key's chain ends.

use prooftrail_result::Reason;
use prooftrail_trust_roots::{Form, Root, RootSet};

use super::key_set::{KeySet, is_key_set};
use crate::{certificate_der, crypto::Crypto};

/// Reads a root without a manifest: a certificate in PEM or DER, or a key set. `None` where the bytes are neither.
///
/// # Errors
/// The reason why what begins as a key set is none.
pub fn bare_root(crypto: &dyn Crypto, file: &[u8]) -> Option<Result<RootSet, Reason>> {
    if let Ok(der) = certificate_der(file) {
        return Some(Ok(RootSet::from_certificate(der)));
    }
    is_key_set(file).then(|| read_key_sets(crypto, RootSet::from_key_set(file.to_vec())))
}

/// Reads the key sets among roots. Keys of other types than tokens are signed with are left out.
///
/// # Errors
/// The reason why a key set cannot be read.
pub fn read_key_sets(crypto: &dyn Crypto, roots: RootSet) -> Result<RootSet, Reason> {
    roots.replace_key_sets(|root| {
        let set = KeySet::read(&root.der, crypto)?;
        let mut read: Vec<Root> = Vec::new();
        for (kid, key) in set.usable(crypto) {
            let id = format!("{}#{}", root.id, kid.unwrap_or_default());
            let authority = match key.chain.as_slice() {
                [_, .., last] => Some(Root {
                    id: format!("{id}/authority"),
                    form: Form::Certificate,
                    sha256: crypto.sha256(&[last]),
                    der: last.clone(),
                    ..root.clone()
                }),
                _ => None,
            };
            let key =
                Root { id, form: Form::Key, sha256: key.key.spki_sha256, der: key.key.spki.clone(), ..root.clone() };
            read.extend([key].into_iter().chain(authority));
        }
        Ok(read)
    })
}
