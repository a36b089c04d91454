"""How numbers are written: one place, so that tables, captions and problems agree."""

ABSENT = "\N{EM DASH}"
DECIMALS = {"dB": 2, "s": 3}
UNITLESS_DECIMALS = 4


def write_score(value: float | None, unit: str) -> str:
    """Write a metric's value without its unit: two decimals for dB, three for s, four otherwise, a dash for none."""
    if value is None:
        return ABSENT
    return f"{value:z.{DECIMALS.get(unit, UNITLESS_DECIMALS)}f}".replace("-", "\N{MINUS SIGN}")


def write_seconds(seconds: float | None) -> str:
    """Write a duration with its unit in three figures, or minutes and hours where it is long."""
    if seconds is None:
        return ABSENT
    if seconds < 0.9995:
        return f"{_write_three_figures(seconds * 1000)} ms"
    if seconds < 120:
        return f"{_write_three_figures(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def _write_three_figures(value: float) -> str:
    decimals = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{decimals}f}"


def write_megabytes(megabytes: float | None) -> str:
    """Write MiB in three figures, or GiB from 1024 on; a dash for none."""
    if megabytes is None:
        return ABSENT
    if megabytes >= 1023.5:
        return f"{_write_three_figures(megabytes / 1024)} GiB"
    return f"{_write_three_figures(megabytes)} MiB"


def write_count(number: int, thing: str) -> str:
    """Write ``1 scene`` or ``2 scenes``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def write_fact(value: object) -> str:
    """Write what was recorded of a machine or a renderer."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def write_signed(value: float, unit: str) -> str:
    """Write a difference with its sign; none where it is exactly 0."""
    text = write_score(abs(value), unit)
    return f"+{text}" if value > 0 else f"\N{MINUS SIGN}{text}" if value < 0 else text


def write_gap(value: float, unit: str) -> str:
    """Write a difference that is not 0 with its sign; what would read as 0 is less than the last decimal's step."""
    text = write_score(abs(value), unit)
    return write_signed(value, unit) if float(text) else f"less than {text[:-1]}1"


def write_p_value(value: float) -> str:
    """Write a p-value in three decimals; what is smaller is said to be."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def write_percent(part: float) -> str:
    """Write a part of 1 in whole per cent."""
    return f"{100 * part:.0f} %"


def write_severity(severity: float, signed: bool = True) -> str:
    """Write a severity, ``signed`` where there are some of either sign."""
    return f"{severity:{'+' if signed and severity else ''}g}".replace("-", "\N{MINUS SIGN}")
