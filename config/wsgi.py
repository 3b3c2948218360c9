"""The WSGI application that gunicorn serves."""

import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
if not settings.DECISION_SIGNING_KEY:
    raise ImproperlyConfigured("DECISION_SIGNING_KEY is not set: web signs with it what people accept.")
