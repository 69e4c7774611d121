"""Questions that cannot be answered, from questions that can: their name, year or number is put for another one."""

import random
from collections.abc import Sequence

from rag.language.claims import dates, names, numbers
from rag.text import syllables


def swap(question: str, pool: Sequence[str], rng: random.Random) -> str | None:
    """The question with one name, year or number put in place of its own; None when it has none."""
    years = [date.year for date in dates(question) if date.year]
    own_names = [name for name in names(question) if len(name) > 3]
    own_numbers = [number.written for number in numbers(question)]
    ways = [*(("year", str(year)) for year in years), *(("name", name) for name in own_names)]
    ways += [("number", written) for written in own_numbers]
    if not ways:
        return None
    way, old = rng.choice(ways)
    if way == "name":
        new = rng.choice(pool)
        if set(syllables(new)) & set(syllables(question)):
            return None
    elif way == "year":
        new = str(int(old) + rng.choice((-9, -4, -3, -2, 2, 3, 5, 11)))
    else:
        new = str(rng.randint(2, 97))
    return question.replace(old, new) if new != old else None


def names_in(pool: Sequence[str], rng: random.Random) -> list[str]:
    """Names of a dozen of the questions of a pool."""
    found = [name for question in rng.sample(pool, min(len(pool), 12)) for name in names(question)]
    return found or ["Hà Nội"]
