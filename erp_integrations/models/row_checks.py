"""The check that each waiting submission carries in the list, and what makes it out of date.

A check is current as long as no write has committed that it did not see. The database notes each such write
under a scope, such as ``connection:5`` (migration 0036), so that no row is shown as clean on facts that have
moved on, and nobody waits for a lock.
"""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q, Value

from directory.models import Company
from erp_integrations.models.submissions import Submission


class Verdict(models.TextChoices):
    CLEAN = "clean", "Clean"
    LOOK = "look", "Look"
    BLOCKED = "blocked", "Blocked"


class SnapshotField(models.Field[str | None, str | None]):
    """Which transactions a statement saw: PostgreSQL's own type."""

    def db_type(self, connection: Any) -> str:
        return "pg_snapshot"


class TransactionField(models.Field[int, int]):
    """A transaction's number, which is never used again."""

    def db_type(self, connection: Any) -> str:
        return "xid8"


class SubmissionCheck(models.Model):
    """``checked_at`` is empty until it is checked, and again once something has moved on.

    ``issues`` are as the dialog lists them; ``headline`` is the first one's sentence. ``account`` outlives
    the decision: an account was used before where something was accepted with it.
    """

    submission = models.OneToOneField(
        Submission, on_delete=models.CASCADE, primary_key=True, related_name="row_check"
    )
    verdict = models.CharField(max_length=8, choices=Verdict, blank=True, default="", db_default="")
    headline = models.TextField(blank=True, default="", db_default="")
    issues: Any = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    basis_hash = models.CharField(max_length=64, blank=True, default="", db_default="")
    erp_id = models.CharField(max_length=30, blank=True, default="", db_default="")
    account = models.CharField(max_length=40, blank=True, default="", db_default="")
    scopes = ArrayField(models.TextField(), default=list, db_default=[])
    seen = SnapshotField(null=True)
    checked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(verdict__in=["", *Verdict.values]), name="a_verdict_is_known"),
            models.CheckConstraint(
                condition=Q(checked_at=None) | (Q(seen__isnull=False) & ~Q(verdict="")),
                name="a_check_says_what_it_saw",
            ),
        ]
        indexes = [
            GinIndex(fields=["scopes"], name="checks_by_scope"),
            models.Index(fields=["checked_at"], condition=~Q(scopes=[]), name="checks_by_age"),
            models.Index(fields=["submission"], condition=Q(checked_at=None), name="due_checks"),
            models.Index(fields=["account"], name="checks_by_account"),
        ]

    def __str__(self) -> str:
        return f"Check of {self.submission_id}"


class CheckInvalidation(models.Model):
    """A write on which checks with this scope rest; deleted when every one of them is marked."""

    scope = models.TextField()
    transaction = TransactionField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "transaction"], name="a_transaction_invalidates_a_scope_once"
            )
        ]

    def __str__(self) -> str:
        return self.scope


class CheckRule(models.Model):
    """A company's own setting of a rule; a rule without a row is as ``checks.rules`` has it."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="check_rules")
    code = models.CharField(max_length=40)
    is_on = models.BooleanField(default=True, db_default=True)
    limit = models.DecimalField(max_digits=9, decimal_places=2, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "code"], name="a_rule_is_set_once_in_a_company")
        ]

    def __str__(self) -> str:
        return self.code


def is_current(prefix: str = "") -> Func:
    """Nothing has moved on since the check: a wrong yes would be a wrong Clean."""
    names = (F(f"{prefix}{name}") for name in ("scopes", "seen", "checked_at"))
    return Func(*names, function="check_is_current", output_field=models.BooleanField())
