"""The bookkeeper: posts every event in the books of everybody it concerns, with date and text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from settlement import booking, recognition
from settlement.booking import Sides
from settlement.chart import called
from settlement.dealings import Dealings, Month, Use
from settlement.journal import Journal, Transaction, combined, ordered
from settlement.outcome import Text
from settlement.period import shanghai_day
from settlement.record import Place
from settlement.transfer import Transfer

TEXTS: Mapping[str, Text] = {
    "owed": Text("{a} owes {b} for {month}", "{month} 清算：{a}应付{b}"),
    "remit": Text("{month}: to be remitted between {a} and {b}", "{month} 应划拨：{a}与{b}"),
    "novation": Text(
        "{month}: all pairs turn into one position with the centre",
        "{month} 轧差：双边应收应付转为与国家中心的净额",
    ),
    "shortfall": Text(
        "{month}: what {a} has not paid in is borne by others", "{month} {a}缺口分摊"
    ),
    "draw": Text(
        "{month}: {a} draws on the prepayment of {b}, the rest is arrears",
        "{month} {a}扣划{b}预付金，不足部分挂账",
    ),
    "sent": Text("sent to {b} for {month}", "{month} 付{b}清算款"),
    "returned": Text("returned by the bank, to {b} for {month}", "{month} 付{b}清算款，银行退回"),
    "received": Text("{b} received from {a} for {month}", "{month} {b}收到{a}清算款"),
    "late": Text("{b} received late from {a} for {month}", "{month} {b}收到{a}逾期补款"),
    "prepayment": Text("prepayment of {a} with {b}", "{a}拨付{b}预付金"),
    "prepayment_return": Text("prepayment returned by {a} to {b}", "{a}退还{b}预付金"),
}
_STEPS: Mapping[str, Text] = {
    "sent": Text(": sent", "：付出"),
    "returned": Text(": returned by the bank", "：银行退回"),
    "received": Text(": received", "：到账"),
}


@dataclass
class Bookkeeper:
    """Posts every event in the books of everybody whom it concerns."""

    codes: Sequence[str]
    posted: dict[str, list[Transaction]] = field(init=False)

    def __post_init__(self) -> None:
        self.posted = {code: [] for code in self.codes}

    def keep(self, dealings: Dealings) -> dict[str, Journal]:
        """Return everybody's journal of these dealings."""
        for month in dealings.months.values():
            self.batch(month)
        self.legs(dealings)
        for transfer in dealings.transfers:
            self.transfer(transfer, dealings)
        return {code: ordered(code, posted) for code, posted in self.posted.items()}

    def post(
        self,
        sides: Sides,
        day: str,
        at_ms: int,
        kind: str,
        text: Text,
        places: Sequence[Place],
        month: str,
        reference: str = "",
        *,
        alone: bool = False,
    ) -> None:
        """Post one event; a side of somebody who keeps no books here is left out."""
        when = _day(day, at_ms)
        for code in sorted(sides):
            postings = combined(sides[code])
            if postings and code in self.posted:
                self.posted[code].append(
                    Transaction(
                        when, at_ms, kind, text, tuple(places), month, postings, reference, alone
                    )
                )

    def batch(self, month: Month) -> None:
        """Post what a confirmed batch means."""
        result = month.result
        for booked in (*recognition.recognised(result), *recognition.remittances(result)):
            text = _text(booked.kind, booked.debtor, booked.creditor, result.month)
            self.post(
                booked.sides, "", month.at_ms, booked.kind, text, [month.confirmation], result.month
            )

    def legs(self, dealings: Dealings) -> None:
        """Post what was shared out and drawn."""
        for shared in dealings.shortfalls:
            leg = dealings.borne.get(shared.place)
            if leg is not None:
                payer, name = leg.due.payer, shared.record.month
                shares = {bearer.code: bearer.fen for bearer in leg.bearers}
                self.post(
                    booking.shared_out(name, payer, shares), shared.record.seen, shared.at_ms,
                    "shortfall", _text("shortfall", payer, "", name), [shared.place], name,
                )  # fmt: skip
        for item in dealings.draws:
            code, draw = item.place.code, item.record
            sides = booking.drawn(
                draw.month, code, draw.debtor, draw.drawn_fen, draw.arrears_fen,
                counts=item.place in dealings.counted,
            )  # fmt: skip
            text = _text("draw", code, draw.debtor, draw.month)
            self.post(sides, draw.seen, item.at_ms, "draw", text, [item.place], draw.month)

    def transfer(self, transfer: Transfer, dealings: Dealings) -> None:
        """Post what was sent, what came back, and what arrived."""
        key = transfer.key
        if transfer.paid is not None:
            paid = transfer.paid
            self.post(
                booking.sent(transfer), paid.record.date, paid.at_ms, "sent",
                _about(transfer, "sent"), [paid.place], key.month, paid.record.reference,
            )  # fmt: skip
        if transfer.returned is not None and transfer.paid is not None:
            back = transfer.returned
            self.post(
                booking.came_back(transfer), back.record.date, back.at_ms, "returned",
                _about(transfer, "returned"), [back.place, transfer.paid.place], key.month,
                back.record.reference,
            )  # fmt: skip
        if transfer.received is not None:
            came, purpose = transfer.received, dealings.purpose(transfer)
            refill = dealings.refills.get(came.place)
            places = [came.place] + ([transfer.paid.place] if transfer.paid else [])
            step = "late" if purpose.use is Use.LATE else "received"
            self.post(
                booking.received(transfer, purpose, refill), came.record.date, came.at_ms, step,
                _about(transfer, step), places, key.month, came.record.reference,
                alone=not transfer.arrived,
            )  # fmt: skip


def _day(stated: str, at_ms: int) -> str:
    # The form of an entry lets dates pass that no calendar has, such as 2017-02-30.
    try:
        return date.fromisoformat(stated).isoformat() if stated else shanghai_day(at_ms)
    except ValueError:
        return shanghai_day(at_ms)


def _about(transfer: Transfer, step: str) -> Text:
    key = transfer.key
    if key.purpose == "clearing":
        return _text(step, key.sender, key.receiver, key.month)
    text, tail = _text(key.purpose, key.sender, key.receiver, key.month), _STEPS[step]
    return Text(text.en + tail.en, text.zh + tail.zh)


def _text(kind: str, a: str, b: str, month: str) -> Text:
    template = TEXTS[kind]
    en, zh = ({"a": called(a, x), "b": called(b, x), "month": month} for x in ("en", "zh"))
    return Text(template.en.format(**en), template.zh.format(**zh))
