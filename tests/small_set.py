"""Three short texts and a question set over them."""

from rag.batch.questions import Question

LAB = (
    "Ngày 28/10/2024, Hàn Quốc chính thức ra mắt Phòng thí nghiệm Trí tuệ nhân tạo quốc gia tại thủ đô Seoul."
    " Chính phủ sẽ đầu tư 94,6 tỷ won cho phòng thí nghiệm này."
)
TEA = "Trà Thái Nguyên được trồng trên đồi. Người dân thu hoạch trà vào mùa xuân. Mỗi năm tỉnh bán 200.000 tấn trà."
SEA = "Vịnh Hạ Long nằm ở tỉnh Quảng Ninh. Vịnh có 1.969 hòn đảo. <script>alert(1)</script> Khách đến vịnh bằng thuyền."
QUESTIONS = [
    Question(
        "lab", "Phòng thí nghiệm Trí tuệ nhân tạo quốc gia của Hàn Quốc ra mắt ở đâu?", ("Seoul",), (), LAB, "fact"
    ),
    Question("tea", "Người dân thu hoạch trà vào mùa nào?", ("mùa xuân",), (), TEA, "fact"),
    Question("sea", "Vịnh Hạ Long có bao nhiêu hòn đảo?", ("1.969", "1.969 hòn đảo"), (), SEA, "number"),
    Question("<b>mars</b>", "Nhiệt độ trung bình trên sao Hỏa là bao nhiêu độ?", (), (), None, "foreign"),
]
