"""Law of the text of bins: whatever names and labels hold, what is written reads back the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fengkong.scorecard.binning import Binner
from fengkong.scorecard.binning._wishes import RARE
from fengkong.scorecard.binning.bins import ColumnBins, Special

HOSTILE = (
    "\x00\t\n\r\x1b\x7f\x85\x9f\xa0\u2028\u2029\ud800\ufeff\ufffe\U0001f600\U000e0001"
    "'\"\\#:?-[]{},&*!|>%@` ~="
)
texts = st.one_of(
    st.text(st.one_of(st.sampled_from(HOSTILE), st.characters()), max_size=12),
    st.sampled_from(["no", "null", "1", "<<", "---", "...", "? a", "- b", "a: b", "#", " a ", ""]),
    st.integers(950, 1100).map(lambda length: "\x85l" * length),
).filter(lambda text: text != RARE)  # a label of its own meaning
numbers = st.floats(allow_nan=False)


@st.composite
def columns(draw, name):
    """Make bins of one column with names, labels and specials of any kind."""
    numeric = draw(st.booleans())
    names = draw(st.lists(texts, max_size=3, unique=True))
    if numeric:
        found = draw(st.lists(numbers, min_size=len(names), max_size=len(names), unique=True))
        cuts = sorted(draw(st.sets(st.floats(allow_nan=False, allow_infinity=False), max_size=4)))
        groups = ()
    else:
        labels = draw(st.lists(texts, min_size=len(names) + 1, max_size=8, unique=True))
        found, rest, cuts = labels[: len(names)], labels[len(names) :], []
        split = draw(st.integers(0, len(rest) - 1))
        groups = tuple(tuple(group) for group in (rest[:split], rest[split:]) if group)
    size = (len(cuts) + 1 if numeric else len(groups)) + 2 + len(names)
    return ColumnBins(
        name=name, kind="numeric" if numeric else "categorical", cuts=np.array(cuts), groups=groups,
        specials=tuple(
            Special(name=special, values=(value,))
            for special, value in zip(names, found, strict=True)
        ),
        count=np.full(size, 10.0), bad_count=np.full(size, 2.0), woe=np.zeros(size),
        note=draw(texts),
    )  # fmt: skip


@given(st.data(), st.lists(texts, min_size=1, max_size=3, unique=True))
def test_what_is_written_reads_back(data, names):
    written = Binner()
    written.bins_ = {name: data.draw(columns(name)) for name in names}
    text = written.to_yaml()
    read = Binner.from_yaml(text)
    assert all(line.isprintable() for line in text.split("\n"))
    assert list(read.splits) == names
    for name, bins in written.bins_.items():
        expected = bins.cuts.tolist() if bins.kind == "numeric" else list(map(list, bins.groups))
        assert read.splits[name] == expected
        specials = {special.name: list(special.values) for special in bins.specials}
        assert (read.specials or {}).get(name, {}) == specials
    labels = [name for name, bins in written.bins_.items() if bins.kind == "categorical"]
    assert list(read.categorical or []) == labels
