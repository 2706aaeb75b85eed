"""The proof of one case among the cities: its file, and what can be checked of it without any log.

    entry ──► row of a city ──► city document ──► CityStatement
                                     └──► pair sums ──► result ──► confirmation ──► certificate

The file is JSON and carries the whole log of the centre, for two reasons: every key follows from
it, none left out, and so does what was confirmed and certified. Of the two other logs it carries
one entry each with its inclusion proof. What such a file cannot show is said by `NOT_PROVED`, and
whoever has the logs recomputes it. Imports nothing from `node`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from cli.trust import log_policy
from cli.verify import Audit
from ledger.entry import Entry, decode_entry, verify_leaves
from ledger.errors import FormError, VerificationError
from ledger.hashing import hash_bytes
from ledger.policy import Policy, parse_policy
from ledger.prooffile import Proven, check_proof_file, parse_proof_file
from ledger.table import Reader
from settlement.batch import Batch, Result, batch_of
from settlement.city import Cities, read_document
from settlement.lookup import confirmed_proposals, ruleset_at
from settlement.netting import LegDue
from settlement.outcome import Text
from settlement.party import CENTRE, city_of, province_of
from settlement.record import CityStatement, Reversal, Settlement, decode_body
from settlement.resultdoc import read_result
from settlement.roster import Roster, claimed_size
from settlement.ruleset import parse_ruleset
from settlement.subclearing import tie_out
from settlement.totals import NOTHING, Amounts

MAX_FILE = 256 * 1024 * 1024

PROVED = (
    Text("the entry stands in its log, under a head that a quorum has cosigned",
         "该条目在其日志中，所在日志头已由法定数见证"),
    Text("it names this city, and the city document has a row for the city and the counterpart",
         "该条目所写地区属于该市，市级清算表中有该市与对方省的一行"),
    Text("the province has signed the hash of the city document, under a head that a quorum has "
         "cosigned",
         "该省已签认市级清算表的哈希，所在日志头已由法定数见证"),
    Text("the rows of the document add up to the province's pair sums of the confirmed result, for "
         "each counterpart and fund line",
         "清算表各行合计等于已确认结果中该省的双边金额，逐一对方、逐一基金分项"),
    Text("the centre has confirmed this result, and certified the month if a third number is "
         "shown, under a head that a quorum has cosigned",
         "中心已确认该结果（列有第三个编号时并已出具最终证书），所在日志头已由法定数见证"),
    Text("the legs shown are those of the confirmed result",
         "所列资金划拨即已确认结果中的划拨"),
)  # fmt: skip
NOT_PROVED = (
    Text("that the sum of the row contains exactly this entry and no invented one: whoever has the "
         "logs recomputes it (gongzhang audit verify, or audit city with the logs)",
         "该行合计恰好包含此条目且没有虚构的记录：须由持有日志者重算（gongzhang audit verify，"
         "或带日志的 audit city）"),
    Text("that the two entries of the provinces are not void, that no dispute held the case, and "
         "that enough provinces had attested: this too needs the logs",
         "两省的条目并非无效、该案未被争议扣留、签认已达法定数：同样须有日志"),
)  # fmt: skip


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a province's log and its proof file (C2SP tlog-proof)."""

    log: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{5}\Z")]
    leaf: Annotated[bytes, msgspec.Meta(max_length=65_535)]
    proof: str


class CentreLog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All leaves below a checkpoint of the centre."""

    checkpoint: str
    leaves: list[bytes]


class CityProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file; bytes are base64."""

    format: Literal["gongzhang/city-proof/v1"]
    province: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{5}\Z")]
    entry: Item
    statement: Item
    document: bytes
    result: bytes
    centre: CentreLog


def format_city_proof(proof: CityProof) -> bytes:
    """Return the bytes of a proof; the same proof always makes the same bytes."""
    return msgspec.json.format(msgspec.json.encode(proof), indent=1) + b"\n"


def parse_city_proof(data: bytes, place: str) -> CityProof:
    """Return a proof as its file says it; raises FormError for anything of another form."""
    if len(data) > MAX_FILE:
        raise FormError(place, f"at most {MAX_FILE} bytes", len(data))
    try:
        return msgspec.json.decode(data, type=CityProof, strict=True)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormError(place, f"a file made by `gongzhang city prove`: {error}") from None


class _CentreSource:
    """The centre's log of a proof as something that an audit reads."""

    def __init__(self, log: CentreLog) -> None:
        self._log = log

    def codes(self) -> list[str]:
        return [CENTRE]

    def checkpoint(self, _code: str) -> bytes:
        return self._log.checkpoint.encode()

    def leaves(self, _code: str, start: int, stop: int) -> Iterator[bytes]:
        return iter(self._log.leaves[start:stop])

    def prefix(self, _code: str) -> None:
        return None

    def stored(self) -> Reader | None:
        return None


class Shown(NamedTuple):
    """What a checked proof shows; see PROVED and NOT_PROVED."""

    network: str
    entry_log: str
    entry: Entry
    record: Settlement | Reversal
    entry_proven: Proven
    statement: CityStatement
    statement_proven: Proven
    cities: Cities
    city: str
    direction: str  # owes or owed
    counterpart: str
    row: Amounts
    pair: Amounts  # of the province with the counterpart; counts no entries
    batch: Batch
    legs: list[LegDue]


def check_city_proof(proof: CityProof, policy: Policy) -> Shown:
    """Check every step of a proof under a policy that trusts the centre's log.

    Raises:
        FormError: A part has another form than it must have.
        VerificationError: A step does not hold; says which.
        UncheckableError: Too few witnesses of the policy have signed.
    """
    size = claimed_size(proof.centre.checkpoint.encode())
    if len(proof.centre.leaves) != size:
        place = "the centre's log: leaves below its checkpoint"
        raise VerificationError(place, size, len(proof.centre.leaves))
    with Audit(_CentreSource(proof.centre), policy, workers=1) as audit:
        roster = audit.run_centre()
        entry, entry_proven = _open(roster, proof.entry)
        signed, statement_proven = _open(roster, proof.statement)
        record, statement = (
            decode_body(entry.kind, entry.body),
            decode_body(signed.kind, signed.body),
        )
        if not isinstance(record, Settlement | Reversal):
            raise VerificationError("entry: a settlement or reversal", "kind 10 or 11", entry.kind)
        if not isinstance(statement, CityStatement) or proof.statement.log != proof.province:
            raise VerificationError(f"statement: no CityStatement of {proof.province}")
        cities = read_document(proof.document)
        _check_statement(proof, cities, statement)
        batch, result = _confirmed(audit.reader, audit.founding, proof, statement)
        tie_out(cities, result, counted=False)
        side = _side(proof, record, cities)
        return Shown(
            roster.network_id.hex(), proof.entry.log, entry, record, entry_proven,
            statement, statement_proven, cities, *side, _pair(result, proof.province, *side[1:3]),
            batch, _legs(result, proof.province, side[2]),
        )  # fmt: skip


def _open(roster: Roster, item: Item) -> tuple[Entry, Proven]:
    """Return an entry whose place in the log and whose author's signature hold."""
    if item.log not in roster.participants:
        raise VerificationError(f"{item.log} is no participant of this network")
    policy = parse_policy(log_policy(roster, item.log).encode())
    proven = check_proof_file(parse_proof_file(item.proof.encode()), item.leaf, policy)
    entry = decode_entry(item.leaf)
    generation = roster.generation_at(item.log, proven.index)
    if (entry.index, entry.origin) != (proven.index, roster.origin(item.log, generation.number)):
        raise VerificationError(f"{item.log} #{proven.index}: the entry names another place")
    key = generation.at(proven.index).entry_key
    if verify_leaves([item.leaf], roster.network_id, key):
        raise VerificationError(f"{item.log} #{proven.index}: the author's signature")
    return entry, proven


def _check_statement(proof: CityProof, cities: Cities, statement: CityStatement) -> None:
    if hash_bytes(proof.document) != statement.city_hash:
        raise VerificationError(
            "the signed hash of the city document", statement.city_hash, hash_bytes(proof.document)
        )
    if cities.province != proof.province or cities.record() != statement:
        raise VerificationError("the statement says another province, month or number of cities")


def _confirmed(
    reader: Reader, founding: Roster, proof: CityProof, statement: CityStatement
) -> tuple[Batch, Result]:
    month = statement.month
    for proposal, index, _ in confirmed_proposals(reader):
        if (proposal.month, proposal.revision) != (month, statement.revision):
            continue
        if hash_bytes(proof.result) != proposal.result_hash:
            raise VerificationError(
                f"{month}: the confirmed result", proposal.result_hash, hash_bytes(proof.result)
            )
        in_force = ruleset_at(reader, index)
        assert in_force is not None
        batch = batch_of(reader, founding, month, statement.revision)
        assert batch is not None
        return batch, read_result(proof.result, parse_ruleset(in_force.text).model)
    raise VerificationError(f"{month} r{statement.revision} is not confirmed in the centre's log")


def _side(
    proof: CityProof, record: Settlement | Reversal, cities: Cities
) -> tuple[str, str, str, Amounts]:
    """Return (city, direction, counterpart, row) that the entry is counted in."""
    insured = province_of(record.insured_area)
    if province_of(record.treatment_area) != proof.entry.log:
        raise VerificationError("the entry names another treatment province than its log's")
    if proof.province == proof.entry.log:
        side, other, city, sums = "owed", insured, city_of(record.treatment_area), cities.owed
    elif proof.province == insured:
        side, other, city, sums = "owes", proof.entry.log, city_of(record.insured_area), cities.owes
    else:
        raise VerificationError(f"the entry concerns no city of {proof.province}")
    if record.month > cities.month:
        raise VerificationError(f"service month {record.month} is not due in {cities.month}")
    row = sums.get((city, other), NOTHING)
    if row == NOTHING:
        raise VerificationError(f"the document has no row of {city} with {other} ({side})")
    return city, side, other, row


def _pair(result: Result, province: str, direction: str, counterpart: str) -> Amounts:
    ends = (province, counterpart) if direction == "owes" else (counterpart, province)
    return result.pairs.get(ends, NOTHING)


def _legs(result: Result, province: str, counterpart: str) -> list[LegDue]:
    # Of the pair: between the two themselves, or of one of them with the centre as the hub.
    ends = {province, counterpart, CENTRE}
    return [leg for leg in result.legs if province in leg[1:3] and {leg.payer, leg.payee} <= ends]


def load_city_proof(path: Path) -> CityProof:
    """Return the proof of a file; raises FormError if it cannot be read."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise FormError(str(path), f"at most {MAX_FILE} bytes", path.stat().st_size)
        return parse_city_proof(path.read_bytes(), str(path))
    except OSError as error:
        raise FormError(str(path), "a readable file", error.strerror) from None


def report_of(shown: Shown) -> dict[str, Any]:
    """Return what a proof shows by name; amounts in fen."""
    fields = ("employee", "resident", "other", "account")
    record, batch = shown.record, shown.batch

    def lines(amounts: Any) -> dict[str, int]:
        return {f"{name}_fen": getattr(amounts, name) for name in fields}

    return {
        "network": shown.network,
        "entry": {
            "log": shown.entry_log,
            "index": shown.entry.index,
            "kind": type(record).__name__.lower(),
            "setl_id": record.setl_id,
            "month": record.month,
            "treatment_area": record.treatment_area,
            "insured_area": record.insured_area,
            **lines(record.lines),
            "tree_size": shown.entry_proven.checkpoint.size,
            "cosigners": sorted(shown.entry_proven.cosigners),
        },
        "row": {
            "city": shown.city,
            "direction": shown.direction,
            "counterpart": shown.counterpart,
            "entries": shown.row.entries,
            **lines(shown.row),
        },
        "statement": {
            "log": shown.cities.province,
            "index": shown.statement_proven.index,
            "month": shown.cities.month,
            "revision": shown.cities.revision,
            "cities": len(shown.cities.codes),
            "document_hash": shown.cities.hash.hex(),
            "tree_size": shown.statement_proven.checkpoint.size,
            "cosigners": sorted(shown.statement_proven.cosigners),
        },
        "pair": lines(shown.pair),
        "legs": [
            {"leg": leg.number, "payer": leg.payer, "payee": leg.payee, "fen": leg.fen}
            for leg in shown.legs
        ],
        "batch": {
            "result_hash": batch.proposal.result_hash.hex(),
            "proposal_index": batch.proposal_index,
            "confirmation_index": batch.confirmation_index,
            "certificate_index": batch.certificate_index,
        },
        "proved": [{"en": text.en, "zh": text.zh} for text in PROVED],
        "not_proved": [{"en": text.en, "zh": text.zh} for text in NOT_PROVED],
    }
