"""The RFC 6962 tree as pure functions over leaf hashes: the definition, written to be read.

Nothing here is stored. `tree` keeps the same tree in tables; tests compare the two.
"""

from collections.abc import Sequence

from ledger.hashing import EMPTY_ROOT, node_hash


def split(size: int) -> int:
    """Return the largest power of two below `size` (size > 1)."""
    return 1 << (size - 1).bit_length() - 1


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes. Source: RFC 6962 section 2.1."""
    if not hashes:
        return EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return node_hash(root_of(hashes[:k]), root_of(hashes[k:]))


def inclusion_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the sibling hashes from the leaf at `index` upward. Source: RFC 6962 2.1.1."""
    assert 0 <= index < len(hashes)
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if index < k:
        return [*inclusion_path(hashes[:k], index), root_of(hashes[k:])]
    return [*inclusion_path(hashes[k:], index - k), root_of(hashes[:k])]


def consistency_path(hashes: Sequence[bytes], old: int) -> list[bytes]:
    """Return the proof that the first `old` leaves are a prefix. Source: RFC 6962 2.1.2."""
    assert 0 < old <= len(hashes)
    return _subproof(hashes, old, complete=True)


def _subproof(hashes: Sequence[bytes], old: int, *, complete: bool) -> list[bytes]:
    if old == len(hashes):
        return [] if complete else [root_of(hashes)]
    k = split(len(hashes))
    if old <= k:
        return [*_subproof(hashes[:k], old, complete=complete), root_of(hashes[k:])]
    return [*_subproof(hashes[k:], old - k, complete=False), root_of(hashes[:k])]


class Frontier:
    """A growing tree of which only the roots of its complete subtrees are kept.

    Example:
        >>> tree = Frontier()
        >>> tree.append(bytes(32))
        >>> tree.size, tree.root() == bytes(32)
        (1, True)
    """

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []  # left to right, one per bit set in size

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf hash."""
        self._peaks.append(leaf_hash)
        self.size += 1
        for _ in range(_trailing_zeros(self.size)):
            right = self._peaks.pop()
            self._peaks.append(node_hash(self._peaks.pop(), right))

    def root(self) -> bytes:
        """Return the root of what was appended so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1
