"""Reasons for a rejection that are kept, to be chosen instead of typed."""

from django.db import models
from django.db.models.functions import MD5

from directory.models import Company, User


class KeptReason(models.Model):
    """A company's, or an approver's own and seen by them alone."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    text = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "person", "company", MD5("text"), name="a_reason_is_kept_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=~models.Q(text=""), name="a_kept_reason_has_words"),
        ]

    def __str__(self) -> str:
        return self.text
