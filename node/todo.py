"""One thing that an operator of this node has to do."""


def todo(what: str, en: str, zh: str, command: str, due: str = "") -> dict[str, str]:
    """Return a duty: a stable word, two texts, the command, and until when (or empty)."""
    return {"what": what, "en": en, "zh": zh, "command": command, "due": due}
