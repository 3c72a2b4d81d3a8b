//! From answers to files. In: the body and the headers that a vendor sent; out: the files that go among endorsements, and
//! certificates beside them. Nothing is verified here. Intel's service sends issuer chains as percent-encoded PEM in a
//! header; its caches send lists in hex; Azure's cache wraps PEM in JSON.

use percent_encoding::percent_decode_str;
use prooftrail_result::{Reason, ReasonCode};
use serde::Deserialize;

use super::places::Form;

/// The headers that have issuer chains, as Intel's service of version 4 and older ones call them.
pub const ISSUER_HEADERS: [&str; 4] = [
    "tcb-info-issuer-chain",
    "sgx-tcb-info-issuer-chain",
    "sgx-enclave-identity-issuer-chain",
    "sgx-pck-crl-issuer-chain",
];

/// No issuer chain has more bytes, encoded.
pub const MAX_ISSUER_CHAIN: usize = 32 << 10;

/// What a vendor sent, as far as it matters.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reply {
    /// The body.
    pub body: Vec<u8>,
    /// The one header of [`ISSUER_HEADERS`] that was there.
    pub issuer_chain: Option<String>,
}

/// An answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answer {
    /// What goes among endorsements.
    pub files: Vec<Vec<u8>>,
    /// Certificates beside them.
    pub issuers: Vec<Vec<u8>>,
}

/// What Azure's cache answers.
#[derive(Deserialize)]
struct Thim {
    #[serde(rename = "vcekCert")]
    vcek: String,
    #[serde(rename = "certificateChain")]
    chain: String,
}

/// Reads an answer of that form.
///
/// # Errors
/// The reason why it has another form.
pub fn read(form: Form, reply: Reply) -> Result<Answer, Reason> {
    let Reply { body, issuer_chain } = reply;
    Ok(match form {
        Form::Certificates | Form::Rim | Form::Status | Form::KeySet => {
            Answer { files: vec![body], issuers: Vec::new() }
        }
        Form::List => Answer { files: vec![list(body)?], issuers: Vec::new() },
        Form::ListWithIssuer => Answer { files: vec![list(body)?], issuers: vec![chain(issuer_chain)?] },
        Form::Document => Answer { files: vec![body, chain(issuer_chain)?], issuers: Vec::new() },
        Form::ThimLeaf | Form::ThimChain => {
            let Thim { vcek, chain } = serde_json::from_slice(&body).map_err(|_| {
                Reason::new(ReasonCode::EndorsementUnrecognised, "this is not what Azure's cache answers")
            })?;
            match form {
                Form::ThimLeaf => Answer { files: vec![vcek.into_bytes()], issuers: vec![chain.into_bytes()] },
                _ => Answer { files: vec![chain.into_bytes()], issuers: Vec::new() },
            }
        }
    })
}

/// A list in DER, which may have been sent in hex.
fn list(body: Vec<u8>) -> Result<Vec<u8>, Reason> {
    let text = body.trim_ascii();
    if text.first().is_none_or(|first| !first.is_ascii_hexdigit()) || text.iter().any(|byte| !byte.is_ascii_hexdigit())
    {
        return Ok(body);
    }
    hex::decode(text).map_err(|_| ReasonCode::EndorsementUnrecognised.into())
}

/// A chain in PEM, from its header.
fn chain(header: Option<String>) -> Result<Vec<u8>, Reason> {
    let header = header.ok_or_else(|| {
        Reason::new(ReasonCode::CollateralMissing, "the answer has no header with the chain of who signed it")
    })?;
    Ok(percent_decode_str(&header).collect())
}

#[cfg(test)]
mod tests {
    use prooftrail_result::ReasonCode;

    use super::{Answer, Form, Reply, read};

    fn reply(body: &[u8], chain: Option<&str>) -> Reply {
        Reply { body: body.to_vec(), issuer_chain: chain.map(str::to_owned) }
    }

    #[test]
    fn each_form_is_read_as_vendors_send_it() {
        let two = |files: &[&[u8]], issuers: &[&[u8]]| Answer {
            files: files.iter().map(|file| file.to_vec()).collect(),
            issuers: issuers.iter().map(|file| file.to_vec()).collect(),
        };
        let encoded = Some("-----BEGIN%20CERTIFICATE-----%0AMA%3D%3D%0A");
        let pem = b"-----BEGIN CERTIFICATE-----\nMA==\n".as_slice();
        let json = br#"{"vcekCert":"leaf","certificateChain":"cas","tcbm":"DB18","cacheControl":"86400"}"#;
        for (form, body, header, expected) in [
            (Form::Certificates, b"0\x82".as_slice(), None, two(&[b"0\x82"], &[])),
            (Form::List, b"0\x82\x01", None, two(&[b"0\x82\x01"], &[])),
            (Form::List, b"308201", None, two(&[b"0\x82\x01"], &[])),
            (Form::ListWithIssuer, b"308201\n", encoded, two(&[b"0\x82\x01"], &[pem])),
            (Form::Document, b"{}", encoded, two(&[b"{}", pem], &[])),
            (Form::Rim, b"{\"rim\":\"\"}", None, two(&[b"{\"rim\":\"\"}"], &[])),
            (Form::Status, b"0\x03", None, two(&[b"0\x03"], &[])),
            (Form::KeySet, b"{\"keys\":[]}", None, two(&[b"{\"keys\":[]}"], &[])),
            (Form::ThimLeaf, json, None, two(&[b"leaf"], &[b"cas"])),
            (Form::ThimChain, json, None, two(&[b"cas"], &[])),
        ] {
            assert_eq!(read(form, reply(body, header)), Ok(expected), "{form:?}");
        }
    }

    #[test]
    fn what_has_another_form_is_refused() {
        for (form, body, code) in [
            (Form::Document, b"{}".as_slice(), ReasonCode::CollateralMissing),
            (Form::ListWithIssuer, b"0", ReasonCode::EndorsementUnrecognised),
            (Form::List, b"308", ReasonCode::EndorsementUnrecognised),
            (Form::ThimLeaf, b"<html>", ReasonCode::EndorsementUnrecognised),
            (Form::ThimChain, b"{\"vcekCert\":\"x\"}", ReasonCode::EndorsementUnrecognised),
        ] {
            assert_eq!(read(form, reply(body, None)).unwrap_err().code, code, "{form:?}");
        }
    }
}
