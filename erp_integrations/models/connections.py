"""How a company reaches its ERP, and what its vendors and projects are called there."""

import zoneinfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper
from django.utils import timezone

from commitments.models import ContractCompany, CostType
from directory.db import time_zones
from directory.db.prepared import Parameter, PreparedQuery
from directory.models import Company, Project, User
from erp_integrations.models.constraints import build_known_constraint


def validate_server(name: str) -> None:
    """Refuse a server that the operator has not listed in SPECTRUM_SERVERS."""
    if name not in settings.SPECTRUM_SERVERS:
        raise ValidationError("Choose one of the servers that the operator listed in SPECTRUM_SERVERS.")


class GuidPolicy(models.TextChoices):
    """The element GUID: its page calls it mandatory, while public clients leave it blank."""

    NEW = "new", "A new one for each export"
    SENT = "sent", "Always the one below"
    BLANK = "blank", "Blank"


FIXED_PRICE_UNITS = "LS"
"""The usual name of the lump sum."""


class LedgerOrder(models.TextChoices):
    """In which order the defaults of the general-ledger account are asked."""

    VENDOR_FIRST = "vendor_first", "Vendor, cost type, company"
    COST_TYPE_FIRST = "cost_type_first", "Cost type, vendor, company"


class ErpIdRule(models.TextChoices):
    """How a commitment's number becomes its ERP ID; the approver sees it and may change it."""

    AS_IS = "as_is", "The number as it is"
    LAST = "last", "The number's last characters, as many as fit"


class NonAsciiRule(models.TextChoices):
    """Letters that Spectrum does not have are respelled, or stop the commitment."""

    TRANSLITERATE = "transliterate", "Respell them with plain letters, and show it"
    REFUSE = "refuse", "Block the commitment"


def validate_time_zone(name: str) -> None:
    """Refuse what PostgreSQL and Python would not both know."""
    if name not in time_zones.list_time_zones():
        raise ValidationError("Enter a time zone such as America/New_York.")


class ConnectionQuerySet(models.QuerySet["Connection"]):
    """Reading connections."""

    def lock(self, pk: int) -> "Connection":
        """The row and its state, in this order, with its company. By the state, as FOR UPDATE takes no outer
        join."""
        found = list_locked(connection=pk)
        if not found:
            raise self.model.DoesNotExist
        return found[0]


@PreparedQuery
def list_locked(connection: Parameter) -> "models.QuerySet[Connection]":
    locked = Connection.objects.select_for_update(of=("self", "state"))
    return locked.select_related("company", "state").filter(state=connection)


class Connection(models.Model):
    """One Spectrum company (server and Company_Code) that a company exports to.

    ``server`` is a name from the operator's list, so that no address is ever typed and a
    server may move without changing which records are whose. Here stands what people decide: what
    workers write, and the secrets, have rows of their own (``ConnectionState``, ``ConnectionCredentials``).
    """

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="connections")
    name = models.CharField(max_length=100)
    server = models.CharField(max_length=60, validators=[validate_server])
    company_code = models.CharField("Company_Code", max_length=3)
    guid_policy = models.CharField(
        "GUID is", max_length=5, choices=GuidPolicy, default=GuidPolicy.NEW, db_default=GuidPolicy.NEW
    )
    client_id = models.CharField(
        "Client ID",
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="For a hosted site with OAuth (enhanced authentication). Otherwise leave blank.",
    )
    token_path = models.CharField(max_length=100, default="/connect/token", db_default="/connect/token")
    rotation_path = models.CharField(max_length=100, default="/secretRotation", db_default="/secretRotation")
    wsdl_path = models.CharField(
        "WSDL path", max_length=100, default="/wsdls/{method}.jws", db_default="/wsdls/{method}.jws"
    )
    service_path = models.CharField(max_length=100, default="/ws/{method}", db_default="/ws/{method}")
    vendors_path = models.CharField(
        max_length=100,
        default="/vendors/{company_code}",
        db_default="/vendors/{company_code}",
        help_text="Where the vendors are listed.",
    )
    general_ledger_account = models.CharField(
        max_length=12, blank=True, help_text="Used if neither the vendor nor the cost type has an account."
    )
    general_ledger_order = models.CharField(
        max_length=15,
        choices=LedgerOrder,
        default=LedgerOrder.VENDOR_FIRST,
        db_default=LedgerOrder.VENDOR_FIRST,
    )

    erp_id_rule = models.CharField(
        "ERP ID", max_length=10, choices=ErpIdRule, default=ErpIdRule.AS_IS, db_default=ErpIdRule.AS_IS
    )
    subcontract_prefix = models.CharField(
        max_length=5, blank=True, help_text="Prefix of a subcontract's ERP ID."
    )
    purchase_order_prefix = models.CharField(
        max_length=5, blank=True, help_text="Prefix of a purchase order's ERP ID."
    )
    non_ascii = models.CharField(
        "Other letters",
        max_length=14,
        choices=NonAsciiRule,
        default=NonAsciiRule.TRANSLITERATE,
        db_default=NonAsciiRule.TRANSLITERATE,
        help_text="Spectrum stores plain letters only, so é, ß or 漢 need a rule.",
    )

    notes_topic = models.CharField(
        "Topic of notes",
        max_length=20,
        blank=True,
        default="",
        db_default="",
        help_text=(
            "The approver's details are written to Spectrum's subcontract notes under this "
            "topic, which must exist there. Blank: they are only kept here."
        ),
    )
    closed_from = models.TimeField(
        "No exports from",
        null=True,
        blank=True,
        help_text="Nothing is exported in this daily window, for example during a backup of Spectrum.",
    )
    closed_until = models.TimeField("until", null=True, blank=True)
    closed_time_zone = models.CharField(
        "in the time zone",
        max_length=60,
        blank=True,
        default="",
        db_default="",
        help_text="For example America/New_York. Blank for UTC.",
        validators=[validate_time_zone],
    )
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    pause_reason = models.CharField(max_length=300, blank=True, default="", db_default="")

    fixed_price_units = models.CharField(
        max_length=60,
        blank=True,
        default=FIXED_PRICE_UNITS,
        db_default=FIXED_PRICE_UNITS,
        help_text=(
            "Units of measure with a fixed price in Spectrum, separated by commas. Spectrum "
            "keeps only the amount of their lines."
        ),
    )

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "server", Upper("company_code"), name="a_spectrum_company_has_one_connection"
            ),
            build_known_constraint("guid_policy", GuidPolicy, "a_guid_policy_is_known"),
            models.CheckConstraint(
                condition=Q(closed_from=None, closed_until=None)
                | (
                    Q(closed_from__isnull=False, closed_until__isnull=False)
                    & ~Q(closed_from=F("closed_until"))
                ),
                name="a_daily_window_has_a_beginning_and_an_end",
            ),
            models.CheckConstraint(
                condition=Q(paused_at=None, paused_by=None, pause_reason="")
                | (Q(paused_at__isnull=False) & ~Q(pause_reason="")),
                name="a_pause_has_a_reason",
            ),
            build_known_constraint("general_ledger_order", LedgerOrder, "a_ledger_order_is_known"),
            build_known_constraint("erp_id_rule", ErpIdRule, "an_erp_id_rule_is_known"),
            build_known_constraint("non_ascii", NonAsciiRule, "a_non_ascii_rule_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.company_code})"

    def clean(self) -> None:
        """A connection with exports stays with its Spectrum company: make a new one instead."""
        if self._state.adding or not self.jobs.exists():
            return
        stored = Connection.objects.get(pk=self.pk)
        if (stored.server, stored.company_code) != (self.server, self.company_code):
            raise ValidationError(
                "This connection has exports, so its server and Company_Code can't change. "
                "Make a new connection for the other Spectrum company."
            )

    @property
    def secret_days_left(self) -> int | None:
        """Whole days until the client secret expires, by UTC; None where nobody knows."""
        expires = self.credentials.client_secret_expires_on
        return (expires - timezone.now().date()).days if self.client_id and expires else None

    @property
    def token_base_url(self) -> str:
        """Where the site's token service is: the server itself, unless the operator says otherwise."""
        return str(settings.SPECTRUM_TOKEN_SERVERS.get(self.server, self.base_url)).rstrip("/")

    @property
    def base_url(self) -> str:
        """Where the server is now; empty when the operator has taken it off the list."""
        return str(settings.SPECTRUM_SERVERS.get(self.server, "")).rstrip("/")

    @property
    def is_closed(self) -> bool:
        """This hour is one of those in which nothing is sent; workers ask the database's clock."""
        if self.closed_from is None or self.closed_until is None:
            return False
        local = timezone.localtime(timezone=zoneinfo.ZoneInfo(self.closed_time_zone or "UTC")).time()
        if self.closed_from < self.closed_until:
            return self.closed_from <= local < self.closed_until
        return local >= self.closed_from or local < self.closed_until

    @property
    def has_read_back(self) -> bool:
        """The operator has named a database that shows what this server holds."""
        return self.server in settings.INFO_LINKS


class Wsdl(models.Model):
    """A site's own description of one method, kept with the connection and not fetched at each start."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="wsdls")
    method = models.CharField(max_length=60)
    text = models.TextField()
    fetched_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "WSDL"
        constraints = [
            models.UniqueConstraint("connection", "method", name="a_connection_keeps_one_wsdl_per_method")
        ]

    def __str__(self) -> str:
        return self.method


class VendorLink(models.Model):
    """Which Spectrum vendor a contract company is."""

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="vendor_links")
    contract_company = models.ForeignKey(
        ContractCompany, on_delete=models.PROTECT, related_name="vendor_links"
    )
    vendor_code = models.CharField(max_length=10)
    general_ledger_account = models.CharField(max_length=12, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "connection", "contract_company", name="a_contract_company_is_one_vendor_of_a_connection"
            ),
            models.CheckConstraint(condition=~Q(vendor_code=""), name="a_vendor_link_names_a_vendor"),
        ]

    def __str__(self) -> str:
        return f"{self.contract_company} is vendor {self.vendor_code}"

    @property
    def code(self) -> str:
        return self.vendor_code


class CostTypeAccount(models.Model):
    """The general-ledger account of the commitments of a cost type."""

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="cost_type_accounts")
    cost_type = models.ForeignKey(CostType, on_delete=models.PROTECT, related_name="accounts")
    general_ledger_account = models.CharField(max_length=12)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "connection", "cost_type", name="a_cost_type_has_one_account_on_a_connection"
            ),
            models.CheckConstraint(
                condition=~Q(general_ledger_account=""), name="a_cost_type_account_names_an_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cost_type} goes to account {self.general_ledger_account}"


class JobLink(models.Model):
    """Which Spectrum job a project is, and so which connection its commitments go to."""

    project = models.OneToOneField(Project, on_delete=models.PROTECT, related_name="job_link")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="job_links")
    job_number = models.CharField(max_length=10)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(job_number=""), name="a_job_link_names_a_job")]

    def __str__(self) -> str:
        return f"{self.project} is job {self.job_number}"

    @property
    def code(self) -> str:
        return self.job_number
