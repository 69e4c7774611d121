"""Why a file cannot be read, and what is wrong with files that are handed in: (English, Vietnamese)."""

PAIRS: tuple[tuple[str, str], ...] = (
    (
        "{source}: {size} MB is over the limit of {limit} MB: split it or raise max_file_mb",
        "{source}: {size} MB, quá giới hạn {limit} MB: hãy tách nhỏ tệp hoặc tăng max_file_mb",
    ),
    (
        "{source}: {size} MB is over the limit of {limit} MB: split it",
        "{source}: {size} MB, quá giới hạn {limit} MB: hãy tách nhỏ tệp",
    ),
    (
        "{source}: cannot be read ({error}): check its permissions",
        "{source}: không đọc được ({error}): hãy kiểm tra quyền truy cập tệp",
    ),
    (
        "{source}: cannot be copied ({error}): try it again",
        "{source}: không chép vào được ({error}): hãy thử lại",
    ),
    (
        "{source}: there is no text in it: remove it or give it content",
        "{source}: không có chữ nào bên trong: hãy bỏ tệp hoặc thêm nội dung",
    ),
    (
        "{source}: is not a text file (it holds zero bytes): save it as UTF-8 text",
        "{source}: không phải tệp văn bản (có byte 0): hãy lưu lại thành văn bản UTF-8",
    ),
    (
        "{source}: is not text in UTF-8 or UTF-16 throughout: save it as UTF-8",
        "{source}: không phải toàn bộ là UTF-8 hay UTF-16: hãy lưu lại bằng UTF-8",
    ),
    (
        "{source}: is not text in UTF-8, UTF-16 or an old Vietnamese encoding: save it as UTF-8",
        "{source}: không phải văn bản UTF-8, UTF-16 hay bảng mã tiếng Việt cũ: hãy lưu lại bằng UTF-8",
    ),
    (
        "{source}: is a damaged archive ({error}): make it again",
        "{source}: tệp nén bị hỏng ({error}): hãy nén lại",
    ),
    (
        "{source}: holds {count} files, over the limit of {limit}: unpack it, or raise max_archive_files",
        "{source}: có {count} tệp bên trong, quá giới hạn {limit}: hãy giải nén, hoặc tăng max_archive_files",
    ),
    (
        "{source}: unpacks to {size} MB, over the limit of {limit} MB: unpack it, or raise max_archive_mb",
        "{source}: giải nén ra {size} MB, quá giới hạn {limit} MB: hãy tự giải nén, hoặc tăng max_archive_mb",
    ),
    (
        "{source}: unpacks to {size} MB of text, over the limit of {limit} MB: split it or raise max_file_mb",
        "{source}: giải nén ra {size} MB chữ, quá giới hạn {limit} MB: hãy tách nhỏ hoặc tăng max_file_mb",
    ),
    (
        "{source}: holds the name {name}, which leads out of it: make the archive again",
        "{source}: có tên {name} dẫn ra ngoài tệp nén: hãy nén lại",
    ),
    (
        "{source}: is no longer in its archive: index again",
        "{source}: không còn trong tệp nén: hãy lập chỉ mục lại",
    ),
    (
        "{source}: needs a password: make the archive again without one",
        "{source}: cần mật khẩu: hãy nén lại không đặt mật khẩu",
    ),
    (
        "{source}: cannot be unpacked ({error}): make the archive again",
        "{source}: không giải nén được ({error}): hãy nén lại",
    ),
    ("{source}: the archive is empty: remove it", "{source}: tệp nén rỗng: hãy bỏ tệp này"),
    (
        "{source}: an archive in an archive is not read: unpack it",
        "{source}: không đọc tệp nén nằm trong tệp nén: hãy giải nén nó",
    ),
    (
        "{source}: is damaged ({error}): open and save it again",
        "{source}: tệp bị hỏng ({error}): hãy mở ra và lưu lại",
    ),
    (
        "{source}: is protected by a password: save it without one",
        "{source}: có mật khẩu bảo vệ: hãy lưu lại không đặt mật khẩu",
    ),
    (
        "{source}: is protected by a password: open it, and print or save it to a PDF without one",
        "{source}: có mật khẩu bảo vệ: hãy mở ra rồi in hoặc lưu thành PDF không có mật khẩu",
    ),
    (
        "{source}: is damaged or no PDF ({error}): export it again",
        "{source}: bị hỏng hoặc không phải PDF ({error}): hãy xuất lại",
    ),
    (
        "{source}: is a scan (pictures of {count} pages, no text), and {lacking}",
        "{source}: là bản quét (ảnh của {count} trang, không có chữ), mà {lacking}",
    ),
    (
        "pages {pages} are pictures and were left out: {lacking} with --rebuild",
        "các trang {pages} là ảnh nên bị bỏ qua: {lacking} với --rebuild",
    ),
    ("the pages after {limit} were left out: split it", "bỏ qua các trang sau trang {limit}: hãy tách nhỏ tệp"),
    ("tesseract is not installed: {way_out}", "máy chưa cài tesseract: {way_out}"),
    ("tesseract has no Vietnamese model: {way_out}", "tesseract chưa có mô hình tiếng Việt: {way_out}"),
    (
        "{source}: tesseract cannot read page {page} ({error}): {way_out}",
        "{source}: tesseract không đọc được trang {page} ({error}): {way_out}",
    ),
    (
        "install tesseract with its Vietnamese model (Debian, Ubuntu: apt-get install tesseract-ocr tesseract-ocr-vie;"
        " macOS: brew install tesseract tesseract-lang) and index again",
        "hãy cài tesseract cùng mô hình tiếng Việt (Debian, Ubuntu: apt-get install tesseract-ocr tesseract-ocr-vie;"
        " macOS: brew install tesseract tesseract-lang) rồi lập chỉ mục lại",
    ),
    (
        "{source}: is not an EPUB book (it names no contents): convert it again, to .epub or .docx",
        "{source}: không phải sách EPUB (không nêu nội dung): hãy chuyển đổi lại thành .epub hoặc .docx",
    ),
    (
        "{source}: the book is copy-protected: use one without DRM",
        "{source}: sách bị khóa sao chép: hãy dùng bản không có DRM",
    ),
    (
        "{source}: files of kind {suffix} are not read: save it as one of {known}",
        "{source}: không đọc được loại tệp {suffix}: hãy lưu thành một trong các loại {known}",
    ),
    (
        "{source}: files of kind {suffix} are not read: save it as {newer}",
        "{source}: không đọc được loại tệp {suffix}: hãy lưu thành {newer}",
    ),
    (
        "{source}: files of this kind are not read: save it as one of {known}",
        "{source}: không đọc được loại tệp này: hãy lưu thành một trong các loại {known}",
    ),
    (
        "{source}: is in the format of Office 97-2003: open it and save it as {newer}",
        "{source}: ở định dạng Office 97-2003: hãy mở ra và lưu thành {newer}",
    ),
    (
        "{source}: is not a document of {kind}: open it there and save it again",
        "{source}: không phải tài liệu {kind}: hãy mở bằng chương trình đó và lưu lại",
    ),
    (
        "{source}: cannot be read as {kind} ({error}: {reason}): open it and save it again",
        "{source}: không đọc được như {kind} ({error}: {reason}): hãy mở ra và lưu lại",
    ),
    (
        "{source}: is not a table of comma-separated values ({error}): save it again",
        "{source}: không phải bảng CSV ({error}): hãy lưu lại",
    ),
    (
        "{file} cannot be drawn ({error}): open it in another program",
        "không vẽ được {file} ({error}): hãy mở bằng chương trình khác",
    ),
    ("{file} has no page {page}: index it again", "{file} không có trang {page}: hãy lập chỉ mục lại"),
    (
        "{source}: it changes while it is read: run `rag index` again when it is written",
        "{source}: tệp đang thay đổi trong lúc đọc: hãy chạy lại `rag index` khi đã ghi xong",
    ),
    (
        "{name}: the folder cannot be listed ({error}): check its permissions",
        "{name}: không xem được thư mục ({error}): hãy kiểm tra quyền truy cập",
    ),
    (
        "{name}: links to folders are not followed: name that folder itself",
        "{name}: không đi theo liên kết tới thư mục: hãy nêu chính thư mục đó",
    ),
    (
        "{name}: the link leads to no file: mend or remove it",
        "{name}: liên kết không dẫn tới tệp nào: hãy sửa hoặc bỏ nó",
    ),
    (
        "no such file or folder: {root}: name a folder of documents",
        "không có tệp hay thư mục {root}: hãy nêu một thư mục tài liệu",
    ),
    ("the folder {root} has no files: {reason}", "thư mục {root} không có tệp nào: {reason}"),
    (
        "put documents (.pdf, .docx, .txt, …) into it",
        "hãy cho tài liệu (.pdf, .docx, .txt, …) vào đó",
    ),
    (
        "{files} cannot be watched ({error}): raise the system's limit of watched files"
        " (Linux: sysctl fs.inotify.max_user_watches), or run `rag index` from time to time",
        "không theo dõi được {files} ({error}): hãy tăng giới hạn số tệp được theo dõi của hệ thống"
        " (Linux: sysctl fs.inotify.max_user_watches), hoặc thỉnh thoảng chạy `rag index`",
    ),
    ("{name} is no name for a file: rename it", "{name} không dùng làm tên tệp được: hãy đổi tên"),
)
