"""Where entries stand, all at once: the same as the life of each one."""

from typing import Any

from hypothesis import given

from settlement import lookup
from settlement.close import confirmed_closes
from settlement.life import life_at
from settlement.record import Reversal, Settlement
from settlement.standing import Standing
from tests.network import SICHUAN, Logs
from tests.published import close, eventful
from tests.settlement.test_obligation import CODES, DEEDS, play


def compare(logs: Logs) -> dict[tuple[str, int], tuple[str, str | None]]:
    standing = Standing(logs.store, confirmed_closes(logs.store))
    found: dict[tuple[str, int], tuple[str, str | None]] = {}
    for code in CODES:
        for index in range(logs.size(code)):
            if lookup.void_code(logs.store, code, index) is None:
                record = lookup.entry_at(logs.store, code, index)[1]
                if isinstance(record, Settlement | Reversal):
                    found[code, index] = standing.of(code, index, record)
                    life = life_at(logs.store, code, index)
                    assert found[code, index] == (life["state"], life["batch"]), (code, index)
    return found


@given(DEEDS, DEEDS, DEEDS)
def test_every_entry_stands_where_its_life_says(a: Any, b: Any, c: Any) -> None:
    logs = Logs()
    play(logs, a)
    compare(logs)
    close(logs, "2017-03")
    play(logs, b, 100)
    compare(logs)
    close(logs, "2017-04")
    play(logs, c, 200)
    compare(logs)


def test_a_reversal_of_the_first_entry_of_a_log_finds_its_original() -> None:
    found = compare(eventful())
    assert found[SICHUAN, 0] == ("reversed", "2017-03")
    assert found[SICHUAN, 1] == ("reversed", "2017-03")
    assert found[SICHUAN, 2] == ("cleared", "2017-04")
    assert found[SICHUAN, 3] == ("disputed", None)
    assert found[SICHUAN, 4] == ("cleared", "2017-03")
