//! What runs: the agent's statement, covered by the primary binding.

super::claims! {
    Job;
    AGENT_VERSION = "job.agent_version", Text, "release of the agent", "statement";
    EXECUTABLE_SHA384 = "job.executable_sha384", Hex(48), "file that the agent executes", "statement";
    ARGV_SHA384 = "job.argv_sha384", Hex(48), "deterministic CBOR array of the arguments", "statement";
    ARGV = "job.argv", ListText, "the arguments, where the policy asks for them in clear", "statement";
    ENVIRONMENT = "job.environment", ListText, "names (never values) of the variables the child sees", "statement";
    SANDBOX = "job.sandbox", ListText, "no_network, no_devices, no_capabilities, no_new_privs, no_core, pid_namespace, restricted_files as enforced", "statement";
    WITNESS_HEADER_SHA384 = "job.witness_header_sha384", Hex(48), "age header of the witness to be opened", "statement";
}
