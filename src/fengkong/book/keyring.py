"""The master key of a book and the keys derived from it."""

from __future__ import annotations

import hmac
import os
import secrets
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fengkong.book import _disk
from fengkong.foundation.errors import InputError, VaultError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

NONCE_BYTES = 12


def key_path(book_path: Path) -> Path:
    """Return the place of the master key: beside the book, never inside."""
    return book_path.absolute().with_name(book_path.absolute().name + ".key")


def seal(cipher: AESGCM, content: bytes, bound_to: bytes) -> bytes:
    """Encrypt and authenticate: nonce, then text. ``bound_to`` must be the same to open."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, content, bound_to)


def unseal(cipher: AESGCM, sealed: bytes, bound_to: bytes, place: str) -> bytes:
    """Open what `seal` made; VaultError names ``place`` when it cannot."""
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise VaultError(
            f"{place}: the text does not open; it was damaged, moved from its place, "
            "or made under another key"
        ) from error


class Keyring:
    """Keys of one book, derived by HKDF-SHA256 (RFC 5869) from its master key.

    The master key is read when it is first needed, so that a reader of figures needs none.

    Parameters
    ----------
    book_path : Path
        Folder of the book.
    identity : str
        Salt: two books under one master key share no derived key.
    check : str
        What the right key derives; a wrong one is refused before it writes anything.
    key : bytes or None
        Master key; None: read the file beside the book.
    """

    def __init__(self, book_path: Path, identity: str, check: str, key: bytes | None) -> None:
        self._path, self._identity, self.check = book_path, identity, check
        self._given = key
        self._master: bytes | None = None
        self._derived: dict[str, bytes] = {}

    @classmethod
    def make(cls, book_path: Path, identity: str, key: bytes | None) -> Self:
        """Make the keyring of a new book, and its key file unless ``key`` is given."""
        if key is None:
            path = key_path(book_path)
            if not path.exists():
                _disk.write_file(path, secrets.token_hex(32).encode() + b"\n", mode=0o600)
                _disk.fsync_path(path.parent)
            key = _read_key(path)
        keyring = cls(book_path, identity, "", _checked(key))
        keyring._master = keyring._given
        keyring.check = keyring.derive("check").hex()
        return keyring

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte key for one purpose.

        Raises
        ------
        VaultError
            The master key is missing or belongs to another book.
        """
        if purpose not in self._derived:
            self._derived[purpose] = self._expand(self._load(), purpose)
        return self._derived[purpose]

    def encrypt(self, content: bytes, purpose: str) -> bytes:
        """Encrypt ``content`` for ``purpose``."""
        return seal(self._cipher(purpose), content, self._bound(purpose))

    def decrypt(self, content: bytes, purpose: str) -> bytes:
        """Open what `encrypt` made for the same purpose."""
        place = f"{self._path} ({purpose})"
        return unseal(self._cipher(purpose), content, self._bound(purpose), place)

    def _cipher(self, purpose: str) -> AESGCM:
        return AESGCM(self.derive("purpose:" + purpose))

    def _bound(self, purpose: str) -> bytes:
        return f"{self._identity}|{purpose}".encode()

    def _expand(self, master: bytes, purpose: str) -> bytes:
        salt = bytes.fromhex(self._identity)
        info = b"fengkong/1/" + purpose.encode()
        return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(master)

    def _load(self) -> bytes:
        if self._master is None:
            given = self._given
            master = _checked(given) if given is not None else _read_key(key_path(self._path))
            found = self._expand(master, "check").hex()
            if not hmac.compare_digest(found, self.check):
                raise VaultError(
                    f"{self._path}: this is not the master key the book was made with; "
                    f"give the right one, or put its file at {key_path(self._path)}"
                )
            self._master = master
        return self._master


def _checked(key: bytes) -> bytes:
    if len(key) < 32:
        raise InputError(f"a master key has at least 32 bytes; got {len(key)}")
    return key


def _read_key(path: Path) -> bytes:
    try:
        return _checked(bytes.fromhex(path.read_text("ascii").strip()))
    except FileNotFoundError as error:
        raise VaultError(
            f"{path}: the master key of the book is not here; bring the file back, or pass the key"
        ) from error
    except (OSError, ValueError) as error:
        raise VaultError(f"{path}: not a master key (64 hexadecimal digits): {error}") from error
