//! The key pair of the circuit and its file. In: a number of accounts and a seed; out: ark-groth16's proving key, which
//! holds the verifying key. File: [`MAGIC`], the number of accounts (u32, big endian), the key (ark-serialize,
//! uncompressed).
//!
//! The file is the prover's own, so its points are not checked one by one, which takes seconds; a damaged key is found when
//! the proof is verified before it is written.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write as _},
    path::Path,
};

use ark_bn254::{Bn254, Fr};
use ark_groth16::{Groth16, ProvingKey};
use ark_serialize::{CanonicalDeserialize as _, CanonicalSerialize as _};
use ark_snark::SNARK as _;
use ark_std::rand::{SeedableRng as _, rngs::StdRng};
use sha2::{Digest as _, Sha256};

use crate::{Account, Commitment, Error, Hashes, Solvency, tree::check_count};

const MAGIC: &[u8; 32] = b"prooftrail-demo solvency key v1\n";

/// A key pair.
pub struct Keys {
    /// How many accounts the circuit has.
    pub accounts: usize,
    /// The proving key, with the verifying key in it.
    pub proving: ProvingKey<Bn254>,
}

impl Keys {
    /// Makes a key pair. **For demonstration only**: whoever knows the seed knows the trapdoor and can forge proofs. A
    /// setup in earnest is a ceremony in which it is enough that one of many parties is honest.
    ///
    /// # Errors
    /// [`Error::Accounts`] or [`Error::Synthesis`].
    pub fn generate(hashes: &Hashes, accounts: usize, seed: &str) -> Result<Self, Error> {
        check_count(accounts)?;
        let seed = Sha256::new_with_prefix("prooftrail-demo/setup/v1\0").chain_update(seed).finalize();
        let mut chance = StdRng::from_seed(seed.into());
        let nobody = Account { id: Fr::default(), balance: Fr::default() };
        let circuit = Solvency {
            hashes,
            accounts: &vec![nobody; accounts],
            claimed: Commitment { root: Fr::default(), total: Fr::default() },
        };
        let (proving, _) = Groth16::<Bn254>::circuit_specific_setup(circuit, &mut chance)
            .map_err(|error| Error::Synthesis(error.to_string()))?;
        Ok(Self { accounts, proving })
    }

    /// Writes the proving key.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::Io { place: path.display().to_string(), source };
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        file.write_all(MAGIC).map_err(failed)?;
        let accounts = u32::try_from(self.accounts).unwrap_or(u32::MAX);
        file.write_all(&accounts.to_be_bytes()).map_err(failed)?;
        self.proving.serialize_uncompressed(&mut file).map_err(|error| failed(std::io::Error::other(error)))?;
        file.flush().map_err(failed)
    }

    /// Reads a proving key.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::ProvingKey`], [`Error::Accounts`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Io { place: path.display().to_string(), source };
        let foreign = || Error::ProvingKey(path.to_owned());
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let (mut magic, mut accounts) = ([0; MAGIC.len()], [0; 4]);
        file.read_exact(&mut magic).map_err(|_| foreign())?;
        file.read_exact(&mut accounts).map_err(|_| foreign())?;
        if magic != *MAGIC {
            return Err(foreign());
        }
        let accounts = usize::try_from(u32::from_be_bytes(accounts)).unwrap_or(usize::MAX);
        check_count(accounts)?;
        let proving = ProvingKey::deserialize_uncompressed_unchecked(&mut file).map_err(|_| foreign())?;
        Ok(Self { accounts, proving })
    }
}
