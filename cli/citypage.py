"""Cities on the screen: what a statement and the city legs of a month say."""

from collections.abc import Mapping, Sequence
from typing import Any

from cli.output import name_of, out, say, table, talk, yuan
from settlement.city import Cities, Sums
from settlement.netting import total_fen
from settlement.record import CityStatement, Lines
from settlement.subclearing import HUB, CityLeg
from settlement.totals import add_all

Names = Mapping[str, str]
LINE_NAMES = ("employee", "resident", "other", "account")


def statement_report(
    found: Cities, signed: tuple[int, CityStatement] | None, names: Names
) -> dict[str, Any]:
    """Return a statement by name; amounts in fen. `rows` has every city and every counterpart."""
    return {
        "province": found.province,
        "month": found.month,
        "revision": found.revision,
        "result_hash": found.result_hash.hex(),
        "hash": found.hash.hex(),
        "signed": None
        if signed is None
        else {"index": signed[0], "same": signed[1] == found.record()},
        "owes_fen": add_all(found.owes.values()).fen,
        "owed_fen": add_all(found.owed.values()).fen,
        "net_fen": sum(found.nets.values()),
        "cities": [
            {
                "city": city,
                "name": names.get(city),
                "owes_fen": found.of(found.owes, city).fen,
                "owed_fen": found.of(found.owed, city).fen,
                "net_fen": found.nets[city],
                "owes": _by_counterpart(found.owes, city),
                "owed": _by_counterpart(found.owed, city),
            }
            for city in found.codes
        ],
    }


def _by_counterpart(sums: Sums, city: str) -> dict[str, Any]:
    return {
        counterpart: {"entries": amounts.entries, **line_report(amounts.lines)}
        for (code, counterpart), amounts in sorted(sums.items())
        if code == city
    }


def line_report(lines: Lines) -> dict[str, int]:
    """Return fund lines by name, and their sum; in fen."""
    return {
        **{f"{name}_fen": getattr(lines, name) for name in LINE_NAMES},
        "fen": total_fen(lines),
    }


def legs_report(
    found: Cities, model: str, in_force: str, legs: Sequence[CityLeg], names: Names
) -> dict[str, Any]:
    """Return the city legs of a month by name; amounts in fen. The hub is the provincial centre."""
    return {
        "province": found.province,
        "month": found.month,
        "revision": found.revision,
        "model": model,
        "model_in_force": in_force,
        "net_fen": sum(found.nets.values()),
        "legs": [
            {
                "leg": leg.due.number,
                "payer": leg.due.payer,
                "payee": leg.due.payee,
                "name": names.get(_city_end(leg)),
                "counterpart": leg.counterpart,
                **line_report(leg.lines),
            }
            for leg in legs
        ],
    }


def _city_end(leg: CityLeg) -> str:
    return leg.due.payee if leg.due.payer == HUB else leg.due.payer


def print_statement(value: dict[str, Any], *, lines: bool) -> None:
    """Print one row a city; with `lines`, one a city and direction with the fund lines."""
    columns = [
        (say("city", "市"), "left"), (say("owes, yuan", "应付（元）"), "right"),
        (say("is owed", "应收"), "right"), (say("net", "净额"), "right"),
    ]  # fmt: skip
    rows = [
        [_city(row), *(yuan(row[name]) for name in ("owes_fen", "owed_fen", "net_fen"))]
        for row in value["cities"]
    ]
    total = (yuan(value[name]) for name in ("owes_fen", "owed_fen", "net_fen"))
    rows.append([say("together: the province", "合计（全省）"), *total])
    title = say(
        f"Cities of {name_of(value['province'])}, {value['month']} r{value['revision']}",
        f"{name_of(value['province'])}市级清算表，{value['month']} 第 {value['revision']} 版",
    )
    console = out()
    console.print(table(title, columns, rows))
    if lines:
        console.print(_lines_table(value))
    print_notes(value)


def print_notes(value: dict[str, Any]) -> None:
    """Print what the figures rest on, and what is not among them."""
    console = out()
    console.print(
        say(
            "They add up to the pair sums of the batch, for each counterpart and fund line.",
            "与批次的双边金额逐一对方、逐一基金分项核对相符。",
        )
    )
    console.print(
        say(
            "Cases inside the province (insured and treated there) are not in this ledger.",
            "省内就医（参保地与就医地同省）的费用不在本账内。",
        )
    )
    signed = value["signed"]
    if signed is None:
        text = say("not signed", "未签认")
    elif signed["same"]:
        text = say(f"signed, entry {signed['index']}", f"已签认，条目 {signed['index']}")
    else:
        text = say(
            f"ANOTHER document was signed, entry {signed['index']}",
            f"签认的是另一份清算表，条目 {signed['index']}",
        )
    console.print(f"{say('city document', '市级清算表哈希')} {value['hash']}, {text}")


def _lines_table(value: dict[str, Any]) -> object:
    rows = []
    for city in value["cities"]:
        for side, text in _sides():
            cells = city[side].values()
            if cells:
                rows.append([_city(city), text, *_line_cells(_sum(cells))])
    return table(say("By fund line", "分基金明细"), [*_place(), *_line_columns()], rows)


def print_city(value: dict[str, Any], code: str) -> None:
    """Print one city, counterpart by counterpart with the fund lines."""
    city = next(row for row in value["cities"] if row["city"] == code)
    rows = [
        [name_of(counterpart), text, *_line_cells(cell)]
        for side, text in _sides()
        for counterpart, cell in city[side].items()
    ]
    columns = [(say("counterpart", "对方省"), "left"), _place()[1], *_line_columns()]
    out().print(table(f"{_city(city)}, {value['month']}", columns, rows))
    net = say(f"net {yuan(city['net_fen'])} yuan", f"净额 {yuan(city['net_fen'])} 元")
    out().print(net)
    print_notes(value)


def print_legs(value: dict[str, Any], *, lines: bool) -> None:
    """Print the city legs; payments to the hub come first where the model is `net_hub`."""
    hub = say("provincial centre", "省级中心")
    ends = {HUB: hub}
    columns = [
        ("#", "right"), (say("payer", "付款方"), "left"), (say("payee", "收款方"), "left"),
        (say("for", "对应省"), "left"), (say("yuan", "金额（元）"), "right"),
        *(_line_columns()[1:-1] if lines else ()),
    ]  # fmt: skip
    rows = []
    for leg in value["legs"]:
        payer, payee = (
            ends.get(leg[end]) or _city({"city": leg[end], "name": leg["name"]})
            for end in ("payer", "payee")
        )
        other = "" if leg["counterpart"] is None else name_of(leg["counterpart"])
        more = [yuan(leg[f"{name}_fen"]) for name in LINE_NAMES] if lines else []
        rows.append([str(leg["leg"]), payer, payee, other, yuan(leg["fen"]), *more])
    chosen = value["model"]
    if chosen != value["model_in_force"]:
        chosen += say(" (not in force)", "（非现行）")
    title = say(
        f"City legs of {name_of(value['province'])}, {value['month']}, {chosen}",
        f"{name_of(value['province'])}市级资金划拨，{value['month']}，{chosen}",
    )
    if rows:
        out().print(table(title, columns, rows))
    else:
        talk().print(say("no city has anything to pay or to receive", "各市均无应付、应收"))
    net = yuan(value["net_fen"])
    out().print(
        say(f"together: net {net} yuan, the province's", f"合计：净额 {net} 元，与全省一致")
    )


def _city(row: dict[str, Any]) -> str:
    return f"{row['city']} {row['name']}" if row["name"] else str(row["city"])


def _sides() -> tuple[tuple[str, str], ...]:
    return ("owes", say("owes", "应付")), ("owed", say("is owed", "应收"))


def _place() -> list[tuple[str, str]]:
    return [(say("city", "市"), "left"), ("", "left")]


def _line_columns() -> list[tuple[str, str]]:
    return [
        (say("entries", "记录数"), "right"), (say("employee fund", "职工基金"), "right"),
        (say("resident fund", "居民基金"), "right"), (say("other funds", "其他基金"), "right"),
        (say("personal account", "个人账户"), "right"),
        (say("together, yuan", "合计（元）"), "right"),
    ]  # fmt: skip


def _line_cells(cell: dict[str, int]) -> list[str]:
    amounts = (*(f"{name}_fen" for name in LINE_NAMES), "fen")
    return [str(cell["entries"]), *(yuan(cell[name]) for name in amounts)]


def _sum(cells: Any) -> dict[str, int]:
    rows = list(cells)
    return {name: sum(row[name] for row in rows) for name in rows[0]}
