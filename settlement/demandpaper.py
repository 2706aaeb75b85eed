"""Notices over demands for prepayment (预付金付款、收款通知书; L21), one set for each demand."""

from collections.abc import Iterator, Sequence

from ledger import log
from ledger.hashing import leaf_hash
from ledger.table import Reader, log_key
from settlement.document import DEMAND_KINDS, Document, Head
from settlement.lookup import demands, ruleset_at
from settlement.notice import demand_notice
from settlement.party import CENTRE
from settlement.record import Demand
from settlement.roster import Roster
from settlement.ruleset import parse_ruleset, ruleset_hash


def demand_documents(
    reader: Reader,
    founding: Roster,
    month: str,
    size: int,
    kinds: Sequence[str],
    codes: Sequence[str],
) -> Iterator[Document]:
    """Yield the notices over the demands of a month, by demand, kind and participant.

    A notice's revision is the number of its demand's first row: the rows of a month are numbered
    through. What it follows from is the demand's entry, whose leaf hash stands as result hash.

    Args:
        size: Of the centre's log; nothing above a quorum-cosigned head has effect.
    """
    for index, demand in demands(reader, size):
        if demand.month == month:
            head = _head(reader, founding, index, demand)
            rows = [(row.number, row.debtor, row.creditor, row.fen) for row in demand.rows]
            for kind in DEMAND_KINDS:
                for code in sorted(codes) if kind in kinds else ():
                    made = demand_notice(head, kind, code, rows, (demand.due, demand.cause))
                    if made is not None:
                        yield made


def _head(reader: Reader, founding: Roster, index: int, demand: Demand) -> Head:
    in_force = ruleset_at(reader, index)
    assert in_force is not None  # a demand follows from quotas, and these from its rules
    return Head(
        demand.month,
        demand.rows[0].number,
        "confirmed",
        founding.network_id.hex(),
        leaf_hash(log.leaf(reader, log_key(CENTRE), index)).hex(),
        parse_ruleset(in_force.text).model,
        in_force.name,
        ruleset_hash(in_force.text).hex(),
    )
