//! The object identifiers of certificates and CRLs, once each.

use crate::der::Oid;

/// ecdsa-with-SHA256 (RFC 5758, section 3.2).
pub const ECDSA_WITH_SHA256: Oid = &[1, 2, 840, 10045, 4, 3, 2];
/// ecdsa-with-SHA384 (RFC 5758, section 3.2).
pub const ECDSA_WITH_SHA384: Oid = &[1, 2, 840, 10045, 4, 3, 3];
/// sha256WithRSAEncryption (RFC 4055, section 5).
pub const SHA256_WITH_RSA_ENCRYPTION: Oid = &[1, 2, 840, 113549, 1, 1, 11];
/// id-RSASSA-PSS (RFC 4055, section 3.1).
pub const RSASSA_PSS: Oid = &[1, 2, 840, 113549, 1, 1, 10];
/// id-mgf1 (RFC 4055, section 2.2).
pub const MGF1: Oid = &[1, 2, 840, 113549, 1, 1, 8];
/// id-sha256 (RFC 4055, section 2.1).
pub const SHA256: Oid = &[2, 16, 840, 1, 101, 3, 4, 2, 1];
/// id-sha384 (RFC 4055, section 2.1).
pub const SHA384: Oid = &[2, 16, 840, 1, 101, 3, 4, 2, 2];

/// id-at-commonName (RFC 5280, appendix A.1), as the other attributes.
pub const COMMON_NAME: Oid = &[2, 5, 4, 3];
/// id-at-serialNumber.
pub const SERIAL_NUMBER: Oid = &[2, 5, 4, 5];
/// id-at-countryName.
pub const COUNTRY: Oid = &[2, 5, 4, 6];
/// id-at-localityName.
pub const LOCALITY: Oid = &[2, 5, 4, 7];
/// id-at-stateOrProvinceName.
pub const STATE: Oid = &[2, 5, 4, 8];
/// id-at-organizationName.
pub const ORGANIZATION: Oid = &[2, 5, 4, 10];
/// id-at-organizationalUnitName.
pub const ORGANIZATIONAL_UNIT: Oid = &[2, 5, 4, 11];

/// id-ce-subjectKeyIdentifier (RFC 5280, section 4.2.1.2).
pub const SUBJECT_KEY_IDENTIFIER: Oid = &[2, 5, 29, 14];
/// id-ce-keyUsage (RFC 5280, section 4.2.1.3).
pub const KEY_USAGE: Oid = &[2, 5, 29, 15];
/// id-ce-basicConstraints (RFC 5280, section 4.2.1.9).
pub const BASIC_CONSTRAINTS: Oid = &[2, 5, 29, 19];
/// id-ce-extKeyUsage (RFC 5280, section 4.2.1.12).
pub const EXTENDED_KEY_USAGE: Oid = &[2, 5, 29, 37];
/// id-kp-serverAuth.
pub const SERVER_AUTH: Oid = &[1, 3, 6, 1, 5, 5, 7, 3, 1];
/// id-kp-clientAuth.
pub const CLIENT_AUTH: Oid = &[1, 3, 6, 1, 5, 5, 7, 3, 2];
/// id-kp-codeSigning.
pub const CODE_SIGNING: Oid = &[1, 3, 6, 1, 5, 5, 7, 3, 3];
/// tcg-kp-EKCertificate (TCG OID registry).
pub const TCG_EK_CERTIFICATE: Oid = &[2, 23, 133, 8, 1];
/// id-ce-cRLNumber (RFC 5280, section 5.2.3).
pub const CRL_NUMBER: Oid = &[2, 5, 29, 20];
/// id-ce-cRLReasons (RFC 5280, section 5.3.1).
pub const REASON_CODE: Oid = &[2, 5, 29, 21];
/// id-ce-cRLDistributionPoints (RFC 5280, section 4.2.1.13).
pub const CRL_DISTRIBUTION_POINTS: Oid = &[2, 5, 29, 31];
/// id-ce-authorityKeyIdentifier (RFC 5280, section 4.2.1.1).
pub const AUTHORITY_KEY_IDENTIFIER: Oid = &[2, 5, 29, 35];
