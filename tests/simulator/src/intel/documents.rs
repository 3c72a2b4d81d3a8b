//! The documents that Intel signs, as text. Fields come in, JSON goes out, in the order and the spelling of genuine ones.

use crate::manifest::rfc3339;

/// TCB info, version 3.
#[derive(Clone, Debug)]
pub struct TcbInfoSpec {
    /// `SGX` or `TDX`.
    pub id: String,
    /// The version of the document.
    pub version: u32,
    /// When it was issued, in seconds since the Unix epoch.
    pub issue_date: i64,
    /// When the next one is due.
    pub next_update: i64,
    /// The platform's family.
    pub fmspc: [u8; 6],
    /// The provisioning certification enclave.
    pub pce_id: [u8; 2],
    /// The round of evaluation.
    pub evaluation_data_number: u32,
    /// The module of TDX 1.0.
    pub module: Option<ModuleSpec>,
    /// Modules that are judged by themselves, by their ids.
    pub modules: Vec<(String, ModuleSpec, Vec<SvnLevelSpec>)>,
    /// The levels, the highest first.
    pub levels: Vec<TcbLevelSpec>,
}

/// Who signs a TDX module, and its attributes.
#[derive(Clone, Debug)]
pub struct ModuleSpec {
    /// The signer.
    pub mrsigner: [u8; 48],
    /// The attributes.
    pub attributes: [u8; 8],
}

/// A level of a quoting enclave or a module.
#[derive(Clone, Debug)]
pub struct SvnLevelSpec {
    /// The version that it begins at.
    pub isvsvn: u16,
    /// Its date, RFC 3339.
    pub date: String,
    /// Intel's judgement.
    pub status: String,
    /// What it leaves open; the field is left out where there is nothing.
    pub advisories: Vec<String>,
}

/// A level of a platform.
#[derive(Clone, Debug)]
pub struct TcbLevelSpec {
    /// The least versions of the SGX components.
    pub sgx: [u8; 16],
    /// The least version of the provisioning certification enclave.
    pub pce_svn: u16,
    /// The least versions of the TDX components.
    pub tdx: Option<[u8; 16]>,
    /// Its date, RFC 3339.
    pub date: String,
    /// Intel's judgement.
    pub status: String,
    /// What it leaves open; the field is left out where there is nothing.
    pub advisories: Vec<String>,
}

/// The identity of a quoting enclave, version 2.
#[derive(Clone, Debug)]
pub struct QeIdentitySpec {
    /// `QE` or `TD_QE`.
    pub id: String,
    /// The version of the document.
    pub version: u32,
    /// When it was issued, in seconds since the Unix epoch.
    pub issue_date: i64,
    /// When the next one is due.
    pub next_update: i64,
    /// The round of evaluation.
    pub evaluation_data_number: u32,
    /// The signer.
    pub mrsigner: [u8; 32],
    /// The product.
    pub isvprodid: u16,
    /// The levels, the highest first.
    pub levels: Vec<SvnLevelSpec>,
}

fn upper(bytes: &[u8]) -> String {
    hex::encode_upper(bytes)
}

fn list(members: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", members.into_iter().collect::<Vec<_>>().join(","))
}

/// The end of a level: date, status, advisories.
fn judgement(date: &str, status: &str, advisories: &[String]) -> String {
    let open = match advisories {
        [] => String::new(),
        some => format!(r#","advisoryIDs":{}"#, list(some.iter().map(|id| format!("\"{id}\"")))),
    };
    format!(r#""tcbDate":"{date}","tcbStatus":"{status}"{open}"#)
}

fn svn_levels(levels: &[SvnLevelSpec]) -> String {
    list(levels.iter().map(|SvnLevelSpec { isvsvn, date, status, advisories }| {
        format!(r#"{{"tcb":{{"isvsvn":{isvsvn}}},{}}}"#, judgement(date, status, advisories))
    }))
}

impl ModuleSpec {
    fn members(&self) -> String {
        let (mrsigner, attributes) = (upper(&self.mrsigner), upper(&self.attributes));
        format!(r#""mrsigner":"{mrsigner}","attributes":"{attributes}","attributesMask":"FFFFFFFFFFFFFFFF""#)
    }
}

impl TcbLevelSpec {
    fn json(&self) -> String {
        let components = |svns: &[u8; 16], named: &str| {
            list((0..).zip(svns).map(|(place, svn)| match place {
                7 => format!(r#"{{"svn":{svn},"category":"OS/VMM","type":"{named}"}}"#),
                _ => format!(r#"{{"svn":{svn}}}"#),
            }))
        };
        let tdx = self.tdx.as_ref().map(|svns| format!(r#","tdxtcbcomponents":{}"#, components(svns, "Other")));
        format!(
            r#"{{"tcb":{{"sgxtcbcomponents":{},"pcesvn":{}{}}},{}}}"#,
            components(&self.sgx, "SEAMLDR ACM"),
            self.pce_svn,
            tdx.unwrap_or_default(),
            judgement(&self.date, &self.status, &self.advisories)
        )
    }
}

impl TcbInfoSpec {
    /// The text.
    #[must_use]
    pub fn json(&self) -> String {
        let module = self.module.as_ref().map(|module| format!(r#""tdxModule":{{{}}},"#, module.members()));
        let modules = list(self.modules.iter().map(|(id, module, levels)| {
            format!(r#"{{"id":"{id}",{},"tcbLevels":{}}}"#, module.members(), svn_levels(levels))
        }));
        let modules =
            if self.modules.is_empty() { String::new() } else { format!(r#""tdxModuleIdentities":{modules},"#) };
        format!(
            r#"{{"id":"{}","version":{},"issueDate":"{}","nextUpdate":"{}","fmspc":"{}","pceId":"{}","tcbType":0,"tcbEvaluationDataNumber":{},{}{modules}"tcbLevels":{}}}"#,
            self.id,
            self.version,
            rfc3339(self.issue_date),
            rfc3339(self.next_update),
            upper(&self.fmspc),
            upper(&self.pce_id),
            self.evaluation_data_number,
            module.unwrap_or_default(),
            list(self.levels.iter().map(TcbLevelSpec::json))
        )
    }
}

impl QeIdentitySpec {
    /// The text.
    #[must_use]
    pub fn json(&self) -> String {
        format!(
            r#"{{"id":"{}","version":{},"issueDate":"{}","nextUpdate":"{}","tcbEvaluationDataNumber":{},"miscselect":"00000000","miscselectMask":"FFFFFFFF","attributes":"11000000000000000000000000000000","attributesMask":"FBFFFFFFFFFFFFFF0000000000000000","mrsigner":"{}","isvprodid":{},"tcbLevels":{}}}"#,
            self.id,
            self.version,
            rfc3339(self.issue_date),
            rfc3339(self.next_update),
            self.evaluation_data_number,
            upper(&self.mrsigner),
            self.isvprodid,
            svn_levels(&self.levels)
        )
    }
}
