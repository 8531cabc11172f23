"""Start one peer on one task in its own environment and gather its figures, for the harness."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.peers_environment import peers_python

SCRIPT = Path(__file__).with_name("scorecard_peers.py")
OURS = Path(__file__).with_name("scorecard_ours.py")
CAP_S = 600


@dataclass
class PeerRun:
    """What one process of a peer has left.

    ``seconds[step][call]`` for the steps that ended (bins, or fit and score, or drift; call is
    "cold" or "warm"); ``import_s`` is the age of the process when all was imported; ``capped``
    names the step that ran into the cap, None if none did, so that its time is at least ``cap_s``;
    ``failure`` is the peer's error, "" if none; ``found`` is what ``--out`` holds: the binnings,
    the statistic, or a note on the scores.
    """

    peer: str
    task: str
    version: str = ""
    import_s: float = 0.0
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    peak_gib: float = 0.0
    peak_child_gib: float = 0.0
    capped: str | None = None
    failure: str = ""
    found: Any = None

    def least(self, step: str, call: str, cap_s: float = CAP_S) -> tuple[float, bool]:
        """Return seconds and whether they are exact; the cap as lower bound when it was hit."""
        if step in self.seconds and call in self.seconds[step]:
            return self.seconds[step][call], True
        return cap_s, False


def measure(
    task: str, peer: str, data: Path, *, folder: Path, cap_s: int = CAP_S, calls: int = 2,
    environment: dict[str, str] | None = None,
) -> PeerRun:  # fmt: skip
    """Run a task of a peer, or of ours, in a new process and return its figures.

    Parameters
    ----------
    task : {"bins", "card", "drift"}
        See ``scorecard_peers``; ``data`` is a file of loans, for "drift" the folder of both tables.
    peer : str
        A key of ``BINS``, ``bench_cards`` or ``DRIFT``; what begins with "ours" is Fengkong.
    folder : Path
        Where the process leaves its answer, ``<task>-<peer>.json``.
    cap_s : int
        Seconds that each call may take.
    calls : int
        The first call is cold; the fastest of the others is the warm time.
    environment : dict of str, optional
        Variables of the process besides those of this one.
    """
    out = folder / f"{task}-{peer}.json"
    out.unlink(missing_ok=True)
    ours = peer.startswith("ours")
    program = [sys.executable, str(OURS)] if ours else [str(peers_python()), str(SCRIPT)]
    command = [
        *program, "--task", task, "--peer", peer, "--data", str(data),
        "--cap-s", str(cap_s), "--calls", str(calls), "--out", str(out),
    ]  # fmt: skip
    # A session of its own: workers that a stopped peer leaves behind can be ended with it.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore", **(environment or {})},
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101
    lines, errors = process.communicate()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    run = gathered(PeerRun(peer=peer, task=task), lines)
    if process.returncode == -signal.SIGALRM:
        run.capped = next_step(run)
    elif process.returncode:
        run.failure = (errors.strip().splitlines() or [f"ended with {process.returncode}"])[-1][
            :300
        ]
    if out.exists():
        run.found = json.loads(out.read_text())
    return run


def gathered(run: PeerRun, lines: str) -> PeerRun:
    """Put the lines of a process into its record."""
    for line in lines.splitlines():
        figures = json.loads(line)
        if figures["event"] == "ready":
            run.version, run.import_s = figures["version"], figures["import_s"]
        elif figures["event"] == "call":
            of_step = run.seconds.setdefault(figures["step"], {})
            earlier = of_step.get(figures["call"], figures["seconds"])
            of_step[figures["call"]] = min(earlier, figures["seconds"])
        else:
            run.peak_gib, run.peak_child_gib = figures["peak_gib"], figures["peak_child_gib"]
    return run


def next_step(run: PeerRun) -> str:
    """Return the step that was under way when the process was stopped."""
    if run.task != "card":
        return run.task
    return "score" if len(run.seconds.get("fit", {})) == 2 else "fit"
