"""What an audit has to say: findings, what was verified of each log, and the whole report."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """Something that is not as it must be. `kind`: false, unchecked or damaged."""

    kind: str
    place: str
    text: str


@dataclass
class LogAudit:
    """What was verified of one log."""

    code: str
    size: int = 0
    root: str = ""
    witnesses: list[str] = field(default_factory=list)
    void: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class Report:
    """What an audit found."""

    network: str = ""
    policy: str = ""
    withstands: int | None = None  # dishonest witnesses
    logs: list[LogAudit] = field(default_factory=list)
    months: list[dict[str, Any]] = field(default_factory=list)
    cities: list[dict[str, Any]] = field(default_factory=list)  # statements that were recomputed
    prepayment: dict[str, Any] = field(default_factory=dict)  # empty if there is none
    findings: list[Finding] = field(default_factory=list)
    entries_verified: int = 0
    entries_known: int = 0  # from an earlier audit; their signatures were not verified again
    signatures_verified: int = 0

    @property
    def exit_code(self) -> int:
        """0 all true, 1 something is false, 3 something could not be checked, 4 damage."""
        kinds = {finding.kind for finding in self.findings}
        for kind, code in (("damaged", 4), ("false", 1), ("unchecked", 3)):
            if kind in kinds:
                return code
        return 0

    def as_json(self) -> dict[str, Any]:
        """Return the report for programs."""
        return {
            "ok": not self.findings,
            "network": self.network,
            "policy": self.policy,
            "withstands": self.withstands,
            "logs": len(self.logs),
            "entries_verified": self.entries_verified,
            "entries_known": self.entries_known,
            "signatures_verified": self.signatures_verified,
            "void": [
                {"log": item.code, "index": index, "code": code}
                for item in self.logs
                for index, code in item.void
            ],
            "heads": {
                item.code: {"size": item.size, "root": item.root, "witnesses": item.witnesses}
                for item in self.logs
            },
            "months": self.months,
            "cities": self.cities,
            "prepayment": self.prepayment,
            "findings": [vars(finding) for finding in self.findings],
        }
