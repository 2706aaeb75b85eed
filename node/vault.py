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
    day           side + code + day + id   case files by Shanghai date of the settlement
    statement     code + day               a day's totals, here and there
    refunded      token hash + id          what was paid to a person by hand
    pending       kind + hash of a body    entries whose vault part is durable, see `registry`

Values are sealed (`sealed`). Person data lives here and nowhere else; what is deleted here is gone,
and the log still verifies.
"""

from collections.abc import Iterable, Sequence

from ledger import encoding
from ledger.table import Reader, Store, Writer
from node.message import Case

OWN, OUTBOX, INBOX = "own", "outbox", "inbox"
PERSON, REGISTRATION, GUEST, NOTICE = "person", "registration", "guest", "notice"
BARRED, DETERMINED, HISTORY, CLAIM, OPEN = "barred", "determined", "history", "claim", "open"
DAY, STATEMENT = "day", "statement"
REFUNDED, PENDING = "refunded", "pending"
TABLES = (
    OWN, OUTBOX, INBOX, PERSON, REGISTRATION, GUEST, NOTICE, BARRED, DETERMINED, HISTORY, CLAIM,
    OPEN, DAY, STATEMENT, REFUNDED, PENDING,
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

    def receive(self, sender: str, cases: Iterable[Case]) -> None:
        """Store case files that the treatment province `sender` delivered.

        A case file that is already here stays as it is unless the new one is another.
        """

        def change(writer: Writer) -> None:
            for case in cases:
                put_received(writer, sender, case)

        self.store.transact(change)

    def received(self, treatment: str, setl_id: str) -> Case | None:
        """Return the case file that `treatment` delivered for a settlement, or None."""
        with self.store.read() as reader:
            return received_case(reader, treatment, setl_id)

    def outgoing(self, insured: str, limit: int) -> list[Case]:
        """Return up to `limit` case files that `insured` has not taken over yet."""
        prefix = insured.encode()
        cases = []
        with self.store.read() as reader:
            for key, _ in reader.scan(OUTBOX, prefix, prefix + b"\xff"):
                setl_id = key[len(prefix) :].decode()
                case = _case(setl_id, reader.get(OWN, setl_id.encode()))
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


def put_own(writer: Writer, case: Case) -> None:
    """Store the case file of an entry in this node's log."""
    writer.put(OWN, case.setl_id.encode(), encoding.pack([case.case, case.salt]))


def own_case(reader: Reader, setl_id: str) -> Case | None:
    """Return the case file of an entry in this node's log, or None."""
    return _case(setl_id, reader.get(OWN, setl_id.encode()))


def received_case(reader: Reader, treatment: str, setl_id: str) -> Case | None:
    """Return the case file of an entry in the log of `treatment`, or None."""
    return _case(setl_id, reader.get(INBOX, treatment.encode() + setl_id.encode()))


def put_received(writer: Writer, treatment: str, case: Case) -> None:
    """Store the case file of an entry in the log of `treatment`, unless it was erased."""
    key = treatment.encode() + case.setl_id.encode()
    if writer.get(INBOX, key) != ERASED:
        writer.put(INBOX, key, encoding.pack([case.case, case.salt]))


def erase_own(writer: Writer, insured: str, setl_id: str) -> None:
    """Erase what is kept of a settlement in this node's log."""
    for table in (OWN, CLAIM, OPEN):
        writer.delete(table, setl_id.encode())
    writer.delete(OUTBOX, insured.encode() + setl_id.encode())


def erase_received(writer: Writer, treatment: str, setl_id: str) -> None:
    """Erase a case file; what stays says that it must not be stored again."""
    writer.put(INBOX, treatment.encode() + setl_id.encode(), ERASED)


def remove_received(writer: Writer, treatment: str, setl_id: str) -> None:
    """Delete the case file of an entry in the log of `treatment`."""
    writer.delete(INBOX, treatment.encode() + setl_id.encode())


def _case(setl_id: str, value: bytes | None) -> Case | None:
    return None if value in (None, ERASED) else Case(setl_id, *encoding.unpack(value))
