//! The agent's command line on simulated hardware. It exists under tests/ only: the shipped program knows devices.

use std::{
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use agent_tests::HYPERVISOR;
use prooftrail_protocol::KindValue;
use prooftrail_prover_agent::{
    cli,
    collect::{CollectError, Collector, Collectors},
};
use prooftrail_result::Kind;
use prooftrail_simulator::nitro::Hypervisor;

struct Simulated;

impl Collector for Simulated {
    fn kind(&self) -> Kind {
        Kind::AwsNitro
    }

    #[expect(clippy::disallowed_methods, reason = "a hypervisor has a clock")]
    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::NitroFields { nonce, public_key, user_data } = value else {
            return Err(CollectError::Value(self.kind()));
        };
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut document = Hypervisor::new(HYPERVISOR).document(u64::try_from(since_epoch.as_millis()).unwrap_or(0));
        Ok(document.nonce(&nonce.0).public_key(public_key).user_data(user_data).build())
    }
}

fn main() -> ExitCode {
    cli::main(|| Collectors { primary: Some(Box::new(Simulated)), others: Vec::new() })
}
