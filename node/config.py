"""What an operator sets for a node: `node.toml` in its home.

code = "630000"
url = "http://127.0.0.1:7063"        # what the other members call
business_date = "system"             # or a fixed date for rehearsals
automatic = ["accept", "attest"]     # what the node does without being asked; "accept-determined"
                                     # instead of "accept": only what it has determined itself
policy = "qinghai-example"           # benefits of this province: a shipped one, or FILE.toml here
hospitals = "http://127.0.0.1:7163"  # where hospitals' systems call; without it only the socket

[peers]
100000 = "http://127.0.0.1:7010"

[witness]                            # logs outside the network, cosigned under a key of their own
name = "witness.example.cn/510000"
[[witness.log]]
vkey = "log.example.org+5b3a…"
"""

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ledger.entry import PREFIX
from ledger.errors import FormError
from ledger.note import ED25519, check_name, parse_vkey
from settlement.party import party

KEYS = {
    "code", "url", "business_date", "automatic", "peers", "witness", "policy", "hospitals",
}  # fmt: skip
PROVINCE_AUTOMATIC = frozenset({"accept", "attest"})
PROVINCE_CHOICES = PROVINCE_AUTOMATIC | {"accept-determined"}
CENTRE_AUTOMATIC = frozenset({"confirm", "final"})


@dataclass(frozen=True)
class Config:
    """A checked `node.toml`."""

    code: str
    url: str
    business_date: str = "system"
    automatic: frozenset[str] = frozenset()
    peers: dict[str, str] = field(default_factory=dict)
    witness_name: str = ""
    foreign_logs: tuple[str, ...] = ()  # verifier keys
    policy: str = ""
    hospitals: str = ""

    @property
    def address(self) -> tuple[str, int]:
        """Return the host and port to listen on."""
        return split_url(self.url, "url")


def split_url(url: str, place: str) -> tuple[str, int]:
    """Return host and port of an `http://host:port` address.

    Raises:
        FormError: Any other form.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "http" or not parts.hostname or port is None or parts.path not in ("", "/"):
        raise FormError(place, "http://HOST:PORT", url)
    return parts.hostname, port


def parse_config(text: str) -> Config:
    """Return the configuration.

    Raises:
        FormError: Not TOML, an unknown key, or a value of another form; the key is named.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FormError("node.toml", "TOML", str(error)) from None
    unknown = data.keys() - KEYS
    if unknown:
        raise FormError("node.toml", "only known keys", ", ".join(sorted(unknown)))
    code = data.get("code")
    if not isinstance(code, str):
        raise FormError("node.toml code", "a participant's code in quotes", code)
    allowed = CENTRE_AUTOMATIC if party(code).role == "centre" else PROVINCE_CHOICES
    automatic = data.get("automatic", [])
    if not isinstance(automatic, list) or not set(map(str, automatic)) <= allowed:
        raise FormError("node.toml automatic", f"a list of {sorted(allowed)}", automatic)
    if {"accept", "accept-determined"} <= set(automatic):
        raise FormError("node.toml automatic", "accept or accept-determined, not both", automatic)
    peers = data.get("peers", {})
    if not isinstance(peers, dict):
        raise FormError("node.toml peers", "a table of code = url", peers)
    for other, url in peers.items():
        party(other)
        split_url(str(url), f"node.toml peers.{other}")
    url = data.get("url")
    split_url(str(url), "node.toml url")
    date = data.get("business_date", "system")
    name, logs = _witness(data.get("witness", {}))
    policy, hospitals = data.get("policy", ""), data.get("hospitals", "")
    if not isinstance(policy, str):
        raise FormError("node.toml policy", "the name of a benefit policy, or FILE.toml", policy)
    if hospitals:
        split_url(str(hospitals), "node.toml hospitals")
    acts = frozenset(map(str, automatic))
    urls = dict(peers)
    return Config(code, str(url), str(date), acts, urls, name, logs, policy, str(hospitals))


def _witness(table: object) -> tuple[str, tuple[str, ...]]:
    if not isinstance(table, dict) or table.keys() - {"name", "log"}:
        raise FormError("node.toml witness", "a name and [[witness.log]] tables", table)
    name, listed = table.get("name", ""), table.get("log", [])
    if not isinstance(listed, list) or not isinstance(name, str):
        raise FormError("node.toml witness", "a name and [[witness.log]] tables", table)
    if listed:
        check_name(name)
    vkeys = []
    for number, item in enumerate(listed, 1):
        place = f"node.toml witness.log {number}"
        if not isinstance(item, dict) or item.keys() != {"vkey"}:
            raise FormError(place, '`vkey = "..."` and nothing else', item)
        key = parse_vkey(str(item["vkey"]))
        if key.type != ED25519 or key.name.startswith(PREFIX):
            raise FormError(place, "an Ed25519 key of a log outside this network", key.name)
        vkeys.append(str(item["vkey"]))
    if len({parse_vkey(text).name for text in vkeys}) != len(vkeys):
        raise FormError("node.toml witness.log", "every origin once")
    return name, tuple(vkeys)


def format_config(config: Config) -> str:
    """Return the text of `node.toml`."""
    lines = [
        f"code = {json.dumps(config.code)}",
        f"url = {json.dumps(config.url)}",
        f"business_date = {json.dumps(config.business_date)}",
        f"automatic = {json.dumps(sorted(config.automatic))}",
        *([f"policy = {json.dumps(config.policy)}"] if config.policy else []),
        *([f"hospitals = {json.dumps(config.hospitals)}"] if config.hospitals else []),
        "",
        "[peers]",
        *(f"{code} = {json.dumps(url)}" for code, url in sorted(config.peers.items())),
    ]
    if config.witness_name:
        lines += ["", "[witness]", f"name = {json.dumps(config.witness_name)}"]
    for vkey in config.foreign_logs:
        lines += ["[[witness.log]]", f"vkey = {json.dumps(vkey)}"]
    return "\n".join(lines) + "\n"


def load_config(home: Path) -> Config:
    """Return the configuration of a home.

    Raises:
        FormError: There is no `node.toml`, or see `parse_config`.
    """
    path = home / "node.toml"
    try:
        return parse_config(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FormError(
            str(home), "a node's home with node.toml (see `gongzhang node init`)"
        ) from None
    except UnicodeDecodeError:
        raise FormError(str(path), "UTF-8 text") from None
