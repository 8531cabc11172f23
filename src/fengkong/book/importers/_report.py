"""What an import did: the account of every row, and what the tape can and cannot support."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAccount:
    """Rows of one file; ``read`` equals ``accepted`` plus ``quarantined``."""

    file: str
    read: int
    accepted: int
    quarantined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One place where a rule is broken."""

    file: str
    line: int
    column: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAccount:
    """How many rows broke a rule, in words, with examples."""

    rule: str
    rows: int
    en: str
    zh: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """The account of one import.

    Attributes
    ----------
    batch_id : str
        The batch in the book.
    already_loaded : bool
        This content was in the book before; nothing was added.
    files, rules : tuple
        Rows by file and by rule. A row that breaks two rules counts under both.
    tables : dict
        Rows stored by table.
    supports, needs : tuple of str
        What can be measured from it; what cannot, as "X needs Y".
    """

    batch_id: str
    already_loaded: bool
    files: tuple[FileAccount, ...]
    rules: tuple[RuleAccount, ...]
    tables: dict[str, int]
    supports: tuple[str, ...]
    needs: tuple[str, ...]

    @property
    def read(self) -> int:
        """Rows read."""
        return sum(file.read for file in self.files)

    @property
    def accepted(self) -> int:
        """Rows accepted."""
        return sum(file.accepted for file in self.files)

    @property
    def quarantined(self) -> int:
        """Rows quarantined."""
        return sum(file.quarantined for file in self.files)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**asdict(self), "read": self.read, "accepted": self.accepted,
                "quarantined": self.quarantined}  # fmt: skip


def report_of(raw: dict[str, Any], *, batch_id: str, already_loaded: bool) -> ImportReport:
    """Rebuild a report from what the batch keeps of it."""
    return ImportReport(
        batch_id=batch_id, already_loaded=already_loaded,
        files=tuple(FileAccount(**one) for one in raw["files"]),
        rules=tuple(
            RuleAccount(**{**one, "examples": tuple(Example(**e) for e in one["examples"])})
            for one in raw["rules"]
        ),
        tables=dict(raw["tables"]), supports=tuple(raw["supports"]), needs=tuple(raw["needs"]),
    )  # fmt: skip


def supported(tables: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Say what these tables support, and what the rest needs."""
    have, supports, needs = set(tables), [], []
    if "loan_outcomes" in have:
        supports.append("outcome tape: charge-off, loss and recovery rates by dimension")
    if "loan_months" in have:
        supports.append("month panel: delinquency, roll rates, transition matrices, vintages")
    if {"loans", "payments"} <= have:
        supports.append("payment tape: days past due on any day, prepayment, vintages, roll rates")
    if "applications" in have:
        supports.append("applications: stock, mix and approval")
    if not have & {"payments"}:
        needs.append("days past due on a day inside a month needs payments by date")
    if not have & {"payments", "loan_months"}:
        needs.append("vintages and roll rates need payments by date or month-end states")
    if not have & {"loan_outcomes", "payments", "loan_months"}:
        needs.append("default and loss rates need outcomes, payments by date or month-end states")
    if "loans" not in have:
        needs.append(
            "cohorts by month of disbursement need the issue date and principal of each loan"
        )
    if "borrower_statements" not in have:
        needs.append("debt-to-income needs income and debts of borrowers")
    return tuple(supports), tuple(needs)
