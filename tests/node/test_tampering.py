"""A centre that lies: every honest node refuses, names the pair, and no money moves."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.errors import RefusedError, VerificationError
from ledger.table import Reader
from node.centre import Centre
from node.simulation.world import World
from settlement import batch as batches
from settlement import lookup
from settlement.party import CENTRE
from settlement.record import Attestation, Head
from tests.network import QINGHAI, SICHUAN, TIBET
from tests.node.world import CODES, MONTH, batch, imported, quiet, settled


class OneFen(Centre):
    """Shifts one fen from Qinghai to Sichuan."""

    def compute(self, reader: Reader, month: str) -> tuple[list[Head], batches.Result]:
        cut, true = super().compute(reader, month)
        pairs, nets = dict(true.pairs), dict(true.nets)
        cell = pairs[QINGHAI, SICHUAN]
        pairs[QINGHAI, SICHUAN] = cell._replace(employee=cell.employee + 1)
        nets[QINGHAI] -= 1
        nets[SICHUAN] += 1
        return cut, replace(true, pairs=pairs, nets=nets)


class OneEntry(Centre):
    """Leaves one entry of Sichuan out of the sums."""

    def compute(self, reader: Reader, month: str) -> tuple[list[Head], batches.Result]:
        cut, true = super().compute(reader, month)
        record: Any = lookup.entry_at(reader, SICHUAN, 0)[1]
        fen = record.lines
        pairs, nets = dict(true.pairs), dict(true.nets)
        cell = pairs[QINGHAI, SICHUAN]
        pairs[QINGHAI, SICHUAN] = cell._replace(
            entries=cell.entries - 1,
            employee=cell.employee - fen.employee,
            other=cell.other - fen.other,
            account=cell.account - fen.account,
        )
        total = fen.employee + fen.other + fen.account
        nets[QINGHAI] += total
        nets[SICHUAN] -= total
        return cut, replace(true, pairs=pairs, nets=nets)


class SameNets(Centre):
    """Moves five fen round in a circle, so that all nets stay as they are."""

    def compute(self, reader: Reader, month: str) -> tuple[list[Head], batches.Result]:
        cut, true = super().compute(reader, month)
        pairs = dict(true.pairs)
        for pair in ((SICHUAN, TIBET), (TIBET, SICHUAN)):
            pairs[pair] = pairs[pair]._replace(other=pairs[pair].other + 5)
        return cut, replace(true, pairs=pairs)


class NoDocument(OneFen):
    """Shifts one fen and does not hand out the document that would show where."""

    def propose(self, turn: Any, month: str) -> int:
        index = super().propose(turn, month)
        record: Any = lookup.entry_at(turn.writer, CENTRE, index)[1]
        from ledger.table import HEAD, log_key

        turn.writer.delete(HEAD, log_key(CENTRE) + b"result" + record.result_hash)
        return index


class OtherRoot(Centre):
    """Puts a root into the cut that the log never had."""

    def cut(self, reader: Reader) -> list[Head]:
        return [
            Head(h.code, h.size, bytes(32)) if h.code == TIBET else h for h in super().cut(reader)
        ]

    def compute(self, reader: Reader, month: str) -> tuple[list[Head], batches.Result]:
        true_cut = super().cut(reader)
        size = lookup.applied_size(reader, CENTRE)
        return self.cut(reader), batches.compute(reader, self.founding, month, true_cut, size)


def proposed_by(kind: type[Centre]) -> World:
    world = imported(quiet(centre=kind))
    world.ask(CENTRE, "close", month=MONTH)
    return settled(world, 60_000)


def attestations(world: World) -> dict[str, Attestation]:
    found = {}
    for code in CODES:
        store = world.nodes[code].store
        index = lookup.find(store, code, Attestation, lookup.month_key(MONTH, 1))
        assert index is not None, f"{code} has not attested"
        record = lookup.entry_at(store, code, index)[1]
        assert isinstance(record, Attestation)
        found[code] = record
    return found


@pytest.mark.parametrize(
    ("kind", "pairs"),
    [
        (OneFen, {(QINGHAI, SICHUAN, "employee", 1)}),
        (OneEntry, {(QINGHAI, SICHUAN, "employee", -5_000), (QINGHAI, SICHUAN, "other", -2_100),
                    (QINGHAI, SICHUAN, "account", -900)}),
        (SameNets, {(SICHUAN, TIBET, "other", 5), (TIBET, SICHUAN, "other", 5)}),
    ],
)  # fmt: skip
def test_all_honest_nodes_refuse_and_name_the_pair(kind: type[Centre], pairs: Any) -> None:
    world = proposed_by(kind)
    for record in attestations(world).values():
        named = {
            (c.debtor, c.creditor, c.line, c.proposed_fen - c.computed_fen)
            for c in record.cells
            if c.line != "net"
        }
        assert named == pairs
    assert batch(world).state == "CONTESTED"
    no_way_on(world)


def no_way_on(world: World) -> None:
    with pytest.raises((RefusedError, VerificationError)):
        world.ask(CENTRE, "confirm", month=MONTH)
    payment = {"month": MONTH, "leg": 1, "reference": "B1", "date": "2017-04-15"}
    with pytest.raises(RefusedError, match="not confirmed"):
        world.ask(QINGHAI, "paid", **payment)


def test_without_the_document_the_nets_that_differ_are_named() -> None:
    world = proposed_by(NoDocument)
    for record in attestations(world).values():
        assert {(c.debtor, c.proposed_fen - c.computed_fen) for c in record.cells} == {
            (QINGHAI, -1),
            (SICHUAN, 1),
        }
    no_way_on(world)


def test_a_cut_with_a_root_that_never_was_is_named_by_its_log() -> None:
    world = proposed_by(OtherRoot)
    for record in attestations(world).values():
        assert [(c.debtor, c.line) for c in record.cells] == [(TIBET, "cut")]
    no_way_on(world)


def test_after_a_withdrawal_an_honest_proposal_goes_through() -> None:
    world = proposed_by(OneFen)
    world.ask(CENTRE, "withdraw", month=MONTH, reason="computed wrongly")
    world.nodes[CENTRE].role.__class__ = Centre
    settled(world)
    world.ask(CENTRE, "close", month=MONTH)
    settled(world)
    assert (batch(world).revision, batch(world).state) == (2, "CONFIRMED")


class ConfirmsAnyway(OneFen):
    """Writes a confirmation that counts nothing."""

    def confirm(self, turn: Any, found: batches.Batch) -> int:
        record = batches.Confirmation(
            found.month,
            found.revision,
            found.proposal_hash,
            found.proposal.result_hash,
            [],
            [],
            [],
            [],
        )
        return int(turn.append(record))


def test_a_confirmation_that_counts_nothing_lets_nobody_pay() -> None:
    world = proposed_by(ConfirmsAnyway)
    world.ask(CENTRE, "confirm", month=MONTH)
    settled(world)
    payment = {"month": MONTH, "leg": 1, "reference": "B1", "date": "2017-04-15"}
    with pytest.raises(VerificationError, match="not accounted"):
        world.ask(QINGHAI, "paid", **payment)
