"""Times and numbers as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Return `0.3s`, `41.3s`, `1m 04s`, `2h 03m`."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m"


def ticking(seconds: float) -> str:
    """Return a time that still runs, in whole seconds: `12s`, `2m 14s`."""
    return f"{int(seconds)}s" if seconds < 60 else duration(int(seconds))


def parse_duration(text: str) -> float:
    """Read `90`, `90s`, `10m` or `1h` as seconds; ValueError otherwise."""
    factors = {"s": 1, "m": 60, "h": 3600}
    number, factor = (text[:-1], factors[text[-1]]) if text[-1:] in factors else (text, 1)
    if not number.isascii() or not number.isdigit() or len(number) > 5:
        raise ValueError(f"{text!r} is no time: give seconds, or such as 90s, 10m, 1h")
    return float(int(number) * factor)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return `1 site`, `2 sites`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
