"""Books at a position: what they are a function of, dates, suspense, and what mirrors find."""

import pytest

from ledger import log
from ledger.errors import FormError, RefusedError, UncheckableError, VerificationError
from ledger.memory import MemoryStore
from ledger.table import Store, Writer, log_key
from settlement import lookup, state
from settlement.books import Books, all_here, at_confirmation, books_at
from settlement.chart import CHART, HEADS, Account
from settlement.journal import Posting, Transaction, combined, trial_balance
from settlement.mirror import Item, mirror
from settlement.outcome import Text
from settlement.party import CENTRE
from settlement.record import (
    Draw,
    Lines,
    Paid,
    Place,
    Received,
    Returned,
    Reversal,
    Settlement,
)
from tests.bookmonth import CONFIRMED, MODELS, MONTH, BookMonth
from tests.network import QINGHAI, SICHUAN, TIBET
from tests.published import close

DUE_TO_SICHUAN = Account("due_to", SICHUAN, MONTH)


def books(month: BookMonth, sizes: dict[str, int] | None = None) -> Books:
    return books_at(month.logs.store, month.logs.roster, sizes)


def after(model: str, *steps: str) -> BookMonth:
    month = BookMonth(model)
    for step in ("the month is confirmed", *steps):
        month.does(step)
    return month


def received(number: int, fen: int) -> Received:
    return Received("clearing", MONTH, number, 1, QINGHAI, fen, "R", "2017-04-13", [])


def items(month: BookMonth) -> list[Item]:
    return list(mirror(books(month)).items)


def kinds(month: BookMonth) -> list[str]:
    return [item.kind for item in items(month)]


# --- what books are a function of ----------------------------------------------------------------


def test_before_anything_is_confirmed_there_is_nothing_to_book() -> None:
    found = books(BookMonth())
    assert [journal.transactions for journal in found.journals.values()] == [()] * 4
    assert trial_balance(found.of(QINGHAI)) == []


def test_the_centre_keeps_no_books_of_pairs_and_nobody_else_keeps_any() -> None:
    found = books(after("gross_pair"))
    assert found.of(CENTRE).transactions == ()
    with pytest.raises(FormError, match="999999"):
        found.of("999999")


@pytest.mark.parametrize("model", MODELS)
def test_a_position_before_the_confirmation_knows_nothing_of_the_month(model: str) -> None:
    month = after(model)
    confirmed = at_confirmation(
        month.logs.store, all_here(month.logs.store, month.logs.roster), MONTH
    )
    assert books(month, confirmed).of(QINGHAI).transactions
    before = {**confirmed, CENTRE: confirmed[CENTRE] - 1}
    assert books(month, before).of(QINGHAI).transactions == ()
    with pytest.raises(RefusedError, match="not confirmed"):
        at_confirmation(month.logs.store, before, MONTH)


def test_every_log_may_stand_still_alone() -> None:
    month = after("gross_pair", "Qinghai pays Sichuan 10.00")
    here = all_here(month.logs.store, month.logs.roster)
    month.does("Sichuan receives 10.00 from Qinghai")
    assert books(month).of(QINGHAI).balances[DUE_TO_SICHUAN] == 0
    assert books(month, here).of(QINGHAI).balances[DUE_TO_SICHUAN] == -1_000
    # Sichuan's receipt without Qinghai's payment: in Sichuan's books, waiting for the other log.
    behind = {**all_here(month.logs.store, month.logs.roster), QINGHAI: here[QINGHAI] - 1}
    found = mirror(books(month, behind))
    assert [item.kind for item in found.items] == ["awaited"]
    assert (found.false, found.waiting) == (False, True)
    assert [line.explained_fen for line in found.lines if line.head == "suspense_out"] == [-1_000]


def test_books_do_not_depend_on_the_order_in_which_logs_arrived() -> None:
    month = BookMonth()
    for step in (
        "the month is confirmed", "Qinghai pays the centre 3.00",
        "the centre receives 3.00 from Qinghai", "the centre shares out what Qinghai owes",
        "Sichuan draws on Qinghai", "Qinghai pays Sichuan 2.00",
        "Sichuan receives 2.00 from Qinghai",
    ):  # fmt: skip
        month.does(step)
    roster = month.logs.roster
    other = MemoryStore()
    for code in (QINGHAI, TIBET, SICHUAN, CENTRE):  # whole logs, the last one first
        _copy(month, other, code)
    assert books_at(other, roster).journals == books(month).journals


def _copy(month: BookMonth, target: Store, code: str) -> None:
    leaves = list(log.leaves(month.logs.store, log_key(code), 0, month.logs.size(code)))

    def change(writer: Writer) -> None:
        log.append(writer, log_key(code), leaves, 0)
        state.apply(writer, month.logs.roster, code, leaves)

    target.transact(change)


def test_books_are_not_made_from_half_a_network() -> None:
    month = after("net_hub")
    other = MemoryStore()
    for code in (CENTRE, QINGHAI, TIBET):
        _copy(month, other, code)
    with pytest.raises(UncheckableError, match=SICHUAN):
        books_at(other, month.logs.roster)


def test_a_confirmed_result_that_the_logs_do_not_give_is_not_booked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    month = after("net_hub")
    found = lookup.confirmed_proposals(month.logs.store)
    changed = [(_with_hash(proposal), index, at) for proposal, index, at in found]
    monkeypatch.setattr("settlement.dealings.confirmed_proposals", lambda _: changed)
    with pytest.raises(VerificationError, match="confirmed result"):
        books(month)


def _with_hash(proposal: object) -> object:
    values = {name: getattr(proposal, name) for name in proposal.__struct_fields__}  # type: ignore[attr-defined]
    return type(proposal)(**{**values, "result_hash": bytes(32)})


# --- dates and order -----------------------------------------------------------------------------


def test_a_transaction_has_the_banks_date_or_the_day_of_its_entry() -> None:
    month = after("net_hub", "Qinghai pays the centre 12.00")
    dates = {t.kind: t.date for t in books(month).of(QINGHAI).transactions}
    assert dates == {
        "owed": CONFIRMED, "novation": CONFIRMED, "sent": "2017-04-12",
    }  # fmt: skip


def test_a_date_that_no_calendar_has_gives_way_to_the_day_of_the_entry() -> None:
    month = after("net_hub")
    paid = Paid("clearing", MONTH, 1, 1, CENTRE, 1_200, "B1", "2017-02-30", [])
    month.add(QINGHAI, paid)
    (sent,) = [t for t in books(month).of(QINGHAI).transactions if t.kind == "sent"]
    assert sent.date == CONFIRMED


def test_what_is_owed_stands_before_what_it_turns_into() -> None:
    found = books(after("net_hub")).of(QINGHAI).transactions
    assert [t.kind for t in found] == ["owed", "owed", "owed", "novation"]


# --- suspense and mirrors ------------------------------------------------------------------------


def test_what_is_under_way_is_listed_and_the_mirrors_agree() -> None:
    month = after("gross_pair", "Qinghai pays Sichuan 10.00")
    found = mirror(books(month))
    (item,) = found.items
    assert (item.kind, item.sender, item.receiver, item.fen) == ("transit", QINGHAI, SICHUAN, 1_000)
    assert (found.false, found.waiting) == (False, False)
    transit = [line for line in found.lines if line.head == "transit"]
    assert [(line.one_fen, line.two_fen) for line in transit] == [(1_000, 1_000)]


def test_a_mirror_may_be_asked_of_one_or_of_two() -> None:
    month = after("gross_pair", "Qinghai pays Sichuan 10.00", "Qinghai pays Tibet 5.00")
    found = mirror(books(month))
    assert len(found.between(None).items) == 2
    assert len(found.between(QINGHAI).items) == 2
    assert len(found.between(TIBET, QINGHAI).items) == 1
    assert {line.one for line in found.between(TIBET, SICHUAN).lines} == {TIBET}


def test_a_receipt_of_another_amount_is_in_suspense_and_contradicts() -> None:
    month = after("gross_pair", "Qinghai pays Sichuan 10.00")
    number = month.leg(QINGHAI, SICHUAN)
    month.add(SICHUAN, received(number, 999))
    found = books(month)
    assert found.of(SICHUAN).balances[Account("suspense_in", QINGHAI)] == -999
    assert found.of(QINGHAI).balances[Account("transit", SICHUAN)] == 1_000
    texts = {item.kind: item.text for item in items(month)}
    assert texts["contradicted"].en == "sent 10.00 yuan, received 9.99"
    assert mirror(found).false
    assert all(line.unexplained_fen == 0 for line in mirror(found).lines)


def test_a_receipt_of_what_the_bank_returned_contradicts() -> None:
    month = after(
        "gross_pair",
        "Qinghai pays Sichuan 10.00",
        "the bank returns to Qinghai what went to Sichuan",
    )
    assert kinds(month) == []
    number = month.leg(QINGHAI, SICHUAN)
    month.add(SICHUAN, received(number, 1_000))
    assert kinds(month) == ["contradicted"]


def test_a_payment_sent_again_is_the_one_that_arrived() -> None:
    month = after(
        "gross_pair", "Qinghai pays Sichuan 10.00",
        "the bank returns to Qinghai what went to Sichuan", "Qinghai pays Sichuan 10.00",
    )  # fmt: skip
    number = month.leg(QINGHAI, SICHUAN)
    # Sichuan has not heard of the return and takes what came for the first attempt.
    month.add(SICHUAN, received(number, 1_000))
    assert kinds(month) == []
    assert books(month).of(QINGHAI).balances[Account("transit", SICHUAN)] == 0


def test_a_payment_that_no_leg_asks_for_is_in_suspense_on_both_sides() -> None:
    month = after("gross_pair")
    number = month.leg(QINGHAI, SICHUAN)
    month.add(QINGHAI, Paid("clearing", MONTH, number, 1, SICHUAN, 1_001, "B", "2017-04-12", []))
    month.add(SICHUAN, received(number, 1_001))
    found = books(month)
    assert found.of(QINGHAI).balances[Account("suspense_out", SICHUAN)] == 1_001
    assert found.of(SICHUAN).balances[Account("suspense_in", QINGHAI)] == -1_001
    assert found.of(QINGHAI).balances[DUE_TO_SICHUAN] == -1_000
    assert kinds(month) == ["contradicted"]


def test_a_payment_for_a_month_that_is_not_confirmed_here_waits() -> None:
    month = after("gross_pair")
    paid = Paid("clearing", "2017-09", 1, 1, SICHUAN, 5, "B", "2017-10-12", [])
    month.add(QINGHAI, paid)
    assert kinds(month) == ["awaited", "transit"]


def test_a_draw_of_another_amount_is_in_suspense_and_contradicts() -> None:
    month = after("gross_pair")
    number = month.leg(QINGHAI, SICHUAN)
    month.add(SICHUAN, Draw(MONTH, number, QINGHAI, 0, 999, "2017-04-17", "2017-04-20", []))
    found = books(month)
    assert found.of(SICHUAN).balances[Account("arrears_from", QINGHAI)] == 999
    assert found.of(QINGHAI).balances[Account("arrears_to", SICHUAN)] == -999
    assert found.of(SICHUAN).balances[Account("due_from", QINGHAI, MONTH)] == 1_000
    assert kinds(month) == ["contradicted"]
    # What arrives then is the leg's money, and by Sichuan's own log what it had drawn.
    month.does("Qinghai pays Sichuan 9.99")
    month.does("Sichuan receives 9.99 from Qinghai")
    found = books(month)
    assert found.of(SICHUAN).balances[Account("arrears_from", QINGHAI)] == 0
    assert found.of(SICHUAN).balances[Account("suspense_in", QINGHAI)] == 0
    assert found.of(QINGHAI).balances[DUE_TO_SICHUAN] == -1


def test_a_draw_is_not_judged_while_a_payment_before_it_is_not_here() -> None:
    month = after("gross_pair")
    here = all_here(month.logs.store, month.logs.roster)
    for step in ("Qinghai pays Sichuan 1.00", "Sichuan receives 1.00 from Qinghai",
                 "Sichuan draws on Qinghai"):  # fmt: skip
        month.does(step)
    assert kinds(month) == []
    now = all_here(month.logs.store, month.logs.roster)
    found = mirror(books(month, {**now, QINGHAI: here[QINGHAI]}))
    assert [item.kind for item in found.items] == ["awaited", "awaited"]
    assert [line for line in found.lines if line.unexplained_fen] == []


def test_a_shortfall_is_not_judged_while_a_payment_before_it_is_not_here() -> None:
    month = after("net_hub")
    here = all_here(month.logs.store, month.logs.roster)
    for step in (
        "Qinghai pays the centre 3.00", "the centre receives 3.00 from Qinghai",
        "the centre shares out what Qinghai owes", "Sichuan draws on Qinghai",
    ):  # fmt: skip
        month.does(step)
    assert kinds(month) == []
    now = all_here(month.logs.store, month.logs.roster)
    without_payment = mirror(books(month, {**now, QINGHAI: here[QINGHAI]}))
    assert {item.kind for item in without_payment.items} == {"awaited"}
    without_centre = mirror(books(month, {**now, CENTRE: here[CENTRE]}))
    assert {item.kind for item in without_centre.items} == {"awaited", "transit"}


def test_money_from_a_stranger_and_to_a_stranger_is_kept_in_the_books_of_who_says_so() -> None:
    month = after("gross_pair")
    month.add(QINGHAI, Paid("prepayment", "2017-02", 1, 1, "999999", 70, "B", "2017-02-12", []))
    month.add(TIBET, Received("prepayment", "2017-02", 1, 1, "999998", 30, "B", "2017-02-12", []))
    found = books(month)
    assert found.of(QINGHAI).balances[Account("transit", "999999")] == 70
    assert found.of(TIBET).balances[Account("held", "999998")] == -30
    assert sorted(kinds(month)) == ["awaited", "transit"]
    assert all(line.unexplained_fen == 0 for line in mirror(found).lines)


def test_a_prepayment_on_its_way_back_is_still_the_payers() -> None:
    month = BookMonth()
    for step in ("Qinghai prepays Tibet 9.00", "Tibet holds 9.00 of Qinghai",
                 "Tibet gives back 4.00 to Qinghai"):  # fmt: skip
        month.does(step)
    (line,) = [line for line in mirror(books(month)).lines if line.head == "prepaid"]
    assert (line.one_fen, line.two_fen) == (900, 900)
    assert lookup.held_prepayment(month.logs.store, TIBET, QINGHAI) == 500
    back = Returned("prepayment_return", "2017-02", 1, 1, QINGHAI, "X", "2017-02-25", "closed", [])
    month.add(TIBET, back)
    assert books(month).of(TIBET).balances[Account("returning", QINGHAI)] == 0
    assert books(month).of(TIBET).balances[Account("held", QINGHAI)] == -900


@pytest.mark.parametrize("model", MODELS)
def test_a_pair_whose_lines_cancel_out_leaves_nothing_to_remit(model: str) -> None:
    month = after(model)
    taken_back = Reversal(
        "R1", "S1", "2017-04", "510100", "630100", "310", "21", Lines(0, -200, 0, 0), bytes(32)
    )
    new = Settlement(
        "S9", "2017-04", "510100", "630100", "310", "21", Lines(200, 0, 0, 0), bytes(32)
    )
    month.add(SICHUAN, taken_back)
    month.add(SICHUAN, new)
    assert month.logs.accept(QINGHAI, SICHUAN) is None
    close(month.logs, "2017-04")
    found = books(month).of(QINGHAI)
    later = [t for t in found.transactions if t.month == "2017-04"]
    assert [t.kind for t in later] == ["owed", "novation" if model == "net_hub" else "remit"]
    assert sorted((p.account.head, p.account.part, p.fen) for p in later[0].postings) == [
        ("expense", "employee", 200), ("expense", "resident", -200),
        ("payable", "employee", -200), ("payable", "resident", 200),
    ]  # fmt: skip
    assert not [fen for account, fen in found.balances.items() if account.head == "payable" and fen]


# --- accounts and journals -----------------------------------------------------------------------


def test_every_head_is_there_once_with_both_names_and_a_name_for_beancount() -> None:
    assert len(HEADS) == len(CHART)
    for language in ("en", "zh"):
        assert len({head.name[language == "zh"] for head in CHART}) == len(CHART)
    for head in CHART:
        part = {"line": "employee", "month": MONTH}.get(head.by[-1] if head.by else "", "")
        account = Account(head.key, SICHUAN if "other" in head.by else "", part)
        assert all(c[0].isupper() or c[0].isdigit() for c in account.ascii_path().split(":"))
        assert account.ascii_path().isascii()
        assert len(account.path().split(":")) == 2 + len(head.by)


def test_a_transaction_that_does_not_balance_cannot_be_made() -> None:
    with pytest.raises(AssertionError):
        Transaction(
            "2017-04-12", 0, "sent", Text("", ""), (Place(QINGHAI, 1),), MONTH,
            (Posting(Account("bank"), 1),),
        )  # fmt: skip


def test_postings_on_one_account_are_one_line_debits_first() -> None:
    bank, held = Account("bank"), Account("held", QINGHAI)
    lines = [Posting(bank, -3), Posting(held, 5), Posting(bank, -2), Posting(Account("hub"), 0)]
    assert combined(lines) == (Posting(held, 5), Posting(bank, -5))
