from django.apps import AppConfig


class ErpIntegrationsConfig(AppConfig):
    name = "erp_integrations"
    verbose_name = "ERP Integrations"

    def ready(self) -> None:
        """Register the system checks, the words of this tool's events, and who is mailed about rights."""
        from directory.history import rules, words
        from erp_integrations import signing, system_checks  # noqa: F401  # the second registers itself
        from erp_integrations.audit.descriptions import WORDS
        from erp_integrations.emails import decision_mails, rights_mails

        words.register(WORDS)
        rules.RULES.append(signing.each_acceptance_is_signed_once)
        rights_mails.listen()
        decision_mails.listen()
