"""Numbers and times as people read them."""

from __future__ import annotations

from ml4t.live.times import to_datetime

NOTHING = "–"


def moment(nanoseconds: int | None) -> str:
    """Return a time in UTC to the second, without the clock when it is midnight."""
    if not nanoseconds:
        return NOTHING
    when = to_datetime(nanoseconds)
    return f"{when:%Y-%m-%d}" if nanoseconds % 86_400_000_000_000 == 0 else f"{when:%Y-%m-%d %H:%M:%S}"


def money(value: float | None) -> str:
    """Return an amount with separators and two decimals."""
    return NOTHING if value is None else f"{value:,.2f}"


def quantity(value: float | None) -> str:
    """Return a quantity without trailing zeros."""
    if value is None:
        return NOTHING
    return f"{value:,.8f}".rstrip("0").rstrip(".")


def price(value: float | None) -> str:
    """Return a price: two decimals, and more for what costs less than ten."""
    if value is None:
        return NOTHING
    return f"{value:,.2f}" if abs(value) >= 10 else f"{value:.6g}"


def percent(value: float | None, digits: int = 1) -> str:
    """Return a fraction as per cent."""
    return NOTHING if value is None else f"{value:.{digits}%}"


def bar(share: float, width: int = 10) -> str:
    """Return a share as a bar; more than all of it is a full one."""
    filled = max(0, min(width, round(share * width)))
    return "█" * filled + "░" * (width - filled)


def signed_percent(value: float | None, digits: int = 1) -> str:
    """Return a fraction as per cent with its sign."""
    return NOTHING if value is None else f"{value:+.{digits}%}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: `1 order`, `2,000 orders`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units: `2d 3h`, `4m 5s`, `0.2s`."""
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"
    whole = round(seconds)
    parts = [(whole // 86_400, "d"), (whole % 86_400 // 3_600, "h"), (whole % 3_600 // 60, "m"), (whole % 60, "s")]
    largest = next(number for number, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count}{unit}" for count, unit in parts[largest : largest + 2] if count)


def certainty(calibrated: bool | None, overconfidence: float | None) -> str:
    """Return in a word or two whether what a model says of its own certainty comes true; None: nobody knows yet."""
    if calibrated is None:
        return NOTHING
    if calibrated:
        return "yes"
    return "overconfident" if (overconfidence or 0.0) > 0 else "too modest" if overconfidence else "no"
