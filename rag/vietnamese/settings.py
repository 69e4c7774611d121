"""What is wrong with settings, logins, models and their servers: (English, Vietnamese)."""

PAIRS: tuple[tuple[str, str], ...] = (
    (
        "cannot listen on {host}:{port}, it may be taken: choose another --port",
        "không mở được {host}:{port}, có thể đang có chương trình khác dùng: hãy chọn --port khác",
    ),
    (
        "name the file of the logins: `rag serve --auth FILE --add-login NAME`",
        "hãy nêu tệp đăng nhập: `rag serve --auth TỆP --add-login TÊN`",
    ),
    ("the two passwords differ: try again", "hai mật khẩu khác nhau: hãy thử lại"),
    (
        "{name} is no name for a login: 1 to {limit} letters without a colon",
        "{name} không dùng làm tên đăng nhập được: 1 đến {limit} chữ, không có dấu hai chấm",
    ),
    (
        "the password is too short: type at least {limit} characters",
        "mật khẩu quá ngắn: hãy gõ ít nhất {limit} ký tự",
    ),
    (
        "{host} lets other machines in, so name who may come: `rag serve --auth FILE --add-login NAME` makes the file,"
        " then `rag serve --host {host} --auth FILE`",
        "{host} cho máy khác vào, nên phải nêu ai được vào: `rag serve --auth TỆP --add-login TÊN` tạo tệp,"
        " rồi `rag serve --host {host} --auth TỆP`",
    ),
    (
        "{file} names nobody: run `rag serve --auth {file} --add-login NAME`",
        "{file} không nêu ai: hãy chạy `rag serve --auth {file} --add-login TÊN`",
    ),
    (
        "{file} cannot be written ({error}): name another with --auth",
        "không ghi được {file} ({error}): hãy nêu tệp khác bằng --auth",
    ),
    (
        "{file} cannot be read ({error}): make it with `rag serve --auth {file} --add-login NAME`",
        "không đọc được {file} ({error}): hãy tạo bằng `rag serve --auth {file} --add-login TÊN`",
    ),
    (
        "{file}, line {number}: is no login (name:scrypt:salt:hash): remove it and run"
        " `rag serve --auth {file} --add-login NAME`",
        "{file}, dòng {number}: không phải một đăng nhập (tên:scrypt:muối:băm): hãy bỏ dòng đó và chạy"
        " `rag serve --auth {file} --add-login TÊN`",
    ),
    (
        'the package mcp is not installed: run `pip install "mcp>=1.21,<2"`, or leave out --mcp',
        'chưa cài gói mcp: hãy chạy `pip install "mcp>=1.21,<2"`, hoặc bỏ --mcp',
    ),
    (
        "unknown variable {name}: the settings are listed in README.md",
        "không có biến {name}: các thiết lập nêu trong README.vi.md",
    ),
    (
        "{name} in {origin} is a section, not a value: write [{name}]",
        "{name} trong {origin} là một mục, không phải giá trị: hãy viết [{name}]",
    ),
    (
        "{name} in {origin} is a value, not a section: write {name} = …",
        "{name} trong {origin} là một giá trị, không phải mục: hãy viết {name} = …",
    ),
    (
        "{name} = {value} is out of range: choose {least} to {most}",
        "{name} = {value} ngoài khoảng cho phép: hãy chọn từ {least} đến {most}",
    ),
    (
        "llm.base_url = {value}: write an address such as http://127.0.0.1:8080/v1",
        "llm.base_url = {value}: hãy viết một địa chỉ như http://127.0.0.1:8080/v1",
    ),
    (
        "{file} cannot be read as TOML ({error}): mend it or name another with --config",
        "không đọc được {file} như TOML ({error}): hãy sửa hoặc nêu tệp khác bằng --config",
    ),
    (
        "llm.api_key in {origin}: a key belongs in no file, set the variable {name}",
        "llm.api_key trong {origin}: không để khóa trong tệp, hãy đặt biến {name}",
    ),
    (
        "unknown setting {name} in {origin}: one of {known}",
        "không có thiết lập {name} trong {origin}: một trong {known}",
    ),
    ("{name} = {value} in {origin}: {wanted}", "{name} = {value} trong {origin}: {wanted}"),
    ("a value of type {kind} is needed", "cần một giá trị kiểu {kind}"),
    ("choose one of {known}", "hãy chọn một trong {known}"),
    (
        "{setting} = {wanted}, but the model reads at most {places} tokens: choose 0 to {places}",
        "{setting} = {wanted}, nhưng mô hình chỉ đọc được {places} token: hãy chọn từ 0 đến {places}",
    ),
    (
        "{setting} = {wanted}, but this model has no limit to set: leave it at 0",
        "{setting} = {wanted}, nhưng mô hình này không có giới hạn để đặt: hãy để 0",
    ),
    (
        "one text at a time does not fit into the memory: lower max_tokens, take a smaller model, or set"
        ' device = "cpu"',
        'từng đoạn một cũng không vừa bộ nhớ: hãy giảm max_tokens, dùng mô hình nhỏ hơn, hoặc đặt device = "cpu"',
    ),
    (
        "the {what} {name} cannot be loaded ({error}): check {settings}",
        "không nạp được {what} {name} ({error}): hãy kiểm tra {settings}",
    ),
    (
        "embedding.pooling = {value}, but the model has no pooling to set: leave it empty",
        "embedding.pooling = {value}, nhưng mô hình không có cách gộp để đặt: hãy để trống",
    ),
    (
        'embedding.backend = {value} needs {packages}: run `pip install "sentence-transformers[{extra}]"` or leave'
        ' the backend at "torch"',
        'embedding.backend = {value} cần {packages}: hãy chạy `pip install "sentence-transformers[{extra}]"` hoặc để'
        ' "torch"',
    ),
    (
        "embedding.dimension = {value}, but {name} gives {dimension} numbers: choose 0 to {most}",
        "embedding.dimension = {value}, nhưng {name} cho {dimension} số: hãy chọn từ 0 đến {most}",
    ),
    (
        "embedding.pooling = {value}, but {name} is a static model, which always takes the mean: leave it empty",
        "embedding.pooling = {value}, nhưng {name} là mô hình tĩnh, luôn lấy trung bình: hãy để trống",
    ),
    (
        "{folder} is not a static embedding ({error}): run `rag models check`",
        "{folder} không phải mô hình nhúng tĩnh ({error}): hãy chạy `rag models check`",
    ),
    (
        "{name} did not get to its first word in {seconds} s: raise llm.time_limit_s, lower retrieval.passages or take"
        " a smaller model",
        "{name} chưa viết được từ nào sau {seconds} giây: hãy tăng llm.time_limit_s, giảm retrieval.passages hoặc dùng"
        " mô hình nhỏ hơn",
    ),
    (
        "{name} stopped while writing ({error}): try --llm none",
        "{name} dừng giữa chừng ({error}): hãy thử trích nguyên văn (--llm none)",
    ),
    (
        "a window of {tokens} tokens holds no passage: raise llm.context_tokens or lower chunking.chunk_chars",
        "cửa sổ {tokens} token không chứa nổi một đoạn: hãy tăng llm.context_tokens hoặc giảm chunking.chunk_chars",
    ),
    (
        "{name} does not run here ({cause}): {way_out}",
        "{name} không chạy được ở đây ({cause}): {way_out}",
    ),
    ("run `make llm`, or use --llm none", "hãy chạy `make llm`, hoặc dùng --llm none"),
    (
        "take a smaller model (`rag models list`), or use --llm none",
        "hãy dùng mô hình nhỏ hơn (`rag models list`), hoặc --llm none",
    ),
    (
        "download it again, run `make llm`, or use --llm none",
        "hãy tải lại, chạy `make llm`, hoặc dùng --llm none",
    ),
    (
        "{path} is not a GGUF file: download it again or convert it with llama.cpp",
        "{path} không phải tệp GGUF: hãy tải lại hoặc chuyển đổi bằng llama.cpp",
    ),
    (
        "{name} did not run within {seconds} s: try a smaller model",
        "{name} không chạy xong trong {seconds} giây: hãy thử mô hình nhỏ hơn",
    ),
    ("{path} cannot be read ({error}): check the path", "không đọc được {path} ({error}): hãy kiểm tra đường dẫn"),
    (
        "llama.cpp cannot load {path}: run `rag models check {path}`",
        "llama.cpp không nạp được {path}: hãy chạy `rag models check {path}`",
    ),
    (
        "the reader lacks {missing}: make it again with models/training/reader_export.py",
        "mô hình đọc thiếu {missing}: hãy tạo lại bằng models/training/reader_export.py",
    ),
    (
        "{path} has no chat template: choose a chat (instruct) model",
        "{path} không có mẫu hội thoại: hãy chọn mô hình chat (instruct)",
    ),
    (
        "the chat template of {path} is broken ({error}): choose another file",
        "mẫu hội thoại của {path} bị lỗi ({error}): hãy chọn tệp khác",
    ),
    (
        "llama-cpp-python is not usable ({error}): run `make clean chat`, or use --llm none",
        "không dùng được llama-cpp-python ({error}): hãy chạy `make clean chat`, hoặc dùng --llm none",
    ),
    (
        "llm.gpu_layers is {layers}, and llama-cpp-python is built for the CPU: build it for the GPU"
        " (`make llm CMAKE_ARGS=…`), or leave out --gpu-layers",
        "llm.gpu_layers là {layers}, mà llama-cpp-python dựng cho CPU: hãy dựng cho GPU (`make llm CMAKE_ARGS=…`),"
        " hoặc bỏ --gpu-layers",
    ),
    (
        "no language model {name} (in models/: {known}): name a GGUF file, or use --llm none",
        "không có mô hình ngôn ngữ {name} (trong models/: {known}): hãy nêu một tệp GGUF, hoặc dùng --llm none",
    ),
    (
        "{name} is not in models/ yet: run `rag models pull {preset}`, or use --llm none",
        "{name} chưa có trong models/: hãy chạy `rag models pull {preset}`, hoặc dùng --llm none",
    ),
    (
        "{name} is an embedding, not a language model: name it in embedding.model of rag.toml",
        "{name} là mô hình nhúng, không phải mô hình ngôn ngữ: hãy nêu nó ở embedding.model trong rag.toml",
    ),
    (
        "there is no model {name} in models/: choose another",
        "không có mô hình {name} trong models/: hãy chọn mô hình khác",
    ),
    (
        "{path} was trained with another embedding: run models/training/matcher.py",
        "{path} được huấn luyện với mô hình nhúng khác: hãy chạy models/training/matcher.py",
    ),
    (
        "{path} holds no vectors by company ({error}): run models/training/company_vectors.py",
        "{path} không có véc-tơ từ đi cùng ({error}): hãy chạy models/training/company_vectors.py",
    ),
    (
        "{path} was trained with another embedding: run models/training/verifier.py",
        "{path} được huấn luyện với mô hình nhúng khác: hãy chạy models/training/verifier.py",
    ),
    (
        "{path} is not a verifier ({error}): run models/training/verifier.py",
        "{path} không phải mô hình thẩm tra ({error}): hãy chạy models/training/verifier.py",
    ),
    (
        "{path} was trained with another embedding: run models/training/pointer.py",
        "{path} được huấn luyện với mô hình nhúng khác: hãy chạy models/training/pointer.py",
    ),
    (
        "{path} is not a pointer ({error}): run models/training/pointer.py",
        "{path} không phải mô hình chỉ chỗ ({error}): hãy chạy models/training/pointer.py",
    ),
    (
        "{path} is not a matcher ({error}): run models/training/matcher.py",
        "{path} không phải mô hình so khớp ({error}): hãy chạy models/training/matcher.py",
    ),
    (
        "{file} was trained for other features: run {recipe}",
        "{file} được huấn luyện cho đặc trưng khác: hãy chạy {recipe}",
    ),
    (
        "no model at {file}: check the settings, or run {recipe}",
        "không có mô hình ở {file}: hãy kiểm tra thiết lập, hoặc chạy {recipe}",
    ),
    (
        "{file} is not a model of this program ({error}): check the settings",
        "{file} không phải mô hình của chương trình này ({error}): hãy kiểm tra thiết lập",
    ),
    (
        "{name} is a {kind}, not a cross-encoder: name a model for reranking or leave reranking.model empty",
        "{name} là {kind}, không phải cross-encoder: hãy nêu mô hình xếp hạng lại hoặc để trống reranking.model",
    ),
    (
        "{name} gives {count} scores, a reranker gives one: name another in reranking.model",
        "{name} cho {count} điểm, mô hình xếp hạng lại chỉ cho một: hãy nêu mô hình khác ở reranking.model",
    ),
    ("its answer broke off", "câu trả lời của nó đứt giữa chừng"),
    (
        "what it sends is no chat completion: check llm.base_url",
        "nó gửi về thứ không phải chat completion: hãy kiểm tra llm.base_url",
    ),
    ("no word within {seconds} s", "không có từ nào trong {seconds} giây"),
    ("{status}: check the key in {name}", "{status}: hãy kiểm tra khóa trong {name}"),
)
