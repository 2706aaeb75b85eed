"""The sums of the example data by `csv` and whole numbers alone."""

import csv
from collections import defaultdict
from typing import Any

from tests.commands import EXAMPLE


def independent(parties: set[str] | None = None) -> dict[str, dict[str, Any]]:
    """Return pair sums, nets and counts per month, computed by none of the product's code."""
    months: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"pairs": defaultdict(int), "nets": defaultdict(int), "entries": 0, "left_out": 0}
    )
    with EXAMPLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert row["setl_time"].endswith("+08:00")
            month = months[row["setl_time"][:7]]
            creditor = row["mdtrtarea_admvs"][:2] + "0000"
            debtor = row["insuplc_admdvs"][:2] + "0000"
            if parties is not None and not {creditor, debtor} <= parties:
                month["left_out"] += 1
                continue
            fen = sum(int(row[c].replace(".", "")) for c in ("fund_pay_sumamt", "acct_pay"))
            month["entries"] += 1
            month["pairs"][f"{debtor}>{creditor}"] += fen
            month["nets"][creditor] += fen
            month["nets"][debtor] -= fen
    return months
