"""Checks of settings' values: one line says what was expected and what was given."""

from .errors import InvalidOptionError


def check(name: str, value: object, valid: bool, expected: str) -> None:
    """Raise InvalidOptionError unless ``valid``."""
    if not valid:
        raise InvalidOptionError(f"{name}: expected {expected}, got {value!r}")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise InvalidOptionError unless the value is one of the choices."""
    check(name, value, value in choices, " or ".join(choices))
