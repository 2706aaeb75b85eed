"""Mirroring all logs of a node as files, with verification: what an auditor starts from.

Whatever is fetched has to lead to the root of a checkpoint that was verified first; tiles are made
from the entries that came, not believed. What is here already is used, so a clone that broke off
goes on, and a later one fetches only what is new and must continue what was here before.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from cli.source import MAX_CHECKPOINT, FolderSource
from ledger import log
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.cosignature import cosigners_of
from ledger.disk import write_durably
from ledger.entry import decode_entry
from ledger.errors import FormError, UncheckableError, VerificationError
from ledger.hashing import leaf_hash
from ledger.memory import MemoryStore
from ledger.merkle import Frontier, root_of
from ledger.policy import Policy
from ledger.table import Writer, log_key
from ledger.tiles import WIDTH, tile_path, widths
from settlement import membership, state
from settlement.party import CENTRE
from settlement.record import Genesis, decode_body
from settlement.roster import Roster

AT_ONCE = 16
MAX_BUNDLE = WIDTH * 65_537
TIMEOUT = aiohttp.ClientTimeout(total=60, connect=10)

Progress = Callable[[str, int, int], None]
"""Called with a log's code, how many entries are here and how many there are."""


@dataclass(frozen=True)
class Cloned:
    """What a clone came to: the size of each log, and how many entries were fetched."""

    sizes: dict[str, int]
    fetched: int


async def clone(url: str, folder: Path, policy: Policy, progress: Progress) -> Cloned:
    """Mirror all logs that the node at `url` serves into `folder`.

    Raises:
        UncheckableError: The node cannot be reached, or what it serves has too few cosignatures.
        VerificationError: What it serves does not hold, or does not continue what is here.
    """
    async with aiohttp.ClientSession(timeout=TIMEOUT, auto_decompress=False) as session:
        mirror = _Mirror(session, url.rstrip("/"), folder, progress)
        note = await mirror.checkpoint(CENTRE)
        if note is None:
            raise UncheckableError(f"{url} serves no checkpoint of the centre")
        await mirror.take(CENTRE, note, _open_by_policy(note, policy))
        roster = _roster(FolderSource(folder))
        for code in roster.participants:
            note = await mirror.checkpoint(code)
            if note is not None:
                await mirror.take(code, note, roster.open_head(code, note), roster.ended_at(code))
        return Cloned(mirror.sizes, mirror.fetched)


def _open_by_policy(note: bytes, policy: Policy) -> Checkpoint:
    origin = note.split(b"\n", 1)[0].decode("utf-8", "replace")
    keys = policy.log_keys(origin)
    if not keys:
        raise VerificationError(f"the policy trusts no log {origin!r}")
    signed = open_checkpoint(note, origin, *keys)
    if not policy.satisfied_by(cosigners_of(signed, policy.cosigners)):
        raise UncheckableError("the centre's head has fewer cosignatures than the policy asks for")
    return signed.checkpoint


def _roster(source: FolderSource) -> Roster:
    size = int(source.checkpoint(CENTRE).split(b"\n", 2)[1])
    leaves = list(source.leaves(CENTRE, 0, size))
    entry = decode_entry(leaves[0]) if leaves else None
    genesis = decode_body(entry.kind, entry.body) if entry else None
    if not isinstance(genesis, Genesis):
        raise VerificationError("entry 0 of the centre's log is not the genesis")
    founding, store = Roster.found(genesis.genesis), MemoryStore()

    def change(writer: Writer) -> None:
        log.append(writer, log_key(CENTRE), leaves, 0)
        state.apply(writer, founding, CENTRE, leaves)

    store.transact(change)
    return membership.roster_at(store, founding, size)


class _Mirror:
    """One clone under way."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, folder: Path, progress: Progress
    ) -> None:
        self._session = session
        self._url = url
        self._folder = folder
        self._progress = progress
        self.sizes: dict[str, int] = {}
        self.fetched = 0

    async def checkpoint(self, code: str) -> bytes | None:
        """Return the node's checkpoint of a log, or None if it has none."""
        return await self._get(f"/log/{code}/checkpoint", MAX_CHECKPOINT)

    async def take(
        self, code: str, note: bytes, point: Checkpoint, ended: int | None = None
    ) -> None:
        """Mirror a log up to a checkpoint that has been verified.

        Args:
            ended: Where governance has frozen the log; what was mirrored above it is void.
        """
        before = self._before(code)
        if before is not None and ended is not None and before.size > ended:
            before = None
        if before is not None and before.size > point.size:
            raise VerificationError(
                f"{code}: mirrored to {before.size} before, the node serves {point.size}"
            )
        try:
            await self._fill(code, point, before, reuse=True)
        except VerificationError:
            if before is not None:
                raise
            # What an earlier, broken-off clone left here was never verified.
            await self._fill(code, point, None, reuse=False)
        self._drop_partials(code, point.size)
        write_durably(self._folder / code / "checkpoint", note)
        self.sizes[code] = point.size

    def _before(self, code: str) -> Checkpoint | None:
        path = self._folder / code / "checkpoint"
        if not path.exists():
            return None
        origin, size, _ = path.read_bytes().split(b"\n", 2)
        # Its root is computed again from the entries that are here; see _fill.
        return Checkpoint(origin.decode("utf-8", "replace"), int(size), b"")

    async def _fill(
        self, code: str, point: Checkpoint, before: Checkpoint | None, *, reuse: bool
    ) -> None:
        tree, tiles, done = Frontier(), _Tiles(self._folder / code), 0
        async for hashes in self._bundles(code, point.size, reuse=reuse):
            for item in hashes:
                tree.append(item)
            tiles.add(hashes)
            done += len(hashes)
            self._progress(code, done, point.size)
        if tree.root() != point.root:
            what = "does not continue what was mirrored here" if before else "has another root"
            raise VerificationError(f"log of {code} {what}", point.root, tree.root())
        tiles.finish()

    async def _bundles(
        self, code: str, size: int, *, reuse: bool
    ) -> AsyncIterator[Sequence[bytes]]:
        places = list(widths(size))
        for start in range(0, len(places), AT_ONCE):
            some = places[start : start + AT_ONCE]
            found = await asyncio.gather(*(self._bundle(code, n, w, reuse) for n, w in some))
            for hashes in found:
                yield hashes

    async def _bundle(self, code: str, number: int, width: int, reuse: bool) -> list[bytes]:
        place = tile_path("entries", number, width)
        path = self._folder / code / place
        if reuse and width == WIDTH and path.exists():
            with suppress(FormError):
                return _hashes(path.read_bytes(), width)
        data = await self._get(f"/log/{code}/{place}", MAX_BUNDLE)
        if data is None:
            raise UncheckableError(f"{self._url} does not serve {code} {place}")
        hashes = _hashes(data, width)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.fetched += width
        return hashes

    def _drop_partials(self, code: str, size: int) -> None:
        kinds = ["entries"]
        counts = [size]
        while counts[-1] >> 8:
            counts.append(counts[-1] >> 8)
        kinds += [str(level) for level in range(len(counts))]
        kept = set()
        for kind, count in zip(kinds, [size, *counts], strict=True):
            kept |= {self._folder / code / tile_path(kind, n, w) for n, w in widths(count)}
        for path in (self._folder / code).glob("tile/**/*.p/*"):
            if path not in kept:
                path.unlink()
                with suppress(OSError):
                    path.parent.rmdir()

    async def _get(self, path: str, limit: int) -> bytes | None:
        try:
            async with self._session.get(self._url + path, allow_redirects=False) as response:
                if response.status == 404:
                    return None
                if response.status != 200:
                    raise UncheckableError(f"{self._url}{path}: status {response.status}")
                data = bytearray()
                async for chunk in response.content.iter_chunked(65_536):
                    data += chunk
                    if len(data) > limit:
                        raise UncheckableError(f"{self._url}{path}: more than {limit} bytes")
                return bytes(data)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UncheckableError(f"{self._url}{path}: {error or 'no answer'}") from None


def _hashes(bundle: bytes, width: int) -> list[bytes]:
    leaves = log.parse_bundle(bundle)
    if len(leaves) != width:
        raise FormError("entry bundle", f"{width} leaves", len(leaves))
    return [leaf_hash(leaf) for leaf in leaves]


class _Tiles:
    """Makes the tiles of a log from its leaf hashes, level by level, as they come."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._levels: list[list[bytes]] = []
        self._numbers: list[int] = []

    def add(self, hashes: Iterable[bytes], level: int = 0) -> None:
        """Add hashes at a level; full tiles are written and their root goes up."""
        if level == len(self._levels):
            self._levels.append([])
            self._numbers.append(0)
        for item in hashes:
            self._levels[level].append(item)
            if len(self._levels[level]) == WIDTH:
                self._write(level, WIDTH)
                root = root_of(self._levels[level])
                self._levels[level] = []
                self._numbers[level] += 1
                self.add([root], level + 1)

    def finish(self) -> None:
        """Write the partial tiles."""
        for level, hashes in enumerate(self._levels):
            if hashes:
                self._write(level, len(hashes))

    def _write(self, level: int, width: int) -> None:
        path = self._folder / tile_path(str(level), self._numbers[level], width)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(self._levels[level]))


def run_clone(url: str, folder: Path, policy: Policy, progress: Progress) -> Cloned:
    """Run `clone` to its end; see there."""
    if not url.startswith(("http://", "https://")):
        raise FormError("url", "http://HOST:PORT or https://…", url)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return asyncio.run(clone(url, folder, policy, progress))
    except FormError as error:
        raise VerificationError(f"{url} serves something malformed: {error}") from None
    except OSError as error:
        raise FormError(str(folder), "a folder that can be written", error) from None
