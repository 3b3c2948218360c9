"""The Company Directory: companies, their projects, and who belongs to them with which rights."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager, Permission
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Lower, Now
from django.urls import reverse
from django.utils.functional import cached_property

from directory.db import time_zones
from directory.db.prepared import Parameter
from directory.db.search import HISTORY_WORDS


class Level(models.TextChoices):
    """How far a person may go in one tool (docs/product.md, section 2.2)."""

    NONE = "none", "None"
    READ_ONLY = "read_only", "Read Only"
    STANDARD = "standard", "Standard"
    ADMIN = "admin", "Admin"


LEVEL: dict[str, Any] = {"max_length": 10, "choices": Level, "default": Level.NONE, "db_default": Level.NONE}
VISIBLE_LEVELS = (Level.READ_ONLY, Level.STANDARD, Level.ADMIN)
WORKING_LEVELS = (Level.STANDARD, Level.ADMIN)
SECOND_STEPS = ("totp", "webauthn")
"""An authenticator app, or a passkey, which is both steps in one."""


def validate_time_zone(value: str) -> None:
    """Refuse a name that is no time zone of the IANA database."""
    if value not in time_zones.list_time_zones():
        raise ValidationError("Choose a time zone from the list, for example America/New_York.")


class UserManager(BaseUserManager["User"]):
    """Makes people, who are known by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person who can sign in with this address. Without a password, only after a reset."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person who may do everything in Django admin, and nothing more in the tools."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def granters(self, company: "Company") -> "models.QuerySet[User]":
        """Who may grant Can Push to Accounting there: staff with the permission, and superusers."""
        permission = Permission.objects.filter(
            codename="grant_push_to_accounting", content_type__app_label="directory"
        )
        of_company = Q(company_memberships__company=company, company_memberships__is_invited=False) & (
            Q(user_permissions__in=permission) | Q(groups__permissions__in=permission)
        )
        staff = self.filter(of_company | Q(is_superuser=True), is_active=True, is_staff=True)
        return staff.distinct().order_by("is_superuser", "pk")

    def get_by_natural_key(self, username: str | None) -> "User":
        """Addresses are compared without regard to case."""
        return self.get(email__iexact=username)

    def follow_companies(self, **people: Any) -> None:
        """Whoever chose none has the time zone, and the hour, of the company where they were listed first."""
        first = CompanyMembership.objects.filter(user=OuterRef("pk")).order_by("pk")
        for name in COMPANY_TIMES:
            default = Subquery(first.values(f"company__{name}")[:1])
            followers = self.filter(**{f"has_own_{name}": False}, **people)
            followers.filter(~Q(**{name: default})).update(**{name: default})


COMPANY_TIMES = ("time_zone", "summary_hour")


class Times(models.Model):
    """Of a company, and of each person."""

    time_zone = models.CharField(
        max_length=64,
        default="America/New_York",
        db_default="America/New_York",
        validators=[validate_time_zone],
    )
    summary_hour = models.PositiveSmallIntegerField(
        "hour of the daily summary",
        default=7,
        db_default=7,
        validators=[MaxValueValidator(23)],
        help_text="0 to 23, in this time zone.",
    )

    class Meta:
        abstract = True


class User(AbstractUser, Times):
    """A person. Rights come from memberships; ``is_staff`` opens Django admin and nothing else.

    Without a choice of their own (``has_own_…``) time zone and hour repeat those of the company.
    """

    username = None  # type: ignore[assignment]  # people are known by e-mail alone
    email = models.EmailField("e-mail address", unique=True)
    has_own_time_zone = models.BooleanField(default=False, db_default=False)
    has_own_summary_hour = models.BooleanField(default=False, db_default=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="an_email_belongs_to_one_person"),
            models.CheckConstraint(condition=Q(summary_hour__lte=23), name="a_day_has_24_hours"),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.email


class CompanyQuerySet(models.QuerySet["Company"]):
    """Reading companies."""

    def visible_to(self, user: User) -> "CompanyQuerySet":
        """The companies whose directory lists this person."""
        return self.filter(memberships__user=user)

    def with_erp_integrations_for(self, user: User) -> "CompanyQuerySet":
        """The companies whose ERP Integrations tool this person may see."""
        return self.filter(memberships__user=user, memberships__erp_integrations_level__in=VISIBLE_LEVELS)


class Company(Times):
    """A contractor."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(unique=True)
    currency = models.CharField(
        max_length=3, default="USD", db_default="USD", help_text="One currency per company, ISO 4217."
    )
    allows_own_decisions = models.BooleanField(
        "approvers may decide on their own commitments",
        default=False,
        db_default=False,
        help_text="Exempts the company from the rule that nobody decides on what they created or sent.",
    )
    requires_two_step = models.BooleanField(
        "approvers must use two-step verification",
        default=True,
        db_default=True,
        help_text="Without it, those with Can Push to Accounting can only view.",
    )

    objects = CompanyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "companies"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(summary_hour__lte=23), name="a_company_s_day_has_24_hours")
        ]
        permissions = [
            ("free_from_own_decision_rule", "Can free a company from the own-decision rule"),
            ("set_two_step_rule", "Can set whether approvers must use two-step verification"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        User.objects.follow_companies(company_memberships__company=self)

    def get_absolute_url(self) -> str:
        return reverse("erp_integrations:start", args=[self.slug])

    @property
    def has_commitments(self) -> bool:
        """From then on its currency stays: what was sent and accepted is in it."""
        return self.projects.filter(commitments__isnull=False).exists()


def build_company_column() -> "models.ForeignKey[Company, Company]":
    """Of the row that it belongs to: the database writes it, and refuses any other (commitments 0021)."""
    return models.ForeignKey(
        Company,
        on_delete=models.DO_NOTHING,
        db_default=Value(None),
        db_constraint=False,
        db_index=False,
        editable=False,
        related_name="+",
    )


class ProjectQuerySet(models.QuerySet["Project"]):
    """Reading projects."""

    def visible_to(self, user: User | Parameter) -> "ProjectQuerySet":
        """The projects whose Commitments tool this person may see."""
        return self.filter(
            memberships__user=user,
            memberships__commitments_level__in=VISIBLE_LEVELS,
            company__memberships__user=user,
        )


class Project(models.Model):
    """One construction job of a company."""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="projects")
    name = models.CharField(max_length=200)
    number = models.CharField(max_length=20, blank=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("company", "name", name="a_project_name_is_unique_in_its_company")
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("commitments:list", args=[self.pk])


HISTORY_LEVELS = [(each.value, each.label) for each in (Level.NONE, Level.READ_ONLY)]


class CompanyMembershipQuerySet(models.QuerySet["CompanyMembership"]):
    """Reading memberships."""

    def administrators(self) -> "CompanyMembershipQuerySet":
        """Who answers for a company's rights: Admin on the Directory or on ERP Integrations."""
        admin = Q(directory_level=Level.ADMIN) | Q(erp_integrations_level=Level.ADMIN)
        return self.filter(admin)

    def approvers(self) -> "CompanyMembershipQuerySet":
        """As ``is_accounting_approver`` says it of one."""
        return self.filter(
            user__is_active=True, can_push_to_accounting=True, erp_integrations_level__in=WORKING_LEVELS
        )

    def deciders(self) -> "CompanyMembershipQuerySet":
        """As ``can_decide`` says it of one."""
        with_two_step = User.objects.filter(authenticator__type__in=SECOND_STEPS)
        return self.approvers().filter(Q(company__requires_two_step=False) | Q(user__in=with_two_step))


class CompanyMembership(models.Model):
    """A person's entry in a Company Directory.

    ``can_push_to_accounting`` is the privilege that makes an accounting approver. It is written only by
    ``services``: granted, revoked, suspended. Of who ``is_invited``, by the company and not by staff, no
    permission in Django admin counts here.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="company_memberships")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="memberships")
    erp_integrations_level = models.CharField("ERP Integrations", **LEVEL)
    directory_level = models.CharField("Directory", **LEVEL)
    history_level = models.CharField(
        "History",
        **LEVEL | {"choices": HISTORY_LEVELS},
        help_text="An auditor's right; Admin on either tool has it, too.",
    )
    is_administrator = models.BooleanField(
        "company administrator",
        default=False,
        db_default=False,
        help_text="Invites people, and gives and takes levels, but not their own.",
    )
    is_invited = models.BooleanField(default=False, db_default=False, editable=False)
    can_push_to_accounting = models.BooleanField("Can Push to Accounting", default=False, db_default=False)
    signed_grant = models.JSONField(
        null=True, editable=False, help_text="What web signed when the privilege was granted."
    )

    objects = CompanyMembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("user", "company", name="a_person_is_listed_once_in_a_company"),
            models.CheckConstraint(
                condition=Q(erp_integrations_level__in=Level.values), name="an_erp_level_is_a_known_level"
            ),
            models.CheckConstraint(
                condition=Q(directory_level__in=Level.values), name="a_directory_level_is_a_known_level"
            ),
            models.CheckConstraint(
                condition=Q(history_level__in=dict(HISTORY_LEVELS)), name="a_history_level_is_a_known_level"
            ),
        ]
        permissions = [("grant_push_to_accounting", "Can grant and revoke Can Push to Accounting")]

    def __str__(self) -> str:
        return f"{self.user} at {self.company}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        is_new = self._state.adding
        super().save(*args, **kwargs)
        if is_new:
            User.objects.follow_companies(pk=self.user_id)

    @property
    def is_accounting_approver(self) -> bool:
        """An active account, Standard or Admin, and the privilege."""
        return (
            self.user.is_active
            and self.can_push_to_accounting
            and self.erp_integrations_level in WORKING_LEVELS
        )

    @property
    def can_see_history(self) -> bool:
        levels = (self.erp_integrations_level, self.directory_level)
        return self.user.is_active and (Level.ADMIN in levels or self.history_level == Level.READ_ONLY)

    @cached_property
    def lacks_two_step(self) -> bool:
        """Only two-step verification keeps this approver from deciding."""
        if not (self.is_accounting_approver and self.company.requires_two_step):
            return False
        if hasattr(self, "has_two_step"):
            return not self.has_two_step
        steps = self.user.authenticator_set  # type: ignore[attr-defined]  # allauth's
        return not steps.filter(type__in=SECOND_STEPS).exists()

    @cached_property
    def approvers(self) -> list[User]:
        """Who may push to accounting in the same company, by name; read once for a whole list."""
        found = CompanyMembership.objects.approvers().filter(company=self.company_id).select_related("user")
        return [each.user for each in found.order_by("user__last_name", "user__first_name", "user")]

    @cached_property
    def granters(self) -> list[User]:
        """Who may grant the privilege in the same company."""
        return list(User.objects.granters(self.company))

    @property
    def can_decide(self) -> bool:
        """An approver, with two-step verification where the company requires it."""
        return self.is_accounting_approver and not self.lacks_two_step


class ProjectMembership(models.Model):
    """A person's level in one project's Commitments tool."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="project_memberships")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="memberships")
    commitments_level = models.CharField("Commitments", **LEVEL)

    class Meta:
        constraints = [
            models.UniqueConstraint("user", "project", name="a_person_is_listed_once_in_a_project"),
            models.CheckConstraint(
                condition=Q(commitments_level__in=Level.values), name="a_commitments_level_is_a_known_level"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} on {self.project}"


class Role(models.Model):
    """Levels under a name, to be given to many people at once.

    It is deleted and never changed: whoever gives it gives what their page showed.
    """

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="roles")
    name = models.CharField(max_length=100)
    erp_integrations_level = models.CharField("ERP Integrations", **LEVEL)
    directory_level = models.CharField("Directory", **LEVEL)
    history_level = models.CharField("History", **LEVEL | {"choices": HISTORY_LEVELS})
    commitments_level = models.CharField("Commitments on chosen projects", **LEVEL)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(F("company"), Lower("name"), name="a_role_name_is_unique_in_its_company")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def levels(self) -> dict[str, str]:
        """By column: None is given, too."""
        names = (each.name for each in self._meta.fields)
        return {name: getattr(self, name) for name in names if name.endswith("_level")}


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Reading invitations."""

    def name_people(self, people: Collection[User]) -> None:
        """Have people called as they were invited, in memory alone."""
        names = dict(self.filter(user__in=people).values_list("user", "name"))
        for each in people:
            if each.pk in names:
                each.first_name, each.last_name = names[each.pk], ""


class Invitation(models.Model):
    """The name under which a company invited somebody who has not signed in there since.

    Until then the company learns nothing of their account, nor whether they had one before.
    """

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="invitations")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    name = models.CharField(max_length=150)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("user", "company", name="a_person_is_invited_once_to_a_company")
        ]

    def __str__(self) -> str:
        return self.name


class Draft(models.Model):
    """Words that a person typed into a dialog and nothing has used yet (``directory/drafts.py``)."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    address = models.CharField(max_length=200, help_text="The dialog's path.")
    texts = models.JSONField(help_text="By the names of the fields.")
    kept_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "address"], name="one_draft_of_a_person_and_dialog")
        ]

    def __str__(self) -> str:
        return f"Draft of {self.person_id} at {self.address}"

    @property
    def stamp(self) -> str:
        """Another one once its words are others."""
        return f"{self.pk} {self.kept_at.isoformat()}"


class HistoryQuerySet(models.QuerySet["HistoryEntry"]):
    """Reading history."""

    def about(self, *subjects: models.Model) -> "HistoryQuerySet":
        """Entries about any of these rows, oldest first."""
        wanted = Q(pk__in=[])
        for subject in subjects:
            wanted |= Q(subject_type=subject._meta.label_lower, subject_id=subject.pk)
        return self.filter(wanted).order_by("pk")


class HistoryEntry(models.Model):
    """One thing that happened. Written once; the database refuses change and removal.

    ``by_id`` and ``detail`` name people by id only (docs/architecture.md, section 11.4), and there
    is no foreign key, so that nothing that is erased elsewhere touches this table.
    """

    at = models.DateTimeField(db_default=Now())
    company_id = models.BigIntegerField(null=True)
    by_id = models.BigIntegerField(null=True, help_text="Null: the system itself.")
    event = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    detail = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))

    objects = HistoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "history"
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "id"], name="history_by_subject"),
            models.Index(F("company_id"), F("id").desc(), name="history_by_company"),
            GinIndex(HISTORY_WORDS, fastupdate=False, name="history_by_word"),
            models.Index(
                fields=["company_id", "id"],
                condition=Q(event__in=["privilege.granted", "privilege.revoked", "privilege.suspended"]),
                name="history_of_privileges",
            ),
            models.Index(
                fields=["company_id", "id"],
                condition=Q(event="membership.removed", subject_type="directory.companymembership"),
                name="history_of_leavers",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.subject_type} {self.subject_id}"


class HistorySeal(models.Model):
    """The place of one history entry in its hash chain. Written once, by ``history.sealing`` alone.

    ``chain`` is the company's id, or 0 for what concerns the installation. A seal's number is the
    order of sealing, not of ids: an entry that was committed late is sealed late. What is hashed, and
    how, stands in ``history.canonical``.
    """

    entry_id = models.BigIntegerField(primary_key=True)
    chain = models.BigIntegerField()
    number = models.BigIntegerField(help_text="From 1, without a gap in its chain.")
    entry_hash = models.CharField(max_length=64)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "number"], name="a_place_in_a_chain_is_taken_once")
        ]

    def __str__(self) -> str:
        return f"Seal {self.number} of chain {self.chain}"
