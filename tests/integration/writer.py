"""A process that writes like a province's node does, and says what it has acknowledged.

    python -m tests.integration.writer HOME PEER ACKS START COUNT

Orders imports in groups and cosigns the growing log of a peer. After each turn it appends one line
to ACKS: `import <size of the own log>`, `head <size> <root>` or `cosigned <size>`. It never ends by
itself before COUNT turns; whoever tests kills it.
"""

import os
import sys
from pathlib import Path
from typing import Any

from ledger import log, tree
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.entry import make_entry
from ledger.table import log_key
from node import logs
from node.addcheckpoint import format_request
from node.effect import Answered, Asked, Ordered, Reply, Send, Started
from node.home import load_keys, open_home
from node.message import Answer, AskSeen, Offer
from tests.network import QINGHAI, SICHUAN, Logs, case_row, settlement

GROUP = 7


def main(home: Path, peer: Path, acks: Path, start: int, count: int) -> None:
    """Write `count` groups, numbered from `start`."""
    opened = open_home(home, lambda: None)
    role = opened.role
    out = os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def say(*facts: object) -> None:
        os.write(out, (" ".join(map(str, facts)) + "\n").encode())

    questions = [e for e in role.handle([Started()], 1) if isinstance(e, Send)]
    seen = [q for q in questions if isinstance(q.message, AskSeen)]
    role.handle([Answered(q.slot, q.message, Answer(200)) for q in seen], 1)
    assert role.lock.open
    author = Peer(role, peer)
    for turn in range(start, start + count):
        rows = [case_row(setl_id=f"A{turn}-{n}") for n in range(GROUP)]
        order = Ordered(turn, "import", {"rows": rows})
        offer = Asked(1_000_000 + turn, QINGHAI, author.offer(turn + 1))
        effects = role.handle([order, offer], turn + 2)
        answers = {e.ticket: e.value for e in effects if isinstance(e, Reply)}
        value: Any = answers[turn]
        say("import", value["size"])
        assert role.head is not None
        point = role.head.checkpoint
        say("head", point.size, point.root.hex())
        answer = answers[1_000_000 + turn]
        if isinstance(answer, Answer) and answer.ok:
            say("cosigned", author.size)
    opened.close()


class Peer:
    """The log of Qinghai: one entry a turn, the same bytes in every run."""

    def __init__(self, role: Any, home: Path) -> None:
        self.role = role
        self.keys = load_keys(home, lambda: None)
        self.origin = role.founding.origin(QINGHAI)
        self.logs = Logs()
        self.size = 0

    def offer(self, size: int) -> Offer:
        network = self.role.founding.network_id
        key = log_key(QINGHAI)
        seen = self.role.signer.cosigned(self.origin)
        old = seen[0] if seen else 0
        made = [
            make_entry(
                self.keys.entry, network, self.origin, n, 10, 1,
                settlement(f"Q{n}", treated="630100", insured="510100").encode(),
            )
            for n in range(self.size, size)
        ]  # fmt: skip
        self.logs.store.transact(lambda w: log.append(w, key, made, self.size))
        self.size = size
        root = tree.root_at(self.logs.store, key, size)
        note = sign_checkpoint(Checkpoint(self.origin, size, root), self.keys.checkpoint)
        proof = tree.consistency_proof(self.logs.store, key, old, size) if 0 < old < size else []
        leaves = list(log.leaves(self.logs.store, key, old, size))
        return Offer(format_request(old, proof, note), leaves)


if __name__ == "__main__":
    logs.configure("critical")
    _, home_, peer_, acks_, start_, count_ = sys.argv
    assert SICHUAN in home_
    main(Path(home_), Path(peer_), Path(acks_), int(start_), int(count_))
