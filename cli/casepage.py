"""How one case looks on a terminal."""

from typing import Any

from cli.holding import Spot
from cli.output import name_of, out, say, table, yuan
from settlement.life import explain
from settlement.outcome import LATE
from settlement.period import shanghai_day

Rows = list[list[str]]


def show_case(setl_id: str, life: dict[str, Any], also: list[Spot]) -> None:
    """Print what is known of a case; nothing if nothing is."""
    if not life:
        return
    rows = _entry_rows(life["entry"])
    if life["state"] != "void":
        rows += [*_second_rows(life), *_course_rows(life)]
    rows += [
        [say("same id", "同号条目"), f"{name_of(s.code)} #{s.index} {s.void or ''}"] for s in also
    ]
    out().print(table(f"{say('The case', '个案')} {setl_id}", [("", "left"), ("", "left")], rows))
    if life["legs"]:
        out().print(_legs(life))


def _entry_rows(entry: dict[str, Any]) -> Rows:
    void = explain(entry["void"]) if entry["void"] else None
    kinds = {"settlement": say("settlement", "结算"), "reversal": say("reversal", "冲正")}
    place = f"{name_of(entry['log'])} #{entry['index']}"
    fields = [(name, text) for name, text in entry["fields"].items() if name in _FIELDS]
    rows = [
        [say("entry", "条目"), f"{place}, {kinds[entry['kind']]}"],
        *[[_FIELDS[name](), text] for name, text in fields],
        *[[_LINES[name](), yuan(fen)] for name, fen in entry["lines_fen"].items()],
        [say("total, yuan", "合计（元）"), yuan(entry["total_fen"])],
        [say("commitment", "承诺值"), entry["commitment"]],
        [say("leaf hash", "叶哈希"), entry["leaf_hash"]],
        [say("author's signature", "作者签名"), _holds(entry["signature"])],
        *_proof_rows(entry["proof"]),
    ]
    if void:
        rows.append([say("VOID", "无效"), f"{entry['void']}: {say(void['en'], void['zh'])}"])
    return rows


_FIELDS = {
    "original_id": lambda: say("takes back", "所冲记录"),
    "month": lambda: say("service month", "所属月份"),
    "treatment_area": lambda: say("treatment area", "就医地"),
    "insured_area": lambda: say("insured area", "参保地"),
    "insutype": lambda: say("insurance type", "险种"),
    "clr_type": lambda: say("clearing type", "清算类别"),
}
_LINES = {
    "employee": lambda: say("employee fund, yuan", "职工基金（元）"),
    "resident": lambda: say("resident fund, yuan", "居民基金（元）"),
    "other": lambda: say("other funds, yuan", "其他基金（元）"),
    "account": lambda: say("personal account, yuan", "个人账户（元）"),
}


def _proof_rows(proof: dict[str, Any]) -> Rows:
    names = sorted(proof["cosigners"])
    size = f"{proof['size']} {say('entries', '条')}"
    return [
        [say("in the tree of", "所在树"), f"{size}, {proof['root']}"],
        [say("cosigned by", "见证方"), f"{len(names)}: {', '.join(name_of(n) for n in names)}"],
    ]


def _second_rows(life: dict[str, Any]) -> Rows:
    rows = [
        [say("owes", "应付方"), name_of(life["debtor"])],
        [say("is owed", "应收方"), name_of(life["creditor"])],
        [say("original", "原记录"), _brief(life["original"])],
        *[[say("reversal", "冲正"), _brief(item)] for item in life["reversals"]],
    ]
    second = life["acceptance"]
    if second is None:
        rows.append([say("acceptance", "确认"), say("none covers it", "尚无")])
    else:
        text = f"{name_of(second['log'])} #{second['index']}, {shanghai_day(second['at_ms'])}"
        rows += [
            [say("acceptance", "确认"), f"{text}, < {second['covers_below']}"],
            [say("its signature", "确认方签名"), _holds(second["signature"])],
            *_proof_rows(second["proof"]),
        ]
    return rows + _exception_rows(life["exception"])


def _exception_rows(found: dict[str, Any] | None) -> Rows:
    if found is None:
        return []
    text = explain(found["code"])
    kinds = {"exception": say("exception", "例外"), "dispute": say("dispute", "争议")}
    rows = [[kinds[found["kind"]], _said(found, say(text["en"], text["zh"]))]]
    if found["answer"] is not None:
        rows.append([say("answer", "答复"), _said(found["answer"], found["answer"]["text"])])
    for asked in found["escalations"]:
        rows.append([say("asked for a ruling", "提请裁决"), _said(asked, asked["reason"])])
    ruling = found["ruling"]
    if ruling is not None:
        outcome = explain(ruling["outcome"])
        rows.append([say("ruling", "裁决"), _said(ruling, say(outcome["en"], outcome["zh"]))])
        rows.append([say("its reason", "裁决理由"), ruling["reason"]])
        rows += [
            [f"{say('not owed,', '不应付，')} {_LINES[name]()}", yuan(fen)]
            for name, fen in ruling["upheld_fen"].items()
            if fen
        ]
    if found["release"] is not None:
        rows.append([say("release", "解除"), _said(found["release"], "")])
    return rows


def _said(said: dict[str, Any], text: str) -> str:
    place = f"{name_of(said['log'])} #{said['index']}, {shanghai_day(said['at_ms'])}"
    return f"{place}: {text}" if text else place


def _course_rows(life: dict[str, Any]) -> Rows:
    if life["state"] is None:
        return [[say("state", "状态"), say("not checked, see the findings", "未核验，见审计发现")]]
    text = explain(life["state"])
    rows = [[say("state", "状态"), say(text["en"], text["zh"])]]
    dispute = life["dispute"]
    if dispute is not None:
        text = explain(dispute["state"])
        rows.append([say("the dispute", "争议状态"), say(text["en"], text["zh"])])
        if dispute["late"]:
            rows.append(["", say(LATE.en, LATE.zh)])
    batch = life["batch"]
    if batch is not None:
        indexes = [batch[f"{name}_index"] for name in ("proposal", "confirmation", "certificate")]
        places = " / ".join("-" if index is None else f"#{index}" for index in indexes)
        rows += [
            [say("batch", "批次"), f"{batch['month']} r{batch['revision']} {batch['state']}"],
            [say("proposed/confirmed/final", "提案/确认/证书"), places],
            [say("result", "结果哈希"), batch["result_hash"]],
            *_approved_rows(batch["approved_by"]),
        ]
    return rows


def _approved_rows(approved: dict[str, list[str]]) -> Rows:
    names = {
        "proposal": say("proposal approved by", "提案复核人员"),
        "confirmation": say("confirmation approved by", "确认复核人员"),
    }
    return [[names[what], ", ".join(by)] for what, by in approved.items() if by]


def _legs(life: dict[str, Any]) -> object:
    columns = [
        (say("leg", "序号"), "right"), (say("payer", "付款方"), "left"),
        (say("payee", "收款方"), "left"), (say("yuan", "元"), "right"),
        (say("state", "状态"), "left"), (say("paid", "付款"), "left"),
        (say("received", "到账"), "left"),
    ]  # fmt: skip
    rows = [
        [str(leg["leg"]), name_of(leg["payer"]), name_of(leg["payee"]), yuan(leg["fen"]),
         leg["state"], _end(leg["paid"]), _end(leg["received"])]
        for leg in life["legs"]
    ]  # fmt: skip
    return table(say("Legs of the pair in that month", "该批次中双方的资金划拨"), columns, rows)


def _end(end: dict[str, Any] | None) -> str:
    if end is None:
        return "-"
    by = "".join(f", {name}" for name in end["approved_by"])
    return f"{end['date']} {end['reference']} ({end['log']} #{end['index']}{by})"


def _brief(item: dict[str, Any]) -> str:
    return f"#{item['index']} {item['setl_id']} {item['month']} {yuan(item['fen'])}"


def _holds(good: bool) -> str:
    return say("verified", "已核验") if good else say("NOT verified", "未通过核验")
