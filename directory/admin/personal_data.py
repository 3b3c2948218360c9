"""Django admin's two actions on one person: erase them, and give out what is held about them."""

import json

from django import forms
from django.contrib import admin, messages
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from directory.models import User
from directory.privacy import personal_data
from directory.requests import get_person
from directory.rights.memberships import DirectoryError


class ErasureForm(forms.Form):
    """Why, in words that do not name the person."""

    reason = forms.CharField(
        max_length=500,
        help_text="Kept in the history for good. Don't name the person in it.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )


class PersonalDataActions(admin.ModelAdmin[User]):
    """For the page of people; both are a superuser's alone."""

    actions: tuple[str, ...] = ("erase_person", "export_person")

    def has_personal_data_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    @admin.action(description="Erase the selected person's data…", permissions=["personal_data"])
    def erase_person(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Ask for the reason first; what is erased does not come back."""
        person = find_chosen_person(request, queryset)
        if person is None:
            return None
        form = ErasureForm(request.POST if "reason" in request.POST else None)
        if form.is_valid():
            try:
                personal_data.delete_personal_data(
                    person=person, by=get_person(request), reason=form.cleaned_data["reason"]
                )
            except DirectoryError as refusal:
                form.add_error("reason", str(refusal))
            else:
                messages.success(request, f"The person's data is erased. They are now called {person}.")
                return None
        context = {"title": "Erase a person", "chosen": person, "form": form}
        context |= {"action": "erase_person", "verb": "Erase for good", **admin.site.each_context(request)}
        context["consequence"] = (
            f"{person} ({person.email}) becomes “Erased person {person.pk}” and can no longer sign in. "
            "Their rights end; mails to them, their sign-in records and sessions are removed. Their "
            "decisions are kept under their number. This can't be undone."
        )
        return TemplateResponse(request, "admin/directory/ask.html", context)

    @admin.action(description="Download the selected person's data", permissions=["personal_data"])
    def export_person(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """As JSON, for the person to have."""
        person = find_chosen_person(request, queryset)
        if person is None:
            return None
        data = personal_data.export_personal_data(person=person, by=get_person(request))
        text = json.dumps(data, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder)
        response = HttpResponse(text, content_type="application/json; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="person-{person.pk}.json"'
        return response


def find_chosen_person(request: HttpRequest, queryset: QuerySet[User]) -> User | None:
    people = list(queryset[:2])
    if len(people) == 1:
        return people[0]
    messages.warning(request, "Choose one person at a time. Nothing was done.")
    return None
