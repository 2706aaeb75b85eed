"""Canonical MessagePack: one spelling per value, made by msgpack and read by msgspec.

Only nil, bool, int, bin, str (NFC) and array; shortest form of each; no maps, floats, extension
types or optional tails. Two codecs have to agree: what msgpack made is read by msgspec, made again
by msgspec, and must be the same bytes. This is the only module that knows either library's
MessagePack.
"""

import unicodedata
from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, TypeVar, cast

import msgpack
import msgspec

from ledger.errors import FormError

T = TypeVar("T")

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Small = Annotated[int, msgspec.Meta(ge=0, le=255)]
_Origin = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]

MAX_INT = 2**64 - 1
MIN_INT = -(2**63)
MAX_DEPTH = 8

_to_builtins = msgspec.to_builtins
_encode_again = msgspec.msgpack.Encoder().encode
# UTF-8 that cannot be read is no DecodeError.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def pack(value: Any) -> bytes:
    """Return the canonical bytes of `value`: nested lists or tuples of None, bool, int, bytes, str.

    Raises:
        FormError: A type outside that set, an int outside 64 bits, or text that is not NFC.

    Example:
        >>> pack([1, "a", b"\\x00", None]).hex()
        '9401a161c40100c0'
    """
    _check(value, 0)
    return cast(bytes, msgpack.packb(value, use_bin_type=True))


def pack_record(record: msgspec.Struct) -> bytes:
    """Return the canonical bytes of a typed record (a msgspec Struct with array_like=True)."""
    return pack(_to_builtins(record, builtin_types=(bytes,)))


def unpack(data: bytes) -> Any:
    """Return the value of canonical bytes as nested lists; refuse any other spelling.

    Raises:
        FormError: Not MessagePack, trailing bytes, or not the canonical spelling.
    """
    try:
        value = msgspec.msgpack.decode(data)
    except _UNREADABLE as error:
        raise FormError("MessagePack", "canonical bytes", str(error)) from None
    if pack(value) != data:
        raise FormError("MessagePack", "the shortest spelling", data)
    return value


_items = msgspec.msgpack.Decoder(list[bytes])


def pack_items(items: list[bytes]) -> bytes:
    """Return the canonical bytes of an array of binary strings: `pack`, for millions of them."""
    return _encode_again(items)


def pack_plain(value: Any) -> bytes:
    """Return what `pack` returns, for lists of integers and ASCII text that this program made.

    Raises:
        FormError: An int outside 64 bits.
    """
    try:
        return _encode_again(value)
    except OverflowError:
        raise FormError("MessagePack", "integers of 64 bits") from None


def unpack_items(data: bytes) -> list[bytes]:
    """Return the binary strings of an array.

    Raises:
        FormError: Anything else, or not the canonical spelling.
    """
    try:
        items = _items.decode(data)
    except _UNREADABLE as error:
        raise FormError("MessagePack", "an array of binary strings", str(error)) from None
    if _encode_again(items) != data:
        raise FormError("MessagePack", "the shortest spelling", data)
    return items


class Codec(Generic[T]):
    """Reads and writes one typed record.

    Example:
        >>> class Point(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
        ...     x: int
        ...     y: int
        >>> Codec(Point).decode(bytes.fromhex("920102"))
        Point(x=1, y=2)
    """

    def __init__(self, record_type: type[T]) -> None:
        self._decoder = msgspec.msgpack.Decoder(record_type)
        self._name = record_type.__name__
        self._free_text = _has_free_text(msgspec.inspect.type_info(record_type))

    def decode(self, data: bytes) -> T:
        """Return the record.

        Raises:
            FormError: A field has the wrong type, length or range, a field is missing or too many,
                or the bytes are not canonical.
        """
        try:
            record = self._decoder.decode(data)
        except _UNREADABLE as error:
            raise FormError(self._name, "a well-formed record", str(error)) from None
        if self._free_text:
            _check_texts(_to_builtins(record, builtin_types=(bytes,)))
        if _encode_again(record) != data:
            raise FormError(self._name, "the canonical spelling", data)
        return record

    @staticmethod
    def encode(record: msgspec.Struct) -> bytes:
        """Return the canonical bytes of `record`."""
        return pack_record(record)


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise FormError("MessagePack", f"at most {MAX_DEPTH} levels")
    check = _CHECKS.get(type(value))
    if check is None:
        raise FormError("MessagePack", "nil, bool, int, bin, str or array", type(value).__name__)
    check(value, depth)


def _check_array(value: Any, depth: int) -> None:
    for item in value:
        _check(item, depth + 1)


def _check_int(value: int, _depth: int) -> None:
    if not MIN_INT <= value <= MAX_INT:
        raise FormError("MessagePack", "an integer of 64 bits", value)


def _check_text(value: str, _depth: int) -> None:
    if value.isascii():
        return
    if not unicodedata.is_normalized("NFC", value):
        raise FormError("MessagePack", "text in NFC", value)
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, as JSON and command lines may bring it
        raise FormError("MessagePack", "text that has a UTF-8 form", ascii(value)) from None


def _check_texts(plain: Any) -> None:
    # The typed decoder has already limited every type and range; only NFC is left to check.
    for item in plain:
        kind = type(item)
        if kind is str:
            if not item.isascii():
                _check_text(item, 0)
        elif kind is list:
            _check_texts(item)


def _has_free_text(info: Any) -> bool:
    """Return whether a type has a text whose characters neither a pattern nor a check limits."""
    if isinstance(info, msgspec.inspect.Metadata):
        return not (info.extra or {}).get("checked") and _has_free_text(info.type)
    if isinstance(info, msgspec.inspect.StrType):
        return info.pattern is None
    if isinstance(info, msgspec.inspect.StructType):
        return any(_has_free_text(field.type) for field in info.fields)
    if isinstance(info, msgspec.inspect.ListType):
        return _has_free_text(info.item_type)
    if isinstance(info, msgspec.inspect.UnionType):
        return any(_has_free_text(item) for item in info.types)
    return isinstance(info, msgspec.inspect.AnyType)


def _check_nothing(_value: Any, _depth: int) -> None:
    return None


_CHECKS: dict[type, Callable[[Any, int], None]] = {
    list: _check_array,
    tuple: _check_array,
    int: _check_int,
    str: _check_text,
    bool: _check_nothing,
    bytes: _check_nothing,
    type(None): _check_nothing,
}


class _Header(msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    version: _Count
    origin: _Origin
    index: _Count
    kind: _Small
    at_ms: _Count
    body: msgspec.Raw


_header = msgspec.msgpack.Decoder(_Header)
_SIX = b"\x96"


def encode_header(version: int, origin: str, index: int, kind: int, at_ms: int) -> bytes:
    """Return the first bytes of an entry: an array of six whose last, the body, follows."""
    return _SIX + b"".join(map(msgpack.packb, (version, origin, index, kind, at_ms)))


class EntryCodec:
    """Reads whole entries of one kind, header and body in one go: for the kind nearly all are of.

    The record must have no free text, so that comparing the bytes is all there is to check.
    """

    def __init__(self, version: int, kind: int, record_type: type) -> None:
        assert not _has_free_text(msgspec.inspect.type_info(record_type))
        fields: list[Any] = [
            ("version", Literal[version]),
            ("origin", _Origin),
            ("index", _Count),
            ("kind", Literal[kind]),
            ("at_ms", _Count),
            ("body", record_type),
        ]
        entry = msgspec.defstruct(
            "Entry", fields, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True
        )
        self._decode = msgspec.msgpack.Decoder(entry).decode

    def decode(self, content: bytes) -> Any:
        """Return an object with origin, index, at_ms and body (a record) of a canonical entry.

        None says nothing but that it is no such entry: ask `decode_header`. Whether origin and
        index are the right ones is for the caller to say.
        """
        try:
            entry = self._decode(content)
        except _UNREADABLE:
            return None
        return entry if _encode_again(entry) == content else None


def decode_header(data: bytes) -> tuple[int, str, int, int, int, bytes]:
    """Return version, origin, index, kind, time and the bytes of the body of an entry.

    Raises:
        FormError: Not an array of these six, or the first five are not spelled canonically.
    """
    try:
        header = _header.decode(data)
    except _UNREADABLE as error:
        raise FormError("entry", "[1, origin, index, kind, at_ms, body]", str(error)) from None
    body, origin = bytes(header.body), header.origin
    array = 0x90 <= body[0] <= 0x9F or body[0] in (0xDC, 0xDD)
    plain = origin.isascii() and origin.isprintable() and " " not in origin
    if not array or not plain or _encode_again(header) != data:
        raise FormError("entry", "the canonical spelling, with an array as body", data)
    return header.version, origin, header.index, header.kind, header.at_ms, body
