"""Django admin for the outbox: to look, and to send a failed mail again."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from directory.admin.scoped import ReadOnlyAdmin, list_colleague_ids, list_company_ids
from directory.models import CompanyMembership, User
from directory.requests import get_person
from notifications import emails, sending
from notifications.models import OutgoingEmail, Subscription


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(ReadOnlyAdmin):
    """Every mail and what became of it. Bodies hold business data: the view permission opens them."""

    list_display = (
        "created_at",
        "kind",
        "to_address",
        "subject",
        "status",
        "last_error",
        "attempts",
        "sent_at",
    )
    list_filter = ("status", "kind")
    search_fields = ("to_address", "subject", "message_id")
    ordering = ("-pk",)
    show_full_result_count = False
    actions = ("send_again",)
    # The HTML part says what the text says.
    exclude = ("html_body",)

    def limit_to_companies(self, person: User, rows: QuerySet[OutgoingEmail]) -> QuerySet[OutgoingEmail]:
        """To colleagues, but for those who are of another company, too: a mail may be about that one."""
        elsewhere = CompanyMembership.objects.exclude(company__in=list_company_ids(person)).values("user")
        return rows.filter(recipient__in=list_colleague_ids(person)).exclude(recipient__in=elsewhere)

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notifications.send_again")

    @admin.action(description="Send again (failed e-mails)", permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutgoingEmail]) -> None:
        count = sending.send_again(emails=queryset, by=get_person(request))
        if not count:
            messages.warning(request, "Nothing was sent. Only failed e-mails can be sent again.")
            return
        emails.wake_sender()
        messages.success(request, f"{count} e-mail{'' if count == 1 else 's'} will be sent again.")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """People's choices about each kind of mail, and their companies'."""

    list_display = ("user", "company", "kind", "wanted")
    list_filter = ("kind", "wanted")
    list_select_related = ("user", "company")
    search_fields = ("user__email",)
    ordering = ("pk",)

    def limit_to_companies(self, person: User, rows: QuerySet[Subscription]) -> QuerySet[Subscription]:
        """Of colleagues."""
        return rows.filter(user__in=list_colleague_ids(person))
