"""The vault: clear values of personal columns, under one key a person, outside the batches.

In the batches a personal value is a keyed token. Here its clear value lies encrypted under the
key of the person it belongs to, and that key under the book's master key. Destroying a person's
key makes every value of that person unreadable, wherever a copy of the vault's rows may be.
"""

from __future__ import annotations

import hmac
import secrets
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fengkong.book._intake import schema_of
from fengkong.book.keyring import Keyring, seal, unseal
from fengkong.foundation.columns import Table
from fengkong.foundation.errors import InputError, VaultError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN_PATTERN = r"^t1_[0-9a-f]{32}$"  # noqa: S105  the form of a token, no secret
_TABLES = """
CREATE TABLE IF NOT EXISTS persons (
    party_token TEXT PRIMARY KEY,
    wrapped_key BLOB
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sealed_values (
    table_name TEXT NOT NULL,
    column_name TEXT NOT NULL,
    party_token TEXT NOT NULL,
    token TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (party_token, table_name, column_name, token)
) WITHOUT ROWID;
"""


def personal_columns(schema: Table) -> tuple[str, ...]:
    """Return the names of the personal columns of a table."""
    return tuple(column.name for column in schema.columns if column.personal)


def check_tokens(rows: Any, schema: Table) -> None:
    """Refuse rows that still hold a clear personal value or a whole birth date.

    Raises
    ------
    InputError
        They do; the value itself is not repeated.
    """
    wanted = {
        name: (rows[name].notnull() & ~rows[name].re_search(TOKEN_PATTERN)).sum()
        for name in personal_columns(schema)
        if name in rows.columns
    }
    if "birth_date" in schema and "birth_date" in rows.columns:
        date = rows["birth_date"]
        wanted["birth_date"] = ((date.month() != 1) | (date.day() != 1)).sum()
    if not wanted:
        return
    found = rows.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    for name, clear in found.items():
        if clear:
            raise InputError(
                f"table {schema.name}, column {name}: {clear} rows hold a clear personal value; "
                "pass them through book.vault.tokenise first"
            )


def _bound(table: str, column: str, party: str) -> bytes:
    return "\x1f".join((table, column, party)).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealing:
    """Values of one column that go into the vault, each with its person and token."""

    column: str
    owners: list[str]
    values: list[str]
    tokens: list[str]


class Vault:
    """Clear values of personal columns of one book.

    Parameters
    ----------
    path : Path
        SQLite file; made with the first value.
    keyring : Keyring
        Keys of the book.
    """

    def __init__(self, path: Path, keyring: Keyring) -> None:
        self.path, self._keyring = path, keyring

    def token(self, column: str, value: str) -> str:
        """Return the token of a value: HMAC-SHA256 under a key of the column, 128 bits.

        Equal values of a column have equal tokens within a book, and no relation between books.
        """
        key = self._keyring.derive("token:" + column)
        return "t1_" + hmac.digest(key, value.encode(), "sha256").hex()[:32]

    @staticmethod
    def own_person(table_name: str, *key: object) -> str:
        """Return the ``party_id`` under which the values of a row without a party lie."""
        return "\x1f".join((table_name, *(str(part) for part in key)))

    def tokenise(self, table: pa.Table, table_name: str) -> pa.Table:
        """Put the clear values of personal columns into the vault, and tokens in their place.

        Parameters
        ----------
        table : pyarrow.Table
            Rows of ``table_name``, personal columns in clear. Values that are tokens of this
            form already are left as they are.
        table_name : str
            A table of the schema.

        Returns
        -------
        pyarrow.Table
            The same rows; ``birth_date`` cut to 1 January. When this returns, the vault is on disk.

        Notes
        -----
        A value belongs to the row's ``party_id``; in a row without one, to a person of its own
        (`own_person`). Of an erased person only the token is made.
        """
        schema = schema_of(table_name)
        if "birth_date" in schema and "birth_date" in table.column_names:
            place = table.column_names.index("birth_date")
            birth: Any = table["birth_date"].cast(pa.date32())
            cut = pc.floor_temporal(birth, unit="year").cast(pa.date32())
            table = table.set_column(place, "birth_date", cut)
        names = [name for name in personal_columns(schema) if name in table.column_names]
        names = [name for name in names if table[name].null_count < table.num_rows]
        if not names:
            return table
        owners = self._owners(table, schema)
        sealing: list[_Sealing] = []
        for name in names:
            tokens, clear = self._tokens(table[name], name)
            place = table.column_names.index(name)
            table = table.set_column(place, name, tokens)
            sealing.append(_distinct(name, owners, clear, tokens))
        self._store(table_name, sealing)
        return table

    def reveal(self, *, table: str, column: str, party_id: str, token: str) -> str:
        """Return the clear value behind a token of a person.

        Raises
        ------
        VaultError
            The person was erased or is unknown, the key is wrong, or the row is damaged.
        """
        party = self.token("party_id", party_id)
        place = f"{self.path.name}, table {table}, column {column}, party {party_id}"
        with self._connect() as database:
            person = database.execute(
                "SELECT wrapped_key FROM persons WHERE party_token = ?", (party,)
            ).fetchone()
            row = database.execute(
                "SELECT sealed FROM sealed_values WHERE table_name = ? AND column_name = ? "
                "AND party_token = ? AND token = ?",
                (table, column, party, token),
            ).fetchone()
        if person is None:
            raise VaultError(f"{place}: the vault knows no such person")
        if person[0] is None:
            raise VaultError(f"{place}: this person was erased; the value cannot be had again")
        if row is None:
            raise VaultError(f"{place}: the vault has no value under this token")
        wrap = AESGCM(self._keyring.derive("wrap"))
        cipher = AESGCM(unseal(wrap, person[0], party.encode(), place))
        value = unseal(cipher, row[0], _bound(table, column, party), place).decode()
        if not hmac.compare_digest(self.token(column, value), token):
            raise VaultError(f"{place}: the value under this token is another one; it was moved")
        return value

    def erase(self, party_id: str) -> bool:
        """Destroy the key of a person; returns whether the vault held anything of that person.

        Notes
        -----
        The encrypted values and the key are overwritten in the file. Older backups of the vault
        still hold both: delete them, or keep backups of the vault apart and short.
        """
        party = self.token("party_id", party_id)
        with self._connect() as database:
            known = database.execute(
                "SELECT wrapped_key FROM persons WHERE party_token = ?", (party,)
            ).fetchone()
            database.execute(
                "INSERT INTO persons VALUES (?, NULL) "
                "ON CONFLICT (party_token) DO UPDATE SET wrapped_key = NULL",
                (party,),
            )
            database.execute("DELETE FROM sealed_values WHERE party_token = ?", (party,))
        return known is not None and known[0] is not None

    def _owners(self, table: pa.Table, schema: Table) -> Any:
        """Return the party token of each row, made once for each distinct owner."""
        parts: Any = [schema.name, *(table[name].cast(pa.string()) for name in schema.key), "\x1f"]
        key: Any = pc.binary_join_element_wise(*parts)
        owner = key
        if "party_id" in table.column_names:
            owner = pc.coalesce(table["party_id"].cast(pa.string()), key)
        return self._map(owner, "party_id")

    def _map(self, values: Any, column: str) -> Any:
        """Replace each value by its token, working on distinct values."""
        coded = pa.chunked_array(values).combine_chunks().dictionary_encode()
        names: list[Any] = coded.dictionary.to_pylist()
        tokens = pa.array([self.token(column, value) for value in names], pa.string())
        return tokens.take(coded.indices)

    def _tokens(self, values: Any, column: str) -> tuple[Any, Any]:
        """Return tokens, and the clear values (null where a token came in)."""
        flat = values.cast(pa.string()).combine_chunks()
        ready = pc.match_substring_regex(flat, TOKEN_PATTERN)
        nothing: Any = pa.scalar(None, pa.string())
        clear = pc.if_else(pc.fill_null(ready, False), nothing, flat)
        return pc.coalesce(self._map(clear, column), flat), clear

    def _store(self, table: str, sealing: list[_Sealing]) -> None:
        """Seal values under their persons' keys, in the order of the file's own index."""
        parties = sorted({party for part in sealing for party in part.owners})
        with self._connect() as database:
            ciphers = self._ciphers(database, parties)
            rows = sorted(
                (party, part.column, token, value)
                for part in sealing
                for party, token, value in zip(part.owners, part.tokens, part.values, strict=True)
                if party in ciphers
            )
            database.executemany(
                "INSERT INTO sealed_values VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    (table, column, party, token,
                     seal(ciphers[party], value.encode(), _bound(table, column, party)))
                    for party, column, token, value in rows
                ),
            )  # fmt: skip

    def _ciphers(self, database: sqlite3.Connection, parties: list[str]) -> dict[str, AESGCM]:
        """Return the cipher of each person, made when new; an erased person has none."""
        wrap = AESGCM(self._keyring.derive("wrap"))
        database.execute("PRAGMA temp_store = MEMORY")
        database.execute("CREATE TEMP TABLE wanted (party_token TEXT PRIMARY KEY) WITHOUT ROWID")
        database.executemany("INSERT INTO wanted VALUES (?)", ((party,) for party in parties))
        known = dict(
            database.execute("SELECT party_token, wrapped_key FROM wanted JOIN persons USING "
                             "(party_token)").fetchall()
        )  # fmt: skip
        place = f"{self.path.name}, a person's key"
        ciphers = {
            party: AESGCM(unseal(wrap, wrapped, party.encode(), place))
            for party, wrapped in known.items()
            if wrapped is not None
        }
        fresh = {party: secrets.token_bytes(32) for party in parties if party not in known}
        database.executemany(
            "INSERT INTO persons VALUES (?, ?)",
            ((party, seal(wrap, key, party.encode())) for party, key in fresh.items()),
        )
        return ciphers | {party: AESGCM(key) for party, key in fresh.items()}

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside one durable transaction."""
        self._keyring.derive("check")  # a wrong key is refused before anything is written
        try:
            with closing(sqlite3.connect(self.path, timeout=60.0, isolation_level=None)) as base:
                base.execute("PRAGMA synchronous = FULL")
                base.execute("PRAGMA secure_delete = ON")
                base.executescript(_TABLES)
                base.execute("BEGIN IMMEDIATE")
                try:
                    yield base
                except BaseException:
                    base.execute("ROLLBACK")
                    raise
                base.execute("COMMIT")
        except sqlite3.Error as error:
            raise VaultError(f"{self.path}: the vault cannot be used ({error})") from error


def _distinct(column: str, owners: Any, clear: Any, tokens: Any) -> _Sealing:
    """Return each pair of person and clear value of a column once."""
    rows = pa.table({"owner": owners, "clear": clear, "token": tokens}).filter(pc.is_valid(clear))
    once: Any = rows.group_by(["owner", "clear", "token"]).aggregate([])
    owner, value, token = (once[name].to_pylist() for name in ("owner", "clear", "token"))
    return _Sealing(column=column, owners=owner, values=value, tokens=token)
