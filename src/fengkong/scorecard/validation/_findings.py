"""Findings: what a validator must look at, each said in one sentence in English and Chinese."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, cast

from fengkong.scorecard.validation._intervals import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a validator must look at.

    Attributes
    ----------
    kind : str
        Stable code, for example "leakage.iv".
    subject : str
        Feature, sample, grade or group it is about.
    value, limit : float or None
        What was measured and the limit it passed.
    reason, reason_zh : str
        Why it is a finding, in one sentence, in English and Chinese.
    """

    kind: str
    subject: str
    value: float | None
    limit: float | None
    reason: str
    reason_zh: str

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain JSON values."""
        return cast("dict[str, Any]", plain(asdict(self)))


_REASONS = {
    "leakage.known_after": (
        "{subject} is known only after the decision",
        "{subject} 在决策之后才可得知",
    ),
    "leakage.function_of_target": (
        "{subject} removes {value:.1%} of the uncertainty about the outcome: it is nearly a "
        "function of the target",
        "{subject} 消除了结果不确定性的 {value:.1%}，几乎就是目标变量的函数",
    ),
    "leakage.auc": (
        "{subject} alone has an AUC of {value:.3f}, above {limit:g}",
        "{subject} 单变量 AUC 为 {value:.3f}，高于 {limit:g}",
    ),
    "leakage.iv": (
        "{subject} has an information value of {value:.2f}, above {limit:g}",
        "{subject} 的信息值（IV）为 {value:.2f}，高于 {limit:g}",
    ),
    "leakage.ks": (
        "the KS on {subject} is {value:.3f}, above {limit:g}: too good to be true",
        "样本 {subject} 的 KS 为 {value:.3f}，高于 {limit:g}，好得不真实",
    ),
    "score.disagrees": (
        "score and probability on {subject} order rows differently on {value:.1%} of the scores",
        "样本 {subject} 中有 {value:.1%} 的分值与概率排序不一致",
    ),
    "stability.ks_drop": (
        "the KS on {subject} is {value:.1%} below that of the first sample, more than {limit:.0%}",
        "样本 {subject} 的 KS 比首个样本低 {value:.1%}，超过 {limit:.0%}",
    ),
    "calibration.grade_red": (
        "grade {subject} has more bads than its probability allows (p = {value:.2g})",
        "等级 {subject} 的坏客户数超出其概率所能解释的范围（p = {value:.2g}）",
    ),
    "rank_order.inversion": (
        "the order of risk breaks at {subject} (p = {value:.2g})",
        "{subject} 处风险排序倒挂（p = {value:.2g}）",
    ),
    "fairness.four_fifths": (
        "the adverse impact ratio of {subject} is {value:.2f}, below {limit:g}",
        "{subject} 的不利影响比为 {value:.2f}，低于 {limit:g}",
    ),
    "fairness.equal_opportunity": (
        "good applicants of {subject} are approved {value:.1%} (absolute) less often",
        "{subject} 的好客户通过率低 {value:.1%}（绝对值）",
    ),
}


def finding(
    kind: str, subject: str, value: float | None = None, limit: float | None = None
) -> Finding:
    """Return the finding of a kind with its sentences."""
    english, chinese = (
        text.format(subject=subject, value=value, limit=limit) for text in _REASONS[kind]
    )
    return Finding(
        kind=kind, subject=subject, value=value, limit=limit, reason=english, reason_zh=chinese
    )
