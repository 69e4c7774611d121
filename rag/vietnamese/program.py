"""What is wrong with the index, collections, conversations, logins, questions: (English, Vietnamese)."""

PAIRS: tuple[tuple[str, str], ...] = (
    ("no index at {folder}: run `rag index`", "không có chỉ mục ở {folder}: hãy chạy `rag index`"),
    (
        "the first indexing into {folder} was not completed: run `rag index`",
        "lần lập chỉ mục đầu tiên vào {folder} chưa xong: hãy chạy `rag index`",
    ),
    (
        "the first indexing into {folder} was not completed: run `rag index` again",
        "lần lập chỉ mục đầu tiên vào {folder} chưa xong: hãy chạy lại `rag index`",
    ),
    ("{file} is damaged ({reason}): {way_out}", "{file} bị hỏng ({reason}): {way_out}"),
    ("its manifest has no {name}", "bản kê thiếu {name}"),
    ("{left} of {bytes} bytes are left", "còn {left} trong {bytes} byte"),
    ("{left} of {bytes} bytes", "{left} trong {bytes} byte"),
    ("{left} bytes, {bytes} were written", "{left} byte, lúc ghi là {bytes}"),
    ("its checksum is not that of what was written", "mã kiểm khác với lúc ghi"),
    ("document {doc_id} is not there", "thiếu tài liệu {doc_id}"),
    ("another version of this program wrote it", "do một phiên bản khác của chương trình ghi"),
    ("the text of {source} is not as it was stored", "chữ của {source} không còn như lúc lưu"),
    ("passage {row} is not there", "thiếu đoạn {row}"),
    ("passage {row} is not as it was stored", "đoạn {row} không còn như lúc lưu"),
    ("passage {row} of {source} is not as it was stored", "đoạn {row} của {source} không còn như lúc lưu"),
    ("no file is named for document {doc_id}", "tài liệu {doc_id} không có tệp nào"),
    (
        "run `rag index --rebuild` with the same folders; what is whole in it is not embedded again",
        "hãy chạy `rag index --rebuild` với các thư mục cũ; phần còn nguyên vẹn không phải nhúng lại",
    ),
    (
        "run `rag index`, which makes it again from the catalog without embedding anything",
        "hãy chạy `rag index` để dựng lại từ danh mục mà không phải nhúng lại",
    ),
    (
        "{folder} was made by the embedding model {was}, the settings name {now} (different: {different}):"
        " run `rag index --rebuild` or set embedding.model back",
        "{folder} được lập bằng mô hình nhúng {was}, còn thiết lập nêu {now} (khác: {different}):"
        " hãy chạy `rag index --rebuild` hoặc đặt lại embedding.model",
    ),
    (
        "{folder} was made with chunking {was}, the settings say {now}: run `rag index --rebuild` or set chunking back",
        "{folder} được lập với cách cắt đoạn {was}, còn thiết lập là {now}: hãy chạy `rag index --rebuild` hoặc đặt"
        " lại chunking",
    ),
    (
        "{folder} has format {was}, this version reads {now}: run `rag index --rebuild`",
        "{folder} có định dạng {was}, bản này đọc định dạng {now}: hãy chạy `rag index --rebuild`",
    ),
    (
        "{folder} holds no index of this program: run `rag index --rebuild`",
        "{folder} không chứa chỉ mục của chương trình này: hãy chạy `rag index --rebuild`",
    ),
    (
        "the index has no document {doc_id}: ask again, the index may have changed",
        "chỉ mục không có tài liệu {doc_id}: hãy hỏi lại, chỉ mục có thể đã đổi",
    ),
    (
        "the index has no passage {chunk_id}: ask again, the index may have changed",
        "chỉ mục không có đoạn {chunk_id}: hãy hỏi lại, chỉ mục có thể đã đổi",
    ),
    (
        "the index has no document {doc_id}: load the list again",
        "chỉ mục không có tài liệu {doc_id}: hãy tải lại danh sách",
    ),
    (
        "{file} cannot be read or written ({error}): make room on the disk and run `rag index` again;"
        " the index stays whole",
        "không đọc hoặc ghi được {file} ({error}): hãy dọn chỗ trên đĩa rồi chạy lại `rag index`;"
        " chỉ mục vẫn nguyên vẹn",
    ),
    (
        "{file} cannot be opened for writing ({error}), which readers need too: check the permissions of its folder,"
        " or copy the index to one of your own",
        "không mở để ghi được {file} ({error}), mà đọc cũng cần: hãy kiểm tra quyền của thư mục, hoặc chép chỉ mục"
        " sang thư mục của bạn",
    ),
    (
        "{file} is being written by another program: try again when it is done",
        "chương trình khác đang ghi {file}: hãy thử lại khi xong",
    ),
    (
        "another `rag index` is at work on {folder}: wait until it is done, or end it; readers need not wait",
        "một `rag index` khác đang làm việc với {folder}: hãy đợi hoặc dừng nó; người đọc không phải đợi",
    ),
    (
        "{folder} cannot be written ({error}): check its permissions and the free space, or choose another folder with"
        " --index",
        "không ghi được vào {folder} ({error}): hãy kiểm tra quyền và chỗ trống, hoặc chọn thư mục khác bằng --index",
    ),
    (
        "{file} cannot be written ({error}): make room on the disk and run `rag index` again; the index is as it was",
        "không ghi được {file} ({error}): hãy dọn chỗ trên đĩa rồi chạy lại `rag index`; chỉ mục vẫn như cũ",
    ),
    (
        "{file} is damaged ({reason}): move it away, with those beside it that begin with its name, or put"
        " back a copy; it was not changed",
        "{file} bị hỏng ({reason}): hãy chuyển nó đi cùng các tệp bên cạnh có tên bắt đầu như vậy, hoặc đặt lại một"
        " bản sao; tệp chưa bị thay đổi",
    ),
    ("its check fails", "tệp không qua được kiểm tra"),
    ("an answer in it cannot be read: {error}", "có câu trả lời không đọc được: {error}"),
    (
        "{file} is no store of conversations: name another folder in the setting data",
        "{file} không phải nơi giữ cuộc trò chuyện: hãy nêu thư mục khác trong thiết lập data",
    ),
    (
        "{file} was written by a newer version of this program (schema {was}, this one knows {now}): use that version,"
        " or name another folder in the setting data",
        "{file} do bản mới hơn của chương trình ghi (lược đồ {was}, bản này biết {now}): hãy dùng bản đó, hoặc nêu"
        " thư mục khác trong thiết lập data",
    ),
    (
        "{file} cannot be opened ({error}): check the permissions of its folder",
        "không mở được {file} ({error}): hãy kiểm tra quyền của thư mục",
    ),
    (
        "{file} cannot be read or written ({error}): check the permissions and the room on the disk",
        "không đọc hoặc ghi được {file} ({error}): hãy kiểm tra quyền và chỗ trống trên đĩa",
    ),
    (
        "there is no such conversation: it may have been deleted, choose another",
        "không có cuộc trò chuyện này: có thể nó đã bị xóa, hãy chọn cuộc khác",
    ),
    (
        "nobody is named as the owner: log in, or reload the page",
        "chưa rõ ai là chủ: hãy đăng nhập, hoặc tải lại trang",
    ),
    (
        "the conversation has no turn {number}: it may have been deleted, load it again",
        "cuộc trò chuyện không có lượt {number}: có thể nó đã bị xóa, hãy tải lại",
    ),
    (
        "conversations are not kept here: start the page with `rag serve`",
        "ở đây không giữ cuộc trò chuyện: hãy mở trang bằng `rag serve`",
    ),
    (
        "the first collection stays: remove its documents instead",
        "bộ sưu tập đầu tiên luôn ở đó: hãy bỏ các tài liệu trong đó",
    ),
    (
        "folders cannot be named on a page that other machines reach: hand the files in",
        "không nêu thư mục được trên trang mà máy khác mở được: hãy tải tệp lên",
    ),
    (
        "{path} is no folder of documents: name one by its whole path",
        "{path} không phải thư mục tài liệu: hãy nêu bằng đường dẫn đầy đủ",
    ),
    ("{path} belongs to this program: name another folder", "{path} thuộc về chương trình này: hãy nêu thư mục khác"),
    ("the collection has no folder {path}: choose another", "bộ sưu tập không có thư mục {path}: hãy chọn cái khác"),
    (
        "the shared documents can only be read here: make a collection of your own",
        "tài liệu chung ở đây chỉ để đọc: hãy tạo bộ sưu tập của riêng bạn",
    ),
    (
        "this conversation belongs to another login: reload the page",
        "cuộc trò chuyện này thuộc về người đăng nhập khác: hãy tải lại trang",
    ),
    (
        "the first collection has no name of its own: rename another one",
        "bộ sưu tập đầu tiên không có tên riêng: hãy đổi tên bộ khác",
    ),
    ("{name} cannot be renamed ({error}): try it again", "không đổi tên được {name} ({error}): hãy thử lại"),
    ("there is no collection {name}: load the list again", "không có bộ sưu tập {name}: hãy tải lại danh sách"),
    ("there is a collection {name} already: choose another name", "đã có bộ sưu tập {name}: hãy chọn tên khác"),
    (
        "{name} is no name for a collection: begin with a letter or digit, then at most 59 letters, digits, spaces,"
        " - _ .",
        "{name} không dùng làm tên bộ sưu tập được: bắt đầu bằng chữ hoặc số, rồi nhiều nhất 59 chữ, số, dấu cách,"
        " - _ .",
    ),
    ("{file} cannot be read ({error}): remove it", "không đọc được {file} ({error}): hãy bỏ tệp đó"),
    (
        "{file} cannot be written ({error}): check its permissions",
        "không ghi được {file} ({error}): hãy kiểm tra quyền truy cập",
    ),
    ("the question is empty: type a question", "câu hỏi trống: hãy viết câu hỏi"),
    (
        "the question has {length} characters, the limit is {limit}: shorten it",
        "câu hỏi dài {length} ký tự, nhiều nhất là {limit}: hãy viết ngắn hơn",
    ),
    (
        "there is no choice {name} = {value}: choose one of the list",
        "không có lựa chọn {name} = {value}: hãy chọn trong danh sách",
    ),
)
