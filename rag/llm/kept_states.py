"""What a language model made of the text that every prompt begins with, kept on disk from one start to the next.

Reading the instructions takes a model of 1.7 billion weights five seconds on one core; loading what it made of them,
22 MB, takes a hundredth of one.
"""

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

_KEPT_FILES = 4
"""A file has the size of the keys and values of some 200 tokens, 20 to 40 MB; one for each model in use is enough."""
_DIGEST_BYTES = hashlib.sha256().digest_size

_log = logging.getLogger(__name__)


class KeptStates:
    """Files in a folder, each with its checksum. A damaged one, or one made in another way, is as good as none."""

    def __init__(self, folder: Path, made_with: Sequence[str | int]) -> None:
        """`made_with` is all, the tokens aside, that a state depends on: model, library, processor, settings."""
        self._folder = folder
        self._made_with = list(made_with)

    def read(self, tokens: Sequence[int]) -> bytes | None:
        """The state after these tokens; None when there is none that is whole."""
        file = self._file(tokens)
        try:
            content = file.read_bytes()
            os.utime(file)
        except OSError:
            return None
        state = content[_DIGEST_BYTES:]
        return state if hashlib.sha256(state).digest() == content[:_DIGEST_BYTES] else None

    def write(self, tokens: Sequence[int], state: bytes) -> None:
        """Keep the state after these tokens; a folder that cannot be written costs the next start its time, no more."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self._folder, prefix=".", suffix=".new", delete=False) as stream:
                try:
                    stream.write(hashlib.sha256(state).digest())
                    stream.write(state)
                except OSError:
                    os.unlink(stream.name)
                    raise
            os.replace(stream.name, self._file(tokens))
            files = sorted(self._folder.glob("*.state"), key=lambda file: file.stat().st_mtime_ns)
            for file in files[:-_KEPT_FILES]:
                file.unlink(missing_ok=True)
        except OSError as error:
            _log.info("the model's state is not kept in %s: %s", self._folder, error)

    def _file(self, tokens: Sequence[int]) -> Path:
        told = json.dumps([self._made_with, list(tokens)])
        return self._folder / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.state"
