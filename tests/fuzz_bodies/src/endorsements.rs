//! What vendors answer, and what folders and caches of endorsements say of themselves.

use prooftrail::endorsements::{
    disk::ItemRecord,
    folder::Manifest,
    places::Form,
    response::{Reply, read},
};

/// An answer in each form, with the same bytes as its header where they are text.
pub(crate) fn answer(bytes: &[u8]) {
    let issuer_chain = std::str::from_utf8(bytes).ok().map(str::to_owned);
    for form in [Form::Certificates, Form::List, Form::ListWithIssuer, Form::Document, Form::ThimLeaf, Form::ThimChain]
    {
        if let Ok(answer) = read(form, Reply { body: bytes.to_vec(), issuer_chain: issuer_chain.clone() }) {
            let total: usize = answer.files.iter().chain(&answer.issuers).map(Vec::len).sum();
            assert!(total <= 2 * bytes.len(), "an answer never grows");
        }
    }
}

/// A record of a cache, and a manifest of a folder.
pub(crate) fn manifest(bytes: &[u8]) {
    if let Ok(record) = ItemRecord::parse(bytes) {
        let wanted = record.wanted().map(|wanted| wanted.to_string());
        assert_eq!(wanted.as_deref(), Ok(record.name.as_str()));
    }
    if let Ok(manifest) = Manifest::parse(bytes) {
        assert!(manifest.items().iter().all(|item| item.check().is_ok()));
    }
}
