"""All tables as they are now: what a new database runs instead of the migrations that this one replaces.

A database that has begun with those goes on with them, and this one then counts as applied.
What is no table stands where it came from, and is taken from there.
"""

from importlib import import_module

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import directory.models

append_only = import_module("directory.migrations.0002_history_is_append_only")
cache = import_module("directory.migrations.0003_cache")
seals = import_module("directory.migrations.0005_seals_are_append_only")
signed = import_module("directory.migrations.0008_decisions_are_signed")


class Migration(migrations.Migration):
    replaces = [
        ("directory", "0001_initial"),
        ("directory", "0002_history_is_append_only"),
        ("directory", "0003_cache"),
        ("directory", "0004_history_seals"),
        ("directory", "0005_seals_are_append_only"),
        ("directory", "0006_two_step_rule"),
        ("directory", "0007_confirmation_is_asked"),
        ("directory", "0008_decisions_are_signed"),
        ("directory", "0009_plain_words"),
        ("directory", "0010_column_defaults"),
    ]

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("first_name", models.CharField(blank=True, max_length=150, verbose_name="first name")),
                ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                (
                    "date_joined",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined"),
                ),
                ("email", models.EmailField(max_length=254, unique=True, verbose_name="e-mail address")),
                (
                    "time_zone",
                    models.CharField(
                        db_default="America/New_York",
                        default="America/New_York",
                        max_length=64,
                        validators=[directory.models.validate_time_zone],
                    ),
                ),
                (
                    "summary_hour",
                    models.PositiveSmallIntegerField(
                        db_default=7,
                        default=7,
                        help_text="0 to 23, in your own time zone.",
                        validators=[django.core.validators.MaxValueValidator(23)],
                        verbose_name="hour of the daily summary",
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"), name="an_email_belongs_to_one_person"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("summary_hour__lte", 23)), name="a_day_has_24_hours"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Company",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(unique=True)),
                (
                    "currency",
                    models.CharField(
                        db_default="USD",
                        default="USD",
                        help_text="One currency per company, ISO 4217.",
                        max_length=3,
                    ),
                ),
                (
                    "allows_own_decisions",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Exempts the company from the rule that nobody decides on what they created or sent.",
                        verbose_name="approvers may decide on their own commitments",
                    ),
                ),
                (
                    "requires_two_step",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="Without it, those with Can Push to Accounting can only view.",
                        verbose_name="approvers must use two-step verification",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "companies",
                "ordering": ["name"],
                "permissions": [
                    ("free_from_own_decision_rule", "Can free a company from the own-decision rule"),
                    ("set_two_step_rule", "Can set whether approvers must use two-step verification"),
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoryEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("company_id", models.BigIntegerField(null=True)),
                ("by_id", models.BigIntegerField(help_text="Null: the system itself.", null=True)),
                ("event", models.CharField(max_length=60)),
                ("subject_type", models.CharField(max_length=60)),
                ("subject_id", models.BigIntegerField()),
                ("detail", models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
            ],
            options={
                "verbose_name_plural": "history",
                "indexes": [
                    models.Index(fields=["subject_type", "subject_id", "id"], name="history_by_subject"),
                    models.Index(
                        models.F("company_id"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="history_by_company",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HistorySeal",
            fields=[
                ("entry_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("chain", models.BigIntegerField()),
                ("number", models.BigIntegerField(help_text="From 1, without a gap in its chain.")),
                ("entry_hash", models.CharField(max_length=64)),
                ("previous_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                ("sealed_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("chain", "number"), name="a_place_in_a_chain_is_taken_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Project",
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
                        related_name="projects",
                        to="directory.company",
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("number", models.CharField(blank=True, max_length=20)),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("company"), models.F("name"), name="a_project_name_is_unique_in_its_company"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CompanyMembership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="company_memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "company",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="directory.company",
                    ),
                ),
                (
                    "erp_integrations_level",
                    models.CharField(
                        choices=[
                            ("none", "None"),
                            ("read_only", "Read Only"),
                            ("standard", "Standard"),
                            ("admin", "Admin"),
                        ],
                        db_default="none",
                        default="none",
                        max_length=10,
                        verbose_name="ERP Integrations",
                    ),
                ),
                (
                    "directory_level",
                    models.CharField(
                        choices=[
                            ("none", "None"),
                            ("read_only", "Read Only"),
                            ("standard", "Standard"),
                            ("admin", "Admin"),
                        ],
                        db_default="none",
                        default="none",
                        max_length=10,
                        verbose_name="Directory",
                    ),
                ),
                (
                    "can_push_to_accounting",
                    models.BooleanField(
                        db_default=False, default=False, verbose_name="Can Push to Accounting"
                    ),
                ),
                (
                    "signed_grant",
                    models.JSONField(
                        editable=False, help_text="What web signed when the privilege was granted.", null=True
                    ),
                ),
            ],
            options={
                "permissions": [("grant_push_to_accounting", "Can grant and revoke Can Push to Accounting")],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("user"), models.F("company"), name="a_person_is_listed_once_in_a_company"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("erp_integrations_level__in", ["none", "read_only", "standard", "admin"])
                        ),
                        name="an_erp_level_is_a_known_level",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("directory_level__in", ["none", "read_only", "standard", "admin"])
                        ),
                        name="a_directory_level_is_a_known_level",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProjectMembership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="project_memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="directory.project",
                    ),
                ),
                (
                    "commitments_level",
                    models.CharField(
                        choices=[
                            ("none", "None"),
                            ("read_only", "Read Only"),
                            ("standard", "Standard"),
                            ("admin", "Admin"),
                        ],
                        db_default="none",
                        default="none",
                        max_length=10,
                        verbose_name="Commitments",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("user"), models.F("project"), name="a_person_is_listed_once_in_a_project"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("commitments_level__in", ["none", "read_only", "standard", "admin"])
                        ),
                        name="a_commitments_level_is_a_known_level",
                    ),
                ],
            },
        ),
        migrations.RunSQL(append_only.FORWARD, append_only.BACKWARD),
        migrations.RunPython(cache.create_table, migrations.RunPython.noop),
        migrations.RunSQL(seals.FORWARD, seals.BACKWARD),
        migrations.RunSQL(signed.FORWARD, signed.BACKWARD),
    ]
