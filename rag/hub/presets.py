"""The models that `rag models pull` knows: where each lies on the hub, what it needs, what it is good for.

Sizes, licences and hashes are those that the hub shows for the pinned revision. Two well-known embeddings are left out
on purpose: BAAI/bge-m3 offers its main weights as a pickle alone, and those made from PhoBERT, such as
bkai-foundation-models/vietnamese-bi-encoder, want their words segmented beforehand, which nothing here does.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a preset is for."""

    LLM = "llm"
    EMBEDDING = "embedding"


class Tier(StrEnum):
    """Which of the presets of a kind: the quick one, the one to begin with, the best that a CPU still bears."""

    SMALL = "small"
    DEFAULT = "default"
    STRONG = "strong"


@dataclass(frozen=True, slots=True)
class Preset:
    """One model of the hub."""

    name: str
    kind: Kind
    tier: Tier
    repository: str
    revision: str
    """The commit: what is fetched tomorrow is what was fetched today."""
    files: tuple[str, ...]
    """Paths in the repository: one GGUF, or a folder of safetensors. Never a pickle: loading one runs its code."""
    megabytes: float
    """On the disk, 10**6 bytes each."""
    licence: str
    memory_gb: float
    """Free memory to run it, 10**9 bytes, estimated. An LLM: the file, the KV cache of 4,096 tokens (0.11 MB each with
    28 layers, 0.15 MB with 36), and 0.3 for work space; random weights of the shape of qwen3-0.6b took 1.2. An
    embedding: its weights, and 1 for torch and a batch."""
    good_for: str
    good_for_vi: str
    needs: str
    """What it wants in its prompt."""
    sha256: str = ""
    """Of the only file, where it is known; else only the hub's own is compared."""
    query_prefix: str = ""
    passage_prefix: str = ""

    @property
    def is_llm(self) -> bool:
        """Whether it writes answers; else it turns texts into vectors."""
        return self.kind is Kind.LLM

    def settings(self, place: str) -> str:
        """The lines of rag.toml that use it from the folder or file at `place`."""
        if self.is_llm:
            return f'[llm]\nmodel = "{self.name}"'
        lines = ["[embedding]", f'model = "{place}"']
        lines += [f'query_prefix = "{self.query_prefix}"'] if self.query_prefix else []
        lines += [f'passage_prefix = "{self.passage_prefix}"'] if self.passage_prefix else []
        return "\n".join(lines)


_SWITCH = "its chat template; thinking is switched off"
_SENTENCE_TRANSFORMER = (
    "modules.json",
    "1_Pooling/config.json",
    "config.json",
    "sentence_bert_config.json",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "model.safetensors",
)


def _e5(name: str, tier: Tier, revision: str, megabytes: float, memory_gb: float, good_for: tuple[str, str]) -> Preset:
    """A multilingual E5 model (https://arxiv.org/abs/2402.05672): 512 tokens, mean pooling."""
    return Preset(
        name,
        Kind.EMBEDDING,
        tier,
        f"intfloat/{name}",
        revision,
        _SENTENCE_TRANSFORMER,
        megabytes,
        "MIT",
        memory_gb,
        *good_for,
        needs='"query: " before a question, "passage: " before a passage; mean pooling',
        query_prefix="query: ",
        passage_prefix="passage: ",
    )


_ALL = (
    Preset(
        "qwen3-0.6b",
        Kind.LLM,
        Tier.SMALL,
        "Qwen/Qwen3-0.6B-GGUF",
        "23749fefcc72300e3a2ad315e1317431b06b590a",
        ("Qwen3-0.6B-Q8_0.gguf",),
        639.4,
        "Apache-2.0",
        1.4,
        "old or small computers; the quickest, for short answers",
        "máy cũ hoặc yếu; nhanh nhất, cho câu trả lời ngắn",
        _SWITCH,
        "9465e63a22add5354d9bb4b99e90117043c7124007664907259bd16d043bb031",
    ),
    Preset(
        "qwen3-1.7b",
        Kind.LLM,
        Tier.DEFAULT,
        "Qwen/Qwen3-1.7B-GGUF",
        "90862c4b9d2787eaed51d12237eafdfe7c5f6077",
        ("Qwen3-1.7B-Q8_0.gguf",),
        1834.4,
        "Apache-2.0",
        2.6,
        "any computer with 8 GB; the one to begin with",
        "mọi máy có 8 GB; nên bắt đầu từ đây",
        _SWITCH,
        "061b54daade076b5d3362dac252678d17da8c68f07560be70818cace6590cb1a",
    ),
    Preset(
        "qwen3-4b",
        Kind.LLM,
        Tier.STRONG,
        "Qwen/Qwen3-4B-GGUF",
        "bc640142c66e1fdd12af0bd68f40445458f3869b",
        ("Qwen3-4B-Q4_K_M.gguf",),
        2497.3,
        "Apache-2.0",
        3.4,
        "better prose, slower; four or more cores, 16 GB",
        "viết tốt hơn, chậm hơn; máy từ bốn nhân, 16 GB",
        _SWITCH,
        "7485fe6f11af29433bc51cab58009521f205840f5b4ae3a32fa7f92e8534fdf5",
    ),
    Preset(
        "qwen3-4b-2507",
        Kind.LLM,
        Tier.STRONG,
        "unsloth/Qwen3-4B-Instruct-2507-GGUF",
        "a06e946bb6b655725eafa393f4a9745d460374c9",
        ("Qwen3-4B-Instruct-2507-Q4_K_M.gguf",),
        2497.3,
        "Apache-2.0",
        3.4,
        "as qwen3-4b, newer; quantized by unsloth",
        "như qwen3-4b, mới hơn; do unsloth lượng tử hoá",
        "its chat template; it never thinks aloud",
        "3605803b982cb64aead44f6c1b2ae36e3acdb41d8e46c8a94c6533bc4c67e597",
    ),
    _e5(
        "multilingual-e5-small",
        Tier.SMALL,
        "614241f622f53c4eeff9890bdc4f31cfecc418b3",
        493.2,
        1.5,
        ("meaning instead of words, at a bearable speed on a CPU", "tìm theo nghĩa, tốc độ chấp nhận được trên CPU"),
    ),
    _e5(
        "multilingual-e5-base",
        Tier.DEFAULT,
        "d13f1b27baf31030b7fd040960d60d909913633f",
        1132.2,
        2.1,
        ("better search, for some thousand passages on a CPU", "tìm tốt hơn, cho vài nghìn đoạn trên CPU"),
    ),
    _e5(
        "multilingual-e5-large",
        Tier.STRONG,
        "ab10c1a7f42e74530fe7ae5be82e6d4f11a719eb",
        2262.2,
        3.3,
        ("the largest of the three; slow without a GPU", "lớn nhất trong ba mô hình; chậm nếu không có GPU"),
    ),
)

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}
"""By name, LLMs first, small to strong."""
