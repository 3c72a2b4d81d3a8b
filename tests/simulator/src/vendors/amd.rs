//! AMD's key distribution service (AMD 57230, chapter 4), and Azure's cache of it.

use super::{Asking, Conduct, parameter, server::Reply};
use crate::{
    intel::pem,
    key::Key,
    snp::{Line, Platform, Report, Tcb},
    x509::CertificateSpec,
};

const DAY: i64 = 24 * 3600;

/// `/{vcek|vlek}/v1/{line}/{cert_chain|crl|chip id}`, and Azure's path.
pub(super) fn answer(asking: &Asking<'_>, path: &str, query: &str) -> Option<Reply> {
    if path == "/metadata/THIM/amd/certification" {
        return Some(thim(asking));
    }
    let mut parts = path.strip_prefix('/')?.split('/');
    let (key, "v1", line, what, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next())
    else {
        return None;
    };
    let platform = asking.world.platforms.iter().find(|platform| platform.line().name() == line)?;
    match (key, what) {
        ("vcek" | "vlek", "cert_chain") => Some(Reply::ok(chain(asking, platform, key == "vlek"))),
        ("vcek" | "vlek", "crl") => Some(Reply::ok(list(asking, platform))),
        ("vcek", chip) => Some(vcek(asking, line, chip, query).map_or(Reply::status(404), Reply::ok)),
        _ => None,
    }
}

/// A CA's key that AMD never had.
fn forged(ca: &CertificateSpec) -> CertificateSpec {
    let mine = ca.key.subject_public_key_info();
    let mut others = (0..).map(|number| Key::rsa4096(&format!("forger/{number}")));
    let key = others.find(|key| key.subject_public_key_info() != mine);
    CertificateSpec { key: key.unwrap_or_else(|| ca.key.clone()), ..ca.clone() }
}

/// The ASK or ASVK, and the ARK. Turin's has line ends of another system.
fn chain(asking: &Asking<'_>, platform: &Platform, is_of_vleks: bool) -> String {
    // The lie is the other kind's CA.
    let ca = if is_of_vleks == asking.is_lied_to() { &platform.ask } else { &platform.asvk };
    let root = if asking.is_forged_for() { forged(&platform.root) } else { platform.root.clone() };
    let text = [ca.issued_by(&root), platform.root_der()].iter().map(|der| pem(der)).collect::<String>();
    if platform.line() == Line::Turin { text.replace('\n', "\r\n") } else { text }
}

fn list(asking: &Asking<'_>, platform: &Platform) -> Vec<u8> {
    if asking.is_lied_to() {
        return Platform::new("another AMD", platform.line()).crl(asking.at - DAY, &[]).build();
    }
    let revoked: &[&[u8]] =
        if asking.conduct == Conduct::Revoking { &[&platform.ask.serial, &platform.asvk.serial] } else { &[] };
    let mut list = platform.crl(asking.at - DAY, revoked);
    if asking.is_forged_for() {
        list.key = forged(&platform.root).key;
    }
    list.build()
}

/// The certificate of a chip of ours, for the TCB version that is asked for, minted now.
fn vcek(asking: &Asking<'_>, line: &str, chip: &str, query: &str) -> Option<Vec<u8>> {
    let of_line = |platform: &&Platform| platform.line().name() == line;
    let mut platforms = asking.world.platforms.iter().filter(of_line);
    let platform = platforms.find(|platform| hex::encode(&platform.chip_id) == chip)?;
    let level = |name: &str| parameter(query, name).and_then(|value| value.parse::<u8>().ok());
    let tcb = Tcb {
        fmc: level("fmcSPL")
            .filter(|_| platform.line() == Line::Turin)
            .or((platform.line() != Line::Turin).then_some(0))?,
        bootloader: level("blSPL")?,
        tee: level("teeSPL")?,
        snp: level("snpSPL")?,
        microcode: level("ucodeSPL")?,
    };
    let report = Report { reported_tcb: tcb, ..platform.report() };
    Some(minted(asking, platform, &report))
}

fn minted(asking: &Asking<'_>, platform: &Platform, report: &Report) -> Vec<u8> {
    let ask = if asking.is_forged_for() { forged(&platform.ask) } else { platform.ask.clone() };
    let mut chip = platform.clone();
    if asking.is_lied_to() {
        chip.chip_id.iter_mut().for_each(|byte| *byte ^= 0xFF);
    }
    chip.vcek(report, asking.at - 60).issued_by(&ask)
}

/// What the metadata service of a guest answers: the certificates of the machine that the guest runs on.
fn thim(asking: &Asking<'_>) -> Reply {
    let Some(platform) = asking.world.platforms.first().filter(|_| asking.is_from_a_guest) else {
        return Reply::status(400);
    };
    let json = |text: &str| text.replace('\r', "\\r").replace('\n', "\\n");
    let vcek = pem(&minted(asking, platform, &platform.report()));
    let chain = chain(asking, platform, false);
    let text = format!(
        r#"{{"vcekCert":"{}","tcbm":"0","certificateChain":"{}","cacheControl":"86400"}}"#,
        json(&vcek),
        json(&chain)
    );
    Reply::ok(text)
}
