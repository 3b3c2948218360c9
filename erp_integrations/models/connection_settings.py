"""A site's Spectrum where the published pages leave it open: one row for each connection."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.signals import post_save
from django.dispatch import receiver

from erp_integrations.models.connection_credentials import ConnectionCredentials
from erp_integrations.models.connection_state import ConnectionState
from erp_integrations.models.connections import Connection
from erp_integrations.models.constraints import build_known_constraint

BLANK_CODE = "blank"
"""The word for a row without a code, among codes with commas between them."""


class SuccessRule(models.TextChoices):
    """Which reply to a write means that it is written: not public (docs/spectrum.md, section 1)."""

    UNKNOWN = "unknown", "Unknown yet: no reply means written"
    CODES = "codes", "One of the codes below"
    NO_ERROR_ROW = "no_error_row", "A complete reply without an error row"
    ECHO = "echo", "A row that repeats the record's key"


class RetentionRule(models.TextChoices):
    """The retention of a line. Spectrum's page: "Defaults to N if blank or based on Phase"."""

    RETAINAGE = "retainage", "Yes if the Default Retainage is above zero, otherwise no"
    ALWAYS = "always", "Always yes"
    NEVER = "never", "Always no"
    BLANK = "blank", "Left blank: Spectrum decides"


class AuthenticationRule(models.TextChoices):
    """The header Authorization: the pages name Basic for REST and a token for hosted sites."""

    BY_SITE = "by_site", "As Spectrum documents it"
    BASIC = "basic", "Basic: Company_Code and Authorization_ID"
    BEARER = "bearer", "Bearer: the access token"
    NONE = "none", "Nothing"


def _build_codes_field(label: str, help_text: str) -> "models.CharField[str, str]":
    return models.CharField(label, max_length=60, blank=True, default="", db_default="", help_text=help_text)


def _build_status_field(name: str, default: str = "") -> "models.CharField[str, str]":
    return models.CharField(
        f"{name} in Spectrum",
        max_length=1,
        choices=[("", "Not known: it can't be sent"), ("A", "Active"), ("I", "Inactive"), ("C", "Complete")],
        blank=True,
        default=default,
        db_default=default,
        help_text=f"The status that Spectrum gets when a commitment there becomes {name}.",
    )


class ConnectionSettings(models.Model):
    """The readings of one connection, apart from the row that every call locks.

    Each default is the least convenient reading of what the vendor's pages say.
    """

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="settings"
    )
    success_rule = models.CharField(
        "Written means",
        max_length=12,
        choices=SuccessRule,
        default=SuccessRule.UNKNOWN,
        db_default=SuccessRule.UNKNOWN,
    )
    success_codes = _build_codes_field(
        "Codes that mean written",
        f"Separated by commas. Use {BLANK_CODE} for a row without a code.",
    )

    element_names = models.TextField(
        "Elements with other names",
        blank=True,
        default="",
        db_default="",
        help_text="One per line, where Spectrum's description of a service spells an element differently: "
        "UpdateSubcontractPhases.Retention_Flag = Rentention_Flag. Case doesn't matter.",
    )
    watch_days = models.PositiveSmallIntegerField(
        "Watch for late writes, days",
        default=30,
        db_default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text=(
            "A call that got no answer may be written much later; Spectrum doesn't document how late, so "
            "this is an assumption. For this many days the daily comparison also looks for such calls."
        ),
    )
    resolve_by_hand_after_hours = models.PositiveSmallIntegerField(
        "Resolve by hand after, hours",
        default=24,
        db_default=24,
        validators=[MinValueValidator(1), MaxValueValidator(720)],
        help_text="If Spectrum's read-only database has not answered for this long, an approver may resolve "
        "the export by hand.",
    )

    retention_rule = models.CharField(
        "Retention on lines",
        max_length=10,
        choices=RetentionRule,
        default=RetentionRule.RETAINAGE,
        db_default=RetentionRule.RETAINAGE,
        help_text="Nothing is withheld on a line that says no, and Spectrum may read a blank as no.",
    )

    complete_code = _build_status_field("Complete", default="C")
    terminated_code = _build_status_field("Terminated")
    void_code = _build_status_field("Void")
    closed_code = _build_status_field("Closed")

    unit_price_codes = _build_codes_field(
        "Price methods that mean unit price",
        "Price method codes of jobs and phases, separated by commas. Use blank for a job or phase "
        "without one. If empty, it is unknown whether Spectrum keeps unit costs, and each "
        "commitment says so.",
    )
    job_price_codes = _build_codes_field(
        "Price methods that mean as the job",
        "For phases. Any other price method of a phase means a fixed price.",
    )

    soap_authentication = models.CharField(
        "SOAP calls carry",
        max_length=10,
        choices=AuthenticationRule,
        default=AuthenticationRule.BY_SITE,
        db_default=AuthenticationRule.BY_SITE,
        help_text="In the HTTP header. Documented: the access token on a hosted site, otherwise nothing.",
    )
    rest_authentication = models.CharField(
        "REST calls carry",
        max_length=10,
        choices=AuthenticationRule,
        default=AuthenticationRule.BY_SITE,
        db_default=AuthenticationRule.BY_SITE,
        help_text="In the HTTP header. Documented: the access token on a hosted site, otherwise Basic.",
    )
    token_for_descriptions = models.BooleanField(
        "Read descriptions with the token",
        default=True,
        db_default=True,
        help_text="On a hosted site: send the access token when reading service descriptions.",
    )
    error_statuses = _build_codes_field(
        "HTTP statuses of errors",
        "Statuses besides 200 under which the site sends Spectrum's own replies, separated by commas, such "
        "as 400, 500. If blank, such replies are not read and the call stays Unknown.",
    )
    any_ending = models.CharField(
        "Wildcard",
        max_length=3,
        blank=True,
        default="*",
        db_default="*",
        help_text=(
            "Spectrum caps lists near 500 rows, so longer ones are read in parts, such as S*. The sign is an "
            "assumption: Spectrum documents only “SuperSelect logic”. Blank: lists are not read in parts."
        ),
    )

    class Meta:
        verbose_name_plural = "connection settings"
        constraints = [
            build_known_constraint("success_rule", SuccessRule, "a_success_rule_is_known"),
            models.CheckConstraint(
                condition=Q(
                    soap_authentication__in=AuthenticationRule.values,
                    rest_authentication__in=AuthenticationRule.values,
                ),
                name="an_authentication_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(success_rule="codes") | ~Q(success_codes=""),
                name="a_rule_by_codes_names_codes",
            ),
            build_known_constraint("retention_rule", RetentionRule, "a_retention_rule_is_known"),
        ]

    def __str__(self) -> str:
        return f"Settings of {self.connection}"


@receiver(post_save, sender=Connection)
def create_settings(instance: Connection, created: bool, **kwargs: Any) -> None:
    """A new connection comes with its other rows."""
    if created:
        for model in (ConnectionSettings, ConnectionCredentials, ConnectionState):
            model._default_manager.create(connection=instance)
