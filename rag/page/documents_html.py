"""The HTML of the rail's documents: collections, the list, and how far an indexing is; everything is escaped."""

import html
from collections.abc import Collection, Sequence

from rag.indexing.progress import IndexProgress
from rag.page.document_rows import DocumentRow, DocumentState
from rag.vietnamese.translation import in_language

_SHOWN = 200
"""Documents that are listed; more are found by asking, not by reading a list."""
_STATES = {
    DocumentState.READY: "",
    DocumentState.PARTLY: "đọc được một phần",
    DocumentState.CHANGED: "tệp đã đổi",
    DocumentState.MISSING: "tệp không còn",
}
_FIRST = "Tài liệu chính"


def documents_html(
    rows: Sequence[DocumentRow],
    chosen: Collection[str],
    collections: Sequence[str],
    current: str,
    *,
    allow_folders: bool,
    may_change: bool = True,
) -> str:
    """The collections, the documents of the current one, and the ways to add some; ticked ones alone are asked."""
    listed = "".join(_row(row, row.doc_id in chosen, may_change) for row in rows[:_SHOWN])
    more = f'<p class="none">… và {len(rows) - _SHOWN} tài liệu nữa.</p>' if len(rows) > _SHOWN else ""
    told = "Đánh dấu để chỉ hỏi trong những tài liệu đó." if rows else "Chưa có tài liệu nào: thêm tệp ở dưới."
    if chosen:
        told = f"Chỉ hỏi trong {len(chosen)} tài liệu đã đánh dấu."
    if not may_change:
        told += " Tài liệu chung chỉ để đọc: tạo bộ sưu tập của bạn để thêm tệp."
    note = "none" if may_change else "none read-only"
    body = f'<p class="{note}">{told}</p><ul>{listed}</ul>{more}'
    return f"<h2>Tài liệu</h2>{_collections(collections, current)}{body}{_folder() if allow_folders else ''}"


def _collections(names: Sequence[str], current: str) -> str:
    options = "".join(
        f'<option value="{html.escape(name, quote=True)}"{" selected" if name == current else ""}>'
        f"{html.escape(name) or _FIRST}</option>"
        for name in names
    )
    select = f'<label><span>Bộ sưu tập</span><select data-collection="yes">{options}</select></label>'
    change = ""
    if current:
        key = html.escape(current, quote=True)
        change = (
            f'<div><input class="new-name" value="{key}" aria-label="Tên của bộ sưu tập này" maxlength="60">'
            f'<button type="button" data-act="retitle" data-id="{key}">Đổi tên</button></div>'
            f'<div><button type="button" data-act="drop" data-id="{key}">Xóa bộ sưu tập này</button></div>'
        )
    new = (
        '<input class="new-collection" placeholder="Tên bộ sưu tập mới" aria-label="Tên bộ sưu tập mới" maxlength="60">'
        '<button type="button" data-act="create">Tạo</button>'
    )
    title = "Thêm, đổi tên, xóa bộ sưu tập"
    return f'{select}<details class="fold"><summary>{title}</summary><div>{new}</div>{change}</details>'


def _row(row: DocumentRow, is_chosen: bool, may_change: bool) -> str:
    key, title = html.escape(row.doc_id, quote=True), html.escape(row.title)
    facts = [
        row.kind.upper(),
        f"{row.pages} trang" if row.pages else "",
        f"{row.passages} đoạn",
        "/".join(reversed(row.date.split("-"))) if row.date else "",
        _STATES[row.state],
    ]
    told = html.escape(" · ".join(fact for fact in facts if fact))
    where = html.escape(", ".join([row.source, *row.other_sources]), quote=True)
    problem = f'<small class="problem">{html.escape(in_language(row.problem, "vi"))}</small>' if row.problem else ""
    removal = "Xóa" if row.uploaded else "Bỏ khỏi danh sách"
    remove = f'<button type="button" data-act="remove" data-doc="{key}">{removal}</button>' if may_change else ""
    return (
        f'<li title="{where}"><label><input type="checkbox" data-pick="{key}"{" checked" if is_chosen else ""}>'
        f'<span class="about"><span class="name">{title}</span><small>{told}</small>{problem}</span></label>'
        f'<details class="more"><summary aria-label="Việc khác: {title}">⋯</summary><div>'
        f'<button type="button" data-act="document" data-doc="{key}">Xem</button>{remove}</div></details></li>'
    )


def _folder() -> str:
    return (
        '<details class="fold"><summary>Thêm một thư mục của máy này</summary><div>'
        '<input class="folder" placeholder="/đường/dẫn/tới/thư mục" aria-label="Đường dẫn của thư mục">'
        '<button type="button" data-act="folder">Thêm</button></div></details>'
    )


def indexing_html(at: IndexProgress | None) -> str:
    """How far an indexing is; `None` before the first file."""
    if at is None:
        return '<p class="busy" role="status">Đang đọc tài liệu…</p>'
    return (
        f'<p class="busy" role="status">Đang đọc {html.escape(at.source)} · {at.files_done}/{at.files} tệp</p>'
        f'<progress max="{max(at.files, 1)}" value="{at.files_done}"></progress>'
    )


def added_html(added: Sequence[str], failed: Sequence[tuple[str, str]]) -> str:
    """What became of files that were added: how many are there, and why each other one is not."""
    lines = [f"<p>Đã thêm {len(added)} tài liệu.</p>" if added else "<p>Không có tài liệu nào được thêm.</p>"]
    # A reason begins with the name.
    reasons = ((name, in_language(reason, "vi")) for name, reason in failed[:20])
    told = (reason if reason.startswith(name) else f"{name}: {reason}" for name, reason in reasons)
    lines += [f'<p class="problem">{html.escape(one)}</p>' for one in told]
    if len(failed) > 20:
        lines.append(f'<p class="problem">… và {len(failed) - 20} tệp nữa.</p>')
    return f'<div role="status">{"".join(lines)}</div>'
