//! `prooftrail seal`: encrypts a witness to a key of a service, in the format of age (C2SP age): what the stock tool makes
//! as well. Nothing but the public half is needed, and nothing leaves this machine.

use std::{
    fs::File,
    io::{self, BufWriter, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    str::FromStr,
};

use age::x25519::Recipient;
use anyhow::{Context, bail};
use clap::Parser;
use serde_json::json;

use super::{Ended, client, output::Output};

/// Arguments of `seal`.
#[derive(Debug, Parser)]
#[command(after_help = "\
`age -r age1… -o FILE.age FILE` makes the same.

Examples:
  prooftrail seal --key age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudmfg36sz8jxau witness.json
  prooftrail seal --key https://prooftrail.example.com#reserves witness.json --output witness.age")]
pub(super) struct Args {
    /// The key's public half, or URL#NAME of a service that gives it out.
    #[arg(long, value_name = "PUB | URL#NAME")]
    key: String,
    /// The project of a key that is named by URL#NAME [default: default].
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// The witness; `-` is standard input.
    file: PathBuf,
    /// Where to write it [default: FILE.age].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        let Self { key, project, file, output: to, json } = self;
        let recipient = resolve(&key, project.as_deref())?;
        let to = match to {
            Some(to) => to,
            None if file.as_os_str() == "-" => bail!("name an --output for what comes from standard input"),
            None => {
                let mut name = file.clone().into_os_string();
                name.push(".age");
                PathBuf::from(name)
            }
        };
        let bytes = seal(&recipient, &file, &to)?;
        if json {
            let recipient = recipient.to_string();
            output.json(&json!({ "recipient": recipient, "output": to.display().to_string(), "bytes": bytes }))?;
        } else {
            output.line(format!("{} sealed to {recipient}", to.display()))?;
        }
        Ok(Ended::Well)
    }
}

/// The recipient itself, or the one that a service gives out.
fn resolve(key: &str, project: Option<&str>) -> anyhow::Result<Recipient> {
    let text = if key.starts_with("age1") {
        key.to_owned()
    } else {
        let url = reqwest::Url::parse(key).with_context(|| format!("{key} is neither age1… nor URL#NAME"))?;
        let Some(name) = url.fragment().filter(|name| !name.is_empty()) else {
            bail!("which key of {key}? URL#NAME");
        };
        let answer = client::ask_openly(&url, project, &["v1", "keys", name, "recipient"])?;
        answer.get("recipient").and_then(|text| text.as_str()).unwrap_or_default().to_owned()
    };
    Recipient::from_str(&text).map_err(|reason| anyhow::anyhow!("{text:.80} is no recipient of age: {reason}"))
}

/// Encrypts in chunks, so that a witness of gigabytes needs no memory. A file that is there is not overwritten.
fn seal(recipient: &Recipient, from: &Path, to: &Path) -> anyhow::Result<u64> {
    let mut source: Box<dyn Read> = if from.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(from).with_context(|| format!("cannot open {}", from.display()))?)
    };
    let recipients = std::iter::once::<&dyn age::Recipient>(recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).context("cannot encrypt")?;
    let target = File::options().create_new(true).write(true).mode(0o600).open(to);
    let target = target.with_context(|| format!("cannot create {}", to.display()))?;
    let sealed = (|| {
        let mut writer = encryptor.wrap_output(BufWriter::new(target))?;
        let bytes = io::copy(&mut source, &mut writer)?;
        writer.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok::<_, io::Error>(bytes)
    })();
    sealed.map_err(|error| {
        // Half a witness is worse than none; if even this fails, the error says enough.
        let _ = std::fs::remove_file(to);
        anyhow::Error::new(error).context(format!("cannot write {}", to.display()))
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{resolve, seal};

    #[test]
    fn what_was_sealed_opens_with_the_identity_and_is_not_overwritten() {
        let folder = std::env::temp_dir().join(format!("prooftrail-seal-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let [from, to] = ["witness", "witness.age"].map(|name| folder.join(name));
        let witness = vec![7; 200_000];
        std::fs::write(&from, &witness).unwrap();
        let identity = age::x25519::Identity::generate();
        let recipient = resolve(&identity.to_public().to_string(), None).unwrap();
        assert_eq!(seal(&recipient, &from, &to).unwrap(), 200_000);
        let sealed = std::fs::read(&to).unwrap();
        assert!(sealed.starts_with(b"age-encryption.org/v1\n"));
        let decryptor = age::Decryptor::new(&*sealed).unwrap();
        let mut opened = Vec::new();
        let identity: &dyn age::Identity = &identity;
        decryptor.decrypt(std::iter::once(identity)).unwrap().read_to_end(&mut opened).unwrap();
        assert_eq!(opened, witness);
        assert!(seal(&recipient, &from, &to).is_err());
        assert_eq!(std::fs::read(&to).unwrap(), sealed);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_key_is_a_recipient_or_named_by_its_service() {
        for bad in ["age1", "reserves", "https://example.com", "https://example.com#", "AGE-SECRET-KEY-1X"] {
            assert!(resolve(bad, None).is_err(), "{bad}");
        }
    }
}
