"""A node's home on disk, and how it is founded and opened.

node.toml        configuration
network.genesis  the network, once joined
network.admission  how the network took this node in, if the genesis does not name it
keys/            one file per purpose, mode 0600 (entry, checkpoint, witness, transport, vault);
                 beside it PURPOSE.next.key while a rotation is under way
signer/state     what was signed, apart from data and backups
data/            the logs (LMDB)
vault/           persons and case files (LMDB), sealed under keys/vault.key
node.sock        the running node's socket for the command line
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from ledger.disk import sync_directory, write_durably
from ledger.encoding import Codec
from ledger.errors import FormError, LedgerError
from ledger.keyfile import create_key, load_key, read_public
from ledger.note import parse_vkey
from ledger.signer import SignerState
from ledger.store import LmdbStore, check_in_child, copy_store
from ledger.table import LEAF
from node import heads
from node.centre import Centre
from node.clock import BusinessCalendar, random_bytes
from node.config import Config, format_config, load_config
from node.keyring import Keys
from node.province import Province
from node.role import Role
from node.sealed import SealedStore, reseal
from node.vault import TABLES as VAULT_TABLES
from node.vault import Vault
from node.witness import Foreign
from settlement.membership import admission_message, check_approvals
from settlement.party import CENTRE
from settlement.policy import Policy, parse_policy
from settlement.record import Admission, Member
from settlement.roster import PURPOSES, Roster

NEXT = ".next.key"
VAULT_KEY = "vault.key"
FOREIGN = "foreign.key"
ADMISSION = "network.admission"
_ADMISSION = Codec(Admission)
Ask = Callable[[], bytes | None]


def init(home: Path, config: Config, passphrase: bytes | None = None) -> Member:
    """Create a home with keys and configuration; return the public keys to hand in.

    Raises:
        FormError: The home exists and is not empty: nothing is ever overwritten.
    """
    if home.exists() and any(home.iterdir()):
        raise FormError(str(home), "a directory that does not exist or is empty")
    home.mkdir(parents=True, exist_ok=True)
    keys = home / "keys"
    keys.mkdir(mode=0o700)
    public = {
        f"{purpose}_key": create_key(keys / f"{purpose}.key", purpose, passphrase=passphrase)
        for purpose in PURPOSES
    }
    create_key(keys / VAULT_KEY, "vault", passphrase=passphrase)
    write_durably(home / "node.toml", format_config(config).encode())
    return Member(config.code, **public)


def join(
    home: Path,
    genesis: bytes,
    admission: bytes | None = None,
    vault: Path | None = None,
    vault_key: Path | None = None,
    passphrase: Callable[[Path], bytes | None] = lambda _: None,
) -> Roster:
    """Join a network: check that it names this node's keys, create store and signer state.

    Args:
        admission: For keys that the genesis does not name: the record that admitted them.
        vault: The vault of the home whose log this one continues; copied and sealed anew.
        vault_key: The key it is sealed under; by default the one beside it, `../keys/vault.key`.
        passphrase: Asked with a key file that is sealed.

    Raises:
        FormError: The genesis or admission is malformed or names another node or other keys, or
            the home has joined already.
        VerificationError: The governance keys did not sign the admission.
    """
    config = load_config(home)
    roster = Roster.found(genesis)
    grown = roster if admission is None else _admitted(roster, _ADMISSION.decode(admission))
    listed = grown.members.get(config.code)
    if listed is None:
        raise FormError("genesis", f"{config.code} among its members", list(roster.codes))
    if listed != public_member(home):
        raise FormError("genesis", f"the keys of {home}", f"other keys for {config.code}")
    if (home / "network.genesis").exists():
        raise FormError(str(home), "a home that has not joined a network yet")
    signer = home / "signer"
    signer.mkdir(mode=0o700, exist_ok=True)
    SignerState.create(signer / "state").close()
    LmdbStore.create(home / "data", roster.network_id, config.code).close()
    if vault is None:
        LmdbStore.create(home / "vault", roster.network_id, config.code, VAULT_TABLES).close()
    else:
        path = vault_key or vault.parent / "keys" / VAULT_KEY
        seeds = [
            load_key(p, "vault", passphrase=passphrase(p))
            for p in (path, home / "keys" / VAULT_KEY)
        ]
        _inherit(vault, home / "vault", roster.network_id, config.code, seeds)
    if admission is not None:
        write_durably(home / ADMISSION, admission)
    # Written last: a home with a genesis is complete, one without can join again after a cleanup.
    write_durably(home / "network.genesis", genesis)
    return grown


def _inherit(source: Path, target: Path, network_id: bytes, code: str, seeds: list[bytes]) -> None:
    check_in_child(source, VAULT_TABLES)
    copy_store(source, target, network_id, code, VAULT_TABLES)
    store = LmdbStore.open(target, network_id, code, VAULT_TABLES)
    try:
        reseal(store, VAULT_TABLES, *seeds)
    finally:
        store.close()


def _admitted(roster: Roster, admission: Admission) -> Roster:
    # Whether a frozen log has this successor is for the centre's log to say; not known here yet.
    member = admission.member
    message = admission_message(roster.network_id, member)
    check_approvals(roster, message, admission.approvals, "admission")
    return roster.with_member(member)


def public_member(home: Path) -> Member:
    """Return the public keys of a home, as its join file names them."""
    keys = {f"{p}_key": read_public(home / "keys" / f"{p}.key")[1] for p in PURPOSES}
    return Member(load_config(home).code, **keys)


def founding_roster(home: Path) -> Roster:
    """Return the roster that the home's genesis founds.

    Raises:
        FormError: The home has not joined a network.
    """
    try:
        return Roster.found((home / "network.genesis").read_bytes())
    except FileNotFoundError:
        raise FormError(
            str(home), "a home that has joined a network (`gongzhang node join`)"
        ) from None


def load_keys(home: Path, passphrase: Ask) -> Keys:
    """Return the seeds of a home, asking for the passphrase once if the files need one."""
    secret = passphrase()
    folder = home / "keys"
    entry, checkpoint, witness, transport = (
        load_key(folder / f"{p}.key", p, passphrase=secret) for p in PURPOSES
    )
    following = {
        p: load_key(folder / f"{p}{NEXT}", p, passphrase=secret)
        for p in PURPOSES
        if (folder / f"{p}{NEXT}").exists()
    }
    return Keys(entry, checkpoint, witness, transport, following)


def _foreign(home: Path, config: Config, passphrase: Ask) -> Foreign | None:
    if not config.foreign_logs:
        return None
    seed = load_key(home / "keys" / FOREIGN, "foreign", passphrase=passphrase())
    keys = [parse_vkey(text) for text in config.foreign_logs]
    return Foreign(config.witness_name, seed, {key.name: key for key in keys})


def prepare_rotation(home: Path, purpose: str, passphrase: bytes | None = None) -> bytes:
    """Make the key that will follow; the next start of the node rotates to it. Returns it, public.

    Raises:
        FormError: No such purpose, or a rotation of it is under way already.
    """
    if purpose not in PURPOSES:
        raise FormError("purpose", " | ".join(PURPOSES), purpose)
    path = home / "keys" / f"{purpose}{NEXT}"
    if path.exists():
        raise FormError(str(path), "no rotation under way; restart the node until it is through")
    return create_key(path, purpose, passphrase=passphrase)


def retire_keys(home: Path, role: Role) -> list[str]:
    """Destroy keys that a rotation has replaced for good; return their purposes.

    A key goes only when nothing can ask for it any more: the roster names the next one, and for the
    checkpoint key the last head under the old one has its quorum.
    """
    retired = []
    with role.store.read() as reader:
        cosigned = heads.size_of(reader, role.code)
        waits = any(turn > cosigned for turn in role.turns(reader))
    member = role.roster.members[role.code]
    for purpose in role.keys.following:
        path = home / "keys" / f"{purpose}{NEXT}"
        in_force = getattr(member, f"{purpose}_key") == read_public(path)[1]
        if in_force and not (purpose == "checkpoint" and waits):
            path.rename(home / "keys" / f"{purpose}.key")
            sync_directory(home / "keys")
            retired.append(purpose)
    return retired


@dataclass
class Opened:
    """A home whose store is open and whose role is ready."""

    config: Config
    role: Role
    store: LmdbStore
    vault_store: LmdbStore
    signer: SignerState
    had_entries: bool  # there was something in the store when it was opened

    def close(self) -> None:
        """Close everything that was opened."""
        self.store.close()
        self.vault_store.close()
        self.signer.close()


def open_home(
    home: Path, passphrase: Ask, ruleset: bytes | None = None, *, recover: bool = False
) -> Opened:
    """Open a home for running.

    Args:
        ruleset: The rule set the centre puts into force when its log is new.
        recover: Accept a store that is behind the signer's journal, or make a new one where none
            is: what is missing is copied back from the others before anything is signed.

    Raises:
        StoreError: The store is damaged, rewound, or of another network or participant.
        KeyFileError: A key file cannot be used.
    """
    config = load_config(home)
    roster = founding_roster(home)
    passphrase = cache(passphrase)  # asked for once
    keys = load_keys(home, passphrase)
    opened: list[LmdbStore] = []
    if recover and not (home / "data").exists():
        LmdbStore.create(home / "data", roster.network_id, config.code).close()
    try:
        store = LmdbStore.open(home / "data", roster.network_id, config.code)
        opened.append(store)
        vault_store = LmdbStore.open(
            home / "vault", roster.network_id, config.code, tables=VAULT_TABLES
        )
        opened.append(vault_store)
        signer = SignerState.open(home / "signer" / "state")
        admission = _admission(home)
        seed = load_key(home / "keys" / VAULT_KEY, "vault", passphrase=passphrase())
        vault = Vault(SealedStore(vault_store, seed))
        role = _role(
            home, config, roster, keys, store, signer, vault, ruleset, admission, recover=recover
        )
    except LedgerError:
        for item in opened:
            item.close()
        raise
    retire_keys(home, role)
    role.witness.foreign = _foreign(home, config, passphrase)
    with store.read() as reader:
        had_entries = reader.last(LEAF, b"", b"\xff" * 20) is not None
    return Opened(config, role, store, vault_store, signer, had_entries)


def _role(
    home: Path,
    config: Config,
    roster: Roster,
    keys: Keys,
    store: LmdbStore,
    signer: SignerState,
    vault: Vault,
    ruleset: bytes | None,
    admission: Admission | None,
    *,
    recover: bool,
) -> Role:
    today = BusinessCalendar.parse(config.business_date).on
    if config.code == CENTRE:
        chosen = config.automatic
        return Centre(
            roster, keys, store, signer, vault, chosen, ruleset, today=today, recover=recover
        )
    return Province(
        config.code,
        roster,
        keys,
        store,
        signer,
        vault,
        config.automatic,
        random_bytes,
        admission,
        policy=load_policy(home, config.policy),
        today=today,
        recover=recover,
    )


def load_policy(home: Path, name: str) -> Policy | None:
    """Return the benefit policy that `node.toml` names: a shipped one, or a file in the home.

    Raises:
        FormError: There is none of that name, or it is malformed; the key is named.
    """
    if not name:
        return None
    if name.endswith(".toml"):
        source: Traversable = home / name
    else:
        source = resources.files("configs").joinpath(f"policies/{name}.toml")
    try:
        return parse_policy(source.read_bytes())
    except (FileNotFoundError, IsADirectoryError):
        raise FormError("node.toml policy", "a shipped policy or FILE.toml here", name) from None


def _admission(home: Path) -> Admission | None:
    path = home / ADMISSION
    return _ADMISSION.decode(path.read_bytes()) if path.exists() else None
