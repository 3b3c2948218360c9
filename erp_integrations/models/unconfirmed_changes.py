"""Changes to what steers money that no second person has seen yet."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from directory.models import Company


class UnconfirmedChange(models.Model):
    """A link, an account, a unit or a connection that is not as it was last confirmed.

    ``subject`` names it by what it is about, so that a link that is deleted and made anew stays the same.
    ``confirmed`` has what differs, as it was last confirmed; nobody in ``people`` decides on what uses it.
    """

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    subject = models.CharField(max_length=80, unique=True)
    confirmed: Any = models.JSONField()
    people = ArrayField(
        models.BigIntegerField(), help_text="Everybody who changed it since, by id, the last at the end."
    )
    changed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.subject
