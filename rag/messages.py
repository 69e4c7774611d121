"""What the program says to people, in English and in Vietnamese."""

from typing import Any

_MESSAGES = {
    "indexed": (
        "{documents} documents, {chunks} passages: {added} added, {changed} changed, {removed} removed,"
        " {unchanged} unchanged ({seconds:.1f} s)",
        "{documents} tài liệu, {chunks} đoạn: thêm {added}, đổi {changed}, bỏ {removed}, giữ nguyên {unchanged}"
        " ({seconds:.1f} giây)",
    ),
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
    "left_out": (
        "{details} of the passages with evidence did not fit into the model's window: raise llm.context_tokens",
        "{details} đoạn có căn cứ không vừa cửa sổ của mô hình nên không được đọc: hãy tăng llm.context_tokens",
    ),
    "cut_tokens": (
        "The answer is cut at {details} tokens (llm.max_tokens).",
        "Câu trả lời bị cắt ở mức {details} token (llm.max_tokens).",
    ),
    "cut_time": (
        "The answer is cut after {details} s (llm.time_limit_s).",
        "Câu trả lời bị cắt sau {details} giây (llm.time_limit_s).",
    ),
    "cut_loop": (
        "The answer ends where the model began to repeat itself.",
        "Câu trả lời dừng ở chỗ mô hình bắt đầu lặp lại.",
    ),
    "other_language": (
        "The model did not answer in Vietnamese, asked twice.",
        "Mô hình không trả lời bằng tiếng Việt dù đã được nhắc lại.",
    ),
    "server_down": (
        "The server of the language model gave no answer ({details}): the documents are quoted instead.",
        "Máy chủ mô hình ngôn ngữ không trả lời ({details}): thay vào đó là trích nguyên văn tài liệu.",
    ),
    "serving": ("The page is at {address} (Ctrl-C ends it).", "Trang đã mở tại {address} (Ctrl-C để dừng)."),
    "model_added": ("{name} ({megabytes} MB) is in models/ now.", "{name} ({megabytes} MB) đã có trong models/."),
    "no_llm": (
        "No language model in models/: answers quote the documents.",
        "Chưa có mô hình ngôn ngữ trong models/: câu trả lời trích nguyên văn tài liệu.",
    ),
}


def message(name: str, lang: str, /, **values: Any) -> str:
    """The message of this name in "en" or "vi", filled in."""
    english, vietnamese = _MESSAGES[name]
    return (vietnamese if lang == "vi" else english).format(**values)
