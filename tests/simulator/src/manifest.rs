//! Manifests of simulated roots, as a verifier reads them. A root certificate comes in, TOML goes out.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::x509::CertificateSpec;

/// The manifest entry of a self-signed root, which stands in `file` beside it.
pub(crate) fn of_root(id: &str, file: &str, root: &CertificateSpec, vendor: &str, kinds: &[&str]) -> String {
    let sha256 = hex::encode(Sha256::digest(root.self_issued()));
    let subject = root.subject.to_string();
    let (not_before, not_after) = (rfc3339(root.not_before), rfc3339(root.not_after));
    // Debug escapes quotes and backslashes as a TOML basic string does, and spells a list as TOML does.
    format!(
        r#"[[root]]
id = {id:?}
file = {file:?}
sha256 = "{sha256}"
subject = {subject:?}
not_before = "{not_before}"
not_after = "{not_after}"
vendor = {vendor:?}
kinds = {kinds:?}
source = "Prooftrail's simulator; no hardware stands behind this root"
simulated = true
"#
    )
}

/// The same for a root that vouches for something else than evidence.
pub(crate) fn of_root_for(
    purpose: &str,
    id: &str,
    file: &str,
    root: &CertificateSpec,
    vendor: &str,
    kinds: &[&str],
) -> String {
    format!("{}purpose = {purpose:?}\n", of_root(id, file, root, vendor, kinds))
}

/// The manifest entry of an issuer's key set, which stands in `file` beside it and is vouched for as long as `certificate` is good.
pub(crate) fn of_key_set(
    id: &str,
    file: &str,
    key_set: &[u8],
    certificate: &CertificateSpec,
    vendor: &str,
    kinds: &[&str],
) -> String {
    let entry = of_root(id, file, certificate, vendor, kinds);
    let digest_of = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    entry.replace("\nfile = ", "\nkey_set = ").replace(&digest_of(&certificate.self_issued()), &digest_of(key_set))
}

/// A time as RFC 3339 spells it.
#[expect(clippy::expect_used, reason = "the same range as a certificate's time, which a test asks for")]
pub(crate) fn rfc3339(seconds: i64) -> String {
    let instant = OffsetDateTime::from_unix_timestamp(seconds).expect("a year from 0 to 9999");
    let (year, month, day) = instant.to_calendar_date();
    let (hour, minute, second) = instant.to_hms();
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
}
