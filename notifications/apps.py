from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """What is mailed: stored with its cause, sent afterwards."""

    name = "notifications"
    verbose_name = "E-mails"

    def ready(self) -> None:
        """Hear of changes to how people sign in, and say what an export tells of their mails."""
        from directory.privacy import personal_data
        from notifications import sign_in_changes

        sign_in_changes.listen()

        mail = ("created_at", "kind", "to_address", "subject", "text_body", "status", "sent_at")
        personal_data.tell("notifications.outgoingemail", *mail)
        personal_data.tell("notifications.subscription", "kind", "wanted")
        personal_data.find_by_address("notifications.passwordrequest", "address")
