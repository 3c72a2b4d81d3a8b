//! The few commands of a TPM 2.0 that evidence needs: read an NV index, quote PCRs, read PCRs.
//!
//! TPM 2.0 Library, parts 2 and 3. A command goes out, a response comes back, over whatever carries both: the kernel's
//! resource manager (`/dev/tpmrm0`), or a socket of a software TPM in tests. Every response is capped and read strictly.

mod wire;

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
    thread,
    time::Duration,
};

use thiserror::Error;

use self::wire::{Command, Reader};

/// Where the kernel puts the TPM, the one with a resource manager first.
pub const DEVICES: [&str; 2] = ["/dev/tpmrm0", "/dev/tpm0"];

/// How many PCRs a bank has.
pub const PCRS: usize = 24;

/// No response is longer (TPM2_MAX_RESPONSE_SIZE of the field's TPMs).
const MAX_RESPONSE: usize = 4096;

/// Every TPM reads as much of an NV index at once (TPM_PT_NV_BUFFER_MAX is at least that).
const NV_CHUNK: u16 = 512;

/// An NV index is never larger here.
const MAX_NV: u16 = 16 << 10;

/// A TPM that is busy is asked again so often, after [`PAUSE`].
const TRIES: usize = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// TPM_RC_YIELDED, TPM_RC_TESTING, TPM_RC_RETRY: nothing happened, ask again.
const BUSY: [u32; 3] = [0x908, 0x90a, 0x922];

/// Why a TPM did not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TpmError {
    /// The device.
    #[error("the TPM cannot be used: {0}")]
    Io(#[from] io::Error),
    /// The TPM's reason (part 2, §6.6).
    #[error("the TPM refused {command} with {code:#x}")]
    Refused {
        /// What was asked.
        command: &'static str,
        /// TPM_RC.
        code: u32,
    },
    /// A response that is none.
    #[error("the TPM's answer to {0} is malformed")]
    Malformed(&'static str),
}

/// A quote of the SHA-256 bank.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quote {
    /// TPMS_ATTEST, as signed.
    pub message: Vec<u8>,
    /// The RSASSA signature.
    pub signature: Vec<u8>,
    /// All PCRs of the bank.
    pub pcrs: [[u8; 32]; PCRS],
}

/// A TPM behind whatever carries its commands.
#[derive(Debug)]
pub struct Tpm<T>(T);

/// The TPM of this machine, if there is one that may be opened.
///
/// # Errors
/// There is one that may not be.
pub fn open() -> io::Result<Option<Tpm<File>>> {
    let Some(path) = DEVICES.into_iter().find(|path| Path::new(path).exists()) else { return Ok(None) };
    OpenOptions::new().read(true).write(true).open(path).map(|device| Some(Tpm(device)))
}

impl<T: Read + Write> Tpm<T> {
    /// A TPM that reads commands from `transport`, and answers there.
    pub fn new(transport: T) -> Self {
        Self(transport)
    }

    /// The content of an NV index that its owner may read with an empty password; `None` where there is no such index.
    ///
    /// # Errors
    /// See [`TpmError`].
    pub fn nv_read(&mut self, index: u32) -> Result<Option<Vec<u8>>, TpmError> {
        let what = "TPM2_NV_ReadPublic";
        let public = match self.ask(what, Command::new(0x169).handle(index)) {
            // TPM_RC_HANDLE of the first handle: not defined.
            Err(TpmError::Refused { code: 0x18b, .. }) => return Ok(None),
            other => other?,
        };
        let mut public = Reader::new(&public);
        let size = (|| {
            let mut public = Reader::new(public.sized()?);
            let (_index, _algorithm, _attributes, _policy) =
                (public.u32()?, public.u16()?, public.u32()?, public.sized()?);
            public.u16()
        })();
        let size = size.filter(|&size| size <= MAX_NV).ok_or(TpmError::Malformed(what))?;
        let what = "TPM2_NV_Read";
        let mut content = Vec::with_capacity(usize::from(size));
        while content.len() < usize::from(size) {
            let offset = u16::try_from(content.len()).map_err(|_| TpmError::Malformed(what))?;
            let command = Command::new(0x14e)
                .handle(wire::OWNER)
                .handle(index)
                .password()
                .u16(NV_CHUNK.min(size - offset))
                .u16(offset);
            let response = self.ask(what, command)?;
            match Reader::new(&response).parameters().and_then(|mut parameters| parameters.sized().map(<[u8]>::to_vec))
            {
                Some(chunk) if !chunk.is_empty() => content.extend(chunk),
                _ => return Err(TpmError::Malformed(what)),
            }
        }
        Ok(Some(content))
    }

    /// A quote by the key `handle` (RSA, RSASSA with SHA-256) over `qualifying_data` and all PCRs of the SHA-256 bank, with
    /// the values that were quoted.
    ///
    /// # Errors
    /// See [`TpmError`]; also where PCRs change faster than they can be read.
    pub fn quote(&mut self, handle: u32, qualifying_data: &[u8]) -> Result<Quote, TpmError> {
        let what = "TPM2_Quote";
        for _ in 0..TRIES {
            let command = Command::new(0x158)
                .handle(handle)
                .password()
                .sized(qualifying_data)
                .u16(wire::RSASSA)
                .u16(wire::SHA256)
                .selection([0xff; 3]);
            let response = self.ask(what, command)?;
            let quoted = (|| {
                let mut parameters = Reader::new(&response).parameters()?;
                let message = parameters.sized()?.to_vec();
                let scheme = (parameters.u16()?, parameters.u16()?);
                (scheme == (wire::RSASSA, wire::SHA256)).then_some(())?;
                Some((message, parameters.sized()?.to_vec()))
            })();
            let (message, signature) = quoted.ok_or(TpmError::Malformed(what))?;
            let pcrs = self.pcrs()?;
            // The digest of the PCRs is the last field of the message.
            if message.ends_with(&wire::sha256(pcrs.as_flattened())) {
                return Ok(Quote { message, signature, pcrs });
            }
        }
        Err(io::Error::other("the PCRs change faster than they can be read").into())
    }

    /// All PCRs of the SHA-256 bank.
    fn pcrs(&mut self) -> Result<[[u8; 32]; PCRS], TpmError> {
        let what = "TPM2_PCR_Read";
        let mut pcrs = [[0; 32]; PCRS];
        // A response holds eight digests; each command asks for the eight of one byte of the selection.
        for (byte, eight) in pcrs.chunks_mut(8).enumerate() {
            let mut selection = [0; 3];
            if let Some(byte) = selection.get_mut(byte) {
                *byte = 0xff;
            }
            let response = self.ask(what, Command::new(0x17e).selection(selection))?;
            let read = (|| {
                let mut parameters = Reader::new(&response);
                let (_counter, _banks, _hash, _size) =
                    (parameters.u32()?, parameters.u32()?, parameters.u16()?, parameters.take(1)?);
                (parameters.take(3)? == selection && parameters.u32()? == 8).then_some(())?;
                for pcr in eight {
                    *pcr = parameters.sized()?.try_into().ok()?;
                }
                Some(())
            })();
            read.ok_or(TpmError::Malformed(what))?;
        }
        Ok(pcrs)
    }

    /// Sends a command; the response behind its header.
    fn ask(&mut self, what: &'static str, command: Command) -> Result<Vec<u8>, TpmError> {
        let command = command.finish();
        for _ in 0..TRIES {
            self.0.write_all(&command)?;
            self.0.flush()?;
            let response = self.receive().map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => TpmError::Malformed(what),
                _ => error.into(),
            })?;
            let mut reader = Reader::new(&response);
            let (_tag, _size, code) = (reader.u16(), reader.u32(), reader.u32());
            match code {
                Some(0) => return Ok(reader.rest().to_vec()),
                Some(code) if BUSY.contains(&code) => thread::sleep(PAUSE),
                Some(code) => return Err(TpmError::Refused { command: what, code }),
                None => return Err(TpmError::Malformed(what)),
            }
        }
        Err(io::Error::from(io::ErrorKind::TimedOut).into())
    }

    /// One response. A device hands it over in one read; a socket may need several.
    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut response = vec![0; MAX_RESPONSE];
        let mut filled = 0;
        loop {
            filled += match self.0.read(response.get_mut(filled..).unwrap_or_default())? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => read,
            };
            let mut reader = Reader::new(response.get(..filled).unwrap_or_default());
            let size = reader.u16().and_then(|_| reader.u32()).and_then(|size| usize::try_from(size).ok());
            match size {
                Some(size) if size > MAX_RESPONSE || size < filled => return Err(io::ErrorKind::InvalidData.into()),
                Some(size) if size == filled => {
                    response.truncate(filled);
                    return Ok(response);
                }
                _ => {}
            }
        }
    }
}
