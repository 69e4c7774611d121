"""How rare each Vietnamese syllable is, counted over Wikipedia and news."""

from collections import Counter
from pathlib import Path

from raw_rows import rows

from rag.relevance.features import Rarity
from rag.text import normalize, syllables


def count_rarity(data: Path) -> Rarity:
    """In how many Wikipedia passages and news leads each syllable stands; the rarest and the numbers are left out."""
    counts: Counter[str] = Counter()
    documents = 0
    for row in rows(data / "text" / "viwiki2017-passages.jsonl.gz"):
        counts.update(set(syllables(normalize(row["text"]))))
        documents += 1
    for number, row in enumerate(rows(data / "text" / "vietnews-articles.jsonl.gz")):
        if number % 3 == 0:
            counts.update(set(syllables(normalize(f"{row['title']} {row['abstract']} {row['body'][:1000]}"))))
            documents += 1
    kept = {key: count for key, count in sorted(counts.items()) if count >= 3 and not key.replace(",", "").isdigit()}
    common = dict(sorted(kept.items(), key=lambda item: -item[1])[:12_000])
    return Rarity(common, documents)
