"""How every part of the chip says no."""


class RefusalError(Exception):
    """The chip answers with this status word and does nothing else."""

    def __init__(self, sw: int) -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw
