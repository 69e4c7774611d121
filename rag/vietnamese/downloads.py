"""Why a model cannot be had or put into models/: (English, Vietnamese)."""

PAIRS: tuple[tuple[str, str], ...] = (
    (
        "{url} comes without size and hash: unset HF_ENDPOINT, or name another mirror",
        "{url} không kèm kích thước và mã băm: hãy bỏ HF_ENDPOINT, hoặc nêu máy chủ khác",
    ),
    (
        "{url} is not the file that is known here (sha256 {got}…, not {known}…): unset HF_ENDPOINT, or fetch it"
        " yourself and run `rag models add FILE`",
        "{url} không phải tệp đã biết (sha256 {got}…, không phải {known}…): hãy bỏ HF_ENDPOINT, hoặc tự tải rồi chạy"
        " `rag models add TỆP`",
    ),
    (
        "{needed} are needed at {folder} and {free} are free: make room, or choose a smaller model in"
        " `rag models list`",
        "cần {needed} ở {folder} mà chỉ còn trống {free}: hãy dọn chỗ, hoặc chọn mô hình nhỏ hơn trong"
        " `rag models list`",
    ),
    (
        "{path} arrived damaged and was thrown away: run the same command again",
        "{path} tải về bị hỏng nên đã bỏ: hãy chạy lại lệnh đó",
    ),
    (
        "{name} is being downloaded already: wait for it, or end that process",
        "{name} đang được tải: hãy đợi, hoặc dừng tiến trình đó",
    ),
    (
        "{path} cannot be downloaded while HF_HUB_OFFLINE is set: unset it",
        "không tải được {path} khi đặt HF_HUB_OFFLINE: hãy bỏ biến đó",
    ),
    (
        "{url} cannot be downloaded (HTTP {status}): {way_out}",
        "không tải được {url} (HTTP {status}): {way_out}",
    ),
    ("choose another model in `rag models list`", "hãy chọn mô hình khác trong `rag models list`"),
    ("try again later", "hãy thử lại sau"),
    (
        "no network: {path} cannot be downloaded ({kind}: {error}): run the same command again when there is one, it"
        " goes on where it stopped; or fetch {url} on another machine and {then}",
        "không có mạng: không tải được {path} ({kind}: {error}): khi có mạng hãy chạy lại lệnh đó, nó tải tiếp từ chỗ"
        " dừng; hoặc tải {url} trên máy khác và {then}",
    ),
    ("run `rag models add FILE` here", "chạy `rag models add TỆP` ở đây"),
    ("name its folder in embedding.model", "nêu thư mục của nó ở embedding.model"),
    (
        "{path} cannot be stored ({error}): check the space and the rights",
        "không lưu được {path} ({error}): hãy kiểm tra chỗ trống và quyền",
    ),
    (
        "{name} is in models/ already: remove it first or rename the new one",
        "{name} đã có trong models/: hãy bỏ nó trước hoặc đổi tên tệp mới",
    ),
    (
        "no preset {name}: choose one of {known}, or `rag models add FILE`",
        "không có {name} trong danh sách: hãy chọn một trong {known}, hoặc `rag models add TỆP`",
    ),
    (
        "{path} needs {size} GB at {folder} and {free} GB are free: make room, or use --link",
        "{path} cần {size} GB ở {folder} mà chỉ còn trống {free} GB: hãy dọn chỗ, hoặc dùng --link",
    ),
    (
        "{path} cannot be copied to {folder} ({error}): check the space and the rights there",
        "không chép được {path} vào {folder} ({error}): hãy kiểm tra chỗ trống và quyền ở đó",
    ),
    (
        "{path} cannot be written ({error}): check the rights there",
        "không ghi được {path} ({error}): hãy kiểm tra quyền ở đó",
    ),
)
