"""`python -m node HOME`: run a node without loading what only the command line needs."""

import argparse
import sys
from pathlib import Path

from node.run import run_home


def main() -> int:
    """Run the node of a home until it is told to stop; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m node", description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--ruleset", type=Path, help="rule set a new centre puts into force")
    parser.add_argument("--recover", action="store_true", help="take back what the store lacks")
    arguments = parser.parse_args()
    return run_home(arguments.home, ruleset=arguments.ruleset, recover=arguments.recover)


if __name__ == "__main__":
    sys.exit(main())
