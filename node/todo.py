"""One thing that an operator of this node has to do."""

from settlement.party import parties


def todo(what: str, en: str, zh: str, command: str, due: str = "") -> dict[str, str]:
    """Return a duty: a stable word, two texts, the command, and until when (or empty)."""
    return {"what": what, "en": en, "zh": zh, "command": command, "due": due}


def named(code: str, language: str) -> str:
    """Return a participant's code with its name, as a duty says it."""
    known = parties().get(code)
    return f"{code} {known.name(language)}" if known else code
