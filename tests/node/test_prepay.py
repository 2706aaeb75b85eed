"""Prepayments between real nodes: quota, demand, money, a red alert and its increase, a draw."""

from datetime import date
from typing import Any

import pytest
from msgspec import structs

from ledger.errors import FormError, RefusedError
from node.duty import duties
from node.simulation.world import World
from settlement import lookup, shipped
from settlement.adjustment import compute_quota
from settlement.basis import basis_at
from settlement.demand import rows
from settlement.money import format_yuan
from settlement.pairstatement import statement
from settlement.party import CENTRE
from settlement.prepaycheck import check_prepayments
from settlement.prepayment import holdings
from settlement.prepayreport import pair_states
from settlement.quota import quota_hash
from settlement.record import PairAmount, Quota
from settlement.timeliness import Progress, month_progress
from tests.network import QINGHAI, SICHUAN, TIBET, case_row
from tests.node.operators import both, register
from tests.node.world import CODES, quiet, settled

CASE_FEN = 8_000  # fund lines and personal account of one case_row
MARCH, APRIL = "2017-03", "2017-04"


def table(*rows: list[Any]) -> str:
    """Return a file of quotas given by hand: debtor, creditor, fen each."""
    lines = [f"{debtor},{creditor},{format_yuan(fen)}\n" for debtor, creditor, fen in rows]
    return "debtor,creditor,amount\n" + "".join(lines)


class Rehearsal:
    """A quiet world under national-2022 whose nodes live on a business date that is set here."""

    def __init__(self) -> None:
        self.world: World = quiet()
        self.day = "2017-01-10"
        for node in self.world.nodes.values():
            assert node.role is not None
            node.role.today = lambda _ms: self.day
        self.world.ask(CENTRE, "ruleset", text=shipped.ruleset("national-2022"))
        settled(self.world)
        self._cases = 0

    def ask(self, code: str, verb: str, /, **arguments: Any) -> Any:
        value = self.world.ask(code, verb, **arguments)
        settled(self.world)
        return value

    def refused(self, code: str, verb: str, /, **arguments: Any) -> str:
        with pytest.raises(RefusedError) as error:
            self.world.ask(code, verb, **arguments)
        return error.value.code

    def prepaid(self, yuan_cases: int) -> None:
        """Let Qinghai prepay Sichuan as much as so many cases cost."""
        fen = yuan_cases * CASE_FEN
        self.ask(
            CENTRE, "prepay-quota", year=2017, given=table([QINGHAI, SICHUAN, fen]), reason="new"
        )
        self.ask(CENTRE, "prepay-demand", year=2017)
        self.pay("2017-01", 1)

    def pay(self, month: str, row: int, payer: str = QINGHAI, payee: str = SICHUAN) -> None:
        money = {"month": month, "row": row, "reference": f"P{month}-{row}", "date": self.day}
        self.ask(payer, "prepay-paid", **money)
        self.ask(payee, "prepay-received", **money)

    def cleared(self, month: str, cases: int) -> None:
        """Let a month clear so many cases of Qinghai in Sichuan."""
        mine = []
        for _ in range(cases):
            self._cases += 1
            name = f"A{self._cases}"
            mine.append(case_row(setl_id=name, setl_time=f"{month}-05T10:00:00+08:00"))
        self.ask(SICHUAN, "import", rows=mine)
        self.ask(CENTRE, "close", month=month)

    def duties(self, code: str, *words: str) -> list[tuple[str, str, str]]:
        node = self.world.nodes[code]
        found = duties(node.store, self.world.founding, code, node.vault, self.day)["duties"]
        return [(d["what"], d["command"], d["due"]) for d in found if d["what"] in words]

    def step(self, month: str, event: str, code: str = TIBET) -> Progress:
        store = self.world.nodes[code].store
        size = lookup.applied_size(store, CENTRE)
        steps = month_progress(
            store, self.world.founding, month, date.fromisoformat(self.day),
            basis_at(store, month, size), size,
        )  # fmt: skip
        return next(step for step in steps if step.due.step.event == event)

    def held(self, code: str = TIBET) -> int:
        return holdings(self.world.nodes[code].store, SICHUAN).at().get(QINGHAI, 0)


@pytest.fixture
def net() -> Rehearsal:
    return Rehearsal()


def test_a_new_network_gives_quotas_demands_them_and_pays(net: Rehearsal) -> None:
    assert net.refused(CENTRE, "prepay-quota", year=2017) == "STATE"  # nothing to compute from
    assert net.refused(CENTRE, "prepay-demand", year=2017) == "STATE"
    given = table([QINGHAI, SICHUAN, 80_000], [TIBET, SICHUAN, 5_000])
    with pytest.raises(FormError, match="reason"):
        net.world.ask(CENTRE, "prepay-quota", year=2017, given=given)
    for wrong in (
        table([QINGHAI, QINGHAI, 1]), table([QINGHAI, SICHUAN, 0]), table([QINGHAI, "110000", 1]),
        table(), table([QINGHAI, SICHUAN, 1], [QINGHAI, SICHUAN, 1]), "x",
    ):  # fmt: skip
        with pytest.raises(FormError, match="quotas"):
            net.world.ask(CENTRE, "prepay-quota", year=2017, given=wrong, reason="new")
    trial = net.ask(CENTRE, "prepay-quota", year=2017, given=given, reason="new", dry_run=True)
    assert (trial["index"], trial["total_fen"], trial["basis"]) == (None, 85_000, "given")
    assert net.refused(CENTRE, "prepay-demand", year=2017) == "STATE"
    net.ask(CENTRE, "prepay-quota", year=2017, given=given, reason="new")
    assert net.duties(CENTRE, "demand") == []  # nothing is confirmed yet: the year is not known
    told = net.ask(CENTRE, "prepay-demand", year=2017)
    assert told["due"] == "2017-02-28"  # the step quota_pay
    assert [(r["row"], r["debtor"], r["fen"]) for r in told["rows"]] == [
        (1, TIBET, 5_000), (2, QINGHAI, 80_000),
    ]  # fmt: skip
    assert net.refused(CENTRE, "prepay-demand", year=2017) == "STATE"
    assert net.duties(QINGHAI, "prepay") == [
        ("prepay", "gongzhang prepay instruct 2017-01 --out FILE", "2017-02-28")
    ]
    money = {"month": "2017-01", "row": 2, "date": "2017-02-20"}
    assert net.refused(TIBET, "prepay-paid", reference="B1", **money) == "ROLE"
    assert net.refused(QINGHAI, "prepay-paid", reference="B1", fen=80_001, **money) == "EXCEEDS"
    assert net.refused(QINGHAI, "prepay-received", reference="B1", **money) == "ROLE"
    assert net.refused(SICHUAN, "prepay-received", reference="B1", **money) == "ORDER"
    assert net.refused(QINGHAI, "prepay-paid", reference="B1", **{**money, "row": 3}) == "ROW"
    part = net.ask(QINGHAI, "prepay-paid", reference="B1", fen=30_000, **money)
    assert (part["left_fen"], part["attempt"]) == (50_000, 1)
    again = net.ask(QINGHAI, "prepay-paid", reference="B1", fen=30_000, **money)
    assert again["index"] == part["index"]
    assert net.duties(SICHUAN, "prepay-receive") != []
    net.ask(SICHUAN, "prepay-received", reference="B1", **money)
    net.ask(QINGHAI, "prepay-paid", reference="B2", **money)
    net.ask(QINGHAI, "prepay-returned", reference="R2", reason="account closed", **money)
    assert net.refused(SICHUAN, "prepay-received", reference="B2", **money) == "ORDER"
    assert net.held() == 30_000
    rest = net.ask(QINGHAI, "prepay-paid", reference="B3", **money)
    assert (rest["fen"], rest["attempt"]) == (50_000, 3)
    net.ask(SICHUAN, "prepay-received", reference="B3", **money)
    assert net.held() == 80_000
    assert net.duties(QINGHAI, "prepay") == net.duties(SICHUAN, "prepay-receive") == []


def test_what_is_not_paid_by_its_day_is_shown_to_all_three(net: Rehearsal) -> None:
    net.ask(
        CENTRE, "prepay-quota", year=2017, given=table([QINGHAI, SICHUAN, 80_000]), reason="new"
    )
    net.ask(CENTRE, "prepay-demand", year=2017)
    net.day = "2017-02-28"
    assert net.duties(SICHUAN, "prepay-late") == []
    net.day = "2017-03-03"
    late = ("prepay-late", "gongzhang prepay list --late", "2017-02-28")
    assert net.duties(SICHUAN, "prepay-late") == net.duties(CENTRE, "prepay-late") == [late]
    assert net.duties(TIBET, "prepay-late") == []
    node = net.world.nodes[QINGHAI]
    found = duties(node.store, net.world.founding, QINGHAI, node.vault, net.day)["duties"]
    assert [d["en"] for d in found if d["what"] == "prepay"] == [
        "prepayment 2017-01 1: 800.00 yuan to 510000 Sichuan, 3 days late"
    ]
    step = net.step("2017-01", "quota_pay")
    assert (step.state, step.owing, step.days_late) == ("open", (QINGHAI,), 3)


def test_red_alert_increase_demand_paid_draw_and_refill(net: Rehearsal) -> None:
    net.prepaid(10)
    net.day = "2017-04-26"
    net.cleared(MARCH, 9)  # 90 %
    increase = {"month": MARCH, "debtor": QINGHAI}
    asked = [("increase", "gongzhang prepay increase 2017-03 630000 --amount YUAN", "2017-04-28")]
    assert net.duties(SICHUAN, "increase") == asked  # three working days after the 25th
    assert net.step(MARCH, "request").owing == (SICHUAN,)
    assert net.refused(TIBET, "prepay-increase", fen=1, **increase) == "STATE"
    assert net.refused(SICHUAN, "prepay-increase", month=MARCH, debtor=TIBET, fen=1) == "STATE"
    assert net.refused(SICHUAN, "prepay-increase", month=APRIL, debtor=QINGHAI, fen=1) == "STATE"
    grant = {"month": MARCH, "creditor": SICHUAN, "debtor": QINGHAI, "due": "2017-05-10"}
    assert net.refused(CENTRE, "prepay-urgent", **grant) == "STATE"  # nobody has asked
    net.ask(SICHUAN, "prepay-increase", fen=50_000, **increase)
    assert net.refused(SICHUAN, "prepay-increase", fen=60_000, **increase) == "DUPLICATE"
    assert net.duties(SICHUAN, "increase") == []
    step = net.step(MARCH, "request")
    assert (step.state, [d.place.code for d in step.done]) == ("done", [SICHUAN])

    [answer] = net.duties(CENTRE, "urgent")
    assert answer[1] == "gongzhang prepay urgent 2017-03 510000 630000 --due DAY"
    assert net.refused(CENTRE, "prepay-urgent", fen=50_001, **grant) == "EXCEEDS"
    assert net.refused(CENTRE, "prepay-urgent", **{**grant, "due": "2017-04-25"}) == "DUE"
    with pytest.raises(FormError, match="why less"):
        net.world.ask(CENTRE, "prepay-urgent", fen=40_000, **grant)
    told = net.ask(CENTRE, "prepay-urgent", fen=40_000, reason="funds of the quarter", **grant)
    assert [(r["row"], r["fen"]) for r in told["rows"]] == [(1, 40_000)]
    assert net.refused(CENTRE, "prepay-urgent", **grant) == "DUPLICATE"
    assert net.duties(CENTRE, "urgent") == []
    net.pay(MARCH, 1)
    assert net.held() == 120_000

    # The leg of March is not paid in time: drawn from the prepayment, then paid late.
    net.day = "2017-08-07"  # it was due on the 4th, 15 working days after 14 July
    net.ask(SICHUAN, "draw", month=MARCH, leg=1)
    assert net.held() == 120_000 - 9 * CASE_FEN
    net.cleared(APRIL, 4)  # of six held: 66.67 %, and red before: yellow
    assert net.duties(SICHUAN, "increase") == []
    assert net.refused(SICHUAN, "prepay-increase", fen=1, **increase) == "STATE"  # April counts
    late = {"month": MARCH, "leg": 1, "reference": "L1", "date": net.day}
    net.ask(QINGHAI, "paid", fen=CASE_FEN, **late)
    net.ask(SICHUAN, "received", **late)
    for code in (CENTRE, *CODES):
        store = net.world.nodes[code].store
        _, [pair] = pair_states(store, net.world.founding, lookup.applied_size(store, CENTRE))
        account = pair.account
        assert account.held_fen == 120_000 - 8 * CASE_FEN == net.held(code)
        assert (account.drawn_fen, account.refilled_fen) == (9 * CASE_FEN, CASE_FEN)
        found = statement(
            store, QINGHAI, SICHUAN, holdings(store, SICHUAN),
            rows(store, lookup.applied_size(store, CENTRE)),
        )  # fmt: skip
        assert (found.difference_fen, found.faults, found.unsent) == (0, (), ())
        assert list(check_prepayments(store, net.world.founding)) == []


def test_a_request_can_be_declined_with_a_reason_and_is_over_with_the_next_month(
    net: Rehearsal,
) -> None:
    net.prepaid(10)
    net.cleared(MARCH, 10)
    net.ask(SICHUAN, "prepay-increase", month=MARCH, debtor=QINGHAI, fen=5_000)
    declined = net.ask(
        CENTRE, "prepay-urgent", month=MARCH, creditor=SICHUAN, debtor=QINGHAI, due=net.day,
        fen=0, reason="one case of 2016",
    )  # fmt: skip
    assert declined["pay_fen"] == 0
    assert net.duties(QINGHAI, "prepay") == []
    money = {"month": MARCH, "row": 1, "reference": "B", "date": net.day}
    assert net.refused(QINGHAI, "prepay-paid", **money) == "NOTHING_LEFT"
    net.cleared(APRIL, 10)
    assert net.step(APRIL, "request").owing == (SICHUAN,)
    net.cleared("2017-05", 1)
    missed = net.step(APRIL, "request")
    assert (missed.state, missed.missed) == ("done", (SICHUAN,))


def test_the_next_year_is_computed_from_its_batches_and_adjusted_both_ways(net: Rehearsal) -> None:
    net.prepaid(10)
    net.day = "2018-01-20"
    for number in range(3, 13):
        net.cleared(f"2017-{number:02d}", 2 if number >= 10 else 0)
    assert net.step("2017-12", "quota").owing == (CENTRE,)
    assert net.duties(CENTRE, "quota") == [("quota", "gongzhang prepay quota 2018", "2018-01-31")]
    told = net.ask(CENTRE, "prepay-quota", year=2018)
    assert told["months"] == ["2017-10", "2017-11", "2017-12"]
    assert told["rows"] == [{"debtor": QINGHAI, "creditor": SICHUAN, "fen": 4 * CASE_FEN}]
    assert net.duties(CENTRE, "quota", "demand") == [
        ("demand", "gongzhang prepay demand 2018", "2018-01-31")
    ]
    told = net.ask(CENTRE, "prepay-demand", year=2018)
    assert (told["back_fen"], told["due"]) == (6 * CASE_FEN, "2018-02-28")
    assert net.step("2017-12", "quota").state == "done"
    assert net.step("2018-01", "quota_pay").owing == (SICHUAN,)
    assert net.duties(SICHUAN, "prepay") == [
        ("prepay", "gongzhang prepay instruct 2018-01 --out FILE", "2018-02-28")
    ]
    assert net.step("2017-11", "confirm").state == "done"
    net.pay("2018-01", 1, SICHUAN, QINGHAI)
    assert net.held() == 4 * CASE_FEN
    step = net.step("2018-01", "quota_pay")
    assert (step.state, [d.place.code for d in step.done]) == ("done", [SICHUAN, QINGHAI])
    store = net.world.nodes[TIBET].store
    assert list(check_prepayments(store, net.world.founding)) == []


def test_a_quota_that_its_batches_do_not_give_is_a_duty_of_every_province(
    net: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for month in ("2017-11", "2017-12"):
        net.cleared(month, 1)
    true = compute_quota

    def one_fen_more(*given: Any) -> Quota:
        record = true(*given)
        row = record.rows[0]
        rows = [PairAmount(row.debtor, row.creditor, row.fen + 1), *record.rows[1:]]
        digest = quota_hash(record.year, record.ruleset_hash, record.months, rows)
        return structs.replace(record, rows=rows, result_hash=digest)

    monkeypatch.setattr("node.prepay.compute_quota", one_fen_more)
    net.ask(CENTRE, "prepay-quota", year=2018)
    for code in CODES:
        found = net.duties(code, "quota-differs")
        assert found == [("quota-differs", "gongzhang prepay quota 2018", "")]
    store = net.world.nodes[QINGHAI].store
    [fault] = check_prepayments(store, net.world.founding)
    assert (fault.kind, fault.place) == ("false", "quota 2018")
    assert "630000 to 510000: 160.01 yuan" in fault.text


def test_no_order_about_money_before_the_demand_is_cosigned(net: Rehearsal) -> None:
    net.ask(CENTRE, "prepay-quota", year=2017, given=table([QINGHAI, SICHUAN, 1]), reason="new")
    net.world.ask(CENTRE, "prepay-demand", year=2017)  # nothing has gone round yet
    money = {"month": "2017-01", "row": 1, "reference": "B", "date": net.day}
    assert net.refused(QINGHAI, "prepay-paid", **money) == "ROW"
    settled(net.world)
    net.ask(QINGHAI, "prepay-paid", **money)


def test_with_four_eyes_two_people_sign_the_heads_that_were_looked_at(net: Rehearsal) -> None:
    register(net.world, CENTRE, QINGHAI)
    settled(net.world)
    rows = [[QINGHAI, SICHUAN, 80_000]]
    draft = net.ask(CENTRE, "prepay-quota", year=2017, given=table(*rows), reason="new")
    assert draft["en"].startswith("quotas of 2017: 1 pairs, 800.00 yuan, new")
    both(net.world, CENTRE, draft)
    settled(net.world)
    draft = net.ask(CENTRE, "prepay-demand", year=2017)
    assert "800.00 yuan to be paid" in draft["en"]
    net.ask(SICHUAN, "import", rows=[case_row(setl_id="X1")])  # the logs go on meanwhile
    both(net.world, CENTRE, draft)
    settled(net.world)
    money = {"month": "2017-01", "row": 1, "reference": "B1", "date": net.day}
    assert net.refused(SICHUAN, "prepay-received", **money) == "ORDER"
    both(net.world, QINGHAI, net.ask(QINGHAI, "prepay-paid", **money))
    settled(net.world)
    net.ask(SICHUAN, "prepay-received", **money)
    assert net.held() == 80_000
    store = net.world.nodes[TIBET].store
    assert list(check_prepayments(store, net.world.founding)) == []
