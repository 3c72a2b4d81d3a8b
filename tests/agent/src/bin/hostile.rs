//! A command that tries every way out that it knows, and writes to the file of its argument which of them were open.

use std::{
    fs::{self, File},
    io::{self, Read},
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::net::{UnixDatagram, UnixStream},
};

use rustix::net::{AddressFamily, SocketType, socket};

fn main() -> io::Result<()> {
    let open = |name: &str| File::open(name).map(|_| ());
    let ways: [(&str, io::Result<()>); 11] = [
        ("udp", UdpSocket::bind("127.0.0.1:0").map(|_| ())),
        ("tcp", TcpStream::connect("127.0.0.1:1").map(|_| ())),
        ("tcp6 listener", TcpListener::bind("[::1]:0").map(|_| ())),
        ("unix", UnixDatagram::unbound().map(|_| ())),
        ("launcher", UnixStream::connect("/run/container_launcher/teeserver.sock").map(|_| ())),
        ("vsock", socket(AddressFamily::VSOCK, SocketType::STREAM, None).map(|_| ()).map_err(Into::into)),
        ("netlink", socket(AddressFamily::NETLINK, SocketType::RAW, None).map(|_| ()).map_err(Into::into)),
        ("nsm", open("/dev/nsm")),
        ("kmsg", open("/dev/kmsg")),
        ("agent's memory", File::open("/proc/1/mem").and_then(|mut memory| memory.read_exact(&mut [0]))),
        ("disk", fs::write("/tmp/prover-agent-hostile", "witness")),
    ];
    // A socket that only failed to connect was made all the same.
    let refused = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound | io::ErrorKind::ReadOnlyFilesystem
        ) || error.raw_os_error() == Some(5)
    };
    let mut found = String::new();
    for (name, outcome) in &ways {
        match outcome {
            Err(error) if refused(error) => {}
            Err(error) => found.push_str(&format!("{name}: {error}\n")),
            Ok(()) => found.push_str(&format!("{name}: open\n")),
        }
    }
    io::copy(&mut io::stdin(), &mut io::stdout())?;
    let to = std::env::args_os().nth(1).unwrap_or_default();
    fs::write(to, format!("{} ways tried\n{found}", ways.len()))
}
