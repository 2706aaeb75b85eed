"""`gongzhang person`: the insured of this province, and who may not settle directly here."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.panel import Panel
from rich.text import Text as RichText

from cli.ask import DryRun, Token, ask, done, place
from cli.homes import Home, Json, open_register
from cli.output import emit, guarded, name_of, out, say, table, yuan
from cli.registration import NAMES as STATUS
from ledger.errors import FormError
from node import persons
from settlement.money import parse_fen
from settlement.person import Opening, check_token

app = typer.Typer(no_args_is_help=True, help=say("The insured.", "参保人。"))

OPENING = "YEAR:ADMISSIONS:DEDUCTIBLE:POOL, used before this system; yuan"


@app.command()
def add(
    psn_no: Annotated[str, typer.Argument(help="the national personal number")],
    home: Home,
    name: Annotated[str, typer.Option("--name", help="the person's name")],
    birth: Annotated[str, typer.Option("--birth", help="day of birth, YYYY-MM-DD")],
    area: Annotated[str, typer.Option("--area", help="the insured area, six digits")],
    insutype: Annotated[str, typer.Option("--insutype", help="310 employee, 390 resident, …")],
    flags: Annotated[
        list[str] | None, typer.Option("--flag", help="such as civil_servant; may be given again")
    ] = None,
    account: Annotated[
        str, typer.Option("--account", help="what is on the personal account, yuan")
    ] = "0.00",
    opening: Annotated[list[str] | None, typer.Option("--opening", help=OPENING)] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take an insured person into the register; prints the token that stands for them.

    The same person again gives the same token.
    """
    given = guarded(
        lambda: (parse_fen(account), [_opening(text) for text in opening or []]), as_json=as_json
    )
    value = ask(
        home, "person_add", as_json=as_json, psn_no=psn_no, name=name, birth=birth,
        insutype=insutype, insured_area=area, flags=flags or [], account_fen=given[0],
        opening=given[1], dry_run=dry_run,
    )  # fmt: skip
    if value["token"] and not as_json:
        title = say("token", "凭证")
        panel = Panel(RichText(value["token"], style="bold"), title=title, box=box.HEAVY)
        out().print(panel, width=len(value["token"]) + 4)
    how = (
        ("new in the register", "已登记")
        if value["new"]
        else ("in the register before", "此前已登记")
    )
    note = (
        ": keep the token; whoever has it can tell that an entry is about this person",
        "；请妥善保管凭证，持有者可辨认有关该参保人的条目",
    )
    done(value, how[0] + note[0], how[1] + note[1], as_json=as_json, dry_run=dry_run)


def _opening(text: str) -> list[int]:
    parts = text.split(":")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts[:2]):
        raise FormError("--opening", "YEAR:ADMISSIONS:DEDUCTIBLE:POOL", text)
    return [int(parts[0]), int(parts[1]), parse_fen(parts[2]), parse_fen(parts[3])]


@app.command()
def lock(
    token: Token,
    home: Home,
    reason: Annotated[
        str, typer.Option("--reason", help="a code in capitals, such as ARREARS")
    ] = "ARREARS",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Lock a person: nothing of theirs is settled directly until they are unlocked."""
    _change(home, token, as_json=as_json, dry_run=dry_run, lock=reason)


@app.command()
def unlock(token: Token, home: Home, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Unlock a person."""
    _change(home, token, as_json=as_json, dry_run=dry_run, lock="")


@app.command()
def credit(
    token: Token,
    amount: Annotated[str, typer.Argument(help="yuan; after -- below zero: a correction")],
    home: Home,
    reference: Annotated[
        str, typer.Option("--reference", help="what is booked; the same again is not")
    ],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Credit a person's personal account."""
    credit_fen = guarded(lambda: parse_fen(amount), as_json=as_json)
    _change(
        home, token, as_json=as_json, dry_run=dry_run, credit_fen=credit_fen, reference=reference
    )


def _change(home: Path, token: str, *, as_json: bool, dry_run: bool, **changes: Any) -> None:
    value = ask(home, "person_change", as_json=as_json, token=token, dry_run=dry_run, **changes)
    locked = value["lock"]
    account = yuan(value["account_fen"])
    done(
        value,
        f"{token}: {f'locked ({locked})' if locked else 'not locked'}, account {account} yuan",
        f"{token}：{f'已封锁（{locked}）' if locked else '未封锁'}，个人账户 {account} 元",
        as_json=as_json,
        dry_run=dry_run,
    )


@app.command()
def show(
    home: Home,
    token: Annotated[str | None, typer.Argument(help="the person's token")] = None,
    psn_no: Annotated[
        str | None, typer.Option("--psn-no", help="the personal number, if there is no token")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a person insured here; needs the vault's key, not a running node."""

    def act() -> dict[str, Any]:
        if (token is None) == (psn_no is None):
            raise FormError("person", "a token or --psn-no")
        with open_register(home) as (_, vault):
            known = persons.token_of(vault, psn_no) if psn_no else check_token(token)
            row = persons.known(vault, known or "")
            filed = persons.registrations_of(vault, row.person.token)
            person = {key: getattr(row.person, key) for key in row.person.__struct_fields__}
            return {
                **person,
                "opening": [{k: getattr(o, k) for k in Opening.__struct_fields__}
                            for o in row.person.opening],
                "registrations": [
                    {"registration_id": f.content.registration_id, "status": f.status,
                     "destination": f.content.destination}
                    for f in filed
                ],
                "barred": [
                    {"treatment": treatment, "barring_id": name, "reason": reason}
                    for treatment, name, reason in persons.barred(vault, row.person.token)
                ],
            }  # fmt: skip

    value = guarded(act, as_json=as_json)
    if as_json:
        emit(value)
        return
    rows = [
        [say("token", "凭证"), value["token"]],
        [say("personal number", "人员编号"), value["psn_no"]],
        [say("name", "姓名"), value["name"]],
        [say("born", "出生日期"), value["birth"]],
        [say("insured", "参保地"), f"{value['insured_area']}, {value['insutype']}"],
        [say("flags", "标识"), ", ".join(value["flags"]) or "-"],
        [say("account, yuan", "个人账户（元）"), yuan(value["account_fen"])],
        [say("lock", "封锁"), value["lock"] or "-"],
        *[[say(f"used in {o['year']}", f"{o['year']} 年已用"),
           say(f"{o['admissions']} admissions, deductible {yuan(o['deductible_fen'])}, "
               f"pool {yuan(o['pool_fen'])}",
               f"住院 {o['admissions']} 次，起付 {yuan(o['deductible_fen'])}，"
               f"统筹 {yuan(o['pool_fen'])}")] for o in value["opening"]],
        *[[say("registration", "备案"),
           f"{r['registration_id']}: {place(r['destination'])}, {say(*STATUS[r['status']])}"]
          for r in value["registrations"]],
        *[[say("barred by", "中止直接结算"),
           f"{name_of(b['treatment'])} {b['barring_id']}: {b['reason']}"]
          for b in value["barred"]],
    ]  # fmt: skip
    out().print(table(say("The person", "参保人"), [("", "left"), ("", "left")], rows))


@app.command()
def bar(
    token: Token,
    home: Home,
    reason: Annotated[
        str, typer.Option("--reason", help="why; everybody can read it, so it names nobody")
    ],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let a person of another province settle directly here no more; that province is told."""
    value = ask(home, "bar", as_json=as_json, token=token, reason=reason, dry_run=dry_run)
    insured = name_of(value["insured"])
    done(
        value,
        f"barred as {value['barring_id']}; {insured} is told",
        f"已中止直接结算，编号 {value['barring_id']}；将告知 {insured}",
        as_json=as_json,
        dry_run=dry_run,
    )


@app.command()
def restore(
    barring_id: Annotated[str, typer.Argument(help="the id that `person bar` gave")],
    home: Home,
    reason: Annotated[
        str, typer.Option("--reason", help="why; everybody can read it, so it names nobody")
    ],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let a barred person settle directly again; the insured province is told."""
    value = ask(
        home, "restore", as_json=as_json, barring_id=barring_id, reason=reason, dry_run=dry_run
    )
    insured = name_of(value["insured"])
    done(
        value,
        f"{barring_id} restored; {insured} is told",
        f"{barring_id} 已恢复直接结算；将告知 {insured}",
        as_json=as_json,
        dry_run=dry_run,
    )


@app.command()
def reimburse(
    token: Token,
    reimbursement_id: Annotated[str, typer.Argument(help="the reimbursement's id")],
    home: Home,
    area: Annotated[str, typer.Option("--area", help="where the person was treated, six digits")],
    bill: Annotated[str, typer.Option("--bill", help="the whole bill, yuan")],
    employee: Annotated[
        str, typer.Option("--employee", help="paid by the employee pool, yuan")
    ] = "0.00",
    resident: Annotated[
        str, typer.Option("--resident", help="paid by the resident pool, yuan")
    ] = "0.00",
    other: Annotated[str, typer.Option("--other", help="paid by other funds, yuan")] = "0.00",
    account: Annotated[
        str, typer.Option("--from-account", help="paid from the personal account, yuan")
    ] = "0.00",
    clr_type: Annotated[
        str, typer.Option("--clr-type", help="11 outpatient, 21 inpatient, 41 pharmacy")
    ] = "21",
    paid_on: Annotated[
        str | None, typer.Option("--paid-on", help="the day (default: the business date)")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Record what this province paid a person by hand for treatment elsewhere; clears nothing."""
    given = {"employee": employee, "resident": resident, "other": other, "account": account}
    lines, bill_fen = guarded(
        lambda: ({k: parse_fen(v) for k, v in given.items()}, parse_fen(bill)), as_json=as_json
    )
    value = ask(
        home, "reimburse", as_json=as_json, token=token, reimbursement_id=reimbursement_id,
        treatment_area=area, clr_type=clr_type, bill_fen=bill_fen, lines=lines, paid_on=paid_on,
        dry_run=dry_run,
    )  # fmt: skip
    done(
        value,
        f"{reimbursement_id}: {yuan(value['paid_fen'])} yuan, {value['month']}",
        f"{reimbursement_id}：{yuan(value['paid_fen'])} 元，{value['month']}",
        as_json=as_json,
        dry_run=dry_run,
    )


@app.command()
def erase(
    token: Token,
    home: Home,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask again")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Erase a person from the vaults of this province and of where they were treated.

    Refused while anything of theirs is not cleared. The logs still verify. This cannot be undone;
    backups made before still have the person.
    """
    if not (yes or dry_run):
        if as_json:
            guarded(lambda: _ask_first(token), as_json=True)
        typer.confirm(say(f"erase {token} for good?", f"永久删除 {token}？"), abort=True, err=True)
    value = ask(home, "erase", as_json=as_json, token=token, dry_run=dry_run)
    told = ", ".join(name_of(code) for code in value["told"]) or "-"
    done(
        value,
        f"erased, with {value['registrations']} registrations and {value['cases']} case files; "
        f"told: {told}",
        f"已删除，含备案 {value['registrations']} 项、病例文件 {value['cases']} 份；告知：{told}",
        as_json=as_json,
        dry_run=dry_run,
    )


@app.command()
def erased(
    province: Annotated[str, typer.Argument(help="which province, e.g. 510000")],
    home: Home,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Tell a province again what was erased here, after it has restored an old backup."""
    value = ask(home, "erase_again", as_json=as_json, province=province, dry_run=dry_run)
    done(
        value,
        f"{name_of(province)} is told again of {value['cases']} case files, "
        f"{value['registrations']} registrations, {value['barrings']} barrings",
        f"将再次告知 {name_of(province)}：病例文件 {value['cases']} 份、"
        f"备案 {value['registrations']} 项、中止 {value['barrings']} 项",
        as_json=as_json,
        dry_run=dry_run,
    )


def _ask_first(token: str) -> None:
    raise FormError("--yes", f"to be given with --json, since {token} cannot come back")
