//! Intel's provisioning certification service, version 4, and what caches inside data centres add to it: the list of the
//! root, in hex.

use super::{Asking, parameter, server::Reply};
use crate::{
    intel::{Collateral, Vendor, pem},
    key::Key,
    x509::CrlSpec,
};

const VERSION: &str = "certification/v4";

/// The paths of the service.
pub(super) fn answer(asking: &Asking<'_>, path: &str, query: &str) -> Option<Reply> {
    let vendor = Vendor::new(&asking.world.intel, asking.at);
    if path == "/IntelSGXRootCA.der" {
        return Some(Reply::ok(root_list(asking, &vendor)));
    }
    let (tee, rest) = path.strip_prefix('/')?.split_once('/')?;
    let rest = rest.strip_prefix(VERSION)?.strip_prefix('/')?;
    match (tee, rest) {
        ("sgx" | "tdx", "tcb") => tcb_info(asking, &vendor, tee, query),
        ("sgx" | "tdx", "qe/identity") => Some(qe_identity(asking, &vendor, tee)),
        ("sgx", "pckcrl") => pck_list(asking, &vendor, query),
        ("sgx", "rootcacrl") => Some(Reply::ok(hex::encode(root_list(asking, &vendor)))),
        _ => None,
    }
}

fn collateral(asking: &Asking<'_>, vendor: &Vendor, tee: &str) -> Collateral {
    let mut collateral = if tee == "tdx" { vendor.tdx_collateral() } else { vendor.sgx_collateral() };
    if asking.is_forged_for() {
        let key = Some(Key::p256("a forger's"));
        collateral.tcb_info_signing.key.clone_from(&key);
        collateral.qe_identity_signing.key = key;
    }
    collateral
}

fn tcb_info(asking: &Asking<'_>, vendor: &Vendor, tee: &str, query: &str) -> Option<Reply> {
    let mut collateral = collateral(asking, vendor, tee);
    let asked = parameter(query, "fmspc")?;
    if !asked.eq_ignore_ascii_case(&hex::encode(collateral.tcb_info.fmspc)) {
        return None;
    }
    if asking.is_lied_to() {
        collateral.tcb_info.fmspc.reverse();
    }
    let [info, ..] = collateral.responses();
    Some(Reply::ok(info).with("TCB-Info-Issuer-Chain", encoded(&collateral.tcb_info_signing.pem())))
}

fn qe_identity(asking: &Asking<'_>, vendor: &Vendor, tee: &str) -> Reply {
    let other = if tee == "tdx" { "sgx" } else { "tdx" };
    let collateral = collateral(asking, vendor, if asking.is_lied_to() { other } else { tee });
    let [_, identity, _] = collateral.responses();
    let chain = encoded(&collateral.qe_identity_signing.pem());
    Reply::ok(identity).with("SGX-Enclave-Identity-Issuer-Chain", chain)
}

fn pck_list(asking: &Asking<'_>, vendor: &Vendor, query: &str) -> Option<Reply> {
    (parameter(query, "ca")? == "platform" && parameter(query, "encoding")? == "der").then_some(())?;
    let list = if asking.is_lied_to() { vendor.crl_of_root(&[]) } else { vendor.crl_of_platform_ca(&[]) };
    let chain = [vendor.platform_ca.issued_by(&vendor.root), vendor.root_der()];
    let chain = encoded(&chain.iter().map(|der| pem(der)).collect::<String>());
    Some(Reply::ok(signed(asking, list)).with("SGX-PCK-CRL-Issuer-Chain", chain))
}

fn root_list(asking: &Asking<'_>, vendor: &Vendor) -> Vec<u8> {
    let list = if asking.is_lied_to() { vendor.crl_of_platform_ca(&[]) } else { vendor.crl_of_root(&[]) };
    signed(asking, list)
}

fn signed(asking: &Asking<'_>, mut list: CrlSpec) -> Vec<u8> {
    if asking.is_forged_for() {
        list.key = Key::p256("a forger's");
    }
    list.build()
}

/// As the service writes it into a header: everything but letters and digits percent-encoded.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
