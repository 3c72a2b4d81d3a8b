//! Runs in good order: what is attested, opened, run and recorded.

use std::{fs, process::Stdio, thread, time::Duration};

use prooftrail_protocol::{sha256, sha384};

use crate::{
    agent::{AGENT, HOSTILE, Run, WITNESS},
    service::{Act, Service, leaf_hash},
};

#[test]
fn a_witness_is_opened_for_the_command_and_its_proof_is_recorded() {
    let service = Service::start(|_, _| Act::Answer);
    let run = Run::new("good", &service, "cat > input; printf proof > \"$0\"; printf 7 > public");
    let mut run = run.with(&["--system", "some-system", "--vk", "vk", "--public", "public", "--env", "PATH"]);
    fs::write(run.folder.join("vk"), "vk").unwrap();
    run.command.push("{proof}".to_owned());
    let ended = run.run();
    assert_eq!(ended.status, 0);
    assert_eq!(ended.names(), ["confined", "challenged", "attested", "released", "ended", "registered"]);
    assert_eq!(run.file("input").unwrap(), WITNESS);

    let seen = service.seen.lock().unwrap();
    let [(record, request)] = seen.records.as_slice() else { panic!("one record") };
    let [statement] = seen.statements.as_slice() else { panic!("one statement") };
    let file = run.file("witness.age").unwrap();
    let header_end = file.windows(4).position(|window| window == b"\n---").unwrap() + 1;
    let header_end = header_end + file[header_end..].iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let header = sha384(&[&file[..header_end]]);
    assert_eq!(statement.argv, run.command);
    assert_eq!(statement.executable_sha384, sha384(&[&fs::read("/bin/sh").unwrap()]));
    assert_eq!(statement.environment.iter().collect::<Vec<_>>(), ["PATH"]);
    assert_eq!(statement.witness_header_sha384, Some(header));
    let confined = ended.event("confined");
    assert_eq!(serde_json::json!(statement.sandbox), confined["sandbox"]);
    for missing in confined["missing"].as_array().unwrap() {
        println!("skipped: {missing}");
    }
    assert_eq!(record.release_leaf_hash, leaf_hash());
    assert_eq!(record.statement_sha384, statement.sha384());
    assert_eq!(record.witness_header_sha384, header);
    assert_eq!(record.witness_sha256, sha256(&[&file]));
    assert_eq!(record.system.as_deref(), Some("some-system"));
    assert_eq!(record.vk_sha256, Some(sha256(&[b"vk"])));
    assert_eq!(record.public_sha256, Some(sha256(&[b"7"])));
    assert_eq!(record.proof_sha256, Some(sha256(&[b"proof"])));
    assert_eq!((record.exit_status, record.sequence), (0, 0));
    assert_eq!(request.proof.as_ref().unwrap().0, b"proof");
}

#[test]
fn a_command_that_fails_or_leaves_no_proof_is_recorded_as_that() {
    for (name, script, limit, status) in [
        ("fails", "printf proof > \"$0\"; exit 9", "60", 9),
        ("no-proof", "cat > /dev/null", "60", 125),
        ("too-long", "sleep 60", "1", 124),
        ("signal", "kill -SEGV $$", "60", 139),
    ] {
        let service = Service::start(|_, _| Act::Answer);
        let mut run = Run::new(name, &service, script).with(&["--limit", limit]);
        run.command.push("{proof}".to_owned());
        let ended = run.run();
        assert_eq!(ended.status, 3, "{name}");
        assert_eq!(ended.event("ended")["exit_status"], status, "{name}");
        let seen = service.seen.lock().unwrap();
        let [(record, request)] = seen.records.as_slice() else { panic!("one record") };
        assert_eq!((i64::from(record.exit_status), record.proof_sha256), (status, None));
        assert_eq!(request.proof, None);
        assert_eq!(record.witness_sha256, sha256(&[&run.file("witness.age").unwrap()]));
    }
}

#[test]
fn a_hostile_command_finds_no_way_out_and_its_words_go_nowhere() {
    let service = Service::start(|_, _| Act::Answer);
    let mut run = Run::new("hostile", &service, "");
    run.command = vec![HOSTILE.to_owned(), "{proof}".to_owned()];
    let ended = run.run();
    assert_eq!(ended.status, 0);
    let secret = std::str::from_utf8(WITNESS).unwrap().trim();
    assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret));
    assert_eq!(ended.event("ended")["stdout_bytes"], WITNESS.len());
    if !ended.event("confined")["missing"].as_array().unwrap().is_empty() {
        println!("skipped: this machine withholds part of the sandbox");
        return;
    }
    assert_eq!(String::from_utf8(run.file("proof").unwrap()).unwrap(), "11 ways tried\n");
}

#[test]
fn a_large_witness_passes_in_constant_memory() {
    let service = Service::start(|_, _| Act::Answer);
    let witness = vec![b'w'; 64 << 20];
    let mut run = Run::on("large", &service, &witness, "wc -c > \"$0\"");
    run.command.push("{proof}".to_owned());
    // The agent's own pages, not the machine's: an address space of 1 GiB would not hold a copy per chunk, and a resident
    // set is measured by the kernel.
    let mut agent = run.command().stdout(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while agent.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", agent.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0);
        peak = peak.max(now);
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(run.file("proof").unwrap(), b"67108864\n");
    assert!((1..48_000).contains(&peak), "{peak} kB");
}

#[test]
fn a_killed_agent_takes_its_command_along() {
    let service = Service::start(|_, _| Act::Answer);
    let run = Run::new("killed", &service, "setsid sh -c 'while :; do date +%s%N > beat; sleep 0.02; done' & wait");
    let mut agent = run.command().stdout(Stdio::null()).spawn().unwrap();
    let beats = || run.file("beat");
    for _ in 0..500 {
        if beats().is_some() {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert!(beats().is_some(), "the command never ran");
    agent.kill().unwrap();
    agent.wait().unwrap();
    thread::sleep(Duration::from_millis(300));
    let last = beats();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(beats(), last, "the command outlived its agent");
    assert!(service.seen.lock().unwrap().records.is_empty());
}

#[test]
fn a_relay_carries_the_run_and_counts() {
    let service = Service::start(|_, _| Act::Answer);
    let mut run = Run::new("relay", &service, "printf proof > \"$0\"").with(&["--via", "unix:relay.sock"]);
    run.command.push("{proof}".to_owned());
    let mut relay = std::process::Command::new(AGENT)
        .args(["relay", "--listen", "unix:relay.sock", "--for", "4", "--json"])
        .args(["--to", &format!("127.0.0.1:{}", service.port)])
        .current_dir(&run.folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..200 {
        if run.folder.join("relay.sock").exists() {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(run.run().status, 0);
    let mut log = String::new();
    std::io::Read::read_to_string(&mut relay.stdout.take().unwrap(), &mut log).unwrap();
    assert!(relay.wait().unwrap().success());
    let events: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.first().unwrap()["event"], "listening");
    let stopped = events.last().unwrap();
    assert_eq!((&stopped["event"], &stopped["connections"]), (&"stopped".into(), &3.into()));
    let bodies: u64 =
        service.seen.lock().unwrap().requests.iter().map(|(_, body)| u64::try_from(body.len()).unwrap()).sum();
    assert!(stopped["sent"].as_u64().unwrap() > bodies && stopped["received"].as_u64().unwrap() > 0);
}
