from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Mails: stored with their cause, sent afterwards."""

    name = "notifications"
    verbose_name = "E-mails"

    def ready(self) -> None:
        """Hear of changes to how people sign in, and say what an export tells of their mails."""
        from directory.privacy import personal_data
        from notifications import sign_in_mails

        sign_in_mails.subscribe_to_sign_in_changes()

        mail = ("created_at", "kind", "to_address", "subject", "text_body", "status", "sent_at")
        personal_data.add_exported_fields("notifications.outgoingemail", *mail)
        personal_data.add_exported_fields("notifications.subscription", "kind", "wanted")
        personal_data.add_address_field("notifications.passwordrequest", "address")
        personal_data.add_address_field("notifications.refusedaddress", "address")
