"""Planning an import at a node: the file against what the log and the vault already hold."""

from dataclasses import dataclass, field
from typing import Any

from ledger.errors import RefusedError
from ledger.table import Reader
from node.province import Province
from node.role import Role
from node.vault import Vault
from settlement.casefile import CaseRow
from settlement.csvfile import LineFault
from settlement.importing import KnownRecord, only_of, read_records
from settlement.lookup import entry_at, find_settlement, reversals_of
from settlement.outcome import Text
from settlement.record import Lines, Reversal, Settlement


@dataclass
class Intake:
    """What an import would do, or why it does nothing."""

    code: str
    rows: list[CaseRow] = field(default_factory=list)
    known: int = 0
    others: int = 0  # rows of other provinces, left out on request
    encoding: str = "utf-8"
    faults: list[LineFault] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """Return it for people and programs."""
        return {
            "code": self.code,
            "encoding": self.encoding,
            "new": len(self.rows),
            "known": self.known,
            "left_out": self.others,
            "faults": [
                {
                    "line": f.line,
                    "column": f.column,
                    "code": f.code,
                    "en": f.text.en,
                    "zh": f.text.zh,
                    "value": f.value,
                }
                for f in self.faults
            ],
        }


NOT_MINE = Text(
    "the patient was not treated in this province (see --only-mine)",
    "该记录的就医地不是本省（可使用 --only-mine）",
)


def plan_import(role: Role, data: bytes, *, only_mine: bool) -> Intake:
    """Return what importing a file at this node comes to.

    Args:
        only_mine: Leave out rows of patients treated elsewhere instead of calling them faults.

    Raises:
        RefusedError: This node is no province (ROLE).
    """
    if not isinstance(role, Province):
        raise RefusedError("ROLE", "only a province's node records settlements")
    with role.store.read() as reader:
        plan = read_records(data, lambda setl_id: known(reader, role.vault, role.code, setl_id))
    rows, others = only_of(plan, role.code)
    intake = Intake(role.code, rows, plan.known, others, plan.encoding, plan.faults)
    if others and not only_mine and not intake.faults:
        mine = set(rows)
        intake.faults = [
            LineFault(n.line, "mdtrtarea_admvs", "NOT_MINE", NOT_MINE, n.row.mdtrtarea_admvs)
            for n in plan.rows
            if n.row not in mine
        ][:1_000]
        intake.rows = []
    return intake


def known(reader: Reader, vault: Vault, code: str, setl_id: str) -> KnownRecord | None:
    """Return what the log and the vault of `code` hold under a settlement id."""
    index = find_settlement(reader, code, setl_id)
    if index is None:
        return None
    record = entry_at(reader, code, index)[1]
    assert isinstance(record, Settlement | Reversal)
    case = vault.own(setl_id)
    left = [list(_amounts(record.lines))]
    left += [list(_amounts(lines)) for _, _, lines in reversals_of(reader, code, index)]
    return KnownRecord(
        case=case.case if case else None,
        is_refund=isinstance(record, Reversal),
        treatment=record.treatment_area,
        insured=record.insured_area,
        insutype=record.insutype,
        month=record.month,
        left=Lines(*map(sum, zip(*left, strict=True))),
    )


def _amounts(lines: Lines) -> tuple[int, int, int, int]:
    return lines.employee, lines.resident, lines.other, lines.account
