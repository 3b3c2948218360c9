"""Django admin behind the product's own sign-in, so that no second door lacks what the first one asks."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache


class Administration(admin.AdminSite):
    """Where administrators grant rights."""

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
