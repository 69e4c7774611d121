"""The tokenizer of the bundled static embedding: syllables, frequent words and pieces, from counts alone.

A static model has one vector a token, so what a token is decides what the model can know. Vietnamese writes a space
between syllables, not between words ("trí tuệ nhân tạo" is one notion), and a unit that joins syllables tells apart
what its syllables alone confuse. `Vocabulary.parts` says which shorter units a unit is made of: the training adds their
vectors to the unit's own, so that "trí tuệ" still matches inside "trí tuệ nhân tạo".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

UNKNOWN = "[UNK]"
MARK = "▁"  # stands where a space stood, and before a text's first syllable
_COUNTED_SINGLES = (1 << 15) - 1  # four of them fit one 64-bit key
# Syllables of grammar: a unit that holds one ("của Hoa Kỳ") spends a row on a seam that says nothing.
_FUNCTION = frozenset(
    "của và là được các những một trong cho với theo tại ở đã bị này đó khi từ về để do vào ra đến có không như thì mà"
    " cũng sẽ đang rằng nên nếu vì bởi trên dưới còn lại hay hoặc nó ông bà anh chị em tôi họ mình ngày tháng"
    " năm".split()
)


@dataclass(frozen=True)
class Vocabulary:
    """`pieces[i]` is the unit with id i and `log_probs[i]` its natural log-probability; id 0 is the unknown unit.

    `parts[i]` holds the ids of the shorter units inside unit i, empty for a unit of one syllable. `counts[i]` is how
    often the unit was seen in the texts that the vocabulary was made from, at least 1.
    """

    pieces: list[str]
    log_probs: list[float]
    counts: list[int]
    parts: list[list[int]]


def normalizer() -> normalizers.Normalizer:
    """The normalizer that travels in tokenizer.json: NFKC, lower case, old tone-mark style, numbers in one spelling."""
    rules: list[normalizers.Normalizer] = [normalizers.NFKC(), normalizers.Lowercase()]
    # The tone mark of an open oa, oe, uy stands on the first vowel in the old style and on the second in the new.
    # After q the u belongs to the consonant: quý has one vowel, and one spelling.
    for first, second, old, new in (
        ("o", "a", "òóỏõọ", "àáảãạ"),
        ("o", "e", "òóỏõọ", "èéẻẽẹ"),
        ("u", "y", "ùúủũụ", "ỳýỷỹỵ"),
    ):
        guard = "(?<!q)" if first == "u" else ""
        for old_vowel, new_vowel in zip(old, new, strict=True):
            rules.append(normalizers.Replace(Regex(rf"{guard}{first}{new_vowel}(?!\p{{L}})"), old_vowel + second))
    rules += [
        normalizers.Replace("ð", "đ"),  # another letter that looks the same, common in converted documents
        normalizers.Replace(Regex(r"(?<=\d)[.,](?=\d{3}(?!\d))"), ""),  # 1.500 and 1,500 are 1500
        normalizers.Replace(Regex(r"(?<![\p{L}\d.,])0+(?=\d)"), ""),  # 02/09 is 2/9
        normalizers.Replace(Regex(r"\s+"), " "),
        normalizers.Strip(),
    ]
    return normalizers.Sequence(rules)


def pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    """Runs of syllables without punctuation, each led by MARK; a unit of several syllables never spans a comma."""
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"[^\p{L}\p{M}\p{N}]*[^\p{L}\p{M}\p{N}\s][^\p{L}\p{M}\p{N}]*"), "removed"),
            pre_tokenizers.Metaspace(MARK, prepend_scheme="always", split=False),
        ]
    )


def runs(texts: Iterable[str]) -> Iterator[list[str]]:
    """The runs of normalized syllables between punctuation marks, in order."""
    normal, split = normalizer(), pre_tokenizer()
    for text in texts:
        for run, _ in split.pre_tokenize_str(normal.normalize_str(text)):
            yield run[1:].split(MARK)


def build_vocabulary(texts: Iterable[str], n_singles: int, n_words: int, n_pieces: int) -> Vocabulary:
    """The vocabulary of `texts`: `n_singles` syllables, `n_words` units of two to four, `n_pieces` for all the rest."""
    ids: dict[str, int] = {}
    stream: list[int] = []
    for run in runs(texts):
        stream.extend(ids.setdefault(syllable, len(ids) + 1) for syllable in run)
        stream.append(0)  # a unit never spans two runs
    flat = np.asarray(stream, dtype=np.int64)
    total = int(np.count_nonzero(flat))
    frequency = np.bincount(flat, minlength=len(ids) + 1)
    frequency[0] = 0
    order = np.argsort(-frequency, kind="stable")
    names = ["", *ids]
    singles = [names[i] for i in order[:n_singles] if frequency[i] > 1]
    rank = np.zeros(len(names), dtype=np.int64)
    rank[order[:_COUNTED_SINGLES]] = np.arange(1, min(_COUNTED_SINGLES, len(order)) + 1)
    rank[0] = 0
    by_rank = ["", *(names[i] for i in order[:_COUNTED_SINGLES])]
    words = _words(rank[flat], by_rank, total, set(singles), n_words)

    kept = set(singles)
    rare = {name: int(frequency[i]) for name, i in ids.items() if name not in kept}
    pieces = _pieces(rare, n_pieces)
    rare_share = log(max(1, sum(rare.values())) / total)

    units: dict[str, tuple[float, int]] = {UNKNOWN: (-30.0, 1)}
    for name in singles:
        count = int(frequency[ids[name]])
        units[MARK + name] = (log(count / total), count)
    for word, count in words.items():
        units[word] = (log(count / total), count)
    for piece, score in pieces:
        units.setdefault(piece, (score + rare_share, 1 + int(np.exp(score + rare_share) * total)))
    units.setdefault(MARK, (-30.0, 1))  # before a character of no piece; few texts may not have brought it
    index = {piece: i for i, piece in enumerate(units)}
    parts = [_parts(piece, index) for piece in units]
    return Vocabulary(list(units), [s for s, _ in units.values()], [c for _, c in units.values()], parts)


def build_tokenizer(vocabulary: Vocabulary) -> Tokenizer:
    """A tokenizer that cuts a text into the most probable units."""
    pairs = list(zip(vocabulary.pieces, vocabulary.log_probs, strict=True))
    tokenizer = Tokenizer(models.Unigram(pairs, unk_id=0, byte_fallback=False))
    tokenizer.normalizer = normalizer()
    tokenizer.pre_tokenizer = pre_tokenizer()
    return tokenizer


def _words(stream: NDArray[np.int64], names: list[str], total: int, singles: set[str], n_words: int) -> dict[str, int]:
    """The `n_words` units of two to four syllables that hold together best, with their counts."""
    bits = 15
    content = singles - _FUNCTION
    counts: dict[tuple[int, ...], int] = {(i,): int(c) for i, c in enumerate(np.bincount(stream)) if i}
    scored: list[tuple[float, tuple[int, ...]]] = []
    for size in (2, 3, 4):
        windows = [stream[i : len(stream) - size + 1 + i] for i in range(size)]
        whole = np.logical_and.reduce([w > 0 for w in windows])
        key = np.zeros(int(whole.sum()), dtype=np.int64)
        for window in windows:
            key = (key << bits) | window[whole]
        keys, seen = np.unique(key, return_counts=True)
        frequent = seen >= 12
        for packed, count in zip(keys[frequent].tolist(), seen[frequent].tolist(), strict=True):
            unit = tuple((packed >> (bits * (size - 1 - i))) & ((1 << bits) - 1) for i in range(size))
            counts[unit] = count
            # The weakest seam decides: "của Việt Nam" falls apart at its first seam, "ủy ban nhân dân" at none.
            pmi = min(log(count * total / (counts[unit[:cut]] * counts[unit[cut:]])) for cut in range(1, size))
            if pmi > 2.5 and all(names[i] in content and not names[i].isdigit() for i in unit):
                scored.append((count * pmi, unit))
    # Most "kiểm sát nhân" are the middle of "viện kiểm sát nhân dân": a unit that rarely stands alone is no unit.
    inside: Counter[tuple[int, ...]] = Counter()
    for _, unit in scored:
        for cut in {unit[1:], unit[:-1]}:
            inside[cut] = max(inside[cut], counts[unit])
    alone = sorted(((score, unit) for score, unit in scored if inside[unit] < 0.6 * counts[unit]), reverse=True)
    return {"".join(MARK + names[i] for i in unit): counts[unit] for _, unit in alone[:n_words]}


def _pieces(rare: dict[str, int], n_pieces: int) -> list[tuple[str, float]]:
    """Pieces with log-probabilities for the words that are not units themselves (rare names, foreign words)."""
    tokenizer = Tokenizer(models.Unigram())
    trainer = trainers.UnigramTrainer(
        vocab_size=n_pieces, unk_token=UNKNOWN, special_tokens=[UNKNOWN], max_piece_length=8, show_progress=False
    )
    common = {char for char, n in Counter("".join(rare)).items() if n >= 20}
    words = (MARK + w for w, n in rare.items() for _ in range(n) if n > 1 and set(w) <= common)
    tokenizer.train_from_iterator(words, trainer)
    vocab = json.loads(tokenizer.to_str())["model"]["vocab"]  # the object itself does not give its scores
    # The trainer works in several threads: its order of equal pieces and its last digits differ from run to run.
    return sorted((piece, round(score, 6)) for piece, score in vocab if piece != UNKNOWN)


def _parts(piece: str, index: dict[str, int]) -> list[int]:
    """The ids of the units of fewer syllables inside `piece`; none for a unit of one syllable."""
    syllables = piece.split(MARK)[1:]
    if len(syllables) < 2:
        return []
    spans = (
        "".join(MARK + s for s in syllables[i:j])
        for i in range(len(syllables))
        for j in range(i + 1, len(syllables) + 1)
        if j - i < len(syllables)
    )
    return [index[span] for span in spans if span in index]
