"""`gongzhang institution`: the directory of hospitals and pharmacies (定点医疗机构)."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.ask import DryRun, Limit, ask, done, place
from cli.entry import print_faults
from cli.homes import Home, Json, open_home
from cli.output import emit, fail, guarded, out, say, table, talk
from ledger.errors import FormError, RefusedError
from node.orders import call, check
from settlement import lookup
from settlement.csvfile import LineFault
from settlement.directory import Page, Query, find, shown
from settlement.outcome import Text
from settlement.party import province_of
from settlement.period import SHANGHAI
from settlement.record import Institution
from settlement.registration import SERVICES, check_institution_code

app = typer.Typer(
    no_args_is_help=True, help=say("The directory of institutions.", "定点医疗机构目录。")
)

Code = Annotated[str, typer.Argument(help="the institution's code: letter, area, five digits")]
Inpatient = Annotated[bool, typer.Option("--inpatient", help="open for inpatients")]
Outpatient = Annotated[bool, typer.Option("--outpatient", help="open for ordinary outpatients")]
Chronic = Annotated[bool, typer.Option("--chronic", help="open for chronic outpatients")]
Pharmacy = Annotated[bool, typer.Option("--pharmacy", help="open for buying drugs")]
NAMES = {
    "inpatient": Text("inpatient", "住院"), "outpatient": Text("outpatient", "门诊"),
    "chronic": Text("chronic", "门诊慢特病"), "pharmacy": Text("pharmacy", "购药"),
    "open": Text("open", "开通"), "suspended": Text("suspended", "暂停"),
}  # fmt: skip
LEVELS = (Text("-", "-"), Text("primary", "一级"), Text("secondary", "二级"),
          Text("tertiary", "三级"))  # fmt: skip


@app.command()
def add(
    code: Code,
    home: Home,
    name: Annotated[str, typer.Option("--name", help="the institution's name")],
    area: Annotated[str, typer.Option("--area", help="six digits: the district it lies in")],
    level: Annotated[int, typer.Option("--level", help="1 primary, 2, 3 tertiary; 0 none")] = 0,
    inpatient: Inpatient = False,
    outpatient: Outpatient = False,
    chronic: Chronic = False,
    pharmacy: Pharmacy = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Put an institution of this province into the directory, or change what is there."""
    services = _chosen(inpatient, outpatient, chronic, pharmacy)
    value = ask(
        home, "institution_put", as_json=as_json, code=code, name=name, level=level, area=area,
        services=services, dry_run=dry_run,
    )  # fmt: skip
    _tell(value, as_json=as_json, dry_run=dry_run)


def _chosen(*services: bool) -> list[str]:
    return [name for name, chosen in zip(SERVICES, services, strict=True) if chosen]


def _tell(value: dict[str, Any], *, as_json: bool, dry_run: bool) -> None:
    how = NAMES[value["state"]]
    same = ("", "") if value["changed"] else (", as before", "，无变化")
    done(
        value,
        f"{value['code']} {value['name']}: {how.en}, revision {value['revision']}{same[0]}",
        f"{value['code']} {value['name']}：{how.zh}，第 {value['revision']} 版{same[1]}",
        as_json=as_json,
        dry_run=dry_run,
    )


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV: code,name,level,area,services,state,reason")],
    home: Home,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Put the institutions of a file into the directory: all of them or none.

    Services stand with | between. Institutions that the file does not name stay as they are.
    """

    def act() -> tuple[int, Any]:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise FormError(str(file), "a readable file", error.strerror) from None
        query = "dry_run" if dry_run else ""
        return asyncio.run(call(home, "/api/v1/institutions", data, query))

    status, value = guarded(act, as_json=as_json)
    if status == 422 and "faults" in value:
        faults = [
            LineFault(f["line"], f["column"], f["code"], Text(f["en"], f["zh"]), f["value"])
            for f in value["faults"]
        ]
        print_faults(faults, as_json=as_json)
        raise typer.Exit(1)
    guarded(lambda: check(status, value), as_json=as_json)
    new, changed, known = value["new"], value["changed"], value["known"]
    done(
        value,
        f"{new} new, {changed} changed, {known} as before",
        f"新增 {new}，变更 {changed}，无变化 {known}",
        as_json=as_json,
        dry_run=dry_run,
    )


@app.command()
def suspend(
    code: Code,
    home: Home,
    reason: Annotated[str, typer.Option("--reason", help="why; everybody can read it")],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Suspend an institution: it settles nothing directly until it is resumed."""
    value = ask(
        home, "institution_suspend", as_json=as_json, code=code, reason=reason, dry_run=dry_run
    )
    _tell(value, as_json=as_json, dry_run=dry_run)


@app.command()
def resume(code: Code, home: Home, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Open a suspended institution again."""
    value = ask(home, "institution_resume", as_json=as_json, code=code, dry_run=dry_run)
    _tell(value, as_json=as_json, dry_run=dry_run)


@app.command("find")
def find_(
    home: Home,
    area: Annotated[str, typer.Option("--area", help="six digits: NN0000 province, NNMM00 city")],
    name: Annotated[str, typer.Option("--name", help="a part of the name")] = "",
    inpatient: Inpatient = False,
    outpatient: Outpatient = False,
    chronic: Chronic = False,
    pharmacy: Pharmacy = False,
    state: Annotated[str, typer.Option("--state", help="only `open` or only `suspended`")] = "",
    after: Annotated[str, typer.Option("--after", help="go on after this place")] = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Find institutions of an area, in the copies of the logs that this home holds."""

    def act() -> Page:
        chosen = _chosen(inpatient, outpatient, chronic, pharmacy)
        if len(chosen) > 1:
            raise FormError("service", "one of them at a time", " ".join(chosen))
        with open_home(home) as opened:
            query = Query(area, "".join(chosen), name, state, after, limit)
            return find(opened.reader, query)

    page = guarded(act, as_json=as_json)
    if as_json:
        emit({"institutions": [shown(record) for record in page.found], "cursor": page.cursor})
        return
    columns = [
        (say("code", "机构代码"), "left"), (say("name", "名称"), "left"),
        (say("level", "等级"), "left"), (say("area", "区划"), "left"),
        (say("services", "服务"), "left"), (say("state", "状态"), "left"),
    ]  # fmt: skip
    out().print(
        table(say("Institutions", "定点医疗机构"), columns, [_cells(r) for r in page.found])
    )
    if not page.found:
        talk().print(say("none found", "未找到"))
    if page.cursor:
        talk().print(
            say(f"more: --after {page.cursor}", f"还有更多：--after {page.cursor}"), markup=False
        )


def _cells(record: Institution) -> list[str]:
    services = ", ".join(say(*NAMES[service]) for service in record.services)
    state = say(*NAMES[record.state])
    return [
        record.code, record.name, say(*LEVELS[record.level]), record.area, services or "-",
        f"{state}: {record.reason}" if record.reason else state,
    ]  # fmt: skip


@app.command()
def show(code: Code, home: Home, as_json: Json = False) -> None:
    """Show an institution and all its revisions."""

    def act() -> list[dict[str, Any]]:
        province = province_of(check_institution_code(code)[1:7])
        with open_home(home) as opened:
            found = []
            last = lookup.institution(opened.reader, province, code)
            for revision in range(1, last.revision + 1 if last else 1):
                key = lookup.revision_key(code, revision)
                index = lookup.find(opened.reader, province, Institution, key)
                assert index is not None
                entry, record = lookup.entry_at(opened.reader, province, index)
                assert isinstance(record, Institution)
                found.append({**shown(record), "index": index, "at_ms": entry.at_ms})
            return found

    revisions = guarded(act, as_json=as_json)
    if not revisions:
        text = say(f"no log here has {code}", f"本节点没有机构 {code} 的记录")
        fail(RefusedError("INSTITUTION_UNKNOWN", text), as_json=as_json)
    if as_json:
        emit({**revisions[-1], "revisions": revisions})
        return
    now = revisions[-1]
    title = f"{code} {now['name']}, {place(now['area'])}"
    columns = [
        ("", "right"), (say("since", "时间"), "left"), (say("name", "名称"), "left"),
        (say("level", "等级"), "left"), (say("services", "服务"), "left"),
        (say("state", "状态"), "left"), (say("entry", "条目"), "right"),
    ]  # fmt: skip
    rows = [
        [str(r["revision"]), _moment(r["at_ms"]), r["name"], say(*LEVELS[r["level"]]),
         ", ".join(say(*NAMES[s]) for s in r["services"]) or "-",
         say(*NAMES[r["state"]]) + (f": {r['reason']}" if r["reason"] else ""), f"#{r['index']}"]
        for r in revisions
    ]  # fmt: skip
    out().print(table(title, columns, rows))


def _moment(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(SHANGHAI)
    return moment.strftime("%Y-%m-%d %H:%M")
