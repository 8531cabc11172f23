# ruff: noqa: PLR0917  (Numba functions take no keyword-only arguments)
"""Loops over the graph of borrowers and tokens, each asked at its own instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEVER = np.iinfo(np.int64).max
TOKENS, HUBS, NEIGHBOURS, KNOWN, BAD, RECENT = range(6)
_FIGURES = 6


@dataclass(frozen=True, slots=True)
class Ties:
    """Distinct ties of borrowers and tokens, each from the instant it was first known.

    ``borrower``, ``token`` and ``known`` are sorted by token, then instant; ``token_start`` says
    where each token begins, ``of_borrower`` and ``borrower_start`` list the ties by borrower.
    ``hub_from`` is the instant at which a token has too many borrowers (never: the last int64).
    """

    borrower: NDArray[np.int64]
    token: NDArray[np.int64]
    known: NDArray[np.int64]
    token_start: NDArray[np.int64]
    of_borrower: NDArray[np.int64]
    borrower_start: NDArray[np.int64]
    hub_from: NDArray[np.int64]
    token_kind: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lives:
    """What each borrower did: sorted applications, first known outcome, first known bad one."""

    applied: NDArray[np.int64]
    applied_start: NDArray[np.int64]
    known_from: NDArray[np.int64]
    bad_from: NDArray[np.int64]


def distinct_ties(
    borrower: NDArray[np.int64],
    token: NDArray[np.int64],
    known: NDArray[np.int64],
    token_kind: NDArray[np.int64],
    *,
    borrowers: int,
    hub_borrowers: int,
) -> Ties:
    """Keep the first known tie of each pair, and find when each token became a hub."""
    order = np.lexsort((known, borrower, token))
    borrower, token, known = borrower[order], token[order], known[order]
    first = np.ones(len(token), dtype=bool)
    first[1:] = (token[1:] != token[:-1]) | (borrower[1:] != borrower[:-1])
    borrower, token, known = borrower[first], token[first], known[first]
    order = np.lexsort((borrower, known, token))
    borrower, token, known = borrower[order], token[order], known[order]
    tokens = len(token_kind)
    start = np.searchsorted(token, np.arange(tokens + 1))
    hub_from = np.full(tokens, NEVER, dtype=np.int64)
    large = np.flatnonzero(np.diff(start) > hub_borrowers)
    hub_from[large] = known[start[large] + hub_borrowers]
    by_borrower = np.lexsort((token, borrower))
    borrower_start = np.searchsorted(borrower[by_borrower], np.arange(borrowers + 1))
    return Ties(borrower, token, known, start, by_borrower, borrower_start, hub_from, token_kind)


def neighbour_figures(
    ties: Ties,
    lives: Lives,
    asked: NDArray[np.int64],
    at: NDArray[np.int64],
    *,
    kinds: int,
    recent_us: int,
) -> NDArray[np.float64]:
    """Count tokens, hubs and neighbours of each question, for all kinds (0) and each (1, ...).

    Returns
    -------
    ndarray of shape (n_questions, n_kinds + 1, 6)
        TOKENS (used), HUBS (ignored), NEIGHBOURS, KNOWN (neighbours with an outcome known before),
        BAD (of those), RECENT (neighbours that applied within ``recent_us`` before).
    """
    return _neighbour_figures(
        asked, at, kinds, recent_us,
        ties.borrower, ties.token, ties.known, ties.token_start, ties.of_borrower,
        ties.borrower_start, ties.hub_from, ties.token_kind,
        lives.applied, lives.applied_start, lives.known_from, lives.bad_from,
    )  # fmt: skip


def component_sizes(
    ties: Ties, asked: NDArray[np.int64], at: NDArray[np.int64], *, borrowers: int
) -> NDArray[np.int64]:
    """Return how many borrowers hang together with the one asked for, itself included.

    Notes
    -----
    A tie holds from the instant it is known to the one its token becomes a hub. The components of
    all ties ever known (`scipy.sparse.csgraph`) cut the work into parts that never meet; within a
    part the instants are halved, and what holds all the time of a half is joined once for it, with
    a union that can be undone. Cost: m log m log n for m ties, and less the smaller the parts.
    """
    lasting = ties.known < ties.hub_from[ties.token]
    edge = np.flatnonzero(lasting)
    left, right = ties.borrower[edge], ties.token[edge] + borrowers
    nodes = borrowers + len(ties.token_kind)
    graph = coo_array((np.ones(len(edge), dtype=np.int8), (left, right)), shape=(nodes, nodes))
    parts, part = connected_components(graph, directed=False)
    by_part = np.argsort(part[left], kind="stable")
    edge = edge[by_part]
    edge_start = np.searchsorted(part[left][by_part], np.arange(parts + 1))
    order = np.lexsort((at, part[asked]))
    question_start = np.searchsorted(part[asked][order], np.arange(parts + 1))
    return _component_sizes(
        ties.borrower[edge], ties.token[edge] + borrowers, ties.known[edge],
        ties.hub_from[ties.token[edge]], edge_start, asked, at, order, question_start,
        borrowers, nodes,
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _neighbour_figures(  # type: ignore[no-untyped-def]
    asked, at, kinds, recent_us, borrower, token, known, token_start, of_borrower,
    borrower_start, hub_from, token_kind, applied, applied_start, known_from, bad_from,
):  # fmt: skip
    found = np.zeros((asked.size, kinds + 1, _FIGURES))
    met = np.full((kinds + 1, borrower_start.size - 1), -1, dtype=np.int32)
    for i in range(asked.size):
        me, now = asked[i], at[i]
        for place in range(borrower_start[me], borrower_start[me + 1]):
            tie = of_borrower[place]
            if known[tie] > now:
                continue
            mine = token[tie]
            kind = token_kind[mine] + 1
            if hub_from[mine] <= now:
                found[i, kind, HUBS] += 1.0
                found[i, 0, HUBS] += 1.0
                continue
            found[i, kind, TOKENS] += 1.0
            found[i, 0, TOKENS] += 1.0
            for row in range(token_start[mine], token_start[mine + 1]):
                if known[row] > now:
                    break
                other = borrower[row]
                if other == me:
                    continue
                begin, end = applied_start[other], applied_start[other + 1]
                before = np.searchsorted(applied[begin:end], now)
                recent = before > 0 and applied[begin + before - 1] >= now - recent_us
                for k in (0, kind):
                    if met[k, other] != i:
                        met[k, other] = i
                        found[i, k, NEIGHBOURS] += 1.0
                        found[i, k, KNOWN] += known_from[other] < now
                        found[i, k, BAD] += bad_from[other] < now
                        found[i, k, RECENT] += recent
    return found


@numba.njit(cache=True, nogil=True)
def _component_sizes(  # type: ignore[no-untyped-def]
    left, right, begins, ends, edge_start, asked, at, order, question_start, borrowers, nodes
):
    size = np.ones(asked.size, dtype=np.int64)
    parent = np.arange(nodes)
    weight = np.ones(nodes, dtype=np.int64)  # borrowers below a root
    weight[borrowers:] = 0
    rank = np.ones(nodes, dtype=np.int64)  # nodes below a root: what keeps the trees flat
    for part in range(edge_start.size - 1):
        first, last = edge_start[part], edge_start[part + 1]
        mine = order[question_start[part] : question_start[part + 1]]
        if first == last or mine.size == 0:
            continue
        times = at[mine]
        low = np.searchsorted(times, begins[first:last])
        high = np.searchsorted(times, ends[first:last])
        edges = np.arange(first, last)[low < high]
        low, high = low[low < high], high[low < high]
        _answer(size, mine, asked, edges, low, high, left, right, parent, weight, rank)
    return size


@numba.njit(cache=True, nogil=True)
def _find(parent, node):  # type: ignore[no-untyped-def]
    while parent[node] != node:
        node = parent[node]
    return node


@numba.njit(cache=True, nogil=True)
def _join(one, other, parent, weight, rank):  # type: ignore[no-untyped-def]
    """Hang the smaller tree under the larger; return the root that is none now, -1 if they met."""
    top, under = _find(parent, one), _find(parent, other)
    if top == under:
        return -1
    if rank[top] < rank[under]:
        top, under = under, top
    parent[under] = top
    rank[top] += rank[under]
    weight[top] += weight[under]
    return under


@numba.njit(cache=True, nogil=True)
def _answer(size, mine, asked, edges, low, high, left, right, parent, weight, rank):  # type: ignore[no-untyped-def]
    """Halve the questions of one part; join what holds throughout, and undo it on the way back."""
    pool_edge, pool_low, pool_high = edges.copy(), low.copy(), high.copy()
    joined = np.empty(edges.size + 1, dtype=np.int64)
    joins = 0
    # A frame: its questions [a, b), its ties in the pool [p, q), joins before it, and its step.
    frames = np.empty((130, 6), dtype=np.int64)
    _set(frames[0], 0, mine.size, 0, edges.size, 0)
    depth = 0
    while depth >= 0:
        a, b, p, q = frames[depth, 0], frames[depth, 1], frames[depth, 2], frames[depth, 3]
        joins_before, step = frames[depth, 4], frames[depth, 5]
        middle = (a + b) // 2
        if step == 0:
            for e in range(p, q):
                if pool_low[e] <= a and b <= pool_high[e]:
                    under = _join(left[pool_edge[e]], right[pool_edge[e]], parent, weight, rank)
                    if under >= 0:
                        joined[joins] = under
                        joins += 1
            if b - a == 1:
                size[mine[a]] = weight[_find(parent, asked[mine[a]])]
                step = 2
        if step < 2 and b - a > 1:
            from_, to = (a, middle) if step == 0 else (middle, b)
            frames[depth, 5] = step + 1
            need = q + (q - p)
            if need > pool_edge.size:
                pool_edge = _grown(pool_edge, 2 * need)
                pool_low = _grown(pool_low, 2 * need)
                pool_high = _grown(pool_high, 2 * need)
            end = q
            for e in range(p, q):
                whole = pool_low[e] <= a and b <= pool_high[e]
                if not whole and pool_low[e] < to and from_ < pool_high[e]:
                    pool_edge[end] = pool_edge[e]
                    pool_low[end], pool_high[end] = pool_low[e], pool_high[e]
                    end += 1
            depth += 1
            _set(frames[depth], from_, to, q, end, joins)
            continue
        while joins > joins_before:
            joins -= 1
            under = joined[joins]
            top = parent[under]
            parent[under] = under
            rank[top] -= rank[under]
            weight[top] -= weight[under]
        depth -= 1


@numba.njit(cache=True, nogil=True)
def _set(frame, a, b, p, q, joins):  # type: ignore[no-untyped-def]
    frame[0], frame[1], frame[2], frame[3], frame[4], frame[5] = a, b, p, q, joins, 0


@numba.njit(cache=True, nogil=True)
def _grown(pool, size):  # type: ignore[no-untyped-def]
    larger = np.empty(size, dtype=pool.dtype)
    larger[: pool.size] = pool
    return larger
