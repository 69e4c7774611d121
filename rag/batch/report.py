"""A run's figures and failures as one HTML file without network or library."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from rag.batch.charts import charts
from rag.batch.html_parts import figure, page, sortable_list, sortable_table
from rag.batch.metrics import answer_spans
from rag.batch.tables import FAILURE_MEANINGS, counts, interval, kind_columns, resources_used, shown_value
from rag.markup import SUPPORT_LABELS, marked_text

HEADLINES = (
    "right", "recall@5", "passage_ndcg@10", "answer_in_text", "f1", "citation_validity", "refusal_auroc",
    "false_refusal_rate",
)  # fmt: skip
SHOWN_FAILURES = 300
"""More of them make a file that browsers are slow with; all stand in results.jsonl."""
SHOWN_PASSAGES = 5
_SORTED_BY = ("why", "kind", "id", "f1", "confidence", "document")


def figures_html(metrics: Mapping[str, Any]) -> str:
    """The figures as an HTML fragment: overall, then by kind."""
    rows = [
        [(name, name), *_cells(found)] for name, found in metrics["overall"].items()
    ]  # fmt: skip
    parts = [f"<p>{html.escape(counts(metrics))}</p>", sortable_table(("metric", "value", "95% interval", "n"), rows)]
    if metrics["by_kind"]:
        columns = kind_columns(metrics)
        kind_rows = [
            [(kind or "(none)", kind), (str(figures["n"]), figures["n"])]
            + [(shown_value(figures, name), figures[name]["value"] if name in figures else -1) for name in columns]
            for kind, figures in metrics["by_kind"].items()
        ]
        parts += ["<h2>By kind</h2>", sortable_table(("kind", "n", *columns), kind_rows)]
    return "".join(parts)


def report_html(metrics: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> str:
    """The whole report of a run, from the content of `metrics.json` and its lines."""
    configuration = metrics["configuration"]
    title = f"Evaluation on {configuration['questions']['name'] or 'a question set'}"
    about = f"{metrics['date']} · {configuration['generator']} · {configuration['embedding']['name']}"
    times = [
        [(step, step), *((f"{time[column]:.1f}", time[column]) for column in ("p50", "p95"))]
        for step, time in metrics["latency_ms"].items()
    ]
    parts = [
        f"<h1>{html.escape(title)}</h1><p class='note'>{html.escape(about)}</p>",
        _cards(metrics["overall"]),
        "<h2>Figures</h2>",
        figures_html(metrics),
        "<h2>Charts</h2>",
        *(figure(chart.svg) for chart in charts(metrics, results).values()),
        "<h2>Milliseconds</h2>",
        sortable_table(("step", "p50", "p95"), times),
        f"<p>{html.escape(resources_used(metrics))}</p>",
        *_failures(metrics["failures"], results),
    ]
    settings = "\n".join(f"{setting} = {value}" for setting, value in _leaves(configuration))
    parts.append(
        f"<h2>Configuration</h2><details><summary>All values</summary><pre>{html.escape(settings)}</pre></details>"
    )
    return page(title, parts)


def _failures(failures: Mapping[str, int], results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why answers are wrong, and each wrong one to be opened."""
    wrong = [line for line in results if line["failure"]]
    parts = [f"<h2>Wrong answers: {len(wrong)} of {len(results)}</h2>", _failure_counts(failures)]
    if wrong:
        parts.append(sortable_list("failures", _SORTED_BY, map(_failure, wrong[:SHOWN_FAILURES])))
    if len(wrong) > SHOWN_FAILURES:
        parts.append(f"<p>{len(wrong) - SHOWN_FAILURES} more stand in results.jsonl.</p>")
    return parts


def _cells(found: Mapping[str, Any]) -> list[tuple[str, float]]:
    shown = [(f"{found['value']:.3f}", found["value"]), (interval(found), found.get("low", -1.0))]
    return [*shown, (str(found["n"]), found["n"])]


def _cards(figures: Mapping[str, Any]) -> str:
    cards = [
        f'<div class="card"><b>{figures[name]["value"]:.3f}</b>{html.escape(name)}<br>'
        f"<small>{interval(figures[name])}</small></div>"
        for name in HEADLINES
        if name in figures
    ]
    return f'<div class="cards">{"".join(cards)}</div>'


def _failure_counts(failures: Mapping[str, int]) -> str:
    items = [
        f"<li><b>{count}</b> {html.escape(name)}: {FAILURE_MEANINGS[name]}</li>" for name, count in failures.items()
    ]
    return f"<ul>{''.join(items)}</ul>"


def _failure(line: Mapping[str, Any]) -> str:
    """One wrong answer: what was expected, what came, and the passages with the expected words marked."""
    expected = " · ".join(line["answers"]) or "the corpus does not answer"
    tags = "".join(f'<span class="tag">{html.escape(tag)}</span>' for tag in (line["failure"], line["kind"]) if tag)
    keys = {
        "why": line["failure"],
        "kind": line["kind"],
        "id": line["id"],
        "f1": line["metrics"].get("f1", ""),
        "confidence": line.get("confidence") or "",
        "document": " ".join(line["docs"]),
    }
    sorted_by = "".join(f' data-{name}="{html.escape(str(key))}"' for name, key in keys.items())
    parts = [
        f"<details{sorted_by}><summary>{tags}<b>{html.escape(line['id'])}</b> {html.escape(line['question'])}",
        "</summary>",
        f"<p>Expected: {html.escape(expected)}</p>",
    ]
    if line["docs"]:
        parts.append(f"<p>In: {html.escape(', '.join(line['docs']))}</p>")
    if "answer" in line:
        reason = f" ({line['reason']})" if line["reason"] else ""
        parts.append(f"<p>Answer: {html.escape(line['answer'] + reason)}</p>")
        parts += [_quote(citation, line) for citation in line["citations"]]
    parts += [_passage(passage, line) for passage in line["retrieved"][:SHOWN_PASSAGES]]
    return "".join([*parts, "</details>"])


def _quote(citation: Mapping[str, Any], line: Mapping[str, Any]) -> str:
    signs = [
        SUPPORT_LABELS[sentence["support"]][0]
        for sentence in line["sentences"]
        if citation["number"] in sentence["citations"]
    ]
    quote = marked_text(citation["quote"], answer_spans(citation["quote"], line["answers"]))
    return f"<blockquote>{''.join(signs)} [{int(citation['number'])}] {quote}</blockquote>"


def _passage(passage: Mapping[str, Any], line: Mapping[str, Any]) -> str:
    expected = answer_spans(passage["text"], line["answers"])
    cited = [
        (citation["start_char"] - passage["start_char"], citation["end_char"] - passage["start_char"])
        for citation in line.get("citations", ())
        if citation["doc_id"] == passage["doc_id"] and citation["end_char"] > passage["start_char"]
    ]
    note = "says the expected answer" if expected else "cited words marked" if cited else ""
    summary = f"{passage['rank']}. {passage['source']} · {passage['start_char']}–{passage['end_char']} {note}"
    body = marked_text(passage["text"], expected or cited)
    return f"<details><summary>{html.escape(summary)}</summary><blockquote>{body}</blockquote></details>"


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    leaves: list[tuple[str, Any]] = []
    for name, value in tree.items():
        leaves += _leaves(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [(f"{prefix}{name}", value)]
    return leaves
