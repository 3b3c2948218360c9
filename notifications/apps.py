from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Mails: stored with their cause, sent afterwards."""

    name = "notifications"
    verbose_name = "E-mails"

    def ready(self) -> None:
        """Hear of changes to how people sign in, and of who leaves; say what an export tells of mails."""
        from directory.history import subscribers
        from directory.history.events import DirectoryEvent
        from directory.privacy import personal_data
        from notifications import account_mails, sign_in_mails

        sign_in_mails.subscribe_to_sign_in_changes()
        subscribers.subscribe(DirectoryEvent.MEMBERSHIP_REMOVED, account_mails.handle_removed_member)

        mail = ("created_at", "kind", "to_address", "subject", "text_body", "status", "sent_at")
        personal_data.add_exported_fields("notifications.outgoingemail", *mail)
        personal_data.add_exported_fields("notifications.subscription", "kind", "wanted")
        personal_data.add_address_field("notifications.passwordrequest", "address")
        personal_data.add_address_field("notifications.refusedaddress", "address")
