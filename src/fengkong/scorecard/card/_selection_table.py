"""Why each variable stayed or left: one line a variable and step, readable in two languages."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, Self

import pandas as pd

from fengkong.foundation.errors import InputError

# What each line says, by its reason; figure and limit are filled in.
TEXTS: dict[str, tuple[str, str]] = {
    "excluded": ("left out by the modeller", "由建模人员排除"),
    "forced": ("kept by the modeller although {figure} is past {limit}",
               "由建模人员保留（{figure} 超出界限 {limit}）"),
    "missing_high": ("missing on {figure} of rows, at most {limit}",
                     "缺失率 {figure}，上限 {limit}"),
    "missing_ok": ("missing on {figure} of rows, at most {limit}",
                   "缺失率 {figure}，上限 {limit}"),
    "constant": ("all rows fall into one bin", "所有样本落在同一分箱"),
    "iv_low": ("IV {figure} is below {limit}", "IV {figure} 低于 {limit}"),
    "iv_high": ("IV {figure} is above {limit}: look for a column that knows the outcome",
                "IV {figure} 高于 {limit}：请检查是否泄漏了结果"),
    "iv_ok": ("IV {figure} is at least {limit}", "IV {figure} 不低于 {limit}"),
    "psi_high": ("PSI between early and late rows {figure} is above {limit}",
                 "前后两段样本的 PSI {figure} 高于 {limit}"),
    "psi_ok": ("PSI between early and late rows {figure} is at most {limit}",
               "前后两段样本的 PSI {figure} 不高于 {limit}"),
    "correlated": ("correlation {figure} with {other}, which has the higher IV, is above {limit}",
                   "与 IV 更高的 {other} 的相关系数 {figure} 高于 {limit}"),
    "correlation_ok": ("correlation with every variable kept is at most {limit} (highest {figure})",
                       "与所有保留变量的相关系数不高于 {limit}（最高 {figure}）"),
    "vif_high": ("VIF {figure} is above {limit}", "VIF {figure} 高于 {limit}"),
    "vif_ok": ("VIF {figure} is at most {limit}", "VIF {figure} 不高于 {limit}"),
    "collinear": ("a sum of other variables (share of its own information {figure}, least {limit})",
                  "可由其他变量线性表示（自身信息占比 {figure}，下限 {limit}）"),
    "entered": ("entered: {other} {figure}, limit {limit}", "进入：{other} {figure}，界限 {limit}"),
    "not_entered": ("did not enter: {other} {figure}, limit {limit}",
                    "未进入：{other} {figure}，界限 {limit}"),
    "removed": ("removed: {other} {figure}, limit {limit}", "剔除：{other} {figure}，界限 {limit}"),
    "not_removed": ("stays: {other} {figure}, limit {limit}",
                    "保留：{other} {figure}，界限 {limit}"),
    "wrong_sign": ("its coefficient would be {figure}, below {limit}: its points would run against "
                   "its bad rate", "系数将为 {figure}，低于 {limit}：得分方向与坏账率相反"),
    "sign_ok": ("coefficient {figure} is above {limit}", "系数 {figure} 高于 {limit}"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionLine:
    """One variable at one step.

    Attributes
    ----------
    variable, step : str
        Steps in their order: given, missing, constant, iv, psi, correlation, vif, stepwise, sign.
    kept : bool
        Whether the variable was in after the step.
    reason : str
        A key of ``TEXTS``.
    figure, limit : float or None
        What was measured and what it was held against.
    other : str
        The other variable, or the criterion, that the reason speaks of.
    """

    variable: str
    step: str
    kept: bool
    reason: str
    figure: float | None = None
    limit: float | None = None
    other: str = ""

    def text(self, language: Literal["en", "zh"] = "en") -> str:
        """Say the reason in words."""
        words = TEXTS[self.reason][0 if language == "en" else 1]
        return words.format(figure=_short(self.figure), limit=_short(self.limit), other=self.other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A run of selection: what stayed, and every line of why.

    Attributes
    ----------
    kept : tuple of str
        Variables that stayed, in the order of the columns.
    lines : tuple of SelectionLine
    notes : tuple of str
        What was not measured and why ("psi: no period was given"), on how many rows.
    """

    kept: tuple[str, ...]
    lines: tuple[SelectionLine, ...]
    notes: tuple[str, ...] = ()

    def left(self) -> dict[str, str]:
        """Return why each variable that is out left, in words."""
        last = {line.variable: line for line in self.lines if not line.kept}
        return {name: line.text() for name, line in last.items() if name not in self.kept}

    def why(self, variable: str) -> tuple[SelectionLine, ...]:
        """Return the lines of one variable.

        Raises
        ------
        InputError
            The run never saw the variable.
        """
        found = tuple(line for line in self.lines if line.variable == variable)
        if not found:
            raise InputError(f"selection never saw a variable {variable!r}")
        return found

    def table(self, language: Literal["en", "zh"] = "en") -> pd.DataFrame:
        """Return one row a variable and step."""
        return pd.DataFrame(
            [{"variable": line.variable, "step": line.step, "kept": line.kept,
              "figure": line.figure, "limit": line.limit, "reason": line.reason,
              "text": line.text(language)} for line in self.lines]
        )  # fmt: skip

    def joined(self, later: Selection) -> Selection:
        """Return this run followed by a later one."""
        return Selection(
            kept=later.kept, lines=self.lines + later.lines, notes=self.notes + later.notes
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; an infinite figure becomes null."""
        return {
            "kept": list(self.kept), "notes": list(self.notes),
            "lines": [
                {key: _plain(getattr(line, key)) for key in SelectionLine.__slots__}
                for line in self.lines],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Self:
        """Read back what :meth:`to_dict` wrote."""
        return cls(
            kept=tuple(found["kept"]), notes=tuple(found["notes"]),
            lines=tuple(SelectionLine(**line) for line in found["lines"]),
        )  # fmt: skip


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
