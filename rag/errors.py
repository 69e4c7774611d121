"""What can go wrong, each with the way out at the end of its message."""


class RagError(Exception):
    """The base of every error that a person can mend; `cli` and `app` show its message as one line."""


class ConfigError(RagError):
    """A setting in rag.toml, the environment or the arguments has a wrong name or value."""


class DocumentError(RagError):
    """A file or folder cannot be read as documents."""


class IndexMissingError(RagError):
    """There is no index where one was asked for."""


class IndexMismatchError(RagError):
    """The index was made in another format, by another model or with other settings, or is damaged."""


class IndexDamagedError(IndexMismatchError):
    """A file of the index does not hold what was written into it."""

    def __init__(self, file: object, reason: str, way_out: str) -> None:
        super().__init__(f"{file} is damaged ({reason}): {way_out}")
        self.reason = reason


class IndexBusyError(RagError):
    """Another process is writing the index."""


class IndexWriteError(RagError):
    """The index cannot be written: the disk is full, or the folder may not be changed."""


class ModelError(RagError):
    """A model file or folder is missing, is not a model, or cannot be loaded here."""


class QuestionError(RagError):
    """A question is empty or too long."""


class QuestionSetError(RagError):
    """A question set or a results folder cannot be read."""


class ConversationError(RagError):
    """The stored conversations cannot be read or written, or there is no such conversation."""


class CollectionError(RagError):
    """There is no such collection, or what is asked of it cannot be done."""


class GenerationError(RagError):
    """A loaded model failed while it was writing."""


def marked(text: str) -> str:
    """The text as it is. Marks a reason that stands in messages, so that a test asks for its Vietnamese form."""
    return text


def first_line(error: BaseException) -> str:
    """What another library's error says, cut to its first line; its kind when it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
