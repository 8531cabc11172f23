"""The contracts of a chunk of loans, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fengkong.book.simulate._model import Model

IntArray = NDArray[np.int64]

REGIONS = (
    "北京", "天津", "河北", "山西", "内蒙古", "辽宁", "吉林", "黑龙江", "上海", "江苏",
    "浙江", "安徽",
    "福建", "江西", "山东", "河南", "湖北", "湖南", "广东", "广西", "海南", "重庆", "四川", "贵州",
    "云南", "西藏", "陕西", "甘肃", "青海", "宁夏", "新疆",
)  # fmt: skip
POPULATION = np.array(
    [22, 14, 74, 35, 24, 42, 24, 31, 25, 85, 66, 61, 42, 45, 102, 99, 58, 66, 127, 50, 10, 32, 84,
     39, 47, 4, 40, 25, 6, 7, 26], dtype=np.float64)  # fmt: skip
CHANNELS = ("app", "web", "partner", "branch", "broker")
PARTNERS = ("PT01", "PT02", "PT03", "PT04")
FUNDERS = ("FD01", "FD02", "FD03")
PRODUCTS = ("consumer_cash", "instalment_purchase", "small_business", "credit_line")
PURPOSES = ("consumption", "education", "renovation", "medical", "working_capital", "equipment")
METHODS = ("equal_instalment", "equal_principal", "interest_only", "bullet")
SECURITY = ("unsecured", "guaranteed", "secured")
TERMS = np.array([3, 6, 9, 12, 18, 24, 36])
RATE = np.array([0.0720, 0.0960, 0.1200, 0.1440, 0.1680, 0.1980, 0.2280])


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts:
    """Contracts of the loans from number ``first``; arrays of shape (size,).

    Codes are places in the lists of names.
    """

    first: int
    terms: IntArray
    borrower: IntArray
    channel: IntArray
    partner: IntArray
    product: IntArray
    purpose: IntArray
    security: IntArray
    sub_grade: IntArray
    facility: NDArray[np.bool_]
    recovery: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Number of loans."""
        return len(self.borrower)


def region_of(borrower: IntArray, seed: int) -> IntArray:
    """Region of each borrower: a function of its number, so that any chunk can ask."""
    mixed = borrower.astype(np.uint64) + np.uint64(1 + seed % (1 << 62))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    level = (mixed ^ (mixed >> np.uint64(31))).astype(np.float64) / 2.0**64
    chosen: IntArray = np.searchsorted(np.cumsum(POPULATION / POPULATION.sum())[:-1], level)
    return chosen.astype(np.int64)


def _pick(rng: np.random.Generator, size: int, weights: Any) -> IntArray:
    """Draw places by weight."""
    share = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(share / share[-1], rng.random(size), side="right").astype(np.int64)


def disbursement_months(loans: int, months: int) -> IntArray:
    """Month of disbursement of each loan in order of number: originations grow by half."""
    level = (np.arange(loans) + 0.5) / loans
    # Share of loans made before time x of [0, 1] when the pace is 0.8 + 0.4 x.
    time = (np.sqrt(0.64 + 0.8 * level) - 0.8) / 0.4
    return np.minimum((time * months).astype(np.int64), months - 1)


def draw_contracts(
    rng: np.random.Generator, model: Model, first: int, born: IntArray, borrowers: int
) -> Contracts:
    """Draw the contracts of the loans first, first + 1, ... made in the months ``born``."""
    size = len(born)
    number = first + np.arange(size)
    borrower = np.where(number < borrowers, number, rng.integers(0, borrowers, size))
    channel = _pick(rng, size, [40, 15, 25, 8, 12])
    partner = np.where(channel == 2, _pick(rng, size, [40, 30, 20, 10]), -1)
    # Brokers and the third partner bring worse grades: something to find in the report.
    quality = rng.normal(size=size) + 0.35 * (channel == 4) + 0.45 * (partner == 2)
    grade = np.searchsorted(np.array([-0.95, -0.25, 0.35, 0.90, 1.40, 1.95]), quality)
    product = _pick(rng, size, [45, 25, 15, 15])
    method = np.array([[70, 15, 5, 10], [95, 5, 0, 0], [35, 25, 25, 15], [80, 10, 5, 5]])
    chosen = (rng.random(size)[:, None] > np.cumsum(method / 100.0, axis=1)[product]).sum(axis=1)
    term = TERMS[_pick(rng, size, [3, 6, 5, 22, 20, 27, 17])]
    term = np.where((chosen == 3) & (term > 12), 12, term)
    scale = np.array([8000.0, 5000.0, 60000.0, 12000.0])[product]
    principal = np.round(np.clip(scale * np.exp(0.6 * rng.normal(size=size)), 1000, 500000) / 100)
    security = np.where(product == 2, _pick(rng, size, [40, 35, 25]), _pick(rng, size, [85, 15, 0]))
    sub_grade = rng.integers(1, 6, size)
    rate = np.round((RATE[grade] + 0.004 * (sub_grade - 3) + 0.002 * (product == 0)) * 1e6)
    fee = np.where(product == 0, 500, 0)
    beta = rng.beta(
        np.array(model.recovery_alpha)[security], np.array(model.recovery_beta)[security]
    )
    recovered = np.where(rng.random(size) < np.array(model.recovery_none)[security], 0.0, beta)
    terms = np.column_stack(
        [principal * 10_000, rate, term, np.minimum(chosen, 3), born, rng.integers(4, 28, size),
         fee, grade]
    ).astype(np.int64)  # fmt: skip
    return Contracts(
        first=first, terms=terms, borrower=borrower.astype(np.int64), channel=channel,
        partner=partner.astype(np.int64), product=product, sub_grade=sub_grade.astype(np.int64),
        purpose=_pick(rng, size, [45, 10, 15, 5, 18, 7]), security=security.astype(np.int64),
        facility=product == 3, recovery=recovered,
    )  # fmt: skip
