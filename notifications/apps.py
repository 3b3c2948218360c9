from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """What is mailed: stored with its cause, sent afterwards."""

    name = "notifications"
    verbose_name = "E-mails"
