//! AMD SEV-SNP: a platform with its key hierarchy (ARK, ASK, ASVK, VCEK or VLEK), reports in the real layout of versions 2 to
//! 5, revocation lists, and the table of certificates that a host hands its guests.

mod certificates;
mod platform;
mod report;
mod table;

pub use certificates::{CSP_ID, FMC_SPL, HWID, MICROCODE_SPL, PRODUCT_NAME, RESERVED_SPL, STRUCT_VERSION};
pub use platform::{Line, Platform};
pub use report::{Report, Tcb};
pub use table::{Entry, certificate_table};
