"""A setting with a password in it."""


class Concealed(str):
    """Text that code can use as any other, and that no dump of the settings shows."""

    def __repr__(self) -> str:
        return "'********'"
