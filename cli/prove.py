"""Proofs to hand on: one entry in a log, one log the beginning of itself later."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.homes import Home, Json, OpenHome, open_home
from cli.monthfile import check_bundle
from cli.output import emit, guarded, name_of, out, say, table
from cli.papercheck import Check, check_document, finish
from cli.subject import form_of, read_subject
from cli.trust import log_policy
from cli.unpack import is_bundle
from ledger import log as logs
from ledger import tree
from ledger.errors import FormError, UncheckableError
from ledger.note import base64_of
from ledger.policy import parse_policy
from ledger.proof import verify_consistency
from ledger.prooffile import (
    ProofFile,
    check_proof_file,
    format_proof_file,
    parse_proof_file,
)
from ledger.table import log_key
from node import heads
from node.heads import KnownHead

Log = Annotated[str, typer.Option("--log", help="whose log")]


def prove(
    home: Home,
    log: Log,
    index: Annotated[int, typer.Option("--index", min=0, help="which entry")],
    out_file: Annotated[Path, typer.Option("--out", help="the .tlog-proof file to write")],
    leaf_out: Annotated[Path, typer.Option("--leaf-out", help="the entry's bytes, as a file")],
    as_json: Json = False,
) -> None:
    """Write the proof that an entry stands in a log, and the entry itself."""

    def act() -> KnownHead:
        with open_home(home) as opened:
            return write_proof(opened, log, index, out_file, leaf_out)

    head = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, "log": log, "index": index, "size": head.size, "root": head.root.hex()})
    else:
        out().print(
            say(
                f"{name_of(log)} #{index} at size {head.size}: {out_file}, {leaf_out}",
                f"{name_of(log)} #{index}（日志大小 {head.size}）：{out_file}，{leaf_out}",
            )
        )


def write_proof(
    opened: OpenHome, log: str, index: int, out_file: Path, leaf_out: Path
) -> KnownHead:
    """Write the proof file of an entry and its leaf; return the head they lead to.

    Raises:
        FormError: A file exists, or the index lies above the cosigned head.
        UncheckableError: No quorum-cosigned head of the log is known here.
    """
    for path in (out_file, leaf_out):
        if path.exists():
            raise FormError(str(path), "a file that does not exist yet")
    head = _head(opened, log)
    if index >= head.size:
        raise FormError("--index", f"below {head.size}, the cosigned size", index)
    hashes = tree.inclusion_proof(opened.reader, log_key(log), index, head.size)
    leaf = logs.leaf(opened.reader, log_key(log), index)
    proof = ProofFile(index, tuple(hashes), head.note)
    policy = parse_policy(log_policy(opened.roster, log).encode())
    check_proof_file(proof, leaf, policy)  # never hand out what does not hold
    out_file.write_bytes(format_proof_file(proof))
    leaf_out.write_bytes(leaf)
    return head


def check(
    proof: Annotated[
        Path, typer.Argument(help="a .tlog-proof or .bundle file, or a table or notice")
    ],
    policy: Annotated[Path, typer.Option("--policy", help="the trust file")],
    leaf: Annotated[
        Path | None,
        typer.Option("--leaf", help="the entry's bytes (default: the .leaf beside the proof)"),
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--source", help="of a table or notice: a home or exported logs")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a proof file, recompute the month of a bundle, or a table or notice, without a node."""
    leaf = leaf or _leaf_beside(proof)
    if source is not None:
        made = guarded(lambda: _paper(proof, policy, leaf, source, as_json), as_json=as_json)
        finish(made, as_json=as_json)
    if guarded(lambda: _is_bundle(proof, leaf), as_json=as_json):
        check_bundle(proof, policy, as_json=as_json)
        return

    def act() -> dict[str, Any]:
        assert leaf is not None
        trust = parse_policy(_read(policy))
        proven = check_proof_file(parse_proof_file(_read(proof)), _read(leaf), trust)
        return {
            "ok": True,
            "origin": proven.checkpoint.origin,
            "index": proven.index,
            "size": proven.checkpoint.size,
            "root": proven.checkpoint.root.hex(),
            "cosigners": proven.cosigners,
            "policy": trust.fingerprint,
            "withstands": trust.withstood,
        }

    found = guarded(act, as_json=as_json)
    if as_json:
        emit(found)
        return
    cosigners = found["cosigners"]
    rows = [
        [say("log", "日志"), str(found["origin"])],
        [say("entry", "条目"), str(found["index"])],
        [say("size", "大小"), str(found["size"])],
        [say("root", "根"), str(found["root"])],
        [say("witnesses", "见证"), f"{len(cosigners)}: {', '.join(sorted(cosigners))}"],
        [say("policy", "信任文件"), str(found["policy"])],
        [say("withstands", "可承受"), _withstands(found["withstands"])],
    ]
    title = say("The entry is in the log", "该条目在日志中")
    out().print(table(title, [("", "left"), ("", "left")], rows))


def _paper(path: Path, policy: Path, leaf: Path | None, source: Path, as_json: bool) -> Check:
    if leaf is not None:
        raise FormError("--leaf", "no such option for a table or notice")
    return check_document(read_subject(path), source, policy, show=not as_json)


def _leaf_beside(proof: Path) -> Path | None:
    # `audit case --proof-dir` and most people give both files one name.
    leaf = proof.with_suffix(".leaf")
    return leaf if proof.suffix == ".tlog-proof" and leaf.is_file() else None


def _is_bundle(path: Path, leaf: Path | None) -> bool:
    if not path.is_file():
        raise FormError(str(path), "a readable file")
    if leaf is None and form_of(_read(path)[:64]) is not None:
        raise FormError("--source", "the logs against which a table or notice is checked")
    if is_bundle(path):
        if leaf is not None:
            raise FormError("--leaf", "no such option for a bundle: it holds its entries itself")
        return True
    if leaf is None:
        raise FormError("--leaf", "the entry's bytes beside a proof file")
    return False


def _withstands(count: int | None) -> str:
    if count is None:
        return say("it asks for no witness", "不要求见证")
    return say(f"{count} dishonest witnesses", f"{count} 个不诚实的见证者")


def consistency(
    home: Home,
    log: Log,
    start: Annotated[int, typer.Option("--from", min=1, help="the older size")],
    stop: Annotated[int, typer.Option("--to", min=1, help="the newer size")],
    as_json: Json = False,
) -> None:
    """Show the proof that a log at one size is the beginning of itself at another."""

    def act() -> dict[str, Any]:
        with open_home(home) as opened:
            held = logs.size(opened.reader, log_key(_member(opened, log)))
            if not start <= stop <= held:
                raise FormError("--from, --to", f"from <= to <= {held}", f"{start}, {stop}")
            key = log_key(log)
            path = tree.consistency_proof(opened.reader, key, start, stop)
            old, new = (tree.root_at(opened.reader, key, size) for size in (start, stop))
        verify_consistency(start, old, stop, new, path)
        return {
            "ok": True,
            "log": log,
            "from": {"size": start, "root": base64_of(old)},
            "to": {"size": stop, "root": base64_of(new)},
            "proof": [base64_of(item) for item in path],
        }

    found = guarded(act, as_json=as_json)
    if as_json:
        emit(found)
        return
    rows = [[name, str(found[name]["size"]), found[name]["root"]] for name in ("from", "to")]
    rows += [["", "", item] for item in found["proof"]]
    out().print(table(name_of(log), [("", "left"), ("", "right"), ("base64", "left")], rows))


def _member(opened: OpenHome, log: str) -> str:
    if log not in opened.roster.members:
        raise FormError("--log", f"one of {', '.join(opened.roster.codes)}", log)
    return log


def _head(opened: OpenHome, log: str) -> KnownHead:
    head = heads.load(opened.reader, _member(opened, log))
    if head is None:
        raise UncheckableError(f"{log}: no quorum-cosigned head is known here")
    return head


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FormError(str(path), "a readable file", error.strerror) from None
