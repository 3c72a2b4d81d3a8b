//! What the agent and the last stage of the shim say to each other, over a socket pair on the shim's standard input.
//!
//! One exchange: the agent sends the plan with the descriptors; the shim confines itself and answers with what it enforced;
//! the agent says go; the shim becomes the command, and the socket closes. A shim that fails says why. A message is a length of four bytes, big endian,
//! and JSON. Values of the environment travel here rather than in arguments, which other processes can read.

use std::{
    collections::BTreeMap,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Sandbox;

/// No message is longer: arguments and environment fit twice.
const MAX_MESSAGE: usize = 1 << 20;

/// Executable, standard input, output, error, and the witness's memory file.
const MAX_DESCRIPTORS: usize = 5;

/// How the command gets the witness.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WitnessChannel {
    /// On its standard input, which ends when the witness does.
    Stdin,
    /// As a sealed file in memory, whose path replaces `{witness}` in the arguments.
    Memfd,
}

/// What to run, and how it is confined.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The arguments, the program's name first; `{witness}` stands for the memory file.
    pub argv: Vec<String>,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// The working directory.
    pub directory: PathBuf,
    /// Folders in which files may be made and changed.
    pub writable: Vec<PathBuf>,
    /// Device nodes beyond the harmless ones (`/dev/nvidia0`).
    pub devices: Vec<PathBuf>,
    /// May it make sockets?
    pub network: bool,
    /// How the witness comes.
    pub witness: WitnessChannel,
}

/// The shim's answer.
#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// In force now.
    pub enforced: Vec<Sandbox>,
    /// What was not, and why.
    pub missing: Vec<String>,
}

/// How a stage answers: what it enforced; or why it could not, or could not become the command.
pub type Answer = Result<Report, String>;

/// Sends one byte with the descriptors, then the message.
pub(super) fn send_with(socket: &UnixStream, message: &impl Serialize, descriptors: &[&OwnedFd]) -> io::Result<()> {
    let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&borrowed)) {
        return Err(io::Error::other("too many descriptors for one message"));
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(b"d")], &mut ancillary, SendFlags::NOSIGNAL)?;
    send(socket, message)
}

/// Receives the descriptors (close-on-exec), then the message.
pub(super) fn receive_with<T: DeserializeOwned>(socket: &UnixStream) -> io::Result<(T, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let descriptors = ancillary
        .drain()
        .flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
            _ => Vec::new(),
        })
        .collect();
    Ok((receive(socket)?, descriptors))
}

/// Sends a message.
pub(super) fn send(mut socket: &UnixStream, message: &impl Serialize) -> io::Result<()> {
    let message = serde_json::to_vec(message)?;
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    socket.write_all(&length.to_be_bytes())?;
    socket.write_all(&message)
}

/// Receives a message.
pub(super) fn receive<T: DeserializeOwned>(socket: &UnixStream) -> io::Result<T> {
    read_message(socket)
}

/// Reads one message, and no byte beyond it.
///
/// # Errors
/// The source's; [`io::ErrorKind::InvalidData`] for a length beyond the cap and for what is no such message.
pub fn read_message<T: DeserializeOwned>(mut from: impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
    if length > MAX_MESSAGE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message too long"));
    }
    let mut message = vec![0; length];
    from.read_exact(&mut message)?;
    Ok(serde_json::from_slice(&message)?)
}
