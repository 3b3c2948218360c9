from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class DirectoryConfig(AppConfig):
    """People, companies, rights, and the history of what happened."""

    name = "directory"
    verbose_name = "Company Directory"
    default = True

    def ready(self) -> None:
        """Let the history hear of sign-ins, limit each session, and register the system checks."""
        from directory import checks  # noqa: F401  # registers itself, as the next two do
        from directory.accounts import sign_in_history  # noqa: F401
        from directory.db import sessions  # noqa: F401
        from directory.rights import privilege_suspension

        privilege_suspension.subscribe_to_account_changes()


class AdministrationConfig(admin_apps.AdminConfig):
    """Django admin, entered by the product's own sign-in."""

    default = False
    default_site = "directory.admin_site.AdministrationSite"
