"""All tables as they are now: what a new database runs instead of the migrations that this one replaces.

A database that has begun with those goes on with them, and this one then counts as applied.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import notifications.models


class Migration(migrations.Migration):
    replaces = [
        ("notifications", "0001_initial"),
        ("notifications", "0002_rights_notices"),
        ("notifications", "0003_mails_about_accounts"),
        ("notifications", "0004_mails_about_sign_in_changes"),
        ("notifications", "0005_mails_to_the_operator"),
        ("notifications", "0006_plain_words"),
        ("notifications", "0007_column_defaults"),
    ]

    initial = True

    dependencies = [
        ("directory", "0001_squashed_0010_column_defaults"),
    ]

    operations = [
        migrations.CreateModel(
            name="OutgoingEmail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        help_text="Null: whoever runs the server (OPERATOR_EMAIL).",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outgoing_emails",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("to_address", models.EmailField(max_length=254, verbose_name="to")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("daily_summary", "ERP Integrations Daily Summary"),
                            ("rejection", "Rejected by accounting"),
                            ("resent", "Re-sent after a rejection"),
                            ("attention", "Failed or needs attention"),
                            ("rights", "Who may push to accounting"),
                            ("password_link", "Link to choose a password"),
                            ("invitation", "Invitation"),
                            ("sign_in", "Sign-in change"),
                        ],
                        max_length=20,
                    ),
                ),
                ("subject", models.CharField(max_length=255)),
                ("text_body", models.TextField()),
                ("html_body", models.TextField()),
                (
                    "dedupe_key",
                    models.CharField(blank=True, help_text="Shared by no two mails.", max_length=200),
                ),
                (
                    "message_id",
                    models.CharField(
                        default=notifications.models.new_message_id,
                        max_length=255,
                        unique=True,
                        verbose_name="Message-ID",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                        ],
                        db_default="queued",
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(db_default=0, default=0)),
                ("last_attempt", models.PositiveIntegerField(db_default=80, default=80)),
                ("not_before", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "outgoing e-mail",
                "permissions": [("send_again", "Can send a failed e-mail again")],
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "queued")),
                        fields=["not_before", "id"],
                        name="emails_that_wait",
                    ),
                    models.Index(
                        condition=models.Q(("status", "sending")),
                        fields=["lease_until"],
                        name="emails_being_sent",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "daily_summary",
                                    "rejection",
                                    "resent",
                                    "attention",
                                    "rights",
                                    "password_link",
                                    "invitation",
                                    "sign_in",
                                ],
                            )
                        ),
                        name="an_email_is_of_a_known_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["queued", "sending", "sent", "failed"])),
                        name="an_email_is_in_a_known_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("to_address", ""), _negated=True), name="an_email_has_an_address"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("subject__regex", "[\\r\\n]"), _negated=True),
                        name="the_subject_of_an_email_is_one_line",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("sent_at__isnull", False), ("status", "sent")),
                            models.Q(models.Q(("status", "sent"), _negated=True), ("sent_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="an_email_has_a_sent_time_exactly_when_sent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease_until__isnull", False), ("status", "sending")),
                            models.Q(
                                models.Q(("status", "sending"), _negated=True), ("lease_until__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="an_email_has_a_lease_exactly_when_sending",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("last_error", ""), ("status", "failed"), _negated=True),
                        name="a_failed_email_says_why",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("dedupe_key", ""), _negated=True),
                        fields=("dedupe_key",),
                        name="an_email_is_stored_once_for_its_key",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PasswordRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("address", models.EmailField(max_length=254)),
                ("requested_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="Subscription",
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscriptions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("daily_summary", "ERP Integrations Daily Summary"),
                            ("rejection", "Rejected by accounting"),
                            ("resent", "Re-sent after a rejection"),
                            ("attention", "Failed or needs attention"),
                            ("rights", "Who may push to accounting"),
                            ("password_link", "Link to choose a password"),
                            ("invitation", "Invitation"),
                            ("sign_in", "Sign-in change"),
                        ],
                        max_length=20,
                    ),
                ),
                ("wanted", models.BooleanField(db_default=True, default=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "kind"), name="a_person_chooses_once_for_each_kind"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "daily_summary",
                                    "rejection",
                                    "resent",
                                    "attention",
                                    "rights",
                                    "password_link",
                                    "invitation",
                                    "sign_in",
                                ],
                            )
                        ),
                        name="a_subscription_is_of_a_known_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ("rejection", "rights", "password_link", "invitation", "sign_in")),
                            ("wanted", False),
                            _negated=True,
                        ),
                        name="some_mails_are_always_sent",
                    ),
                ],
            },
        ),
    ]
