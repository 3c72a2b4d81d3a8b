//! Nonces with which reports were made that anyone can download: whoever accepts one accepts a replay.
//!
//! In: a nonce. Out: whether vendors print it in their samples, or it is none that anybody drew by lot.

/// Nonces of published reports.
const PUBLISHED: [&str; 6] = [
    // The one that NVIDIA's tools and documentation use throughout.
    "931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb",
    // nv-local-gpu-verifier 2.0.0, samples/attestationReport.txt.
    "4cff7f5380ead8fad8ec2c531c110aca4302a88f603792801a8ca29ee151af2e",
    // NVIDIA/attestation-sdk, test data of drivers 580.159.03 and 590.12.
    "5bb22e377702d4e1e8215a903ba094826b9ac7f731dee1fe8102958bf2840aca",
    "e97b23a1718095a0e9e35edca810768c70a6a5a389b705e753b197912bc11576",
    // NVIDIA/nvtrust, test data of the PPCIE verifier.
    "4760e30534a0621357d458b1a7936551b5dc4cd1e69718adf7ed9fb0252a537e",
    // confidential-containers/trustee, test data.
    "87d8e24ab336adafe228d49e83d745f6dba4ae505372b6a5704820856b343fec",
];

/// Whether a nonce is one of the published ones, or the same byte all along.
pub(crate) fn contains(nonce: &[u8; 32]) -> bool {
    let [first, rest @ ..] = nonce;
    let mut published = [0; 32];
    rest.iter().all(|byte| byte == first)
        || PUBLISHED.iter().any(|text| hex::decode_to_slice(text, &mut published).is_ok() && published == *nonce)
}

#[cfg(test)]
mod tests {
    use super::{PUBLISHED, contains};

    #[test]
    fn published_and_constant_nonces_are_known_and_others_are_not() {
        for text in PUBLISHED {
            let mut nonce: [u8; 32] = hex::decode(text).expect("hex").try_into().expect("32 bytes");
            assert!(contains(&nonce), "{text}");
            nonce[31] ^= 1;
            assert!(!contains(&nonce), "a bit less than {text}");
        }
        assert!(contains(&[0; 32]) && contains(&[0x11; 32]));
    }
}
