//! Why evidence was refused. One table holds every stable code with its stage, its meaning and what to do next; the
//! same code appears in the CLI's JSON, HTTP problems, log lines, metric labels, ledger entries and reports.
//! docs/reason-codes.md is this table, rendered; a test compares them.

use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::Stage;

/// Declares [`ReasonCode`]: variant, stable code, stage, what it means, what to do next.
macro_rules! reason_codes {
    ($($variant:ident = $code:literal, $stage:ident, $meaning:literal, $remedy:literal;)*) => {
        /// A stable code for one way in which evidence is refused. Codes are never renamed or reused.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum ReasonCode {
            $(#[doc = $meaning] $variant,)*
        }

        impl ReasonCode {
            /// Every code, in the order of the stages.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable spelling, such as `chain.root_not_pinned`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The stage that fails with this code.
            #[must_use]
            pub const fn stage(self) -> Stage {
                match self { $(Self::$variant => Stage::$stage,)* }
            }

            /// What the code means, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// What the reader can do next.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

reason_codes! {
    // parse: every format
    EvidenceEmpty = "evidence.empty", Parse, "The evidence has no bytes.", "Check that the file was written and that the path is right.";
    EvidenceTooLarge = "evidence.too_large", Parse, "The evidence is larger than its kind allows.", "Send one piece of evidence, undecorated: not a bundle, an archive or a text encoding.";
    KindUnsupported = "evidence.kind_unsupported", Parse, "This build does not verify that kind of evidence.", "Run `prooftrail appraise --help` for the kinds of this build.";
    EndorsementUnrecognised = "endorsement.unrecognised", Parse, "An endorsement has no type that is known here.", "Pass certificates or CRLs in PEM or DER, Intel's collateral, a TPM quote or a key set in JSON, or an event log.";
    EndorsementTooLarge = "endorsement.too_large", Parse, "An endorsement is larger than the cap.", "Pass the vendor's file itself; no vendor publishes one of that size.";

    // parse: CBOR and COSE
    CborTruncated = "cbor.truncated", Parse, "The CBOR ends in the middle of an item.", "Check that the whole file was copied.";
    CborTrailingBytes = "cbor.trailing_bytes", Parse, "Bytes follow the end of the CBOR item.", "Send exactly the item that the device returned.";
    CborUnexpectedType = "cbor.unexpected_type", Parse, "A CBOR item has another type than the format demands.", "Check the kind; this is not a document of that kind.";
    CborNotShortest = "cbor.not_shortest", Parse, "A CBOR length or integer is not in its shortest form.", "Send the bytes that the device returned; do not re-encode them.";
    CborIndefinite = "cbor.indefinite_length", Parse, "An indefinite length stands where the format demands a definite one.", "Send the bytes that the device returned; do not re-encode them.";
    CborReserved = "cbor.reserved", Parse, "A CBOR item uses a reserved or ill-formed encoding.", "The bytes are damaged or not CBOR.";
    CborTooDeep = "cbor.too_deep", Parse, "CBOR items are nested deeper than the cap.", "No genuine document nests that deeply.";
    CborTooLong = "cbor.too_long", Parse, "A CBOR string or collection is longer than the format allows.", "No genuine document has a field of that size.";
    CborInvalidUtf8 = "cbor.invalid_utf8", Parse, "A CBOR text string is not UTF-8.", "The bytes are damaged.";
    CborDuplicateKey = "cbor.duplicate_key", Parse, "A CBOR map has the same key twice.", "Readers disagree on which value counts, so such a document is refused.";
    CoseNotSign1 = "cose.not_sign1", Parse, "The item is not a COSE_Sign1 array of four elements, bare or under tag 18.", "Check the kind; Nitro documents are COSE_Sign1.";
    CoseProtectedHeader = "cose.protected_header", Parse, "The protected header is not exactly {1: -35} (ES384).", "Only ES384 is permitted; another header is another algorithm or a forgery.";
    CoseUnprotectedHeader = "cose.unprotected_header", Parse, "The unprotected header is not empty.", "Unsigned bytes inside the envelope are refused; send the device's own bytes.";
    CoseSignatureLength = "cose.signature_length", Parse, "The signature is not 96 bytes of r and s.", "Send the raw signature, not its DER form.";

    // parse: AWS Nitro
    NitroPayloadTooLarge = "nitro.payload_too_large", Parse, "The payload is empty or larger than 16,384 bytes.", "No Nitro hypervisor makes such a document.";
    NitroFieldMissing = "nitro.field_missing", Parse, "A mandatory field of the document is missing.", "Check the kind; this is not a complete Nitro document.";
    NitroFieldInvalid = "nitro.field_invalid", Parse, "A field of the document is outside what the format allows.", "No Nitro hypervisor makes such a document.";
    NitroDigestUnsupported = "nitro.digest_unsupported", Parse, "The PCR bank is not SHA384.", "Nitro signs its SHA384 bank only.";
    NitroPcrIndex = "nitro.pcr_index", Parse, "A PCR index is not an integer from 0 to 31.", "No Nitro hypervisor makes such a document.";
    NitroPcrLength = "nitro.pcr_length", Parse, "A PCR value is not 48 bytes.", "PCRs of the SHA384 bank have 48 bytes.";
    NitroDocumentKind = "nitro.document_kind", Parse, "The document is of the other Nitro kind, or claims to be both.", "Use `--kind aws-nitro` for enclaves (`pcrs`) and `--kind aws-nitrotpm` for instances (`nitrotpm_pcrs`).";

    // parse: AMD SEV-SNP
    SnpLength = "snp.length", Parse, "The report is not 1,184 bytes, with or without a table of certificates behind it.", "Send the report as the device returned it: binary, undecorated.";
    SnpVersion = "snp.version", Parse, "The report is of a version that is not read here.", "Versions 2 to 5 are; for a later one, upgrade the verifier.";
    SnpReserved = "snp.reserved", Parse, "A reserved field or bit of the report has a value that the format forbids.", "No firmware that this build knows makes such a report; a newer one may: compare with AMD's document 56860.";
    SnpSignatureAlgorithm = "snp.signature_algorithm", Parse, "The report is not signed with ECDSA on P-384 with SHA-384.", "No firmware signs otherwise.";
    SnpSignatureEncoding = "snp.signature_encoding", Parse, "Bytes of the signature's field that carry nothing are not zero.", "Send the device's own bytes; a report with others would be one report under two identities.";
    SnpProductUnknown = "snp.product_unknown", Parse, "The report names a CPU of no product line that is known here.", "For a newer line, upgrade the verifier.";
    SnpCertificateTable = "snp.certificate_table", Parse, "The table of certificates cannot be read, or can be read in two ways.", "Send the table as the host gave it, or the certificates one by one as endorsements.";

    // parse: X.509
    X509Malformed = "x509.malformed", Parse, "A certificate or CRL is not well-formed DER.", "The bytes are damaged, or are not what the field is for.";

    // parse: Intel
    QuoteTruncated = "quote.truncated", Parse, "The quote ends before its fields do.", "Check that the whole file was copied, and that it is a quote, neither a report nor a token.";
    QuoteVersion = "quote.version", Parse, "The quote is of no version that is known here.", "Quotes of versions 3, 4 and 5 are verified.";
    QuoteKeyType = "quote.key_type", Parse, "The quote's attestation key is not ECDSA on P-256.", "Use the platform's ECDSA quoting enclave; EPID quotes are no longer served by Intel.";
    QuoteTee = "quote.tee_type", Parse, "The quote is of another TEE, or of none that its version has.", "Use `--kind intel-tdx` for trust domains and `--kind intel-sgx` for enclaves.";
    QuoteVendor = "quote.qe_vendor", Parse, "The quote names a quoting enclave that is not Intel's.", "Quotes of other vendors' quoting enclaves are not verified.";
    QuoteBodyType = "quote.body_type", Parse, "The quote's body is of no type that its TEE has.", "The bytes are damaged, or are newer than this build.";
    QuoteBodySize = "quote.body_size", Parse, "The quote's body has not the size that its type has.", "The bytes are damaged.";
    QuoteCertificationData = "quote.certification_data", Parse, "The quote certifies its key otherwise than by a PCK certificate chain.", "Let the quoting enclave include the PCK certificate chain: configure the platform with its PCK certificate.";
    QuoteTrailingBytes = "quote.trailing_bytes", Parse, "Bytes other than zero padding follow the quote, or a part of it.", "Send exactly the bytes that the host handed out.";
    CollateralMalformed = "collateral.malformed", Parse, "Intel's collateral is not JSON of its form.", "Fetch the collateral again; keep the text as it is.";
    CollateralDuplicateKey = "collateral.duplicate_key", Parse, "An object of Intel's collateral has the same key twice.", "Readers disagree on which value counts, so such a text is refused. Fetch the collateral again.";
    EventLogMalformed = "eventlog.malformed", Parse, "An event log cannot be read.", "Copy the whole log: the data of the ACPI table CCEL, or the answer of dstack's guest agent.";
    CollateralVersion = "collateral.version", Parse, "Intel's collateral is of no version that is known here.", "Fetch TCB info of version 3 and identities of version 2, from version 4 of Intel's service.";

    // parse: Azure's paravisor and TPMs
    AzureEnvelope = "azure.envelope", Parse, "The evidence is neither a report of Azure's paravisor nor the JSON that holds one with its TPM quote.", "Send the NV index 0x01400001 as it is, or the JSON that docs/azure-vtpm.md describes.";
    AzureReportMalformed = "azure.report_malformed", Parse, "The paravisor's report is not of its form.", "Read the whole NV index 0x01400001 again, as binary.";
    AzureReportKind = "azure.report_kind", Parse, "The paravisor's report is of the other kind of machine.", "Use `--kind azure-snp-vtpm` for SEV-SNP and `--kind azure-tdx-vtpm` for TDX.";
    AzureHashType = "azure.hash_type", Parse, "The paravisor's report names no hash that is known here.", "SHA-256, SHA-384 and SHA-512 are; for another one, upgrade the verifier.";
    AzureRuntimeData = "azure.runtime_data", Parse, "The runtime data are not JSON of their form.", "Send the paravisor's own bytes; its hash is over the verbatim text.";
    AzureAttestationKey = "azure.attestation_key", Parse, "The runtime data do not name exactly one attestation key HCLAkPub, of RSA with 2,048 to 4,096 bits and exponent 65537.", "No paravisor that this build knows makes others.";
    TpmQuoteMissing = "tpm.quote_missing", Parse, "There is not exactly one TPM quote for the paravisor's report.", "Send the quote in the evidence's JSON, or one quote as an endorsement: JSON with `signature`, `message` and `pcrs`.";
    TpmQuoteMalformed = "tpm.quote_malformed", Parse, "The TPM quote is not a TPMS_ATTEST of type TPM_ST_ATTEST_QUOTE that a TPM made.", "Send the bytes that TPM2_Quote returned: without the TPM2B length, undecorated.";
    TpmPcrSelection = "tpm.pcr_selection", Parse, "The TPM quote does not select registers 0 to 23 of the SHA-256 bank, some of them and no others.", "Quote registers of the SHA-256 bank alone; values of other banks are not sent and mean nothing here.";

    // parse: tokens and key sets
    JwsMalformed = "jws.malformed", Parse, "The token is not a JSON Web Signature in compact serialisation.", "Send the token as its issuer gave it: three parts in base64url without padding, two dots, and nothing else.";
    JwsHeader = "jws.header", Parse, "The token's header cannot be read.", "Send the token as its issuer gave it.";
    TokenMalformed = "token.malformed", Parse, "The token's claims have not the form of its kind.", "Check the kind; if it is right, the issuer changed its format: upgrade the verifier.";
    TokenDuplicateClaim = "token.duplicate_claim", Parse, "An object of the token's claims has the same key twice.", "Readers disagree on which value counts, so such a token is refused.";
    NrasBundle = "nras.bundle", Parse, "The evidence is no answer of NVIDIA's attestation service.", "Send the answer as it came: [[\"JWT\", token], {device: token, …}]; what nvattest prints has it as `detached_eat`.";
    KeySetMalformed = "keyset.malformed", Parse, "A key set is not of the form of RFC 7517.", "Fetch the issuer's key set again; keep the text as it is.";
    KeySetDuplicate = "keyset.duplicate", Parse, "A key set has the same key id twice, or an object in it the same member.", "Readers disagree on which counts, so such a set is refused. Fetch the issuer's key set again.";

    // parse: NVIDIA's RIMs and OCSP
    RimMalformed = "rim.malformed", Parse, "A RIM is not XML of the kind that NVIDIA writes.", "Pass the file as NVIDIA's RIM service gives it out: no DTD, no comments, undecorated.";
    RimSignatureProfile = "rim.signature_profile", Parse, "A RIM is not signed as NVIDIA signs: one XML signature over the whole document, with ECDSA and SHA-384, and certificates.", "Pass the file as NVIDIA's RIM service gives it out; other profiles of XML signatures are not verified.";
    RimContent = "rim.content", Parse, "A RIM says something that is not understood here, or lacks what a RIM must say.", "For a newer form, upgrade the verifier; what is not understood is not skipped.";
    RimServiceAnswer = "rim.service_answer", Parse, "The answer of NVIDIA's RIM service is not of its form, or its RIM is not the one whose digest it has.", "Fetch the RIM again, or pass the XML alone.";
    OcspMalformed = "ocsp.malformed", Parse, "An OCSP response cannot be read, or identifies certificates otherwise than by SHA-256 or SHA-384.", "Ask the responder again, as `prooftrail endorsements fetch` does; pass the response in DER.";
    // parse: Google's endorsements of firmware
    GceMalformed = "gce.malformed", Parse, "Google's endorsement of firmware cannot be read, or can be read in two ways.", "Fetch the endorsement again (`VMLaunchEndorsement`, binary); send it as it is.";

    // parse: NVIDIA's devices
    NvidiaEnvelope = "nvidia.envelope", Parse, "The evidence is no JSON list of reports with their certificates.", "Send one report as the device returned it, or the list that docs/nvidia-gpu.md describes.";
    NvidiaReportMalformed = "nvidia.report_malformed", Parse, "The report is not an SPDM 1.1 request for measurements with its response.", "Send the report as the driver returned it: its own length, neither the whole buffer nor hex.";
    NvidiaTrailingBytes = "nvidia.trailing_bytes", Parse, "Bytes follow the report's signature.", "Send the report in the length that the driver gives; the rest of its buffer is no part of it.";
    NvidiaMeasurements = "nvidia.measurements", Parse, "The report's measurements are not SHA-384 digests in ascending order of their indices.", "No driver that this build knows makes such a report; for a later one, upgrade the verifier.";
    NvidiaOpaqueData = "nvidia.opaque_data", Parse, "What the device says beside its measurements cannot be read.", "Check the kind: `nvidia-gpu` for GPUs, `nvidia-switch` for NVSwitches. For a later driver, upgrade the verifier.";
    NvidiaOpaqueVersion = "nvidia.opaque_version", Parse, "What the device says beside its measurements is of a version that is not read here.", "Upgrade the verifier.";

    // parse: challenges, statements, witnesses and proof records
    ChallengeMalformed = "challenge.malformed", Parse, "The challenge is not one that any service made.", "Send the token exactly as it was given; ask for a new one if it was lost.";
    ReleaseStatementMalformed = "release.statement_malformed", Parse, "The statement is not in its deterministic encoding, or says what the format does not allow.", "docs/protocol.md gives the format; upgrade the agent or the verifier if they differ in age.";
    ReleaseHeaderMalformed = "release.header_malformed", Parse, "The witness's header is not an age header of exactly that length.", "Send the file's bytes from the version line through the line of the MAC, and no more.";
    ProofRecordMalformed = "proof.record_malformed", Parse, "The proof record is not in its deterministic encoding, or says what the format does not allow.", "docs/protocol.md gives the format; upgrade the agent or the verifier if they differ in age.";

    // signature
    CoseSignature = "cose.signature", Signature, "The COSE signature does not verify under the leaf certificate's key.", "The document was altered after it was signed, or signed by another key.";

    QuoteSignature = "quote.signature", Signature, "The quote's signature does not verify under its attestation key.", "The quote was altered after it was signed.";
    QuoteQeReportSignature = "quote.qe_report_signature", Signature, "The quoting enclave's report does not verify under the platform's certified key.", "The quote was altered, or its certificates are another platform's.";
    CollateralSignature = "collateral.signature", Signature, "The signature of Intel's collateral does not verify.", "Signatures are over the verbatim text: fetch it again, and do not reformat it.";
    SnpUnsigned = "snp.unsigned", Signature, "The report has no signature: its host masks the chip's key.", "Ask the host to turn MASK_CHIP_KEY off; a report without a signature says nothing.";
    SnpSignature = "snp.signature", Signature, "The report's signature does not verify under the key of its certificate.", "The report was altered after it was signed, or signed by another chip's key.";
    TpmSignatureAlgorithm = "tpm.signature_algorithm", Signature, "The TPM quote is not signed with RSASSA-PKCS1-v1_5 and SHA-256.", "Quote with the attestation key's own scheme; the paravisor's key has that one.";
    TpmQuoteSignature = "tpm.quote_signature", Signature, "The TPM quote's signature does not verify under the attestation key that the hardware's report vouches for.", "The quote was altered, or it comes from another machine or another boot than the paravisor's report.";
    JwsAlgorithm = "jws.algorithm", Signature, "The token is signed with an algorithm that its issuer does not use, or not at all.", "No other algorithm is accepted of that issuer, whatever the token says.";
    JwsKeyAlgorithm = "jws.key_algorithm", Signature, "The key that the token names is for another algorithm.", "The token was not signed by that key, or the key set is another issuer's.";
    JwsSignature = "jws.signature", Signature, "The token's signature does not verify under the issuer's key.", "The token was altered after it was signed, or signed by another key.";
    RimDigest = "rim.digest", Signature, "A RIM is not the document that its signature is over.", "The file was altered after it was signed; fetch it again.";
    RimSignature = "rim.signature", Signature, "A RIM's signature does not verify under the key of its first certificate.", "The file was altered after it was signed, or signed by somebody else; fetch it again.";
    GceSignature = "gce.signature", Signature, "The signature of Google's endorsement of firmware does not verify under the certificate in it.", "The endorsement was altered after it was signed; fetch it again.";
    NvidiaSignature = "nvidia.signature", Signature, "The report's signature does not verify under the key of its certificate.", "The report was altered after it was signed, or its certificates are another device's.";
    ChallengeForged = "challenge.forged", Signature, "No key of this service made the challenge.", "Ask this service for a challenge; those of another fleet, or of a key that was retired, are no use here.";
    ReleaseSessionSignature = "release.session_signature", Signature, "The session's proof key did not sign the request for a further witness.", "Only the agent that opened the session can ask for more.";
    ProofRecordSignature = "proof.record_signature", Signature, "The session's proof key did not sign the proof record.", "The record was altered, or it belongs to another session.";

    // chain
    ChainRootNotPinned = "chain.root_not_pinned", Chain, "The chain ends in a root that is not pinned.", "See `prooftrail roots list`; another partition's root is added by configuration, with its own manifest entry.";
    ChainLength = "chain.length", Chain, "The chain has fewer or more certificates than the profile allows.", "Send the chain exactly as the vendor delivers it.";
    ChainOrder = "chain.order", Chain, "A certificate was not issued by the one above it in the order supplied.", "Send the chain exactly as the vendor delivers it; no path is searched for.";
    ChainVersion = "chain.version", Chain, "A certificate is not X.509 version 3, or its serial number breaks RFC 5280.", "Not a certificate of this vendor.";
    ChainAlgorithm = "chain.algorithm", Chain, "A certificate is signed with an algorithm that the profile does not permit.", "Not a certificate of this vendor.";
    ChainKeyType = "chain.key_type", Chain, "A certificate's key is not of the type that the profile demands.", "Not a certificate of this vendor.";
    ChainNotCa = "chain.not_ca", Chain, "An issuing certificate is not a CA.", "Not a chain of this vendor.";
    ChainLeafIsCa = "chain.leaf_is_ca", Chain, "The leaf certificate is a CA.", "Not a chain of this vendor.";
    ChainPathLength = "chain.path_length", Chain, "More CAs stand below a certificate than its path length allows.", "Not a chain of this vendor.";
    ChainKeyUsage = "chain.key_usage", Chain, "A certificate's key usage does not permit what the chain uses it for.", "Not a chain of this vendor.";
    ChainExtension = "chain.extension", Chain, "A certificate has an unknown critical extension, or one extension twice.", "Not a certificate of this vendor, or a newer profile: compare with the vendor's documentation.";
    ChainSignature = "chain.signature", Chain, "A certificate's signature does not verify under its issuer's key.", "A certificate was altered or forged.";
    ChainRejected = "chain.rejected", Chain, "The path validator refused the chain.", "The detail names its error.";
    ChainName = "chain.name", Chain, "A certificate is for another purpose than the one it is used for.", "Send the certificates that the vendor issued for this purpose.";
    PckExtension = "pck.extension", Chain, "What Intel certifies of a platform is missing from its certificate, or cannot be read.", "Not a PCK certificate of Intel's.";
    CollateralMissing = "collateral.missing", Chain, "Nothing vouches for the quoting enclave or the platform's versions: Intel's collateral was not supplied.", "Pass the platform's collateral with --endorsement: a bundle, or TCB info, QE identity, their issuer's certificate and the CRLs.";

    TokenIssuer = "token.issuer", Chain, "The token was issued by somebody else than its kind says.", "Check the kind; staging and test issuers are not accepted as production ones.";
    TokenKeySource = "token.key_source", Chain, "The token would have its key taken from itself, or from another place than the issuer's.", "Keys come from the issuer's own place and from nowhere else; do not trust such a token.";
    TokenKeyUnknown = "token.key_unknown", Chain, "No key with the token's key id is at hand.", "Pass the issuer's key set of the time of the token with --endorsement; issuers drop keys within days.";
    TokenKeyAmbiguous = "token.key_ambiguous", Chain, "Two key sets have different keys of the same id.", "Pass the key set of the token's issuer only.";
    TokenKeyType = "token.key_type", Chain, "The token's key is of a type or size that is not accepted.", "Signatures are verified with RSA of 2,048 to 4,096 bits or ECDSA on P-384.";
    TokenKeyCertificate = "token.key_certificate", Chain, "A key's certificate has another key, or cannot be read.", "Fetch the issuer's key set again; if that changes nothing, do not trust it.";
    KeySetFromAttester = "endorsement.key_set_from_attester", Chain, "An attester sent a key set.", "Leave it out: with a key set of its own an attester could sign its own tokens; the service has the issuers' key sets from themselves.";

    SnpCertificateMissing = "snp.certificate_missing", Chain, "A certificate that the report's chain needs was not supplied.", "Pass the VCEK or VLEK and its ASK or ASVK with --endorsement; AMD's key server has the first for a chip id and TCB version, and the second as cert_chain.";
    SnpCertificateKind = "snp.certificate_kind", Chain, "The names of the certificates do not make an AMD chain of one product line and one kind of key.", "An ASK certifies VCEKs and an ASVK certifies VLEKs, each of its own line.";
    SnpCertificateExtension = "snp.certificate_extension", Chain, "One of AMD's extensions is missing from the key's certificate, malformed, or contradicts the chain.", "Not a certificate of this vendor.";

    GceCertificate = "gce.certificate", Chain, "The certificate in Google's endorsement of firmware is not one of a root that is configured for such endorsements.", "Compare the root that is configured with the one that Google publishes; the detail says what differs.";
    NvidiaChainMissing = "nvidia.chain_missing", Chain, "The certificates of the device were not supplied.", "Pass the device's five certificates with --endorsement, in one PEM file as the driver returns them; or send the report in JSON with them.";
    NvidiaFwidExtension = "nvidia.fwid_extension", Chain, "The certified digest of the device's firmware cannot be read, or stands there in two forms.", "Not a certificate of this vendor, or a newer profile.";

    // revocation
    RevocationRevoked = "revocation.revoked", Revocation, "A certificate of the chain is revoked.", "The platform must obtain new certificates; do not trust evidence of this chain.";
    RevocationSignature = "revocation.signature", Revocation, "A CRL's signature does not verify under its issuer's key, or its issuer may not sign CRLs.", "Fetch the CRL again from the vendor.";
    RevocationIssuer = "revocation.issuer", Revocation, "A CRL was issued by nobody in this chain, or covers none of its certificates.", "Pass the CRLs of this chain only.";
    RevocationNotChecked = "revocation.not_checked", Revocation, "The policy requires revocation data that was not supplied.", "Pass the vendor's CRLs with --endorsement, or relax the policy's revocation section.";
    RimSignerUnknown = "rim.signer_unknown", Revocation, "NVIDIA's responder does not know a certificate of a RIM's signer, which it then did not issue.", "Do not use the RIM; fetch it again from NVIDIA's service.";
    OcspUnsuccessful = "ocsp.unsuccessful", Revocation, "An OCSP responder answered with an error instead of a status.", "Ask again later; `unauthorized` means that the responder does not answer for that issuer.";
    OcspResponder = "ocsp.responder", Revocation, "An OCSP response was signed by nobody whom the certificate's issuer lets sign such answers.", "Ask the vendor's responder; answers that others sign do not count.";
    OcspSignature = "ocsp.signature", Revocation, "An OCSP response's signature does not verify.", "Ask the responder again.";
    OcspNonce = "ocsp.nonce", Revocation, "An OCSP response does not carry the nonce of the question.", "It may be a replay; ask again, or ask a responder that repeats nonces.";

    // time
    TimeNotYetValid = "time.not_yet_valid", Time, "A certificate is not yet valid at the given instant.", "Check the clock, or pass the instant to appraise at with --at.";
    TimeExpired = "time.expired", Time, "A certificate has ended at the given instant.", "Ask for fresh evidence; to look at old evidence, pass the instant at which it was made with --at.";
    TimeCrlNotYetValid = "time.crl_not_yet_valid", Time, "A CRL's thisUpdate lies after the given instant.", "Pass a CRL that was in force at the instant.";
    TimeCrlExpired = "time.crl_expired", Time, "A CRL's nextUpdate does not lie after the given instant.", "Fetch the CRL again from the vendor.";
    TimeOcspNotYetValid = "time.ocsp_not_yet_valid", Time, "An OCSP response's thisUpdate lies after the given instant.", "Pass a response that was in force at the instant.";
    TimeOcspExpired = "time.ocsp_expired", Time, "An OCSP response has ended at the given instant: its nextUpdate, or one hour without one.", "Ask the responder again; for old evidence, pass the response of its time with --at.";
    TimeTimestampOutsideCertificate = "time.timestamp_outside_certificate", Time, "The document's time stamp lies outside its certificate's validity.", "The document and its certificate do not belong to the same time.";
    TimeTimestampInFuture = "time.timestamp_in_future", Time, "The document's time stamp lies after the given instant.", "Check the clock, or pass the instant to appraise at with --at.";
    TimeCollateralNotYetValid = "time.collateral_not_yet_valid", Time, "Intel's collateral was issued after the given instant.", "Pass collateral that was in force at the instant.";
    TimeCollateralExpired = "time.collateral_expired", Time, "The nextUpdate of Intel's collateral does not lie after the given instant.", "Fetch the collateral again; for old evidence, pass the collateral of its time with --at.";

    TimeTokenExpired = "time.token_expired", Time, "The token has expired at the given instant.", "Ask for a fresh token; to look at an old one, pass the instant at which it was made with --at.";
    TimeTokenNotYetValid = "time.token_not_yet_valid", Time, "The token is not yet valid at the given instant.", "Check the clock, or pass the instant to appraise at with --at.";
    GceTime = "gce.time", Time, "Google's endorsement of firmware, or the certificate in it, is outside its time at the given instant.", "Fetch the endorsement again; for old evidence, pass the endorsement of its time with --endorsement.";

    ChallengeExpired = "challenge.expired", Time, "The challenge has ended.", "Ask for a new challenge and make evidence for it.";
    ChallengeTimes = "challenge.times", Time, "The challenge was made by a clock that is far ahead.", "Compare the clocks of the replicas.";
    ReleaseSessionEnded = "release.session_ended", Time, "The session has ended, or was revoked.", "Ask for a release with fresh evidence.";

    // binding
    BindingNonceMismatch = "binding.nonce_mismatch", Binding, "The evidence carries another nonce than the expected one.", "This is evidence for another request, possibly replayed; ask for fresh evidence with your nonce.";
    BindingNonceAbsent = "binding.nonce_absent", Binding, "A nonce was expected and the evidence carries none.", "Ask for evidence with the nonce; without it, anyone can replay this document.";
    BindingValueMismatch = "binding.value_mismatch", Binding, "The evidence carries another binding than the expected one.", "The keys or devices behind this evidence are not the ones presented.";
    BindingValueAbsent = "binding.value_absent", Binding, "A binding was expected and the evidence carries none.", "Ask for evidence that binds the keys.";
    BindingCertifiedName = "binding.certified_name", Binding, "The document names another module than its certificate does.", "The document and its certificate do not belong together.";

    SnpSigningKeyMismatch = "snp.signing_key_mismatch", Binding, "The report was signed by the other kind of key than the certificate's.", "Pass the VCEK's certificate for reports of VCEKs, and the VLEK's for reports of VLEKs.";
    SnpProductMismatch = "snp.product_mismatch", Binding, "The report comes from another product line than its certificates.", "Pass the certificates of this report's chip.";
    SnpTcbMismatch = "snp.tcb_mismatch", Binding, "The certificate belongs to another TCB version than the one that the report states.", "Fetch the VCEK for exactly the report's REPORTED_TCB.";
    SnpChipIdMismatch = "snp.chip_id_mismatch", Binding, "The certificate belongs to another chip than the one that the report names.", "Fetch the VCEK for exactly the report's CHIP_ID.";
    AzureReportData = "azure.report_data", Binding, "The hardware's report data are not the hash of the runtime data and zeros.", "The runtime data belong to another report, or were altered; send both as they stand in the NV index.";
    AzurePrivilegeLevel = "azure.privilege_level", Binding, "The hardware's report was not asked for by the paravisor, at the most privileged level.", "Anyone below the paravisor can name a key of their own in such a report.";
    TpmPcrValues = "tpm.pcr_values", Binding, "There are more or fewer register values than the TPM quote selects.", "Send exactly the values of the selected registers, in ascending order.";
    TpmPcrDigest = "tpm.pcr_digest", Binding, "The register values have another digest than the one in the TPM quote.", "Read quote and values together, so that no register is extended in between.";
    BindingAudience = "binding.audience", Binding, "The token was made for another audience.", "Ask for a token whose audience is the origin of this service's log.";
    ItaReportData = "ita.report_data", Binding, "The hardware's report data are not the hash of what the token says went into them.", "The token's parts do not belong together; ask for a fresh one.";
    ItaGpuNonce = "ita.gpu_nonce", Binding, "A GPU was asked with another nonce than the hash of what the trust domain signed.", "Trust domain and GPU may be two machines: ask both with the same runtime data.";
    BindingRecipientMismatch = "binding.recipient_mismatch", Binding, "The evidence carries another recipient key than the one that the key is to be sealed to.", "Make the evidence with the recipient key of the request.";
    BindingRecipientAbsent = "binding.recipient_absent", Binding, "The evidence has a place for the recipient key, and it is empty.", "Make the evidence with the recipient key of the request.";
    BindingUnlinked = "binding.unlinked", Binding, "Nothing that was signed shows that a token is about the machine of the evidence beside it.", "Send a token that was made for this machine: of Azure's MAA one whose HCLAkPub is the quote's attestation key, of Intel Trust Authority one with the quote's digest, of NRAS one about the devices that report.";
    BindingPrimary = "binding.primary", Binding, "The set has not exactly one piece that can carry its binding.", "Send one piece of CPU evidence; its value covers every other piece.";
    NrasDevices = "nras.devices", Binding, "The devices of the answer are not exactly those that NVIDIA's overall token names.", "Send the answer as it came; one without some of its devices is another answer.";
    NrasDigest = "nras.digest", Binding, "A device's token is not the one that NVIDIA's overall token names by its digest.", "Send the answer as it came; tokens of two answers make none.";
    NrasDeviceTwice = "nras.device_twice", Binding, "Two devices of the answer are one.", "Ask NVIDIA's service for each device once.";
    BindingAttestationKey = "binding.attestation_key", Binding, "The quoting enclave's report names another attestation key.", "The quote was put together of several, or altered.";
    BindingQeIdentity = "binding.qe_identity", Binding, "The quoting enclave is not the one that Intel's identity describes.", "Pass the identity of the TEE's quoting enclave: QE for SGX, TD_QE for TDX. If it is, the quote was made by an enclave that is not Intel's.";
    BindingPlatform = "binding.platform", Binding, "The TCB info is for another TEE, platform family or PCE.", "Fetch the TCB info of the FMSPC that the reason names.";
    BindingTdxModule = "binding.tdx_module", Binding, "The TDX module is not the one that Intel's TCB info describes.", "Fetch younger TCB info; if that changes nothing, the module is not Intel's.";
    NvidiaFwidKey = "nvidia.fwid_key", Binding, "The certificate of the attestation key names another device key than the one that issued it.", "Not a chain of this vendor's device.";
    NvidiaFwidMismatch = "nvidia.fwid_mismatch", Binding, "The report names other firmware than the certificate of the key that signed it.", "The report and its certificates are of two boots, or of two devices.";
    NvidiaDeviceMismatch = "nvidia.device_mismatch", Binding, "The report, its certificates and what was sent with them are not about one device.", "Send each report with the certificates that the same device returned.";
    NvidiaDeviceTwice = "nvidia.device_twice", Binding, "One device stands in the evidence twice.", "Send one report for each device.";
    NvidiaNoncesDiffer = "nvidia.nonces_differ", Binding, "The reports of one piece of evidence carry different nonces.", "Ask every device with the same nonce.";
    NvidiaTopology = "nvidia.topology", Binding, "The GPUs and the switches of the set do not name each other, all of them and no others.", "Send the reports of one machine: of every GPU and of every switch that they are linked with.";
    ChallengeSpent = "challenge.spent", Binding, "The challenge was used before, for something else.", "Each challenge is good for one request; ask for a new one.";
    ChallengeVoid = "challenge.void", Binding, "A recovery of the ledger voided the challenge.", "Ask for a new challenge.";
    ReleaseHeaderMismatch = "release.header_mismatch", Binding, "The witness's header is not the one that the statement names.", "Send the header of the witness that the statement was made for.";
    ReleasePurpose = "release.purpose", Binding, "The context was made for another purpose.", "Ask with the purpose that the evidence was made for.";
    ProofStatementMismatch = "proof.statement_mismatch", Binding, "The proof record names another statement, release or witness than the session's.", "A record belongs to the release that it came of.";
    ProofSequence = "proof.sequence", Binding, "The proof record's turn was taken, or is not the next.", "Each turn of a session is accepted once.";

    // tcb
    TcbNoLevel = "tcb.no_level", Tcb, "A version of the platform is below every TCB level.", "Update what the reason names: microcode, firmware, the TDX module or its loader.";
    TcbRevoked = "tcb.revoked", Tcb, "The TCB level that the platform matches is revoked.", "Update the platform; nothing that it attests can be relied upon.";
    SnpReportedAboveCurrent = "snp.reported_above_current", Tcb, "The report states a patch level that the platform does not have.", "No sound firmware reports more than it has; keep the report, and tell AMD.";
    SnpCommittedAboveCurrent = "snp.committed_above_current", Tcb, "A committed patch level, or the committed firmware, is above the one that runs.", "No sound firmware commits what it has not; keep the report, and tell AMD.";

    // claims
    ItaAttester = "ita.attester", Claims, "The token is about an attester whose claims this build does not read.", "Tokens about trust domains, enclaves and GPUs are read; for a SEV-SNP guest send its own report.";
    ItaGpuVerdict = "ita.gpu_verdict", Claims, "The token does not say that a GPU passed.", "That Intel signed a token does not mean that what it says is good: look at the GPU.";
    SnpHostRequested = "snp.host_requested", Claims, "The host asked for the report, not the guest.", "What such a report carries was chosen by the host; ask the guest for one.";
    NrasOverallResult = "nras.overall_result", Claims, "NVIDIA's service does not say that the devices passed.", "Signed is not passed: the reasons beside this one say what NVIDIA objects to.";
    NrasDeviceError = "nras.device_error", Claims, "NVIDIA's service refused a device.", "Look the code up in NVIDIA's list of error codes; 4010 is another nonce than the one that was asked with.";
    NrasDeviceResult = "nras.device_result", Claims, "NVIDIA's token about a device does not say that something is good which must be.", "The reason names the claim; what is not said to be good is not.";
    ReleaseHeaderForeign = "release.header_foreign", Claims, "No stanza of the witness's header opens with this version of the key.", "Seal the witness to the key's public half, or name the version that it was sealed to.";
    ReleaseHeaderMac = "release.header_mac", Claims, "The MAC of the witness's header does not hold.", "The header was altered after it was sealed.";
    ReleaseHeaderPassphrase = "release.header_passphrase", Claims, "The witness is sealed with a passphrase.", "Seal the witness to the key's public half.";
    ProofKeyForgeable = "proof.key_forgeable", Claims, "Anyone can forge proofs under the verifying key.", "Use a key whose setup has a contribution of its own.";

    NvidiaMeasurementMismatch = "nvidia.measurement_mismatch", Claims, "A device's measurements are not the ones of NVIDIA's reference values for its versions.", "The reason names the device and the indices. NVIDIA reissues reference values: fetch them again; if they still differ, do not trust the device.";
    NvidiaRimConflict = "nvidia.rim_conflict", Claims, "The reference values of driver and VBIOS both speak of one measurement or security version.", "No pair that NVIDIA published does; fetch both again.";
    NvidiaSvnTooLow = "nvidia.svn_below_minimum", Claims, "A security version is below the least that NVIDIA's reference values allow, or is not reported.", "Update the driver and the VBIOS.";

    // policy
    PolicyDebug = "policy.debug", Policy, "The evidence comes from a debug TEE, or does not show that it does not, and debug is not allowed.", "Run the workload without debug mode; to experiment, allow debug explicitly.";
    PolicySimulated = "policy.simulated", Policy, "The evidence rests on a simulator's root and the policy does not allow that.", "Use evidence of real hardware; a test policy may set allow_simulated.";
    PolicySetShape = "policy.set_shape", Policy, "The set of evidence has not the shape that is accepted.", "Send exactly the pieces that one of the policy's platforms lists.";
    PolicyRuleViolated = "policy.rule_violated", Policy, "A claim does not satisfy a rule of the policy.", "The reason names the rule, what the evidence has and what the rule needs.";
    PolicyNoGroup = "policy.no_group", Policy, "The evidence belongs to none of the groups that the policy, or a preset of it, has rules for.", "The reason names the groups and what the evidence has; for CPUs without a group, such as Milan, see what the preset needs to let them in.";
    PolicyClaimAbsent = "policy.claim_absent", Policy, "A rule of the policy needs a claim that the evidence did not establish.", "An absent claim satisfies no rule: supply the endorsement that establishes it, or change the rule.";
    PolicyNotFresh = "policy.not_fresh", Policy, "The evidence is older than the policy allows.", "Ask for fresh evidence.";
    PolicyFreshnessUnknown = "policy.freshness_unknown", Policy, "The policy limits the age of evidence, and this evidence carries no time.", "Use evidence that carries its time, or bind a nonce and require it.";
    PolicyNonceRequired = "policy.nonce_required", Policy, "The policy requires a nonce and none was checked.", "Pass the nonce you gave the attester with --nonce.";
    PolicyRootNotAllowed = "policy.root_not_allowed", Policy, "The evidence rests on a silicon root that the policy does not list.", "See `prooftrail roots list`; add the root's SHA-256 to the policy's `roots` if it may stand behind this evidence. Keys that a token's issuer publishes are accepted with `allow_issuer_keys`.";
    PolicyUnknownFields = "policy.unknown_fields", Policy, "The evidence carries signed fields that this build does not know, and the policy does not allow that.", "Upgrade the verifier; to accept such evidence meanwhile, set allow_unknown_fields.";
    PolicyBindingRequired = "policy.binding_required", Policy, "The policy requires a binding and none was checked.", "Pass the expected binding with --binding.";
    ReleaseKeyRefused = "release.key_refused", Policy, "The witness key is disabled, or is not released under this policy.", "Ask the key's operator which version and policy are in force.";
    ReleaseExpired = "release.expired", Policy, "The appraisal ended before anything was sealed.", "Ask again with fresh evidence.";
    ProofNotAllowed = "proof.not_allowed", Policy, "The policy does not allow that proof system with that verifying key.", "Use a verifying key that the policy lists under `[[proof]]`.";
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One failed check: the code, and the facts of this case.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Reason {
    /// The stable code; it fixes the stage.
    pub code: ReasonCode,
    /// What happened, in a sentence.
    pub detail: Cow<'static, str>,
    /// What the evidence has, as claims are rendered.
    pub have: Option<String>,
    /// What would have been accepted.
    pub need: Option<String>,
    /// The policy rule that failed, by its `id`.
    pub rule: Option<String>,
}

impl Reason {
    /// A reason with a sentence of its own.
    #[must_use]
    pub fn new(code: ReasonCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), have: None, need: None, rule: None }
    }

    /// The same reason with what the evidence has. At most 1,024 characters are kept.
    #[must_use]
    pub fn have(self, have: impl fmt::Display) -> Self {
        Self { have: Some(bounded(&have.to_string())), ..self }
    }

    /// The same reason with what would have been accepted. At most 1,024 characters are kept.
    #[must_use]
    pub fn need(self, need: impl fmt::Display) -> Self {
        Self { need: Some(bounded(&need.to_string())), ..self }
    }

    /// The same reason as the failure of a policy's rule.
    #[must_use]
    pub fn rule(self, rule: impl Into<String>) -> Self {
        Self { rule: Some(rule.into()), ..self }
    }

    /// The stage that failed.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.code.stage()
    }
}

/// Keeps what an attacker can put into a reason at a size that a log line can bear.
fn bounded(text: &str) -> String {
    const MAX_CHARS: usize = 1024;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl From<ReasonCode> for Reason {
    /// A reason whose sentence is the code's own meaning.
    fn from(code: ReasonCode) -> Self {
        Self::new(code, code.meaning())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        if let Some(have) = &self.have {
            write!(f, " (have {have})")?;
        }
        if let Some(need) = &self.need {
            write!(f, " (need {need})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Reason {}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = if self.rule.is_some() { 6 } else { 5 };
        let mut object = serializer.serialize_struct("Reason", fields)?;
        object.serialize_field("code", self.code.as_str())?;
        object.serialize_field("stage", &self.stage())?;
        object.serialize_field("detail", &self.detail)?;
        object.serialize_field("have", &self.have)?;
        object.serialize_field("need", &self.need)?;
        match &self.rule {
            Some(rule) => object.serialize_field("rule", rule)?,
            None => object.skip_field("rule")?,
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Reason, ReasonCode};

    #[test]
    fn codes_are_unique_and_spelled_alike() {
        let codes: BTreeSet<_> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), ReasonCode::ALL.len());
        for code in codes {
            let (area, name) = code.split_once('.').expect("area.name");
            assert!(area.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{code}");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{code}");
        }
    }

    #[test]
    fn codes_stand_in_the_order_of_the_stages() {
        assert!(ReasonCode::ALL.is_sorted_by_key(|code| code.stage()));
    }

    #[test]
    fn what_the_evidence_has_is_bounded() {
        let reason = Reason::from(ReasonCode::BindingNonceMismatch).have("é".repeat(5000));
        assert_eq!(reason.have.expect("set").chars().count(), 1025);
    }

    #[test]
    fn json_has_the_promised_keys() {
        let reason = Reason::from(ReasonCode::PolicyRuleViolated).have(1).need(2);
        let json = serde_json::to_value(&reason).expect("serialises");
        let keys: Vec<_> = json.as_object().expect("object").keys().cloned().collect();
        assert_eq!(keys, ["code", "detail", "have", "need", "stage"]);
        assert_eq!(serde_json::to_value(reason.rule("image")).expect("serialises")["rule"], "image");
    }
}
