"""How many must agree: the one formula for cosignatures and attestations.

With n parties of which f = ⌊(n−1)/3⌋ may lie, two sets of k = ⌊(n+f)/2⌋ + 1 always share an honest
one, so two contradicting statements can never both have a quorum.
"""


def faults(n: int) -> int:
    """Return how many of `n` parties may be dishonest."""
    return (n - 1) // 3


def quorum(n: int) -> int:
    """Return how many of `n` parties must agree; `n` is at least 1.

    Example:
        >>> [quorum(n) for n in (2, 3, 4, 5, 31, 32)]
        [2, 2, 3, 4, 21, 22]
    """
    assert n >= 1
    return (n + faults(n)) // 2 + 1


def withstood(n: int, k: int) -> int:
    """Return how many dishonest parties a quorum of `k` among `n` withstands; below 0: none."""
    return 2 * k - n - 1
