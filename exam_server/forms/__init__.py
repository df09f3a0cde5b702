"""Exams, papers, base forms (đề gốc), forms (mã đề) and their sealed packages."""
