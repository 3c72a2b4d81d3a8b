//! The simulated hardware: what the agent asks where it would ask the Nitro Secure Module. The shipped agent knows devices
//! only and cannot do this. Variable SIMULATED_ENCLAVE says what kind of enclave the agent believes to run in; in earnest
//! that is the hypervisor's doing, and no program inside has a say.

use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use prooftrail_protocol::KindValue;
use prooftrail_prover_agent::collect::{CollectError, Collector, Collectors};
use prooftrail_result::Kind;
use prooftrail_simulator::{cbor::Item, nitro::Hypervisor};

/// The variable's name.
pub(crate) const VARIABLE: &str = "SIMULATED_ENCLAVE";

/// The same image, started in debug mode.
pub(crate) const DEBUG: &str = "debug";

/// Another image, on the same hardware.
pub(crate) const OTHER_IMAGE: &str = "other-image";

/// The hypervisor of the demo.
pub(crate) fn hypervisor() -> Hypervisor {
    Hypervisor::new("demo")
}

/// PCR0 of the approved image, in hexadecimal.
pub(crate) fn approved_pcr0() -> anyhow::Result<String> {
    let mut document = hypervisor().document(now_ms());
    let pcr0 = document.pcrs_mut().iter().find_map(|(index, value)| match (index, value) {
        (Item::Unsigned(0), Item::Bytes(pcr0)) => Some(hex::encode(pcr0)),
        _ => None,
    });
    pcr0.context("every document has PCR0")
}

/// The devices of the simulated machine.
#[expect(clippy::disallowed_methods, reason = "the edge: which machine is simulated")]
pub(crate) fn collectors() -> Collectors {
    let enclave = Enclave { kind: env::var(VARIABLE).unwrap_or_default() };
    Collectors { primary: Some(Box::new(enclave)), others: Vec::new() }
}

struct Enclave {
    kind: String,
}

impl Collector for Enclave {
    fn kind(&self) -> Kind {
        Kind::AwsNitro
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::NitroFields { nonce, public_key, user_data } = value else {
            return Err(CollectError::Value(self.kind()));
        };
        let hypervisor = match self.kind.as_str() {
            OTHER_IMAGE => hypervisor().image("another image"),
            _ => hypervisor(),
        };
        let mut document = hypervisor.document(now_ms());
        document.nonce(&nonce.0).public_key(public_key).user_data(user_data);
        if self.kind == DEBUG {
            document.debug();
        }
        Ok(document.build())
    }
}

#[expect(clippy::disallowed_methods, reason = "a hypervisor has a clock")]
fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
