//! Releases to Azure's confidential virtual machines, whose TPM quote carries the binding.

use prooftrail_protocol::KindValue;
use prooftrail_release::{Attested, Denial};
use prooftrail_result::{Kind, ReasonCode as Code, TrustAnchor, claims::cross_vendor};
use prooftrail_simulator::azure::Machine;
use prooftrail_trust_roots::RootSet;

use crate::fixture::{AT_MS, Exchange, Fixed, header_of, release_key, sealing, witness_key};

const KINDS: [Kind; 2] = [Kind::AzureSnpVtpm, Kind::AzureTdxVtpm];

/// An exchange whose policy names that kind as the primary.
fn exchange(kind: Kind) -> Exchange {
    let mut exchange = Exchange::good();
    let best_effort = "[revocation]\namd = 'best-effort'\nintel = 'best-effort'\n[[platform]]";
    exchange.policy = exchange.policy.replacen("[[platform]]", best_effort, 1);
    exchange.policy = exchange.policy.replace("'aws-nitro'", &format!("'{kind}'"));
    exchange
}

/// Asks with the evidence of a machine whose TPM was told to quote `data`.
fn ask(exchange: &Exchange, kind: Kind, data: &[u8]) -> Result<Attested, Denial> {
    let at = i64::try_from(AT_MS / 1000).unwrap();
    let mut machine = match kind {
        Kind::AzureSnpVtpm => Machine::snp("release", at),
        _ => Machine::tdx("release", at),
    };
    machine.quote.extra_data = data.to_vec();
    let (der, manifest) = (machine.root_der(), machine.root_manifest());
    let roots = RootSet::from_manifest(&manifest, TrustAnchor::Configured, |_| Ok::<_, String>(der.clone())).unwrap();
    let endorsements = machine.endorsements();
    let endorsements: Vec<_> = endorsements.into_iter().map(Into::into).collect();
    exchange.ask_beside(&[(kind, &machine.evidence())], &endorsements, &roots)
}

/// What the agent has the TPM quote.
fn qualifying_data(exchange: &Exchange, kind: Kind) -> Vec<u8> {
    match KindValue::primary(kind, &exchange.context(), &exchange.statement.sha384(), []) {
        Some(KindValue::QualifyingData(data)) => data.to_vec(),
        other => unreachable!("{other:?} for {kind}"),
    }
}

#[test]
fn a_witness_is_released_to_a_machine_whose_quote_carries_the_binding() {
    for kind in KINDS {
        let exchange = exchange(kind);
        let data = qualifying_data(&exchange, kind);
        assert_eq!(data.len(), 48);
        let attested = ask(&exchange, kind, &data).unwrap();
        let result = attested.affirming().result();
        assert_eq!(result.kinds, [kind]);
        assert_eq!(result.claims.get(cross_vendor::BINDING), Some(&data.as_slice().into()));
        let (witness, release) = (witness_key(), release_key());
        assert!(attested.seal(sealing(&witness, &release, header_of(&exchange.file)), &mut Fixed(1)).is_ok());
    }
}

#[test]
fn a_quote_of_anything_else_releases_nothing() {
    for kind in KINDS {
        let exchange = exchange(kind);
        let data = qualifying_data(&exchange, kind);
        let other_kind = if kind == Kind::AzureSnpVtpm { Kind::AzureTdxVtpm } else { Kind::AzureSnpVtpm };
        let of_other_kind = qualifying_data(&exchange, other_kind);
        let padded = [data.as_slice(), &[0; 16]].concat();
        for other in [of_other_kind.as_slice(), &padded, &data[..47], exchange.context().nonce.0.as_slice()] {
            let denial = ask(&exchange, kind, other).unwrap_err();
            let codes: Vec<_> = denial.reasons.iter().map(|reason| reason.code).collect();
            assert_eq!((codes, denial.status()), (vec![Code::BindingValueMismatch], 422), "{kind}");
        }
        let denial = ask(&exchange, kind, b"").unwrap_err();
        assert_eq!(denial.reasons[0].code, Code::BindingValueAbsent);
    }
}
