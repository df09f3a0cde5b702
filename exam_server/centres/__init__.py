"""Centres (điểm thi), their rooms (phòng thi) and seats."""
