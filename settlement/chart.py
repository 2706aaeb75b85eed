"""The chart of accounts of the clearing books: every account once, with both names.

    assets       what a participant has, is owed, has on its way, or holds with others
    liabilities  what it owes, or holds of others
    expense      what the insured province's funds bear

The names are the field's words. The chart is a choice: no source says which accounts a province
must keep for clearing, and nothing here is an official chart. An account is a head and, where the
head asks for it, a counterpart and a part: a fund line, or the month of a batch.

*Clearing* receivables and payables are kept by fund line, as the pair sums of a batch are. What is
to be *remitted* is one amount per counterpart and month, as a leg is: a bank payment names no fund
line, and no rule says which line a part payment pays first.
"""

from collections.abc import Mapping
from typing import NamedTuple

from settlement.outcome import Text
from settlement.party import parties

ROOTS: Mapping[str, Text] = {
    "asset": Text("Assets", "资产"),
    "liability": Text("Liabilities", "负债"),
    "expense": Text("Expenses", "支出"),
}
LINES: Mapping[str, Text] = {
    "employee": Text("employee pool", "职工统筹"),
    "resident": Text("resident pool", "居民统筹"),
    "other": Text("other funds", "其他基金"),
    "account": Text("personal account", "个人账户"),
}


class Head(NamedTuple):
    """One head of the chart.

    `by`: `other` if there is an account for each counterpart; `line` or `month` for the part.
    """

    key: str
    root: str
    by: tuple[str, ...]
    name: Text


CHART: tuple[Head, ...] = (
    Head("bank", "asset", (), Text("bank", "银行存款")),
    Head("hub", "asset", ("month",), Text("hub clearing account", "清算专户存款")),
    Head("transit", "asset", ("other",), Text("in transit", "在途资金")),
    Head(
        "receivable", "asset", ("other", "line"),
        Text("clearing receivable", "应收异地就医清算款"),
    ),
    Head("due_from", "asset", ("other", "month"), Text("remittance due from", "应收清算划拨款")),
    Head("arrears_from", "asset", ("other",), Text("arrears due from", "应收清算欠款")),
    Head("prepaid", "asset", ("other",), Text("prepayment paid", "拨付异地就医预付金")),
    Head("with_hub", "asset", ("month",), Text("paid late to the hub", "中心待转付补款")),
    Head("advance", "asset", ("line",), Text("advanced to institutions", "垫付异地就医费用")),
    Head("suspense_out", "asset", ("other",), Text("sent, unexplained", "待查付款")),
    Head(
        "payable", "liability", ("other", "line"),
        Text("clearing payable", "应付异地就医清算款"),
    ),
    Head("due_to", "liability", ("other", "month"), Text("remittance due to", "应付清算划拨款")),
    Head("arrears_to", "liability", ("other",), Text("arrears due to", "应付清算欠款")),
    Head("held", "liability", ("other",), Text("prepayment held", "收到异地就医预付金")),
    Head(
        "returning", "liability", ("other",),
        Text("prepayment being returned", "退还在途预付金"),
    ),
    Head("pass_on", "liability", ("other", "month"), Text("to be passed on", "待转付补款")),
    Head("suspense_in", "liability", ("other",), Text("received, unexplained", "待查收款")),
    Head("expense", "expense", ("line",), Text("fund expense elsewhere", "异地就医基金支出")),
)  # fmt: skip
HEADS: Mapping[str, Head] = {head.key: head for head in CHART}
_ORDER = {head.key: place for place, head in enumerate(CHART)}
_LINE_ORDER = {line: str(place) for place, line in enumerate(LINES)}


class Account(NamedTuple):
    """One account of one participant's books; `other` and `part` are empty if its head has none."""

    head: str
    other: str = ""
    part: str = ""

    @property
    def order(self) -> tuple[int, str, str]:
        """The place in a trial balance: as the chart has it, by counterpart, by part."""
        return _ORDER[self.head], self.other, _LINE_ORDER.get(self.part, self.part)

    def title(self, language: str) -> str:
        """Return the name in `zh`, else in English, without the root.

        Example:
            >>> Account("receivable", "510000", "employee").title("en")
            'clearing receivable: 510000 Sichuan: employee pool'
        """
        return ": ".join(self.parts(language))

    def parts(self, language: str) -> list[str]:
        """Return the components of the name: head, counterpart, part."""
        found = [_in(HEADS[self.head].name, language)]
        found += [named(self.other, language)] if self.other else []
        if self.part:
            line = LINES.get(self.part)
            found.append(self.part if line is None else _in(line, language))
        return found

    def path(self) -> str:
        """Return the Chinese name with its root, as hledger writes it.

        Example:
            >>> Account("due_to", "100000", "2017-03").path()
            '负债:应付清算划拨款:100000 国家中心:2017-03'
        """
        return ":".join([ROOTS[HEADS[self.head].root].zh, *self.parts("zh")])

    def ascii_path(self) -> str:
        """Return the name as beancount writes it: ASCII, every component begins with a capital.

        Example:
            >>> Account("due_to", "100000", "2017-03").ascii_path()
            'Liabilities:Remittance-Due-To:C100000:2017-03'
        """
        head = HEADS[self.head]
        found = [ROOTS[head.root].en, _capitals(head.name.en)]
        found += [f"C{self.other}"] if self.other else []
        if self.part:
            line = LINES.get(self.part)
            found.append(self.part if line is None else _capitals(line.en))
        return ":".join(found)


def named(code: str, language: str) -> str:
    """Return a participant's code with its name; a stranger's code alone."""
    return f"{code} {called(code, language)}" if code in parties() else code


def called(code: str, language: str) -> str:
    """Return a participant's name; a stranger's code."""
    known = parties().get(code)
    return known.name(language) if known else code


def _in(text: Text, language: str) -> str:
    return text.zh if language == "zh" else text.en


def _capitals(name: str) -> str:
    return "-".join(word.capitalize() for word in name.replace(",", "").split(" "))
