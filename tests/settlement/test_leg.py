"""Legs: paid in parts, returned, overdue; who bears what a payer leaves out, in each model."""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from node.run import default_ruleset
from settlement import batch as batches
from settlement import leg as legs
from settlement import lookup
from settlement.leg import Leg
from settlement.party import CENTRE
from settlement.record import (
    Certificate,
    Draw,
    Paid,
    Received,
    Returned,
    Share,
    Shortfall,
)
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, settlement
from tests.published import close

MONTH = "2017-03"
DUE, SEEN = "2017-04-17", "2017-04-20"
MODELS = ("gross_pair", "net_pair", "net_hub")


@dataclass
class Money:
    """A confirmed month: Qinghai owes Sichuan 1,000 and Tibet 500, Sichuan owes Tibet 200."""

    model: str = "net_hub"
    logs: Logs = field(init=False)

    def __post_init__(self) -> None:
        text = default_ruleset().replace(b'model = "net_hub"', f'model = "{self.model}"'.encode())
        self.logs = Logs(ruleset=text)
        self.logs.add(SICHUAN, settlement("A1", 1_000))
        self.logs.add(TIBET, settlement("B1", 500, treated="540100"))
        self.logs.add(TIBET, settlement("B2", 200, treated="540100", insured="510100"))
        self.logs.accept(QINGHAI, SICHUAN)
        self.logs.accept(QINGHAI, TIBET)
        self.logs.accept(SICHUAN, TIBET)
        close(self.logs, MONTH)

    @property
    def result(self) -> batches.Result:
        """What the month comes to."""
        return batches.result_of(self.logs.store, self.logs.roster, MONTH, 1)

    @property
    def legs(self) -> list[Leg]:
        """How far the legs are."""
        return legs.legs_of(self.logs.store, self.result)

    def leg(self, number: int) -> Leg:
        """One leg by number."""
        return self.legs[number - 1]

    def between(self, payer: str, payee: str) -> Leg:
        """The leg of one participant to another."""
        return next(leg for leg in self.legs if leg.due[1:3] == (payer, payee))

    def pay(self, number: int, fen: int, payee: str = "", payer: str = "") -> str | None:
        """Record that money was sent; return the void code."""
        due = self.leg(number).due
        sender, to = payer or due.payer, payee or due.payee
        sent = lookup.transfers(self.logs.store, sender, Paid, "clearing", MONTH, number, to)
        attempt = len(sent) + 1
        record = Paid("clearing", MONTH, number, attempt, to, fen, f"B{attempt}", DUE, [])
        return self.logs.add(sender, record)

    def receive(
        self, number: int, attempt: int, fen: int, payee: str = "", payer: str = ""
    ) -> str | None:
        """Record that money arrived; return the void code."""
        due = self.leg(number).due
        record = Received("clearing", MONTH, number, attempt, payer or due.payer, fen, "R", DUE, [])
        return self.logs.add(payee or due.payee, record)

    def give_back(self, number: int, attempt: int, payee: str = "") -> str | None:
        """Record that the bank sent money back; return the void code."""
        due = self.leg(number).due
        record = Returned(
            "clearing", MONTH, number, attempt, payee or due.payee, "X", DUE, "no such account", []
        )
        return self.logs.add(due.payer, record)

    def whole(self, number: int) -> None:
        """Let a leg be paid and received as a whole."""
        fen = self.leg(number).payable_fen
        assert self.pay(number, fen) is None
        attempt = len(self.leg(number).payments)
        assert self.receive(number, attempt, fen) is None

    def draw(self, code: str, number: int, drawn: int, arrears: int) -> str | None:
        """Draw for an overdue leg; return the void code."""
        debtor = self.leg(number).due.payer
        return self.logs.add(code, Draw(MONTH, number, debtor, drawn, arrears, DUE, SEEN, []))

    def prepay(self, debtor: str, creditor: str, fen: int) -> None:
        """Let a prepayment arrive."""
        record = Received("prepayment", "2017-01", 1, 1, debtor, fen, "P", "2017-01-31", [])
        assert self.logs.add(creditor, record) is None

    def share(self, number: int, **shares: int) -> str | None:
        """Share out what is missing of a leg to the centre; return the void code."""
        listed = [Share(code[1:], fen) for code, fen in sorted(shares.items())]
        total = sum(shares.values())
        return self.logs.add(CENTRE, Shortfall(MONTH, number, total, listed, DUE, SEEN, []))

    def certify(self) -> Certificate:
        """Return the final certificate."""
        batch = batches.latest_batch(self.logs.store, self.logs.roster, MONTH)
        assert batch is not None
        assert batch.confirmation_index is not None
        return legs.certificate(self.logs.store, MONTH, 1, batch.confirmation_index, self.legs)


# --- payments ------------------------------------------------------------------------------------


def test_a_leg_may_be_paid_in_parts_and_each_part_arrives_by_itself() -> None:
    money = Money("gross_pair")
    number = money.between(QINGHAI, SICHUAN).due.number
    assert money.leg(number).state == "DUE"
    money.pay(number, 400)
    assert (money.leg(number).state, money.leg(number).payable_fen) == ("PARTIAL", 600)
    money.pay(number, 600)
    assert (money.leg(number).state, money.leg(number).open_fen) == ("PAID", 1_000)
    money.receive(number, 2, 600)
    assert (money.leg(number).state, money.leg(number).open_fen) == ("PAID", 400)
    money.receive(number, 1, 400)
    assert (money.leg(number).state, money.leg(number).open_fen) == ("RECEIVED", 0)


def test_what_the_bank_sends_back_may_be_paid_again() -> None:
    money = Money("gross_pair")
    number = money.between(QINGHAI, SICHUAN).due.number
    money.pay(number, 1_000)
    assert money.give_back(number, 1) is None
    assert (money.leg(number).state, money.leg(number).payable_fen) == ("RETURNED", 1_000)
    money.pay(number, 1_000)
    assert money.leg(number).state == "PAID"
    money.receive(number, 2, 1_000)
    assert money.leg(number).state == "RECEIVED"


def test_money_sent_again_counts_though_the_payee_took_it_for_the_first_attempt() -> None:
    money = Money("gross_pair")
    number = money.between(QINGHAI, SICHUAN).due.number
    money.pay(number, 1_000)
    money.give_back(number, 1)
    money.pay(number, 1_000)
    money.receive(number, 1, 1_000)  # Sichuan has not seen the return yet
    assert money.leg(number).state == "RECEIVED"
    assert money.leg(number).note is None


def test_nothing_comes_back_that_was_not_sent_and_nothing_twice() -> None:
    money = Money("gross_pair")
    number = money.between(QINGHAI, SICHUAN).due.number
    assert money.give_back(number, 1) == "ORIGINAL"
    money.pay(number, 1_000)
    assert money.give_back(number, 1) is None
    assert money.give_back(number, 1) == "DUPLICATE"


def test_attempts_are_numbered_without_a_gap() -> None:
    money = Money("gross_pair")
    record = Paid("clearing", MONTH, 1, 2, SICHUAN, 5, "B", DUE, [])
    assert money.logs.add(QINGHAI, record) == "ORDER"


def test_a_payment_twice_moves_nothing_the_second_time_and_is_named() -> None:
    money = Money("gross_pair")
    number = money.between(QINGHAI, SICHUAN).due.number
    money.pay(number, 1_000)
    money.pay(number, 1_000)
    leg = money.leg(number)
    assert (leg.state, leg.sent_fen, len(leg.payments)) == ("PAID", 1_000, 1)
    assert "more than the leg asks for" in (leg.note or "")


def test_an_arrival_of_another_amount_is_named_and_closes_nothing() -> None:
    money = Money("gross_pair")
    number = money.between(QINGHAI, SICHUAN).due.number
    money.pay(number, 1_000)
    money.receive(number, 1, 999)
    leg = money.leg(number)
    assert (leg.state, leg.open_fen) == ("PAID", 1_000)
    assert "nothing of this amount was sent" in (leg.note or "")


# --- overdue between two provinces ---------------------------------------------------------------


@pytest.mark.parametrize("model", ["gross_pair", "net_pair"])
def test_what_is_overdue_is_drawn_from_the_prepayment_and_the_rest_is_arrears(model: str) -> None:
    money = Money(model)
    number = money.between(QINGHAI, SICHUAN).due.number
    money.prepay(QINGHAI, SICHUAN, 700)
    assert money.draw(SICHUAN, number, 700, 300) is None
    leg = money.leg(number)
    assert (leg.state, leg.open_fen) == ("ARREARS", 0)
    assert (leg.drawn_fen, leg.arrears_fen, leg.owed_late_fen) == (700, 300, 1_000)
    assert lookup.held_prepayment(money.logs.store, SICHUAN, QINGHAI) == 0
    # Late money fills the prepayment first, then repays the arrears.
    money.pay(number, 900)
    assert money.receive(number, 1, 900) is None
    assert lookup.held_prepayment(money.logs.store, SICHUAN, QINGHAI) == 700
    owed = lookup.owed_on(money.logs.store, SICHUAN, MONTH, number)
    assert owed is not None
    assert (owed.drawn_fen, owed.arrears_fen) == (0, 100)
    assert money.leg(number).state == "ARREARS"
    money.pay(number, 100)
    money.receive(number, 2, 100)
    assert money.leg(number).state == "REFILLED"


def test_a_prepayment_that_covers_everything_leaves_no_arrears() -> None:
    money = Money("gross_pair")
    number = money.between(QINGHAI, SICHUAN).due.number
    money.prepay(QINGHAI, SICHUAN, 5_000)
    money.pay(number, 250)
    money.receive(number, 1, 250)
    assert money.draw(SICHUAN, number, 750, 0) is None
    leg = money.leg(number)
    assert (leg.state, leg.received_fen, leg.drawn_fen) == ("DRAWN", 250, 750)
    assert lookup.held_prepayment(money.logs.store, SICHUAN, QINGHAI) == 4_250


@pytest.mark.parametrize(
    ("drawn", "arrears", "code"),
    [(701, 299, "EXCEEDS"), (699, 301, "SUM"), (-1, 1_001, "SIGN"), (0, 0, "SIGN")],
)
def test_a_draw_takes_what_is_there_and_no_fen_more_or_less(
    drawn: int, arrears: int, code: str
) -> None:
    money = Money("gross_pair")
    number = money.between(QINGHAI, SICHUAN).due.number
    money.prepay(QINGHAI, SICHUAN, 700)
    assert money.draw(SICHUAN, number, drawn, arrears) == code


def test_a_draw_of_another_amount_than_is_missing_closes_nothing() -> None:
    money = Money("gross_pair")
    number = money.between(QINGHAI, SICHUAN).due.number
    money.draw(SICHUAN, number, 0, 999)
    leg = money.leg(number)
    assert (leg.state, leg.open_fen) == ("DUE", 1_000)
    assert "draws another amount" in (leg.note or "")


def test_money_on_its_way_when_somebody_drew_is_late_money() -> None:
    money = Money("gross_pair")
    number = money.between(QINGHAI, SICHUAN).due.number
    money.pay(number, 1_000)  # sent in time, and still on its way when Sichuan draws
    money.draw(SICHUAN, number, 0, 1_000)
    leg = money.leg(number)
    assert (leg.state, leg.payable_fen, leg.owed_late_fen) == ("ARREARS", 0, 0)
    money.receive(number, 1, 1_000)
    assert money.leg(number).state == "REFILLED"


def test_more_late_money_than_is_owed_is_void() -> None:
    money = Money("gross_pair")
    number = money.between(QINGHAI, SICHUAN).due.number
    money.draw(SICHUAN, number, 0, 1_000)
    money.pay(number, 1_001)
    assert money.receive(number, 1, 1_001) == "EXCEEDS"


# --- a payer fails in the hub --------------------------------------------------------------------


def test_in_the_hub_those_with_a_claim_bear_what_is_missing_and_the_month_ends() -> None:
    # Qinghai pays 1,500 in; Sichuan gets 800 and Tibet 700. Qinghai sends 600 of it.
    money = Money("net_hub")
    assert [tuple(leg.due) for leg in money.legs] == [
        (1, QINGHAI, CENTRE, 1_500), (2, CENTRE, SICHUAN, 800), (3, CENTRE, TIBET, 700),
    ]  # fmt: skip
    money.pay(1, 600)
    money.receive(1, 1, 600)
    # Of the 900 two thirds fall to Sichuan (claim 1,000), a third to Tibet (claim 500).
    assert money.share(1, c510000=600, c540000=300) is None
    assert (money.leg(1).state, money.leg(1).shared_fen) == ("ARREARS", 900)
    assert [money.leg(n).payable_fen for n in (2, 3)] == [200, 400]
    money.whole(2)
    money.whole(3)
    assert [leg.state for leg in money.legs[1:]] == ["PAID", "PAID"]
    money.prepay(QINGHAI, SICHUAN, 1_000)
    assert money.draw(SICHUAN, 1, 600, 0) is None
    assert money.draw(TIBET, 1, 0, 300) is None
    assert [leg.state for leg in money.legs] == ["ARREARS", "DRAWN", "ARREARS"]
    certificate = money.certify()
    assert [(end.received_fen, end.drawn_fen, end.arrears_fen, end.shared_fen)
            for end in certificate.legs] == [
        (600, 0, 0, 900), (200, 600, 0, 0), (400, 0, 300, 0),
    ]  # fmt: skip
    # Qinghai pays late: to each of the two what it bears.
    assert legs.may_pay_late(money.legs, 1, QINGHAI, SICHUAN).fen == 600
    money.pay(1, 600, payee=SICHUAN)
    money.receive(1, 1, 600, payee=SICHUAN)
    assert lookup.held_prepayment(money.logs.store, SICHUAN, QINGHAI) == 1_000
    assert [leg.state for leg in money.legs] == ["ARREARS", "REFILLED", "ARREARS"]
    money.pay(1, 300, payee=TIBET)
    money.receive(1, 1, 300, payee=TIBET)
    assert [leg.state for leg in money.legs] == ["REFILLED"] * 3
    # The certificate stands on what it names, whatever came afterwards.
    named = frozenset(place for end in certificate.legs for place in end.entries)
    then = legs.legs_of(money.logs.store, money.result, named)
    assert [leg.end() for leg in then] == certificate.legs


def test_money_that_reaches_the_centre_too_late_is_passed_on() -> None:
    money = Money("net_hub")
    money.pay(1, 1_500)  # on its way when the centre gives it up
    assert money.share(1, c510000=800, c540000=700) is None
    assert [leg.payable_fen for leg in money.legs] == [0, 0, 0]
    assert money.receive(1, 1, 1_500) is None
    assert [payment.fen for payment in money.leg(1).after] == [1_500]
    money.draw(SICHUAN, 1, 0, 800)
    money.draw(TIBET, 1, 0, 700)
    for code, fen in ((SICHUAN, 800), (TIBET, 700)):
        assert money.pay(1, fen, payee=code, payer=CENTRE) is None
        assert money.receive(1, 1, fen, payee=code, payer=CENTRE) is None
    assert [leg.state for leg in money.legs] == ["REFILLED"] * 3


def test_a_shortfall_shared_out_otherwise_counts_nowhere_and_is_named() -> None:
    money = Money("net_hub")
    assert money.share(1, c510000=799, c540000=701) is None
    assert money.leg(1).state == "DUE"
    assert "shares out another amount" in (money.leg(1).note or "")
    assert money.leg(2).payable_fen == 800


def test_the_centre_pays_out_when_everything_is_in_or_shared_out() -> None:
    money = Money("net_hub")
    with pytest.raises(Exception, match="pays out after"):
        legs.may_pay(money.legs, 2, CENTRE)
    money.pay(1, 1_500)
    with pytest.raises(Exception, match="pays out after"):
        legs.may_pay(money.legs, 2, CENTRE)  # sent is not received
    money.receive(1, 1, 1_500)
    assert legs.may_pay(money.legs, 2, CENTRE).payable_fen == 800


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (Shortfall(MONTH, 1, 5, [Share(SICHUAN, 4)], DUE, SEEN, []), "SUM"),
        (Shortfall(MONTH, 1, 0, [], DUE, SEEN, []), "SIGN"),
        (Shortfall(MONTH, 1, 5, [Share(CENTRE, 5)], DUE, SEEN, []), "ORDER"),
        (Shortfall(MONTH, 1, 5, [Share(SICHUAN, 5)], SEEN, DUE, []), "ORDER"),
        (Shortfall("2017-04", 1, 5, [Share(SICHUAN, 5)], DUE, SEEN, []), "STATE"),
    ],
)
def test_a_shortfall_has_one_form(record: Shortfall, code: str) -> None:
    assert Money().logs.add(CENTRE, record) == code


# --- the law -------------------------------------------------------------------------------------


class Tills(RuleBasedStateMachine):
    """Whatever is paid, returned, received, drawn and shared: no leg moves more than its amount."""

    @initialize(model=st.sampled_from(MODELS), held=st.integers(0, 1_200))
    def begin(self, model: str, held: int) -> None:
        self.money = Money(model)
        if held:
            self.money.prepay(QINGHAI, SICHUAN, held)
        self.sent: dict[tuple[str, str], int] = {}

    def _some(self, data: st.DataObject) -> Leg:
        return data.draw(st.sampled_from(self.money.legs))

    @rule(data=st.data(), fen=st.integers(1, 1_600))
    def pays(self, data: st.DataObject, fen: int) -> None:
        leg = self._some(data)
        self.money.pay(leg.due.number, fen)

    @rule(data=st.data())
    def receives(self, data: st.DataObject) -> None:
        leg = self._some(data)
        for payment in (*leg.payments, *leg.after):
            if payment.received is None and payment.returned is None:
                self.money.receive(leg.due.number, payment.attempt, payment.fen)
                break

    @rule(data=st.data())
    def comes_back(self, data: st.DataObject) -> None:
        leg = self._some(data)
        for payment in leg.payments:
            if payment.received is None:
                self.money.give_back(leg.due.number, payment.attempt)
                break

    @rule(data=st.data())
    def gives_up(self, data: st.DataObject) -> None:
        leg = self._some(data)
        number, due, open_fen = leg.due.number, leg.due, leg.open_fen
        if due.payee == CENTRE and open_fen and leg.shortfall is None:
            if any(o.payments for o in self.money.legs if o.due.payer == CENTRE):
                return
            payable = legs.payable_by_hub(self.money.result, {})
            parts = legs.shares_of(self.money.result, due, open_fen, payable)
            assert self.money.share(number, **{f"c{c}": f for c, f in parts.items()}) is None
        elif CENTRE not in due[1:3] and open_fen and not leg.bearers:
            held = lookup.held_prepayment(self.money.logs.store, due.payee, due.payer)
            drawn = min(held, open_fen)
            assert self.money.draw(due.payee, number, drawn, open_fen - drawn) is None
        for bearer in leg.bearers:
            if bearer.draw is None:
                held = lookup.held_prepayment(self.money.logs.store, bearer.code, due.payer)
                drawn = min(held, bearer.fen)
                assert self.money.draw(bearer.code, number, drawn, bearer.fen - drawn) is None

    @rule(data=st.data())
    def repays(self, data: st.DataObject) -> None:
        leg = self._some(data)
        for bearer in leg.bearers:
            left = legs.late_fen(bearer)
            if bearer.draw is not None and left:
                fen = data.draw(st.integers(1, left))
                assert self.money.pay(leg.due.number, fen, payee=bearer.code) is None
                sent = lookup.transfers(
                    self.money.logs.store, leg.due.payer, Paid, "clearing", MONTH,
                    leg.due.number, bearer.code,
                )  # fmt: skip
                assert self.money.receive(leg.due.number, len(sent), fen, payee=bearer.code) is None

    @invariant()
    def nothing_is_moved_twice(self) -> None:
        if not hasattr(self, "money"):
            return
        for leg in self.money.legs:
            assert 0 <= leg.open_fen <= leg.due.fen
            assert 0 <= leg.received_fen <= leg.sent_fen + leg.shared_fen <= leg.due.fen
            assert leg.drawn_fen + leg.arrears_fen <= leg.due.fen
            assert 0 <= leg.repaid_fen <= leg.drawn_fen + leg.arrears_fen
        borne = sum(leg.shared_fen for leg in self.money.legs)
        taken_off = sum(b.fen for leg in self.money.legs for b in leg.less)
        assert borne == taken_off
        for code in (SICHUAN, TIBET):
            assert lookup.held_prepayment(self.money.logs.store, code, QINGHAI) >= 0

    @invariant()
    def a_certificate_says_what_the_legs_say(self) -> None:
        if hasattr(self, "money") and all(leg.open_fen == 0 for leg in self.money.legs):
            certificate = self.money.certify()
            named = frozenset(p for end in certificate.legs for p in end.entries)
            then = legs.legs_of(self.money.logs.store, self.money.result, named)
            assert [leg.end() for leg in then] == certificate.legs


TestTills = Tills.TestCase
TestTills.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
