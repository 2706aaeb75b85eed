"""`gongzhang sim`: the whole network in one process, under faults, checked after every step."""

from typing import Annotated

import typer

from cli.homes import Json
from cli.output import emit, say, talk
from node import logs
from node.run import default_ruleset
from node.simulation.oracle import InvariantError
from node.simulation.run import Scenario, StuckError, play

app = typer.Typer(no_args_is_help=True, help=say("Simulation.", "仿真。"))


@app.callback()
def main() -> None:
    """Simulate networks."""


@app.command()
def run(
    seed: Annotated[int, typer.Option("--seed", min=0, help="the history to play")],
    months: Annotated[int, typer.Option("--months", min=1, max=240)] = 3,
    provinces: Annotated[int, typer.Option("--provinces", min=2, max=7)] = 3,
    entries: Annotated[int, typer.Option("--entries", min=0, max=500, help="about, a month")] = 8,
    loss: Annotated[
        float | None, typer.Option("--loss", min=0, max=0.5, help="default: drawn by the seed")
    ] = None,
    crash: Annotated[
        float | None, typer.Option("--crash", min=0, max=0.2, help="per durable step")
    ] = None,
    as_json: Json = False,
) -> None:
    """Play a seed; the same seed prints the same trace. Exit 1 if an invariant breaks."""
    logs.configure("critical")
    scenario = Scenario(seed, months, provinces, entries, loss, crash)
    try:
        outcome = play(scenario, default_ruleset())
    except (InvariantError, StuckError) as error:
        if as_json:
            emit({"ok": False, "seed": seed, "code": type(error).__name__, "error": str(error)})
        else:
            talk().print(f"[red]{type(error).__name__}[/red] seed {seed}: {error}")
        raise typer.Exit(1) from None
    if as_json:
        emit({"ok": True, **vars(outcome)})
        return
    elapsed_s = outcome.virtual_ms // 1_000
    talk().print(
        say(
            f"seed {seed}: {outcome.months} months, {outcome.steps} steps, {outcome.crashes} "
            f"crashes, {elapsed_s} s of virtual time, all invariants hold",
            f"种子 {seed}：{outcome.months} 个月，{outcome.steps} 步，{outcome.crashes} 次崩溃，"
            f"虚拟时间 {elapsed_s} 秒，全部不变量成立",
        )
    )
    typer.echo(outcome.trace)
