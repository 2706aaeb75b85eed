"""The insurer: an insured province's side of claims; the desk of the treatment province asks it.

An answer is durable before it is given, and the same question gets the same answer for ever: a
settled claim is counted once in the person's year, whatever is repeated, lost or taken back.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ledger.errors import FormError, RefusedError
from ledger.table import Writer
from node import claimbook, persons
from node.claimbook import Amount, Decision, TakenBack
from node.effect import Asked
from node.message import VERDICTS, Answer, AskClaims, Case, ClaimAsked, Verdict, Verdicts
from node.refusal import refused
from node.turn import Turn
from node.vault import put_received, received_case, remove_received
from settlement import lookup
from settlement.benefit import split_bill
from settlement.bill import Bill, Fee, Patient, Visit, YearSoFar
from settlement.casefile import CaseRow, check_row, decode_case, encode_case
from settlement.claim import Claim, check_claim, refund_of, row_of
from settlement.determination import Cancellation, Determined, Fund, Step, determine
from settlement.money import parse_fen
from settlement.party import province_of
from settlement.period import parse_time
from settlement.person import Person
from settlement.policy import Policy
from settlement.provision import Category, Insutype, Level
from settlement.registration import Switches, allowed, entitlement
from settlement.registration import Visit as Stay

if TYPE_CHECKING:
    from node.province import Province

MAX_AGE = 130
# A visit that needs no registration counts as those of the long-term ones (R32, R33): no cut.
_CATEGORY = {"in_province": "resident_elsewhere", "unregistered": "resident_elsewhere"}


class Insurer:
    """See the module's text."""

    def __init__(self, role: "Province", policy: Policy | None) -> None:
        self._role = role
        self._policy = policy
        self._book = role.vault.store

    def asked(self, turn: Turn, event: Asked, message: AskClaims) -> Answer | None:
        """Answer the claims and cancellations of one message, once the answers are durable."""
        sender = event.sender
        assert sender is not None
        if not self._role.lock.open:
            return Answer(503, b"locked: this node does not know yet whether its books are old\n")

        def decide(writer: Writer) -> None:
            answer = partial(_verdict, turn, writer, sender)
            verdicts = Verdicts(
                [answer(self._claim, claim) for claim in message.claims],
                [answer(self._cancel, wish) for wish in message.cancellations],
            )
            turn.reply(event.ticket, Answer(200, VERDICTS.encode(verdicts)))

        turn.book.append(decide)
        return None

    # --- claims ----------------------------------------------------------------------------------

    def _claim(
        self, turn: Turn, writer: Writer, sender: str, asked: ClaimAsked
    ) -> Determined | None:
        claim = asked.claim
        check_claim(claim)
        if province_of(claim.treatment_area) != sender or claim.insured != self._role.code:
            raise FormError("claim", f"treated in {sender}, insured in {self._role.code}")
        known = claimbook.decision(writer, sender, claim.setl_id)
        if known is not None:
            if known.determined is None or known.cancelled:
                raise refused("CANCELLED", claim.setl_id)
            if known.asked != claim.hash:
                raise refused("OTHER_BODY", claim.setl_id)
            return known.determined
        person, bill = self._bill(turn, writer, claim)
        row = row_of(claim, person.psn_no, person.insutype, bill.columns._asdict())
        assert not check_row(row), check_row(row)
        if not asked.settle:
            return Determined(
                encode_case(row), bytes(32), claim.hash, 0, bytes(64), _funds(bill), _steps(bill)
            )
        found = self._determine(turn, sender, claim.setl_id, claim.hash, row, bill)
        year = _settled_on(claim)[:4]
        used = claimbook.used_by(bill)
        item = Decision(claim.hash, claim.person, person.insutype, year, used, found)
        self._keep(writer, sender, claim.setl_id, item, found)
        return found

    def _bill(self, turn: Turn, writer: Writer, claim: Claim) -> tuple[Person, Bill]:
        """Return whom a claim is about and how it is split, if all that is needed is so today."""
        if self._policy is None:
            raise refused("NO_POLICY", self._role.code)
        day = _settled_on(claim)
        if day > self._role.today(turn.now_ms):
            raise refused("FUTURE", day)
        treatment = province_of(claim.treatment_area)
        institution = lookup.institution(turn.writer, treatment, claim.institution)
        allowed(institution, claim.service)
        assert institution is not None
        person = persons.person(writer, claim.person)
        entitled = entitlement(
            person,
            persons.registrations_logged(
                turn.writer, writer, self._role.code, claim.person
            ),
            switches_of(self._policy),
            Stay(
                claim.service, institution.area, claim.institution, claim.begndate, claim.enddate,
                day, claim.emergency,
            ),
            persons.barred(writer, claim.person),
        )  # fmt: skip
        assert person is not None
        if not self._policy.is_activated(person.insured_area):
            raise refused("AREA_INACTIVE", person.insured_area)
        return person, self._split(writer, claim, person, institution.level, entitled.category, day)

    def _split(
        self, writer: Writer, claim: Claim, person: Person, level: int, category: str, day: str
    ) -> Bill:
        assert self._policy is not None
        year, from_account = claimbook.year_so_far(writer, claim.person, person.insutype, day[:4])
        visit = Visit(
            cast(Insutype, person.insutype),  # all three were checked when they were entered
            claim.service,
            cast(Level, level),
            cast(Category, _CATEGORY.get(category, category)),
            [Fee(*msgspec.structs.astuple(fee)) for fee in claim.fees],
        )
        patient = Patient(
            _age(person.birth, day),
            frozenset(person.flags),
            max(person.account_fen - from_account, 0),
            claim.use_account,
        )
        return split_bill(self._policy, visit, patient, year.plus(_opening(person, day[:4])))

    def _determine(
        self,
        turn: Turn,
        sender: str,
        setl_id: str,
        asked: bytes,
        row: CaseRow,
        bill: Bill | None = None,
    ) -> Determined:
        role, case = self._role, encode_case(row)
        assert role.random is not None
        index = lookup.applied_size(turn.writer, role.code)
        seed = role.keys.seed("entry", turn.own_keys.entry_key)
        signature = determine(
            seed, role.roster.network_id, sender, role.code, setl_id, asked, case, index
        )
        funds, steps = ([], []) if bill is None else (_funds(bill), _steps(bill))
        return Determined(case, role.random(32), asked, index, signature, funds, steps)

    def _keep(
        self,
        writer: Writer,
        sender: str,
        setl_id: str,
        item: Decision,
        found: Determined,
    ) -> None:
        claimbook.decide(writer, sender, setl_id, item)
        put_received(writer, sender, Case(setl_id, found.case, found.salt))

    # --- cancellations ---------------------------------------------------------------------------

    def _cancel(
        self, turn: Turn, writer: Writer, sender: str, wish: Cancellation
    ) -> Determined | None:
        known = claimbook.decision(writer, sender, wish.setl_id)
        if known is None:
            if wish.entered:
                raise refused("UNKNOWN_CLAIM", wish.setl_id)
            # It may still be under way: whoever comes later finds this.
            claimbook.decide(writer, sender, wish.setl_id, _gone(wish))
            return None
        if known.cancelled:
            if known.cancelled != wish.cancel_id:
                raise refused("ALREADY_CANCELLED", known.cancelled)
            again = claimbook.decision(writer, sender, wish.cancel_id)
            return again.determined if again else None
        if not wish.entered:
            # It never was in the log: what stays says that it must not come back, not whose it was.
            claimbook.withdraw(writer, sender, wish.setl_id, known, _gone(wish))
            remove_received(writer, sender, wish.setl_id)
            return None
        taken = msgspec.structs.replace(known, cancelled=wish.cancel_id)
        found = self._refund(turn, writer, sender, wish, known)
        item = Decision(
            wish.hash, known.person, known.insutype, known.year, [], found, original=wish.setl_id
        )
        self._keep(writer, sender, wish.cancel_id, item, found)
        claimbook.decide(writer, sender, wish.setl_id, taken)
        return found

    def _refund(
        self, turn: Turn, writer: Writer, sender: str, wish: Cancellation, known: Decision
    ) -> Determined:
        assert known.determined is not None
        if claimbook.decision(writer, sender, wish.cancel_id) is not None:
            raise refused("DUPLICATE_ID", wish.cancel_id)
        if parse_time(wish.setl_time).strftime("%Y-%m-%d") > self._role.today(turn.now_ms):
            raise refused("FUTURE", wish.setl_time)
        rows = [decode_case(known.determined.case)]
        for part in known.parts:
            case = received_case(writer, sender, part.setl_id)
            if case is not None:
                rows.append(decode_case(case.case))
        row = refund_of(rows, wish.cancel_id, wish.setl_time)
        if check_row(row):
            raise FormError("cancellation", "a time after the settlement", wish.setl_time)
        return self._determine(turn, sender, wish.cancel_id, wish.hash, row)

    # --- what comes by another way ---------------------------------------------------------------

    def decided(self, sender: str, setl_id: str) -> Decision | None:
        """Return what this node has determined for an entry of `sender`, or None."""
        with self._book.read() as reader:
            return claimbook.decision(reader, sender, setl_id)

    def takes(self, sender: str, setl_id: str) -> bool:
        """Return whether a case file of `sender` is taken in.

        Nobody can replace what this node has determined, or bring back what was cancelled.
        """
        with self._book.read() as reader:
            known = claimbook.decision(reader, sender, setl_id)
            kept = received_case(reader, sender, setl_id)
        return known is None or not (known.cancelled or kept)

    def taken_back(self, sender: str, row: CaseRow) -> None:
        """Give back to a person's year what an accepted reversal took from a determined case.

        A reversal that this node determined itself is counted already; any other one once.
        """

        def change(writer: Writer) -> None:
            known = claimbook.decision(writer, sender, row.init_setl_id)
            if known is None or known.determined is None or known.cancelled:
                return
            if claimbook.decision(writer, sender, row.setl_id) is not None:
                return
            if any(part.setl_id == row.setl_id for part in known.parts):
                return
            claimbook.decide(writer, sender, row.init_setl_id, _without(known, row))

        self._book.transact(change)


def _gone(wish: Cancellation) -> Decision:
    return Decision(wish.hash, "", "", "", [], None, cancelled=wish.cancel_id)


def _without(known: Decision, row: CaseRow) -> Decision:
    # The pool and the account get back what they paid; deductible and admission stay used, unless
    # nothing is left of the case at all.
    assert known.determined is not None
    original = decode_case(known.determined.case)
    back = {"pool": -parse_fen(row.hifp_pay), "account": -parse_fen(row.acct_pay)}
    used = [
        Amount(item.kind, item.of, min(back[item.kind], item.amount))
        for item in known.used
        if item.kind in back
    ]
    parts = [*known.parts, TakenBack(row.setl_id, -parse_fen(row.medfee_sumamt), used)]
    if sum(part.medfee for part in parts) >= parse_fen(original.medfee_sumamt):
        return msgspec.structs.replace(known, cancelled=row.setl_id)
    return msgspec.structs.replace(known, parts=parts)


def _verdict(
    turn: Turn,
    writer: Writer,
    sender: str,
    decide: Callable[[Turn, Writer, str, Any], Determined | None],
    asked: ClaimAsked | Cancellation,
) -> Verdict:
    try:
        return Verdict("", "", decide(turn, writer, sender, asked))
    except (RefusedError, FormError) as error:
        return Verdict(error.code, str(error)[:500], None)


def _funds(bill: Bill) -> list[Fund]:
    return [Fund(share.fund, share.fen) for share in bill.funds]


def _steps(bill: Bill) -> list[Step]:
    return [
        Step(
            step.code, step.fen, step.text.en, step.text.zh, step.parameter[:300],
            step.source[:300], step.certainty or "", step.fund,
        )
        for step in bill.steps
    ]  # fmt: skip


def _settled_on(claim: Claim) -> str:
    return parse_time(claim.setl_time).strftime("%Y-%m-%d")


def _age(birth: str, day: str) -> int:
    # A life longer than the policy's formula allows is a typing error in the birth date.
    return min(max(int(day[:4]) - int(birth[:4]) - (day[5:] < birth[5:]), 0), MAX_AGE)


def _opening(person: Person, year: str) -> YearSoFar:
    for row in person.opening:
        if str(row.year) == year:
            return YearSoFar(
                row.admissions, {"inpatient": row.deductible_fen}, {"inpatient": row.pool_fen}
            )
    return YearSoFar()


def switches_of(policy: Policy) -> Switches:
    """Return the switches of a policy's registrations."""
    names = Switches.__struct_fields__
    return Switches(**{name: getattr(policy.registration, name).value for name in names})
