"""People and firms of the platform: invented names, numbers and addresses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fengkong.book.simulate import _contracts as names
from fengkong.book.simulate._arrow import code, day, identity
from fengkong.book.simulate._side import GUARANTORS

PERSONAL_UP_TO = 20_000
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋"
    "唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
)
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华"
    "玉兰红梅建国文斌辉鹏宇婷雪晨欣佳浩轩子涵梓雨思嘉怡诗琪"
)
ORGANISATIONS = (*GUARANTORS, *names.PARTNERS, *names.FUNDERS, "PLATFORM")


def _join(*parts: Any) -> Any:
    return pc.binary_join_element_wise(*parts, pa.scalar(""))


def borrowers_table(
    first: int, size: int, seed: int, rng: np.random.Generator, *, personal: bool
) -> Any:
    """Borrowers first, first + 1, ...; personal columns only when asked, all invented.

    Identity numbers begin with 99, a region that does not exist, and telephone numbers with 100,
    which no carrier gives out: no value can be a real person's.
    """
    number = first + np.arange(size)
    born = rng.integers(-10_000, 12_000, size)
    columns = {
        "party_id": identity("B", number),
        "party_type": code(np.zeros(size), ("person",)).cast(pa.string()),
        "birth_date": pc.floor_temporal(day(born), unit="year").cast(pa.date32()),
        "region": code(names.region_of(number, seed), names.REGIONS).cast(pa.string()),
        "employment_length": code(rng.integers(0, 4, size), ("<1", "1-3", "3-10", ">10")).cast(
            pa.string()
        ),
        "home_ownership": code(rng.integers(0, 3, size), ("own", "mortgage", "rent")).cast(
            pa.string()
        ),
    }
    if personal:
        surname, given = list(SURNAMES), list(GIVEN)
        text = [
            code(rng.integers(0, len(pool), size), pool).cast(pa.string())
            for pool in (surname, given, given)
        ]
        digits = identity("", number)
        columns |= {
            "full_name": _join(*text),
            "identity_number": _join(pa.scalar("9900001990"), digits),
            "phone_number": _join(pa.scalar("100"), digits),
            "bank_account": _join(pa.scalar("62000000000"), digits),
        }
    return pa.table(columns)


def organisations_table() -> Any:
    """Guarantors, partners, funders and the platform itself."""
    size = len(ORGANISATIONS)
    return pa.table({"party_id": pa.array(ORGANISATIONS), "party_type": pa.array(["firm"] * size)})
