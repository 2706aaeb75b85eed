"""One turn: what it enters can be read at once, and is a log like any other after the flush."""

import pytest

from ledger import log
from ledger.errors import RefusedError
from ledger.fsck import check_log
from ledger.table import Writer, log_key
from node.keyring import Keys
from node.turn import Turn
from settlement import lookup
from tests.network import AT_MS, PURPOSES, SICHUAN, Logs, reversal, seed, settlement

KEYS = Keys(*(seed(SICHUAN, purpose) for purpose in PURPOSES))


def test_what_a_turn_has_entered_can_be_looked_up_before_it_ends() -> None:
    logs = Logs()

    def change(writer: Writer) -> None:
        turn = Turn(writer, logs.roster, SICHUAN, KEYS, AT_MS)
        for number in range(40):
            assert lookup.find_settlement(writer, SICHUAN, f"A{number}") is None
            assert turn.append(settlement(f"A{number}")) == number
            assert lookup.find_settlement(writer, SICHUAN, f"A{number}") == number
            assert lookup.entry_at(writer, SICHUAN, number)[1] == settlement(f"A{number}")
        assert turn.append(reversal("R1", "A7", -400)) == 40
        assert turn.append(settlement("A7")) == 7
        with pytest.raises(RefusedError, match="entry 7"):
            turn.append(settlement("A7", 5))
        turn.flush()
        assert turn.append(settlement("B1")) == 41
        turn.flush()
        turn.flush()

    logs.store.transact(change)
    key = log_key(SICHUAN)
    assert log.size(logs.store, key) == lookup.applied_size(logs.store, SICHUAN) == 42
    assert list(check_log(logs.store, key)) == []
    other = Logs()
    other.add_leaves(SICHUAN, list(log.leaves(logs.store, key, 0, 42)))
    assert other.store.snapshot() == logs.store.snapshot()


def test_a_turn_that_enters_nothing_changes_nothing() -> None:
    logs = Logs()
    before = logs.store.snapshot()
    logs.store.transact(lambda w: Turn(w, logs.roster, SICHUAN, KEYS, AT_MS).flush())
    assert logs.store.snapshot() == before
