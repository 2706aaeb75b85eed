"""`gongzhang batch models`: what the models would move, and what goes round in rings."""

from typing import Any

from cli.homes import Home, Json, Month, open_home
from cli.labels import MODELS
from cli.output import emit, guarded, name_of, out, say, table, yuan
from ledger.errors import RefusedError
from settlement import batch as batches
from settlement.batch import Result
from settlement.savings import compare, fewest_payments, rings

SHOWN = 20
AMOUNTS = ("moved_fen", "arrives_fen", "largest_fen", "saved_fen")


def models(month: Month, home: Home, as_json: Json = False) -> None:
    """Compare the models for a month: payments, money moved, savings, circular debts."""

    def act() -> dict[str, Any]:
        with open_home(home) as opened:
            found = batches.latest_batch(opened.reader, opened.founding, month)
            if found is None:
                raise RefusedError(
                    "STATE", say(f"{month} has not been proposed", f"{month} 尚未提出批次")
                )
            result = batches.result_of(opened.reader, opened.founding, month, found.revision)
            return {"month": month, "revision": found.revision, **comparison(result)}

    value = guarded(act, as_json=as_json)
    if as_json:
        emit(value)
    else:
        _print(value)


def comparison(result: Result) -> dict[str, Any]:
    """Return the models side by side, the fewest payments, and the rings of a month."""
    money = {pair: amounts.lines for pair, amounts in result.pairs.items()}
    codes = sorted(result.nets)
    few = fewest_payments(result.nets)
    found = sorted(rings(money, codes), key=lambda ring: (-ring.fen, ring.codes))
    return {
        "in_force": result.model,
        "models": [figures._asdict() for figures in compare(money, codes)],
        "fewest_payments": [leg._asdict() for leg in few],
        "rings": [{"codes": list(ring.codes), "fen": ring.fen} for ring in found],
    }


def _print(value: dict[str, Any]) -> None:
    console, month, here = out(), value["month"], say(" (in force)", "（现行）")
    columns = [
        (say("model", "模型"), "left"), (say("legs", "笔数"), "right"),
        (say("moved, yuan", "划拨总额（元）"), "right"),
        (say("arrives", "到账"), "right"), (say("largest leg", "最大一笔"), "right"),
        (say("paid less than gross", "比全额少付"), "right"), ("%", "right"),
    ]  # fmt: skip
    rows = [
        [
            say(MODELS[row["model"]].en, MODELS[row["model"]].zh)
            + (here if row["model"] == value["in_force"] else ""),
            str(row["legs"]),
            *(yuan(row[name]) for name in AMOUNTS),
            f"{row['saved_basis_points'] / 100:.2f}",
        ]
        for row in value["models"]
    ]
    console.print(table(f"{say('Models', '清算模型比较')}, {month}", columns, rows))
    few = value["fewest_payments"]
    total = yuan(sum(leg["fen"] for leg in few))
    console.print(
        say(
            f"Without a hub the nets could be settled by {len(few)} payments of {total} yuan.",
            f"不经中心时，最少可用 {len(few)} 笔付款（共 {total} 元）结清全部净额。",
        )
    )
    found = value["rings"]
    if not found:
        console.print(say("No debt goes round in a ring.", "没有循环债务。"))
        return
    columns = [(say("yuan", "金额（元）"), "right"), (say("ring", "循环"), "left")]
    rows = [[yuan(ring["fen"]), _round(ring["codes"])] for ring in found[:SHOWN]]
    title = say(
        f"Circular debts, {len(found)}, {yuan(sum(ring['fen'] for ring in found))} yuan",
        f"循环债务 {len(found)} 个，共 {yuan(sum(ring['fen'] for ring in found))} 元",
    )
    console.print(table(title, columns, rows))


def _round(codes: list[str]) -> str:
    return " → ".join(name_of(code) for code in (*codes, codes[0]))
