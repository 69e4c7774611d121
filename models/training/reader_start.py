"""Heads that a reader begins with, set instead of learned: they look back a word or two, and for the same word.

From random weights a small network needs tens of millions of tokens before it finds that a word of a sentence stands
where the question has its question word. What finds it takes two layers of heads and is known (Olsson et al. 2022,
arXiv:2209.11895, "induction heads"); queries and keys that begin alike find equal tokens (Trockman and Kolter 2023,
arXiv:2305.09828). The training goes on from there and is free to change all of it.
"""

import torch
from reader_network import Block, Network, Shape
from torch import Tensor

_EVERYWHERE = 4.0
"""The first number of every token's vector beside the others': what all share, for heads that ask for a place."""
_SHARPNESS = 12.0
"""What each of three frequencies adds to the score of the place that is looked for."""
_FREQUENCIES = 3
"""Of the rotary positions, the quickest: one place and the next differ most in them."""
_ALIKE = 9.0
"""What an equal token scores; another scores about 0."""
_FAR = 48
"""Tokens apart at which equal ones still find each other: quicker frequencies are left out of it."""
_TOKEN_SIZE = 0.02
"""Of the numbers of a token's vector (started_rows)."""
_AWAY = 0.6
"""Of the sharpness: how much a head that would find its own token is turned away from it."""
_QUIET = 0.1
"""Of what the layers add at random: as it is, it is four times as large as the tokens' own vectors."""
_WRITTEN = 2.0
"""What a head adds to the stream, beside what the token itself has in that direction."""


@torch.no_grad()
def set_heads(network: Network, generator: torch.Generator) -> None:
    """Set the heads of a network whose token vectors have their first values already.

    In the first layer two heads look one and two tokens back; in the second, two look for tokens behind equal ones, so
    that a word of a sentence finds the question word in whose place it stands, and two for tokens that stand behind
    itself earlier. All others look for equal tokens. Each adds what it found in directions of its own.
    """
    shape = network.shape
    rows = network.token_embd.weight
    rows[:, 0] = rows[:, 1:].square().mean().sqrt() * _EVERYWHERE
    # Each head reads some directions of a token's vector and writes what it found in others.
    read, written = (_frames(shape, generator) for _ in range(2))
    for number, block in enumerate(network.blk):
        assert isinstance(block, Block)
        block.ffn_down.weight *= _QUIET
        block.attn_output.weight *= _QUIET
        for head in range(shape.kv_heads):
            query = key = _alike(shape, read[head])
            if number == 0 and head < 2:
                query, key = _looking_back(shape, head + 1)
            elif number == 1 and head < 2:
                query, key = _looking_back(shape, 0)
                query, key = query + _alike(shape, written[head]), _alike(shape, written[head]) - _AWAY * key
            elif number == 1 and head < 4:
                query, key = _alike(shape, read[head - 2]), _alike(shape, written[head - 2])
            _set(block, head, query, key, read[head], written[head])


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
        block.attn_output.weight[:, at] += _WRITTEN * _TOKEN_SIZE / shared * output.T


def _noise(weight: Tensor) -> Tensor:
    """Some of the random start, so that no two heads learn the same."""
    return 0.3 * weight


def _frames(shape: Shape, generator: torch.Generator) -> list[Tensor]:
    """For each head `head_width` directions, (head_width, width), all of them at right angles as far as there is room.

    The number that all tokens share is in none of them.
    """
    square = torch.randn(shape.width - 1, shape.width - 1, generator=generator)
    directions, _ = torch.linalg.qr(square)
    places = torch.arange(shape.kv_heads * shape.head_width) % (shape.width - 1)
    rows = torch.cat((torch.zeros(len(places), 1), directions.T[places]), dim=1)
    return list(torch.split(rows, shape.head_width))


def _alike(shape: Shape, frame: Tensor) -> Tensor:
    """Query or key, of shape (head_width, width), that is nearest to itself, be it so far away."""
    pairs = torch.arange(shape.head_width) // 2
    kept = (_FAR * shape.rope_base ** (-2 * pairs / shape.head_width) < 1).float()
    size = (_ALIKE * shape.head_width**0.5 / kept.sum()) ** 0.5
    scaled: Tensor = size * kept[:, None] * frame
    return scaled


def _looking_back(shape: Shape, tokens: int) -> tuple[Tensor, Tensor]:
    """Query and key, of shape (head_width, width), that are nearest `tokens` apart; from the number that all share."""
    query, key = torch.zeros(shape.head_width, shape.width), torch.zeros(shape.head_width, shape.width)
    size = (_SHARPNESS * shape.head_width**0.5) ** 0.5 / _EVERYWHERE
    for pair in range(_FREQUENCIES):
        turned = torch.tensor(tokens * shape.rope_base ** (-2 * pair / shape.head_width))
        query[2 * pair, 0] = size
        key[2 * pair, 0], key[2 * pair + 1, 0] = size * turned.cos(), size * turned.sin()
    return query, key
