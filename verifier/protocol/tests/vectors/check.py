"""Computes the test vectors again from docs/protocol.md alone, with no code of Prooftrail's."""

import base64
import hashlib
import hmac
import json
import pathlib

V = json.loads((pathlib.Path(__file__).parent / "protocol.json").read_text())
checked = 0


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 1 << 8 * size:
            return bytes([major << 5 | code]) + n.to_bytes(size, "big")


def cbor(v):
    """Deterministic CBOR of None, integers, bytes, text, lists and maps with text keys."""
    if v is None:
        return b"\xf6"
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, list):
        return head(4, len(v)) + b"".join(map(cbor, v))
    entries = sorted((cbor(k), cbor(x)) for k, x in v.items())
    return head(5, len(entries)) + b"".join(k + x for k, x in entries)


def same(have, need):
    global checked
    assert have.hex() == need, f"{have.hex()} is not {need}"
    checked += 1


def sha384(b):
    return hashlib.sha384(b).digest()


x = bytes.fromhex
c, n, s, b, r, p, q = (V[k] for k in ("challenge", "context", "statement", "binding", "release", "proof", "session_request"))

# Challenge: nonce and token.
note = c["checkpoint"].encode()
nonce = hashlib.sha256(cbor(["prooftrail/challenge/v1", x(c["random"]), note, c["recovery_epoch"]])).digest()
same(nonce, c["nonce"])
first_six = [1, x(c["random"]), note, c["recovery_epoch"], c["issued_ms"], c["expires_ms"]]
mac = hmac.new(x(c["fleet_key"]), b"prooftrail/challenge-token/v1" + cbor(first_six), "sha256").digest()
same(cbor(first_six + [mac]), base64.urlsafe_b64decode(c["token"] + "=" * (-len(c["token"]) % 4)).hex())

# Context and statement.
context = ["prooftrail/context/v1", n["log_origin"], nonce, n["purpose"], [n["key"], n["version"]], n["suite"],
           x(n["recipient_spki"]), x(n["proof_key"])]
same(cbor(context), n["cbor"])
same(sha384(cbor(context)), n["sha384"])
header_sha384 = sha384(x(s["witness_header"]))
statement = cbor({
    "agent_version": s["agent_version"], "executable_sha384": x(s["executable_sha384"]), "argv": s["argv"],
    "environment": sorted(s["environment"]), "sandbox": sorted(s["sandbox"]), "witness_header_sha384": header_sha384,
})
same(statement, s["cbor"])
same(sha384(cbor(s["argv"])), s["argv_sha384"])

# Binding.
attached = cbor(["prooftrail/attached/v1", "nvidia-gpu", context])
same(sha384(attached), b["attached_nvidia_gpu_sha384"])
same(hashlib.sha256(attached).digest(), b["attached_nvidia_gpu_sha256"])
others = sorted([o["kind"], sha384(x(o["evidence"]))] for o in b["others"])
primary = ["prooftrail/primary/v1", "aws-nitro", sha384(cbor(context)), sha384(statement), others]
same(sha384(cbor(primary)), b["primary_aws_nitro"])

# Terms, proof record, session's request.
evidence = [[kind, x(digest)] for kind, digest in (e.split(":") for e in r["evidence"])]
same(cbor(["prooftrail/terms/v1", n["log_origin"], x(r["release_id"]), sha384(cbor(context)), n["key"], n["version"],
           n["purpose"], x(r["policy_digest"]), evidence, header_sha384, r["expires_ms"]]), r["terms"])
same(cbor(["prooftrail/proof/v1", x(p["release_leaf_hash"]), x(r["release_id"]), 0, sha384(statement), header_sha384,
           x(p["witness_sha256"]), p["system"], x(p["vk_sha256"]), x(p["public_sha256"]), x(p["proof_sha256"]), 0,
           p["started_ms"], p["ended_ms"]]), p["cbor"])
same(cbor([x(r["release_id"]), q["sequence"], sha384(x(q["header"]))]), q["cbor"])

print(f"{checked} values are the specification's")
