"""Questions about a commitment that waits: rows of their own, and no status of the submission."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from commitments.models import Commitment
from directory.db.time_zones import format_time
from directory.models import User
from erp_integrations.models.constraints import build_known_constraint
from erp_integrations.models.submissions import Submission


class QuestionState(models.TextChoices):
    """It is open, or closed; the words say what its closer did."""

    OPEN = "open", "is awaited"
    ANSWERED = "answered", "answered the question"
    WITHDRAWN = "withdrawn", "withdrew the question"
    ACCEPTED = "accepted", "accepted the commitment"
    REJECTED = "rejected", "rejected the commitment"
    RETRIEVED = "retrieved", "retrieved the commitment"


class Question(models.Model):
    """One question and its answer. It is closed once, by whoever answered, withdrew or decided."""

    commitment = models.ForeignKey(Commitment, on_delete=models.PROTECT, related_name="questions")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="questions")
    state = models.CharField(
        max_length=10, choices=QuestionState, default=QuestionState.OPEN, db_default=QuestionState.OPEN
    )
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_of = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField(db_default=Now())
    text = models.TextField()
    answer = models.TextField(blank=True, default="", db_default="")
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["commitment"],
                condition=Q(state=QuestionState.OPEN),
                name="a_commitment_has_one_open_question",
            ),
            build_known_constraint("state", QuestionState, "a_question_state_is_known"),
            models.CheckConstraint(condition=~Q(text=""), name="a_question_has_words"),
            models.CheckConstraint(
                condition=Q(state=QuestionState.OPEN, closed_by=None, closed_at=None)
                | (~Q(state=QuestionState.OPEN) & Q(closed_by__isnull=False, closed_at__isnull=False)),
                name="a_closed_question_has_a_person_and_a_time",
            ),
            models.CheckConstraint(
                condition=(Q(state=QuestionState.ANSWERED) & ~Q(answer=""))
                | (~Q(state=QuestionState.ANSWERED) & Q(answer="")),
                name="an_answer_is_there_exactly_when_answered",
            ),
        ]
        indexes = [
            models.Index(fields=["asked_of"], condition=Q(state="open"), name="open_questions_by_person")
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def is_open(self) -> bool:
        return self.state == QuestionState.OPEN

    def describe_end(self) -> str:
        when = format_time(self.closed_at) if self.closed_at else ""
        return f"{self.closed_by} {self.get_state_display()} on {when}"

    def close(self, state: QuestionState, *, by: User, answer: str = "") -> None:
        """For whoever holds the submission's lock and found it open."""
        self.state, self.answer, self.closed_by, self.closed_at = state, answer, by, timezone.now()
        self.save(update_fields=["state", "answer", "closed_by", "closed_at"])
