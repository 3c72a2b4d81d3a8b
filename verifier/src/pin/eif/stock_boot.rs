//! Values of PCR1 that many unrelated images share, because they boot the kernel and init that AWS ships with its
//! tools. A PCR1 comes in, a hint goes out. The hint tells a reader what PCR1 is worth; nothing is decided by it.
//!
//! Source: PCR1 in genuine attestation documents and in build logs that their authors published. AWS publishes no such
//! list, so the versions of its tools are not known, and another value is no sign of anything.

/// A stock kernel and init.
struct StockBoot {
    /// PCR1, in hex.
    pcr1: &'static str,
    /// Where it was seen.
    seen: &'static str,
}

const STOCK_BOOTS: &[StockBoot] = &[
    StockBoot {
        pcr1: "bcdf05fefccaa8e55bf2c8d6dee9e79bbff31e34bf28a99aa19e6b29c37ee80b214a414b7607236edf26fcb78654e63f",
        seen: "attestation documents and builds of 2022 to 2024",
    },
    StockBoot {
        pcr1: "3b4a7e1b5f13c5a1000b3ed32ef8995ee13e9876329f9bc72650b918329ef9cf4e2e4d1e1e37375dab0ba56ba0974d03",
        seen: "an attestation document of January 2025 and builds",
    },
    StockBoot {
        pcr1: "0343b056cd8485ca7890ddd833476d78460aed2aa161548e4e26bedf321726696257d623e8805f3f605946b3d8b0c6aa",
        seen: "attestation documents of December 2025 and builds",
    },
    StockBoot {
        pcr1: "4b4d5b3661b3efc12920900c80e126e4ce783c522de6c02a2a5bf7af3a2b9327b86776f188e4be1c1c404a129dbda493",
        seen: "builds of 2026",
    },
];

/// Where this PCR1 was seen, if it is that of a stock kernel and init.
pub(super) fn seen(pcr1: &[u8; 48]) -> Option<&'static str> {
    let pcr1 = hex::encode(pcr1);
    STOCK_BOOTS.iter().find(|boot| boot.pcr1 == pcr1).map(|boot| boot.seen)
}

#[cfg(test)]
mod tests {
    use super::{STOCK_BOOTS, seen};

    #[test]
    fn every_value_is_found_and_no_other() {
        for boot in STOCK_BOOTS {
            let mut pcr1: [u8; 48] = hex::decode(boot.pcr1).unwrap().try_into().unwrap();
            assert_eq!(seen(&pcr1), Some(boot.seen));
            pcr1[47] ^= 1;
            assert_eq!(seen(&pcr1), None);
        }
    }
}
