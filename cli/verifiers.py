"""Verifying signatures in processes of their own, ahead of the fold that needs the verdicts.

Nearly all the time of an audit goes into signatures, and they do not depend on each other. The fold
asks for the verdict on one chunk after the other; the next ones are under way by then. A worker
opens the source by itself and gives back nothing but the positions that do not hold.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cli.source import Source, open_source
from ledger.entry import verify_leaves
from settlement.state import Verdicts

SLICE = 4096
AHEAD = 6
WORTH_IT = 30_000  # entries below which starting processes costs more than it saves

_opened = ExitStack()
_source: Source | None = None


def _open(path: str) -> None:
    global _source
    _source = _opened.enter_context(open_source(Path(path), checked=True))


def _verify(network_id: bytes, key: bytes, code: str, start: int, stop: int) -> frozenset[int]:
    assert _source is not None
    leaves = list(_source.leaves(code, start, stop))
    return frozenset(verify_leaves(leaves, network_id, key))


class Verifiers:
    """Worker processes over one source; see the module's text."""

    def __init__(self, pool: ProcessPoolExecutor | None, network_id: bytes = b"") -> None:
        self._pool = pool
        self.network_id = network_id
        self._coming: deque[tuple[tuple[str, int, bytes], Future[frozenset[int]]]] = deque()

    def verdicts(self, code: str, start: int, size: int, key: bytes) -> Verdicts | None:
        """Return what is wrong with the signatures of the chunk at `start`, under `key`.

        None: nobody has looked, whoever asks verifies by himself.
        """
        if self._pool is None:
            return None
        wanted = (code, start, key)
        while self._coming and self._coming[0][0] != wanted:
            self._coming.popleft()[1].cancel()
        at = start + len(self._coming) * SLICE
        while at < size and len(self._coming) < AHEAD:
            stop = min(at + SLICE, size)
            future = self._pool.submit(_verify, self.network_id, key, code, at, stop)
            self._coming.append(((code, at, key), future))
            at = stop
        return Verdicts(key, self._coming.popleft()[1].result())


@contextmanager
def verifiers(path: Path | None, entries: int, workers: int | None = None) -> Iterator[Verifiers]:
    """Yield verifiers for the source at `path`: one process per core, none for small sources."""
    count = (os.cpu_count() or 1) if workers is None else workers
    if path is None or count < 2 or (workers is None and entries < WORTH_IT):
        yield Verifiers(None)
        return
    # Spawned, not forked: a store does not cross a fork.
    pool = ProcessPoolExecutor(
        count, multiprocessing.get_context("spawn"), initializer=_open, initargs=(str(path),)
    )
    try:
        yield Verifiers(pool)
    finally:
        pool.shutdown(cancel_futures=True)
