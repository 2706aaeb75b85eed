"""The vault: whatever says who somebody is, apart from the log, in an LMDB environment of its own.

    own           setl_id                  case file and salt of a settlement in this node's log
    outbox        insured + setl_id        not yet taken over by the insured province
    inbox         treatment + setl_id      case files other provinces delivered or this node made
    person        token hash               an insured person, see `persons`
    registration  registration id          what the commitment in the log stands for, see `persons`
    guest         insured + id             registrations other provinces sent here
    notice        to + number              what other provinces have to be told, in order
    barred        token hash + treatment   where a person may not settle directly, and why
    determined    treatment + setl_id      what this node answered to a claim, see `claimbook`
    history       token hash + number      the claims of a person, in order
    claim         setl_id                  what a hospital here asked for, and how far it is
    open          setl_id                  claims here that have not come to an end
    day           side + code + day + id   case files by Shanghai date of the settlement; `o` own by
                                           insured province, `i` received by treatment province
    statement     see `statements`         a day's totals, here and there
    refunded      token hash + id          what was paid to a person by hand
    bank          see `bankbook`           bank statements, their lines, what each is bound to
    pending       kind + hash of a body    entries whose vault part is durable, see `registry`

Values are sealed (`sealed`). Person data lives here and nowhere else; what is deleted here is gone,
and the log still verifies.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from ledger import encoding
from ledger.errors import FormError
from ledger.table import Reader, Store, Writer
from node.message import Case
from settlement.casefile import decode_case
from settlement.party import province_of
from settlement.period import parse_time

OWN, OUTBOX, INBOX = "own", "outbox", "inbox"
PERSON, REGISTRATION, GUEST, NOTICE = "person", "registration", "guest", "notice"
BARRED, DETERMINED, HISTORY, CLAIM, OPEN = "barred", "determined", "history", "claim", "open"
DAY, STATEMENT = "day", "statement"
REFUNDED, PENDING, BANK = "refunded", "pending", "bank"
OWN_SIDE, INBOX_SIDE = b"o", b"i"
TABLES = (
    OWN, OUTBOX, INBOX, PERSON, REGISTRATION, GUEST, NOTICE, BARRED, DETERMINED, HISTORY, CLAIM,
    OPEN, DAY, STATEMENT, REFUNDED, PENDING, BANK,
)  # fmt: skip

ERASED = b""  # in place of a case file: a late or repeated delivery does not bring it back


class Vault:
    """Case files by settlement id."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def keep(self, cases: Sequence[tuple[str, Case]]) -> None:
        """Store own case files as (insured province, case) and put them into the outbox."""

        def change(writer: Writer) -> None:
            for insured, case in cases:
                put_own(writer, case)
                writer.put(OUTBOX, insured.encode() + case.setl_id.encode(), b"")

        self.store.transact(change)

    def own(self, setl_id: str) -> Case | None:
        """Return the case file of a settlement in this node's log, or None."""
        with self.store.read() as reader:
            return own_case(reader, setl_id)

    def receive(self, sender: str, cases: Sequence[Case]) -> set[str]:
        """Store case files that the treatment province `sender` delivered.

        A case file that is already here stays as it is unless the new one is another.

        Returns:
            The days of the case files that are new or have changed.
        """

        def change(writer: Writer) -> set[str]:
            return {day for case in cases if (day := put_received(writer, sender, case))}

        return self.store.transact(change)

    def received(self, treatment: str, setl_id: str) -> Case | None:
        """Return the case file that `treatment` delivered for a settlement, or None."""
        with self.store.read() as reader:
            return received_case(reader, treatment, setl_id)

    def determined(self, treatment: str, setl_id: str) -> bool:
        """Return whether this node has determined a case itself."""
        with self.store.read() as reader:
            return reader.get(DETERMINED, treatment.encode() + setl_id.encode()) is not None

    def outgoing(self, insured: str, limit: int) -> list[Case]:
        """Return up to `limit` case files that `insured` has not taken over yet."""
        prefix = insured.encode()
        cases = []
        with self.store.read() as reader:
            for key, _ in reader.scan(OUTBOX, prefix, prefix + b"\xff"):
                setl_id = key[len(prefix) :].decode()
                case = own_case(reader, setl_id)
                if case is not None:
                    cases.append(case)
                if len(cases) == limit:
                    break
        return cases

    def waiting(self) -> set[str]:
        """Return the provinces for which case files wait in the outbox."""
        with self.store.read() as reader:
            return {key[:6].decode() for key, _ in reader.scan(OUTBOX, b"", b"\xff")}

    def delivered(self, insured: str, setl_ids: Iterable[str]) -> None:
        """Note that `insured` has taken over these case files."""

        def change(writer: Writer) -> None:
            for setl_id in setl_ids:
                writer.delete(OUTBOX, insured.encode() + setl_id.encode())

        self.store.transact(change)


def own_case(reader: Reader, setl_id: str) -> Case | None:
    """Return the case file of a settlement in this node's log, or None."""
    return _case(setl_id, reader.get(OWN, setl_id.encode()))


def received_case(reader: Reader, treatment: str, setl_id: str) -> Case | None:
    """Return the case file of a settlement in the log of `treatment`, or None."""
    return _case(setl_id, reader.get(INBOX, treatment.encode() + setl_id.encode()))


def put_own(writer: Writer, case: Case) -> None:
    """Store the case file of an entry in this node's log."""
    _put(writer, OWN, case.setl_id.encode(), case, _own_day)


def put_received(writer: Writer, treatment: str, case: Case) -> str | None:
    """Store the case file of an entry in the log of `treatment`, unless it was erased.

    Returns:
        The day of the settlement, if the case file is new and says so.
    """
    key = treatment.encode() + case.setl_id.encode()
    if writer.get(INBOX, key) == ERASED:
        return None
    day = _put(writer, INBOX, key, case, lambda c: _received_day(treatment, c))
    return None if day is None else day[7:17].decode()


def remove_received(writer: Writer, treatment: str, setl_id: str) -> None:
    """Delete the case file of an entry in the log of `treatment`."""
    case = received_case(writer, treatment, setl_id)
    if case is not None:
        key = treatment.encode() + setl_id.encode()
        _remove(writer, INBOX, key, _received_day(treatment, case))


def erase_own(writer: Writer, insured: str, setl_id: str) -> None:
    """Erase what is kept of a settlement in this node's log; it is not delivered any more."""
    case = own_case(writer, setl_id)
    if case is not None:
        _remove(writer, OWN, setl_id.encode(), _own_day(case))
    for table in (CLAIM, OPEN):
        writer.delete(table, setl_id.encode())
    writer.delete(OUTBOX, insured.encode() + setl_id.encode())


def erase_received(writer: Writer, treatment: str, setl_id: str) -> None:
    """Erase a case file; what stays says that it must not be stored again."""
    remove_received(writer, treatment, setl_id)
    writer.put(INBOX, treatment.encode() + setl_id.encode(), ERASED)


DayOf = Callable[[Case], bytes | None]


def _put(writer: Writer, table: str, key: bytes, case: Case, day_of: DayOf) -> bytes | None:
    """Store a case file and enter it under its day; return that place if anything is new."""
    before = _case(case.setl_id, writer.get(table, key))
    if before == case:
        return None
    if before is not None:
        _remove(writer, table, key, day_of(before))
    writer.put(table, key, encoding.pack([case.case, case.salt]))
    place = day_of(case)
    if place is not None:
        writer.put(DAY, place, b"")
    return place


def _remove(writer: Writer, table: str, key: bytes, place: bytes | None) -> None:
    writer.delete(table, key)
    if place is not None:
        writer.delete(DAY, place)


def _own_day(case: Case) -> bytes | None:
    found = _places(case)
    return None if found is None else _day_key(OWN_SIDE, found[1], found[2], case)


def _received_day(treatment: str, case: Case) -> bytes | None:
    found = _places(case)
    mine = found is not None and found[0] == treatment
    return _day_key(INBOX_SIDE, treatment, found[2], case) if found and mine else None


def _places(case: Case) -> tuple[str, str, str] | None:
    """Return treatment province, insured province and day; None for what strangers made up."""
    try:
        row = decode_case(case.case)
        day = parse_time(row.setl_time).strftime("%Y-%m-%d")
        found = province_of(row.mdtrtarea_admvs), province_of(row.insuplc_admdvs), day
    except FormError:
        return None
    return found if row.setl_id == case.setl_id else None


def _day_key(side: bytes, code: str, day: str, case: Case) -> bytes:
    return side + code.encode() + day.encode() + case.setl_id.encode()


def days_with(reader: Reader, side: bytes, code: str, first: str, last: str) -> list[str]:
    """Return the days with case files from `first` to `last`, both included, ascending."""
    prefix = side + code.encode()
    start, stop, days = prefix + first.encode(), prefix + last.encode() + b"\xff", list[str]()
    while (key := next((k for k, _ in reader.scan(DAY, start, stop)), None)) is not None:
        days.append(key[7:17].decode())
        start = key[:17] + b"\xff"  # past this day: one step a day, however many files it has
    return days


def case_ids(reader: Reader, side: bytes, code: str, day: str, after: str = "") -> Iterator[str]:
    """Yield the settlement ids of the case files of one day, ascending, above `after`."""
    prefix = side + code.encode() + day.encode()
    start = prefix + after.encode() + b"\x00" if after else prefix
    for key, _ in reader.scan(DAY, start, prefix + b"\xff"):
        yield key[len(prefix) :].decode()


def waits_for_delivery(reader: Reader, insured: str, setl_id: str) -> bool:
    """Return whether `insured` has not taken over an own case file yet."""
    return reader.get(OUTBOX, insured.encode() + setl_id.encode()) is not None


def _case(setl_id: str, value: bytes | None) -> Case | None:
    return None if value in (None, ERASED) else Case(setl_id, *encoding.unpack(value))
