"""Heads that a reader begins with, set instead of learned: they look back a word or two, and for the same word.

From random weights a small network needs tens of millions of tokens before it finds that a word of a sentence stands
where the question has its question word. What finds it takes two layers of heads and is known (Olsson et al. 2022,
arXiv:2209.11895, "induction heads"); queries and keys that begin alike find equal tokens (Trockman and Kolter 2023,
arXiv:2305.09828). The training goes on from there and is free to change all of it.
"""

from collections.abc import Sequence

import torch
from reader_network import Block, Network, Shape
from torch import Tensor

_EVERYWHERE = 4.0
"""The first number of every token's vector beside the others': what all share, for heads that ask for a place."""
_SHARPNESS = 12.0
"""What each of three frequencies adds to the score of the place that is looked for."""
_FREQUENCIES = 3
"""Of the rotary positions, the quickest: one place and the next differ most in them."""
_ALIKE = 18.0
"""What an equal token scores; another scores about 0."""
_FAR = 48
"""Tokens apart at which equal ones still find each other: quicker frequencies are left out of it."""
_TOKEN_SIZE = 0.1
"""Of the numbers of a token's vector: some hundred steps of the training away from nothing."""
_AWAY = 0.6
"""Of the sharpness: how much a head that would find its own token is turned away from it."""
_QUIET = 0.0007
"""Standard deviation of the random weights that add to the stream: GPT-2's 0.02 drowns the tokens' own vectors."""
_WRITTEN = 2.0
"""What a head adds to the stream, beside what the token itself has in that direction."""
_COPIED = 6.0
"""The same of the heads that copy; more than what would repeat the token itself."""
_LAST_NORM = 0.75
"""Logits of up to 10 for a token whose vector is all that is left in the stream."""


_COPYING = 4
"""Heads that copy, each other directions of a token's vector."""
Circuit = tuple[Tensor, Tensor, Tensor, Tensor]
"""Query, key, value and output of a head, each of shape (head_width, width)."""


@torch.no_grad()
def set_heads(network: Network, generator: torch.Generator) -> None:
    """Set the heads of a network whose token vectors have their first values already.

    In the first layer two heads look one and two tokens back. In the second, two look for tokens behind equal ones, so
    that a word of a sentence finds the question word in whose place it stands. In the third, four look for what stands
    behind the same token earlier, and copy it. In the last, four copy what they look at, wherever that may be. All
    others look for equal tokens, and add nothing yet.

    Raises:
        ValueError: the shape has too few layers, heads or directions for that.
    """
    shape = network.shape
    frames = _frames(shape, generator)
    if shape.layers < 4 or shape.kv_heads < _COPYING or len(frames) < _COPYING + 3:
        raise ValueError(f"{shape} has no room for these heads: take another size, or let all be learned")
    rows = network.token_embd.weight
    rows *= _TOKEN_SIZE / rows.square().mean().sqrt()
    rows[:, 0] = _TOKEN_SIZE * _EVERYWHERE
    network.output_norm.weight.fill_(_LAST_NORM)
    circuits = _circuits(shape, frames)
    for number, block in enumerate(network.blk):
        assert isinstance(block, Block)
        for weight in (block.ffn_down.weight, block.attn_output.weight):
            weight *= _QUIET / weight.std()
        for head in range(shape.kv_heads):
            own = frames[head % len(frames)]
            idle = (_alike(shape, own), _alike(shape, own), own, torch.zeros_like(own))
            _set(block, head, *circuits.get((number, head), idle))


def _circuits(shape: Shape, frames: Sequence[Tensor]) -> dict[tuple[int, int], Circuit]:
    """The heads that do something, by layer and place.

    Each reads some directions of a token's vector and writes what it found into others, which no other head reads.
    """
    named, (before, behind, place) = frames[:_COPYING], frames[_COPYING : _COPYING + 3]
    nothing = torch.zeros_like(before)
    circuits: dict[tuple[int, int], Circuit] = {
        (0, 0): (*_looking_back(shape, 1), named[0], _WRITTEN * before),
        (0, 1): (*_looking_back(shape, 2), named[0], _WRITTEN * behind),
        (1, 0): (*_elsewhere(shape, before), named[0], _WRITTEN * place),
        (1, 1): (*_elsewhere(shape, behind), named[0], _WRITTEN * place),
    }
    for head, own in enumerate(named):
        circuits[2, head] = (_alike(shape, named[0]), _alike(shape, before), own, _COPIED * own)
        circuits[shape.layers - 1, head] = (nothing, nothing, own, _COPIED * own)
    return circuits


def _set(block: Block, head: int, query: Tensor, key: Tensor, value: Tensor, output: Tensor) -> None:
    """Put these, all of shape (head_width, width), into a head and the heads that share its keys."""
    shape = block.shape
    shared = shape.heads // shape.kv_heads
    own = slice(head * shape.head_width, (head + 1) * shape.head_width)
    block.attn_k.weight[own] = _noise(block.attn_k.weight[own]) + key
    block.attn_v.weight[own] = _noise(block.attn_v.weight[own]) + value
    for one in range(head * shared, (head + 1) * shared):
        at = slice(one * shape.head_width, (one + 1) * shape.head_width)
        block.attn_q.weight[at] = _noise(block.attn_q.weight[at]) + query
        block.attn_output.weight[:, at] += _TOKEN_SIZE / shared * output.T


def _noise(weight: Tensor) -> Tensor:
    """Some of the random start, so that no two heads learn the same."""
    return 0.3 * weight


def _frames(shape: Shape, generator: torch.Generator) -> list[Tensor]:
    """Frames of `head_width` directions, (head_width, width), all at right angles and without the shared number."""
    square = torch.randn(shape.width - 1, shape.width - 1, generator=generator)
    directions, _ = torch.linalg.qr(square)
    rows = torch.cat((torch.zeros(shape.width - 1, 1), directions.T), dim=1)
    return list(torch.split(rows, shape.head_width))[: (shape.width - 1) // shape.head_width]


def _alike(shape: Shape, frame: Tensor) -> Tensor:
    """Query or key, of shape (head_width, width), that is nearest to itself, be it so far away."""
    pairs = torch.arange(shape.head_width) // 2
    kept = (_FAR * shape.rope_base ** (-2 * pairs / shape.head_width) < 1).float()
    size = (_ALIKE * shape.head_width**0.5 / kept.sum()) ** 0.5
    scaled: Tensor = size * kept[:, None] * frame
    return scaled


def _elsewhere(shape: Shape, frame: Tensor) -> tuple[Tensor, Tensor]:
    """Query and key that find what is alike, but not the token itself, which always is."""
    query, key = _looking_back(shape, 0)
    alike = _alike(shape, frame)
    return alike + query, alike - _AWAY * key


def _looking_back(shape: Shape, tokens: int) -> tuple[Tensor, Tensor]:
    """Query and key, of shape (head_width, width), that are nearest `tokens` apart; from the number that all share."""
    query, key = torch.zeros(shape.head_width, shape.width), torch.zeros(shape.head_width, shape.width)
    size = (_SHARPNESS * shape.head_width**0.5) ** 0.5 / _EVERYWHERE
    for pair in range(_FREQUENCIES):
        turned = torch.tensor(tokens * shape.rope_base ** (-2 * pair / shape.head_width))
        query[2 * pair, 0] = size
        key[2 * pair, 0], key[2 * pair + 1, 0] = size * turned.cos(), size * turned.sin()
    return query, key
