from django.http import HttpRequest, HttpResponse


def commitments(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


create = detail = edit = delete = commitments
