"""Ties by hand: a chain of three, a hub, a view; and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fengkong.book.store import Book
from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.features import TieSettings, tie_features, tie_features_of_view


def at(month: int, day: int) -> datetime:
    return datetime(2024, month, day, tzinfo=UTC)


def applied(*rows: tuple[str, datetime]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["borrower_id", "applied_at"])


def tied(*rows: tuple[str, str, str, datetime]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["borrower_id", "kind", "token", "recorded_at"])


def test_a_chain_of_three():
    """A and B share a phone, B and C an address: A knows B, and hangs together with C."""
    ties = tied(
        ("A", "phone", "t1", at(1, 1)), ("B", "phone", "t1", at(1, 2)),
        ("B", "address", "t2", at(1, 3)), ("C", "address", "t2", at(1, 10)),
    )  # fmt: skip
    outcomes = pd.DataFrame(
        {"borrower_id": ["B", "C"], "bad": [1, 0], "known_at": [at(1, 20), at(1, 20)]}
    )
    found = tie_features(
        applied(("A", at(1, 2)), ("A", at(1, 5)), ("A", at(1, 10)), ("A", at(1, 21))),
        ties=ties, outcomes=outcomes, settings=TieSettings(prior_weight=2.0),
    )  # fmt: skip
    assert found["tie_component_borrowers"].tolist() == [2, 2, 3, 3]
    assert found["tie_neighbours_phone"].tolist() == [1, 1, 1, 1]
    assert found["tie_neighbours_address"].tolist() == [0, 0, 0, 0]
    assert found["tie_bad_neighbours"].tolist() == [0, 0, 0, 1]
    # Base rate before anything is known 0.5 / 1; then 1 of 2 known: 1.5 / 3. Shrunk with weight 2.
    assert np.allclose(found["tie_bad_rate"], [0.5, 0.5, 0.5, (1 + 2 * 0.5) / (1 + 2)])


def test_a_hub_ties_nobody_from_the_instant_it_is_one():
    ties = tied(*((f"p{n}", "device", "shop", at(1, 1 + n)) for n in range(4)))
    found = tie_features(
        applied(("p0", at(1, 3)), ("p0", at(1, 4))),
        ties=ties,
        settings=TieSettings(hub_borrowers=3),
    )
    # Three borrowers on 3 January are allowed; the fourth, on 4 January, is one too many.
    assert found["tie_neighbours_device"].tolist() == [2, 0]
    assert found["tie_component_borrowers"].tolist() == [3, 1]
    assert found["tie_hub_tokens"].tolist() == [0, 1]


def test_recent_applications_of_neighbours():
    ties = tied(*((who, "phone", "t", at(1, 1)) for who in "ABC"))
    history = applied(("B", at(3, 1)), ("C", at(1, 1)))
    found = tie_features(applied(("A", at(3, 15))), ties=ties, history=history)
    assert found["tie_recent_share"].item() == 0.5


def test_the_book_ties_by_its_tokens(tmp_path: Path):
    book = Book.create(tmp_path / "book")
    parties = pa.table(
        {"party_id": ["A", "B", "G"], "phone_number": ["13800000000", "13800000000", None]}
    )
    guarantees = pa.table(
        {
            "guarantee_id": ["g"], "loan_id": ["L"], "guarantor_id": ["G"],
            "guaranteed_on": [date(2024, 1, 1)],
            "guaranteed_amount": pa.array([1], pa.decimal128(18, 2)),
        }
    )  # fmt: skip
    loans = pa.table(
        {
            "loan_id": ["L"], "borrower_id": ["B"], "currency": ["CNY"],
            "principal_amount": pa.array([1], pa.decimal128(18, 2)),
            "disbursed_on": [date(2024, 1, 1)],
        }
    )  # fmt: skip
    applications = pa.table(
        {"application_id": ["1"], "party_id": ["B"], "applied_on": [date(2024, 1, 10)]}
    )
    book.append({"applications": applications}, recorded_at=at(1, 30), source={}, content_hash="0")
    book.append({"parties": parties}, recorded_at=at(1, 1), source={}, content_hash="1")
    book.append(
        {"loans": loans, "guarantees": guarantees}, recorded_at=at(2, 1), source={},
        content_hash="2",
    )  # fmt: skip
    with book.view(as_of=date(2024, 3, 1)) as view:
        found = tie_features_of_view(
            view, applied(("A", at(1, 15)), ("A", at(2, 2)), ("G", at(2, 2)))
        )
    assert found["tie_component_borrowers"].tolist() == [2, 3, 3]
    assert found["tie_neighbours_phone"].tolist() == [1, 1, 0]
    assert found["tie_neighbours_guarantor"].tolist() == [0, 0, 1]
    # B's application of 10 January was only recorded on 30 January.
    assert found["tie_recent_share_phone"].tolist() == [0, 1, 0]


@pytest.mark.parametrize("token", ["a@b.cn", "13812345678", "+8613812345678", "11010519491231002X"])
def test_refuses_clear_personal_data(token):
    with pytest.raises(InputError, match="in clear"):
        tie_features(applied(("A", at(1, 1))), ties=tied(("A", "phone", token, at(1, 1))))


def test_refuses_outcomes_that_are_neither():
    outcomes = pd.DataFrame({"borrower_id": ["A"], "bad": [0.3], "known_at": [at(1, 1)]})
    with pytest.raises(InputError, match="0 or 1"):
        tie_features(applied(("A", at(1, 1))), ties=tied(), outcomes=outcomes)
    with pytest.raises(InputError, match="borrower_id is empty"):
        tie_features(applied((None, at(1, 1))), ties=tied())


@pytest.mark.parametrize(
    "settings", [{"hub_borrowers": 0}, {"recent_days": 0}, {"prior_weight": 0.0}]
)
def test_refuses_settings_out_of_range(settings):
    with pytest.raises(OutOfRangeError):
        TieSettings(**settings)
