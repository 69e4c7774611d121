"""Who may come in: a file of names and hashed passwords, asked by the page's login."""

import asyncio
import hashlib
import hmac
import os
import secrets
import unicodedata
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.config import is_loopback
from rag.errors import ConfigError

_COST, _BLOCK, _LANES = 1 << 14, 8, 1
"""scrypt's n, r and p (RFC 7914): 16 MB of memory and 50 ms of one core for each guess."""
_MOST_MEMORY = 64 << 20
_SALT_BYTES, _HASH_BYTES = 16, 32
_NAME_CHARS = 64
_LEAST_PASSWORD_CHARS = 8
_AT_ONCE = 2
"""Passwords checked at the same time, so that guessing does not take the memory from those who are in."""
_AFTER_WRONG_S = 1.0

Login = Callable[[str, str], Coroutine[Any, Any, bool]]


@dataclass(frozen=True, slots=True)
class _Hashed:
    salt: bytes
    digest: bytes


def login_of(file: Path) -> Login:
    """What Gradio asks whether a name and a password belong together; the file is read once.

    Names that there are not take as long as those that there are, and a wrong guess a second more.

    Raises:
        ConfigError: the file cannot be read, has no names, or a line is wrong.
    """
    known = _read(file)
    nobody = _Hashed(secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_HASH_BYTES))
    turns = asyncio.Semaphore(_AT_ONCE)

    async def may_enter(name: str, password: str) -> bool:
        async with turns:
            asked = known.get(_normalized(name), nobody)
            digest = await asyncio.to_thread(_digest, password, asked.salt)
        if hmac.compare_digest(digest, asked.digest):
            return True
        await asyncio.sleep(_AFTER_WRONG_S)
        return False

    return may_enter


def add_login(file: Path, name: str, password: str) -> None:
    """Put a name with its password into the file, in the place of an earlier one; made where there is none.

    Raises:
        ConfigError: the name or password cannot be used, or the file cannot be read or written.
    """
    name = _normalized(name)
    if not name or len(name) > _NAME_CHARS or not name.isprintable() or ":" in name or name.startswith("#"):
        raise ConfigError(f"{name!r} is no name for a login: 1 to {_NAME_CHARS} letters without a colon")
    if len(password) < _LEAST_PASSWORD_CHARS:
        raise ConfigError(f"the password is too short: type at least {_LEAST_PASSWORD_CHARS} characters")
    salt = secrets.token_bytes(_SALT_BYTES)
    known = {**(_read(file) if file.exists() else {}), name: _Hashed(salt, _digest(password, salt))}
    lines = [f"{one}:scrypt:{hashed.salt.hex()}:{hashed.digest.hex()}\n" for one, hashed in known.items()]
    partial = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        # For its owner's eyes from its first byte on.
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.writelines(lines)
        partial.replace(file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written ({error.strerror}): name another with --auth") from error


def require_login(host: str, file: str) -> None:
    """Make sure that a page that other machines reach asks who comes.

    Raises:
        ConfigError: it would not.
    """
    if not is_loopback(host) and not file:
        raise ConfigError(
            f"{host} lets other machines in, so name who may come: `rag serve --auth FILE --add-login NAME` makes the"
            f" file, then `rag serve --host {host} --auth FILE`"
        )


def _read(file: Path) -> dict[str, _Hashed]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{file} cannot be read ({getattr(error, 'strerror', 'not UTF-8')}): make it with"
            f" `rag serve --auth {file} --add-login NAME`"
        ) from error
    known: dict[str, _Hashed] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, *rest = line.strip().split(":")
        try:
            kind, salt, digest = rest
            hashed = _Hashed(bytes.fromhex(salt), bytes.fromhex(digest))
            if kind != "scrypt" or len(hashed.digest) != _HASH_BYTES or len(hashed.salt) != _SALT_BYTES:
                raise ValueError
        except ValueError:
            raise ConfigError(
                f"{file}, line {number}: is no login (name:scrypt:salt:hash): remove it and run"
                f" `rag serve --auth {file} --add-login NAME`"
            ) from None
        known[_normalized(name)] = hashed
    if not known:
        raise ConfigError(f"{file} names nobody: run `rag serve --auth {file} --add-login NAME`")
    return known


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        unicodedata.normalize("NFC", password).encode("utf-8", "replace"),
        salt=salt, n=_COST, r=_BLOCK, p=_LANES, maxmem=_MOST_MEMORY, dklen=_HASH_BYTES,
    )  # fmt: skip


def _normalized(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()
