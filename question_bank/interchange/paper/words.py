"""What a paper says itself, in the language it is written in."""

from collections.abc import Mapping
from types import MappingProxyType

VI, EN = "vi", "en"
_VI = {
    "question": "Câu", "part": "PHẦN", "subject": "Môn", "minutes": "Thời gian làm bài: {} phút",
    "name": "Họ và tên thí sinh", "number": "Số báo danh", "key": "ĐÁP ÁN", "answer": "Đáp án",
    "solutions": "HƯỚNG DẪN GIẢI", "explained": "ĐÁP ÁN VÀ HƯỚNG DẪN GIẢI",
    "reply": "Trả lời", "true": "Đ",
    "false": "S", "points": "điểm", "end": "HẾT", "questions": "Câu hỏi", "by_people": "người chấm",
    "by_program": "theo cách chấm riêng của câu", "near": "quanh điểm",
    "lead": "Dựa vào thông tin dưới đây, trả lời câu {} đến {}.",
    "lead_one": "Dựa vào thông tin dưới đây, trả lời câu {}.",
    "order": "Thứ tự đúng", "pairs": "Các cặp đúng", "from_to": "từ {} đến {}, bước {}",
    "single": "Câu trắc nghiệm nhiều phương án lựa chọn",
    "cluster": "Câu trắc nghiệm đúng sai", "numeric": "Câu trắc nghiệm trả lời ngắn",
    "page": "Trang {}/{}", "mark": "Đánh dấu trên hình", "words": "Các từ được chọn",
}  # fmt: skip
_EN = {
    "question": "Question", "part": "PART", "subject": "Subject", "minutes": "Time: {} minutes",
    "name": "Candidate's name", "number": "Candidate number", "key": "ANSWER KEY",
    "answer": "Answer", "solutions": "SOLUTIONS", "explained": "ANSWERS", "reply": "Answer",
    "true": "T", "false": "F", "points": "points", "end": "THE END", "questions": "Questions",
    "by_people": "marked by people", "by_program": "by the item's own processing", "near": "near",
    "lead": "Read the following passage and answer questions {} to {}.",
    "lead_one": "Read the following passage and answer question {}.",
    "order": "Right order", "pairs": "Right pairs", "from_to": "from {} to {} in steps of {}",
    "single": "Multiple choice", "cluster": "True or false",
    "numeric": "Short answers", "page": "Page {}/{}", "mark": "Mark on the picture",
    "words": "Words chosen",
}  # fmt: skip
Words = Mapping[str, str]
WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType({VI: _VI, EN: _EN})


def words_in(language: str) -> Mapping[str, str]:
    """The words of a language; Vietnamese where it is not known."""
    return WORDS[EN if language.lower().startswith(EN) else VI]
