"""That the database was put back to an older copy, and an operator has said so."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Restore(models.Model):
    """One time that an older copy took the database's place.

    From here on ``epoch`` tells the calls of this database from those that the copy did not know.
    """

    epoch = models.PositiveIntegerField(unique=True)
    reason = models.TextField()
    lost = models.TextField(help_text="What the copy did not know, as sentences.")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="a_restore_has_a_reason")]

    def __str__(self) -> str:
        return f"Restore {self.epoch}"
