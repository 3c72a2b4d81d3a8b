//! The HTML of provenance: the page of a proof is `prooftrail_provenance`'s; here are its frame, the list of an id with many
//! records, and the page of an id with none. What is put into the markup here is digits and times of ours.

use std::fmt::Write as _;

use prooftrail_provenance::{Links, ProvenancePage, Verification};

use super::find::Registered;

/// No script, nothing from elsewhere, and in nobody's frame.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:4rem auto;padding:0 1rem;\
     background:#fff;color:#1a1a1a}code{overflow-wrap:anywhere}a{color:#0b57d0}\
     @media(prefers-color-scheme:dark){body{background:#121212;color:#e6e6e6}a{color:#8ab4f8}}";

/// The page of one record.
///
/// # Errors
/// What the template says, which does not happen.
pub(super) fn proof(found: &Verification, bundle: &str, origin: &str) -> Result<String, String> {
    ProvenancePage::new(found, Links { bundle, shown_by: origin }).html().map_err(|error| error.to_string())
}

/// The page of an id with many records.
pub(super) fn several(id: &str, records: &[Registered]) -> String {
    let mut list = String::new();
    for registered in records {
        // Writing to a string does not fail.
        let _ = write!(
            list,
            "<li><a href=\"{}\">entry {} of the ledger</a>, {}, {}</li>",
            registered.page_path(id),
            registered.entry,
            registered.time.as_deref().unwrap_or_default(),
            registered.finding
        );
    }
    frame(
        "Several records",
        &format!("<p>Several proofs have been registered for <code>{id}</code>.</p><ol>{list}</ol>"),
    )
}

/// The page of an id with no record.
pub(super) fn not_found() -> String {
    frame(
        "No such proof",
        "<p>No proof has been registered here under this id. Whoever gave it to you may have mistyped it, or may have \
         made the proof where nobody attested to anything.</p>",
    )
}

fn frame(title: &str, content: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{title} · Prooftrail</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1>{content}</main></body></html>\n"
    )
}
