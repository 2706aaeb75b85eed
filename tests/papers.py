"""A small world whose documents can be worked out by hand: three provinces, two months.

In March Sichuan treats three persons of Qinghai and one of Tibet, Tibet one of Sichuan. Qinghai
accepts S1 and contests S2 (no file) and S3 (amount). In April S5 is treated, part of S1 is taken
back, S2 is released, and the centre rules that 4.00 of the 10.00 of S3 are not owed.
"""

from pathlib import Path

from settlement.document import KINDS, Document
from settlement.monthbook import MonthBook, open_month
from settlement.paperwork import document, documents
from settlement.party import CENTRE
from settlement.record import (
    Acceptance,
    DisputeRuling,
    Exempt,
    Lines,
    Release,
    Reversal,
    Settlement,
)
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, reversal, settlement
from tests.published import close

RULESET = Path(__file__).resolve().parent / "rulesets" / "first.toml"
MARCH, APRIL = "2017-03", "2017-04"
AT_MS = 1_491_800_000_000  # 2017-04-10 in Shanghai


def case(setl_id: str, *fens: int, month: str = MARCH, **places: str) -> Settlement:
    made = settlement(setl_id, month=month, **places)
    return Settlement(
        *(getattr(made, n) for n in made.__struct_fields__[:6]), Lines(*fens), bytes(32)
    )


def back(setl_id: str, original: str, *fens: int) -> Reversal:
    made = reversal(setl_id, original, month=APRIL)
    return Reversal(
        *(getattr(made, n) for n in made.__struct_fields__[:7]), Lines(*fens), bytes(32)
    )


def march() -> Logs:
    """Return the logs with March confirmed."""
    logs = Logs(ruleset=RULESET.read_bytes())
    logs.at_ms = AT_MS
    logs.add(
        SICHUAN,
        case("S1", 1_000, 200, 30, 4),
        case("S2", 0, 500, 0, 0),
        case("S3", 900, 0, 0, 100),
        case("S4", 0, 600, 0, 0, insured="540100"),
    )
    logs.add(TIBET, case("T1", 50, 0, 5, 0, treated="540100", insured="510100"))
    head = logs.head(SICHUAN)
    contested = [Exempt(1, "NO_FILE"), Exempt(2, "AMOUNT")]
    logs.add(QINGHAI, Acceptance(SICHUAN, head.size, head.root, contested, []))
    logs.accept(TIBET, SICHUAN)
    logs.accept(SICHUAN, TIBET)
    close(logs, MARCH)
    return logs


def april() -> Logs:
    """Return the logs with April confirmed, too."""
    logs = march()
    logs.add(SICHUAN, case("S5", 70, 0, 0, 0, month=APRIL), back("R1", "S1", -100, 0, 0, 0))
    logs.add(QINGHAI, Release(SICHUAN, [1], []))
    upheld = Lines(300, 0, 0, 100)
    ruling = DisputeRuling(SICHUAN, QINGHAI, 2, "split", upheld, "the bed was charged twice", [])
    assert logs.add(CENTRE, ruling) is None
    logs.accept(QINGHAI, SICHUAN)
    close(logs, APRIL)
    return logs


def book(logs: Logs, month: str) -> MonthBook:
    """Return a month as the logs have it."""
    return open_month(logs.store, logs.roster, month, logs.size(CENTRE))


def paper(logs: Logs, month: str, kind: str, code: str) -> Document:
    """Return one document, which must exist."""
    found = document(book(logs, month), kind, code)
    assert found is not None
    return found


def everything(logs: Logs, month: str) -> list[Document]:
    """Return all documents of a confirmed month."""
    return list(documents(book(logs, month), KINDS, (CENTRE, *logs.codes)))


def with_cell(made: Document, table: int, row: int, column: int, value: object) -> Document:
    """Return a document in which one cell is another."""
    old = made.tables[table]
    changed = [list(cells) for cells in old.rows]
    changed[row][column] = value  # type: ignore[assignment]
    rows = tuple(tuple(cells) for cells in changed)
    tables = list(made.tables)
    tables[table] = type(old)(old.name, old.columns, rows, old.total)
    return type(made)(**{**{n: getattr(made, n) for n in made.__struct_fields__},
                         "tables": tuple(tables)})  # fmt: skip
