//! What a linter can find: one table of codes, severities, meanings and remedies. docs/policy.md is this table, rendered;
//! a test compares them.

use std::fmt;

use serde::{Serialize, Serializer};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The policy does not protect what it is for, or can never be satisfied.
    Error,
    /// The policy leaves something open that its author may not have meant to.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Declares [`LintCode`]: variant, stable code, severity, what it means, what to do.
macro_rules! lint_codes {
    ($($variant:ident = $code:literal, $severity:ident, $meaning:literal, $remedy:literal;)*) => {
        /// A stable code for one thing that a policy leaves open. Codes are never renamed or reused.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum LintCode {
            $(#[doc = $meaning] $variant,)*
        }

        impl LintCode {
            /// Every code, errors first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable spelling, such as `lint.image_unpinned`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// How much it matters.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

lint_codes! {
    ImageUnpinned = "lint.image_unpinned", Error, "No rule says which image a platform may run.", "Pin the launch measurement with `in` and a reference: aws-nitro `nitro.pcr0` (or PCR1 and PCR2, or PCR8); aws-nitrotpm PCR4 and PCR12 (or PCR7); Azure `azure_vtpm.pcr<i>`; others `measurement`.";
    ParavisorUnpinned = "lint.paravisor_unpinned", Error, "Nothing says whose paravisor speaks: anyone with such a CPU can run one of their own, whose registers say what they like.", "Pin what the hardware measured, beside the registers: `measurement`, or on SEV-SNP the key that signed Microsoft's paravisor, `snp.id_key_digest`.";
    ProviderUnpinned = "lint.provider_unpinned", Error, "Tokens of any provider of Azure Attestation are accepted: anyone may have one, and its owner decides what it attests.", "Pin `maa.issuer`, with `in` where there are several.";
    ZeroPcr = "lint.zero_pcr", Error, "A register of zeros is accepted as an image: every debug enclave has it, whatever it runs.", "Pin the value that the build of the image prints; take the zeros out.";
    DebugAllowed = "lint.debug_allowed", Error, "Debug evidence is accepted: whoever runs the host reads the memory.", "Remove allow_debug; keep a policy of its own, with keys of its own, for experiments.";
    SimulatedAllowed = "lint.simulated_allowed", Error, "Evidence of simulators is accepted: anyone can make it.", "Remove allow_simulated; keep a policy of its own, with keys of its own, for tests.";
    Replayable = "lint.replayable", Error, "Neither a nonce nor an age is required: evidence recorded once is accepted while its certificates last.", "Require a nonce; limit the age with [freshness] besides.";
    ValueNeverActive = "lint.value_never_active", Error, "A reference value retires before it begins, so it never counts.", "Put `not_before` before `retire_at`.";
    ReferenceRetired = "lint.reference_retired", Error, "Every value of a reference has retired: rules that accept its values refuse everything, rules that refuse them refuse nothing.", "Add the values that count now, or remove the reference and its rules.";
    NonceNotRequired = "lint.nonce_not_required", Warning, "No nonce is required, so evidence can be replayed while it is young enough.", "Require a nonce wherever the caller can supply one.";
    ExecutableUnpinned = "lint.executable_unpinned", Warning, "An approved image may run anything: neither does the pinned measurement fix what runs, nor is the executable pinned.", "Pin `job.executable_sha384`, and `job.argv_sha384` where the arguments matter.";
    ProviderPolicyUnpinned = "lint.provider_policy_unpinned", Warning, "A provider of Azure Attestation is believed whatever its attestation policy says: whoever administers it can let everything pass, or add claims of their own.", "Pin `maa.policy_hash`: base64url of the SHA-256 of base64url of the policy's text.";
    RevocationOff = "lint.revocation_off", Warning, "Revocation of a vendor whose evidence is accepted is not looked at.", "Set it to `required`, or to `best-effort` where the vendor's lists cannot be had.";
    ReferenceUnused = "lint.reference_unused", Warning, "No rule compares with a reference.", "Name it in a rule, or remove it.";
    ReferenceNotBegun = "lint.reference_not_begun", Warning, "No value of a reference counts yet.", "Check `not_before`.";
    ReferenceEnding = "lint.reference_ending", Warning, "The last value of a reference retires within 14 days; then nothing satisfies the rules that accept its values.", "Add the next value now, so that both overlap.";
    RuleDuplicate = "lint.rule_duplicate", Warning, "Two rules say the same.", "Remove one of them.";
    RuleUnreachable = "lint.rule_unreachable", Warning, "A rule needs a claim that no piece of a platform establishes, so the platform never satisfies the policy.", "Move the rule to the platforms it is about, as [[platform.rule]].";
    RuleOnUnknownFields = "lint.rule_on_unknown_fields", Warning, "A rule compares unknown fields, which ordinary evidence does not have; absent satisfies no rule, so all of it is refused.", "Remove the rule and set allow_unknown_fields = false.";
    SampleNonceAllowed = "lint.sample_nonce_allowed", Warning, "GPU evidence with a nonce from a vendor's samples is accepted: anyone can replay it.", "Add the preset nvidia-gpu, or the rule `gpu.*.sample_nonce` equals false.";
    PatchLevelOpen = "lint.patch_level_open", Warning, "Nothing says how well patched the hardware of a platform must be.", "AMD signs no judgement: add the preset `amd-sev-snp-2026-10-strict` (or `amd-sev-snp-sb-3019`), or rules on `snp.tcb.…` by group of CPUs. Intel's is `tcb.status`: add `intel-tdx` or `intel-tdx-2026-10-strict`.";
    ExposedSeedAccepted = "lint.exposed_seed_accepted", Warning, "SEV-SNP chips of any product line are accepted, also of those whose root seeds are known to be exposed (Milan).", "Require `snp.root_seed_exposed` equals false, or list chips by `snp.chip_id`; the presets with patch levels do.";
    RationaleEmpty = "lint.rationale_empty", Warning, "A rationale is empty.", "Say why, for whoever approves or audits the policy.";
    ReferenceRetiring = "lint.reference_retiring", Note, "A value of a reference retires within 14 days; others remain.", "Nothing, if the rotation is under way.";
    ControlsMissing = "lint.controls_missing", Note, "A rule names no control that it serves.", "Name the control, as in \"SOC2 CC6.1\", if reports should list the rule under it.";
    RoleUnpinned = "lint.role_unpinned", Note, "Any IAM role, of any account, may start the image.", "Pin `nitro.pcr3`; `prooftrail pin role ARN` computes it from the role's ARN.";
    ProofUnpinned = "lint.proof_unpinned", Note, "Keys are released under the policy, and it names no circuit: a proof of any statement is recorded as one of its proofs.", "Name the proof system and the verifying key under [[proof]].";
    InstancePinned = "lint.instance_pinned", Note, "PCR4 is pinned: it is another one on every parent instance.", "Pin PCR3 instead, or `nitro.instance_id`, which is certified and readable.";
    IssuerKeysNotAllowed = "lint.issuer_keys_not_allowed", Note, "A platform takes tokens by keys that their issuer publishes and changes within days, and only those count that stand among the roots.", "Set allow_issuer_keys, or list the issuer's keys and follow its changes. Google's PKI tokens bring a chain to a pinned root, and need neither.";
    UnknownFieldsAllowed = "lint.unknown_fields_allowed", Note, "Signed fields that this build does not know are accepted, and only listed in a claim.", "Set allow_unknown_fields = false, at the price of refusing evidence the day the vendor adds a field.";
}

impl fmt::Display for LintCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for LintCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
