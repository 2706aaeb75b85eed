"""Booking rules: what each event debits and credits, in the books of everybody it concerns.

The first two are in `recognition`.

    event                      debit                              credit
    batch confirmed  debtor    fund expense, by line              clearing payable, by line
                     creditor  clearing receivable, by line       advanced to institutions, by line
    remittance       debtor    clearing payable                   remittance due to
                     creditor  remittance due from                clearing receivable
      (net_pair: both directions of a pair turn into one remittance; net_hub: everything a province
      owes and is owed turns into one with the centre, which owes and is owed the same)
    sent             payer     in transit                         bank, or hub clearing account
    returned         payer     bank, or hub clearing account      in transit
    received         payee     bank, or hub clearing account      remittance due from
                     payer     remittance due to                  in transit
    draw             payee     prepayment held, arrears due from  remittance due from
                     payer     remittance due to                  prepayment paid, arrears due to
    shortfall        centre    remittance due to those who bear   remittance due from the defaulter
                     bearer    remittance due from the defaulter  remittance due from the centre
                     defaulter remittance due to the centre       remittance due to those who bear
    late money       bearer    bank                               prepayment held, then arrears
                     defaulter prepayment paid, then arrears      in transit, or paid late to hub
    prepayment       payer     prepayment paid                    in transit (when it has arrived)
                     payee     bank                               prepayment held

Money counts as gone when the bank has sent it and as arrived when the payee says so; in between it
is in transit in the payer's books, so that what is owed is the same on both sides at any time. What
no leg asks for goes through the suspense accounts.
"""

from collections.abc import Mapping

from settlement.chart import Account
from settlement.dealings import Purpose, Refill, Use
from settlement.journal import Posting
from settlement.party import CENTRE
from settlement.transfer import Transfer

Sides = dict[str, list[Posting]]
"""Whose books, and what is posted there."""


def debit(fen: int, head: str, other: str = "", part: str = "") -> Posting:
    """Return a debit; below zero it is a credit."""
    return Posting(Account(head, other, part), fen)


def credit(fen: int, head: str, other: str = "", part: str = "") -> Posting:
    """Return a credit; below zero it is a debit."""
    return Posting(Account(head, other, part), -fen)


# --- what becomes of an overdue leg --------------------------------------------------------------


def shared_out(month: str, defaulter: str, shares: Mapping[str, int]) -> Sides:
    """Return what a shortfall means: whoever bears a share has a claim on the defaulter for it."""
    missing = sum(shares.values())
    sides: Sides = {
        CENTRE: [credit(missing, "due_from", defaulter, month)],
        defaulter: [debit(missing, "due_to", CENTRE, month)],
    }
    for code, fen in sorted(shares.items()):
        sides[CENTRE].append(debit(fen, "due_to", code, month))
        sides[defaulter].append(credit(fen, "due_to", code, month))
        sides[code] = [
            debit(fen, "due_from", defaulter, month), credit(fen, "due_from", CENTRE, month),
        ]  # fmt: skip
    return sides


def drawn(
    month: str, code: str, debtor: str, drawn_fen: int, arrears_fen: int, *, counts: bool
) -> Sides:
    """Return what a draw of `code` means; one that no leg counts is in suspense on both sides."""
    fen = drawn_fen + arrears_fen
    if counts:
        owed, owes = credit(fen, "due_from", debtor, month), debit(fen, "due_to", code, month)
    else:
        owed, owes = credit(fen, "suspense_in", debtor), debit(fen, "suspense_out", code)
    return {
        code: [
            debit(drawn_fen, "held", debtor), debit(arrears_fen, "arrears_from", debtor), owed,
        ],
        debtor: [
            owes, credit(drawn_fen, "prepaid", code), credit(arrears_fen, "arrears_to", code),
        ],
    }  # fmt: skip


# --- money at the bank ---------------------------------------------------------------------------


def _money(code: str, transfer: Transfer) -> tuple[str, str, str]:
    if code == CENTRE and transfer.key.purpose == "clearing":
        return "hub", "", transfer.key.month
    return "bank", "", ""


def sent(transfer: Transfer) -> Sides:
    """Return what the sending of money means."""
    assert transfer.paid is not None
    key, fen = transfer.key, transfer.paid.record.fen
    postings = [debit(fen, "transit", key.receiver), credit(fen, *_money(key.sender, transfer))]
    if key.purpose == "prepayment_return":
        postings += [debit(fen, "held", key.receiver), credit(fen, "returning", key.receiver)]
    return {key.sender: postings}


def came_back(transfer: Transfer) -> Sides:
    """Return what it means that the bank sent money back: the sending is undone."""
    return {code: [Posting(a, -f) for a, f in items] for code, items in sent(transfer).items()}


def received(transfer: Transfer, purpose: Purpose, refill: Refill | None) -> Sides:
    """Return what the arrival of money means; if nothing bears it out, on the payee's side alone.

    Args:
        refill: What it repays by the payee's own log, which has drawn before.
    """
    assert transfer.received is not None
    key, fen = transfer.key, transfer.received.record.fen
    sides: Sides = {key.receiver: [debit(fen, *_money(key.receiver, transfer))]}
    if transfer.arrived:
        sides[key.sender] = [credit(fen, "transit", key.receiver)]
    for code, postings in _settled(transfer, purpose, refill, fen).items():
        if code == key.receiver or transfer.arrived:
            sides.setdefault(code, []).extend(postings)
    return sides


def _settled(transfer: Transfer, purpose: Purpose, refill: Refill | None, fen: int) -> Sides:
    key = transfer.key
    sender, receiver, month = key.sender, key.receiver, key.month
    if key.purpose == "prepayment":  # the payee's log holds it from here on, whoever says so
        return {receiver: [credit(fen, "held", sender)], sender: [debit(fen, "prepaid", receiver)]}
    if key.purpose == "prepayment_return":
        if transfer.arrived:
            return {
                receiver: [credit(fen, "prepaid", sender)],
                sender: [debit(fen, "returning", receiver)],
            }
        return {receiver: [credit(fen, "suspense_in", sender)]}
    sides = _for_a_leg(sender, receiver, month, purpose, fen)
    if refill is not None:
        direct = purpose.use is Use.LATE and purpose.drawn and transfer.arrived
        _repay(sides, receiver, refill, fen, direct=direct)
    return sides


def _for_a_leg(sender: str, receiver: str, month: str, purpose: Purpose, fen: int) -> Sides:
    debtor = purpose.debtor
    if purpose.use is Use.NONE:
        return {
            receiver: [credit(fen, "suspense_in", sender)],
            sender: [debit(fen, "suspense_out", receiver)],
        }
    if purpose.use is Use.LEG:
        return {
            receiver: [credit(fen, "due_from", sender, month)],
            sender: [debit(fen, "due_to", receiver, month)],
        }
    if purpose.use is Use.AFTER:
        return {
            receiver: [credit(fen, "pass_on", sender, month)],
            sender: [debit(fen, "with_hub", part=month)],
        }
    sides: Sides = {receiver: [], debtor: []}
    if sender != debtor:  # the hub passes it on
        sides[sender] = [debit(fen, "pass_on", debtor, month)]
        sides[debtor].append(credit(fen, "with_hub", part=month))
    if not purpose.drawn:
        sides[receiver].append(credit(fen, "due_from", debtor, month))
        sides[debtor].append(debit(fen, "due_to", receiver, month))
    return sides


def _repay(sides: Sides, receiver: str, refill: Refill, fen: int, *, direct: bool) -> None:
    debtor = refill.debtor
    repaid = sides.setdefault(receiver, [])
    repaid += [
        credit(refill.refill_fen, "held", debtor),
        credit(refill.arrears_fen, "arrears_from", debtor),
    ]
    repays = sides.setdefault(debtor, [])
    repays += [
        debit(refill.refill_fen, "prepaid", receiver),
        debit(refill.arrears_fen, "arrears_to", receiver),
    ]
    if not direct:  # the draw was in suspense, or the money is
        repaid.append(debit(fen, "suspense_in", debtor))
        repays.append(credit(fen, "suspense_out", receiver))
