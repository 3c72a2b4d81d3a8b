//! Certificate chains as Intel writes them: PEM blocks (RFC 7468) one after another, the leaf first.
//!
//! In: text from a quote or from collateral. Out: DER, in order. Between the blocks only line ends may stand, and at the
//! end also the NUL that C programs leave there.

use prooftrail_result::{Reason, ReasonCode};

use crate::endorsements::{PEM_BEGIN, pem_block};

/// A chain has a leaf, a CA and a root; nobody needs more.
const MAX_CERTIFICATES: usize = 4;

/// Reads a chain. `name` says in reasons whose it is.
pub(super) fn chain(text: &[u8], name: &str) -> Result<Vec<Vec<u8>>, Reason> {
    let mut rest = text;
    let mut certificates = Vec::with_capacity(3);
    loop {
        rest = without_line_ends(rest);
        if rest.is_empty() || rest == [0] {
            return Ok(certificates);
        }
        if certificates.len() == MAX_CERTIFICATES {
            let detail = format!("the {name} has too many certificates");
            return Err(Reason::new(ReasonCode::ChainLength, detail).need(format_args!("at most {MAX_CERTIFICATES}")));
        }
        let block = rest.starts_with(PEM_BEGIN).then(|| pem_block(rest)).flatten();
        let Some(("CERTIFICATE", der, after)) = block else {
            let detail = format!("the {name} is no chain of PEM certificates");
            return Err(Reason::new(ReasonCode::X509Malformed, detail));
        };
        certificates.push(der);
        rest = after;
    }
}

fn without_line_ends(text: &[u8]) -> &[u8] {
    let mut rest = text;
    while let [b'\n' | b'\r', after @ ..] = rest {
        rest = after;
    }
    rest
}

#[cfg(test)]
mod tests {
    use prooftrail_result::ReasonCode;

    use super::chain;

    const BLOCK: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----";

    #[test]
    fn blocks_are_read_in_order_and_nothing_else_may_stand_there() {
        let two = BLOCK.replace("MAA=", "MAEA");
        for text in [format!("{BLOCK}\n{two}\n\0"), format!("\n{BLOCK}\r\n\n{two}"), format!("{BLOCK}{two}")] {
            assert_eq!(chain(text.as_bytes(), "chain"), Ok(vec![vec![0x30, 0], vec![0x30, 1, 0]]), "{text:?}");
        }
        assert_eq!(chain(b"\0", "chain"), Ok(Vec::new()));
        let code = |text: &str| chain(text.as_bytes(), "chain").map_err(|reason| reason.code);
        for text in [
            format!("{BLOCK}\0\0"),
            format!("{BLOCK}\0\n"),
            format!("{BLOCK} "),
            format!("x{BLOCK}"),
            BLOCK.replace("CERTIFICATE", "X509 CRL"),
            BLOCK.replace("MAA=", "MAB="),
            BLOCK.replace("MAA=", "M A="),
            BLOCK[..BLOCK.len() - 1].to_owned(),
        ] {
            assert_eq!(code(&text), Err(ReasonCode::X509Malformed), "{text:?}");
        }
        assert_eq!(code(&BLOCK.repeat(5)), Err(ReasonCode::ChainLength));
    }
}
