"""The memory of this process, from the kernel's own account (Linux)."""

from pathlib import Path

MAX_ABOVE_IDLE = 64 * 1024 * 1024
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"  # proc(5): reset VmHWM to the present size


def resident() -> int:
    """Bytes that the process holds now."""
    return _entry("VmRSS:")


def peak() -> int:
    """The most bytes that it held since :func:`forget_peak`."""
    return _entry("VmHWM:")


def forget_peak() -> None:
    _CLEAR.write_text(_FORGET_PEAK)


def _entry(name: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise OSError(f"the kernel does not tell {name}")
