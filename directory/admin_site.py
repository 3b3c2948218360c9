"""Django admin behind the product's own sign-in, so that no second door lacks what the first one asks."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from directory.accounts import reauthentication, two_step
from directory.models import User

HIDDEN_APPS = {"account", "mfa", "usersessions"}
"""Of allauth: its rows are secret, or decide who signs in as whom, and are changed by its pages alone."""


class AdministrationSite(admin.AdminSite):
    """Where administrators grant rights: after two steps, and confirmed when they change something."""

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """All that the apps offer, but for what no administrator should touch."""
        models: Any = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        shown = [model for model in models if model._meta.app_label not in HIDDEN_APPS]
        super().register(shown, admin_class, **options)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Every page of the site is wrapped by this."""

        @wraps(view)
        def handle_request(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return self.find_blocking_response(request) or view(request, *args, **kwargs)

        return super().admin_view(handle_request, cacheable)

    def find_blocking_response(self, request: HttpRequest) -> HttpResponse | None:
        if request.path == reverse("admin:logout") or not isinstance(request.user, User):
            return None
        if settings.ADMIN_REQUIRES_TWO_STEP and not two_step.is_enabled(request.user):
            messages.warning(
                request, "Administration requires two-step verification. Set it up here, then go back."
            )
            return redirect("mfa_index")
        return reauthentication.handle_reauthentication(request)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Without the redirect to any row's own page by its key, which tells where those of others are."""
        return [entry for entry in super().get_urls() if getattr(entry, "name", "") != "view_on_site"]

    @method_decorator(never_cache)
    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send who is not signed in to the sign-in page; who is, and is no staff, gets 403."""
        if request.user.is_authenticated:
            if not self.has_permission(request):
                raise PermissionDenied
            return redirect("admin:index")
        wanted = request.GET.get("next") or reverse("admin:index")
        return redirect_to_login(wanted)

    def password_change(  # type: ignore[override]  # a redirect, where Django promises a page
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The person's own page for it."""
        return redirect("account_change_password")
