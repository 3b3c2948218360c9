"""Many decisions that one person made at once, and what became of each."""

from typing import Any

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from directory.models import Company, User
from erp_integrations.models.constraints import build_known_constraint
from erp_integrations.models.submissions import Submission


class BatchAction(models.TextChoices):
    ACCEPT = "accept", "Accept"
    REJECT = "reject", "Reject"


class ItemState(models.TextChoices):
    PLANNED = "planned", "To do"
    DONE = "done", "Done"
    REFUSED = "refused", "Not done"


class Batch(models.Model):
    """``reason`` is that of a rejection, and every item's."""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="batches", db_index=False)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    action = models.CharField(max_length=6, choices=BatchAction)
    reason = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            build_known_constraint("action", BatchAction, "a_batch_has_a_known_action"),
            models.CheckConstraint(
                condition=~Q(action=BatchAction.REJECT) | ~Q(reason=""),
                name="a_batch_of_rejections_has_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["company", "by", "-id"], name="batches_by_person")]

    def __str__(self) -> str:
        return f"{self.get_action_display()}, {self.created_at}"


class BatchItem(models.Model):
    """One decision of it, in a transaction of its own together with its state. ``expected_hash``, ``erp_id``
    and ``warnings`` are as its person saw them; ``message`` says why it was not done.
    """

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(
        max_length=8, choices=ItemState, default=ItemState.PLANNED, db_default=ItemState.PLANNED
    )
    expected_hash = models.CharField(max_length=64, blank=True)
    erp_id = models.CharField(max_length=30, blank=True)
    warnings: Any = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    message = models.TextField(blank=True, default="", db_default="")

    class Meta:
        constraints = [
            build_known_constraint("state", ItemState, "an_item_has_a_known_state"),
            models.UniqueConstraint(fields=["batch", "submission"], name="a_batch_decides_once_on_each"),
        ]
        indexes = [models.Index(fields=["batch", "id"], condition=Q(state="planned"), name="planned_items")]

    def __str__(self) -> str:
        return f"{self.submission_id}: {self.state}"
