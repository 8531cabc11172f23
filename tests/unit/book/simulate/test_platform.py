"""A simulated platform is coherent, repeatable, and refuses what makes no sense."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from fengkong.book.schema import TABLES
from fengkong.book.simulate import Model, Truth, simulate
from fengkong.book.store import Book
from fengkong.foundation.errors import BookError, InputError, OutOfRangeError

END = date(2024, 12, 31)
AMOUNTS = (
    "outstanding_principal_amount",
    "scheduled_principal_amount",
    "paid_principal_amount",
    "paid_interest_amount",
    "written_off_amount",
    "recovered_amount",
    "recovery_cost_amount",
)


def table_of(book: Path, name: str):
    folder = Book.open(book).batches()[0].folder / name
    return ds.dataset(folder).to_table()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("simulate") / "book"
    # Worse than the default, so that every kind of event comes up in a small book.
    model = Model(delinquency=(0.05,) * 7, restructure=(0, 0, 0, 0.1, 0.1, 0.05, 0, 0))
    return simulate(path, borrowers=1500, loans=2000, months=24, seed=7, model=model)


def test_exactly_the_loans_asked_for_and_only_tables_of_the_schema(made):
    assert made.loans == made.rows["loans"] == table_of(made.book, "loans").num_rows == 2000
    assert made.rows["parties"] > 1500
    for name in made.rows:
        assert set(table_of(made.book, name).column_names) - {"recorded_at", "batch_id"} <= set(
            TABLES[name].names
        )


def test_replaying_the_payments_gives_the_platforms_own_end_of_day(made, tmp_path):
    # Only contracts and dated facts go into the second book; loan-months stay out.
    names = ("loans", "payments", "fees", "modifications", "loan_events")
    bare = Book.create(tmp_path / "bare")
    bare.append(
        {name: table_of(made.book, name) for name in names},
        recorded_at=datetime(2025, 1, 1, tzinfo=UTC), source={}, content_hash="bare",
    )  # fmt: skip
    with bare.view(as_of=END) as view:
        panel = view.panel().to_pandas()
    with Book.open(made.book).view(as_of=END) as view:
        said = view.table("loan_months").to_pandas()
    both = said.merge(panel, on=["loan_id", "month_end"], how="left", suffixes=("", "_replayed"))
    assert both["state"].notna().all()
    for name in AMOUNTS:
        assert (both[name].fillna(0) == both[f"{name}_replayed"].fillna(0)).all(), name
    late = both["days_past_due"].astype(float).fillna(-1)
    assert (late == both["days_past_due_replayed"].astype(float).fillna(-1)).all()
    # The events that make replay hard were all there.
    kinds = set(table_of(made.book, "modifications")["kind"].to_pylist())
    assert kinds == {"extension", "restructure"}
    assert set(table_of(made.book, "payments")["kind"].to_pylist()) == {
        "payment", "payoff", "recovery",
    }  # fmt: skip
    assert (both["state"] == "W").any()


def test_a_month_end_for_every_month_until_the_loan_ends(made):
    rows = table_of(made.book, "loan_months").to_pandas()
    keys = rows["loan_id"] + rows["month_end"].astype(str)
    assert keys.is_monotonic_increasing
    assert keys.is_unique
    active = rows[rows["status"] == "active"]
    number = [when.year * 12 + when.month for when in active["month_end"]]
    by_loan = active.assign(number=number).groupby("loan_id")["number"]
    assert (by_loan.max() - by_loan.min() + 1 == by_loan.size()).all()
    closed = rows[rows["status"] == "closed"]
    assert closed["loan_id"].is_unique
    assert (closed["outstanding_principal_amount"] == 0).all()
    after = rows[(rows["status"] == "written_off") & (rows["written_off_amount"] == 0)]
    assert (after["recovered_amount"] > 0).all()


def test_days_past_due_lie_in_the_bucket_of_the_months_missed(made):
    # Due days 4 to 27 keep k missed months inside bucket Mk at every month-end.
    rows = table_of(made.book, "loan_months").to_pandas()
    days = rows["days_past_due"].dropna()
    assert days[days > 0].min() >= 1
    loans = table_of(made.book, "loans").to_pandas()
    assert loans["due_day"].between(4, 27).all()


def test_funding_shares_add_up_to_one_and_guarantors_pay_no_more_than_is_owed(made):
    shares = table_of(made.book, "funding_shares").to_pandas()
    assert np.allclose(shares.groupby("loan_id")["funding_share"].sum(), 1.0)
    paid = table_of(made.book, "compensations").to_pandas()
    held = table_of(made.book, "guarantees").to_pandas().set_index("loan_id")["guaranteed_amount"]
    assert len(paid) > 0
    assert (paid["compensated_amount"] <= paid["loan_id"].map(held)).all()


def test_personal_columns_are_tokens(made):
    rows = table_of(made.book, "parties").to_pandas()
    names = rows.loc[rows["party_type"] == "person", "full_name"]
    assert names.str.startswith("t1_").all()


def test_equal_seeds_give_equal_bytes_and_others_do_not(tmp_path):
    books = {}
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate(tmp_path / name, borrowers=400, months=12, seed=seed, key=b"k" * 32)
        folder = Book.open(tmp_path / name, key=b"k" * 32).batches()[0].folder
        books[name] = {
            str(part.relative_to(folder)): part.read_bytes()
            for part in sorted(folder.rglob("*.parquet"))
            if part.parent.name != "parties"
        }
    assert books["a"] == books["b"]
    assert books["a"].keys() == books["c"].keys()
    part = "loan_months/part-00000.parquet"
    assert books["a"][part] != books["c"][part]


def test_truth_comes_back_as_it_was_saved(made):
    again = Truth.load(made.book)
    assert again.model == made.model
    assert np.array_equal(again.expected, made.expected)
    assert np.array_equal(again.macro, made.macro)
    table = pq.read_table(made.book.with_name("book.truth") / "hazards_arrears.parquet")
    total = table.group_by(["grade", "state_before", "month_number"]).aggregate(
        [("probability", "sum")]
    )
    assert np.allclose(total["probability_sum"].to_numpy(), 1.0)


def test_matrix_of_the_truth_has_rows_that_sum_to_one(made):
    assert np.allclose(made.transition_matrix().sum(axis=1), 1.0)
    assert np.allclose(np.nansum(made.transition_matrix("A"), axis=1)[0], 1.0)


@pytest.mark.parametrize(
    "wrong",
    [{"borrowers": 0}, {"months": 1}, {"months": 241}, {"seed": -1}, {"loans": 9}],
)
def test_refuses_numbers_outside_their_interval(tmp_path, wrong):
    with pytest.raises(OutOfRangeError):
        simulate(tmp_path / "x", **({"borrowers": 10, "months": 12, "seed": 1} | wrong))
    assert not (tmp_path / "x").exists()


def test_refuses_a_place_that_is_taken_and_a_book_without_truth(made, tmp_path):
    with pytest.raises(BookError):
        simulate(made.book, borrowers=10, months=12, seed=1)
    with pytest.raises(InputError, match="truth"):
        Truth.load(tmp_path / "none")


def test_command_makes_the_book_and_prints_json(tmp_path):
    from fengkong.cli.simulate import command

    done = CliRunner().invoke(
        command,
        ["--borrowers", "50", "--months", "6", "--seed", "1", "--book", str(tmp_path / "b"),
         "--no-payments", "--json"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    summary = json.loads(done.output)
    assert summary["loans"] == 80
    assert "payments" not in summary["rows"]


def test_an_interrupted_run_leaves_nothing_in_the_way(tmp_path):
    def stop(step: str, _done: float) -> None:
        if step == "append the batch":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "book", borrowers=20, months=6, seed=1, progress=stop)
    assert not (tmp_path / "book").exists()
    assert simulate(tmp_path / "book", borrowers=20, months=6, seed=1).loans == 32
