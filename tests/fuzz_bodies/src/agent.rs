//! The agent: the scan for a witness's header, and the messages between the agent and the shim that becomes the command. What
//! is read is written again as the same, and reading ends where the message does.

use prooftrail_prover_agent::{
    child::{Answer, Plan, read_message},
    witness::header_length,
};

/// The start of a file that somebody says is a witness.
pub(crate) fn header(bytes: &[u8]) {
    let Some(length) = header_length(bytes) else { return };
    assert!(length <= bytes.len());
    let header = bytes.get(..length).unwrap_or_default();
    assert!(header.starts_with(b"age-encryption.org/v1\n") && header.ends_with(b"\n"));
    let last = header.split_inclusive(|&byte| byte == b'\n').next_back().unwrap_or_default();
    assert!(last.starts_with(b"---"), "it ends with the line of its MAC");
    // Whatever follows makes no difference, and a header that was cut off is none.
    assert_eq!(header_length(header), Some(length));
    assert_eq!(header_length(header.get(..length - 1).unwrap_or_default()), None);
}

/// A plan or a report, behind its length.
pub(crate) fn message(bytes: &[u8]) {
    fn one<T: serde::de::DeserializeOwned + serde::Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
        let mut rest = bytes;
        let Ok(read) = read_message::<T>(&mut rest) else { return };
        let said = bytes.first_chunk().map_or(0, |length| u32::from_be_bytes(*length));
        assert_eq!(u32::try_from(bytes.len() - rest.len()), Ok(said + 4), "no byte beyond it");
        let written = serde_json::to_vec(&read).unwrap_or_default();
        let length = u32::try_from(written.len()).unwrap_or(u32::MAX).to_be_bytes();
        let again = read_message::<T>([length.as_slice(), &written].concat().as_slice());
        assert_eq!(again.ok(), Some(read));
    }
    one::<Plan>(bytes);
    one::<Answer>(bytes);
}
