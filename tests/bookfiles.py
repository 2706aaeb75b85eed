"""Books for hledger and beancount, from fixed secrets: `python -m tests.bookfiles` writes them.

They lie in tests/golden/books/ and are compared byte for byte. Unlike the other golden files they
may be made again when the books are meant to say something else: read what changed before.
"""

from pathlib import Path

from settlement.bookfile import WRITERS
from settlement.books import books_at
from settlement.party import CENTRE
from tests.bookmonth import BookMonth
from tests.network import QINGHAI, SICHUAN

FOLDER = Path(__file__).resolve().parent / "golden" / "books"
STEPS = (
    "Qinghai prepays Sichuan 2.00",
    "Sichuan holds 2.00 of Qinghai",
    "the month is confirmed",
    "Qinghai pays the centre 3.00",
    "the centre receives 3.00 from Qinghai",
    "the centre shares out what Qinghai owes",
    "the centre pays Tibet 3.00",
    "Sichuan draws on Qinghai",
    "Tibet draws on Qinghai",
    "Qinghai pays Sichuan 4.50",
    "Sichuan receives 4.50 from Qinghai",
)
CODES = (CENTRE, SICHUAN, QINGHAI)


def files() -> dict[str, str]:
    """Return the files by name."""
    month = BookMonth("net_hub")
    for step in STEPS:
        month.does(step)
    books = books_at(month.logs.store, month.logs.roster)
    return {
        f"{code}.{form}": write(books.of(code), f"Gongzhang, {code}")
        for code in CODES
        for form, write in WRITERS.items()
    }


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
