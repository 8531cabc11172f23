"""The environment of the peers, `.venv-peers`, made from `requirements/peers.txt` when missing.

Kept apart from ours because the peers need older packages (pandas 2.3). A stamp holds the hash of
the lock, as `fk` does for `.venv`, so a changed lock is installed at the next run.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "peers.txt"
FOLDER = Path(os.environ.get("FENGKONG_VENV_PEERS", ROOT / ".venv-peers"))


def lock_hash() -> str:
    """Return the fingerprint of the lock."""
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def is_ready(folder: Path = FOLDER) -> bool:
    """Say whether the environment is there and made from the lock as it is now."""
    stamp = folder / "peers.stamp"
    return stamp.is_file() and stamp.read_text() == lock_hash() and interpreter(folder).exists()


def interpreter(folder: Path = FOLDER) -> Path:
    """Return the path of the environment's Python."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def peers_python(folder: Path = FOLDER) -> Path:
    """Return the Python of the peers, after making their environment if that is needed."""
    if is_ready(folder):
        return interpreter(folder)
    print(f"preparing the peers' environment {folder.name}; once only ...", file=sys.stderr)
    if not interpreter(folder).exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(interpreter(folder)), "-m", "pip", "install", "--quiet"]
    options = ["--disable-pip-version-check", "--require-hashes", "--no-deps", "-r", str(LOCK)]
    subprocess.run([*pip, *options], check=True)
    (folder / "peers.stamp").write_text(lock_hash())
    return interpreter(folder)
