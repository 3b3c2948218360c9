"""No password may be one that a guesser who knows the product and the person tries first."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

from directory.models import Company, User

PRODUCT_NAMES = ("ledgergate", "spectrum", "viewpoint")
MIN_WORD_LENGTH = 4
"""Letters of a word of a company's name; shorter ones are in too many sentences."""


class KnownWordsValidator:
    """Refuses the names of the product and of the person's companies, and PASSWORD_WORDS."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError with the word."""
        spelled = password.casefold()
        for word in list_refused_words(user):
            if word in spelled:
                raise ValidationError(
                    f'It contains "{word}", which is easy to guess. Leave that word out.',
                    code="password_holds_a_known_word",
                )

    def get_help_text(self) -> str:
        return "Your password can't contain the name of your company or of this product."


class CommonPasswordsValidator(CommonPasswordValidator):
    """Django's list, most of which is shorter than a password may be: so also with something added.

    And the operator's, as of passwords that were stolen elsewhere: REFUSED_PASSWORDS_FILE, one to a line.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if settings.REFUSED_PASSWORDS_FILE:
            with Path(settings.REFUSED_PASSWORDS_FILE).open(encoding="utf-8", errors="replace") as lines:
                self.passwords |= {line.strip().casefold() for line in lines if line.strip()}

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError for a listed one, also repeated, or with digits and signs round it."""
        super().validate(password, user)
        spelled = password.casefold()
        letters = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", spelled)
        kernels = {letters, *(re.sub(r"^(.+?)\1+$", r"\1", text) for text in (letters, spelled))}
        for kernel in kernels:
            if len(kernel) >= MIN_WORD_LENGTH and kernel in self.passwords:
                raise ValidationError(
                    "This is a common password with something added. Four unrelated words are harder "
                    "to guess.",
                    code="password_too_common",
                )


def list_refused_words(person: User | None) -> Iterator[str]:
    """The words, in lower case, that this person's password may not hold."""
    yield from PRODUCT_NAMES
    yield from (word.strip().casefold() for word in settings.PASSWORD_WORDS if word.strip())
    if person is not None and person.pk:
        for name in Company.objects.visible_to(person).values_list("name", flat=True):
            yield from (word for word in re.findall(r"\w+", name.casefold()) if len(word) >= MIN_WORD_LENGTH)
