"""`gongzhang registration`: who may be treated elsewhere (备案), and who comes here."""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any

import typer

from cli.ask import DryRun, Limit, Token, ask, done, place
from cli.homes import Home, Json, open_register
from cli.output import emit, fail, guarded, out, say, table, talk
from ledger.errors import RefusedError
from ledger.table import Reader
from node import persons
from node.guests import Guest, guest_state
from node.guests import guests as sent_here
from settlement import field, lookup
from settlement.outcome import Text
from settlement.party import province_of
from settlement.person import check_token
from settlement.record import Registration
from settlement.registration import Content, Filed

app = typer.Typer(no_args_is_help=True, help=say("Registrations.", "异地就医备案。"))

Id = Annotated[str, typer.Argument(help="the registration's id")]
Institutions = Annotated[
    list[str] | None,
    typer.Option("--institution", help="an institution's code; may be given again"),
]
Ends = Annotated[str | None, typer.Option("--ends", help="the last day; empty: open")]
NAMES = {
    "resettled": Text("resettled retiree", "异地安置退休人员"),
    "resident_elsewhere": Text("long-term resident", "异地长期居住人员"),
    "stationed": Text("stationed worker", "常驻异地工作人员"),
    "referral": Text("referral", "异地转诊人员"),
    "emergency": Text("emergency", "异地急诊抢救人员"),
    "other_temporary": Text("other temporary", "其他临时外出就医人员"),
    "active": Text("active", "有效"),
    "suspended": Text("suspended", "暂停"),
    "terminated": Text("ended", "终止"),
    "confirmed": Text("confirmed", "已核实"),
    "waiting": Text("waiting for the log", "等待日志"),
    "false": Text("FALSE: the log says otherwise", "不符：与日志不一致"),
}


@app.command()
def file(
    token: Token,
    category: Annotated[
        str,
        typer.Argument(
            help="resettled, resident_elsewhere, stationed, referral, emergency or other_temporary"
        ),
    ],
    destination: Annotated[
        str, typer.Argument(help="where: a city NNMM00 or a whole province NN0000")
    ],
    home: Home,
    institutions: Institutions = None,
    begins: Annotated[
        str | None, typer.Option("--begins", help="the first day (default: the business date)")
    ] = None,
    ends: Ends = None,
    registration_id: Annotated[
        str | None, typer.Option("--id", help="an id of your own (default: a new one)")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """File a registration of a person insured here; the province of the destination is told."""
    value = ask(
        home, "register", as_json=as_json, token=token, category=category,
        destination=destination, institutions=institutions or [], begins=begins, ends=ends,
        registration_id=registration_id, dry_run=dry_run,
    )  # fmt: skip
    _tell(value, as_json=as_json, dry_run=dry_run)


@app.command()
def change(
    registration_id: Id,
    home: Home,
    category: Annotated[str | None, typer.Option("--category", help="another category")] = None,
    destination: Annotated[
        str | None, typer.Option("--destination", help="another city or province")
    ] = None,
    institutions: Institutions = None,
    begins: Annotated[str | None, typer.Option("--begins", help="another first day")] = None,
    ends: Ends = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Change a registration that is in force; institutions that are given replace the others."""
    value = ask(
        home, "register_change", as_json=as_json, registration_id=registration_id,
        category=category, destination=destination, institutions=institutions or None,
        begins=begins, ends=ends, dry_run=dry_run,
    )  # fmt: skip
    _tell(value, as_json=as_json, dry_run=dry_run)


@app.command()
def suspend(
    registration_id: Id, home: Home, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Suspend a registration: it entitles to nothing until it is resumed."""
    _into("register_suspend", registration_id, home, dry_run, as_json)


@app.command()
def resume(registration_id: Id, home: Home, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Let a suspended registration count again."""
    _into("register_resume", registration_id, home, dry_run, as_json)


@app.command()
def terminate(
    registration_id: Id, home: Home, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """End a registration for good."""
    _into("register_terminate", registration_id, home, dry_run, as_json)


def _into(verb: str, registration_id: str, home: Any, dry_run: bool, as_json: bool) -> None:
    value = ask(home, verb, as_json=as_json, registration_id=registration_id, dry_run=dry_run)
    _tell(value, as_json=as_json, dry_run=dry_run)


def _tell(value: dict[str, Any], *, as_json: bool, dry_run: bool) -> None:
    how, revision = NAMES[value["status"]], value["revision"]
    name, where = value["registration_id"], place(value["destination"])
    until = value["ends"] or "…"
    done(
        value,
        f"{name}: {how.en}, revision {revision}; {NAMES[value['category']].en}, {where}, "
        f"{value['begins']} to {until}",
        f"{name}：{how.zh}，第 {revision} 版；{NAMES[value['category']].zh}，{where}，"
        f"{value['begins']} 至 {until}",
        as_json=as_json,
        dry_run=dry_run,
    )
    if value["unlisted"] and not as_json:
        codes = ", ".join(value["unlisted"])
        talk().print(
            say(
                f"note: not open in the directory as held here: {codes}",
                f"注意：本节点所持目录中未开通：{codes}",
            ),
            markup=False,
        )


# --- reading -------------------------------------------------------------------------------------


@app.command("list")
def list_(
    home: Home,
    token: Annotated[str | None, typer.Option("--token", help="only of this person")] = None,
    status: Annotated[
        str | None, typer.Option("--status", help="only active, suspended or terminated")
    ] = None,
    after: Annotated[str, typer.Option("--after", help="go on after this place")] = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List the registrations filed here; needs the vault's key, not a running node."""

    def act() -> list[Filed]:
        with open_register(home) as (_, vault):
            found = (
                persons.registrations(vault, after)
                if token is None
                else iter(persons.registrations_of(vault, check_token(token)))
            )
            return list(islice((f for f in found if status in (None, f.status)), limit + 1))

    found = guarded(act, as_json=as_json)
    more = found[limit - 1].content.registration_id if len(found) > limit else ""
    shown = [_shown(f.content, f.revision, f.status) for f in found[:limit]]
    if as_json:
        emit({"registrations": shown, "cursor": more})
        return
    _print(say("Registrations", "备案"), shown)
    _more(more)


@app.command()
def show(registration_id: Id, home: Home, as_json: Json = False) -> None:
    """Show one registration filed here, and its revisions in the log."""

    def act() -> dict[str, Any] | None:
        with open_register(home) as (opened, vault):
            name = field.name("registration_id", registration_id)
            filed = persons.registration(vault, name)
            revisions = _revisions(opened.reader, opened.config.code, name)
        return filed and {
            **_shown(filed.content, filed.revision, filed.status), "revisions": revisions
        }  # fmt: skip

    value = guarded(act, as_json=as_json)
    if value is None:
        text = say(f"no registration {registration_id} here", f"本节点没有备案 {registration_id}")
        fail(RefusedError("REGISTRATION_UNKNOWN", text), as_json=as_json)
    if as_json:
        emit(value)
        return
    rows = [
        [say("id", "备案编号"), value["registration_id"]],
        [say("person", "参保人"), f"{value['psn_no']}  {value['token']}"],
        [say("insured", "参保地"), f"{value['insured_area']}, {value['insutype']}"],
        [say("category", "类别"), say(*NAMES[value["category"]])],
        [say("destination", "就医地"), place(value["destination"])],
        [say("institutions", "定点医疗机构"),
         ", ".join(value["institutions"]) or say("all", "全部")],
        [say("from, to", "起止"), f"{value['begins']} – {value['ends'] or '…'}"],
        [say("status", "状态"), say(*NAMES[value["status"]])],
        [say("in the log", "日志条目"),
         ", ".join(f"#{r['index']} {say(*NAMES[r['status']])}" for r in value["revisions"])],
    ]  # fmt: skip
    out().print(table(say("The registration", "备案"), [("", "left"), ("", "left")], rows))


def _revisions(reader: Reader, code: str, name: str) -> list[dict[str, Any]]:
    last = lookup.latest_revision(reader, code, Registration, name)
    found = []
    for revision in range(1, last.revision + 1 if isinstance(last, Registration) else 1):
        index = lookup.find(reader, code, Registration, lookup.revision_key(name, revision))
        assert index is not None
        record = lookup.entry_at(reader, code, index)[1]
        assert isinstance(record, Registration)
        found.append({"revision": revision, "index": index, "status": record.status})
    return found


@app.command()
def guests(
    home: Home,
    insured: Annotated[str, typer.Option("--from", help="only of this insured province")] = "",
    after: Annotated[str, typer.Option("--after", help="go on after this place")] = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List whom other provinces have registered for this one; needs the vault's key."""

    def act() -> list[tuple[Guest, str]]:
        province = province_of(insured) if insured else ""
        with open_register(home) as (opened, vault):
            found = islice(sent_here(vault, province, after), limit + 1)
            return [(g, guest_state(opened.reader, g)) for g in found]

    found = guarded(act, as_json=as_json)
    last = found[limit - 1][0] if len(found) > limit else None
    more = last.insured + last.registration_id if last else ""
    shown = [
        {**_shown(g.content, g.revision, g.status), "from": g.insured, "state": state}
        for g, state in found[:limit]
        if g.content is not None
    ]
    if as_json:
        emit({"guests": shown, "cursor": more})
        return
    _print(say("Guests", "外省来本省备案人员"), shown)
    _more(more)


def _shown(content: Content, revision: int, status: str) -> dict[str, Any]:
    values = {key: getattr(content, key) for key in content.__struct_fields__}
    return {**values, "revision": revision, "status": status}


def _print(title: str, shown: Sequence[dict[str, Any]]) -> None:
    checked = any("state" in row for row in shown)
    columns = [
        (say("id", "备案编号"), "left"), (say("person", "参保人"), "left"),
        (say("insured", "参保地"), "left"), (say("category", "类别"), "left"),
        (say("destination", "就医地"), "left"), (say("from", "起"), "left"),
        (say("to", "止"), "left"), (say("status", "状态"), "left"),
        *([(say("against the log", "与日志核对"), "left")] if checked else []),
    ]  # fmt: skip
    rows = [
        [row["registration_id"], row["psn_no"], row["insured_area"], say(*NAMES[row["category"]]),
         " ".join([row["destination"], *row["institutions"][:1]])
         + (" …" if len(row["institutions"]) > 1 else ""),
         row["begins"], row["ends"] or "…", say(*NAMES[row["status"]]),
         *([say(*NAMES[row["state"]])] if checked else [])]
        for row in shown
    ]  # fmt: skip
    out().print(table(title, columns, rows))


def _more(cursor: str) -> None:
    if cursor:
        talk().print(say(f"more: --after {cursor}", f"还有更多：--after {cursor}"), markup=False)
