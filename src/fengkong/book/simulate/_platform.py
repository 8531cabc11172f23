"""Make the book of a simulated platform, chunk by chunk."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fengkong.book.simulate import _side, _tables
from fengkong.book.simulate._arrow import write_part
from fengkong.book.simulate._contracts import disbursement_months, draw_contracts
from fengkong.book.simulate._model import GRADES, Hazards, Model, default_probability, hazards_of
from fengkong.book.simulate._parties import PERSONAL_UP_TO, borrowers_table, organisations_table
from fengkong.book.simulate._walk import EVENT, FEE, FLOW, MODIFICATION, ROW, walk
from fengkong.book.simulate.truth import Truth
from fengkong.book.store import Book
from fengkong.foundation.errors import OutOfRangeError

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = 1
CHUNK = 40_000
WORKERS = 2
PAYMENTS_UP_TO = 200_000
LOANS_PER_BORROWER = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What every chunk needs to know."""

    borrowers: int
    months: int
    seed: int
    payments: bool
    model: Model
    hazards: Hazards
    born: Any
    starts: Any
    probability: Any
    folder: Path


@dataclass(slots=True)
class _Sums:
    """What the chunks add up to."""

    expected: Any
    variance: Any
    cash: Any
    rows: Counter[str]


def simulate(
    path: Path | str,
    *,
    borrowers: int,
    months: int,
    seed: int,
    start: date = date(2023, 1, 1),
    loans: int | None = None,
    payments: bool | None = None,
    model: Model | None = None,
    key: bytes | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Truth:
    """Make a book of a simulated platform, and export what it was made from.

    Parameters
    ----------
    path : Path or str
        Book to create; the truth goes to ``PATH.truth.json`` and ``PATH.truth/``.
    borrowers : int
        Borrowers, 1 to 50,000,000.
    months : int
        Calendar months in the book, 2 to 240; loans are made in all of them.
    seed : int
        Not negative; equal seeds (and other arguments) give identical tables.
    start : date
        The first month; the day is ignored.
    loans : int, optional
        Exactly so many loans, at least ``borrowers``; default 1.6 a borrower.
    payments : bool, optional
        Write payments, fees and all that a replay needs; default: up to 200,000 loans. Loan-months
        carry the amounts paid in any case.
    model : Model, optional
        Other parameters.
    key : bytes, optional
        Master key of the book, see `Book.create`.
    progress : callable, optional
        Called with a text and the fraction done.

    Returns
    -------
    Truth
        Parameters, realised macro path, expected transitions.

    Raises
    ------
    OutOfRangeError
        A number is outside its interval.
    BookError
        Something lies at ``path`` already.

    Notes
    -----
    About 12 loan-months a loan over 36 months. Personal columns are filled up to 20,000 borrowers.
    """
    loans = round(borrowers * LOANS_PER_BORROWER) if loans is None else loans
    _check(borrowers=borrowers, months=months, seed=seed, loans=loans)
    model = model or Model()
    first = start.replace(day=1)
    payments = loans <= PAYMENTS_UP_TO if payments is None else payments
    macro = model.macro(months, np.random.default_rng([seed, 1]))
    tell = progress or (lambda _step, _done: None)
    book = Book.create(path, key=key)
    try:
        with book.staging() as folder:
            plan = _Plan(
                borrowers=borrowers, months=months, seed=seed, payments=payments, model=model,
                hazards=hazards_of(model, macro), born=disbursement_months(loans, months),
                starts=_month_starts(first, months), probability=default_probability(model, 36),
                folder=folder,
            )  # fmt: skip
            sums = _live_all(plan, tell)
            _write_parties(book, plan, sums, personal=borrowers <= PERSONAL_UP_TO)
            _write_cash(plan, sums)
            tell("append the batch", 0.85)
            _append(book, plan, first, loans)
    except BaseException:
        shutil.rmtree(book.path, ignore_errors=True)  # so that it can be started again
        raise
    truth = Truth(
        book=Path(path), borrowers=borrowers, loans=loans, months=months, seed=seed, start=first,
        payments=payments, model=model, macro=macro, expected=sums.expected,
        variance=sums.variance, rows=dict(sorted(sums.rows.items())),
    )  # fmt: skip
    truth.save()
    tell("done", 1.0)
    return truth


def _check(*, borrowers: int, months: int, seed: int, loans: int) -> None:
    """Refuse numbers outside their interval."""
    if not 1 <= borrowers <= 50_000_000:
        raise OutOfRangeError(name="borrowers", value=borrowers, allowed="1 to 50,000,000")
    if not 2 <= months <= 240:
        raise OutOfRangeError(name="months", value=months, allowed="2 to 240")
    if seed < 0:
        raise OutOfRangeError(name="seed", value=seed, allowed="0 and above")
    if not borrowers <= loans <= 99_999_999:
        raise OutOfRangeError(name="loans", value=loans, allowed="borrowers to 99,999,999")


def _month_starts(first: date, months: int) -> Any:
    """Day numbers of the first days of the months, with room for schedules that run on."""
    count = months + 400
    return (np.datetime64(first, "M") + np.arange(count)).astype("datetime64[D]").astype(np.int64)


def _live_all(plan: _Plan, tell: Callable[[str, float], None]) -> _Sums:
    """Simulate all chunks on two threads; sums are taken in order of number."""
    shape = (len(GRADES), plan.months, 8, 10)
    sums = _Sums(np.zeros(shape), np.zeros(shape), np.zeros((plan.months, 3), np.int64), Counter())
    chunks = -(-len(plan.born) // CHUNK)
    tell("simulate loans", 0.0)
    with ThreadPoolExecutor(WORKERS) as pool:
        for number, part in enumerate(pool.map(lambda n: _live_chunk(plan, n), range(chunks))):
            sums.expected += part.expected
            sums.variance += part.variance
            sums.cash += part.cash
            sums.rows += part.rows
            tell("simulate loans", 0.8 * (number + 1) / chunks)
    return sums


def _live_chunk(plan: _Plan, number: int) -> _Sums:
    """Simulate one chunk and write its parts."""
    first = number * CHUNK
    born = plan.born[first : first + CHUNK]
    rng = np.random.default_rng([plan.seed, 2, number])
    contracts = draw_contracts(rng, plan.model, first, born, plan.borrowers)
    shape = (len(GRADES), plan.months, 8, 10)
    expected, variance = np.zeros(shape), np.zeros(shape)
    room = int((plan.months - born + 3).sum())
    outputs = [np.empty((room, width), np.int64) for width in (ROW, FLOW, FEE, EVENT, MODIFICATION)]
    hazards = plan.hazards
    filled = walk(
        rng, first, contracts.terms, contracts.recovery, plan.starts, plan.months, hazards.miss,
        hazards.prepay, hazards.move, hazards.bullet_multiplier,
        np.array(plan.model.recovery_timing), round(plan.model.recovery_cost * 1e6), expected,
        variance, *outputs,
    )  # fmt: skip
    rows, flow, posted, event, modification = (
        output[:count] for output, count in zip(outputs, filled, strict=True)
    )
    life = _tables.Life(
        number=number, seed=plan.seed, contracts=contracts, rows=rows, flow=flow, posted=posted,
        event=event, modification=modification, starts=plan.starts, months=plan.months,
        probability=plan.probability,
    )  # fmt: skip
    counted: Counter[str] = Counter()
    for name, columns in _all_tables(plan, life, rng).items():
        counted[name] = write_part(columns, plan.folder / name / f"part-{number:05d}.parquet")
    return _Sums(expected, variance, _cash(plan, life), counted)


def _all_tables(
    plan: _Plan, life: _tables.Life, rng: np.random.Generator
) -> dict[str, dict[str, Any]]:
    """Every table of a chunk by name."""
    tables = {
        "loans": _tables.loans(life),
        "loan_months": _tables.loan_months(life),
        "loan_events": _tables.loan_events(life),
        "modifications": _tables.modifications(life),
        "applications": _side.applications(life, rng, plan.borrowers),
        "loan_parties": _side.loan_parties(life),
        "funding_shares": _side.funding_shares(life),
        "borrower_statements": _side.statements(life, rng, plan.borrowers),
        "collection_contacts": _side.contacts(life, rng),
        "complaints": _side.complaints(life, rng),
        **_side.lines(life),
        **_side.security(life),
    }
    if plan.payments:
        tables |= {"payments": _tables.payments(life), "fees": _tables.fees(life)}
    return tables


def _cash(plan: _Plan, life: _tables.Life) -> Any:
    """Cents disbursed, collected and recovered in each month, shape (months, 3)."""
    total = np.zeros((plan.months, 3), np.int64)
    np.subtract.at(total[:, 0], life.contracts.terms[:, 4], life.contracts.terms[:, 0])
    month = np.searchsorted(plan.starts, life.flow[:, 1], side="right") - 1
    recovery = life.flow[:, 2] == 2
    np.add.at(total[:, 1], month[~recovery], life.flow[~recovery, 3])
    np.add.at(total[:, 2], month[recovery], life.flow[recovery, 3])
    return total


def _write_cash(plan: _Plan, sums: _Sums) -> None:
    """The platform's account by month: disbursements out, collections and recoveries in."""
    from fengkong.book.simulate._arrow import code, day, identity, money, same

    month, kind = (place.reshape(-1) for place in np.indices(sums.cash.shape))
    columns = {
        "movement_id": identity("X", np.arange(len(month))),
        "moved_on": day(plan.starts[month + 1] - 1),
        "account": same("lending", len(month)),
        "kind": code(kind, ("disbursement", "collection", "recovery")),
        "party_id": same("PLATFORM", len(month)),
        "currency": same("CNY", len(month)),
        "amount": money(sums.cash.reshape(-1)),
    }
    sums.rows["cash_movements"] = write_part(
        columns, plan.folder / "cash_movements" / "part.parquet"
    )


def _write_parties(book: Book, plan: _Plan, sums: _Sums, *, personal: bool) -> None:
    """Borrowers in chunks (personal columns through the vault), then organisations."""
    folder = plan.folder / "parties"
    folder.mkdir()
    wide = None
    for number, first in enumerate(range(0, plan.borrowers, CHUNK * 5)):
        size = min(CHUNK * 5, plan.borrowers - first)
        rng = np.random.default_rng([plan.seed, 3, number])
        rows = borrowers_table(first, size, plan.seed, rng, personal=personal)
        rows = book.vault.tokenise(rows, "parties")
        wide = rows.schema
        pq.write_table(rows, folder / f"part-{number:05d}.parquet", compression="zstd")
        sums.rows["parties"] += size
    firms = organisations_table()
    for field in wide or ():
        if field.name not in firms.column_names:
            firms = firms.append_column(field.name, pa.nulls(firms.num_rows, field.type))
    firms = firms.select([field.name for field in wide or ()])
    pq.write_table(firms, folder / "part-organisations.parquet", compression="zstd")
    sums.rows["parties"] += firms.num_rows


def _append(book: Book, plan: _Plan, first: date, loans: int) -> None:
    """Commit everything as one batch, recorded on the morning after the last month."""
    asked = {
        "borrowers": plan.borrowers, "loans": loans, "months": plan.months, "seed": plan.seed,
        "start": first.isoformat(), "payments": plan.payments, "model": plan.model.as_dict(),
        "version": VERSION,
    }  # fmt: skip
    text = json.dumps(asked, sort_keys=True)
    last = date(1970, 1, 1) + timedelta(days=int(plan.starts[plan.months]))
    tables = {part.name: sorted(part.glob("*.parquet")) for part in sorted(plan.folder.iterdir())}
    book.append(
        tables,
        recorded_at=datetime.combine(last, time(), tzinfo=UTC),
        source={"kind": "simulation", **{name: asked[name] for name in asked if name != "model"}},
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
    )
