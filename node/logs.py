"""What a node says about itself: one JSON line per event on stderr.

Never bodies, names, id numbers or passphrases; a settlement is named by log and index.
"""

import logging
import os
import sys

import structlog


def configure(level: str | None = None) -> None:
    """Set up logging; the level is GONGZHANG_LOG (default `warning`)."""
    name = (level or os.environ.get("GONGZHANG_LOG", "warning")).upper()
    number = logging.getLevelNamesMapping().get(name, logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
