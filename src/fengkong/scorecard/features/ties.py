"""Features of ties: who shares a phone, an address, a guarantor, and how they fared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.features import _facts, _graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fengkong.book.view import View

# Mail, mainland mobile number, resident identity number: what must have become a token before.
_CLEAR = r"@|^\+?(?:86)?1[3-9]\d{9}$|^\d{17}[\dXx]$"


@dataclass(frozen=True, slots=True, kw_only=True)
class TieSettings:
    """How ties are counted.

    Attributes
    ----------
    hub_borrowers : int
        A token with more borrowers than this ties nobody (a call centre, a shop's device).
    recent_days : int
        A neighbour applied recently when it applied in so many days before.
    prior_weight : float
        The bad rate of neighbours is shrunk to the base rate with the weight of so many borrowers.
    kinds : tuple of str or None
        Kinds of tie that get columns of their own; all ties count in the columns without a kind.
        None: the kinds in the table; name them for a model that will be used again.
    """

    hub_borrowers: int = 50
    recent_days: int = 30
    prior_weight: float = 10.0
    kinds: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name, lowest in (("hub_borrowers", 1), ("recent_days", 1)):
            value = getattr(self, name)
            if value < lowest:
                raise OutOfRangeError(name=name, value=value, allowed=f"[{lowest}, inf)")
        if not 0.0 < self.prior_weight < np.inf:
            raise OutOfRangeError(name="prior_weight", value=self.prior_weight, allowed="(0, inf)")


def tie_features(
    applications: Any,
    *,
    ties: Any,
    outcomes: Any = None,
    history: Any = None,
    settings: TieSettings | None = None,
) -> pd.DataFrame:
    """Return features of ties, one row an application, in the order of the applications.

    Parameters
    ----------
    applications : table of shape (n_applications, ...)
        borrower_id and applied_at (an instant; without a zone it is UTC).
    ties : table
        borrower_id, kind, token, recorded_at. A token stands for a value and never is one.
    outcomes : table, optional
        borrower_id, bad (1 or 0), known_at: the instant at which the outcome was matured and
        recorded.
    history : table, optional
        Applications that count as such beside those asked for (borrower_id, applied_at).
    settings : TieSettings, optional

    Returns
    -------
    DataFrame of float64, shape (n_applications, n_features)
        tie_component_borrowers: borrowers that hang together with the applicant, itself included.
        Then, over all kinds and with ``_<kind>`` for each: tie_tokens (used), tie_hub_tokens
        (ignored), tie_neighbours (other borrowers that share a token), tie_known_neighbours,
        tie_bad_neighbours, tie_bad_rate, tie_recent_share (0 without neighbours).

    Raises
    ------
    InputError
        A column is not there, an instant is empty, an outcome is not 0 or 1, or a token looks like
        clear personal data.

    Notes
    -----
    An applicant at t sees the ties recorded up to t, the outcomes known before t and the
    applications before t; whether a token is a hub is judged by its borrowers up to t. Own
    outcomes never count. A borrower is bad from the first instant a bad outcome is known, and
    stays so. tie_bad_rate = (bad + m b) / (known + m) with m the prior weight and b the base rate
    of all borrowers known before t but the applicant, (bad + 0.5) / (known + 1), so it is never
    missing.

    References
    ----------
    Shrinkage to the base rate: Micci-Barreca (2001), ACM SIGKDD Explorations 3(1), 27-32.
    """
    settings = settings or TieSettings()
    columns = ("borrower_id", "applied_at")
    asked_rows = _facts.frame_of(applications, columns, name="applications")
    tie_rows = _tie_rows(ties)
    past = asked_rows if history is None else _facts.frame_of(history, columns, name="history")
    outcome_rows = _outcome_rows(outcomes)
    at = _facts.instants(asked_rows["applied_at"], name="applications.applied_at")
    past_at = _facts.instants(past["applied_at"], name="history.applied_at")
    asked, past_who, tied, ended = _facts.codes(
        asked_rows["borrower_id"], past["borrower_id"], tie_rows["borrower_id"],
        outcome_rows["borrower_id"],
    )  # fmt: skip
    for name, who in (("applications", asked), ("history", past_who), ("outcomes", ended)):
        if (who < 0).any():
            raise InputError(f"{name}.borrower_id is empty in {int((who < 0).sum())} rows")
    if history is not None:
        past_who, past_at = np.append(past_who, asked), np.append(past_at, at)
    borrowers = 1 + int(
        max((who.max() for who in (past_who, asked, tied, ended) if len(who)), default=-1)
    )
    kinds, graph = _graph_of(tie_rows, tied, borrowers=borrowers, settings=settings)
    lives = _lives(past_who, past_at, ended, outcome_rows, borrowers=borrowers)
    figures = _graph.neighbour_figures(
        graph, lives, asked, at, kinds=len(kinds) + 1,  # the last: kinds nobody named
        recent_us=settings.recent_days * _facts.DAY_US,
    )  # fmt: skip
    base = _base_rate(lives, asked, at)
    sizes = _graph.component_sizes(graph, asked, at, borrowers=borrowers)
    found = {"tie_component_borrowers": sizes.astype(np.float64)}
    for place, kind in enumerate(["", *(f"_{name}" for name in kinds)]):
        if kind[1:] in kinds or not kind:
            found |= _named(figures[:, place], base, kind, settings.prior_weight)
    return pd.DataFrame(found)


def tie_features_of_view(
    view: View, applications: Any, *, outcomes: Any = None, settings: TieSettings | None = None
) -> pd.DataFrame:
    """Return features of ties from a view of the book.

    Ties come from parties (phone, email, address, bank_account), loan_parties (co_borrower,
    guarantor) and guarantees (guarantor), each from the instant it was recorded; applications of
    the book with a party_id count as history from when they were recorded, and on their day at the
    earliest. The book knows no devices: join them to a table and call `tie_features`.

    Parameters
    ----------
    view : View
    applications : table
        borrower_id and applied_at.
    outcomes : table, optional
        As in `tie_features`.
    settings : TieSettings, optional

    Returns
    -------
    DataFrame
        As `tie_features`.

    Raises
    ------
    InputError
        An application lies after what the view sees.
    """
    from fengkong.scorecard.features import _book

    frame = _facts.frame_of(applications, ("borrower_id", "applied_at"), name="applications")
    at = _facts.instants(frame["applied_at"], name="applications.applied_at")
    _book.check_seen(view, at)
    return tie_features(frame, outcomes=outcomes, settings=settings, **_book.tie_tables(view))


def _tie_rows(table: Any) -> pd.DataFrame:
    columns = ("borrower_id", "kind", "token", "recorded_at")
    rows = _facts.frame_of(table, columns, name="ties")
    rows = rows.assign(**{name: rows[name].astype("string") for name in columns[:3]})
    rows = rows[rows[list(columns[:3])].notna().all(axis=1)].reset_index(drop=True)
    tokens = pd.Series(rows["token"].unique(), dtype="string")
    clear = tokens.str.contains(_CLEAR, regex=True).fillna(False)
    if clear.any():
        raise InputError(
            f"{int(clear.sum())} tokens in ties look like mail addresses, phone or identity "
            "numbers in clear: give keyed tokens (the book makes them at the door)"
        )
    return rows


def _outcome_rows(table: Any) -> pd.DataFrame:
    columns = ("borrower_id", "bad", "known_at")
    if table is None:
        table = {name: [] for name in columns}
    rows = _facts.frame_of(table, columns, name="outcomes")
    bad = _facts.numbers(rows["bad"], name="outcomes.bad")
    if not np.isin(bad, (0.0, 1.0)).all():
        raise InputError("outcomes.bad must be 0 or 1 in every row")
    known = _facts.instants(rows["known_at"], name="outcomes.known_at")
    return rows.assign(bad=bad, known_=known)


def _graph_of(
    rows: pd.DataFrame, tied: NDArray[np.int64], *, borrowers: int, settings: TieSettings
) -> tuple[tuple[str, ...], _graph.Ties]:
    """Number tokens by kind and text, and sort the ties."""
    kinds = settings.kinds
    if kinds is None:
        kinds = tuple(sorted(rows["kind"].unique()))
    kind = pd.Index(kinds, dtype="string").get_indexer(pd.Index(rows["kind"]))
    kind = np.where(kind < 0, len(kinds), kind).astype(np.int64)
    pair = rows["kind"].str.cat(rows["token"], sep="\x1f")
    token = _facts.codes(pair)[0]
    token_kind = np.zeros(int(token.max()) + 1 if len(token) else 0, dtype=np.int64)
    token_kind[token] = kind
    known = _facts.instants(rows["recorded_at"], name="ties.recorded_at")
    graph = _graph.distinct_ties(
        tied, token, known, token_kind, borrowers=borrowers, hub_borrowers=settings.hub_borrowers
    )
    return kinds, graph


def _lives(
    who: NDArray[np.int64],
    at: NDArray[np.int64],
    ended: NDArray[np.int64],
    outcomes: pd.DataFrame,
    *,
    borrowers: int,
) -> _graph.Lives:
    order = np.lexsort((at, who))
    start = np.searchsorted(who[order], np.arange(borrowers + 1))
    known_from = np.full(borrowers, _graph.NEVER)
    bad_from = known_from.copy()
    known = outcomes["known_"].to_numpy(np.int64)
    np.minimum.at(known_from, ended, known)
    bad = outcomes["bad"].to_numpy() == 1.0
    np.minimum.at(bad_from, ended[bad], known[bad])
    return _graph.Lives(at[order], start, known_from, bad_from)


def _base_rate(
    lives: _graph.Lives, asked: NDArray[np.int64], at: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the bad rate of all borrowers known before each instant but the one asked for."""
    known = np.searchsorted(np.sort(lives.known_from), at) - (lives.known_from[asked] < at)
    bad = np.searchsorted(np.sort(lives.bad_from), at) - (lives.bad_from[asked] < at)
    return (bad + 0.5) / (known + 1.0)


def _named(
    figures: NDArray[np.float64], base: NDArray[np.float64], kind: str, prior: float
) -> dict[str, NDArray[np.float64]]:
    neighbours = figures[:, _graph.NEIGHBOURS]
    known, bad = figures[:, _graph.KNOWN], figures[:, _graph.BAD]
    return {
        f"tie_tokens{kind}": figures[:, _graph.TOKENS],
        f"tie_hub_tokens{kind}": figures[:, _graph.HUBS],
        f"tie_neighbours{kind}": neighbours,
        f"tie_known_neighbours{kind}": known,
        f"tie_bad_neighbours{kind}": bad,
        f"tie_bad_rate{kind}": (bad + prior * base) / (known + prior),
        f"tie_recent_share{kind}": figures[:, _graph.RECENT] / np.maximum(neighbours, 1.0),
    }
