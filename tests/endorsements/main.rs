//! What vendors publish: fetched from vendors as they are when all is well and when it is not, kept, carried to machines
//! without a network, and used by the service.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a helper that fails fails its test; tests read clocks and the environment"
)]

#[path = "../service/agent.rs"]
#[expect(dead_code, reason = "shared with the tests of the service, which also register proofs")]
mod agent;
mod cli;
mod genuine;
mod gpu;
#[path = "../service/http.rs"]
#[expect(dead_code, reason = "shared with the tests of the service, which also send what no client would")]
mod http;
mod key_sets;
mod nvidia;
#[path = "../ledger/postgres.rs"]
#[expect(dead_code, reason = "shared with the tests of the ledger, which also kill servers")]
mod postgres;
mod pure;
mod release;
#[path = "../service/running.rs"]
#[expect(dead_code, reason = "shared with the tests of the service, which also reload it")]
mod running;
mod scene;
#[path = "../ledger/scratch.rs"]
#[expect(dead_code, reason = "shared with the tests of the ledger, which also stop servers")]
mod scratch;
mod source;
