"""A printable paper as PDF, its key on pages of their own."""

from question_bank.interchange.pdf.writer import write_pdf, write_pdf_without_key

__all__ = ["write_pdf", "write_pdf_without_key"]
