"""`gongzhang status`: what this node must do today."""

from typing import Any

from cli.homes import Home, Json, open_home
from cli.output import emit, guarded, name_of, out, say, table
from node.clock import BusinessCalendar
from node.duty import duties


def status(home: Home, as_json: Json = False) -> None:
    """Show what this node must do today, and how far its log is witnessed."""

    def act() -> dict[str, Any]:
        with open_home(home) as opened:
            today = BusinessCalendar.parse(opened.config.business_date).today()
            found = duties(opened.reader, opened.founding, opened.config.code, opened.vault, today)
            return {"code": opened.config.code, "date": today, **found}

    value = guarded(act, as_json=as_json)
    if as_json:
        emit(value)
        return
    title = f"{name_of(value['code'])}, {value['date']}: " + say(
        f"log {value['size']}, cosigned {value['cosigned']}",
        f"日志 {value['size']}，已见证 {value['cosigned']}",
    )
    rows = [
        [duty["what"], say(duty["en"], duty["zh"]), duty["due"], duty["command"]]
        for duty in value["duties"]
    ]
    if not rows:
        rows = [["-", say("nothing to do", "无待办事项"), "", ""]]
    columns = [
        (say("duty", "类别"), "left"), (say("what", "待办"), "left"),
        (say("until", "截止日"), "left"), (say("how", "命令"), "left"),
    ]  # fmt: skip
    out().print(table(title, columns, rows))
