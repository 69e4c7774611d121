"""The reader's network: a Llama in the shape that llama.cpp runs under the name "llama", with tied embeddings."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from rag.llm.span_decoding import CONTROL_TOKENS, ReaderToken, sentence_token

PADDING = CONTROL_TOKENS.index(ReaderToken.PADDING)
QUESTION = CONTROL_TOKENS.index(ReaderToken.QUESTION)
ANSWER = CONTROL_TOKENS.index(ReaderToken.ANSWER)
FIRST_SENTENCE = CONTROL_TOKENS.index(sentence_token(1))
_DECISION_WEIGHT = 4.0
_MARKS_WEIGHT = 3.0
OUTSIDE, BEGIN, INSIDE = range(3)
"""What a token of a sentence is to the answer."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a network. `width` is a multiple of `heads`, `heads` of `kv_heads`, all rows of 32 (Q8_0 blocks)."""

    width: int
    layers: int
    heads: int
    kv_heads: int
    feed_forward: int
    context: int = 512
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        """Numbers of a head."""
        return self.width // self.heads


SHAPES: Mapping[str, Shape] = {
    "tiny": Shape(192, 4, 6, 3, 512),
    "compact": Shape(256, 4, 8, 8, 704),
    "small": Shape(320, 6, 5, 5, 864),
    "medium": Shape(512, 8, 8, 4, 1280),
    "large": Shape(640, 10, 10, 5, 1728),
}
"""With 16,384 tokens 4.8, 7.4, 12.7, 30.4 and 56.0 million weights."""


class Block(nn.Module):
    """Attention and feed-forward, each after its norm and beside a way round it."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kv_width = shape.kv_heads * shape.head_width
        self.attn_norm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        self.attn_q = nn.Linear(shape.width, shape.width, bias=False)
        self.attn_k = nn.Linear(shape.width, kv_width, bias=False)
        self.attn_v = nn.Linear(shape.width, kv_width, bias=False)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_norm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        self.ffn_gate = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.ffn_up = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.ffn_down = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, x: Tensor, cosines: Tensor, sines: Tensor, mask: Tensor) -> Tensor:
        """`x` has shape (rows, tokens, width), `mask` (rows, 1, tokens, tokens), the others (rows, tokens, 1, half)."""
        rows, tokens, _ = x.shape
        shape = self.shape
        inner = self.attn_norm(x)
        q = self.attn_q(inner).view(rows, tokens, shape.heads, shape.head_width)
        k = self.attn_k(inner).view(rows, tokens, shape.kv_heads, shape.head_width)
        v = self.attn_v(inner).view(rows, tokens, shape.kv_heads, shape.head_width)
        q, k = rotated(q, cosines, sines), rotated(k, cosines, sines)
        shared = shape.heads // shape.kv_heads
        if shared > 1:
            k, v = k.repeat_interleave(shared, dim=2), v.repeat_interleave(shared, dim=2)
        mixed = functional.scaled_dot_product_attention(
            q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), attn_mask=mask
        )
        x = x + self.attn_output(mixed.transpose(1, 2).reshape(rows, tokens, shape.width))
        inner = self.ffn_norm(x)
        fed: Tensor = self.ffn_down(functional.silu(self.ffn_gate(inner)) * self.ffn_up(inner))
        return x + fed


class Network(nn.Module):
    """Tokens to logits; the examples in a row do not see each other."""

    def __init__(self, shape: Shape, tokens: int) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(tokens, shape.width)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        for name, weight in self.named_parameters():
            if weight is self.token_embd.weight:
                nn.init.normal_(weight, std=0.02)
            elif weight.dim() == 2:
                # GPT-2's 0.02 fits wide networks; narrow ones attend to everything alike with it, and learn to copy
                # more slowly. What adds to the stream starts as small as the token vectors, which would drown in it.
                is_last = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * shape.layers) ** 0.5 if is_last else weight.shape[1] ** -0.5)
        halves = torch.arange(0, shape.head_width, 2, dtype=torch.float32) / shape.head_width
        self.register_buffer("frequencies", shape.rope_base**-halves, persistent=False)

    def hidden(self, tokens: Tensor) -> Tensor:
        """The last states, shape (rows, tokens, width), of tokens, shape (rows, tokens)."""
        return self.both(tokens)[1]

    def both(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """What the last layer's heads look at, and the last states; both of shape (rows, tokens, width)."""
        owner, positions = layout(tokens)
        count = tokens.shape[1]
        causal = torch.ones(count, count, dtype=torch.bool, device=tokens.device).tril()
        mask = (owner[:, :, None] == owner[:, None, :]) & causal
        frequencies = self.get_buffer("frequencies")
        angles = positions[:, :, None, None].float() * frequencies
        before = x = self.token_embd(tokens)
        for block in self.blk:
            before, x = x, block(x, angles.cos(), angles.sin(), mask[:, None])
        return functional.rms_norm(before, before.shape[-1:]), self.output_norm(x)

    def logits(self, states: Tensor) -> Tensor:
        """Logits of the next token, shape (…, vocabulary), of states, shape (…, width)."""
        logits: Tensor = functional.linear(states, self.token_embd.weight)
        return logits

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits, shape (rows, tokens, vocabulary), of tokens, shape (rows, tokens)."""
        return self.logits(self.hidden(tokens))


def layout(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """To which example each token of a row belongs, and its position in it; both of the shape of `tokens`.

    An example begins with the question token; a row without one is a single example.
    """
    begins = tokens == QUESTION
    places = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
    first = torch.where(begins, places, torch.zeros_like(places)).cummax(dim=1).values
    return begins.cumsum(dim=1), places - first


class Marker(nn.Module):
    """Tells of each token of a sentence whether the answer begins there or goes on; only while training.

    An answer's few tokens say late and faintly where the network should have looked; this says it at each token, in
    what the last layer looks at when it copies. The marker itself is thrown away.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.output = nn.Linear(width, 3)

    def loss(self, states: Tensor, marks: Tensor) -> Tensor:
        """The mean loss over the marks, shape (rows, tokens), that are not negative; `states` has one more axis."""
        told = marks >= 0
        weights = torch.tensor((1.0, 3.0, 3.0), device=states.device)
        return functional.cross_entropy(self.output(states[told]).float(), marks[told], weights)


def answer_marks(tokens: Tensor) -> Tensor:
    """OUTSIDE, BEGIN or INSIDE for each token of a sentence, -1 elsewhere; shape (rows, tokens) as `tokens`.

    Where the answer's tokens stand more than once in the cited sentence, the first place counts.
    """
    marks = torch.full(tokens.shape, -1)
    for row, ids in enumerate(tokens.tolist()):
        begins = [place for place, token in enumerate(ids) if token == QUESTION]
        for begin, end in zip(begins, [*begins[1:], len(ids)], strict=True):
            _mark(ids, begin, end, marks[row])
    return marks


def _mark(ids: list[int], begin: int, end: int, marks: Tensor) -> None:
    controls = len(CONTROL_TOKENS)
    first = next((place for place in range(begin + 1, end) if FIRST_SENTENCE <= ids[place] < controls), end)
    if ANSWER not in ids[first:end]:
        return
    answer = ids.index(ANSWER, first, end)
    words = [place for place in range(first, answer) if ids[place] >= controls]
    marks[words] = OUTSIDE
    cited, span = ids[answer + 1], [token for token in ids[answer + 2 : end] if token >= controls]
    if not span or cited not in ids[first:answer]:
        return
    # Marks of where the evidence step points may stand inside the span.
    words = [place for place in words if place > ids.index(cited, first, answer)]
    tokens = [ids[place] for place in words]
    for at in range(len(tokens) - len(span) + 1):
        if tokens[at : at + len(span)] == span:
            marks[words[at : at + len(span)]] = INSIDE
            marks[words[at]] = BEGIN
            return


def loss_of(
    network: Network, tokens: Tensor, context_weight: float, context_share: float = 1.0, marker: Marker | None = None
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The weighted loss of rows, with the marker's where there is one; the answers' tokens' mean loss alone (detached).

    An answer's token weighs 1, its citation and the first of its span more: all others only go on. Of the tokens of
    question and sentences a random `context_share` counts, each with `context_weight`: logits over the whole vocabulary
    are the dearest part of a small network.
    """
    looked_at, states = network.both(tokens)
    states = states[:, :-1]
    targets = tokens[:, 1:]
    owner, _ = layout(tokens)
    # The first token of the next example is nothing that could be foretold.
    counted = (targets != PADDING) & (owner[:, 1:] == owner[:, :-1])
    is_answer = in_answer(tokens)[:, :-1] & counted
    drawn = torch.rand(targets.shape, device=tokens.device) < (context_share if context_weight else 0.0)
    chosen = is_answer | (drawn & counted)
    told = is_answer[chosen]
    losses = functional.cross_entropy(network.logits(states[chosen]).float(), targets[chosen], reduction="none")
    is_cited = tokens[:, :-1] == ANSWER
    decides = (is_cited | functional.pad(is_cited, (1, 0))[:, :-1])[chosen]
    weights = torch.where(told, torch.where(decides, _DECISION_WEIGHT, 1.0), context_weight)
    answers = (losses * told).sum() / told.sum().clamp(min=1)
    loss = (losses * weights).sum() / weights.sum().clamp(min=1e-6)
    if marker is not None:
        loss = loss + _MARKS_WEIGHT * marker.loss(looked_at, answer_marks(tokens.cpu()).to(tokens.device))
    return loss, answers.detach()


def in_answer(tokens: Tensor) -> Tensor:
    """Whether each token is the answer mark or stands behind it in its example."""
    places = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens) + 1
    none = torch.zeros_like(places)
    asked = torch.where(tokens == QUESTION, places, none).cummax(dim=1).values
    answered = torch.where(tokens == ANSWER, places, none).cummax(dim=1).values
    return answered > asked


def rotated(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Rotary positions over neighbouring pairs of numbers, as llama.cpp has them for "llama" (arXiv:2104.09864)."""
    even, odd = x[..., 0::2].float(), x[..., 1::2].float()
    turned = torch.stack((even * cosines - odd * sines, even * sines + odd * cosines), dim=-1)
    return turned.flatten(-2).to(x.dtype)
