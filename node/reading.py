"""Reading files of other programs in a process of its own: whatever they do, the node goes on.

A workbook can be made so that the library that reads it asks for any amount of memory, and a
process that does not get it ends. So the file goes to a child with a limit, and what comes back is
read as strictly as a message from a stranger.
"""

import asyncio
import resource
import sys

import msgspec

from ledger.errors import FormError
from settlement.bankfile import Reading, read_statements
from settlement.bankstatement import Statement
from settlement.business import Export, ExportFault, read_export

MAX_MEMORY = 4 * 1024**3
MAX_SECONDS = 240

_PROGRAM = "from node.reading import child; child({!r})"
_EXPORT, _BANK = "export", "bank"
_exports, _readings = msgspec.json.Decoder(Export), msgspec.json.Decoder(Reading)


async def read_apart(data: bytes) -> Export:
    """Return what `business.read_export` makes of a file."""
    printed = await _apart(_EXPORT, data)
    if isinstance(printed, str):
        return Export(faults=[ExportFault(1, "", "", "WORKBOOK", printed)])
    return await asyncio.to_thread(_exports.decode, printed)


async def read_bank_apart(data: bytes) -> list[Statement]:
    """Return what `bankfile.read_statements` makes of a file.

    Raises:
        FormError: Something is wrong with it; the place is named.
    """
    printed = await _apart(_BANK, data)
    if isinstance(printed, str):
        raise FormError("file", "a statement that can be read", printed)
    reading = await asyncio.to_thread(_readings.decode, printed)
    if reading.fault is not None:
        raise FormError(*reading.fault)
    return reading.statements


async def _apart(what: str, data: bytes) -> bytes | str:
    """Return what the child printed, or why it gave up."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM.format(what), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the node
    )  # fmt: skip
    try:
        async with asyncio.timeout(MAX_SECONDS):
            printed, _ = await process.communicate(data)
    except BaseException as error:  # also when the caller has gone
        process.kill()
        await process.wait()
        if not isinstance(error, TimeoutError):
            raise
        return f"not within {MAX_SECONDS} seconds"
    if process.returncode != 0:
        return f"not within {MAX_MEMORY} bytes of memory, or damaged"
    return printed


def child(what: str) -> None:
    """Read a file from stdin and print what it comes to; the other end of `_apart`."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    read = {_EXPORT: read_export, _BANK: read_statements}[what]
    sys.stdout.buffer.write(msgspec.json.encode(read(sys.stdin.buffer.read())))
