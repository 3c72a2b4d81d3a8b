//! Issuers of tokens, which publish the keys they sign with (RFC 7517).

use super::{Asking, server::Reply};

/// `GET /keys/{issuer}`: the key set as it is, and as an issuer that is not well would send it.
pub(super) fn keys(asking: &Asking<'_>, path: &str) -> Option<Reply> {
    let issuer = path.strip_prefix("/keys/")?;
    let published = asking.world.key_sets();
    let set = published.get(issuer)?;
    if asking.is_lied_to() {
        // Another issuer's, which says so.
        let mut other = set.clone();
        other.issuer = Some("https://issuer.example".to_owned());
        return Some(Reply::ok(other.build()));
    }
    // Nobody signs a key set: what is forged has no key that anything is signed with.
    Some(Reply::ok(if asking.is_forged_for() { b"{\"keys\":[]}".to_vec() } else { set.build() }))
}
