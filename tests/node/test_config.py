"""`node.toml`: every key checked by name."""

from pathlib import Path

import pytest

from ledger.errors import FormError
from node.config import Config, format_config, load_config, parse_config, split_url

TEXT = """
code = "630000"
url = "http://127.0.0.1:7063"
business_date = "2018-01-15"
automatic = ["accept"]

[peers]
510000 = "http://127.0.0.1:7051"
"""


def test_a_configuration_survives_its_text() -> None:
    config = parse_config(TEXT)
    assert (config.code, config.address) == ("630000", ("127.0.0.1", 7063))
    assert config.peers == {"510000": "http://127.0.0.1:7051"}
    assert parse_config(format_config(config)) == config


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('code = "630000"', "code = 630000", "code"),
        ('code = "630000"', 'code = "990000"', "participant"),
        ("7063", "x", "url"),
        ("http://127.0.0.1:7063", "https://127.0.0.1:7063", "url"),
        ('["accept"]', '["confirm"]', "automatic"),
        ('["accept"]', '"accept"', "automatic"),
        ('["accept"]', '["accept", "accept-determined"]', "not both"),
        ('["accept"]', '["determined"]', "automatic"),
        ("business_date", "bussiness_date", "bussiness_date"),
        ("510000 =", "990000 =", "participant"),
        ('"http://127.0.0.1:7051"', '"nowhere"', "peers.510000"),
        ("[peers]", "[peers", "TOML"),
    ],
)
def test_one_wrong_value_is_named(old: str, new: str, named: str) -> None:
    assert old in TEXT
    with pytest.raises(FormError, match=named):
        parse_config(TEXT.replace(old, new, 1))


def test_a_node_may_accept_by_itself_only_what_it_has_determined() -> None:
    config = parse_config(TEXT.replace('["accept"]', '["accept-determined", "attest"]'))
    assert config.automatic == {"accept-determined", "attest"}
    assert parse_config(format_config(config)) == config


VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOREIGN = f"""
[witness]
name = "witness.example.cn/630000"
[[witness.log]]
vkey = "{VKEY}"
"""


def test_foreign_logs_are_listed_with_their_keys_and_survive_their_text() -> None:
    config = parse_config(TEXT + FOREIGN)
    assert (config.witness_name, config.foreign_logs) == ("witness.example.cn/630000", (VKEY,))
    assert parse_config(format_config(config)) == config


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("witness.example.cn/630000", "a witness", "key name"),
        ('name = "witness.example.cn/630000"', "", "key name"),
        ("530d903a", "530d903b", "vkey"),
        ("vkey =", "key =", "witness.log 1"),
        ("name =", "names =", "witness"),
        (f'vkey = "{VKEY}"', f'vkey = "{VKEY}"\n[[witness.log]]\nvkey = "{VKEY}"', "every origin"),
    ],
)
def test_one_fault_among_foreign_logs_is_named(old: str, new: str, named: str) -> None:
    with pytest.raises(FormError, match=named):
        parse_config(TEXT + FOREIGN.replace(old, new))


def test_a_folder_that_is_no_home_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(FormError, match="node init"):
        load_config(tmp_path)


def test_the_centre_confirms_and_certifies_and_accepts_nothing() -> None:
    text = format_config(Config("100000", "http://127.0.0.1:7010", automatic=frozenset({"final"})))
    assert parse_config(text).automatic == {"final"}
    with pytest.raises(FormError, match="automatic"):
        parse_config(text.replace("final", "accept"))


@pytest.mark.parametrize("url", ["", "http://", "http://h", "http://h:x", "http://h:1/path", "h:1"])
def test_an_address_has_scheme_host_and_port(url: str) -> None:
    with pytest.raises(FormError):
        split_url(url, "here")
