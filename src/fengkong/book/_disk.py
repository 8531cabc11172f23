"""What the book needs of a disk: durable commits, a lock for writers, temporary folders.

A change of the book is one ``os.rename`` of a folder whose files are already on the disk, so that
a reader, a crash or a ``kill -9`` sees either all of it or nothing.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fengkong.foundation.errors import BookError

if TYPE_CHECKING:
    from collections.abc import Iterator


def fsync_path(path: Path) -> None:
    """Wait until a file, or the list of names in a folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_tree(folder: Path) -> None:
    """Wait until every file and folder under ``folder`` is on the disk."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            fsync_path(Path(place) / name)
        fsync_path(Path(place))


def commit_folder(source: Path, target: Path) -> None:
    """Make ``source`` appear as ``target`` in one step that survives a loss of power."""
    fsync_tree(source)
    os.rename(source, target)  # noqa: PTH104  one system call, and a test makes it fail
    fsync_path(target.parent)


def write_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a new file and wait until it is on the disk; refuses an existing one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def bring_in(source: Path, target: Path) -> None:
    """Bring a file of others in: by a second name on the same disk, else by a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def writer_lock(path: Path) -> Iterator[None]:
    """Hold the one writer's place; the kernel frees it when a process dies.

    Raises
    ------
    BookError
        Another writer holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BookError(
                f"{path.parent}: another process is writing to this book; try again when it is done"
            ) from error
        yield
    finally:
        os.close(descriptor)


@contextmanager
def temporary_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Give a folder under ``parent`` that is removed at the end, or swept when we are killed."""
    parent.mkdir(exist_ok=True)
    while True:
        folder = parent / f"{prefix}-{secrets.token_hex(8)}"
        lock = folder.with_name(folder.name + ".lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if lock.exists():  # else a sweep took it between the two lines above
            break
        os.close(descriptor)
    try:
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def sweep(parent: Path) -> None:
    """Remove the temporary folders whose process is gone; leave those of the living."""
    with suppress(OSError):
        for lock in sorted(parent.glob("*.lock")):
            _sweep_one(lock)
        for folder in sorted(path for path in parent.iterdir() if path.is_dir()):
            # The lock is made before the folder and removed after it: without one it is dead.
            if not folder.with_name(folder.name + ".lock").exists():
                shutil.rmtree(folder, ignore_errors=True)


def _sweep_one(lock: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
