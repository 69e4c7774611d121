"""Sheets of raw passages for those who write questions over them, and what they wrote into `written/`.

    python models/training/writing_sheets.py draw --data ../shared/data --sheets SHEETS --count 120
    python models/training/writing_sheets.py keep --data ../shared/data --sheets SHEETS

written/README.md tells the writers what to do. `draw` writes sheets, SHEETS/001.txt and so on, of passages that
nothing was written over yet; `keep` reads SHEETS/001.tsv and so on, says which lines cannot be used and why, and puts
the others beside what is there already.
"""

import argparse
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from reader_corpus import COPIED, measured_rows, shingles
from written_questions import Asked, RawPassage, keep_written, raw_passages, read_written

from rag.text import normalize, sentence_spans

_OF_SHEET = {"viwiki2017-passages": 20, "vietnews-articles": 6, "laws": 4}
"""Passages of each source on a sheet."""
_SYLLABLES = {"viwiki2017-passages": (90, 260), "vietnews-articles": (110, 260), "laws": (70, 260)}
_LEAST_SENTENCES = {"viwiki2017-passages": 4, "vietnews-articles": 4, "laws": 2}
_MOST_DIGITS = 0.08
"""Share of a passage's characters above which it is a table."""
_LEAST_WORDS = 3
NO_ANSWER = "-"


def drawn_passages(data: Path, source: str, measured: set[int], rng: random.Random) -> Iterator[RawPassage]:
    """Passages of a source that suit, in random order and one of each article; no article of the measured set."""
    by_article: dict[str, list[RawPassage]] = {}
    for whole in raw_passages(data, source):
        article = whole.title if source == "viwiki2017-passages" else whole.id
        by_article.setdefault(article, []).append(whole)
    for article in rng.sample(sorted(by_article), len(by_article)):
        wholes = by_article[article]
        suitable = [one for one in map(_opening, wholes) if suits(one)]
        if suitable and not any(len(shingles(whole.text) & measured) >= COPIED for whole in wholes):
            yield rng.choice(suitable)


def suits(passage: RawPassage) -> bool:
    """Whether questions can be asked of a passage: neither too short nor too long, and no table."""
    least, most = _SYLLABLES[passage.source]
    return (
        least <= len(passage.text.split()) <= most
        and len(sentence_spans(passage.text)) >= _LEAST_SENTENCES[passage.source]
        and sum(letter.isdigit() for letter in passage.text) < _MOST_DIGITS * len(passage.text)
        and "|" not in passage.text
    )


def _opening(whole: RawPassage) -> RawPassage:
    """The first sentences of a news article, other passages whole."""
    if whole.source != "vietnews-articles":
        return whole
    least = _SYLLABLES[whole.source][0]
    ends = [end for _, end in sentence_spans(whole.text) if len(whole.text[:end].split()) >= least]
    return RawPassage(whole.source, whole.id, whole.title, whole.text[: ends[0]] if ends else "")


def sheet(passages: Iterable[tuple[int, RawPassage]]) -> str:
    """A sheet: passages with their numbers, their sentences with theirs, "17.2"; runs of white space made one."""
    lines = []
    for number, passage in passages:
        lines.append(f"### {number} · {passage.source} · {passage.id} · {len(passage.text)} · {passage.title}")
        for place, (start, end) in enumerate(sentence_spans(passage.text), start=1):
            lines.append(f"{number}.{place} {' '.join(passage.text[start:end].split())}")
    return "\n".join(lines) + "\n"


def read_line(line: str, passage: RawPassage) -> Asked:
    """A written line, "17.2 TAB question TAB answer" or "17 TAB question TAB -"; ValueError if it cannot be used."""
    fields = [" ".join(normalize(field).split()) for field in line.split("\t")]
    if len(fields) != 3:
        raise ValueError(f"{len(fields)} fields instead of 3")
    place, question, answer = fields
    if len(question.split()) < _LEAST_WORDS:
        raise ValueError("no question")
    if answer == NO_ANSWER:
        return Asked(question)
    spans = dict(enumerate(sentence_spans(passage.text), start=1))
    number = place.partition(".")[2]
    if not number.isdigit() or int(number) not in spans:
        raise ValueError(f"no sentence {place}")
    start, end = spans[int(number)]
    found = re.search(r"\s+".join(map(re.escape, answer.split())), passage.text[start:end])
    if found is None:
        raise ValueError(f"{answer!r} is not in {place}")
    if answer.lower() in question.lower():
        raise ValueError("the question tells its answer")
    return Asked(question, found[0], start + found.start())


def read_sheets(sheets: Path, wholes: dict[tuple[str, str], RawPassage]) -> Iterator[tuple[RawPassage, list[Asked]]]:
    """What was written over the sheets' passages; lines that cannot be used are said and left out."""
    for path in sorted(sheets.glob("*.txt")):
        heads = re.findall(r"^### (\d+) · (\S+) · (.+?) · (\d+) · ", path.read_text(encoding="utf-8"), re.MULTILINE)
        passages = {}
        for number, source, name, chars in heads:
            whole = wholes[source, name]
            passages[number] = RawPassage(source, name, whole.title, whole.text[: int(chars)])
        asked: dict[str, list[Asked]] = {number: [] for number in passages}
        written = path.with_suffix(".tsv")
        for place, line in enumerate(written.read_text(encoding="utf-8").splitlines() if written.exists() else ()):
            number = line.partition("\t")[0].partition(".")[0]
            try:
                if number not in passages:
                    raise ValueError(f"no passage {number}")
                one = read_line(line, passages[number])
                if one.question in (other.question for other in asked[number]):
                    raise ValueError("asked twice")
            except ValueError as error:
                print(f"{written.name}, line {place + 1}: {error}")
            else:
                asked[number].append(one)
        yield from ((passages[number], told) for number, told in asked.items() if told)


def draw(data: Path, sheets: Path, count: int, seed: int) -> None:
    """Write sheets of passages that nothing was written over yet."""
    done = {(passage.source, passage.id) for passage, _ in read_written(data)}
    rng = random.Random(seed)
    measured = {one for context in {row["context"] for row in measured_rows(data)} for one in shingles(context)}
    drawn = {
        source: (one for one in drawn_passages(data, source, measured, rng) if (one.source, one.id) not in done)
        for source in _OF_SHEET
    }
    sheets.mkdir(parents=True, exist_ok=True)
    number = 0
    for place in range(1, count + 1):
        passages = []
        for source, size in _OF_SHEET.items():
            for _, passage in zip(range(size), drawn[source], strict=False):
                number += 1
                passages.append((number, passage))
        (sheets / f"{place:03d}.txt").write_text(sheet(passages), encoding="utf-8")


def main() -> None:
    """Draw or keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("draw", "keep"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sheets", type=Path, required=True)
    parser.add_argument("--count", type=int, default=120, help="sheets to draw")
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    if options.what == "draw":
        draw(options.data, options.sheets, options.count, options.seed)
        return
    wholes = {(one.source, one.id): one for source in _OF_SHEET for one in raw_passages(options.data, source)}
    written = {(passage.source, passage.id): (passage, asked) for passage, asked in read_written(options.data)}
    written |= {
        (passage.source, passage.id): (passage, asked) for passage, asked in read_sheets(options.sheets, wholes)
    }
    keep_written(written.values())
    print(f"{sum(len(asked) for _, asked in written.values())} questions over {len(written)} passages")


if __name__ == "__main__":
    main()
