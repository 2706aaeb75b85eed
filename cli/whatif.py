"""`gongzhang batch whatif`: what a month would come to if something went otherwise."""

from typing import Annotated, Any

import typer

from cli.homes import Home, Json, Month, open_home
from cli.output import emit, guarded, say
from cli.supposed import show
from ledger.errors import FormError
from node import heads
from settlement.batch import Result
from settlement.netting import LegDue
from settlement.whatif import Outcome, Supposition, basis_of, suppose

NONE = Supposition()


def whatif(
    month: Month,
    home: Home,
    fails: Annotated[
        list[str] | None, typer.Option("--fails", metavar="CODE", help="pays nothing; repeatable")
    ] = None,
    largest: Annotated[
        bool, typer.Option("--largest-fails", help="the largest payer fails")
    ] = False,
    two_largest: Annotated[
        bool, typer.Option("--two-largest-fail", help="the two largest payers fail")
    ] = False,
    silent: Annotated[
        list[str] | None,
        typer.Option("--silent", metavar="CODE", help="its log ends at the last cut; repeatable"),
    ] = None,
    quota: Annotated[
        int | None,
        typer.Option(
            "--quota", metavar="PERCENT", min=0, max=100,
            help="what prepayments would cover, cut by so much: what is held, else their quota",
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="gross_pair, net_pair or net_hub")
    ] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Suppose that somebody fails or is silent, or another model or quota; nothing is written.

    For a month that is proposed or confirmed its own cut counts, otherwise the one that would be
    drawn now. Suppositions can be combined. All of it is computed from the logs held here.
    """
    what = Supposition(
        silent=tuple(sorted(set(silent or ()))),
        model=model,
        fails=tuple(sorted(set(fails or ()))),
        largest=2 if two_largest else int(largest),
        quota_cut=quota,
    )

    def act() -> dict[str, Any]:
        if what == NONE:
            raise FormError(
                say("options", "选项"),
                say(
                    "something to suppose, e.g. --largest-fails", "至少一项假设，如 --largest-fails"
                ),
            )
        with open_home(home) as opened:
            now = heads.cut_now(opened.reader, opened.roster.participants)
            basis = basis_of(opened.reader, opened.founding, month, now)
            return report(suppose(opened.reader, opened.founding, basis, what), what)

    value = guarded(act, as_json=as_json)
    if as_json:
        emit(value)
    else:
        show(value)


# --- by name -------------------------------------------------------------------------------------


def report(found: Outcome, what: Supposition) -> dict[str, Any]:
    """Return an outcome by name; amounts in fen. `revision` is null for a month not proposed."""
    return {
        "month": found.basis.month,
        "revision": found.basis.revision,
        "supposed": {
            "silent": list(what.silent),
            "model": what.model,
            "fails": list(found.fails),
            "quota_cut_percent": what.quota_cut,
        },
        "real": {
            **_figures(found.real, found.real_carried),
            "legs": [leg._asdict() for leg in found.real.legs],
        },
        "whatif": {
            **_figures(found.supposed, found.supposed_carried),
            "legs": [{**f.leg._asdict(), "moved_fen": f.moved_fen} for f in found.flows],
        },
        "deferred": [
            {"debtor": d, "creditor": c, "entries": a.entries, "fen": a.fen}
            for (d, c), a in sorted(found.deferred.items())
        ],
        "participants": _participants(found),
        "short": [item._asdict() for item in found.short],
        "prepaid_from": found.prepaid_from.lower() or None,
        "quota_from": list(found.quota_from),
        "prepaid": {code: item._asdict() for code, item in found.prepaid.items()},
    }


def _figures(result: Result, carried: int) -> dict[str, Any]:
    return {
        "model": result.model,
        "entries": result.entries,
        "gross_fen": result.gross_fen,
        "carried": carried,
        "nets_fen": dict(sorted(result.nets.items())),
    }


def _participants(found: Outcome) -> dict[str, dict[str, int]]:
    due = [flow.leg for flow in found.flows]
    moved = [flow.leg._replace(fen=flow.moved_fen) for flow in found.flows]
    return {
        code: {
            "net_fen": found.real.nets[code],
            "whatif_net_fen": found.supposed.nets.get(code, 0),
            "pays_fen": _sum(found.real.legs, payer=code),
            "whatif_pays_fen": _sum(moved, payer=code),
            "receives_fen": _sum(found.real.legs, payee=code),
            "whatif_receives_fen": _sum(moved, payee=code),
            "unpaid_fen": _sum(due, payer=code) - _sum(moved, payer=code),
            "short_fen": _sum(due, payee=code) - _sum(moved, payee=code),
        }
        for code in sorted(found.real.nets)
    }


def _sum(legs: list[LegDue], payer: str | None = None, payee: str | None = None) -> int:
    return sum(leg.fen for leg in legs if payer == leg.payer or payee == leg.payee)
