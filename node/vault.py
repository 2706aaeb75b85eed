"""The vault: case files and their salts, apart from the log, in an LMDB environment of their own.

    own       setl_id            case file and salt of a settlement in this node's log
    outbox    insured + setl_id  not yet taken over by the insured province
    inbox     treatment + setl_id  case files other provinces delivered

Person data lives here and nowhere else; what is deleted here is gone, and the log still verifies.
"""

from collections.abc import Iterable, Sequence

from ledger import encoding
from ledger.table import Store, Writer
from node.message import Case

OWN, OUTBOX, INBOX = "own", "outbox", "inbox"
TABLES = (OWN, OUTBOX, INBOX)


class Vault:
    """Case files by settlement id."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, cases: Sequence[tuple[str, Case]]) -> None:
        """Store own case files as (insured province, case) and put them into the outbox."""

        def change(writer: Writer) -> None:
            for insured, case in cases:
                key = case.setl_id.encode()
                writer.put(OWN, key, encoding.pack([case.case, case.salt]))
                writer.put(OUTBOX, insured.encode() + key, b"")

        self._store.transact(change)

    def own(self, setl_id: str) -> Case | None:
        """Return the case file of a settlement in this node's log, or None."""
        with self._store.read() as reader:
            return _case(setl_id, reader.get(OWN, setl_id.encode()))

    def receive(self, sender: str, cases: Iterable[Case]) -> None:
        """Store case files that the treatment province `sender` delivered.

        A case file that is already here stays as it is unless the new one is another.
        """

        def change(writer: Writer) -> None:
            for case in cases:
                key = sender.encode() + case.setl_id.encode()
                writer.put(INBOX, key, encoding.pack([case.case, case.salt]))

        self._store.transact(change)

    def received(self, treatment: str, setl_id: str) -> Case | None:
        """Return the case file that `treatment` delivered for a settlement, or None."""
        with self._store.read() as reader:
            return _case(setl_id, reader.get(INBOX, treatment.encode() + setl_id.encode()))

    def outgoing(self, insured: str, limit: int) -> list[Case]:
        """Return up to `limit` case files that `insured` has not taken over yet."""
        prefix = insured.encode()
        cases = []
        with self._store.read() as reader:
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
        with self._store.read() as reader:
            return {key[:6].decode() for key, _ in reader.scan(OUTBOX, b"", b"\xff")}

    def delivered(self, insured: str, setl_ids: Iterable[str]) -> None:
        """Note that `insured` has taken over these case files."""

        def change(writer: Writer) -> None:
            for setl_id in setl_ids:
                writer.delete(OUTBOX, insured.encode() + setl_id.encode())

        self._store.transact(change)


def _case(setl_id: str, value: bytes | None) -> Case | None:
    return None if value is None else Case(setl_id, *encoding.unpack(value))
