//! Releases to a guest with a whole machine of GPUs: each device answers for this exchange, and the CPU's evidence covers
//! them all.

use prooftrail_protocol::{KindValue, OtherPiece, attached_32};
use prooftrail_release::{Attested, Denial};
use prooftrail_result::{
    Kind, ReasonCode as Code, TrustAnchor,
    claims::{Value, cross_vendor},
};
use prooftrail_simulator::nvidia::{List, Machine};
use prooftrail_trust_roots::RootSet;

use crate::fixture::{AT_MS, Exchange, Fixed, header_of, release_key, sealing, witness_key};

/// An exchange whose policy wants a whole machine beside the enclave.
fn exchange() -> Exchange {
    let mut exchange = Exchange::good();
    exchange.policy = exchange.policy.replacen(
        "primary = 'aws-nitro'\n",
        "primary = 'aws-nitro'\ndevices = [{ kind = 'nvidia-gpu' }, { kind = 'nvidia-switch', min = 0, max = 1 }]\n",
        1,
    );
    exchange.policy = exchange.policy.replacen("[[platform]]", "[revocation]\nnvidia = 'best-effort'\n[[platform]]", 1);
    exchange.policy.push_str(
        "[[rule]]\nid = 'gpus'\nclaim = 'gpu.count'\noperator = 'at-least'\nvalue = 1\nrationale = 'r'\n\
         [[rule]]\nid = 'bound'\nclaim = 'gpu.colocation'\noperator = 'equals'\nvalue = 'software-bound'\nrationale = 'r'\n",
    );
    exchange
}

/// The machine's devices, asked with the values of this exchange.
fn machine(exchange: &Exchange) -> Machine {
    let value = |kind| attached_32(kind, &exchange.context());
    Machine::new("release", 1, value(Kind::NvidiaGpu), value(Kind::NvidiaSwitch))
}

fn lists(machine: &Machine) -> [(Kind, List); 2] {
    [(Kind::NvidiaGpu, machine.gpu_list()), (Kind::NvidiaSwitch, machine.switch_list())]
}

fn built(lists: &[(Kind, List)]) -> Vec<(Kind, Vec<u8>)> {
    lists.iter().map(|(kind, list)| (*kind, list.build())).collect()
}

/// Asks with an enclave's evidence that covers `covered`, beside `sent`.
fn ask(exchange: &Exchange, covered: &[(Kind, Vec<u8>)], sent: &[(Kind, Vec<u8>)]) -> Result<Attested, Denial> {
    let others = covered.iter().map(|(kind, bytes)| OtherPiece::of(*kind, bytes));
    let value = KindValue::primary(Kind::AwsNitro, &exchange.context(), &exchange.statement.sha384(), others);
    let Some(KindValue::NitroFields { nonce, public_key, user_data }) = value else { unreachable!() };
    let mut document = exchange.hypervisor.document(AT_MS);
    let document = document.nonce(&nonce.0).public_key(&public_key).user_data(&user_data).build();
    let (device, _) = &machine(exchange).gpus[0];
    let mut roots = exchange.roots();
    let der = device.root_der();
    let manifest = device.root_manifest();
    roots.extend(RootSet::from_manifest(&manifest, TrustAnchor::Configured, |_| Ok::<_, String>(der.clone())).unwrap());
    let devices = sent.iter().map(|(kind, bytes)| (*kind, bytes.as_slice()));
    let evidence: Vec<_> = devices.chain([(Kind::AwsNitro, document.as_slice())]).collect();
    exchange.ask_beside(&evidence, &[], &roots)
}

fn codes(answer: Result<Attested, Denial>) -> Vec<Code> {
    answer.unwrap_err().reasons.iter().map(|reason| reason.code).collect()
}

#[test]
fn a_witness_is_released_to_a_guest_with_a_whole_machine() {
    let exchange = exchange();
    let devices = built(&lists(&machine(&exchange)));
    let attested = ask(&exchange, &devices, &devices).unwrap();
    let claims = &attested.affirming().result().claims;
    assert_eq!(claims.get(cross_vendor::GPU_COUNT), Some(&Value::Int(8)));
    assert_eq!(claims.get(cross_vendor::SWITCH_COUNT), Some(&Value::Int(4)));
    assert_eq!(claims.bool(cross_vendor::GPU_TOPOLOGY), Some(true));
    assert_eq!(claims.get(cross_vendor::GPU_COLOCATION), Some(&"software-bound".into()));
    assert_eq!(claims.get(cross_vendor::PLATFORM), Some(&"nitro-enclave".into()));
    let (witness, release) = (witness_key(), release_key());
    assert!(attested.seal(sealing(&witness, &release, header_of(&exchange.file)), &mut Fixed(1)).is_ok());

    let mut swapped = built(&lists(&machine(&exchange)));
    swapped.reverse();
    assert!(ask(&exchange, &devices, &swapped).is_ok(), "the order of pieces says nothing");
}

#[test]
fn devices_that_answered_anything_else_release_nothing() {
    let exchange = exchange();
    let context = exchange.context();
    let [gpu, switch] = [Kind::NvidiaGpu, Kind::NvidiaSwitch].map(|kind| attached_32(kind, &context));
    // The devices of somebody else's session, relayed; the challenge itself; the other kind's value.
    for (of_gpus, of_switches) in [([7; 32], switch), (context.nonce.0, switch), (switch, switch), (gpu, gpu)] {
        let devices = built(&lists(&Machine::new("release", 1, of_gpus, of_switches)));
        let denial = ask(&exchange, &devices, &devices).unwrap_err();
        assert_eq!(denial.status(), 422);
        let found: Vec<_> = denial.reasons.iter().map(|reason| reason.code).collect();
        assert_eq!(found, [Code::BindingNonceMismatch], "{of_gpus:?}");
    }
}

#[test]
fn devices_cannot_be_removed_added_or_exchanged_once_they_are_covered() {
    let exchange = exchange();
    let machine = machine(&exchange);
    let whole = built(&lists(&machine));
    let mut fewer = lists(&machine);
    fewer[0].1.entries.pop();
    let fewer = built(&fewer);
    assert_eq!(codes(ask(&exchange, &whole, &fewer)), [Code::BindingValueMismatch]);
    assert_eq!(codes(ask(&exchange, &whole, &whole[..1])), [Code::BindingValueMismatch]);
    assert_eq!(codes(ask(&exchange, &whole[..1], &whole)), [Code::BindingValueMismatch]);
    // Hidden from the start, it is missed by the others.
    assert_eq!(codes(ask(&exchange, &fewer, &fewer)), [Code::NvidiaTopology]);
    // Of another machine, though it answered this exchange.
    let nonce = |kind| attached_32(kind, &exchange.context());
    let other = Machine::new("release", 2, nonce(Kind::NvidiaGpu), nonce(Kind::NvidiaSwitch));
    let mixed = built(&[(Kind::NvidiaGpu, machine.gpu_list()), (Kind::NvidiaSwitch, other.switch_list())]);
    assert_eq!(codes(ask(&exchange, &mixed, &mixed)), [Code::NvidiaTopology]);
    let gpus_alone = &whole[..1];
    assert!(ask(&exchange, gpus_alone, gpus_alone).is_ok(), "without switches nothing is said of links");
}
