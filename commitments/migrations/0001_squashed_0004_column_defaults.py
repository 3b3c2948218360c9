"""All tables as they are now: what a new database runs instead of the migrations that this one replaces.

A database that has begun with those goes on with them, and this one then counts as applied.
"""

from decimal import Decimal

import django.core.validators
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("commitments", "0001_initial"),
        ("commitments", "0002_initial"),
        ("commitments", "0003_plain_words"),
        ("commitments", "0004_column_defaults"),
    ]

    initial = True

    dependencies = [
        ("directory", "0001_squashed_0010_column_defaults"),
    ]

    operations = [
        migrations.CreateModel(
            name="ContractCompany",
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
                        related_name="contract_companies",
                        to="directory.company",
                    ),
                ),
                ("name", models.CharField(max_length=200)),
            ],
            options={
                "verbose_name_plural": "contract companies",
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("company"), models.F("name"), name="a_contract_company_is_listed_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CostCode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cost_codes",
                        to="directory.project",
                    ),
                ),
                ("code", models.CharField(max_length=30)),
                ("name", models.CharField(max_length=200)),
            ],
            options={
                "ordering": ["code"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("project"), models.F("code"), name="a_cost_code_is_unique_in_its_project"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CostType",
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
                        related_name="cost_types",
                        to="directory.company",
                    ),
                ),
                ("code", models.CharField(max_length=10)),
                ("name", models.CharField(max_length=100)),
            ],
            options={
                "ordering": ["code"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("company"), models.F("code"), name="a_cost_type_is_unique_in_its_company"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Commitment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="commitments",
                        to="directory.project",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("subcontract", "Subcontract"), ("purchase_order", "Purchase Order")],
                        max_length=20,
                    ),
                ),
                ("number", models.CharField(blank=True, max_length=30)),
                ("title", models.CharField(blank=True, max_length=255)),
                ("description", models.TextField(blank=True)),
                ("status", models.CharField(db_default="draft", default="draft", max_length=20)),
                (
                    "contract_company",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="commitments",
                        to="commitments.contractcompany",
                    ),
                ),
                ("trade", models.CharField(blank=True, max_length=60)),
                ("issue_date", models.DateField(blank=True, null=True)),
                (
                    "default_retainage",
                    models.DecimalField(
                        db_default=Decimal("0"),
                        decimal_places=2,
                        default=Decimal("0"),
                        help_text="Percentage held back from each payment.",
                        max_digits=5,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal("0")),
                            django.core.validators.MaxValueValidator(Decimal("100")),
                        ],
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="created_commitments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "version",
                    models.PositiveIntegerField(
                        db_default=1, default=1, help_text="Grows with each change, so that none is lost."
                    ),
                ),
                (
                    "lock",
                    models.CharField(
                        choices=[
                            ("none", "Editable"),
                            ("whole", "Locked while accounting has it"),
                            ("exported", "Locked where it was exported"),
                        ],
                        db_default="none",
                        default="none",
                        max_length=10,
                    ),
                ),
                (
                    "badge",
                    models.CharField(
                        choices=[
                            ("not_sent", "Not sent"),
                            ("awaiting", "Awaiting accounting"),
                            ("exporting", "Exporting"),
                            ("synced", "Synced"),
                            ("synced_with_differences", "Synced with differences"),
                            ("rejected", "Rejected"),
                            ("retrieved", "Retrieved"),
                            ("failed", "Failed to export"),
                            ("needs_attention", "Needs attention"),
                            ("unlinked", "Unlinked"),
                        ],
                        db_default="not_sent",
                        default="not_sent",
                        max_length=30,
                    ),
                ),
                ("erp_id", models.CharField(blank=True, max_length=30, verbose_name="ERP ID")),
            ],
            options={
                "ordering": ["-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("number", ""), _negated=True),
                        fields=("project", "kind", "number"),
                        name="a_number_is_unique_in_its_project_and_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["subcontract", "purchase_order"])),
                        name="a_commitment_is_of_a_known_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind", "subcontract"),
                                (
                                    "status__in",
                                    [
                                        "draft",
                                        "out_for_bid",
                                        "out_for_signature",
                                        "approved",
                                        "complete",
                                        "terminated",
                                        "void",
                                    ],
                                ),
                            ),
                            models.Q(
                                ("kind", "purchase_order"),
                                (
                                    "status__in",
                                    [
                                        "draft",
                                        "processing",
                                        "submitted",
                                        "partially_received",
                                        "received",
                                        "approved",
                                        "closed",
                                    ],
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="a_status_fits_its_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("lock__in", ["none", "whole", "exported"])),
                        name="a_lock_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "badge__in",
                                [
                                    "not_sent",
                                    "awaiting",
                                    "exporting",
                                    "synced",
                                    "synced_with_differences",
                                    "rejected",
                                    "retrieved",
                                    "failed",
                                    "needs_attention",
                                    "unlinked",
                                ],
                            )
                        ),
                        name="a_badge_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("default_retainage__gte", 0), ("default_retainage__lte", 100)),
                        name="retainage_is_a_percentage",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LineItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "commitment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="commitments.commitment",
                    ),
                ),
                ("position", models.PositiveIntegerField()),
                (
                    "cost_code",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="commitments.costcode",
                    ),
                ),
                (
                    "cost_type",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="commitments.costtype",
                    ),
                ),
                ("billing_item", models.CharField(blank=True, max_length=20)),
                ("description", models.CharField(blank=True, max_length=255)),
                ("quantity", models.DecimalField(blank=True, decimal_places=4, max_digits=14, null=True)),
                ("unit_of_measure", models.CharField(blank=True, max_length=10)),
                ("unit_cost", models.DecimalField(blank=True, decimal_places=6, max_digits=16, null=True)),
                ("amount", models.DecimalField(decimal_places=2, max_digits=14)),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                        fields=("commitment", "position"),
                        name="a_position_holds_one_line",
                    )
                ],
            },
        ),
    ]
