"""Whether a home holds everything that was acknowledged: the judge of kills and power losses."""

from pathlib import Path

from ledger import log, tree
from ledger.fsck import check_log
from ledger.table import log_key
from node.home import open_home
from settlement import lookup
from settlement.casefile import commitment
from settlement.recheck import check_store
from settlement.record import Settlement
from tests.network import QINGHAI, SICHUAN


def check_home(home: Path, acks: list[str], *, deep: bool = False) -> int:
    """Return the size of the log of a home after a crash; fails if anything acknowledged is gone.

    `deep` recomputes every derived table, too.
    """
    opened = open_home(home, lambda: None)  # raises for damage, rewinding, a torn journal
    try:
        with opened.store.read() as reader:
            size = log.size(reader, log_key(SICHUAN))
            assert list(check_log(reader, log_key(SICHUAN))) == []
            assert lookup.applied_size(reader, SICHUAN) == size
            for line in acks:
                _check(opened, reader, line, size)
            for index in range(size):
                record = lookup.entry_at(reader, SICHUAN, index)[1]
                assert isinstance(record, Settlement)
                case = opened.role.vault.own(record.setl_id)  # type: ignore[attr-defined]
                assert case is not None, f"the case file of {record.setl_id} is gone"
                assert commitment(case.case, case.salt) == record.commitment
            if deep:
                assert check_store(reader, opened.role.roster) == []
            return size
    finally:
        opened.close()


def _check(opened, reader, line: str, size: int) -> None:  # type: ignore[no-untyped-def]
    what, *facts = line.split()
    at = int(facts[0])
    if what == "cosigned":
        origin = opened.role.founding.origin(QINGHAI)
        seen = opened.signer.cosigned(origin)
        assert seen is not None, "a cosignature was forgotten"
        assert seen[0] >= at, "a cosignature was forgotten"
        assert log.size(reader, log_key(QINGHAI)) >= at, "cosigned but not held"
        return
    assert size >= at, f"{at} entries were acknowledged, {size} are here"
    if what == "head":
        signed = opened.signer.head(opened.role.origin)
        assert signed is not None, "a signed head was forgotten"
        assert signed[0] >= at, "a signed head was forgotten"
        assert tree.root_at(reader, log_key(SICHUAN), at).hex() == facts[1]
