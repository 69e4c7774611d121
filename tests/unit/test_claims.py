"""Numbers, dates and names, however they are written."""

from decimal import Decimal

import pytest

from rag.language.claims import DateClaim, dates, names, numbers, unsupported_claims


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ngày 28/10/2024,", DateClaim(28, 10, 2024)),
        ("ngày 28 tháng 10 năm 2024", DateClaim(28, 10, 2024)),
        ("chiều 21/9/2023", DateClaim(21, 9, 2023)),
        ("sáng 29/10.", DateClaim(29, 10, None)),
        ("tháng 9/2024", DateClaim(None, 9, 2024)),
        ("năm 2030", DateClaim(None, None, 2030)),
    ],
)
def test_a_date_is_read_as_far_as_it_is_told(text: str, expected: DateClaim) -> None:
    assert dates(text) == [expected]


@pytest.mark.parametrize("text", ["45/80 người", "3-5 ngày", "24.000", "1/2/3/4"])
def test_a_fraction_or_range_is_no_date(text: str) -> None:
    assert dates(text) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("94,6 tỷ won", {Decimal("94.6") * 10**9}),
        ("94.6 tỉ won", {Decimal("94.6") * 10**9}),
        ("68,2 triệu USD", {Decimal("68200000")}),
        ("50.000 kỹ sư", {Decimal(50000), Decimal("50.000")}),
        ("1.234.567", {Decimal(1234567), Decimal("1234.567")}),
        ("80%", {Decimal(80)}),
        ("10 nghìn tỷ", {Decimal(10) ** 13}),
    ],
)
def test_a_number_has_the_values_its_spelling_can_mean(text: str, values: set[Decimal]) -> None:
    (number,) = numbers(text)
    assert number.values == values


def test_a_percentage_is_not_a_plain_number() -> None:
    assert unsupported_claims("Đạt 33%.", "Có 33 người.") == ["33%"]
    assert unsupported_claims("Đạt 33 phần trăm.", "Đạt 33%.") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Theo bà Emily Hamblin, Hàn Quốc mở rộng.", ["Emily Hamblin", "Hàn Quốc"]),
        ("Việt Nam phát triển. Điều này đúng.", ["Việt Nam"]),
        ("SK Telecom ra mắt A.X.", ["SK Telecom", "A.X"]),
        ("Bộ KH&CN cho biết", ["KH&CN"]),
        ("Thiết bị đang ổn định", []),
        ("Theo Bộ trưởng Yoo Sang Im", ["Bộ", "Yoo Sang Im"]),
    ],
)
def test_names_are_found_by_their_capitals(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        ("Hàn Quốc chi 94.6 tỉ won.", "tại Hàn Quốc đầu tư 94,6 tỷ won"),
        ("Ra mắt ngày 28 tháng 10 năm 2024.", "Ngày 28/10/2024, ra mắt"),
        ("Có 2 phiên bản.", "gồm hai phiên bản"),
        ("Trường ở Thanh Hoá.", "tại Thanh Hóa"),
        ("Đến năm 2030.", "từ nay đến 2030"),
    ],
)
def test_one_fact_in_two_spellings_is_supported(sentence: str, evidence: str) -> None:
    assert unsupported_claims(sentence, evidence) == []


@pytest.mark.parametrize(
    ("sentence", "evidence", "missing"),
    [
        ("Hàn Quốc chi 95 tỷ won.", "Hàn Quốc chi 94,6 tỷ won", ["95 tỷ"]),
        ("Quỹ chi cho nước Nhật Bản.", "Quỹ chi cho Hàn Quốc", ["Nhật Bản"]),
        ("Họp ngày 29/10/2024.", "Họp ngày 28/10/2024", ["29/10/2024"]),
        ("Đến năm 2045.", "Đến năm 2030", ["2045"]),
    ],
)
def test_what_the_evidence_does_not_hold_is_named(sentence: str, evidence: str, missing: list[str]) -> None:
    assert unsupported_claims(sentence, evidence) == missing
