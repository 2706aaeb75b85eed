"""Erasing a person: what this vault keeps of them, and the vaults of where they were treated.

The log keeps its commitments and still verifies; nothing opens them any more. As long as anything
of the person is not cleared, or is in dispute, the case files are evidence: nothing is erased.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ledger import encoding
from ledger.errors import FormError, RefusedError
from ledger.table import Reader, Writer
from node import notices, persons
from node.message import MAX_IDS, ErasureNotice
from node.turn import Turn
from node.vault import DETERMINED, ERASED, HISTORY, INBOX, erase_received
from settlement import lookup
from settlement.casefile import decode_case
from settlement.life import explain, life_at
from settlement.party import province_of
from settlement.person import check_token, token_hash
from settlement.record import Barring, Registration
from settlement.registration import Filed

if TYPE_CHECKING:
    from node.province import Province

Place = tuple[str, str]
"""The treatment province and the id of a settlement or reversal."""


def erase(
    role: "Province",
    turn: Turn,
    token: str,
    cases: Sequence[Sequence[str]] | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Erase a person of this province; registrations in force end first.

    Args:
        cases: What `cases_of` has found, as (treatment, settlement id); None: look now.

    Raises:
        RefusedError: Nobody has this token (PERSON_UNKNOWN), or something of the person is not
            cleared yet (OPEN).
    """
    with role.vault.store.read() as vault:
        row = persons.known(vault, check_token(token))
        filed = persons.registrations_of(vault, token)
        barrings = persons.barrings(vault, token)
        found = cases_of(vault, token) if cases is None else [(t, i) for t, i in cases]
    places = _with_reversals(turn.writer, found)
    for place in places:
        _check_cleared(turn.writer, *place)
    ended = [
        _ended(f)
        for f in (persons.as_logged(turn.writer, role.code, f) for f in filed)
        if f.status != "terminated"
    ]
    told = _told(role.code, filed, places, barrings)

    def change(writer: Writer) -> None:
        persons.drop_person(writer, row)
        _drop_cases(writer, token, places)
        for to in notices.waiting(writer):
            notices.forget_guests(writer, to, set(row.registrations))
        for to, erasures in told.items():
            for erasure in erasures:
                notices.put(writer, to, erasure)

    if not dry_run:
        role.pending.enter(turn, [persons.entry_of(f) for f in ended], change)
        role.notices.outgoing |= told.keys()
    return {
        "token": token,
        "registrations": len(filed),
        "ended": len(ended),
        "cases": len(places),
        "told": sorted(told),
    }


def cases_of(vault: Reader, token: str) -> list[Place]:
    """Return whatever is kept of a person's treatment: claims, and case files with their number.

    Reads all case files that were delivered here.
    """
    row = persons.load(vault, token)
    prefix = token_hash(token)
    rows = vault.scan(HISTORY, prefix, prefix + b"\xff" * 9)
    found = {tuple(encoding.unpack(value)[:2]) for _, value in rows}
    if row is not None:
        found |= set(_files_of(vault, row.person.psn_no))
    return sorted((str(treatment), str(setl_id)) for treatment, setl_id in found)


def _files_of(vault: Reader, psn_no: str) -> Iterator[Place]:
    wanted = psn_no.encode()
    for key, value in vault.scan(INBOX, b"", b"\xff" * 80):
        # The number occurs in the bytes of its files; decoding the others would take much longer.
        if wanted in value:
            case, _ = encoding.unpack(value)
            try:
                number = decode_case(case).psn_no
            except FormError:
                number = psn_no  # it does not open its commitment either; keep nothing of it
            if number == psn_no:
                yield key[:6].decode(), key[6:].decode()


def _with_reversals(reader: Reader, found: Sequence[Place]) -> list[Place]:
    places = set(found)
    for treatment, setl_id in found:
        index = lookup.find_settlement(reader, treatment, setl_id)
        reversals = [] if index is None else lookup.reversals_of(reader, treatment, index)
        for reversal, _, _ in reversals:
            record = lookup.entry_at(reader, treatment, reversal)[1]
            places.add((treatment, record.setl_id))  # type: ignore[attr-defined]
    return sorted(places)


def _check_cleared(reader: Reader, treatment: str, setl_id: str) -> None:
    index = lookup.find_settlement(reader, treatment, setl_id)
    if index is None:
        raise RefusedError("OPEN", f"{setl_id} has no entry in the log of {treatment} yet")
    life = life_at(reader, treatment, index)
    if life["batch"] is None:
        state = explain(life["state"])["en"]
        raise RefusedError("OPEN", f"{setl_id} of {treatment} is not cleared: {state}")


def _ended(filed: Filed) -> Filed:
    return filed._replace(revision=filed.revision + 1, status="terminated")


def _told(
    code: str, filed: Sequence[Filed], places: Sequence[Place], barrings: Sequence[persons.Barred]
) -> dict[str, list[ErasureNotice]]:
    ids: dict[str, tuple[list[str], list[str], list[str]]] = {}
    for f in filed:
        to = province_of(f.content.destination)
        ids.setdefault(to, ([], [], []))[0].append(f.content.registration_id)
    for treatment, setl_id in places:
        ids.setdefault(treatment, ([], [], []))[1].append(setl_id)
    for barred in barrings:
        ids.setdefault(barred.treatment, ([], [], []))[2].append(barred.barring_id)
    ids.pop(code, None)
    return {to: list(_sliced(*of)) for to, of in ids.items()}


def _sliced(*ids: list[str]) -> Iterator[ErasureNotice]:
    for start in range(0, max(map(len, ids)), MAX_IDS):
        yield ErasureNotice(*(some[start : start + MAX_IDS] for some in ids))


def _drop_cases(writer: Writer, token: str, places: Sequence[Place]) -> None:
    for treatment, setl_id in places:
        erase_received(writer, treatment, setl_id)
        writer.delete(DETERMINED, treatment.encode() + setl_id.encode())
    prefix = token_hash(token)
    for key, _ in list(writer.scan(HISTORY, prefix, prefix + b"\xff" * 9)):
        writer.delete(HISTORY, key)


# --- once more, for a province whose vault came back from an old backup ---------------------------


def erase_again(
    role: "Province",
    turn: Turn,
    province: str,
    ids: Sequence[Sequence[str]] | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Tell a province again of everything that was erased here.

    Args:
        ids: What `erased_ids` has found; None: look now.

    Raises:
        FormError: No other participant.
    """
    if province not in role.roster.participants or province == role.code:
        raise FormError("province", "another participant", province)
    if ids is None:
        with role.vault.store.read() as vault:
            ids = erased_ids(turn.writer, vault, role.code, province)
    told = list(_sliced(*map(list, ids)))

    def change(writer: Writer) -> None:
        for erasure in told:
            notices.put(writer, province, erasure)

    if not dry_run and told:
        role.vault.store.transact(change)
        role.notices.outgoing.add(province)
    counts = zip(("registrations", "cases", "barrings"), map(len, ids), strict=True)
    return {"province": province, **dict(counts)}


def erased_ids(log: Reader, vault: Reader, code: str, province: str) -> Sequence[list[str]]:
    """Return the registrations, settlements and barrings of which this vault has nothing left.

    The places of erased case files say so themselves; of the others the logs have the ids.
    """
    rows = vault.scan(INBOX, province.encode(), province.encode() + b"\xff")
    cases = [key[6:].decode() for key, value in rows if value == ERASED]
    filed = {key[:-5].decode() for key, _ in lookup.places(log, Registration, code)}
    gone = [name for name in sorted(filed) if persons.registration(vault, name) is None]
    barred = []
    for _, index in lookup.places(log, Barring, province):
        record = lookup.entry_at(log, province, index)[1]
        assert isinstance(record, Barring)
        held = persons.barring_by_id(vault, province, record.barring_id)
        if record.insured == code and record.state == "barred" and held is None:
            barred.append(record.barring_id)
    return gone, cases, barred


ERASURE_ORDERS: dict[str, Callable[..., Any]] = {"erase": erase, "erase_again": erase_again}
