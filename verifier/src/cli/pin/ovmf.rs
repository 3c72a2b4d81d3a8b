//! `prooftrail pin ovmf`: launch digests of SEV-SNP guests, for every number and model of virtual CPUs that is meant.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;

use crate::{
    cli::{
        Ended, files,
        output::{Output, plain},
    },
    pin::snp::{
        BootHashes, CpuModel, Firmware, Hypervisor, Launch, MAX_CPUS, MAX_FIRMWARE_BYTES, Measurement, measure,
        to_policy_toml,
    },
};

/// MEASUREMENT of SEV-SNP guests that are started with an OVMF image.
#[derive(Args, Debug)]
#[command(after_help = "\
The digest depends on how many virtual CPUs the guest has and, under QEMU, of which model they are: name all that you \
start. It depends on the kernel, the initrd and the command line only where they are given here and QEMU is started \
with kernel-hashes=on; else the firmware boots what it finds.

Exit status: 0 measured, 2 not an image in order, or I/O.

Examples:
  prooftrail pin ovmf OVMF.fd --kernel bzImage --initrd initrd --append 'console=ttyS0' \\
      --vcpus 1,2,4 --vcpu-type EPYC-v4,EPYC-Genoa
  prooftrail pin ovmf ovmf_img.fd --vmm ec2 --vcpus 2 --policy-reference guest >> guest.policy.toml")]
pub(in crate::cli) struct Ovmf {
    /// The firmware image.
    file: PathBuf,
    /// A kernel that the firmware boots directly.
    #[arg(long, value_name = "FILE")]
    kernel: Option<PathBuf>,
    /// Its initrd.
    #[arg(long, value_name = "FILE", requires = "kernel")]
    initrd: Option<PathBuf>,
    /// Its command line, letter for letter.
    #[arg(long, value_name = "TEXT", requires = "kernel", allow_hyphen_values = true)]
    append: Option<String>,
    /// Numbers of virtual CPUs.
    #[arg(long, value_name = "N,…", value_delimiter = ',', required = true,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_CPUS)))]
    vcpus: Vec<u32>,
    /// Models of virtual CPUs, as QEMU calls them; needed for QEMU, and of no consequence elsewhere.
    #[arg(long, value_name = "MODEL,…", value_delimiter = ',', value_parser = parse_model)]
    vcpu_type: Vec<Model>,
    /// Who starts the guest: qemu, ec2 or gce.
    #[arg(long, value_name = "VMM", default_value = "qemu", value_parser = parse_hypervisor)]
    vmm: Hypervisor,
    /// SEV_FEATURES of the virtual CPUs: 0x1 is SNP alone; kernels with DebugSwap start guests with 0x21.
    #[arg(long, value_name = "BITS", default_value = "0x1", value_parser = parse_features)]
    guest_features: u64,
    /// Print a [[reference]] table for a policy, under this name, instead.
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    policy_reference: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A model with the name that it was given by.
#[derive(Clone, Debug)]
struct Model {
    name: String,
    cpu: CpuModel,
}

impl Ovmf {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        let firmware = Firmware::read(files::read_at_most(&self.file, MAX_FIRMWARE_BYTES)?)
            .with_context(|| format!("cannot measure {}", self.file.display()))?;
        let boot = self.kernel.as_deref().map(|kernel| self.boot(kernel)).transpose()?;
        let launch =
            Launch { hypervisor: self.vmm, cpu: CpuModel::Naples, features: self.guest_features, boot: boot.as_ref() };
        let measured = self.measure(&firmware, launch)?;
        if self.json {
            output.json(&self.to_json(&measured, boot.is_some()))?;
        } else if let Some(name) = &self.policy_reference {
            output.line(to_policy_toml(name, launch, &measured).trim_end())?;
        } else {
            for Measurement { digest, cpus, model } in &measured {
                let model = model.as_ref().map(|model| format!(" {}", plain(model))).unwrap_or_default();
                output.line(format!("{}  {cpus} x vCPU{model}", hex::encode(digest)))?;
            }
            if boot.is_none() {
                output.line("note: no kernel was given; what these guests boot is not measured")?;
            }
        }
        Ok(Ended::Well)
    }

    /// Hashes what the firmware boots.
    fn boot(&self, kernel: &Path) -> anyhow::Result<BootHashes> {
        let open = |path: &Path| File::open(path).with_context(|| format!("cannot open {}", path.display()));
        let initrd = self.initrd.as_deref().map(open).transpose()?;
        BootHashes::of(open(kernel)?, initrd, self.append.as_deref().unwrap_or_default())
            .context("cannot read the kernel or the initrd")
    }

    /// Every model with every number, in the order given.
    fn measure(&self, firmware: &Firmware, launch: Launch<'_>) -> anyhow::Result<Vec<Measurement>> {
        let models: Vec<Option<&Model>> = match (self.vmm.tells_models_apart(), self.vcpu_type.as_slice()) {
            (true, []) => bail!("QEMU's guests differ by the model of their virtual CPUs: name it with --vcpu-type"),
            (true, models) => models.iter().map(Some).collect(),
            (false, _) => vec![None],
        };
        let mut measured = Vec::new();
        for model in models {
            let launch = Launch { cpu: model.map_or(launch.cpu, |model| model.cpu), ..launch };
            let digests = measure(firmware, launch, &self.vcpus)
                .with_context(|| format!("cannot measure {}", self.file.display()))?;
            let model = model.map(|model| model.name.clone());
            let guests = digests.into_iter().zip(&self.vcpus);
            measured.extend(guests.map(|(digest, &cpus)| Measurement { digest, cpus, model: model.clone() }));
        }
        Ok(measured)
    }

    fn to_json(&self, measured: &[Measurement], measures_kernel: bool) -> serde_json::Value {
        let guest = |Measurement { digest, cpus, model }: &Measurement| serde_json::json!({ "measurement": hex::encode(digest), "vcpus": cpus, "vcpu_type": model });
        serde_json::json!({
            "vmm": self.vmm.as_str(), "guest_features": self.guest_features, "kernel_measured": measures_kernel,
            "guests": measured.iter().map(guest).collect::<Vec<_>>(),
        })
    }
}

fn parse_model(text: &str) -> Result<Model, String> {
    let unknown =
        || format!("not a model that QEMU has for EPYC: {}", CpuModel::names().collect::<Vec<_>>().join(", "));
    CpuModel::of_name(text).map(|cpu| Model { name: text.to_owned(), cpu }).ok_or_else(unknown)
}

fn parse_hypervisor(text: &str) -> Result<Hypervisor, String> {
    let unknown = || Hypervisor::ALL.map(Hypervisor::as_str).join(", ");
    Hypervisor::ALL.into_iter().find(|known| known.as_str() == text).ok_or_else(unknown)
}

fn parse_features(text: &str) -> Result<u64, String> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
    .map_err(|error| error.to_string())
}
