"""`gongzhang audit city`: a proof checked from its file alone, or all cities from the logs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.audit import audited, load_policy, print_report
from cli.cityaudit import confirmed_at
from cli.cityproof import check_city_proof, load_city_proof, report_of
from cli.findings import Report
from cli.holding import holding_of
from cli.output import emit, guarded, name_of, out, say, table, yuan
from ledger.errors import FormError, LedgerError, UncheckableError
from settlement.city import signed_by
from settlement.period import check_month
from settlement.subclearing import compute, tie_out

LINES = ("employee_fen", "resident_fen", "other_fen", "account_fen")


def city(
    source: Annotated[
        Path, typer.Argument(help="a file of `city prove`, a node's home or an exported folder")
    ],
    policy: Annotated[Path, typer.Option("--policy", help="the trust file")],
    month: Annotated[
        str | None, typer.Option("--month", help="with logs: the month whose cities are computed")
    ] = None,
    province: Annotated[
        str | None, typer.Option("--province", help="with logs: only this province")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Check the proof of one case among the cities, or compute all cities of a month again.

    From a file only what it carries can be checked, and what it cannot show is said. From logs
    every sum is recomputed, entry by entry, and held against what the provinces have signed.
    """
    if source.is_file():
        _check_file(source, policy, month, province, as_json=as_json)
    else:
        _check_logs(source, policy, month, province, as_json=as_json)


# --- one proof -----------------------------------------------------------------------------------


def _check_file(
    source: Path, policy: Path, month: str | None, province: str | None, *, as_json: bool
) -> None:
    def act() -> dict[str, Any]:
        for name, given in (("--month", month), ("--province", province)):
            if given is not None:
                raise FormError(name, "no such option for a file: it is about one month")
        trust = load_policy(policy)
        shown = check_city_proof(load_city_proof(source), trust)
        return {**report_of(shown), "policy": trust.fingerprint, "withstands": trust.withstood}

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
    else:
        _print_proof(value)


def _print_proof(value: dict[str, Any]) -> None:
    entry, row, signed = value["entry"], value["row"], value["statement"]
    batch, console = value["batch"], out()
    direction = {"owes": say("owes", "应付"), "owed": say("is owed by", "应收")}[row["direction"]]
    certified = batch["certificate_index"]
    rows = [
        [say("entry", "条目"), f"{name_of(entry['log'])} #{entry['index']} {entry['setl_id']}"],
        ["", f"{entry['treatment_area']} → {entry['insured_area']}, {entry['month']}, "
         f"{_together(entry)}"],
        [say("in the tree of", "所在树"), _tree(entry)],
        [say("row of the city", "市级一行"), f"{row['city']} {direction} "
         f"{name_of(row['counterpart'])}: {_together(row)}, "
         f"{row['entries']} {say('entries', '条')}"],
        [say("city document", "市级清算表"), signed["document_hash"]],
        [say("signed by", "签认"), f"{name_of(signed['log'])} #{signed['index']}, "
         f"{signed['month']} r{signed['revision']}"],
        [say("in the tree of", "所在树"), _tree(signed)],
        [say("pair sum of the province", "全省双边金额"), _together(value["pair"])],
        *[
            [say("leg of the province", "全省资金划拨"), f"#{leg['leg']} {name_of(leg['payer'])} → "
             f"{name_of(leg['payee'])} {yuan(leg['fen'])}"]
            for leg in value["legs"]
        ],
        [say("result", "结果哈希"), batch["result_hash"]],
        [say("proposed/confirmed/final", "提案/确认/证书"),
         f"#{batch['proposal_index']} / #{batch['confirmation_index']} / "
         + ("-" if certified is None else f"#{certified}")],
    ]  # fmt: skip
    title = say("From one case to its province's payment", "从个案到全省资金划拨")
    console.print(table(title, [("", "left"), ("", "left")], rows))
    for key, text in (
        ("proved", say("proved", "已证明")),
        ("not_proved", say("not proved", "未证明")),
    ):
        for line in value[key]:
            console.print(f"{text}: {say(line['en'], line['zh'])}", markup=False)


def _together(amounts: dict[str, Any]) -> str:
    return f"{yuan(sum(amounts[name] for name in LINES))} {say('yuan', '元')}"


def _tree(item: dict[str, Any]) -> str:
    count = len(item["cosigners"])
    size = item["tree_size"]
    return say(f"{size} entries, cosigned by {count}", f"{size} 条，{count} 方见证")


# --- all cities of a month -----------------------------------------------------------------------


def _check_logs(
    source: Path, policy: Path, month: str | None, province: str | None, *, as_json: bool
) -> None:
    def act() -> tuple[Report, list[dict[str, Any]]]:
        if not source.exists():
            raise FormError(str(source), "a file of `gongzhang city prove`, or logs")
        if month is None:
            raise FormError("--month", "the month whose cities are computed")
        trust, wanted = load_policy(policy), check_month(month)
        with audited(source, trust, wanted, show=not as_json) as audit:
            if audit.roster is None:
                return audit.report, []
            holding = holding_of(audit)
            codes = holding.roster.participants
            if province is not None and province not in codes:
                raise FormError("--province", f"one of {', '.join(codes)}", province)
            try:
                batch = confirmed_at(holding.reader, holding.founding, wanted)
                names = [c for c in codes if province in (None, c) and c in batch.closes[-1].sizes]
                found = compute(holding.reader, batch, names)
            except LedgerError as error:
                if not audit.report.findings:
                    raise UncheckableError(str(error)) from None
                return audit.report, []  # the findings say why
            for cities in found.values():
                tie_out(cities, batch.result)
            return audit.report, [
                {
                    "province": code,
                    "cities": len(cities.codes),
                    "owes_fen": sum(amounts.fen for amounts in cities.owes.values()),
                    "owed_fen": sum(amounts.fen for amounts in cities.owed.values()),
                    "net_fen": sum(cities.nets.values()),
                    "hash": cities.hash.hex(),
                    "signed": None if signed is None else signed[1] == cities.record(),
                }
                for code, cities in found.items()
                for signed in [signed_by(holding.reader, code, wanted)]
            ]

    report, found = guarded(act, as_json=as_json)
    if as_json:
        emit({**report.as_json(), "month": month, "provinces": found, "exit": report.exit_code})
    else:
        if found:
            _print_provinces(str(month), found)
        print_report(report, brief=True)
    raise typer.Exit(report.exit_code)


def _print_provinces(month: str, found: list[dict[str, Any]]) -> None:
    states = {
        None: say("not signed", "未签认"), True: say("signed", "已签认"),
        False: say("signed ANOTHER document", "签认的是另一份"),
    }  # fmt: skip
    columns = [
        (say("province", "省"), "left"), (say("cities", "市数"), "right"),
        (say("owe, yuan", "应付（元）"), "right"), (say("are owed", "应收"), "right"),
        (say("net", "净额"), "right"), ("", "left"), (say("document", "清算表哈希"), "left"),
    ]  # fmt: skip
    rows = [
        [name_of(row["province"]), str(row["cities"]),
         *(yuan(row[name]) for name in ("owes_fen", "owed_fen", "net_fen")),
         states[row["signed"]], row["hash"][:16]]
        for row in found
    ]  # fmt: skip
    title = say(f"Cities, recomputed: {month}", f"重算的市级清算：{month}")
    out().print(table(title, columns, rows))
