"""Runs commands in processes of their own that need not import the program again.

`python -m tests.commandserver FD` has imported `cli.main` and waits on a socket for what to run. It
forks; the child becomes the command: its own working directory, environment, arguments and output
files, and it ends as the interpreter ends. The server tells how it ended and waits again. It ends
when the other side of its socket is gone.
"""

import json
import os
import socket
import sys

from cli.main import main

LIMIT = 1 << 20


def serve(channel: socket.socket) -> None:
    """Run one command after the other until nobody asks any more; in a child, return from it."""
    requests = channel.makefile("rb")
    while line := requests.readline(LIMIT):
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            channel.close()
            _become(request)
            main()
            return
        channel.sendall(b"%d\n" % child)
        _, status = os.waitpid(child, 0)
        channel.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _become(request: dict[str, object]) -> None:
    for number, name in ((0, os.devnull), (1, request["out"]), (2, request["err"])):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        opened = os.open(str(name), flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(str(request["cwd"]))
    os.environ.clear()
    os.environ.update(request["env"])  # type: ignore[call-overload]
    sys.argv = ["gongzhang", *request["arguments"]]  # type: ignore[misc]
    sys.modules["__main__"].__package__ = ""  # usage texts name the command, not this module


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
