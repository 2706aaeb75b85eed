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
    answer_windows = 2   decision_windows = 2   source = "…"   certainty = "choice"
    fee_check_fen = 3_000_000   fee_check_source = "L12"   fee_check_certainty = "corroborated"
    [[step]]
    event = "draft"   anchor = "next_month"   offset = 2   unit = "day"   actor = "centre"
    source = "R70"    certainty = "seed"
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


class Step(_Table, frozen=True):
    """One dated act of a month: by whom, and when."""

    event: Name
    anchor: Literal["service_month", "next_month", "notice", "day", "year", "next_year"]
    offset: Annotated[int, msgspec.Meta(ge=0, le=366)]
    unit: Literal["day", "working_day", "month_end", "at_once"]
    actor: Literal["centre", "insured", "treatment", "payer", "payee", "finance", "all"]
    source: str
    certainty: Certainty
    late: str = ""


class Acceptance(_Table, frozen=True):
    """How silence of the insured province counts."""

    silent_windows: Windows = 0


class Approvals(_Table, frozen=True):
    """How many operators must sign what decides or moves money."""

    required: Annotated[int, msgspec.Meta(ge=0, le=5)] = 0


class Disputes(_Table, frozen=True):
    """How silence counts in a dispute, in monthly closes; 0: it never does. See `stage`."""

    answer_windows: Windows = 0  # the treatment province has to answer
    decision_windows: Windows = 0  # the insured province has to decide on the answer
    source: str = ""
    certainty: Certainty = "choice"
    fee_check_fen: Annotated[int, msgspec.Meta(ge=0, le=MAX_FEN)] = 0  # for totals above this
    fee_check_source: str = ""
    fee_check_certainty: Certainty = "choice"


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
