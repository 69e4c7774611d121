"""A first question set from a corpus, by code and for a person to edit: statements turned into questions.

Some questions are then changed so that the corpus no longer answers them: a name, year or number gives way to one that
no document holds together with what else the question speaks of. Nothing here is measured or judged.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.batch.metrics import answer_contained
from rag.chunking import split_document
from rag.config import RagConfig
from rag.documents import read_document
from rag.errors import DocumentError, QuestionSetError
from rag.language.asking import AnswerKind
from rag.language.claims import dates, names
from rag.language.drafting import Draft, drafts
from rag.store.scanning import scan
from rag.text import sentence_spans, syllables
from rag.types import Chunk, Document

UNANSWERABLE = "not in the documents"
"""The kind of the questions that the corpus does not answer."""
_UNANSWERABLE_SHARE = 0.2
_SHORTEST, _LONGEST = 7, 32
"""Syllables of a statement: a longer one would lose clauses, and what is left is often no sentence."""
_SHORTEST_QUESTION = 6
_LONGEST_ANSWER = 15
_ALIKE = 0.6
"""Share of the syllables of two questions from which they are one question."""
_TOGETHER = 0.5
"""Share of a question's other words from which a document speaks of the same thing."""
_STATEMENT = re.compile(r"[A-ZÀ-ỸĐ][^?!:]*\.[\"”’)]*")
# What ties a statement to the one before it.
_OPENING = re.compile(
    r"(?:Tuy nhiên|Tuy vậy|Bên cạnh đó|Ngoài ra|Trong khi đó|Đồng thời|Đặc biệt|Do đó|Do vậy|Vì vậy|Vì thế|Cụ thể"
    r"|Theo đó|Chẳng hạn|Tương tự|Hiện nay|Hiện tại|Mặt khác|Hơn nữa|Qua đó|Sau đó|Trước đó|Từ đó|Nhưng|Và|Còn),?\s+"
)
_POINTING = frozenset("này đó ấy họ nó đây kia trên sau ông bà anh chị cô mình ta em tôi".split())
"""Syllables that point to something said before; "ông" and its like only before a small letter."""
_CLASS_BEFORE = re.compile(
    r"\b(?:mô hình|công ty|tập đoàn|startup|hãng|ứng dụng|nền tảng|trường|viện|tổ chức|cuộc thi|giải|giải thưởng|dự án"
    r"|chương trình|quỹ|luật|nghị định|cuốn sách|tác phẩm|bộ phim|bài hát|ban nhạc|đội|câu lạc bộ|tỉnh|thành phố|nước"
    r"|quốc gia|đảo|sông|núi|hồ|vùng|bang|quận|huyện|xã|phường|loài|chi|họ|ngôn ngữ|tôn giáo|đảng|vua|hoàng đế|nữ hoàng"
    r"|tổng thống|thủ tướng|bộ trưởng|thứ trưởng|bí thư|thư|chủ tịch|giám đốc|nhà văn|nhà thơ|nhạc sĩ|ca sĩ|giáo sư"
    r"|tiến sĩ|bác sĩ|nhà khoa học|sân bay|bảo tàng|nhà thờ|chùa|cầu|đường|phố|trận|chiến dịch|hiệp định|hiệp ước)$",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"\s+(?!tới|đến|mới|và|-|đã|của)[a-zà-ỹđ]")
"""What a number counts stands behind it; a percentage carries it."""
_YEAR_ALONE = re.compile(r"1\d{3}|20\d\d")
_REASON_BEFORE = re.compile(r"\b(?:vì|do|bởi vì|bởi|nhờ|(?P<aim>nhằm|để))$")
_TIME_TOLD = re.compile(r"\b(ngày|tháng|năm|thế kỷ)\b.*$", re.IGNORECASE)
_RANGE = re.compile(r"\s*[-–/%]\s*\d|\w")
_TIME_WORDS = re.compile(r"^(?:vào|từ|đến|trong)\s+", re.IGNORECASE)
_YEAR_STEPS = (-9, -4, -3, -2, 2, 3, 5, 11)

Row = dict[str, Any]
"""One line of the set: what `rag.batch.questions` reads, and "sentence", the statement that it was made from."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    document: Document
    chunk: Chunk
    sentence: str
    question: str
    answer: str
    kind: str


def read_corpus(path: Path, config: RagConfig) -> list[Document]:
    """The documents of a folder or file; those that cannot be read are left out.

    Raises:
        DocumentError: the path does not exist, or not one file can be read.
    """
    documents: list[Document] = []
    error: DocumentError | None = None
    for file in scan(path, config).files:
        try:
            documents.append(read_document(file, config.max_file_mb))
        except DocumentError as its_error:
            error = error or its_error
    if not documents and error is not None:
        raise error
    return documents


def draft_questions(documents: Sequence[Document], config: RagConfig, count: int, seed: int = 7) -> list[Row]:
    """At most `count` questions, spread over the documents and over what is asked for; one fifth is unanswerable.

    Fewer come when the documents hold too few statements that can be asked about. The same seed gives the same set.

    Raises:
        QuestionSetError: no sentence of the documents can be asked about.
    """
    rng = random.Random(seed)
    queues = {document.doc_id: _candidates(document, config, rng) for document in documents}
    order = _spread(queues)
    unanswerable = list(_swapped(order, documents, rng, round(count * _UNANSWERABLE_SHARE)))
    made_from = {candidate.sentence for candidate, _ in unanswerable}
    asked = [candidate for candidate in order if candidate.sentence not in made_from]
    rows = [_row(candidate) for candidate in asked[: count - len(unanswerable)]]
    rows += [{**_row(candidate), "question": question, **_NOWHERE} for candidate, question in unanswerable]
    if not rows:
        raise QuestionSetError("no sentence of these documents can be asked about: name a folder of running text")
    return [{"id": f"draft-{number:03d}", **row} for number, row in enumerate(rows, start=1)]


_NOWHERE: Mapping[str, Any] = {"answers": [], "docs": [], "kind": UNANSWERABLE}


def write_questions(rows: Sequence[Row], path: Path | None) -> str:
    """The set as JSON Lines, written to `path` unless that is None.

    Raises:
        QuestionSetError: the file is there already, as it may hold a person's work, or cannot be written.
    """
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if path is not None:
        try:
            with path.open("x", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
        except FileExistsError as error:
            raise QuestionSetError(f"{path} is there already: name another file with --out or remove it") from error
        except OSError as error:
            raise QuestionSetError(f"{path} cannot be written ({error.strerror}): name another with --out") from error
    return text


def _row(candidate: _Candidate) -> Row:
    return {
        "question": candidate.question,
        "answers": _answers(candidate),
        "docs": [candidate.document.source],
        "kind": candidate.kind,
        "context": candidate.chunk.text,
        "sentence": candidate.sentence,
    }


def _answers(candidate: _Candidate) -> list[str]:
    """The answer as it stands, and a time also without the words before it: "vào năm 1954", "năm 1954", "1954"."""
    answer = candidate.answer
    bare = _TIME_WORDS.sub("", answer)
    years = re.fullmatch(r"năm (\d{4})", bare)
    return list(dict.fromkeys([answer, bare, *([years[1]] if years else [])]))


def drafted(passage: str, text: str, rng: random.Random) -> Iterator[tuple[str, str, Draft]]:
    """(sentence, question, draft) for each statement of a passage that can be asked about; `text` is its document's."""
    for start, end in sentence_spans(passage):
        sentence = passage[start:end]
        if not _STATEMENT.fullmatch(sentence):
            continue
        statement = _OPENING.sub("", sentence, count=1)
        statement = f"{statement[:1].upper()}{statement[1:]}"
        if not _SHORTEST <= len(syllables(statement)) <= _LONGEST or _points_back(statement):
            continue
        for draft in drafts(statement, rng):
            question = _worded(draft, statement, text)
            if question and _is_fit(question, draft, statement, text):
                yield sentence, question, draft
                break


def _candidates(document: Document, config: RagConfig, rng: random.Random) -> list[_Candidate]:
    """One question for each statement of a document that can be asked about, in random order."""
    found: dict[str, _Candidate] = {}
    for chunk in split_document(document, config.chunking):
        for sentence, question, draft in drafted(chunk.text, document.text, rng):
            if sentence not in found:
                found[sentence] = _Candidate(
                    document, chunk, sentence, question, draft.answer.strip(), draft.kind.value
                )
    mixed = list(found.values())
    rng.shuffle(mixed)
    return mixed


def _points_back(statement: str) -> bool:
    """Whether it cannot be understood by itself."""
    words = statement.split()
    return any(
        word.strip(",.;").lower() in _POINTING and not following[:1].isupper()
        for word, following in zip(words, [*words[1:], ""], strict=True)
    )


def _worded(draft: Draft, statement: str, text: str) -> str:
    """The whole statement with a question word where the answer stands; "" where none reads well.

    The draft's own wording is made for training, where variety counts for more than sense.
    """
    before, answer = statement[: draft.start].rstrip(), draft.answer.strip()
    after = statement[draft.end :].rstrip(' .”"')
    last = before.rpartition(" ")[2]
    word = ""
    match draft.kind:
        case AnswerKind.TIME:
            word = _TIME_TOLD.sub(r"\1 nào", answer)
            word = "" if word == answer else word
        case AnswerKind.NUMBER if last.islower() and _COUNTED.match(after) and not _YEAR_ALONE.fullmatch(answer):
            word = "bao nhiêu phần trăm" if answer.endswith("%") else "bao nhiêu"
        case AnswerKind.PERSON if last.islower():
            word = "nào"
        case AnswerKind.PLACE:
            word = "đâu" if last.lower() in ("ở", "tại", "đến", "tới", "từ") else "nào"
        case AnswerKind.OTHER if answer[:1].isupper():
            word = "nào" if _CLASS_BEFORE.search(before) else ""
        case AnswerKind.OTHER if not after and last == "là":
            word = "gì"
        case AnswerKind.LIST if not after and last in ("gồm", "có"):
            word = "những gì"
        case AnswerKind.REASON if not after and (reason := _REASON_BEFORE.search(before)):
            whole = before[: reason.start()].strip(" ,")
            return f"{whole} để làm gì?" if reason["aim"] else f"Vì sao {_lowered(whole, text)}?"
        case _:
            pass
    words = " ".join(f"{before} {word} {after}".split()).replace(" ,", ",")
    return f"{words[:1].upper()}{words[1:]}?" if word else ""


def _lowered(statement: str, text: str) -> str:
    """The statement without its first capital, unless that is a name's: of several words, or met within a sentence."""
    first, _, rest = statement.partition(" ")
    is_name = rest[:1].isupper() or not first[1:].islower() or re.search(rf"[a-zà-ỹđ,] {re.escape(first)}\b", text)
    return statement if is_name else f"{first.lower()} {rest}"


def _is_fit(question: str, draft: Draft, statement: str, text: str) -> bool:
    """Whether a person might ask it, the answer is whole, and the question does not give it away."""
    answer = draft.answer.strip()
    if answer_contained(question, [answer]) or len(syllables(answer)) > _LONGEST_ANSWER:
        return False
    if len(syllables(question)) < _SHORTEST_QUESTION or any(
        mark in question for mark in ("(", '"', "“", "”", "…", "...")
    ):
        return False
    # What is cut off in the middle: a word, "100 - 200", "Tổng Bí" of "Tổng Bí thư".
    after, before = statement[draft.end :], statement[: draft.start]
    if _RANGE.match(after) or re.search(r"\d\s*[-–/]\s*$", before):
        return False
    return not answer[:1].isupper() or _is_whole_name(answer, after, bool(before.strip()), text)


def _is_whole_name(name: str, after: str, inside: bool, text: str) -> bool:
    """Whether a capitalised answer is a name by itself, and not the head of a word that goes on in small letters."""
    is_word = " " not in name and not name[1:2].isupper() and not name[-1:].isdigit()
    if is_word or len(name) < 3 or not (inside or " " in name):
        return False
    following = re.match(r"\s(\w+)", after)
    if following is None or not following[1].islower():
        return True
    # Often enough with the same word behind it: they are one word.
    return text.count(f"{name} {following[1]}") * 2 <= text.count(name) if text.count(name) > 1 else True


def _spread(queues: Mapping[str, list[_Candidate]]) -> list[_Candidate]:
    """The candidates in turn by document, each time of the kind that was taken least; what is alike only once."""
    taken: list[_Candidate] = []
    kinds: Counter[str] = Counter()
    seen: list[frozenset[str]] = []
    left = {name: list(queue) for name, queue in queues.items() if queue}
    while left:
        for name in list(left):
            queue = left[name]
            candidate = min(queue, key=lambda one: kinds[one.kind])
            queue.remove(candidate)
            if not queue:
                del left[name]
            keys = frozenset(syllables(candidate.question))
            if all(len(keys & other) < _ALIKE * min(len(keys), len(other)) for other in seen):
                taken.append(candidate)
                kinds[candidate.kind] += 1
                seen.append(keys)
    return taken


def _swapped(
    candidates: Sequence[_Candidate], documents: Sequence[Document], rng: random.Random, count: int
) -> Iterator[tuple[_Candidate, str]]:
    """Candidates, the last first, with their questions changed so that no document answers them."""
    texts = {document.doc_id: frozenset(syllables(document.text)) for document in documents}
    pool = sorted({name for one in candidates for name in _whole_names(one.question, one.document.text)})
    made = 0
    for candidate in reversed(candidates):
        if made == count:
            return
        for old, new in _exchanges(candidate, pool, rng):
            rest = set(syllables(candidate.question)) - set(syllables(old))
            if _is_nowhere(new, rest, list(texts.values())):
                made += 1
                yield candidate, candidate.question.replace(old, new)
                break


def _exchanges(candidate: _Candidate, pool: Sequence[str], rng: random.Random) -> Iterator[tuple[str, str]]:
    """What may be put for what: a year for a year, a name for one of as many words."""
    question = candidate.question
    for date in dates(question):
        if date.year:
            yield str(date.year), str(date.year + rng.choice(_YEAR_STEPS))
    for name in _whole_names(question, candidate.document.text):
        others = [other for other in pool if len(other.split()) == len(name.split()) and other not in question]
        if others:
            yield name, rng.choice(others)


def _whole_names(question: str, text: str) -> list[str]:
    """The names within a question that are no heads of longer words."""
    found: list[str] = []
    for name in names(question):
        start = question.find(name)
        if _is_whole_name(name, question[start + len(name) :], start > 0, text):
            found.append(name)
    return found


def _is_nowhere(new: str, rest: set[str], texts: Iterable[frozenset[str]]) -> bool:
    """Whether no document holds both the new detail and half of the question's other words."""
    keys = set(syllables(new))
    return not any(keys <= text and len(rest & text) >= _TOGETHER * len(rest) for text in texts)
