"""The node's Unix socket, from both sides.

A socket's path may have 107 bytes and a home's path may be longer, so the directory is opened and
the socket addressed through it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "node.sock"


@contextmanager
def short_path(home: Path) -> Iterator[str]:
    """Yield a short path to the socket of `home`, valid inside the block."""
    handle = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{NAME}"
    finally:
        os.close(handle)
