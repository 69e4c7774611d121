"""The frame of an HTML file that fetches nothing, with sortable tables and lists."""

import html
from collections.abc import Iterable, Sequence
from typing import Any

# Nothing may be fetched, whatever a document or an answer holds.
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>TITLE</title><style>
:root{color-scheme:light dark;--line:#8885;--soft:#8882;--mark:#ffe08a}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}
.cards{display:flex;flex-wrap:wrap;gap:.75rem}
.card{border:1px solid var(--line);border-radius:.5rem;padding:.6rem .9rem}
.card b{display:block;font-size:1.5rem}.card small,.note{opacity:.75}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th button{all:unset;cursor:pointer}
td.text{text-align:left;white-space:normal;min-width:16rem}
th button:focus-visible{outline:2px solid}
details{border:1px solid var(--line);border-radius:.4rem;padding:.4rem .8rem;margin:.5rem 0}
details details{background:var(--soft)}summary{cursor:pointer}
.tag{font-size:.85em;border:1px solid var(--line);border-radius:1rem;padding:0 .6em;margin-right:.4em}
blockquote{margin:.5rem 0;padding-left:.8rem;border-left:3px solid var(--line);white-space:pre-wrap}
mark{background:var(--mark);color:#111}pre{white-space:pre-wrap;overflow-wrap:anywhere}
.sort button{font:inherit;margin:.2rem .3rem .2rem 0;cursor:pointer}.sort button[aria-pressed=true]{font-weight:bold}
figure{margin:1rem 0;max-width:46rem}figure svg{display:block;width:100%;height:auto;border:1px solid var(--line)}
</style></head><body>
"""
_SORTING = """<script>
const compared = (a, b) => a !== "" && b !== "" && !isNaN(a) && !isNaN(b) ? a - b : a.localeCompare(b);
for (const button of document.querySelectorAll("th button")) button.addEventListener("click", () => {
  const cell = button.parentElement, body = cell.closest("table").tBodies[0], place = cell.cellIndex;
  const down = cell.getAttribute("aria-sort") !== "descending";
  for (const other of cell.parentElement.cells) other.removeAttribute("aria-sort");
  cell.setAttribute("aria-sort", down ? "descending" : "ascending");
  const value = row => row.cells[place]?.dataset.value ?? "";
  body.append(...[...body.rows].sort((a, b) => (down ? -1 : 1) * compared(value(a), value(b))));
});
for (const button of document.querySelectorAll(".sort button")) button.addEventListener("click", () => {
  const list = document.getElementById(button.parentElement.dataset.list), key = button.dataset.key;
  const down = button.dataset.down !== "yes";
  for (const other of button.parentElement.children) { other.ariaPressed = "false"; other.dataset.down = ""; }
  button.ariaPressed = "true"; button.dataset.down = down ? "yes" : "";
  const value = item => item.getAttribute("data-" + key) ?? "";
  list.append(...[...list.children].sort((a, b) => (down ? 1 : -1) * compared(value(a), value(b))));
});
</script></body></html>
"""

_NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'

Cell = tuple[str, Any]
"""What is shown, and what it is sorted by."""


def page(title: str, parts: Iterable[str]) -> str:
    """A whole HTML file of parts that are HTML; the title is text."""
    return "".join([_HEAD.replace("TITLE", html.escape(title)), *parts, _SORTING])


def sortable_table(header: Iterable[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table whose columns sort at a click on their heads; a cell without a number to sort by holds text."""
    head = "".join(f"<th><button>{html.escape(name)}</button></th>" for name in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def sortable_list(name: str, keys: Iterable[str], items: Iterable[str]) -> str:
    """Elements that buttons put in order by their attributes "data-" + key; `name` is the list's id."""
    buttons = "".join(f'<button data-key="{html.escape(key)}">{html.escape(key)}</button>' for key in keys)
    return f'<p class="sort" data-list="{name}">Sort by: {buttons}</p><div id="{name}">{"".join(items)}</div>'


def figure(svg: str) -> str:
    """A drawing of `rag.batch.plots` in its place on a page: it needs no namespace there, and so holds no address."""
    return f"<figure>{svg.replace(_NAMESPACE, '', 1)}</figure>"


def _cell(cell: Cell) -> str:
    text, key = cell
    kind = ' class="text"' if isinstance(key, str) and len(text) > 40 else ""
    return f'<td{kind} data-value="{html.escape(str(key))}">{html.escape(text)}</td>'
