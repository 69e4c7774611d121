"""What the program says to people, in English and in Vietnamese."""

from typing import Any
from unicodedata import category

_MESSAGES = {
    "indexed": (
        "{documents} documents, {chunks} passages: {added} added, {changed} changed, {renamed} renamed,"
        " {removed} removed, {unchanged} unchanged ({seconds:.1f} s)",
        "{documents} tài liệu, {chunks} đoạn: thêm {added}, đổi {changed}, đổi tên {renamed}, bỏ {removed},"
        " giữ nguyên {unchanged} ({seconds:.1f} giây)",
    ),
    "duplicates": (
        "Files that hold the same as another one: {duplicates}. They are indexed once and cited by every name.",
        "Số tệp trùng nội dung với tệp khác: {duplicates}. Chúng chỉ được lập chỉ mục một lần, được dẫn bằng mọi tên.",
    ),
    "not_indexed": (
        "{failed} could not be read; all else is indexed:",
        "{failed} mục không đọc được; phần còn lại đã lập chỉ mục:",
    ),
    "watching": ("Watching for changes (Ctrl-C ends it).", "Đang theo dõi thay đổi (Ctrl-C để dừng)."),
    "sound": (
        "The index is sound: {documents} documents, {chunks} passages, every checksum right ({seconds:.1f} s)",
        "Chỉ mục nguyên vẹn: {documents} tài liệu, {chunks} đoạn, mọi mã kiểm đều đúng ({seconds:.1f} giây)",
    ),
    "damaged": ("{file} is damaged ({reason}): run `{command}`", "{file} bị hỏng ({reason}): hãy chạy `{command}`"),
    "also_in": ("also in {sources}", "cũng có trong {sources}"),
    "indexing": ("{files_done}/{files} files, {rate:.1f} passages/s", "{files_done}/{files} tệp, {rate:.1f} đoạn/giây"),
    "time_left": ("{remaining} left", "còn {remaining}"),
    "truncated": (
        "{truncated} passages are longer than the embedding model reads; the search by meaning sees only their"
        " beginning, the search by words the whole: set chunking.chunk_chars lower, then `rag index --rebuild`",
        "{truncated} đoạn dài hơn mức mô hình nhúng đọc được; tìm theo nghĩa chỉ thấy phần đầu, tìm theo từ thấy cả"
        " đoạn: hãy giảm chunking.chunk_chars rồi chạy `rag index --rebuild`",
    ),
    "nothing_found": ("Nothing found.", "Không tìm thấy đoạn nào."),
    "nearest": ("Nearest passages:", "Các đoạn gần nhất:"),
    "checked": (
        "{supported} of {sentences} sentences are borne out by the words they cite.",
        "{supported}/{sentences} câu có căn cứ trong đoạn trích.",
    ),
    "no_passage": (
        "No passage shares anything with the question.",
        "Không có đoạn nào liên quan đến câu hỏi.",
    ),
    "low_evidence": (
        "No sentence of the nearest passages answers the question.",
        "Các đoạn gần nhất không có câu nào trả lời được câu hỏi.",
    ),
    "not_mentioned": (
        "The nearest document does not mention: {details}.",
        "Tài liệu gần nhất không nhắc tới: {details}.",
    ),
    "partly": ("Not found in the documents: {details}", "Không tìm thấy trong tài liệu: {details}"),
    "generator_refused": (
        "The language model found no answer in the passages.",
        "Mô hình ngôn ngữ không thấy câu trả lời trong các đoạn.",
    ),
    "cancelled": ("Stopped before the first word.", "Đã dừng trước khi có câu trả lời."),
    "serving": ("The page is at {address} (Ctrl-C ends it).", "Trang đã mở tại {address} (Ctrl-C để dừng)."),
    "model_added": ("{name} ({megabytes} MB) is in models/ now.", "{name} ({megabytes} MB) đã có trong models/."),
    "no_llm": (
        "No language model in models/: answers quote the documents.",
        "Chưa có mô hình ngôn ngữ trong models/: câu trả lời trích nguyên văn tài liệu.",
    ),
}


def one_line(text: str) -> str:
    """The text with control characters written out: a file's name may hold line ends or a terminal's commands."""
    return "".join(char if category(char)[0] != "C" else char.encode("unicode_escape").decode() for char in text)


def message(name: str, lang: str, /, **values: Any) -> str:
    """The message of this name in "en" or "vi", filled in."""
    english, vietnamese = _MESSAGES[name]
    return (vietnamese if lang == "vi" else english).format(**values)
