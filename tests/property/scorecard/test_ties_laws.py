# ruff: noqa: PLR0917  (Hypothesis hands its arguments by position)
"""Ties: a slow answer that looks at every pair and uses networks as Python sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from fengkong.scorecard.features import TieSettings, tie_features

KINDS = ("device", "phone")
PEOPLE = [f"p{number}" for number in range(6)]
DAY = pd.Timestamp("2024-01-01", tz="UTC")


def instant(hour: int) -> pd.Timestamp:
    return DAY + pd.Timedelta(hours=hour)


def table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns))


hours = st.integers(0, 60)
tie_rows = st.lists(
    st.fixed_dictionaries(
        {
            "borrower_id": st.sampled_from(PEOPLE),
            "kind": st.sampled_from(KINDS),
            "token": st.sampled_from(("a", "b", "c", "d")),
            "hour": hours,
        }
    ),
    max_size=25,
)
application_rows = st.lists(
    st.fixed_dictionaries({"borrower_id": st.sampled_from(PEOPLE), "hour": hours}),
    min_size=1,
    max_size=8,
)
outcome_rows = st.lists(
    st.fixed_dictionaries(
        {"borrower_id": st.sampled_from(PEOPLE), "bad": st.integers(0, 1), "hour": hours}
    ),
    max_size=8,
)
SETTINGS = st.builds(
    TieSettings,
    hub_borrowers=st.integers(1, 5),
    recent_days=st.just(1),
    prior_weight=st.sampled_from((0.5, 10.0)),
    kinds=st.just(KINDS),
)


def features(
    applications: list[dict[str, Any]],
    ties: list[dict[str, Any]],
    outcomes: list[dict[str, Any]],
    settings: TieSettings,
) -> pd.DataFrame:
    def timed(rows: list[dict[str, Any]], name: str, columns: tuple[str, ...]) -> pd.DataFrame:
        return table([{**row, name: instant(row["hour"])} for row in rows], columns)

    return tie_features(
        timed(applications, "applied_at", ("borrower_id", "applied_at")),
        ties=timed(ties, "recorded_at", ("borrower_id", "kind", "token", "recorded_at")),
        outcomes=timed(outcomes, "known_at", ("borrower_id", "bad", "known_at")),
        settings=settings,
    )


def slow(
    me: str,
    now: int,
    applications: list[dict[str, Any]],
    ties: list[dict[str, Any]],
    outcomes: list[dict[str, Any]],
    settings: TieSettings,
) -> dict[str, float]:
    """Answer for one application by sets of what can be seen at its hour."""
    members: dict[tuple[str, str], set[str]] = {}
    for tie in ties:
        if tie["hour"] <= now:
            members.setdefault((tie["kind"], tie["token"]), set()).add(tie["borrower_id"])
    seen = {k: v for k, v in members.items() if len(v) <= settings.hub_borrowers}
    known = {row["borrower_id"] for row in outcomes if row["hour"] < now}
    bad = {row["borrower_id"] for row in outcomes if row["hour"] < now and row["bad"]}
    recent = {row["borrower_id"] for row in applications if now - 24 <= row["hour"] < now}
    together = {me}
    while True:
        wider = together.union(*(who for who in seen.values() if who & together))
        if wider == together:
            break
        together = wider
    found: dict[str, float] = {"tie_component_borrowers": len(together)}
    base = (len(bad - {me}) + 0.5) / (len(known - {me}) + 1.0)
    for kind, end in ((None, ""), *((kind, f"_{kind}") for kind in KINDS)):
        mine = {k: v for k, v in members.items() if me in v and kind in (None, k[0])}
        used = [v for k, v in mine.items() if k in seen]
        others = set().union(*used) - {me}
        m = settings.prior_weight
        rate = (len(others & bad) + m * base) / (len(others & known) + m)
        found |= {
            f"tie_tokens{end}": len(used),
            f"tie_hub_tokens{end}": len(mine) - len(used),
            f"tie_neighbours{end}": len(others),
            f"tie_known_neighbours{end}": len(others & known),
            f"tie_bad_neighbours{end}": len(others & bad),
            f"tie_bad_rate{end}": rate,
            f"tie_recent_share{end}": len(others & recent) / max(len(others), 1),
        }
    return found


@given(application_rows, tie_rows, outcome_rows, SETTINGS)
def test_equals_what_sets_say_at_each_hour(applications, ties, outcomes, settings):
    found = features(applications, ties, outcomes, settings)
    for place, row in enumerate(applications):
        wanted = slow(row["borrower_id"], row["hour"], applications, ties, outcomes, settings)
        assert set(found.columns) == set(wanted)
        for name, value in wanted.items():
            assert np.isclose(found[name].iloc[place], value, rtol=1e-12), (place, name)


@given(application_rows, tie_rows, outcome_rows, tie_rows, outcome_rows, SETTINGS)
def test_later_facts_change_nothing(applications, ties, outcomes, more_ties, more_ends, settings):
    """Whatever is added after the last application leaves every figure bit for bit."""
    last = max(row["hour"] for row in applications)
    later_ties = [{**row, "hour": last + 1 + row["hour"]} for row in more_ties]
    # An outcome known at the very instant is not known before it.
    later_ends = [{**row, "hour": last + row["hour"]} for row in more_ends]
    before = features(applications, ties, outcomes, settings)
    after = features(applications, later_ties + ties, later_ends + outcomes, settings)
    pd.testing.assert_frame_equal(before, after, check_exact=True)


@given(application_rows, tie_rows, outcome_rows, SETTINGS, st.integers(0, 60))
def test_each_application_sees_only_its_own_past(applications, ties, outcomes, settings, now):
    """Cutting all tables at an instant leaves the applications up to it as they were."""
    early = [row for row in applications if row["hour"] <= now]
    if not early:
        return
    whole = features(applications, ties, outcomes, settings)
    kept = [row["hour"] <= now for row in applications]
    cut = features(
        early, [row for row in ties if row["hour"] <= now],
        [row for row in outcomes if row["hour"] <= now], settings,
    )  # fmt: skip
    pd.testing.assert_frame_equal(whole[kept].reset_index(drop=True), cut, check_exact=True)
