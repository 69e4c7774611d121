"""PDF files written by fpdf2, with a font of this machine that has Vietnamese letters."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fpdf import FPDF

_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("/Library/Fonts"), Path("C:/Windows/Fonts"))


def font_file(name: str) -> Path:
    """DejaVu's file of this name; the test is skipped where it is not installed."""
    found = next((path for folder in _FOLDERS for path in folder.rglob(name)), None)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: fonts-dejavu-core)")
    return found


def new_pdf(**settings: object) -> FPDF:
    """An empty A4 document in DejaVu, 11 points."""
    pdf = FPDF(unit="pt", **settings)  # type: ignore[arg-type]
    pdf.add_font("DejaVu", "", font_file("DejaVuSans.ttf"))
    pdf.add_font("DejaVu", "B", font_file("DejaVuSans-Bold.ttf"))
    pdf.set_font("DejaVu", size=11)
    pdf.set_margin(72)
    return pdf


def headed_pdf(header: str, footer: Callable[[int], str]) -> FPDF:
    """A document with a running head and foot on each page."""

    class Headed(FPDF):
        def header(self) -> None:
            self.set_font("DejaVu", size=8)
            self.text(72, 40, header)
            self.set_font("DejaVu", size=11)

        def footer(self) -> None:
            self.set_font("DejaVu", size=8)
            self.text(290, 815, footer(self.page_no()))

    pdf = Headed(unit="pt")
    pdf.add_font("DejaVu", "", font_file("DejaVuSans.ttf"))
    pdf.add_font("DejaVu", "B", font_file("DejaVuSans-Bold.ttf"))
    pdf.set_font("DejaVu", size=11)
    pdf.set_margin(72)
    return pdf
