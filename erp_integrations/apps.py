from django.apps import AppConfig


class ErpIntegrationsConfig(AppConfig):
    name = "erp_integrations"
    verbose_name = "ERP Integrations"

    def ready(self) -> None:
        """Register the system checks, how this tool's events are told, and who is mailed about rights."""
        from commitments.choices import accounting, rehearsals
        from directory.history import descriptions, rules
        from directory.privacy import personal_data
        from erp_integrations import signing, system_checks  # noqa: F401  # the second registers itself
        from erp_integrations.audit.descriptions import DESCRIPTIONS
        from erp_integrations.emails import decision_mails, rights_mails
        from erp_integrations.links import choices
        from erp_integrations.pages.rehearsals import build_rehearsal
        from erp_integrations.submissions import correcting

        accounting.append(choices)
        rehearsals.append(build_rehearsal)
        descriptions.add_descriptions(DESCRIPTIONS)
        question = ("text", "asked_at", "answer", "closed_at")
        personal_data.add_exported_fields("erp_integrations.question", *question)
        rules.RULES.append(signing.check_acceptance_signatures)
        personal_data.add_exported_fields("erp_integrations.savedfilter", "company__name", "name", "query")
        personal_data.add_exported_fields("erp_integrations.keptreason", "company__name", "text")
        rights_mails.subscribe_to_history()
        decision_mails.subscribe_to_history()
        correcting.subscribe_to_history()
