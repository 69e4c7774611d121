"""How a reader does while it is trained: questions before the best of their passage, with and without what answers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from answer_places import answer_span
from reader_corpus import WATCHED, read_lines
from reader_examples import Prompt, Reading
from reader_network import PADDING, Network
from reader_tokenizer import token_bytes
from tokenizers import Tokenizer
from training_sets import MEASURED_SET

from rag.llm.span_decoding import CONTROL_TOKENS, ReaderIds, SpanWalk
from rag.llm.span_decoding import Reading as Answered
from rag.relevance.pointing import Pointer
from rag.text import syllables

_MOST_STEPS = 52
IDS = ReaderIds.of({token: place for place, token in enumerate(CONTROL_TOKENS)})


@dataclass(frozen=True, slots=True)
class Watched:
    """A question to be asked, and its right answers; none when its prompt does not answer it."""

    prompt: tuple[int, ...]
    sentences: tuple[tuple[int, ...], ...]
    pointed: tuple[range, ...]
    answers: tuple[str, ...]


def watched_questions(corpus: Path, reading: Reading, pointer: Pointer, limit: int) -> dict[str, list[Watched]]:
    """At most `limit` questions of the held-out passages and of the measured set, each third one not answerable.

    Of an answerable one the passage answers it; whether what is shown of it does is the evidence step's part.
    """
    found: dict[str, list[Watched]] = {"held_out": [], MEASURED_SET: []}
    for number, row in enumerate(read_lines(corpus / WATCHED)):
        part = found[MEASURED_SET if row["set"] == MEASURED_SET else "held_out"]
        if len(part) >= limit:
            continue
        told, answers = reading.sentences(row["context"]), row["answers"]
        if number % 3 == 2:
            keys = [f" {' '.join(syllables(answer))} " for answer in answers]
            told = [one for one in told if not any(key in f" {' '.join(one.keys)} " for key in keys)]
            answers = []
        prompt = reading.prompt(row["question"], told, None, None, pointer)
        if prompt is not None:
            part.append(_watched(prompt, answers))
    return found


def _watched(prompt: Prompt, answers: Sequence[str]) -> Watched:
    # Without an answer the prompt's tokens end with "not there", which is for the network to say.
    sentences = tuple(told.ids for told in prompt.sentences)
    return Watched(tuple(prompt.ids()[:-1]), sentences, prompt.pointed, tuple(answers))


def measure(
    network: Network, watched: Sequence[Watched], tokenizer: Tokenizer, batch: int = 64
) -> dict[str, float]:  # fmt: skip
    """Percentages: exact match, F1 and citations of a sentence that holds an answer; refusals among both kinds.

    The first three are over the answerable ones.
    """
    pieces = token_bytes(tokenizer)
    network.eval()
    order = sorted(range(len(watched)), key=lambda place: len(watched[place].prompt))
    scores: list[tuple[float, float, float]] = []
    refused: dict[bool, list[bool]] = {True: [], False: []}
    for at in range(0, len(order), batch):
        part = [watched[place] for place in order[at : at + batch]]
        for one, answered in zip(part, _answers(network, part, pieces), strict=True):
            refused[bool(one.answers)].append(answered.sentence is None)
            if one.answers:
                cited = () if answered.sentence is None else one.sentences[answered.sentence]
                holds = answer_span(_text(cited, pieces), one.answers) is not None
                scores.append((*_scores(_text(answered.tokens, pieces), one.answers), float(holds)))
    network.train()
    exact, f1, cited_right = np.mean(np.array(scores or [(0.0, 0.0, 0.0)]), axis=0)
    return {
        "exact": round(100 * float(exact), 1), "f1": round(100 * float(f1), 1),
        "cited": round(100 * float(cited_right), 1),
        "refused_answerable": round(100 * float(np.mean(refused[True] or [False])), 1),
        "refused_unanswerable": round(100 * float(np.mean(refused[False] or [False])), 1),
    }  # fmt: skip


def _answers(network: Network, part: Sequence[Watched], pieces: Sequence[bytes]) -> Iterator[Answered]:
    """What the network answers, held to the evidence, the most probable token each time."""
    device = network.token_embd.weight.device
    walks = [SpanWalk(one.sentences, IDS, pieces.__getitem__, pointed=one.pointed) for one in part]
    rows = [list(one.prompt) for one in part]
    going = list(range(len(rows)))
    for _ in range(_MOST_STEPS):
        longest = max(len(rows[place]) for place in going)
        tokens = torch.full((len(going), longest), PADDING)
        for at, place in enumerate(going):
            tokens[at, : len(rows[place])] = torch.tensor(rows[place])
        ends = torch.tensor([len(rows[place]) - 1 for place in going], device=device)
        bf16 = torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda")
        with torch.inference_mode(), bf16:
            states = network.hidden(tokens.to(device))
            logits = network.logits(states[torch.arange(len(going), device=device), ends]).float().cpu().numpy()
        for at, place in enumerate(going):
            token = walks[place].pick(logits[at])
            if token is not None:
                rows[place].append(token)
        going = [place for place in going if not walks[place].ended]
        if not going:
            break
    yield from (walk.reading() for walk in walks)


def _text(tokens: Sequence[int], pieces: Sequence[bytes]) -> str:
    return b"".join(pieces[token] for token in tokens).decode(errors="ignore")


def _scores(text: str, answers: Sequence[str]) -> tuple[float, float]:
    """Exact match and F1 on syllables (rag/batch/metrics.py has the reported ones), the best over the answers."""
    told = syllables(text)
    best = (0.0, 0.0)
    for answer in answers:
        gold = syllables(answer)
        both = (Counter(told) & Counter(gold)).total()
        best = max(best, (float(told == gold), 2 * both / (len(told) + len(gold)) if told or gold else 0.0))
    return best
