"""What the program says to people, in English and in Vietnamese."""

from typing import Any
from unicodedata import category

from rag.vietnamese.translation import in_language

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
    "approximate": (
        "Search by meaning is approximate ({index}): it finds {recall:.1%} of the ten nearest of {passages} passages"
        " ({sample} sample questions).",
        "Tìm theo nghĩa là gần đúng ({index}): tìm được {recall:.1%} trong mười đoạn gần nhất của {passages} đoạn"
        " ({sample} câu hỏi mẫu).",
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
    "page": ("page {page}", "trang {page}"),
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
    "stopped": ("Stopped here.", "Đã dừng theo ý bạn, phần trên là những gì kịp viết."),
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
    "password": ("Password", "Mật khẩu"),
    "password_again": ("Once more", "Nhập lại"),
    "login_added": ("{name} can log in now ({file}).", "{name} đã đăng nhập được ({file})."),
    "model_added": ("{name} ({megabytes} MB) is in models/ now.", "{name} ({megabytes} MB) đã có trong models/."),
    "models_in_use": (
        "embedding in use: {embedding}\nlanguage model in use: {llm}",
        "mô hình nhúng đang dùng: {embedding}\nmô hình ngôn ngữ đang dùng: {llm}",
    ),
    "quoting": ("none (answers quote the documents)", "không có (câu trả lời trích nguyên văn tài liệu)"),
    "presets_llm": ("Language models, which write the answers:", "Mô hình ngôn ngữ, để viết câu trả lời:"),
    "presets_embedding": (
        "Embeddings, in place of the bundled one, for the search by meaning:",
        "Mô hình nhúng, thay cho mô hình đi kèm, để tìm theo nghĩa:",
    ),
    "preset_needs": ("about {memory} GB of memory", "khoảng {memory} GB bộ nhớ"),
    "state_in_use": ("in use", "đang dùng"),
    "state_here": ("here", "đã có"),
    "state_large": ("only {free} GB of memory are free", "chỉ còn trống {free} GB bộ nhớ"),
    "models_how": (
        "`rag models pull NAME` downloads one; `rag models add FILE` takes any GGUF from this disk.",
        "`rag models pull TÊN` tải một mô hình; `rag models add TỆP` nhận một tệp GGUF bất kỳ trên máy.",
    ),
    "pull_stopped": (
        "Stopped; `rag models pull {name}` goes on where it stopped.",
        "Đã dừng; `rag models pull {name}` sẽ tải tiếp từ chỗ dừng.",
    ),
    "use_embedding": (
        "To use it, write this into rag.toml, then run `rag index --rebuild`:",
        "Để dùng, ghi các dòng này vào rag.toml rồi chạy `rag index --rebuild`:",
    ),
    "use_llm": (
        "Another model is in use; this one by --llm {name}, or for good in rag.toml.",
        "Đang dùng mô hình khác; dùng mô hình này bằng --llm {name}, hoặc lâu dài trong rag.toml.",
    ),
    "no_llama_cpp": (
        "llama-cpp-python is not installed, so it was not tried: run `make llm`.",
        "Chưa cài llama-cpp-python nên chưa chạy thử: hãy chạy `make llm`.",
    ),
    "check_model": ("model", "mô hình"),
    "check_size": ("parameters, quantization, file", "tham số, lượng tử hoá, tệp"),
    "check_context": ("longest context, tokens", "ngữ cảnh dài nhất, token"),
    "check_template": ("chat template", "mẫu hội thoại"),
    "check_load": ("load time", "thời gian nạp"),
    "check_prompt": ("reads, tokens/s", "đọc, token/giây"),
    "check_writing": ("writes, tokens/s", "viết, token/giây"),
    "check_memory": ("peak memory (context)", "bộ nhớ cao nhất (ngữ cảnh)"),
    "yes": ("yes", "có"),
    "no_template": (
        "no: it cannot answer questions, choose a chat (instruct) model",
        "không: không trả lời câu hỏi được, hãy chọn mô hình chat (instruct)",
    ),
    "no_llm": (
        "No language model in models/: answers quote the documents.",
        "Chưa có mô hình ngôn ngữ trong models/: câu trả lời trích nguyên văn tài liệu.",
    ),
}


def one_line(text: str) -> str:
    """The text with control characters written out: a file's name may hold line ends or a terminal's commands."""
    return "".join(char if category(char)[0] != "C" else char.encode("unicode_escape").decode() for char in text)


def message(name: str, lang: str, /, **values: Any) -> str:
    """The message of this name in "en" or "vi", filled in; `details` may be a reason, which is put into the same."""
    if "details" in values:
        values["details"] = in_language(str(values["details"]), lang)
    english, vietnamese = _MESSAGES[name]
    return (vietnamese if lang == "vi" else english).format(**values)
