"""A person's statement that Spectrum holds a call, or does not."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from directory.models import User
from erp_integrations.models.exports import ExportCall


class Attestation(models.Model):
    """Web writes it before it changes the call, which its database role may not do without; never changed.

    Where Spectrum was read back, the person has seen what it showed; else their words are all there is.
    """

    call = models.ForeignKey(ExportCall, on_delete=models.PROTECT, related_name="attestations")
    is_there = models.BooleanField(help_text="Whether Spectrum has it.")
    read_back = models.BooleanField()
    statement = models.TextField(blank=True, help_text="The person's words.")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now(), help_text="The database's time of the transaction.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(read_back=True) | ~Q(statement=""),
                name="an_attestation_was_read_back_or_is_in_words",
            )
        ]

    def __str__(self) -> str:
        return f"{self.call}: {'there' if self.is_there else 'not there'}"
