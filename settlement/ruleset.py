"""Rule sets: every number that is a rule, as data with its source and how sure it is.

A rule set is a TOML file in `configs/rulesets/`. It comes into force by an entry of the centre's
log that carries the whole file, so an auditor needs nothing else; its SHA-256 is in every proposal.

    name = "interprovince-net"
    model = "net_hub"
    [acceptance]
    silent_windows = 0
    [approvals]
    required = 0
    [dispute]
    answer_windows = 2   decision_windows = 2
    [dispute.fee_check]
    above_fen = 3_000_000   source = "L12"   certainty = "corroborated"
    [[step]]
    event = "propose"   anchor = "next_month"   offset = 2   unit = "day"   actor = "centre"
    source = "R70"      certainty = "seed"

`source` and `certainty` stand in every table and speak for its values; at the top they speak for
the model. A table that is left out has the defaults below and is nobody's rule.
"""

import tomllib
from typing import Annotated, Literal

import msgspec

from ledger.errors import FormError
from ledger.hashing import hash_bytes
from settlement.record import MAX_FEN, Name

MAX_TEXT = 60_000

Certainty = Literal["seed", "official", "corroborated", "memory", "choice"]
MAX_WINDOWS = 12
Windows = Annotated[int, msgspec.Meta(ge=0, le=MAX_WINDOWS)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _Sourced(_Table, frozen=True, kw_only=True):
    """A table that says where its values are from and how sure that is."""

    source: str = ""
    certainty: Certainty = "choice"


# How far a step may lie from its anchor, by unit; 28 days, so that every month has the day.
_FARTHEST = {
    "service_month": {"day": 28, "working_day": 60, "month_end": 12},
    "next_month": {"day": 28, "working_day": 60, "month_end": 12},
    "attest": {"day": 366, "working_day": 250, "month_end": 12},
    "notice": {"day": 366, "working_day": 250, "month_end": 12},
    "year": {"day": 365, "working_day": 200, "month_end": 12},
    "next_year": {"day": 365, "working_day": 200, "month_end": 12},
}


# The step whose date is the anchor.
BASES = {"notice": "confirm", "attest": "attest"}


class Step(_Table, frozen=True):
    """One act of a month or a year: what, by whom, and until when.

    The date is the `offset`-th day, working day or end of a month, counted from the anchor: the
    first day of a month or year, or the day on which `attest` is due or the notice was given.
    Daily work has the anchor `day` and the days it may take; see `schedule`.
    """

    event: Name
    anchor: Literal["service_month", "next_month", "attest", "notice", "day", "year", "next_year"]
    offset: Annotated[int, msgspec.Meta(ge=0, le=366)]
    unit: Literal["day", "working_day", "month_end", "at_once"]
    actor: Literal["centre", "insured", "treatment", "payer", "payee", "finance", "all"]
    source: str
    certainty: Certainty
    late: Literal["recorded", "carried"] = "recorded"  # carried: it follows with a later batch
    only: Literal["always", "red_alert"] = "always"

    def __post_init__(self) -> None:
        """Check that unit and offset fit the anchor; a decoder reports a ValueError as bad form."""
        if self.anchor == "day":
            if self.unit == "month_end" or (self.unit == "at_once" and self.offset):
                raise ValueError(f"unit, offset: of daily work, at once or days ({self.event})")
            return
        farthest = _FARTHEST[self.anchor].get(self.unit, 0)
        if not 1 <= self.offset <= farthest:
            raise ValueError(
                f"offset: 1 to {farthest} {self.unit} from {self.anchor} ({self.event})"
            )


class Acceptance(_Sourced, frozen=True):
    """How silence of the insured province counts."""

    silent_windows: Windows = 0


class Approvals(_Sourced, frozen=True):
    """How many operators must sign what decides or moves money."""

    required: Annotated[int, msgspec.Meta(ge=0, le=5)] = 0


class Quorum(_Sourced, frozen=True):
    """Which formula says how many must agree; the only one there is, see `ledger.quorum`."""

    formula: Literal["byzantine"] = "byzantine"


class Deadlines(_Sourced, frozen=True):
    """What becomes of a date that falls on a day off; steps in working days never do."""

    on_holiday: Literal["stay", "next_working_day"] = "stay"


Percent = Annotated[int, msgspec.Meta(ge=1, le=1_000)]


class Quota(_Sourced, frozen=True, kw_only=True):
    """How large a prepayment is: so many months of the mean over past batches."""

    months: Annotated[int, msgspec.Meta(ge=1, le=12)]
    basis: Literal["past_years", "last_quarter"]  # whose monthly mean


class Alert(_Sourced, frozen=True, kw_only=True):
    """From which usage of a prepayment (month's amount by prepayment) an alert stands."""

    yellow_percent: Percent
    red_percent: Percent


class Hysteresis(_Sourced, frozen=True, kw_only=True):
    """Below which usage an alert ends again."""

    yellow_off_percent: Percent
    red_off_percent: Percent


class Prepayment(_Table, frozen=True):
    """What is paid ahead; a rule set without this table knows no prepayment."""

    quota: Quota
    alert: Alert
    hysteresis: Hysteresis

    def __post_init__(self) -> None:
        """Check the order of the four limits."""
        if self.alert.yellow_percent >= self.alert.red_percent:
            raise ValueError("alert: yellow_percent below red_percent")
        if self.hysteresis.yellow_off_percent > self.alert.yellow_percent:
            raise ValueError("hysteresis: yellow_off_percent at most yellow_percent")
        if self.hysteresis.red_off_percent > self.alert.red_percent:
            raise ValueError("hysteresis: red_off_percent at most red_percent")


class Late(_Sourced, frozen=True, kw_only=True):
    """How many batches later than its own month an entry may still be cleared."""

    closes: Annotated[int, msgspec.Meta(ge=0, le=24)]


class FeeCheck(_Sourced, frozen=True):
    """Cases with a higher total than this may be disputed for a fee check (费用协查)."""

    above_fen: Annotated[int, msgspec.Meta(ge=0, le=MAX_FEN)] = 0


class Disputes(_Sourced, frozen=True):
    """How silence counts in a dispute, in monthly closes; 0: it never does. See `stage`."""

    answer_windows: Windows = 0  # the treatment province has to answer
    decision_windows: Windows = 0  # the insured province has to decide on the answer
    fee_check: FeeCheck = FeeCheck()


class RuleSet(_Table, frozen=True):
    """A parsed rule set."""

    name: Name
    title_zh: str
    title_en: str
    model: Literal["gross_pair", "net_pair", "net_hub"]
    source: str
    certainty: Certainty
    step: list[Step]
    acceptance: Acceptance = Acceptance()
    approvals: Approvals = Approvals()
    dispute: Disputes = Disputes()
    quorum: Quorum = Quorum()
    deadlines: Deadlines = Deadlines()
    prepayment: Prepayment | None = None
    late: Late | None = None

    def __post_init__(self) -> None:
        """Check the steps against each other."""
        events = [step.event for step in self.step]
        for event in sorted(set(events)):
            if events.count(event) > 1:
                raise ValueError(f"step: event {event} once")
        for step in self.step:
            if step.anchor in BASES:
                base = self.find(BASES[step.anchor])
                if base is None or base.anchor not in ("service_month", "next_month"):
                    needed = f"step: event {BASES[step.anchor]} with a date in the month"
                    raise ValueError(f"{needed}, from which {step.event} is counted")

    def find(self, event: str) -> Step | None:
        """Return the step of an event, or None."""
        return next((step for step in self.step if step.event == event), None)


def parse_ruleset(text: bytes) -> RuleSet:
    """Return the rule set of a TOML file.

    Raises:
        FormError: Too long, not UTF-8, not TOML, or a key is unknown, missing or out of range;
            the message names the key.
    """
    if len(text) > MAX_TEXT:
        raise FormError("rule set", f"at most {MAX_TEXT} bytes", len(text))
    try:
        return msgspec.convert(tomllib.loads(text.decode("utf-8")), RuleSet)
    except UnicodeDecodeError:
        raise FormError("rule set", "UTF-8") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise FormError("rule set", "a rule set in TOML", str(error)) from None


def ruleset_hash(text: bytes) -> bytes:
    """Return the SHA-256 of a rule set's file, as proposals name it."""
    return hash_bytes(text)
