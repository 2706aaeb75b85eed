"""`gongzhang audit bundle`: everything one month rests on, in a file for whoever has no node."""

import hashlib
import os
import zlib
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from cli.homes import Home, Json, OpenHome, open_home
from cli.output import emit, guarded, out, say
from cli.unpack import Header, Part, format_header
from ledger import log, tree
from ledger.disk import sync_directory
from ledger.errors import FormError, UncheckableError
from ledger.table import log_key
from node import heads
from settlement import batch as batches
from settlement import leg as legs
from settlement.batch import Batch
from settlement.party import CENTRE
from settlement.period import check_month


def bundle(
    home: Home,
    month: Annotated[str, typer.Option("--month", help="YYYY-MM")],
    out_file: Annotated[Path, typer.Option("--out", help="the .bundle file to write")],
    as_json: Json = False,
) -> None:
    """Write everything one month rests on into one file, for `gongzhang audit check`."""

    def act() -> dict[str, Any]:
        check_month(month)
        if out_file.exists():
            raise FormError(str(out_file), "a file that does not exist yet")
        with open_home(home) as opened:
            header = plan(opened, month)
            size = write(opened, header, out_file)
        return {
            "month": month,
            "logs": len(header.parts),
            "entries": sum(part.entries for part in header.parts),
            "bytes": size,
        }

    made = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **made})
        return
    out().print(
        say(
            f"{month}: {made['entries']} entries of {made['logs']} logs, {made['bytes']} bytes: "
            f"{out_file}",
            f"{month}：{made['logs']} 本日志共 {made['entries']} 条条目，{made['bytes']} 字节："
            f"{out_file}",
        )
    )


def plan(opened: OpenHome, month: str) -> Header:
    """Return which entries of which logs the newest revision of a month rests on.

    Of the centre's log all that a quorum has cosigned: later key changes are needed for the heads.

    Raises:
        UncheckableError: The month has not been proposed, or a head it needs is not known here.
    """
    reader = opened.reader
    found = batches.latest_batch(reader, opened.founding, month)
    if found is None:
        raise UncheckableError(f"no batch of {month} is known here")
    # Only a final month rests on a fixed set of entries; of an open one everything is carried.
    wanted = needed(opened, month, found) if found.certificate_index is not None else None
    parts = []
    for code in opened.roster.codes:
        head = heads.load(reader, code)
        if head is None:
            if code == CENTRE or (wanted or {}).get(code):
                raise UncheckableError(f"{code}: no quorum-cosigned head is known here")
            continue
        whole = wanted is None or code == CENTRE
        size = head.size if wanted is None or whole else min(wanted.get(code, 0), head.size)
        if log.size(reader, log_key(code)) < size:
            raise UncheckableError(f"the copy of {code} ends below its cosigned head")
        if size:
            partial = size < head.size
            key = log_key(code)
            path = tree.consistency_proof(reader, key, size, head.size) if partial else []
            parts.append(Part(code, size, head.note, tuple(path)))
    return Header(month, tuple(parts))


def needed(opened: OpenHome, month: str, found: Batch) -> dict[str, int]:
    """Return how far each participant's log is needed: cut, statements, payments."""
    reader = opened.reader
    sizes = {head.code: head.size for head in found.proposal.cut}
    places = [*found.matches.values(), *found.mismatches.values()]
    for code in found.missing:
        places += batches.silences(reader, opened.founding, found, code)
    result = batches.result_of(reader, opened.founding, month, found.revision)
    for leg in legs.legs_of(reader, result):
        places += leg.entries
    for place in places:
        sizes[place.code] = max(sizes.get(place.code, 0), place.index + 1)
    return sizes


def write(opened: OpenHome, header: Header, path: Path) -> int:
    """Write a bundle durably; return its size in bytes. The same logs give the same bytes."""
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        digest = hashlib.sha256()
        _put(file, digest, format_header(header))
        deflate = zlib.compressobj(6)
        for part in header.parts:
            for leaf in log.leaves(opened.reader, log_key(part.code), 0, part.entries):
                _put(file, digest, deflate.compress(len(leaf).to_bytes(2, "big") + leaf))
        _put(file, digest, deflate.flush())
        file.write(digest.digest())
        file.flush()
        os.fsync(file.fileno())
        size = file.tell()
    beside.rename(path)
    sync_directory(path.parent)
    return size


def _put(file: BinaryIO, digest: Any, data: bytes) -> None:
    file.write(data)
    digest.update(data)
