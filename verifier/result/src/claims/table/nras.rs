//! NVIDIA Remote Attestation Service tokens (`nvidia-nras`).

super::claims! {
    Nras;
    ISSUER = "nras.issuer", Text, "the production issuer, exactly", "iss";
    OVERALL_RESULT = "nras.overall_result", Bool, "", "x-nvidia-overall-att-result";
    CLAIMS_VERSION = "nras.claims_version", Text, "2.0, 3.0", "x-nvidia-ver";
    JTI = "nras.jti", Text, "", "overall token";
    EXP = "nras.exp", Time, "", "overall token";
    DEVICES = "nras.devices", ListText, "GPU-0, … whose token digests matched", "submods";
    SIGNER_PINNED = "nras.signer_pinned", Bool, "the key's certificate leads to a pinned NVIDIA authority; false: the key set was taken as given", "x5c of the key set";
}
