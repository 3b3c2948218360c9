"""All tables as they are now: what a new database runs instead of the migrations that this one replaces.

A database that has begun with those goes on with them, and this one then counts as applied.
What is no table stands where it came from, and is taken from there.
"""

from importlib import import_module

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import erp_integrations.models.connections
import erp_integrations.models.secrets

acceptance = import_module("erp_integrations.migrations.0002_acceptance_and_job_agree")
answers = import_module("erp_integrations.migrations.0025_answers_are_written_by_workers")
attestations = import_module("erp_integrations.migrations.0027_attestations")


class Migration(migrations.Migration):
    replaces = [
        ("erp_integrations", "0001_initial"),
        ("erp_integrations", "0002_acceptance_and_job_agree"),
        ("erp_integrations", "0003_read_back"),
        ("erp_integrations", "0004_what_is_written"),
        ("erp_integrations", "0005_general_ledger_chain"),
        ("erp_integrations", "0006_quiet_period"),
        ("erp_integrations", "0007_reconciliation"),
        ("erp_integrations", "0008_stopped_connections"),
        ("erp_integrations", "0009_gone_from_spectrum"),
        ("erp_integrations", "0010_masters"),
        ("erp_integrations", "0011_authentication"),
        ("erp_integrations", "0012_notes_topic"),
        ("erp_integrations", "0013_place_of_the_vendors"),
        ("erp_integrations", "0014_alarms_pauses_and_daily_windows"),
        ("erp_integrations", "0015_fixed_price_units"),
        ("erp_integrations", "0016_connection_settings"),
        ("erp_integrations", "0017_success_codes_have_moved"),
        ("erp_integrations", "0018_sites"),
        ("erp_integrations", "0019_replies"),
        ("erp_integrations", "0020_ledger"),
        ("erp_integrations", "0021_records"),
        ("erp_integrations", "0022_plan"),
        ("erp_integrations", "0023_hands"),
        ("erp_integrations", "0024_exemptions"),
        ("erp_integrations", "0025_answers_are_written_by_workers"),
        ("erp_integrations", "0026_second_person"),
        ("erp_integrations", "0027_attestations"),
        ("erp_integrations", "0028_plain_words"),
        ("erp_integrations", "0029_column_defaults"),
    ]

    initial = True

    dependencies = [
        ("commitments", "0001_squashed_0004_column_defaults"),
        ("directory", "0001_squashed_0010_column_defaults"),
    ]

    operations = [
        migrations.CreateModel(
            name="Connection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "company",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="connections",
                        to="directory.company",
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "server",
                    models.CharField(
                        max_length=60, validators=[erp_integrations.models.connections.validate_server]
                    ),
                ),
                ("company_code", models.CharField(max_length=3, verbose_name="Company_Code")),
                (
                    "authorization_id",
                    erp_integrations.models.secrets.EncryptedTextField(
                        blank=True, db_default="", default="", verbose_name="Authorization_ID"
                    ),
                ),
                (
                    "guid",
                    erp_integrations.models.secrets.EncryptedTextField(
                        blank=True, db_default="", default="", verbose_name="GUID"
                    ),
                ),
                (
                    "guid_policy",
                    models.CharField(
                        choices=[
                            ("new", "A new one for each export"),
                            ("sent", "Always the one below"),
                            ("blank", "Blank"),
                        ],
                        db_default="new",
                        default="new",
                        max_length=5,
                        verbose_name="GUID is",
                    ),
                ),
                (
                    "client_id",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="For a hosted site with OAuth (enhanced authentication). Otherwise leave blank.",
                        max_length=100,
                        verbose_name="Client ID",
                    ),
                ),
                (
                    "client_secret",
                    erp_integrations.models.secrets.EncryptedTextField(
                        blank=True, db_default="", default="", verbose_name="Client secret"
                    ),
                ),
                (
                    "previous_client_secret",
                    erp_integrations.models.secrets.EncryptedTextField(blank=True, db_default="", default=""),
                ),
                (
                    "client_secret_expires_on",
                    models.DateField(blank=True, null=True, verbose_name="Client secret expires on"),
                ),
                ("rotation_began_at", models.DateTimeField(blank=True, null=True)),
                (
                    "token_path",
                    models.CharField(db_default="/connect/token", default="/connect/token", max_length=100),
                ),
                (
                    "rotation_path",
                    models.CharField(db_default="/secretRotation", default="/secretRotation", max_length=100),
                ),
                (
                    "wsdl_path",
                    models.CharField(
                        db_default="/wsdls/{method}.jws",
                        default="/wsdls/{method}.jws",
                        max_length=100,
                        verbose_name="WSDL path",
                    ),
                ),
                (
                    "service_path",
                    models.CharField(db_default="/ws/{method}", default="/ws/{method}", max_length=100),
                ),
                (
                    "vendors_path",
                    models.CharField(
                        db_default="/vendors/{company_code}",
                        default="/vendors/{company_code}",
                        help_text="Where the vendors are listed.",
                        max_length=100,
                    ),
                ),
                (
                    "general_ledger_account",
                    models.CharField(
                        blank=True,
                        help_text="Used if neither the vendor nor the cost type has an account.",
                        max_length=12,
                    ),
                ),
                (
                    "general_ledger_order",
                    models.CharField(
                        choices=[
                            ("vendor_first", "Vendor, cost type, company"),
                            ("cost_type_first", "Cost type, vendor, company"),
                        ],
                        db_default="vendor_first",
                        default="vendor_first",
                        max_length=15,
                    ),
                ),
                (
                    "erp_id_rule",
                    models.CharField(
                        choices=[
                            ("as_is", "The number as it is"),
                            ("last", "The number's last characters, as many as fit"),
                        ],
                        db_default="as_is",
                        default="as_is",
                        max_length=10,
                        verbose_name="ERP ID",
                    ),
                ),
                (
                    "subcontract_prefix",
                    models.CharField(blank=True, help_text="Prefix of a subcontract's ERP ID.", max_length=5),
                ),
                (
                    "purchase_order_prefix",
                    models.CharField(
                        blank=True, help_text="Prefix of a purchase order's ERP ID.", max_length=5
                    ),
                ),
                (
                    "non_ascii",
                    models.CharField(
                        choices=[
                            ("transliterate", "Respell them with plain letters, and show it"),
                            ("refuse", "Block the commitment"),
                        ],
                        db_default="transliterate",
                        default="transliterate",
                        help_text="Spectrum stores plain letters only, so é, ß or 漢 need a rule.",
                        max_length=14,
                        verbose_name="Other letters",
                    ),
                ),
                (
                    "notes_topic",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="The approver's details are written to Spectrum's subcontract notes under this topic, which must exist there. Blank: they are only kept here.",
                        max_length=20,
                        verbose_name="Topic of notes",
                    ),
                ),
                (
                    "closed_from",
                    models.TimeField(
                        blank=True,
                        help_text="Nothing is exported in this daily window, for example during a backup of Spectrum.",
                        null=True,
                        verbose_name="No exports from",
                    ),
                ),
                ("closed_until", models.TimeField(blank=True, null=True, verbose_name="until")),
                (
                    "closed_time_zone",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="For example America/New_York. Blank for UTC.",
                        max_length=60,
                        validators=[erp_integrations.models.connections.validate_time_zone],
                        verbose_name="in the time zone",
                    ),
                ),
                ("paused_at", models.DateTimeField(blank=True, null=True)),
                (
                    "paused_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("pause_reason", models.CharField(blank=True, db_default="", default="", max_length=300)),
                (
                    "fixed_price_units",
                    models.CharField(
                        blank=True,
                        db_default="LS",
                        default="LS",
                        help_text="Units of measure with a fixed price in Spectrum, separated by commas. Spectrum keeps only the amount of their lines.",
                        max_length=60,
                    ),
                ),
                ("lease_holder", models.CharField(blank=True, db_default="", default="", max_length=64)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("lease_attempt", models.PositiveBigIntegerField(db_default=0, default=0)),
                ("not_before", models.DateTimeField(blank=True, null=True)),
                ("fault", models.CharField(blank=True, db_default="", default="", max_length=1000)),
                (
                    "awaits_probe",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Stopped: nothing is sent before a probe has succeeded.",
                    ),
                ),
                (
                    "can_adopt",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="A person may say yes to the site's present descriptions.",
                    ),
                ),
                (
                    "failed_probes",
                    models.PositiveIntegerField(db_default=0, default=0, help_text="In a row."),
                ),
                (
                    "descriptions_checked_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the site's descriptions were last seen to be the kept ones.",
                        null=True,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("server"),
                        django.db.models.functions.text.Upper("company_code"),
                        name="a_spectrum_company_has_one_connection",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease_holder", ""), ("lease_until", None)),
                            models.Q(
                                models.Q(("lease_holder", ""), _negated=True),
                                models.Q(("lease_until", None), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="a_lease_has_a_holder_and_an_end",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("guid_policy__in", ["new", "sent", "blank"])),
                        name="a_guid_policy_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_from", None), ("closed_until", None)),
                            models.Q(
                                ("closed_from__isnull", False),
                                ("closed_until__isnull", False),
                                models.Q(("closed_from", models.F("closed_until")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="a_daily_window_has_a_beginning_and_an_end",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("pause_reason", ""), ("paused_at", None), ("paused_by", None)),
                            models.Q(
                                ("paused_at__isnull", False), models.Q(("pause_reason", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="a_pause_has_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("awaits_probe", False), ("not_before__isnull", False), _connector="OR"
                        ),
                        name="a_stopped_connection_is_probed_again",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("general_ledger_order__in", ["vendor_first", "cost_type_first"])),
                        name="a_ledger_order_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("erp_id_rule__in", ["as_is", "last"])),
                        name="an_erp_id_rule_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("non_ascii__in", ["transliterate", "refuse"])),
                        name="a_non_ascii_rule_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="Restore",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("epoch", models.PositiveIntegerField(unique=True)),
                ("reason", models.TextField()),
                ("lost", models.TextField(help_text="What the copy did not know, as sentences.")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="a_restore_has_a_reason"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UnconfirmedChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "company",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="directory.company"
                    ),
                ),
                ("subject", models.CharField(max_length=80, unique=True)),
                ("confirmed", models.JSONField()),
                (
                    "people",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="Everybody who changed it since, by id, the last at the end.",
                        size=None,
                    ),
                ),
                ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="Wsdl",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="wsdls",
                        to="erp_integrations.connection",
                    ),
                ),
                ("method", models.CharField(max_length=60)),
                ("text", models.TextField()),
                ("fetched_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "verbose_name": "WSDL",
                "constraints": [
                    models.UniqueConstraint(
                        models.F("connection"),
                        models.F("method"),
                        name="a_connection_keeps_one_wsdl_per_method",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="VendorLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="vendor_links",
                        to="erp_integrations.connection",
                    ),
                ),
                (
                    "contract_company",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="vendor_links",
                        to="commitments.contractcompany",
                    ),
                ),
                ("vendor_code", models.CharField(max_length=10)),
                ("general_ledger_account", models.CharField(blank=True, max_length=12)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("connection"),
                        models.F("contract_company"),
                        name="a_contract_company_is_one_vendor_of_a_connection",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("vendor_code", ""), _negated=True),
                        name="a_vendor_link_names_a_vendor",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CostTypeAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cost_type_accounts",
                        to="erp_integrations.connection",
                    ),
                ),
                (
                    "cost_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to="commitments.costtype",
                    ),
                ),
                ("general_ledger_account", models.CharField(max_length=12)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("connection"),
                        models.F("cost_type"),
                        name="a_cost_type_has_one_account_on_a_connection",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("general_ledger_account", ""), _negated=True),
                        name="a_cost_type_account_names_an_account",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="JobLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="job_link",
                        to="directory.project",
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="job_links",
                        to="erp_integrations.connection",
                    ),
                ),
                ("job_number", models.CharField(max_length=10)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("job_number", ""), _negated=True), name="a_job_link_names_a_job"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Submission",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "company",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="submissions",
                        to="directory.company",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="submissions",
                        to="directory.project",
                    ),
                ),
                (
                    "commitment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="submissions",
                        to="commitments.commitment",
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="submissions",
                        to="erp_integrations.connection",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("awaiting", "Awaiting accounting"),
                            ("retrieved", "Retrieved"),
                            ("rejected", "Rejected"),
                            ("accepted", "Accepted"),
                            ("unlinked", "Unlinked"),
                        ],
                        db_default="awaiting",
                        default="awaiting",
                        max_length=12,
                    ),
                ),
                ("snapshot", models.TextField()),
                ("snapshot_hash", models.CharField(max_length=64)),
                ("schema_version", models.PositiveSmallIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("subcontract", "Subcontract"), ("purchase_order", "Purchase Order")],
                        max_length=20,
                    ),
                ),
                ("number", models.CharField(max_length=30)),
                ("title", models.CharField(max_length=255)),
                ("contract_company_name", models.CharField(max_length=200)),
                ("total", models.DecimalField(decimal_places=2, max_digits=18)),
                (
                    "sent_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sent_submissions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("sent_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "hands",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        db_default=[],
                        default=list,
                        help_text="Everybody who wrote, changed, sent or retrieved it since it was last exported.",
                        size=None,
                    ),
                ),
                (
                    "exempt",
                    models.ForeignKey(
                        help_text="Who may decide on it once, whatever hand they had in it.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True, db_default="", default="")),
                ("reason", models.TextField(blank=True, db_default="", default="")),
                (
                    "ended_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "restored_at",
                    models.DateTimeField(
                        help_text="When it came back with an older copy of the database; nobody has decided since.",
                        null=True,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["company", "status", "-id"], name="submissions_by_company"),
                    models.Index(
                        condition=models.Q(("status", "awaiting")),
                        fields=["company", "id"],
                        name="awaiting_submissions",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ("awaiting", "accepted"))),
                        fields=("commitment",),
                        name="a_commitment_has_one_open_submission",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["awaiting", "retrieved", "rejected", "accepted", "unlinked"])
                        ),
                        name="a_submission_status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("status__in", ("rejected", "accepted", "unlinked")),
                            ),
                            models.Q(
                                models.Q(("status__in", ("rejected", "accepted", "unlinked")), _negated=True),
                                ("decided_at", None),
                                ("decided_by", None),
                            ),
                            _connector="OR",
                        ),
                        name="a_decision_has_a_person_and_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at__isnull", False),
                                ("ended_by__isnull", False),
                                ("status__in", ["retrieved", "unlinked"]),
                            ),
                            models.Q(
                                models.Q(("status__in", ["retrieved", "unlinked"]), _negated=True),
                                ("ended_at", None),
                                ("ended_by", None),
                            ),
                            _connector="OR",
                        ),
                        name="an_end_has_a_person_and_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "rejected"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="a_rejection_has_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ErpIdHold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="erp_id_holds",
                        to="erp_integrations.connection",
                    ),
                ),
                ("vendor_code", models.CharField(max_length=10)),
                ("erp_id", models.CharField(max_length=30)),
                (
                    "commitment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="erp_id_hold",
                        to="commitments.commitment",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("connection"),
                        models.F("vendor_code"),
                        models.F("erp_id"),
                        name="an_erp_id_belongs_to_one_commitment",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ConnectionSettings",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="settings",
                        serialize=False,
                        to="erp_integrations.connection",
                    ),
                ),
                (
                    "success_rule",
                    models.CharField(
                        choices=[
                            ("unknown", "Unknown yet: no reply means written"),
                            ("codes", "One of the codes below"),
                            ("no_error_row", "A complete reply without an error row"),
                            ("echo", "A row that repeats the record's key"),
                        ],
                        db_default="unknown",
                        default="unknown",
                        max_length=12,
                        verbose_name="Written means",
                    ),
                ),
                (
                    "success_codes",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Separated by commas. Use blank for a row without a code.",
                        max_length=60,
                        verbose_name="Codes that mean written",
                    ),
                ),
                (
                    "element_names",
                    models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="One per line, where Spectrum's description of a service spells an element differently: UpdateSubcontractPhases.Retention_Flag = Rentention_Flag. Case doesn't matter.",
                        verbose_name="Elements with other names",
                    ),
                ),
                (
                    "watch_days",
                    models.PositiveSmallIntegerField(
                        db_default=30,
                        default=30,
                        help_text="A call that got no answer may be written much later; Spectrum doesn't document how late, so this is an assumption. For this many days the daily comparison also looks for such calls.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3650),
                        ],
                        verbose_name="Watch for late writes, days",
                    ),
                ),
                (
                    "resolve_by_hand_after_hours",
                    models.PositiveSmallIntegerField(
                        db_default=24,
                        default=24,
                        help_text="If Spectrum's read-only database has not answered for this long, an approver may resolve the export by hand.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(720),
                        ],
                        verbose_name="Resolve by hand after, hours",
                    ),
                ),
                (
                    "retention_rule",
                    models.CharField(
                        choices=[
                            ("retainage", "Yes if the Default Retainage is above zero, otherwise no"),
                            ("always", "Always yes"),
                            ("never", "Always no"),
                            ("blank", "Left blank: Spectrum decides"),
                        ],
                        db_default="retainage",
                        default="retainage",
                        help_text="Nothing is withheld on a line that says no, and Spectrum may read a blank as no.",
                        max_length=10,
                        verbose_name="Retention on lines",
                    ),
                ),
                (
                    "unit_price_codes",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Price method codes of jobs and phases, separated by commas. Use blank for a job or phase without one. If empty, it is unknown whether Spectrum keeps unit costs, and each commitment says so.",
                        max_length=60,
                        verbose_name="Price methods that mean unit price",
                    ),
                ),
                (
                    "job_price_codes",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="For phases. Any other price method of a phase means a fixed price.",
                        max_length=60,
                        verbose_name="Price methods that mean as the job",
                    ),
                ),
                (
                    "soap_authentication",
                    models.CharField(
                        choices=[
                            ("by_site", "As Spectrum documents it"),
                            ("basic", "Basic: Company_Code and Authorization_ID"),
                            ("bearer", "Bearer: the access token"),
                            ("none", "Nothing"),
                        ],
                        db_default="by_site",
                        default="by_site",
                        help_text="In the HTTP header. Documented: the access token on a hosted site, otherwise nothing.",
                        max_length=10,
                        verbose_name="SOAP calls carry",
                    ),
                ),
                (
                    "rest_authentication",
                    models.CharField(
                        choices=[
                            ("by_site", "As Spectrum documents it"),
                            ("basic", "Basic: Company_Code and Authorization_ID"),
                            ("bearer", "Bearer: the access token"),
                            ("none", "Nothing"),
                        ],
                        db_default="by_site",
                        default="by_site",
                        help_text="In the HTTP header. Documented: the access token on a hosted site, otherwise Basic.",
                        max_length=10,
                        verbose_name="REST calls carry",
                    ),
                ),
                (
                    "token_for_descriptions",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="On a hosted site: send the access token when reading service descriptions.",
                        verbose_name="Read descriptions with the token",
                    ),
                ),
                (
                    "error_statuses",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Statuses besides 200 under which the site sends Spectrum's own replies, separated by commas, such as 400, 500. If blank, such replies are not read and the call stays Unknown.",
                        max_length=60,
                        verbose_name="HTTP statuses of errors",
                    ),
                ),
                (
                    "any_ending",
                    models.CharField(
                        blank=True,
                        db_default="*",
                        default="*",
                        help_text="Spectrum caps lists near 500 rows, so longer ones are read in parts, such as S*. The sign is an assumption: Spectrum documents only “SuperSelect logic”. Blank: lists are not read in parts.",
                        max_length=3,
                        verbose_name="Wildcard",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "connection settings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("success_rule__in", ["unknown", "codes", "no_error_row", "echo"])
                        ),
                        name="a_success_rule_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("rest_authentication__in", ["by_site", "basic", "bearer", "none"]),
                            ("soap_authentication__in", ["by_site", "basic", "bearer", "none"]),
                        ),
                        name="an_authentication_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("success_rule", "codes"), _negated=True),
                            models.Q(("success_codes", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="a_rule_by_codes_names_codes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("retention_rule__in", ["retainage", "always", "never", "blank"])),
                        name="a_retention_rule_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Vendor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seen_at", models.DateTimeField()),
                ("gone_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="vendors",
                        to="erp_integrations.connection",
                    ),
                ),
                ("code", models.CharField(max_length=30)),
                ("name", models.CharField(blank=True, max_length=200)),
                (
                    "renamed_at",
                    models.DateTimeField(help_text="The last reading that told another name.", null=True),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("A", "Active"), ("I", "Inactive"), ("N", "Not used")],
                        db_default="A",
                        default="A",
                        max_length=1,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("connection"),
                        django.db.models.functions.text.Upper("code"),
                        name="vendors_by_code",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("connection", "code"), name="a_vendor_is_listed_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seen_at", models.DateTimeField()),
                ("gone_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="spectrum_jobs",
                        to="erp_integrations.connection",
                    ),
                ),
                ("number", models.CharField(max_length=30)),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "renamed_at",
                    models.DateTimeField(
                        help_text="The last reading that told another description.", null=True
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("A", "Active"), ("I", "Inactive"), ("C", "Complete")],
                        db_default="A",
                        default="A",
                        max_length=1,
                    ),
                ),
                (
                    "price_method",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Blank: the list does not say.",
                        max_length=30,
                    ),
                ),
                ("phases_seen_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("connection"),
                        django.db.models.functions.text.Upper("number"),
                        name="jobs_by_number",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("connection", "number"), name="a_job_is_listed_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="MastersPull",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="masters_pull",
                        to="erp_integrations.connection",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting for a worker"),
                            ("pulling", "Syncing"),
                            ("done", "Read"),
                            ("failed", "Incomplete"),
                        ],
                        db_default="queued",
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("attempt", models.PositiveIntegerField(db_default=0, default=0)),
                ("lease_until", models.DateTimeField(null=True)),
                (
                    "not_before",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("problem", models.TextField(blank=True, db_default="", default="")),
                ("vendors_read", models.PositiveIntegerField(db_default=0, default=0)),
                ("jobs_read", models.PositiveIntegerField(db_default=0, default=0)),
                ("phases_read", models.PositiveIntegerField(db_default=0, default=0)),
                (
                    "linked_jobs",
                    models.PositiveIntegerField(
                        db_default=0, default=0, help_text="Whose phases are to be read."
                    ),
                ),
                ("linked_jobs_read", models.PositiveIntegerField(db_default=0, default=0)),
                ("vendors_at", models.DateTimeField(null=True)),
                ("jobs_at", models.DateTimeField(null=True)),
                (
                    "lists_inactive_vendors",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Then a vendor that is not listed does not exist; else it may be inactive.",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["queued", "pulling", "done", "failed"])),
                        name="a_pull_status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease_until__isnull", False), ("status", "pulling")),
                            models.Q(models.Q(("status", "pulling"), _negated=True), ("lease_until", None)),
                            _connector="OR",
                        ),
                        name="a_pull_is_leased_while_it_is_being_read",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status", "pulling"), ("not_before__isnull", False), _connector="OR"
                        ),
                        name="a_pull_that_rests_has_a_next_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reconciliations",
                        to="erp_integrations.connection",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Comparing"),
                            ("finished", "Compared"),
                            ("stopped", "Can't be checked now"),
                        ],
                        db_default="waiting",
                        default="waiting",
                        max_length=10,
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        help_text="Null: the daily one.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("asked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("attempt", models.PositiveIntegerField(db_default=0, default=0)),
                ("after_job", models.PositiveBigIntegerField(db_default=0, default=0)),
                ("to_compare", models.PositiveIntegerField(db_default=0, default=0)),
                ("compared", models.PositiveIntegerField(db_default=0, default=0)),
                ("problem", models.CharField(blank=True, db_default="", default="", max_length=300)),
            ],
            options={
                "indexes": [models.Index(fields=["connection", "-id"], name="reconciliations_by_connection")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ("waiting", "running"))),
                        fields=("connection",),
                        name="a_connection_has_one_open_reconciliation",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["waiting", "running", "finished", "stopped"])),
                        name="a_reconciliation_status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease_until__isnull", False), ("status", "running")),
                            models.Q(models.Q(("status", "running"), _negated=True), ("lease_until", None)),
                            _connector="OR",
                        ),
                        name="a_reconciliation_is_leased_while_it_runs",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("status__in", ("waiting", "running"))),
                            models.Q(
                                models.Q(("status__in", ("waiting", "running")), _negated=True),
                                ("ended_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="a_reconciliation_that_is_over_says_when",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UnitLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="unit_links",
                        to="erp_integrations.connection",
                    ),
                ),
                ("unit", models.CharField(max_length=10)),
                ("erp_unit", models.CharField(max_length=3)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("connection"), models.F("unit"), name="a_unit_is_linked_once_on_a_connection"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("erp_unit", ""), _negated=True), name="a_unit_link_names_a_unit"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Alarm",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alarms",
                        to="erp_integrations.connection",
                    ),
                ),
                (
                    "submission",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alarms",
                        to="erp_integrations.submission",
                    ),
                ),
                ("sentence", models.TextField()),
                ("tells_sender", models.BooleanField(db_default=False, default=False)),
                ("raised_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("told_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("told_at", None)), fields=["connection"], name="untold_alarms"
                    ),
                    models.Index(fields=["connection", "told_at"], name="alarms_by_connection"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExportJob",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="jobs",
                        to="erp_integrations.submission",
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="jobs",
                        to="erp_integrations.connection",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("exporting", "Exporting"),
                            ("synced", "Synced"),
                            ("incomplete", "Incomplete"),
                            ("failed", "Failed to export"),
                            ("unknown", "Unknown"),
                            ("cancelled", "Cancelled"),
                        ],
                        db_default="queued",
                        default="queued",
                        max_length=12,
                    ),
                ),
                ("vendor_code", models.CharField(max_length=10)),
                ("erp_id", models.CharField(max_length=30, verbose_name="ERP ID")),
                ("basis_hash", models.CharField(max_length=64)),
                (
                    "wire_hash",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="What of the connection's settings was bound with it; blank: none, it is from before that.",
                        max_length=64,
                    ),
                ),
                (
                    "plan_round",
                    models.PositiveIntegerField(
                        db_default=1, default=1, help_text="Grows when a retry plans the calls again."
                    ),
                ),
                (
                    "success_rule",
                    models.CharField(
                        choices=[
                            ("unknown", "Unknown yet: no reply means written"),
                            ("codes", "One of the codes below"),
                            ("no_error_row", "A complete reply without an error row"),
                            ("echo", "A row that repeats the record's key"),
                        ],
                        db_default="unknown",
                        default="unknown",
                        max_length=12,
                    ),
                ),
                ("success_codes", models.CharField(blank=True, db_default="", default="", max_length=60)),
                ("attempt", models.PositiveIntegerField(db_default=0, default=0)),
                (
                    "tries",
                    models.PositiveIntegerField(
                        db_default=0, default=0, help_text="Since it was last queued by a person."
                    ),
                ),
                ("lease_until", models.DateTimeField(null=True)),
                (
                    "not_before",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True),
                ),
                ("problem", models.TextField(blank=True, db_default="", default="")),
                (
                    "guid",
                    models.UUIDField(help_text="What names this export's session to Spectrum.", null=True),
                ),
                (
                    "verification",
                    models.CharField(
                        choices=[
                            ("pending", "Not verified yet"),
                            ("match", "Matches"),
                            ("differs", "Differs"),
                            ("absent", "Not found in Spectrum"),
                            ("elsewhere", "Moved in Spectrum"),
                            ("not_configured", "Not verified: read-back is not configured"),
                            ("attested", "Attested by a person"),
                        ],
                        db_default="pending",
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("verify_after", models.DateTimeField(help_text="Not read back before this.", null=True)),
                ("verified_at", models.DateTimeField(null=True)),
                (
                    "differences",
                    models.JSONField(
                        blank=True,
                        db_default=models.Value([], models.JSONField()),
                        default=list,
                        help_text="Title, name, sent and stored of each, as they were read back.",
                    ),
                ),
                (
                    "filled",
                    models.JSONField(
                        blank=True,
                        db_default=models.Value([], models.JSONField()),
                        default=list,
                        help_text="Title, name and value of what the ERP put where nothing was sent, as it was read back.",
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("unknown_since", models.DateTimeField(null=True)),
                (
                    "quiet_until",
                    models.DateTimeField(help_text="Of the last call of which nobody knew.", null=True),
                ),
                ("synced_at", models.DateTimeField(null=True)),
                (
                    "unreadable_since",
                    models.DateTimeField(
                        help_text="When a look at this unknown one failed first; empty since one has succeeded.",
                        null=True,
                    ),
                ),
                (
                    "adopted",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="It stood in the ERP, whole or in part, and a person marked it as exported.",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["queued", "incomplete"])),
                        fields=["connection", "not_before"],
                        name="due_export_jobs",
                    ),
                    models.Index(
                        condition=models.Q(("status", "exporting")),
                        fields=["lease_until"],
                        name="leased_export_jobs",
                    ),
                    models.Index(
                        condition=models.Q(("status", "unknown")),
                        fields=["not_before"],
                        name="unknown_export_jobs",
                    ),
                    models.Index(
                        condition=models.Q(("status", "synced"), ("verification", "pending")),
                        fields=["verify_after"],
                        name="unverified_export_jobs",
                    ),
                    models.Index(
                        condition=models.Q(("status", "synced")),
                        fields=["connection", "id"],
                        name="synced_export_jobs",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "cancelled"), _negated=True),
                        fields=("submission",),
                        name="a_submission_has_one_job_that_is_not_cancelled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "queued",
                                    "exporting",
                                    "synced",
                                    "incomplete",
                                    "failed",
                                    "unknown",
                                    "cancelled",
                                ],
                            )
                        ),
                        name="a_job_status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease_until__isnull", False), ("status", "exporting")),
                            models.Q(models.Q(("status", "exporting"), _negated=True), ("lease_until", None)),
                            _connector="OR",
                        ),
                        name="a_job_is_leased_while_it_is_exporting",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "queued"), _negated=True),
                            ("not_before__isnull", False),
                            _connector="OR",
                        ),
                        name="a_queued_job_has_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "unknown"), ("unknown_since__isnull", False)),
                            models.Q(models.Q(("status", "unknown"), _negated=True), ("unknown_since", None)),
                            _connector="OR",
                        ),
                        name="an_unknown_job_says_since_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "unknown"), _negated=True),
                            ("quiet_until__isnull", False),
                            _connector="OR",
                        ),
                        name="an_unknown_job_has_a_quiet_period",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "verification__in",
                                [
                                    "pending",
                                    "match",
                                    "differs",
                                    "absent",
                                    "elsewhere",
                                    "not_configured",
                                    "attested",
                                ],
                            )
                        ),
                        name="a_verification_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("success_rule__in", ["unknown", "codes", "no_error_row", "echo"])
                        ),
                        name="a_jobs_success_rule_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "synced"), _negated=True),
                            ("synced_at__isnull", False),
                            _connector="OR",
                        ),
                        name="a_synced_job_says_when",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Phase",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seen_at", models.DateTimeField()),
                ("gone_at", models.DateTimeField(null=True)),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="phases",
                        to="erp_integrations.job",
                    ),
                ),
                ("code", models.CharField(help_text="Without dashes.", max_length=30)),
                ("cost_type", models.CharField(max_length=30)),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[("A", "Active"), ("I", "Inactive"), ("C", "Complete")], max_length=1
                    ),
                ),
                ("billing_item", models.CharField(blank=True, max_length=30)),
                ("unit_of_measure", models.CharField(blank=True, max_length=30)),
                (
                    "price_method",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Blank: the list does not say.",
                        max_length=30,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("job"), django.db.models.functions.text.Upper("code"), name="phases_by_code"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("job", "code", "cost_type"), name="a_phase_is_listed_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["A", "I", "C"])), name="a_phase_status_is_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExportCall",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calls",
                        to="erp_integrations.exportjob",
                    ),
                ),
                ("plan_round", models.PositiveIntegerField(db_default=1, default=1)),
                ("position", models.PositiveIntegerField()),
                ("method", models.CharField(max_length=60)),
                ("title", models.CharField(max_length=100)),
                (
                    "elements",
                    models.JSONField(
                        help_text="Name, value, original and defaulted of each element, in order."
                    ),
                ),
                ("payload_hash", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "Not sent"),
                            ("sending", "Being sent"),
                            ("not_found", "Not found in Spectrum"),
                            ("written", "Written"),
                            ("refused", "Refused"),
                            ("unknown", "Unknown"),
                            ("gone", "Gone from Spectrum"),
                        ],
                        db_default="planned",
                        default="planned",
                        max_length=10,
                    ),
                ),
                (
                    "not_found_at",
                    models.DateTimeField(
                        help_text="When nothing of it was there after a call of which nobody knew.", null=True
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("job", "plan_round", "position"), name="a_position_of_a_plan_holds_one_call"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["planned", "sending", "not_found", "written", "refused", "unknown", "gone"],
                            )
                        ),
                        name="a_call_state_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Drift",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "company",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="drifts",
                        to="directory.company",
                    ),
                ),
                (
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="drifts",
                        to="erp_integrations.submission",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="drifts",
                        to="erp_integrations.exportjob",
                    ),
                ),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("changed", "Changed in Spectrum"),
                                ("missing", "Missing in Spectrum"),
                                ("elsewhere", "Moved in Spectrum"),
                                ("extra-lines", "Extra lines in Spectrum"),
                                ("changed-here", "Changed here, not in Spectrum"),
                                ("late", "Appeared late in Spectrum"),
                            ],
                            max_length=12,
                        ),
                        size=None,
                    ),
                ),
                ("findings", models.JSONField()),
                ("record_name", models.CharField(blank=True, db_default="", default="", max_length=80)),
                ("first_seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("last_seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("gone_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("gone_at", None)), fields=["company", "-id"], name="current_drift"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("gone_at", None)),
                        fields=("job", "record_name"),
                        name="an_export_drifts_once_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kinds__contained_by",
                                ["changed", "missing", "elsewhere", "extra-lines", "changed-here", "late"],
                            ),
                            ("kinds__len__gt", 0),
                        ),
                        name="the_kinds_of_drift_are_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="JobBilling",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billing",
                        to="erp_integrations.exportjob",
                    ),
                ),
                ("read_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("billed", models.DecimalField(decimal_places=2, max_digits=15, null=True)),
                ("paid", models.DecimalField(decimal_places=2, max_digits=15, null=True)),
                ("retention_held", models.DecimalField(decimal_places=2, max_digits=15, null=True)),
                ("balance", models.DecimalField(decimal_places=2, max_digits=15, null=True)),
                ("lines", models.JSONField(db_default=models.Value([], models.JSONField()), default=list)),
            ],
        ),
        migrations.CreateModel(
            name="WireAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="wire_attempts",
                        to="erp_integrations.exportcall",
                    ),
                ),
                ("attempt", models.PositiveIntegerField(help_text="The job's attempt number.")),
                ("payload_hash", models.CharField(max_length=64)),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(blank=True, db_default="", default="", max_length=20)),
                ("reason", models.TextField(blank=True, db_default="", default="")),
                (
                    "reply",
                    models.TextField(
                        blank=True, db_default="", default="", help_text="As it came, secrets removed."
                    ),
                ),
                (
                    "status",
                    models.PositiveSmallIntegerField(
                        help_text="The HTTP status of a whole reply that nobody could tell a yes or a no from.",
                        null=True,
                    ),
                ),
                (
                    "was_absent",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Read before it left, nothing was there of the call.",
                    ),
                ),
                (
                    "shown_at",
                    models.DateTimeField(
                        help_text="When read-back showed that the call is written, of which nobody knew.",
                        null=True,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("shown_at__isnull", False)),
                        fields=["call"],
                        name="read_back_wire_attempts",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("call", "attempt"), name="a_call_is_sent_once_in_an_attempt"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at", None), ("outcome", "")),
                            models.Q(
                                models.Q(("outcome", ""), _negated=True), ("finished_at__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="an_outcome_has_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Attestation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attestations",
                        to="erp_integrations.exportcall",
                    ),
                ),
                ("is_there", models.BooleanField(help_text="Whether Spectrum has it.")),
                ("read_back", models.BooleanField()),
                ("statement", models.TextField(blank=True, help_text="The person's words.")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="The database's time of the transaction.",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("read_back", True), models.Q(("statement", ""), _negated=True), _connector="OR"
                        ),
                        name="an_attestation_was_read_back_or_is_in_words",
                    )
                ],
            },
        ),
        migrations.RunSQL(acceptance.FORWARD, acceptance.BACKWARD),
        migrations.RunSQL(answers.FORWARD, answers.BACKWARD),
        migrations.RunSQL(attestations.FORWARD, attestations.BACKWARD),
    ]
