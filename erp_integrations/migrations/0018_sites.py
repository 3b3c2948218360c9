"""What a site may have otherwise, an export's own GUID, and the status of jobs and vendors as Spectrum has it.

An inactive one is what it was until the lists are read again.
"""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0006_two_step_rule"),
        ("erp_integrations", "0017_success_codes_have_moved"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="connection",
            name="a_guid_policy_is_known",
        ),
        migrations.AddField(
            model_name="connectionsettings",
            name="any_ending",
            field=models.CharField(
                blank=True,
                default="*",
                help_text="Lists are capped near 500 rows, so that longer ones are asked for in parts, such as S*. The sign is assumed: Spectrum's pages only name “SuperSelect logic”. Blank: no parts are asked for.",
                max_length=3,
                verbose_name="Sign for any ending",
            ),
        ),
        migrations.AddField(
            model_name="connectionsettings",
            name="element_names",
            field=models.TextField(
                blank=True,
                default="",
                help_text="Where Spectrum's description of a service spells an element otherwise, one a line: UpdateSubcontractPhases.Retention_Flag = Rentention_Flag. Upper and lower case don't matter.",
                verbose_name="Elements with another name",
            ),
        ),
        migrations.AddField(
            model_name="connectionsettings",
            name="error_statuses",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Besides 200, those under which the site answers in Spectrum's words, such as 400, 500, separated by commas. Under them a whole reply is read; blank: none is, so that such a call stays Unknown.",
                max_length=60,
                verbose_name="HTTP statuses of errors",
            ),
        ),
        migrations.AddField(
            model_name="connectionsettings",
            name="rest_authentication",
            field=models.CharField(
                choices=[
                    ("by_site", "As Spectrum's pages say"),
                    ("basic", "Basic: Company_Code and Authorization_ID"),
                    ("bearer", "Bearer: the access token"),
                    ("none", "Nothing"),
                ],
                default="by_site",
                help_text="In their HTTP header. The pages: the access token on a hosted site, else Basic.",
                max_length=10,
                verbose_name="REST calls carry",
            ),
        ),
        migrations.AddField(
            model_name="connectionsettings",
            name="soap_authentication",
            field=models.CharField(
                choices=[
                    ("by_site", "As Spectrum's pages say"),
                    ("basic", "Basic: Company_Code and Authorization_ID"),
                    ("bearer", "Bearer: the access token"),
                    ("none", "Nothing"),
                ],
                default="by_site",
                help_text="In their HTTP header. The pages: the access token on a hosted site, else nothing.",
                max_length=10,
                verbose_name="SOAP calls carry",
            ),
        ),
        migrations.AddField(
            model_name="connectionsettings",
            name="token_for_descriptions",
            field=models.BooleanField(
                default=True,
                help_text="On a hosted site, whether its service descriptions are asked for with the access token.",
                verbose_name="Descriptions want the token",
            ),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="guid",
            field=models.UUIDField(help_text="What names this export's session to Spectrum.", null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="status",
            field=models.CharField(
                choices=[("A", "Active"), ("I", "Inactive"), ("C", "Complete")], default="A", max_length=1
            ),
        ),
        migrations.AddField(
            model_name="vendor",
            name="status",
            field=models.CharField(
                choices=[("A", "Active"), ("I", "Inactive"), ("N", "Not used")], default="A", max_length=1
            ),
        ),
        migrations.AlterField(
            model_name="connection",
            name="guid_policy",
            field=models.CharField(
                choices=[
                    ("new", "A new one for each export"),
                    ("sent", "Always the one below"),
                    ("blank", "Blank"),
                ],
                default="new",
                max_length=5,
                verbose_name="GUID is",
            ),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.CheckConstraint(
                condition=models.Q(("guid_policy__in", ["new", "sent", "blank"])),
                name="a_guid_policy_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="connectionsettings",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("rest_authentication__in", ["by_site", "basic", "bearer", "none"]),
                    ("soap_authentication__in", ["by_site", "basic", "bearer", "none"]),
                ),
                name="an_authentication_is_known",
            ),
        ),
        migrations.RunSQL(
            [
                "UPDATE erp_integrations_job SET status = 'I' WHERE NOT is_active",
                "UPDATE erp_integrations_vendor SET status = 'I' WHERE NOT is_active",
            ],
            migrations.RunSQL.noop,
        ),
        migrations.RemoveField(
            model_name="job",
            name="is_active",
        ),
        migrations.RemoveField(
            model_name="vendor",
            name="is_active",
        ),
    ]
