"""The best groups of one column of categories."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fengkong.foundation.tables import Field
from fengkong.scorecard.binning._numeric import ALL_MISSING, FIXED, ONE_VALUE, Target
from fengkong.scorecard.binning._rules import Rules
from fengkong.scorecard.binning._solve import ONE_BIN, PreBins, solve
from fengkong.scorecard.binning.bins import ColumnBins, Special, weight_of_evidence

FloatArray = NDArray[np.float64]


LEVELS_AT_MOST = 1_000  # more labels than this are first joined with their neighbours in rate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tally:
    """Weight of goods and bads (two columns): of each regular label, and of all other codes."""

    labels: tuple[str, ...]
    regular: FloatArray
    others: FloatArray


def categorical_bins(
    field: Field, target: Target, *, rules: Rules, specials: tuple[Special, ...],
    rare_weight: float, n_prebins: int,
) -> ColumnBins:  # fmt: skip
    """Return the best groups of a column's labels.

    Notes
    -----
    Labels stand by bad rate and groups are contiguous in that order. IV and JS are convex in a
    group's shares of goods and bads, so without limits on the bins no other grouping is better
    (Breiman et al. 1984, theorem 4.5, for two groups; Burshtein et al. 1992 for more); with
    limits one may be.
    """
    tally = _tally(field, target, specials)
    weight = tally.regular.sum(axis=1)
    rare = weight < rare_weight
    common = np.flatnonzero(~rare & (weight > 0))
    pooled = tally.regular[rare].sum(axis=0)
    atoms = [*tally.regular[common], *([pooled] if pooled.sum() > 0 else [])]
    if not atoms:
        return _grouped(field.name, tally, [()], None, specials, note=ALL_MISSING)
    counts = np.array(atoms)
    order = np.argsort(counts[:, 1] / counts.sum(axis=1), kind="stable")  # ties by label
    below = np.zeros((len(order) + 1, 2))
    np.cumsum(counts[order], axis=0, out=below[1:])
    prebins = PreBins(goods=below[:, 0].copy(), bads=below[:, 1].copy(), totals=target.totals)
    prebins, places = prebins.thinned(max(n_prebins, LEVELS_AT_MOST), np.empty(0, dtype=np.int64))
    (best,) = solve(prebins, "none", rules, keep=np.empty(0, dtype=np.int64))
    starts = [0, *(int(places[end]) for end in best.ends)]
    groups, rare_code = [], None
    for code, (start, stop) in enumerate(pairwise(starts)):
        held = order[start:stop]
        groups.append(tuple(sorted(tally.labels[common[p]] for p in held if p < len(common))))
        rare_code = code if (held >= len(common)).any() else rare_code
    note = ONE_VALUE if len(atoms) == 1 and best.note == ONE_BIN else best.note
    return _grouped(field.name, tally, groups, rare_code, specials, note=note)


def fixed_groups(
    field: Field, target: Target, *, groups: list[tuple[str, ...]], rare_code: int | None,
    specials: tuple[Special, ...],
) -> ColumnBins:  # fmt: skip
    """Return the groups that the user fixed, counted; labels of no group count as unseen."""
    tally = _tally(field, target, specials)
    return _grouped(field.name, tally, groups or [()], rare_code, specials, note=FIXED)


def _tally(field: Field, target: Target, specials: tuple[Special, ...]) -> _Tally:
    labels = field.labels or ()
    slots = len(labels) + 1  # the last one is missing, code -1
    codes = np.where(field.values < 0, len(labels), field.values).astype(np.int64)
    weights = target.weights if len(target.weights) else None
    sums = np.bincount(codes * 2 + target.bad, weights=weights, minlength=2 * slots)
    both = sums.astype(np.float64).reshape(slots, 2)
    special_of = {str(value): code for code, special in enumerate(specials, start=1)
                  for value in special.values}  # fmt: skip
    others = np.zeros((1 + len(specials), 2))
    others[0] = both[-1]
    regular = [place for place, label in enumerate(labels) if label not in special_of]
    for place, label in enumerate(labels):
        if label in special_of:
            others[special_of[label]] += both[place]
    return _Tally(
        labels=tuple(labels[p] for p in regular), regular=both[:-1][regular], others=others
    )


def _grouped(
    name: str, tally: _Tally, groups: list[tuple[str, ...]], rare_code: int | None,
    specials: tuple[Special, ...], *, note: str,
) -> ColumnBins:  # fmt: skip
    """Count every bin of a column and return it."""
    code_of = {label: code for code, group in enumerate(groups) for label in group}
    counts = np.zeros((len(groups) + 1 + len(specials) + 1, 2))
    left_over = len(counts) - 1 if rare_code is None else rare_code
    codes = [code_of.get(label, left_over) for label in tally.labels]
    np.add.at(counts, np.array(codes, dtype=np.int64), tally.regular)
    counts[len(groups) : len(groups) + 1 + len(specials)] = tally.others
    count = counts.sum(axis=1)
    return ColumnBins(
        name=name, kind="categorical", cuts=np.empty(0), groups=tuple(groups), rare_code=rare_code,
        specials=specials, count=count, bad_count=counts[:, 1].copy(),
        woe=weight_of_evidence(count, counts[:, 1]), note=note,
    )  # fmt: skip
