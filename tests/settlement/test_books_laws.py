"""Laws of the books: they balance, mirror each other, and say what the legs say, everywhere."""

import random
from itertools import permutations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from settlement import lookup
from settlement.books import Books, all_here, books_at
from settlement.chart import Account
from settlement.journal import trial_balance
from settlement.mirror import mirror
from settlement.pairstatement import statement
from settlement.party import CENTRE
from settlement.prepayment import Account as Held
from settlement.prepayment import holdings
from settlement.record import Draw, Paid, Received, Returned
from tests.network import QINGHAI, SICHUAN, TIBET, Logs
from tests.settlement.test_leg import DUE, MONTH, SEEN, Tills

CODES = (CENTRE, SICHUAN, TIBET, QINGHAI)
PROVINCES = CODES[1:]
NOTHING = Held()


def balance(books: Books, code: str, head: str, other: str | None = None) -> int:
    return sum(
        fen
        for account, fen in books.of(code).balances.items()
        if account.head == head and other in (None, account.other)
    )


class Honest(Tills):
    """Payments in parts, returned, late, drawn, shared out; prepayments paid and given back."""

    @rule(data=st.data(), fen=st.integers(1, 900), arrives=st.booleans(), back=st.booleans())
    def prepays(self, data: st.DataObject, fen: int, arrives: bool, back: bool) -> None:
        debtor, creditor = data.draw(st.permutations(PROVINCES))[:2]
        key = ("prepayment", "2017-02", 1)
        sent = lookup.transfers(self.money.logs.store, debtor, Paid, *key, creditor)
        attempt = len(sent) + 1
        self.money.logs.add(debtor, Paid(*key, attempt, creditor, fen, "P", "2017-02-20", []))
        if arrives:
            came = Received(*key, attempt, debtor, fen, "P", "2017-02-21", [])
            self.money.logs.add(creditor, came)
        elif back:
            self.money.logs.add(
                debtor, Returned(*key, attempt, creditor, "P", "2017-02-22", "closed", [])
            )

    @rule(data=st.data(), end=st.sampled_from(["sent", "received", "returned"]))
    def gives_prepayment_back(self, data: st.DataObject, end: str) -> None:
        debtor, creditor = data.draw(st.permutations(PROVINCES))[:2]
        held = lookup.held_prepayment(self.money.logs.store, creditor, debtor)
        if not held:
            return
        key, fen = ("prepayment_return", "2017-05", 1), data.draw(st.integers(1, held))
        sent = lookup.transfers(self.money.logs.store, creditor, Paid, *key, debtor)
        attempt = len(sent) + 1
        paid = Paid(*key, attempt, debtor, fen, "P", "2017-05-20", [])
        assert self.money.logs.add(creditor, paid) is None
        if end == "received":
            came = Received(*key, attempt, creditor, fen, "P", "2017-05-21", [])
            self.money.logs.add(debtor, came)
        elif end == "returned":
            back = Returned(*key, attempt, debtor, "P", "2017-05-22", "closed", [])
            assert self.money.logs.add(creditor, back) is None

    @rule(data=st.data())
    def passes_on(self, data: st.DataObject) -> None:
        # What came to the hub too late goes to those who bear it, as far as they have drawn.
        for leg in self.money.legs:
            left = sum(p.fen for p in leg.after if p.received is not None)
            left -= sum(p.fen for b in leg.bearers for p in b.late if p.paid.code == CENTRE)
            for bearer in leg.bearers:
                late = sum(p.fen for p in bearer.late if p.returned is None)
                fen = min(left, bearer.fen - late)
                if bearer.draw is not None and fen > 0:
                    number, code = leg.due.number, bearer.code
                    assert self.money.pay(number, fen, payee=code, payer=CENTRE) is None
                    if data.draw(st.booleans()):
                        sent = lookup.transfers(
                            self.money.logs.store, CENTRE, Paid, "clearing", MONTH, number, code
                        )
                        self.money.receive(number, len(sent), fen, payee=code, payer=CENTRE)
                    return

    @invariant()
    def books_hold(self) -> None:
        if not hasattr(self, "money"):
            return
        books = books_at(self.money.logs.store, self.money.logs.roster)
        check(books, self.money.logs)
        check_ends(books, self.money.logs)
        check_prepaid(earlier(self.money.logs), self.money.logs)
        check_legs(books, self)
        self.judged(books)

    def judged(self, books: Books) -> None:
        """Nothing here contradicts: every step was one that a node would take."""
        found = mirror(books)
        kinds = {item.kind for item in found.items if item.month != "2017-01"}
        told = [item for item in found.items if item.kind == "contradicted"]
        overpaid = [item for item in told if item.text.en.startswith("no leg asks")]
        assert told == overpaid  # `Tills` also sends more than a leg asks for
        assert kinds <= {"transit", "contradicted"}


def check(books: Books, logs: Logs) -> None:
    """Debits equal credits; mirrors agree; what is held is what the log's own rule holds."""
    for code in CODES:
        rows = trial_balance(books.of(code))
        assert sum(row.debit_fen for row in rows) == sum(row.credit_fen for row in rows)
        assert sum(row.balance_fen for row in rows) == 0
        for other in PROVINCES:
            if code != other:
                held = -books.of(code).balances.get(Account("held", other), 0)
                assert held == lookup.held_prepayment(logs.store, code, other)
                assert held >= 0
    assert [line for line in mirror(books).lines if line.unexplained_fen] == []


def check_prepaid(books: Books, logs: Logs) -> None:
    """At this position both ends say what the movements of the creditor's log come to."""
    for creditor in PROVINCES:
        held = holdings(logs.store, creditor)
        accounts = held.accounts(books.sizes[creditor])
        for debtor in PROVINCES:
            account = accounts.get(debtor, NOTHING)
            booked = -books.of(creditor).balances.get(Account("held", debtor), 0)
            assert booked == account.held_fen
            assert booked >= 0
            assert books.of(creditor).balances.get(Account("arrears_from", debtor), 0) == (
                account.arrears_fen
            )


def check_ends(books: Books, logs: Logs) -> None:
    """What the statement of a pair says of the debtor's end is prepaid, or on its way there."""
    on_its_way = [t for t in books.dealings.transfers if t.under_way and t.paid is not None]
    for debtor, creditor in permutations(PROVINCES, 2):
        found = statement(logs.store, debtor, creditor, holdings(logs.store, creditor), [])
        key = ("prepayment", debtor, creditor)
        sent = sum(
            t.paid.record.fen
            for t in on_its_way
            if t.paid is not None and (t.key.purpose, t.key.sender, t.key.receiver) == key
        )
        prepaid = books.of(debtor).balances.get(Account("prepaid", creditor), 0)
        assert found.creditor_fen == -books.of(creditor).balances.get(Account("held", debtor), 0)
        if not found.unsent:
            assert prepaid + sent == found.debtor_fen


def check_legs(books: Books, tills: Tills) -> None:
    """What is due by the books is what the legs say is open."""
    due = {(leg.due.payee, leg.due.payer): 0 for leg in tills.money.legs}
    for leg in tills.money.legs:
        undrawn = sum(bearer.fen for bearer in leg.less if bearer.draw is None)
        due[leg.due.payee, leg.due.payer] += leg.open_fen - undrawn
        for bearer in leg.bearers if leg.shortfall is not None else ():
            place = bearer.code, leg.due.payer
            due[place] = due.get(place, 0) + (bearer.fen if bearer.draw is None else 0)
    for (payee, payer), fen in due.items():
        assert balance(books, payee, "due_from", payer) == fen
        assert balance(books, payer, "due_to", payee) == -fen
    if all(leg.open_fen == 0 for leg in tills.money.legs):
        # A month whose every leg has an end leaves nothing with the hub but late money.
        late = -balance(books, CENTRE, "pass_on") - balance(books, CENTRE, "transit")
        strange = -balance(books, CENTRE, "suspense_in") - balance(books, CENTRE, "suspense_out")
        assert balance(books, CENTRE, "hub") == late + strange


def earlier(logs: Logs) -> Books:
    """The books at some position of the past."""
    some = random.Random(logs.size(QINGHAI))
    sizes = {c: some.randint(0, s) for c, s in all_here(logs.store, logs.roster).items()}
    return books_at(logs.store, logs.roster, sizes)


class Anything(Honest):
    """The same with entries that no honest node would write, each valid by its own log."""

    @rule(data=st.data(), fen=st.integers(1, 1_200), attempt=st.integers(1, 3))
    def says_it_received(self, data: st.DataObject, fen: int, attempt: int) -> None:
        payer, payee = data.draw(st.permutations(CODES))[:2]
        purpose = data.draw(st.sampled_from(["clearing", "prepayment", "prepayment_return"]))
        month = data.draw(st.sampled_from([MONTH, "2017-02", "2017-09"]))
        number = data.draw(st.integers(1, 4))
        self.money.logs.add(
            payee, Received(purpose, month, number, attempt, payer, fen, "R", "2017-02-30", [])
        )

    @rule(data=st.data(), fen=st.integers(1, 1_200))
    def sends(self, data: st.DataObject, fen: int) -> None:
        payer, payee = data.draw(st.permutations((*CODES, "999999")))[:2]
        month = data.draw(st.sampled_from([MONTH, "2017-09"]))
        number = data.draw(st.integers(1, 4))
        if payer != "999999":
            sent = lookup.transfers(
                self.money.logs.store, payer, Paid, "clearing", month, number, payee
            )
            record = Paid("clearing", month, number, len(sent) + 1, payee, fen, "B", DUE, [])
            assert self.money.logs.add(payer, record) is None

    @rule(data=st.data(), fen=st.integers(1, 1_200))
    def draws(self, data: st.DataObject, fen: int) -> None:
        code, debtor = data.draw(st.permutations(PROVINCES))[:2]
        held = lookup.held_prepayment(self.money.logs.store, code, debtor)
        number, drawn = data.draw(st.integers(1, 4)), min(held, fen)
        self.money.logs.add(code, Draw(MONTH, number, debtor, drawn, fen - drawn, DUE, SEEN, []))

    @rule(data=st.data())
    def takes_back(self, data: st.DataObject) -> None:
        payer, payee = data.draw(st.permutations(CODES))[:2]
        number = data.draw(st.integers(1, 4))
        self.money.logs.add(
            payer, Returned("clearing", MONTH, number, 1, payee, "X", DUE, "closed", [])
        )

    def nothing_is_moved_twice(self) -> None:
        """Not of these: see `Tills`."""

    def a_certificate_says_what_the_legs_say(self) -> None:
        """Not of these: see `Tills`."""

    @invariant()
    def books_hold(self) -> None:
        if hasattr(self, "money"):
            store, roster = self.money.logs.store, self.money.logs.roster
            check(books_at(store, roster), self.money.logs)
            at_position = earlier(self.money.logs)
            check_prepaid(at_position, self.money.logs)
            assert [line for line in mirror(at_position).lines if line.unexplained_fen] == []


TestHonest = Honest.TestCase
TestHonest.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
TestAnything = Anything.TestCase
TestAnything.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
