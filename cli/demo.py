"""`gongzhang demo`: a network on this machine clears a file month by month, and is audited."""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.audit import audit_source, print_report
from cli.entry import print_faults
from cli.findings import Report
from cli.localnet import LocalNet, found
from cli.output import emit, fail, guarded, name_of, out, say, table, talk, yuan
from cli.rehearsal import Book, Rehearsal, read_book, read_file
from cli.rulefile import read_ruleset
from ledger.errors import FormError, LedgerError
from ledger.policy import parse_policy
from settlement import shipped
from settlement.importing import ImportPlan
from settlement.party import CENTRE, parties
from settlement.period import check_month, next_month, shift_day
from settlement.ruleset import parse_ruleset

MARK = "demo.json"
STEPS = {
    "import": ("recording settlements", "登记结算记录"),
    "accept": ("checking and accepting", "核对并确认"),
    "propose": ("drawing the cut", "确定清算截止点"),
    "attest": ("recomputing and attesting", "各方重算并签认"),
    "pay": ("paying and receiving", "划拨与到账"),
    "final": ("certifying", "出具最终证书"),
}


@dataclass(frozen=True)
class Plan:
    """What a demo is asked to do."""

    home: Path
    book: Book
    codes: list[str]
    run: list[str]
    report: list[str]
    ruleset: bytes


def demo(
    data: Annotated[Path, typer.Option("--data", help="settlement records, CSV")],
    home: Annotated[Path | None, typer.Option("--home", help="folder for the nodes' homes")] = None,
    months: Annotated[
        str | None, typer.Option("--months", help="report these, e.g. 2017-11,2017-12")
    ] = None,
    party_list: Annotated[
        str, typer.Option("--parties", help="all, or codes such as 630000,510000")
    ] = "all",
    ruleset: Annotated[
        str, typer.Option("--ruleset", help="these rules: a file, or a name that comes here")
    ] = shipped.DEFAULT,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="remove what an earlier demo left in --home")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Run a network of real nodes on this machine through the months of a file."""
    records = guarded(lambda: read_file(data), as_json=as_json)
    if records.faults:
        print_faults(records.faults, as_json=as_json)
        raise typer.Exit(1)
    plan = guarded(
        lambda: make_plan(records, home, months, party_list, ruleset, fresh=fresh), as_json=as_json
    )
    try:
        reports, audit = asyncio.run(_run(plan, quiet=as_json))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except (LedgerError, OSError) as error:
        fail(error, as_json=as_json)
    chosen = [report for report in reports if report["month"] in plan.report]
    if as_json:
        emit({"months": chosen, "audit": _audit_json(audit), "home": str(plan.home)})
    else:
        _print(plan, chosen, audit)
    raise typer.Exit(audit.exit_code)


def make_plan(
    records: ImportPlan,
    home: Path | None,
    months: str | None,
    party_list: str,
    ruleset: str = shipped.DEFAULT,
    *,
    fresh: bool,
) -> Plan:
    """Return the plan of a demo; its home is empty and its months are the file's.

    Raises:
        FormError: An unknown party, month or rule set, too few parties, no rows, or a home that is
            in use.
    """
    known = sorted(code for code in parties() if code != CENTRE)
    codes = known if party_list == "all" else sorted(set(party_list.split(",")))
    if not set(codes) <= set(known) or len(codes) < 2:
        raise FormError("--parties", "`all`, or at least two codes of participants", party_list)
    book = read_book(records, None if party_list == "all" else codes)
    if not book.months:
        raise FormError("--data", "at least one settlement", "none")
    report = book.months
    if months is not None:
        report = [check_month(month) for month in months.split(",")]
        unknown = [month for month in report if month not in book.months]
        if unknown:
            raise FormError("--months", f"{book.months[0]} to {book.months[-1]}", unknown[0])
    run = [month for month in book.months if month <= max(report)]
    rules = read_ruleset(ruleset)
    parse_ruleset(rules)
    return Plan(prepare_home(home, fresh=fresh), book, codes, run, report, rules)


def prepare_home(home: Path | None, *, fresh: bool) -> Path:
    """Return an empty folder for a demo; `fresh` removes an earlier demo, and nothing else."""
    if home is None:
        return Path(tempfile.mkdtemp(prefix="gongzhang-demo-"))
    if home.exists() and any(home.iterdir()):
        if not (home / MARK).exists():
            raise FormError(str(home), "an empty folder, or one that an earlier demo made")
        if not fresh:
            raise FormError(str(home), "an empty folder (an earlier demo is here: add --fresh)")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    return home.resolve()


async def _run(plan: Plan, *, quiet: bool) -> tuple[list[dict[str, Any]], Report]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=talk(), disable=quiet or not talk().is_terminal) as bar:
        task = bar.add_task("", total=len(plan.run) * len(STEPS) + 3)

        def show(month: str, step: str) -> None:
            text = say(*STEPS[step]) if step in STEPS else step
            bar.update(task, advance=1, description=f"{month} {text}")
            if not quiet and not talk().is_terminal and step == "import":
                talk().print(f"{month} …")

        show("", say("founding the network", "创建网络"))
        (plan.home / MARK).write_text("{}\n", encoding="utf-8")
        # Its nodes stay in the month in which the last one was cleared: then nobody is late.
        today = shift_day(f"{next_month(next_month(plan.run[-1]))}-01", -1)
        await asyncio.to_thread(found, plan.home, plan.codes, business_date=today)
        (plan.home / "ruleset.toml").write_bytes(plan.ruleset)
        net = LocalNet(plan.home, plan.home / "ruleset.toml")
        try:
            show("", say("starting the nodes", "启动节点"))
            await net.start([CENTRE, *plan.codes])
            await net.unlocked([CENTRE, *plan.codes])
            rehearsal = Rehearsal(net, plan.codes, show)
            reports = []
            for month in plan.run:
                report = await rehearsal.month(month, plan.book.rows.get(month, []))
                reports.append({**report, "left_out": plan.book.left_out.get(month, 0)})
            await rehearsal.held(plan.run[-1])
        finally:
            await net.stop()
        show("", say("auditing", "审计"))
        return reports, await asyncio.to_thread(_audit, plan)


def _audit(plan: Plan) -> Report:
    policy = parse_policy((plan.home / "auditor.policy").read_bytes())
    auditor = "630000" if "630000" in plan.codes else plan.codes[0]
    return audit_source(plan.home / auditor, policy)


def _audit_json(audit: Report) -> dict[str, Any]:
    found = audit.as_json()
    names = ("ok", "logs", "entries_verified", "signatures_verified", "void", "findings")
    return {name: found[name] for name in names}


def _print(plan: Plan, reports: list[dict[str, Any]], audit: Report) -> None:
    console = out()
    console.print(_months_table(reports))
    if reports:
        last = reports[-1]
        console.print(_matrix(last))
        console.print(_nets_table(last))
    print_report(audit, brief=True)
    left_out = sum(plan.book.left_out.values())
    if left_out:
        talk().print(
            say(f"{left_out} rows left out by --parties", f"--parties 排除了 {left_out} 行")
        )
    example = plan.home / plan.codes[-1]
    talk().print(
        say(
            "Whatever decided or moved money was signed by two operators of its node: "
            f"gongzhang log show --home {plan.home / CENTRE}",
            "凡决定事项与资金划拨均经该节点两名复核人员签名："
            f"gongzhang log show --home {plan.home / CENTRE}",
        )
    )
    talk().print(
        say(
            f"Homes: {plan.home}/<code>; start one again: gongzhang node run --home {example}",
            f"各节点目录：{plan.home}/<代码>；可再次启动：gongzhang node run --home {example}",
        )
    )


def _months_table(reports: list[dict[str, Any]]) -> Any:
    columns = [
        (say("month", "月份"), "left"),
        (say("state", "状态"), "left"),
        (say("entries", "记录数"), "right"),
        (say("gross, yuan", "总额（元）"), "right"),
        (say("moved, yuan", "划拨额（元）"), "right"),
        (say("legs", "笔数"), "right"),
        (say("attested", "签认"), "right"),
        (say("carried", "结转"), "right"),
        (say("result", "结果哈希"), "left"),
    ]
    rows = [
        [
            r["month"], r["state"], str(r["entries"]), yuan(r["gross_fen"]),
            yuan(_moved_fen(r)), str(len(r["legs"])),
            f"{len(r['matches'])}/{len(r['nets_fen'])}", str(r["carried"]), r["result_hash"][:16],
        ]
        for r in reports
    ]  # fmt: skip
    return table(say("The months", "各月清算"), columns, rows)


def _moved_fen(report: dict[str, Any]) -> int:
    # What goes through the centre moves twice and counts once.
    return sum(leg["fen"] for leg in report["legs"] if leg["payee"] != CENTRE)


def _matrix(report: dict[str, Any]) -> Any:
    pairs = {tuple(pair.split(">")): fen for pair, fen in report["pairs_fen"].items()}
    debtors = sorted({debtor for debtor, _ in pairs})
    creditors = sorted({creditor for _, creditor in pairs})
    columns = [(say("is owed \\ owes", "应收 \\ 应付"), "left")]
    columns += [(name_of(debtor), "right") for debtor in debtors]
    rows = [
        [name_of(c), *(yuan(pairs[d, c]) if (d, c) in pairs else "" for d in debtors)]
        for c in creditors
    ]
    title = say("Bilateral matrix, yuan", "双边清算矩阵（元）")
    return table(f"{title}, {report['month']}", columns, rows)


def _nets_table(report: dict[str, Any]) -> Any:
    columns = [
        (say("participant", "参与方"), "left"),
        (say("receives", "应收净额"), "right"),
        (say("pays", "应付净额"), "right"),
    ]
    nets = sorted(report["nets_fen"].items(), key=lambda item: (-item[1], item[0]))
    rows = [
        [name_of(code), yuan(fen) if fen > 0 else "", yuan(-fen) if fen < 0 else ""]
        for code, fen in nets
        if fen
    ]
    total = sum(fen for fen in report["nets_fen"].values() if fen > 0)
    rows.append([say("total", "合计"), yuan(total), yuan(total)])
    title = say("Net positions, yuan", "净额（元）")
    return table(f"{title}, {report['month']}", columns, rows)
