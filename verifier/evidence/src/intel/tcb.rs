//! What a platform's versions are worth (Intel's quote verification library: TcbLevelCheck.cpp, EvaluateTcb.cpp,
//! TDRelaunchCheck.cpp).
//!
//! In: what is certified of the platform, what the quote says of the TDX module, and verified collateral. Out:
//! [`Evaluated`], or every version that is too low for any level. Levels are walked from the highest down; the first whose
//! every version is met counts. The statuses of platform, module and quoting enclave then converge to the worst; and
//! where TDX 1.5 updated the module under a running guest, the present versions say whether a relaunch would help.

use std::collections::BTreeSet;

use prooftrail_result::{Reason, ReasonCode, Timestamp};

use super::{
    collateral::{Advisories, Status, SvnLevel, TcbInfo, TcbLevel},
    pck::PckExtension,
};

/// The security versions of a TDX module and its loader, at launch or at present.
pub(super) type TeeTcbSvn = [u8; 16];

/// The module's version among them, and its major version, which says which identity judges it.
pub(super) const fn module_version(svn: &TeeTcbSvn) -> (u8, u8) {
    let [isvsvn, major, ..] = *svn;
    (isvsvn, major)
}

/// What the versions are worth.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Evaluated {
    /// All together.
    pub(super) status: Converged,
    pub(super) platform_status: Status,
    pub(super) module_status: Option<Status>,
    pub(super) qe_status: Status,
    /// The oldest of the parts'.
    pub(super) date: Timestamp,
    pub(super) advisories: BTreeSet<String>,
}

/// A status of the whole: one that Intel gives a level, or that a relaunch would mend it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Converged {
    Level(Status),
    TdRelaunchAdvised,
    TdRelaunchAdvisedConfigurationNeeded,
}

impl Converged {
    /// Intel's spelling.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Level(status) => status.as_str(),
            Self::TdRelaunchAdvised => "TDRelaunchAdvised",
            Self::TdRelaunchAdvisedConfigurationNeeded => "TDRelaunchAdvisedConfigurationNeeded",
        }
    }
}

/// Evaluates an SGX platform.
pub(super) fn sgx(info: &TcbInfo, pck: &PckExtension, qe: &SvnLevel) -> Result<Evaluated, Vec<Reason>> {
    Ok(evaluated(platform_level(info, pck, None)?, None, qe))
}

/// Evaluates a TDX platform: as it was at the guest's launch, and as it is where the quote says that too.
pub(super) fn tdx(
    info: &TcbInfo,
    pck: &PckExtension,
    qe: &SvnLevel,
    launch: &TeeTcbSvn,
    present: Option<&TeeTcbSvn>,
) -> Result<Evaluated, Vec<Reason>> {
    let at = |svn: &TeeTcbSvn| -> Result<Evaluated, Vec<Reason>> {
        let platform = platform_level(info, pck, Some(svn));
        let module = module_level(info, svn).map_err(|reason| vec![reason]);
        match (platform, module) {
            (Ok(platform), Ok(module)) => Ok(evaluated(platform, module, qe)),
            (platform, module) => Err([platform.err(), module.err()].into_iter().flatten().flatten().collect()),
        }
    };
    let mut evaluated = at(launch)?;
    if let Some(present) = present {
        let now = at(present)?;
        // Intel's library lets the launch's status stand; but a module that runs and is revoked is no less so.
        let revoked = now.status == Converged::Level(Status::Revoked);
        evaluated.status = if revoked { now.status } else { relaunch(evaluated.status, now.status) };
    }
    Ok(evaluated)
}

/// The level of the quoting enclave.
pub(super) fn qe_level(levels: &[SvnLevel], isvsvn: u16) -> Result<&SvnLevel, Reason> {
    svn_level(levels, isvsvn, "the quoting enclave")
}

fn svn_level<'a>(levels: &'a [SvnLevel], have: u16, whose: &str) -> Result<&'a SvnLevel, Reason> {
    levels.iter().find(|level| have >= level.tcb.isvsvn).ok_or_else(|| {
        let detail = format!("the version of {whose} is below every level");
        let need = levels.last().map_or_else(|| "a level".to_owned(), |lowest| lowest.tcb.isvsvn.to_string());
        Reason::new(ReasonCode::TcbNoLevel, detail).have(have).need(need)
    })
}

/// The level of the TDX module, where it is judged by itself.
fn module_level<'a>(info: &'a TcbInfo, svn: &TeeTcbSvn) -> Result<Option<&'a SvnLevel>, Reason> {
    let (isvsvn, major) = module_version(svn);
    if major == 0 {
        return Ok(None);
    }
    let id = module_id(major);
    let identity = info.tdx_module_identities.iter().find(|identity| identity.id.eq_ignore_ascii_case(&id));
    let identity = identity.ok_or_else(|| {
        let known: Vec<_> = info.tdx_module_identities.iter().map(|identity| identity.id.as_str()).collect();
        let detail = "the TCB info has no identity of the TDX module that is running now";
        Reason::new(ReasonCode::TcbNoLevel, detail).have(&id).need(known.join(" or "))
    })?;
    svn_level(&identity.tcb_levels, isvsvn.into(), "the TDX module").map(Some)
}

/// How identities name a module.
pub(super) fn module_id(major: u8) -> String {
    format!("TDX_{major:02X}")
}

/// A version below what a level asks for.
struct Shortfall {
    component: String,
    have: u16,
    need: u16,
}

fn platform_level<'a>(
    info: &'a TcbInfo,
    pck: &PckExtension,
    svn: Option<&TeeTcbSvn>,
) -> Result<&'a TcbLevel, Vec<Reason>> {
    if let Some(level) = info.tcb_levels.iter().find(|level| shortfalls(level, pck, svn).next().is_none()) {
        return Ok(level);
    }
    // How far behind: what is missing from the level that misses least, the highest of several.
    let nearest = info.tcb_levels.iter().min_by_key(|level| {
        let missing = || shortfalls(level, pck, svn);
        (missing().count(), missing().map(|short| u32::from(short.need - short.have)).sum::<u32>())
    });
    let Some(nearest) = nearest else {
        return Err(vec![Reason::new(ReasonCode::TcbNoLevel, "the TCB info has no levels")]);
    };
    let (date, status) = (nearest.tcb_date, nearest.tcb_status.as_str());
    let reason = |Shortfall { component, have, need }| {
        let detail = format!("no TCB level matches; the nearest, of {date} ({status}), asks for more of {component}");
        Reason::new(ReasonCode::TcbNoLevel, detail).have(have).need(need)
    };
    Err(shortfalls(nearest, pck, svn).map(reason).collect())
}

/// What a platform lacks for a level.
fn shortfalls(level: &TcbLevel, pck: &PckExtension, svn: Option<&TeeTcbSvn>) -> impl Iterator<Item = Shortfall> {
    // Components 0 and 1 are the module's own versions; from version 1 of the module on, its identity judges them.
    let first_tdx = match svn.map(module_version) {
        Some((_, 0)) | None => 0,
        Some(_) => 2,
    };
    let sgx = level.tcb.sgx.iter().zip(pck.components).enumerate().map(|(place, pair)| ("SGX", place, pair));
    let tdx = level.tcb.tdx.iter().flatten().zip(svn.copied().unwrap_or_default()).enumerate();
    let tdx = tdx.skip(first_tdx).map(|(place, pair)| ("TDX", place, pair)).filter(move |_| svn.is_some());
    let components = sgx.chain(tdx).filter(|(_, _, (component, have))| *have < component.svn);
    let components = components.map(|(of, place, (component, have))| Shortfall {
        component: match &component.name {
            Some(name) => format!("{of} component {:02} ({name})", place + 1),
            None => format!("{of} component {:02}", place + 1),
        },
        have: have.into(),
        need: component.svn.into(),
    });
    let (have, need) = (pck.pce_svn, level.tcb.pce_svn);
    components.chain((have < need).then(|| Shortfall { component: "the PCE SVN".to_owned(), have, need }))
}

fn evaluated(platform: &TcbLevel, module: Option<&SvnLevel>, qe: &SvnLevel) -> Evaluated {
    let parts = || module.into_iter().chain([qe]);
    let status = parts().fold(platform.tcb_status, |status, part| converge(status, part.tcb_status));
    let lists = parts().map(|part| &part.advisory_ids).chain([&platform.advisory_ids]);
    Evaluated {
        status: Converged::Level(status),
        platform_status: platform.tcb_status,
        module_status: module.map(|module| module.tcb_status),
        qe_status: qe.tcb_status,
        date: parts().map(|part| part.tcb_date).fold(platform.tcb_date, Timestamp::min),
        advisories: lists.flat_map(|list: &Advisories| list.iter().cloned()).collect(),
    }
}

/// A platform's status with that of one of its parts.
const fn converge(platform: Status, part: Status) -> Status {
    use Status::{
        ConfigurationAndSwHardeningNeeded, ConfigurationNeeded, OutOfDate, OutOfDateConfigurationNeeded, Revoked,
        SwHardeningNeeded, UpToDate,
    };
    match (part, platform) {
        (Revoked, _) => Revoked,
        (OutOfDate, UpToDate | SwHardeningNeeded) => OutOfDate,
        (OutOfDate, ConfigurationNeeded | ConfigurationAndSwHardeningNeeded) => OutOfDateConfigurationNeeded,
        (_, platform) => platform,
    }
}

/// Whether what was out of date at launch no longer is.
const fn relaunch(launch: Converged, present: Converged) -> Converged {
    use Status::{
        ConfigurationAndSwHardeningNeeded, ConfigurationNeeded, OutOfDate, OutOfDateConfigurationNeeded,
        SwHardeningNeeded, UpToDate,
    };
    match (launch, present) {
        (Converged::Level(OutOfDate), Converged::Level(UpToDate | SwHardeningNeeded)) => Converged::TdRelaunchAdvised,
        (
            Converged::Level(OutOfDate | OutOfDateConfigurationNeeded),
            Converged::Level(UpToDate | SwHardeningNeeded | ConfigurationNeeded | ConfigurationAndSwHardeningNeeded),
        ) => Converged::TdRelaunchAdvisedConfigurationNeeded,
        (launch, _) => launch,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Converged,
        Status::{
            self, ConfigurationAndSwHardeningNeeded, ConfigurationNeeded, OutOfDate, OutOfDateConfigurationNeeded,
            Revoked, SwHardeningNeeded, UpToDate,
        },
        converge, relaunch,
    };

    const ALL: [Status; 7] = [
        UpToDate,
        SwHardeningNeeded,
        ConfigurationNeeded,
        ConfigurationAndSwHardeningNeeded,
        OutOfDate,
        OutOfDateConfigurationNeeded,
        Revoked,
    ];

    #[test]
    fn parts_make_a_platform_only_worse() {
        for platform in ALL {
            assert_eq!(converge(platform, UpToDate), platform);
            assert_eq!(converge(platform, Revoked), Revoked);
        }
        let with_old_part = ALL.map(|platform| converge(platform, OutOfDate));
        let expected = [
            OutOfDate,
            OutOfDate,
            OutOfDateConfigurationNeeded,
            OutOfDateConfigurationNeeded,
            OutOfDate,
            OutOfDateConfigurationNeeded,
            Revoked,
        ];
        assert_eq!(with_old_part, expected);
    }

    #[test]
    fn a_relaunch_is_advised_where_it_would_help() {
        use Converged::{Level, TdRelaunchAdvised, TdRelaunchAdvisedConfigurationNeeded};
        for launch in ALL {
            for present in ALL {
                let outdated = matches!(launch, OutOfDate | OutOfDateConfigurationNeeded);
                let mended = !matches!(present, OutOfDate | OutOfDateConfigurationNeeded | Revoked);
                let configuration = launch == OutOfDateConfigurationNeeded
                    || matches!(present, ConfigurationNeeded | ConfigurationAndSwHardeningNeeded);
                let expected = match (outdated && mended, configuration) {
                    (false, _) => Level(launch),
                    (true, false) => TdRelaunchAdvised,
                    (true, true) => TdRelaunchAdvisedConfigurationNeeded,
                };
                assert_eq!(relaunch(Level(launch), Level(present)), expected, "{launch:?} {present:?}");
            }
        }
    }
}
