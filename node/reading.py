"""Reading files of other programs in a process of its own: whatever they do, the node goes on.

A workbook can be made so that the library that reads it asks for any amount of memory, and a
process that does not get it ends. So the file goes to a child with a limit, and what comes back is
read as strictly as a message from a stranger.
"""

import asyncio
import resource
import sys

import msgspec

from settlement.business import Export, ExportFault, read_export

MAX_MEMORY = 4 * 1024**3
MAX_SECONDS = 240

_PROGRAM = "from node.reading import child; child()"
_decoder = msgspec.json.Decoder(Export)


async def read_apart(data: bytes) -> Export:
    """Return what `business.read_export` makes of a file."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM, stdin=asyncio.subprocess.PIPE,
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
        return _gave_up(f"not within {MAX_SECONDS} seconds")
    if process.returncode != 0:
        return _gave_up(f"not within {MAX_MEMORY} bytes of memory, or damaged")
    return await asyncio.to_thread(_decoder.decode, printed)


def _gave_up(why: str) -> Export:
    return Export(faults=[ExportFault(1, "", "", "WORKBOOK", why)])


def child() -> None:
    """Read a file from stdin and print what it comes to; the other end of `read_apart`."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    export = read_export(sys.stdin.buffer.read())
    sys.stdout.buffer.write(msgspec.json.encode(export))
