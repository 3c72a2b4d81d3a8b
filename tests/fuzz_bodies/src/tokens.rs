//! Tokens of Azure Attestation and of NVIDIA's service, and the key sets that stand behind them.

use prooftrail_evidence::{AwsLc, Endorsements};
use prooftrail_result::{Kind, Timestamp};
use prooftrail_trust_roots::RootSet;

use crate::evidence::judge;

/// A token of Azure Attestation, or the key set of a genuine one, whose key's certificate carries a quote.
pub(crate) fn azure_maa(bytes: &[u8]) {
    // 2021-07-01T21:00:00Z, when the genuine token is in force.
    let at = Timestamp::from_unix_seconds(1_625_173_200).unwrap_or(Timestamp::MAX);
    for (token, key_set) in [(bytes, MAA_KEY_SET), (MAA_TOKEN, bytes)] {
        let Ok(endorsements) = Endorsements::read(&AwsLc, [key_set]) else { continue };
        judge(Kind::AzureMaa, token, &RootSet::pinned(), &endorsements, at);
    }
}

/// An answer of NVIDIA's service.
pub(crate) fn nvidia_nras(bytes: &[u8]) {
    // 2025-06-11T00:45:00Z.
    let at = Timestamp::from_unix_seconds(1_749_602_700).unwrap_or(Timestamp::MAX);
    judge(Kind::NvidiaNras, bytes, &RootSet::pinned(), &Endorsements::default(), at);
}

/// A genuine token about an enclave, and the key set of its provider.
const MAA_TOKEN: &[u8] = include_bytes!("../../vectors/tokens/maa-pypi/sharedwus_0_RS256.jwt");
const MAA_KEY_SET: &[u8] = include_bytes!("../../vectors/tokens/maa-pypi/sharedwus_certs_2021-07-01.jwks.json");
