"""Takes the person out of a recorded conversation and keeps its shape."""
