"""Whose collections are whose: with logins each person has their own, and the first one is everybody's to read."""

import hashlib
import re
import threading
import unicodedata

from rag.errors import ConversationError
from rag.history.conversations import LOGIN
from rag.page.library import Library

_UNSAFE = re.compile(r"[^\w-]+")
_NAME_CHARS = 40


def owner_of_login(name: str | None) -> str:
    """Whose conversations and collections are those of a login; empty for nobody."""
    return f"{LOGIN}{unicodedata.normalize('NFC', name).strip()}" if name else ""


class Libraries:
    """The library of each person, or one for all where nobody logs in; safe to share between threads."""

    def __init__(self, first: Library, *, per_person: bool) -> None:
        """Over the library that the page was started with.

        `per_person` gives everybody who logs in collections of their own, beside the first one, which they only read.
        """
        self.first = first
        self.per_person = per_person
        self._own: dict[str, Library] = {}
        self._lock = threading.Lock()

    def of(self, owner: str) -> Library:
        """The library in which an owner may look.

        Raises:
            ConversationError: people log in here, and this owner did not.
        """
        if not self.per_person:
            return self.first
        name = owner.removeprefix(LOGIN)
        if not name or name == owner:
            raise ConversationError("nobody is named as the owner: log in, or reload the page")
        with self._lock:
            if name not in self._own:
                self._own[name] = self.first.for_person(_folder_name(name))
            return self._own[name]


def _folder_name(name: str) -> str:
    """A folder's name that no other login has, whatever a file system makes of letters and case."""
    shown = _UNSAFE.sub("_", name)[:_NAME_CHARS]
    return f"{shown}-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
