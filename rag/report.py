"""A run's figures for people: a table for the terminal, and one HTML file without network or library."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rag.markup import SUPPORT_LABELS, marked_text
from rag.metrics import answer_spans
from rag.results import FIGURES

HEADLINES = ("recall@5", "ndcg@10", "answer_in_text", "f1", "citation_validity", "refusal_recall", "false_refusal_rate")
BY_KIND = ("recall@1", "ndcg@10", "answer_in_text", "f1", "refusal_recall", "false_refusal_rate")
"""What a table by kind has room for in a terminal."""
SHOWN_FAILURES = 300
"""More of them make a file that browsers are slow with; all stand in results.jsonl."""
SHOWN_PASSAGES = 5

FAILURE_MEANINGS = {
    "not_retrieved": "no passage that was found could have answered",
    "refused_wrongly": "a passage could have answered, the answer was a refusal",
    "not_selected": "the answer rests on other sentences than those that say it",
    "not_said": "the quotes say it, the text does not",
    "answered_wrongly": "the corpus does not answer, and still there was an answer",
}

# Nothing may be fetched, whatever a document or an answer holds.
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Evaluation</title><style>
:root{color-scheme:light dark;--line:#8885;--soft:#8882;--mark:#ffe08a}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}
.cards{display:flex;flex-wrap:wrap;gap:.75rem}
.card{border:1px solid var(--line);border-radius:.5rem;padding:.6rem .9rem}
.card b{display:block;font-size:1.5rem}.card small,.note{opacity:.75}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th button{all:unset;cursor:pointer}
th button:focus-visible{outline:2px solid}
details{border:1px solid var(--line);border-radius:.4rem;padding:.4rem .8rem;margin:.5rem 0}
details details{background:var(--soft)}summary{cursor:pointer}
.tag{font-size:.85em;border:1px solid var(--line);border-radius:1rem;padding:0 .6em;margin-right:.4em}
blockquote{margin:.5rem 0;padding-left:.8rem;border-left:3px solid var(--line);white-space:pre-wrap}
mark{background:var(--mark);color:#111}pre{white-space:pre-wrap;overflow-wrap:anywhere}
</style></head><body>
"""
_SORTING = """<script>
for (const button of document.querySelectorAll("th button")) button.addEventListener("click", () => {
  const cell = button.parentElement, body = cell.closest("table").tBodies[0], place = cell.cellIndex;
  const down = cell.getAttribute("aria-sort") !== "descending";
  for (const other of cell.parentElement.cells) other.removeAttribute("aria-sort");
  cell.setAttribute("aria-sort", down ? "descending" : "ascending");
  const value = row => row.cells[place]?.dataset.value ?? "";
  const order = (a, b) => place ? Number(value(a)) - Number(value(b)) : value(a).localeCompare(value(b));
  body.append(...[...body.rows].sort((a, b) => down ? order(b, a) : order(a, b)));
});
</script></body></html>
"""


def terminal_table(metrics: Mapping[str, Any]) -> str:
    """The figures of `rag.results.summarize` as plain text: overall with intervals, by kind, times, failures."""
    lines = [_counts(metrics), "", f"{'':20} {'value':>7}   {'95% interval':<15} {'n':>6}"]
    lines += [
        f"{name:20} {figure['value']:7.3f}   {_interval(figure):<15} {figure['n']:6}"
        for name, figure in metrics["overall"].items()
    ]
    columns = _kind_columns(metrics)
    if metrics["by_kind"]:
        width = max(len(kind) for kind in metrics["by_kind"]) + 2
        lines += ["", f"{'by kind':{width}}" + f"{'n':>6}" + "".join(f"  {name:>7}" for name in columns)]
        for kind, figures in metrics["by_kind"].items():
            cells = "".join(f"  {_value(figures, name):>{max(len(name), 7)}}" for name in columns)
            lines.append(f"{kind or '(none)':{width}}{figures['n']:6}{cells}")
    if metrics["latency_ms"]:
        lines += ["", f"{'milliseconds':20} {'p50':>9} {'p95':>9}"]
        lines += [f"{step:20} {time['p50']:9.1f} {time['p95']:9.1f}" for step, time in metrics["latency_ms"].items()]
    if metrics["failures"]:
        lines += ["", "why answers are wrong"]
        lines += [f"{name:20} {count:7}   {FAILURE_MEANINGS[name]}" for name, count in metrics["failures"].items()]
    if metrics.get("unknown_docs"):
        lines += ["", f"not in the corpus: {', '.join(metrics['unknown_docs'])}"]
    return "\n".join(lines)


def figures_html(metrics: Mapping[str, Any]) -> str:
    """The figures as an HTML fragment: overall, then by kind."""
    rows = [
        [(name, name), *_cells(figure)] for name, figure in metrics["overall"].items()
    ]  # fmt: skip
    parts = [f"<p>{html.escape(_counts(metrics))}</p>", _table(("metric", "value", "95% interval", "n"), rows)]
    if metrics["by_kind"]:
        columns = _kind_columns(metrics)
        kind_rows = [
            [(kind or "(none)", kind), (str(figures["n"]), figures["n"])]
            + [(_value(figures, name), figures[name]["value"] if name in figures else -1) for name in columns]
            for kind, figures in metrics["by_kind"].items()
        ]
        parts += ["<h2>By kind</h2>", _table(("kind", "n", *columns), kind_rows)]
    return "".join(parts)


def report_html(metrics: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> str:
    """The whole report of a run, from the content of `metrics.json` and its lines."""
    configuration = metrics["configuration"]
    name = configuration["questions"]["name"] or "a question set"
    about = f"{metrics['date']} · {configuration['generator']} · {configuration['embedding']['name']}"
    times = [
        [(step, step), *((f"{time[column]:.1f}", time[column]) for column in ("p50", "p95"))]
        for step, time in metrics["latency_ms"].items()
    ]
    wrong = [line for line in results if line["failure"]]
    parts = [
        _HEAD,
        f"<h1>Evaluation on {html.escape(name)}</h1><p class='note'>{html.escape(about)}</p>",
        _cards(metrics["overall"]),
        "<h2>Figures</h2>",
        figures_html(metrics),
        "<h2>Milliseconds</h2>",
        _table(("step", "p50", "p95"), times),
        f"<h2>Wrong answers: {len(wrong)} of {len(results)}</h2>",
        _failure_counts(metrics["failures"]),
        *(_failure(line) for line in wrong[:SHOWN_FAILURES]),
    ]
    if len(wrong) > SHOWN_FAILURES:
        parts.append(f"<p>{len(wrong) - SHOWN_FAILURES} more stand in results.jsonl.</p>")
    settings = "\n".join(f"{setting} = {value}" for setting, value in _leaves(configuration))
    parts.append(
        f"<h2>Configuration</h2><details><summary>All values</summary><pre>{html.escape(settings)}</pre></details>"
    )
    return "".join([*parts, _SORTING])


def _counts(metrics: Mapping[str, Any]) -> str:
    return f"{metrics['n']} questions: {metrics['n_answerable']} answerable, {metrics['n_unanswerable']} not"


def _interval(figure: Mapping[str, Any]) -> str:
    return f"{figure['low']:.3f} to {figure['high']:.3f}" if "low" in figure else ""


def _value(figures: Mapping[str, Any], name: str) -> str:
    return f"{figures[name]['value']:.3f}" if name in figures else "–"


def _kind_columns(metrics: Mapping[str, Any]) -> list[str]:
    """The figures of the table by kind: all of them when nothing but retrieval was measured."""
    wanted = BY_KIND if "f1" in metrics["overall"] else FIGURES
    return [name for name in wanted if name in metrics["overall"]]


def _cells(figure: Mapping[str, Any]) -> list[tuple[str, float]]:
    shown = [(f"{figure['value']:.3f}", figure["value"]), (_interval(figure), figure.get("low", -1.0))]
    return [*shown, (str(figure["n"]), figure["n"])]


def _table(header: Iterable[str], rows: Iterable[Sequence[tuple[str, Any]]]) -> str:
    """A sortable table; each cell is (what is shown, what it is sorted by)."""
    head = "".join(f"<th><button>{html.escape(name)}</button></th>" for name in header)
    body = "".join(
        "<tr>"
        + "".join(f'<td data-value="{html.escape(str(key))}">{html.escape(text)}</td>' for text, key in row)
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cards(figures: Mapping[str, Any]) -> str:
    cards = [
        f'<div class="card"><b>{figures[name]["value"]:.3f}</b>{html.escape(name)}<br>'
        f"<small>{_interval(figures[name])}</small></div>"
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
    parts = [
        f"<details><summary>{tags}<b>{html.escape(line['id'])}</b> {html.escape(line['question'])}</summary>",
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
