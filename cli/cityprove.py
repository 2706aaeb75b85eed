"""`gongzhang city prove`: one case, the city row it is counted in, and what that leads to."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.city import computed
from cli.cityproof import (
    CentreLog,
    CityProof,
    Item,
    check_city_proof,
    format_city_proof,
    report_of,
)
from cli.homes import Home, Json, OpenHome, open_home
from cli.output import emit, guarded, name_of, out, say, yuan
from cli.trust import log_policy
from ledger import log, tree
from ledger.disk import write_durably
from ledger.errors import FormError, RefusedError, UncheckableError, VerificationError
from ledger.policy import parse_policy
from ledger.prooffile import ProofFile, format_proof_file
from ledger.table import log_key
from node import heads
from node.heads import KnownHead
from settlement.city import Cities, signed_by
from settlement.life import life_at, original_of
from settlement.lookup import entry_at, find_settlement
from settlement.party import CENTRE, province_of
from settlement.record import Reversal, Settlement
from settlement.share import Share, shares
from settlement.subclearing import Confirmed


def prove(
    setl_id: Annotated[str, typer.Argument(help="the settlement's id")],
    home: Home,
    out_file: Annotated[Path, typer.Option("--out", help="the file to write, JSON")],
    log_code: Annotated[
        str | None, typer.Option("--log", help="whose settlement, if several logs have the id")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the proof from one case over its city's row to the certificate, for an auditor.

    The cities of the month must be signed. Check the file with `gongzhang audit city`.
    """

    def act() -> dict[str, Any]:
        if out_file.exists():
            raise FormError(str(out_file), "a file that does not exist yet")
        with open_home(home) as opened:
            code, index = _find(opened, setl_id, log_code)
            month = _month(opened, code, index)
        with computed(home, month, None, show=not as_json) as (opened, found, batch):
            share = _share(opened, found, batch, code, index)
            proof = _proof(opened, found, batch, code, index)
            trust = parse_policy(log_policy(opened.roster, CENTRE).encode())
            shown = report_of(check_city_proof(proof, trust))  # never hand out what does not hold
        write_durably(out_file, format_city_proof(proof))
        return {**shown, "share": {"index": share.place, "fen": share.amounts.fen}}

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, "file": str(out_file), **value})
        return
    row, share = value["row"], value["share"]
    place = f"{name_of(value['entry']['log'])} #{value['entry']['index']}"
    fen = yuan(share["fen"])
    out().print(
        say(
            f"{place} is counted with {fen} yuan in the row of {row['city']} with "
            f"{name_of(row['counterpart'])}: {out_file}",
            f"{place} 以 {fen} 元计入 {row['city']} 与 {name_of(row['counterpart'])} 一行："
            f"{out_file}",
        ),
        markup=False,
    )


def _find(opened: OpenHome, setl_id: str, only: str | None) -> tuple[str, int]:
    """Return log and index of the case; its own province must be one of the two sides."""
    if only is not None and only not in opened.roster.participants:
        raise FormError("--log", f"one of {', '.join(opened.roster.participants)}", only)
    places = [
        (code, index)
        for code in opened.roster.participants
        if only in (None, code)
        and (index := find_settlement(opened.reader, code, setl_id)) is not None
    ]
    if not places:
        raise RefusedError("UNKNOWN", f"no log here has {setl_id}")
    own = [place for place in places if opened.config.code in _ends(opened, *place)]
    if not own:
        raise RefusedError("ROLE", f"{setl_id} concerns no city of {opened.config.code}")
    if len(own) > 1:
        logs = ", ".join(code for code, _ in own)
        raise FormError("--log", f"one of {logs}: each has {setl_id}")
    return own[0]


def _ends(opened: OpenHome, code: str, index: int) -> tuple[str, str]:
    record = entry_at(opened.reader, code, index)[1]
    assert isinstance(record, Settlement | Reversal)
    return code, province_of(record.insured_area)


def _month(opened: OpenHome, code: str, index: int) -> str:
    """Return the month whose batch cleared the case and whose cities this province has signed."""
    month = life_at(opened.reader, code, index)["batch"]
    if month is None:
        raise RefusedError("STATE", "no confirmed batch has cleared it")
    if signed_by(opened.reader, opened.config.code, month) is None:
        raise RefusedError("STATE", f"not signed yet: gongzhang city sign {month}")
    return str(month)


def _share(opened: OpenHome, found: Cities, batch: Confirmed, code: str, index: int) -> Share:
    """Return what the case adds to its row; what a dispute touched stands at its original."""
    signed = signed_by(opened.reader, found.province, found.month)
    if signed is None or signed[1] != found.record():
        raise VerificationError("another document was signed than the logs give", found.hash)
    record = entry_at(opened.reader, code, index)[1]
    assert isinstance(record, Settlement | Reversal)
    places = (index, original_of(opened.reader, code, index, record))
    mine = shares(opened.reader, batch.closes, code, [province_of(record.insured_area)])
    share = next((share for share in mine if share.place in places), None)
    if share is None:
        raise RefusedError("STATE", f"nothing of it is cleared by the batch of {found.month}")
    return share


def _proof(opened: OpenHome, found: Cities, batch: Confirmed, code: str, index: int) -> CityProof:
    signed = signed_by(opened.reader, found.province, found.month)
    assert signed is not None
    centre = _head(opened, CENTRE)
    leaves = list(log.leaves(opened.reader, log_key(CENTRE), 0, centre.size))
    return CityProof(
        format="gongzhang/city-proof/v1",
        province=found.province,
        entry=_item(opened, code, index),
        statement=_item(opened, found.province, signed[0]),
        document=found.document,
        result=batch.result.encode(),
        centre=CentreLog(centre.note.decode(), leaves),
    )


def _item(opened: OpenHome, code: str, index: int) -> Item:
    head = _head(opened, code)
    if index >= head.size:
        raise UncheckableError(f"{code} #{index} waits for cosignatures: none above {head.size}")
    path = tree.inclusion_proof(opened.reader, log_key(code), index, head.size)
    leaf = log.leaf(opened.reader, log_key(code), index)
    return Item(code, leaf, format_proof_file(ProofFile(index, tuple(path), head.note)).decode())


def _head(opened: OpenHome, code: str) -> KnownHead:
    head = heads.load(opened.reader, code)
    if head is None:
        raise UncheckableError(f"{code}: no quorum-cosigned head is known here")
    return head
