//! The stock `age` tool: what it seals we unwrap, and what we call a key it takes.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use crate::fixture::{PLAINTEXT, decrypt, header_of, witness_key};

/// Runs a tool on an input; `None` where it is not installed.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let command = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = match command {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("skipped: {program} is not installed");
            return None;
        }
        Err(error) => panic!("{program}: {error}"),
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    Some(output.stdout)
}

#[test]
fn what_the_stock_tool_seals_opens() {
    let Some(file) = run("age", &["--encrypt", "--recipient", &witness_key().recipient()], PLAINTEXT) else { return };
    let file_key = witness_key().unwrap(header_of(&file)).unwrap();
    let decryptor = age::Decryptor::new_buffered(file.as_slice()).unwrap();
    let mut reader = decrypt(decryptor, &file_key).unwrap();
    let mut plaintext = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut plaintext).unwrap();
    assert_eq!(plaintext, PLAINTEXT);
}

#[test]
fn the_stock_tool_gives_our_keys_the_same_public_half() {
    let Some(recipient) = run("age-keygen", &["-y"], witness_key().expose().as_bytes()) else { return };
    assert_eq!(String::from_utf8(recipient).unwrap().trim(), witness_key().recipient());
}
