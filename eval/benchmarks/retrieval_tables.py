"""The retrieval benchmark's figures as text, beside the published ones."""

from collections.abc import Mapping
from typing import Any

from ranking_figures import MEASURES, NDCG

# nDCG@10 in percent, from the tables of ViRE (EACL 2026): other samples of at most 1,000 questions of the same sets.
PUBLISHED: dict[str, dict[str, float]] = {
    "viquad2-test": {"BM25": 81.4, "bge-m3": 89.0, "multilingual-e5-large": 91.4, "best hybrid": 94.96},
    "vinewsqa": {"BM25": 69.5, "bge-m3": 68.2, "multilingual-e5-large": 68.5, "best hybrid": 77.95},
    "virhe4qa": {"BM25": 80.3, "bge-m3": 75.5, "multilingual-e5-large": 75.2, "best hybrid": 85.23},
    "vire4mrc": {"BM25": 12.6, "bge-m3": 20.4, "multilingual-e5-large": 19.7, "best hybrid": 21.19},
    "educoqa": {"BM25": 27.9, "bge-m3": 39.4, "multilingual-e5-large": 37.7, "best hybrid": 41.19},
}

_LABEL, _COLUMN = 40, 11
_RANKER_NOTE = "   * the ranker's weights were fitted to questions of this set"


def set_table(name: str, entry: Mapping[str, Any]) -> str:
    """Every variant and system of a set with all metrics, then what was published."""
    lines = [
        "",
        f"{name}: {entry['questions']} questions about {entry['asked_about']}, {entry['documents']} documents,"
        f" {entry['chunks']} passages; percent",
        " " * _LABEL + "".join(f"{metric:>{_COLUMN}s}" for metric in MEASURES) + "     nDCG@10, 95%",
    ]
    for variant, told in entry["variants"].items():
        lines.append(_heading(variant, told))
        for system, figures in told["systems"].items():
            mark = " *" if entry["ranker_fitted_on_this_set"] and system.startswith("ranked") else ""
            values = "".join(f"{figures[metric]['value']:{_COLUMN}.1f}" for metric in MEASURES)
            interval = f"{figures[NDCG]['low']:.1f} to {figures[NDCG]['high']:.1f}"
            lines.append(f"  {system + mark:{_LABEL - 2}s}{values}     {interval}")
    if name in PUBLISHED:
        lines.append("published (ViRE), all contexts asked about")
        lines += [f"  {system:{_LABEL - 2}s}{value:{_COLUMN}.1f}" for system, value in PUBLISHED[name].items()]
    return "\n".join([*lines, _RANKER_NOTE] if entry["ranker_fitted_on_this_set"] else lines)


def _heading(variant: str, told: Mapping[str, Any]) -> str:
    if "copies_left_out" in told:
        return f"{variant}: {told['documents']} documents, {told['copies_left_out']} copies left out"
    return variant if variant == "clean" else f"{variant}: {told['questions_changed']} questions changed"


def summary_table(sets: Mapping[str, Mapping[str, Any]]) -> str:
    """nDCG@10 of every set, a line for each variant and system, and what was published."""
    cells: dict[tuple[str, str], dict[str, float]] = {}
    for name, entry in sets.items():
        for variant, told in entry["variants"].items():
            for system, figures in told["systems"].items():
                cells.setdefault((variant, system), {})[name] = figures[NDCG]["value"]
        for system, value in PUBLISHED.get(name, {}).items():
            cells.setdefault(("published", system), {})[name] = value
    width = max(len(name) for name in sets) + 3
    lines = ["", f"{'nDCG@10':{_LABEL + 2}s}" + "".join(f"{name:>{width}s}" for name in sets)]
    before = ""
    for (variant, system), values in sorted(cells.items(), key=lambda cell: cell[0][0] == "published"):
        if variant != before:
            lines.append(variant)
        before = variant
        row = "".join(f"{values[name]:{width}.1f}" if name in values else f"{'–':>{width}s}" for name in sets)
        lines.append(f"  {system:{_LABEL}s}{row}")
    held_out = [name for name in sets if sets[name]["asked_about"].startswith("held-out")]
    lines.append(
        f"asked about held-out contexts alone, the ranker fitted to such questions: {', '.join(held_out) or '–'}"
    )
    return "\n".join(lines)
