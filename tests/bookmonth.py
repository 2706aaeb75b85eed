"""A month in memory whose money moves by sentences, so that a bookkeeper can write cases.

2017-03: Qinghai owes Sichuan 8.00 of the employee pool and 2.00 of the resident pool, and Tibet
5.00 of personal accounts; Sichuan owes Tibet 2.00 and Qinghai 3.00 of the employee pool. In the hub
Qinghai pays 12.00 in, Sichuan gets 5.00 and Tibet 7.00. Nothing below uses `settlement.books`.
"""

import re
from collections.abc import Callable

from node.run import default_ruleset
from settlement import batch as batches
from settlement import leg as legs
from settlement import lookup
from settlement.leg import Leg
from settlement.money import parse_fen
from settlement.party import CENTRE
from settlement.record import (
    Draw,
    Lines,
    Paid,
    Received,
    Record,
    Returned,
    Settlement,
    Share,
    Shortfall,
)
from tests.network import QINGHAI, SICHUAN, TIBET, Logs
from tests.published import close

MONTH, DEMAND = "2017-03", "2017-02"
CONFIRMED, CONFIRMED_MS = "2017-04-10", 1_491_796_800_000  # noon in Shanghai
SENT, CAME, BACK, SEEN = "2017-04-12", "2017-04-13", "2017-04-14", "2017-04-20"
NAMES = {"the centre": CENTRE, "Sichuan": SICHUAN, "Tibet": TIBET, "Qinghai": QINGHAI}
MODELS = ("gross_pair", "net_pair", "net_hub")
OWED = [  # treated in, insured in, lines
    (SICHUAN, QINGHAI, Lines(800, 200, 0, 0)),
    (TIBET, QINGHAI, Lines(0, 0, 0, 500)),
    (TIBET, SICHUAN, Lines(200, 0, 0, 0)),
    (QINGHAI, SICHUAN, Lines(300, 0, 0, 0)),
]


class BookMonth:
    """The month under one model; `does` lets something happen."""

    def __init__(self, model: str = "net_hub") -> None:
        text = default_ruleset().replace(b'model = "net_hub"', f'model = "{model}"'.encode())
        self.logs = Logs(ruleset=text, at_ms=CONFIRMED_MS)

    def does(self, sentence: str) -> None:
        """Let happen what a sentence says; every entry of it is valid."""
        for pattern, act in STEPS:
            found = re.fullmatch(pattern, sentence)
            if found:
                act(self, *(NAMES.get(word, word) for word in found.groups()))
                return
        raise AssertionError(f"no such step: {sentence}")

    def add(self, code: str, record: Record) -> None:
        """Enter a record that must be valid."""
        assert self.logs.add(code, record) is None, record

    @property
    def legs(self) -> list[Leg]:
        """How far the legs are."""
        result = batches.result_of(self.logs.store, self.logs.roster, MONTH, 1)
        return legs.legs_of(self.logs.store, result)

    def leg(self, payer: str, payee: str) -> int:
        """The leg of one to another; else the one of which the payee bears what is missing."""
        same = [leg for leg in self.legs if leg.due[1:3] == (payer, payee)]
        if same:
            return same[0].due.number
        return next(
            leg.due.number
            for leg in self.legs
            if leg.due.payer == payer and any(bearer.code == payee for bearer in leg.bearers)
        )

    def month_is_confirmed(self) -> None:
        """Record what is owed and confirm the month."""
        for number, (treated, insured, lines) in enumerate(OWED, 1):
            areas = f"{treated[:2]}0100", f"{insured[:2]}0100"
            case = Settlement(f"S{number}", MONTH, *areas, "310", "21", lines, bytes(32))
            self.add(treated, case)
        for debtor, creditor in sorted({(i, t) for t, i, _ in OWED}):
            assert self.logs.accept(debtor, creditor) is None
        close(self.logs, MONTH)

    def pays(self, payer: str, payee: str, yuan: str, leg: int | None = None) -> None:
        """Record that money was sent."""
        number = leg or self.leg(payer, payee)
        sent = lookup.transfers(self.logs.store, payer, Paid, "clearing", MONTH, number, payee)
        attempt, fen = len(sent) + 1, parse_fen(yuan)
        self.add(payer, Paid("clearing", MONTH, number, attempt, payee, fen, "P1", SENT, []))

    def receives(self, payee: str, yuan: str, payer: str, leg: int | None = None) -> None:
        """Record that money arrived."""
        number, fen = leg or self.leg(payer, payee), parse_fen(yuan)
        store = self.logs.store
        sent = lookup.transfers(store, payer, Paid, "clearing", MONTH, number, payee)
        attempt = next(
            record.attempt
            for _, record in sent
            if record.fen == fen
            and all(
                lookup.find(store, code, kind, self.key(number, other, record.attempt)) is None
                for code, kind, other in (
                    (payer, Returned, payee), (payee, Received, payer),
                )
            )
        )  # fmt: skip
        self.add(payee, Received("clearing", MONTH, number, attempt, payer, fen, "R1", CAME, []))

    @staticmethod
    def key(number: int, other: str, attempt: int) -> bytes:
        """The natural key of a payment of the month."""
        return lookup.transfer_key("clearing", MONTH, number, other, attempt)

    def passes_on(self, payee: str, yuan: str, defaulter: str) -> None:
        """Record that the centre sent on what came to it too late."""
        self.pays(CENTRE, payee, yuan, self.leg(defaulter, CENTRE))

    def receives_on(self, payee: str, yuan: str, defaulter: str) -> None:
        """Record that this arrived."""
        self.receives(payee, yuan, CENTRE, self.leg(defaulter, CENTRE))

    def bank_returns(self, payer: str, payee: str) -> None:
        """Record that the last payment came back."""
        number = self.leg(payer, payee)
        sent = lookup.transfers(self.logs.store, payer, Paid, "clearing", MONTH, number, payee)
        back = Returned("clearing", MONTH, number, len(sent), payee, "X1", BACK, "no account", [])
        self.add(payer, back)

    def draws(self, code: str, debtor: str) -> None:
        """Draw what is missing: from the prepayment, the rest is arrears."""
        leg = self.legs[self.leg(debtor, code) - 1]
        shares = [bearer.fen for bearer in leg.bearers if bearer.code == code]
        missing = shares[0] if leg.shortfall is not None else leg.open_fen
        drawn = min(missing, lookup.held_prepayment(self.logs.store, code, debtor))
        number = leg.due.number
        self.add(code, Draw(MONTH, number, debtor, drawn, missing - drawn, CAME, SEEN, []))

    def shares_out(self, defaulter: str) -> None:
        """Share out what the hub lacks."""
        result = batches.result_of(self.logs.store, self.logs.roster, MONTH, 1)
        leg = self.legs[self.leg(defaulter, CENTRE) - 1]
        parts = legs.shares_of(result, leg.due, leg.open_fen, legs.payable_by_hub(result, {}))
        listed = [Share(code, fen) for code, fen in sorted(parts.items())]
        number = leg.due.number
        self.add(CENTRE, Shortfall(MONTH, number, leg.open_fen, listed, CAME, SEEN, []))

    def money(self, purpose: str, payer: str, payee: str, yuan: str) -> None:
        """Record that a prepayment, or what is returned of one, was sent."""
        key = purpose, DEMAND, 1
        sent = lookup.transfers(self.logs.store, payer, Paid, *key, payee)
        attempt, fen = len(sent) + 1, parse_fen(yuan)
        self.add(payer, Paid(*key, attempt, payee, fen, "P2", "2017-02-20", []))

    def comes(self, purpose: str, payee: str, yuan: str, payer: str) -> None:
        """Record that it arrived."""
        key = purpose, DEMAND, 1
        sent = lookup.transfers(self.logs.store, payer, Paid, *key, payee)
        attempt, fen = len(sent), parse_fen(yuan)
        self.add(payee, Received(*key, attempt, payer, fen, "R2", "2017-02-21", []))

    def bounces(self, purpose: str, payer: str, payee: str) -> None:
        """Record that the bank sent the last payment of it back."""
        key = purpose, DEMAND, 1
        sent = lookup.transfers(self.logs.store, payer, Paid, *key, payee)
        self.add(payer, Returned(*key, len(sent), payee, "X2", "2017-02-22", "no account", []))


def _prepays(month: BookMonth, payer: str, payee: str, yuan: str) -> None:
    month.money("prepayment", payer, payee, yuan)


def _holds(month: BookMonth, payee: str, yuan: str, payer: str) -> None:
    month.comes("prepayment", payee, yuan, payer)


def _gives_back(month: BookMonth, payer: str, yuan: str, payee: str) -> None:
    month.money("prepayment_return", payer, payee, yuan)


def _gets_back(month: BookMonth, payee: str, yuan: str, payer: str) -> None:
    month.comes("prepayment_return", payee, yuan, payer)


def _prepayment_bounces(month: BookMonth, payer: str, payee: str) -> None:
    month.bounces("prepayment", payer, payee)


def _giving_back_bounces(month: BookMonth, payer: str, payee: str) -> None:
    month.bounces("prepayment_return", payer, payee)


STEPS: list[tuple[str, Callable[..., None]]] = [
    ("the month is confirmed", BookMonth.month_is_confirmed),
    ("(.+) pays (.+) ([0-9.]+)", BookMonth.pays),
    ("(.+) receives ([0-9.]+) from (.+)", BookMonth.receives),
    ("the centre passes on to (.+) ([0-9.]+) of (.+)", BookMonth.passes_on),
    ("(.+) receives on ([0-9.]+) of (.+)", BookMonth.receives_on),
    ("the bank returns to (.+) what went to (.+)", BookMonth.bank_returns),
    ("(.+) draws on (.+)", BookMonth.draws),
    ("the centre shares out what (.+) owes", BookMonth.shares_out),
    ("(.+) prepays (.+) ([0-9.]+)", _prepays),
    ("(.+) holds ([0-9.]+) of (.+)", _holds),
    ("(.+) gives back ([0-9.]+) to (.+)", _gives_back),
    ("(.+) gets back ([0-9.]+) of (.+)", _gets_back),
    ("the bank returns to (.+) its prepayment to (.+)", _prepayment_bounces),
    ("the bank returns to (.+) what it gave back to (.+)", _giving_back_bounces),
]
