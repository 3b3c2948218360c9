"""What a site's Spectrum does where the published pages leave it open: one row for each connection."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.signals import post_save
from django.dispatch import receiver

from erp_integrations.models.connections import Connection


class SuccessRule(models.TextChoices):
    """Which reply to a write means that it is written: not public (docs/spectrum.md, "Replies")."""

    UNKNOWN = "unknown", "Not known yet: no reply means written"
    CODES = "codes", "One of the codes below"
    NO_ERROR_ROW = "no_error_row", "A whole reply without an error row"
    ECHO = "echo", "A row that repeats the key of the record"


class AuthenticationRule(models.TextChoices):
    """What stands in the header Authorization: the pages name Basic for REST and a token for hosted sites."""

    BY_SITE = "by_site", "As Spectrum's pages say"
    BASIC = "basic", "Basic: Company_Code and Authorization_ID"
    BEARER = "bearer", "Bearer: the access token"
    NONE = "none", "Nothing"


class ConnectionSettings(models.Model):
    """The readings of one connection, apart from the row that every call locks.

    Each default is the least convenient reading of what the vendor's pages say.
    """

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="settings"
    )
    success_rule = models.CharField(
        "Written means", max_length=12, choices=SuccessRule, default=SuccessRule.UNKNOWN
    )
    success_codes = models.CharField(
        "Codes that mean written",
        max_length=60,
        blank=True,
        default="",
        help_text="With commas between them; the word blank stands for a row without a code.",
    )

    element_names = models.TextField(
        "Elements with another name",
        blank=True,
        default="",
        help_text="Where Spectrum's description of a service spells an element otherwise, one a line: "
        "UpdateSubcontractPhases.Retention_Flag = Rentention_Flag. Upper and lower case don't matter.",
    )

    soap_authentication = models.CharField(
        "SOAP calls carry",
        max_length=10,
        choices=AuthenticationRule,
        default=AuthenticationRule.BY_SITE,
        help_text="In their HTTP header. The pages: the access token on a hosted site, else nothing.",
    )
    rest_authentication = models.CharField(
        "REST calls carry",
        max_length=10,
        choices=AuthenticationRule,
        default=AuthenticationRule.BY_SITE,
        help_text="In their HTTP header. The pages: the access token on a hosted site, else Basic.",
    )
    token_for_descriptions = models.BooleanField(
        "Descriptions want the token",
        default=True,
        help_text="On a hosted site, whether its service descriptions are asked for with the access token.",
    )
    error_statuses = models.CharField(
        "HTTP statuses of errors",
        max_length=60,
        blank=True,
        default="",
        help_text="Besides 200, those under which the site answers in Spectrum's words, such as 400, 500, "
        "separated by commas. Under them a whole reply is read; blank: none is, so that such a call stays "
        "Unknown.",
    )
    any_ending = models.CharField(
        "Sign for any ending",
        max_length=3,
        blank=True,
        default="*",
        help_text="Lists are capped near 500 rows, so that longer ones are asked for in parts, such as S*. "
        "The sign is assumed: Spectrum's pages only name “SuperSelect logic”. Blank: no parts are asked for.",
    )

    class Meta:
        verbose_name_plural = "connection settings"
        constraints = [
            models.CheckConstraint(
                condition=Q(success_rule__in=SuccessRule.values), name="a_success_rule_is_known"
            ),
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
        ]

    def __str__(self) -> str:
        return f"Settings of {self.connection}"


@receiver(post_save, sender=Connection)
def _create_settings(instance: Connection, created: bool, **kwargs: Any) -> None:
    """A new connection comes with its settings."""
    if created:
        ConnectionSettings.objects.create(connection=instance)
