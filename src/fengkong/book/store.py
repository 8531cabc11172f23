"""The book on disk: batches of Parquet files, append only, each committed by one rename.

Layout::

    BOOK/book.json                        format, identity, check of the key
    BOOK/batches/<batch_id>/batch.json    manifest
    BOOK/batches/<batch_id>/<table>/part-*.parquet
    BOOK/derived/<hash>/                  tables computed from the facts; may be deleted
    BOOK/vault.sqlite                     clear values of personal columns, encrypted
    BOOK/tmp/                             unfinished work, swept at open
    BOOK.key                              master key, beside the book and never inside
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from fengkong.book import _disk, _intake, engines
from fengkong.book.batch import MANIFEST, Batch, read_batch
from fengkong.book.keyring import Keyring
from fengkong.book.vault import Vault, check_tokens
from fengkong.book.view import View
from fengkong.foundation.errors import BookError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORMAT = 1
IDENTITY = "book.json"


class Book:
    """The facts of one platform: append only, read as of a date and as known at an instant.

    Make one with `Book.create` or `Book.open`.

    Attributes
    ----------
    path : Path
        Its folder.
    identity : str
        Random name given at creation; encrypted texts are bound to it.
    vault : Vault
        The clear values of personal columns.
    """

    def __init__(self, path: Path, identity: str, keyring: Keyring) -> None:
        self.path, self.identity, self._keyring = path, identity, keyring
        self.vault = Vault(path / "vault.sqlite", keyring)
        self._read: dict[str, Batch] = {}

    @classmethod
    def create(cls, path: Path | str, *, key: bytes | None = None) -> Self:
        """Make an empty book.

        Parameters
        ----------
        path : Path or str
            A folder that does not exist yet, or is empty.
        key : bytes, optional
            Master key of 32 bytes or more. Without it a new one is written to ``PATH.key``,
            readable by the owner only (one that lies there already is used): keep it apart from
            the book, without it no personal value can be read.

        Raises
        ------
        BookError
            Something is in the place already.
        """
        path = Path(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise BookError(f"{path}: something is here already; open it or choose a new place")
        path.parent.mkdir(parents=True, exist_ok=True)
        identity = secrets.token_hex(16)
        keyring = Keyring.make(path, identity, key)
        temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        (temporary / "batches").mkdir(parents=True)
        content = {
            "format": FORMAT,
            "id": identity,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "key_check": keyring.check,
        }
        _disk.write_file(temporary / IDENTITY, json.dumps(content, indent=1).encode())
        _disk.commit_folder(temporary, path)
        return cls(path, identity, keyring)

    @classmethod
    def open(cls, path: Path | str, *, key: bytes | None = None) -> Self:
        """Open a book, and remove what a killed process left unfinished in it.

        Raises
        ------
        BookError
            There is no book, or its format is not ours.
        """
        path = Path(path)
        try:
            content = json.loads((path / IDENTITY).read_text("utf-8"))
            found, identity, check = content["format"], content["id"], content["key_check"]
        except FileNotFoundError as error:
            raise BookError(
                f"{path}: there is no book here; make one with `fk import` or `fk simulate`"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BookError(f"{path / IDENTITY}: cannot be read ({error})") from error
        if found != FORMAT:
            raise BookError(f"{path}: format {found} of a book; this version reads format {FORMAT}")
        _disk.sweep(path / "tmp")
        return cls(path, identity, Keyring(path, identity, check, key))

    def batches(self) -> list[Batch]:
        """Return all committed batches in order of arrival."""
        folder = self.path / "batches"
        try:
            names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
        except OSError as error:
            raise BookError(f"{folder}: cannot be read ({error})") from error
        for name in names:
            if name not in self._read:
                self._read[name] = read_batch(folder / name)
        return [self._read[name] for name in names]

    def append(
        self,
        tables: Mapping[str, pa.Table | Path | Sequence[Path]],
        *,
        recorded_at: datetime,
        source: Mapping[str, Any],
        content_hash: str,
    ) -> Batch:
        """Add one batch of facts, all or nothing.

        Parameters
        ----------
        tables : mapping
            Table name to an Arrow table, or to Parquet files with the schema's columns, which
            are brought in as they are (do not write to them afterwards). Columns that are
            missing read as null. In Arrow tables personal columns are clear and become tokens
            here, and birth dates are cut to the year; in Parquet files both were done by the caller
            with ``book.vault.tokenise``.
        recorded_at : datetime
            Instant, with time zone, from which the rows are known; a row's own ``recorded_at``
            takes precedence.
        source : mapping
            Where the facts come from, as JSON; no personal values.
        content_hash : str
            Names the content: appending the same again changes nothing.

        Returns
        -------
        Batch
            The new batch, or the one that brought this content before.

        Raises
        ------
        InputError
            A table, column, type or key is not as the schema says.
        BookError
            Another process is writing, or the disk refused.
        """
        if recorded_at.tzinfo is None:
            raise InputError(f"recorded_at must say its time zone; got {recorded_at!r}")
        for name in tables:
            _intake.schema_of(name)
        try:
            with _disk.writer_lock(self.path / "lock"):
                earlier = self.batches()
                for batch in earlier:
                    if batch.content_hash == content_hash:
                        return batch
                last = int(earlier[-1].batch_id.split("-")[0]) if earlier else 0
                digest = hashlib.sha256(content_hash.encode()).hexdigest()[:12]
                batch = Batch(
                    batch_id=f"{last + 1:08d}-{digest}",
                    content_hash=content_hash,
                    recorded_at=recorded_at.astimezone(UTC),
                    source=dict(source),
                    tables={},
                    folder=self.path / "batches" / f"{last + 1:08d}-{digest}",
                )
                return self._commit(batch, tables, earlier)
        except OSError as error:
            raise BookError(
                f"{self.path}: the disk refused the batch ({error}); the book holds all of it or "
                "nothing, so append the same content again once this is mended"
            ) from error

    def _commit(
        self,
        batch: Batch,
        tables: Mapping[str, pa.Table | Path | Sequence[Path]],
        earlier: Sequence[Batch],
    ) -> Batch:
        """Write the batch in a temporary folder, then let it appear in one step."""
        with self.staging() as staging:
            folder = staging / batch.batch_id
            folder.mkdir()
            batch.tables.update(self._write(folder, tables, batch.recorded_at, earlier))
            _disk.write_file(folder / MANIFEST, batch.to_json().encode())
            _disk.commit_folder(folder, batch.folder)
        return read_batch(batch.folder)

    def _write(
        self,
        folder: Path,
        tables: Mapping[str, pa.Table | Path | Sequence[Path]],
        recorded_at: datetime,
        earlier: Sequence[Batch],
    ) -> dict[str, Any]:
        """Write every table into ``folder``; the vault is on disk before the batch can be."""
        written = {}
        for name, content in tables.items():
            schema = _intake.schema_of(name)
            if isinstance(content, pa.Table):
                rows = _intake.conform(content, schema, recorded_at, folder.name)
                rows = self.vault.tokenise(rows, name)
                written[name] = _intake.write_table(rows, folder / name)
            else:
                paths = [content] if isinstance(content, Path) else list(content)
                written[name] = _intake.take_files(paths, schema, folder / name)
        manifests = {}
        with self.scratch("append") as scratch:
            engine = engines.DuckEngine(scratch)
            try:
                for name, files in written.items():
                    schema = _intake.schema_of(name)
                    if not isinstance(tables[name], pa.Table):
                        check_tokens(engine.read([folder / file for file in files]), schema)
                    manifests[name] = _intake.describe(
                        engine,
                        folder,
                        schema,
                        files=files,
                        recorded_at=recorded_at,
                        earlier=earlier,
                    )
            finally:
                engine.close()
        return manifests

    def staging(self) -> AbstractContextManager[Path]:
        """Give a temporary folder on the book's own disk, removed at the end."""
        return _disk.temporary_folder(self.path / "tmp", "staging")

    def scratch(self, prefix: str) -> AbstractContextManager[Path]:
        """Give a folder for an engine's temporary files, removed at the end."""
        return _disk.temporary_folder(self.path / "tmp", prefix)

    def view(
        self,
        *,
        as_of: date,
        known_at: datetime | None = None,
        engine: str = "duckdb",
        memory_limit: str | None = None,
    ) -> View:
        """Return the book as of a business date, as known at an instant.

        Parameters
        ----------
        as_of : date
            Facts with a later business date are not seen.
        known_at : datetime, optional
            Instant with time zone: facts recorded later are not seen. None: all are.
        engine : {"duckdb", "spark"}
            Where expressions run.
        memory_limit : str, optional
            For example "2GiB".

        Raises
        ------
        InputError
            An argument is not as said above.
        EngineError
            The engine is not installed or does not start.
        """
        return View(self, as_of=as_of, known_at=known_at, engine=engine, memory_limit=memory_limit)

    def encrypt(self, content: bytes, purpose: str) -> bytes:
        """Encrypt bytes under the book's key for one purpose (AES-256-GCM)."""
        return self._keyring.encrypt(content, purpose)

    def decrypt(self, content: bytes, purpose: str) -> bytes:
        """Return what `encrypt` was given.

        Raises
        ------
        VaultError
            Another key or purpose, or the text is damaged.
        """
        return self._keyring.decrypt(content, purpose)
