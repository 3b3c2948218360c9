"""Settings, from the environment and nowhere else; `.env.example` lists every one of them."""

import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
import environ
from botocore.config import Config
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.concealed import Concealed

# Lets classes such as ModelAdmin[Company] be written for the type checker and run all the same.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")
# While `script/server` runs, it leaves what its own processes get, so that manage.py works beside it.
if "DATABASE_URL" not in env.ENVIRON and (BASE_DIR / "var" / "environment").is_file():
    env.read_env(BASE_DIR / "var" / "environment")

ENVIRONMENT = env.str("ENVIRONMENT", default="production")
if ENVIRONMENT not in {"production", "development"}:
    raise ImproperlyConfigured("ENVIRONMENT must be production or development.")
DEVELOPMENT = ENVIRONMENT == "development"
DEBUG = DEVELOPMENT and env.bool("DEBUG", default=False)


def get_secret(name: str, development: str) -> str:
    """A secret of the environment; only development has a default, which protects nothing.

    What makes keys demands none.
    """
    makes_keys = sys.argv[1:2] == ["history_key"]
    needed = "" if makes_keys else environ.Env.NOTSET
    value: str = env.str(name, default=development if DEVELOPMENT else needed)
    return value


def read_url(name: str, address: str, read: Callable[[str], Any]) -> Any:
    """The parts of an address; one that is not written as an address is refused without a word of it.

    A password's ``/``, ``#`` or ``?`` would end the host, and the rest could be taken for another one.
    """
    with suppress(ValueError):
        parts = urlsplit(address)
        if parts.port != 0 and not parts.fragment and "@" not in parts.path + parts.query:
            return read(address)
    raise ImproperlyConfigured(
        f"{name} can't be read as an address. Signs in its user name or password are to be written as "
        "codes: / as %2F, # as %23, ? as %3F, @ as %40, : as %3A, % as %25."
    ) from None


SECRET_KEY = get_secret("SECRET_KEY", "development-only-0123456789-abcdefghijklmnopqrstuvwxyz")
# Newest first: the first key encrypts, every key decrypts.
FIELD_ENCRYPTION_KEYS = get_secret(
    "FIELD_ENCRYPTION_KEYS", "ZGV2ZWxvcG1lbnQtb25seS1rZXktMDEyMzQ1Njc4OTA="
).split(",")
# Signs the daily checkpoints of the history: base64 of 32 bytes, `manage.py history_key --new`.
HISTORY_SIGNING_KEY = get_secret("HISTORY_SIGNING_KEY", "ZGV2ZWxvcG1lbnQtb25seS1oaXN0b3J5LXNpZ25pbmc=")

# Signs acceptances and grants: of all processes web alone has it. What the others believe, newest first.
DECISION_SIGNING_KEY = env.str(
    "DECISION_SIGNING_KEY",
    default="ZGV2ZWxvcG1lbnQtb25seS1kZWNpc2lvbi1zaWduZXI=" if DEVELOPMENT else "",
)
DECISION_PUBLIC_KEYS = get_secret(
    "DECISION_PUBLIC_KEYS", "sXs5ZJ94Gf4kQBo7+o7fAjCgU/ecNUmCXR16PboQmEg="
).split(",")

PUBLIC_URL = env.str(
    "PUBLIC_URL", default="http://127.0.0.1:8000" if DEVELOPMENT else environ.Env.NOTSET
).rstrip("/")
public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[public.hostname])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[f"{public.scheme}://{public.netloc}"])

INSTALLED_APPS = [
    "directory",
    "commitments",
    "notifications",
    "erp_integrations",
    "directory.apps.AdministrationConfig",  # Django admin
    "config",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "csp",
    "django_htmx",
]
if DEVELOPMENT:
    INSTALLED_APPS.append("local.demo")

MIDDLEWARE = [
    "config.headers.SafeHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # of random length, and each page masks its CSRF token anew
    "config.headers.MethodsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "directory.web.middleware.SignInRequiredMiddleware",
    "config.headers.BodyLimitMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "directory.web.middleware.SessionLimitsMiddleware",
    "directory.web.middleware.PersonalTimeZoneMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["config.templates.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "directory.web.context_processors.build_navigation",
            ],
            "builtins": [
                "django.templatetags.static",
                "directory.templatetags.parts",
                "directory.templatetags.times",
                "commitments.templatetags.commitments",
                "erp_integrations.templatetags.erp",
                "erp_integrations.templatetags.plan",
            ],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {"environment": "config.jinja.build_environment"},
    },
]

# Database: the truth. Transactions are opened by the commands, never around a whole request.
DATABASES = {"default": read_url("DATABASE_URL", env.str("DATABASE_URL"), env.db_url_config)}
DATABASES["default"].update(
    CONN_MAX_AGE=60,
    CONN_HEALTH_CHECKS=True,
    DISABLE_SERVER_SIDE_CURSORS=True,  # holds under a transaction-pooling PgBouncer
)
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
# A process that stops for so long inside a transaction loses it, and with it its locks. Seconds; 0: never.
IDLE_TRANSACTION_SECONDS = env.float("IDLE_TRANSACTION_SECONDS", default=30.0)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# What must be counted once for all processes, and outlive a broker that is down: limits, used codes.
CACHES = {
    "default": {
        "BACKEND": "config.cache.JsonCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # or filling it would make limits forget
    }
}

# People
AUTH_USER_MODEL = "directory.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
# Older hashes still let their person in, and are written anew by the first then.
PASSWORD_HASHERS = [
    f"django.contrib.auth.hashers.{name}" for name in ("Argon2PasswordHasher", "PBKDF2PasswordHasher")
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": name, "OPTIONS": options}
    for name, options in (
        ("django.contrib.auth.password_validation.UserAttributeSimilarityValidator", {}),
        ("django.contrib.auth.password_validation.MinimumLengthValidator", {"min_length": 12}),
        ("django.contrib.auth.password_validation.NumericPasswordValidator", {}),
        ("directory.accounts.passwords.CommonPasswordsValidator", {}),
        ("directory.accounts.passwords.KnownWordsValidator", {}),
    )
]
# Beside the names of the product and of the person's companies.
PASSWORD_WORDS = env.list("PASSWORD_WORDS", default=[])
# Passwords that nobody may have, beside Django's common ones: a file with one to a line.
REFUSED_PASSWORDS_FILE = env.str("REFUSED_PASSWORDS_FILE", default="")
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "notifications.account_mails.MailingAccountAdapter"
ACCOUNT_FORMS = {
    "change_password": "directory.accounts.sign_in.CountedChangePasswordForm",
    "reset_password": "directory.accounts.sign_in.PasswordLinkForm",
    "reset_password_from_key": "directory.accounts.sign_in.PasswordByLinkForm",
    "set_password": "directory.accounts.sign_in.FirstPasswordForm",
}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "directory.accounts.password_links.PasswordLinkTokens"
# For how long a mailed link works: where there is a password already, and where none was chosen yet.
PASSWORD_RESET_MINUTES = env.int("PASSWORD_RESET_MINUTES", default=60)
INVITATION_DAYS = env.int("INVITATION_DAYS", default=7)
PASSWORD_RESET_TIMEOUT = max(PASSWORD_RESET_MINUTES * 60, INVITATION_DAYS * 86_400)
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # an administrator creates every account
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {
    "login": None,  # axes counts these two, and stops what is guessed
    "login_failed": None,
    "reset_password": "20/h/ip,3/h/key",
}
MFA_ADAPTER = "directory.accounts.two_step.TwoStepAdapter"
MFA_FORMS = {
    "authenticate": "directory.accounts.two_step.CodeForm",
    "reauthenticate": "directory.accounts.two_step.ReauthenticationCodeForm",
    "add_webauthn": "directory.accounts.passkeys.NewPasskeyForm",
    "authenticate_webauthn": "directory.accounts.passkeys.SecondStepForm",
    "login_webauthn": "directory.accounts.passkeys.SignInForm",
    "reauthenticate_webauthn": "directory.accounts.passkeys.ReauthenticationPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"  # finger, face or PIN: a passkey is two steps by itself
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}  # an office in the morning; a press takes two
MFA_ALLOW_UNVERIFIED_EMAIL = True  # an administrator knows whose address it is
MFA_TOTP_ISSUER = "Ledgergate"
MFA_TOTP_TOLERANCE = 1  # a phone's clock may be half a minute off
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Whether Django admin, where rights are granted, is closed to staff without two-step verification.
ADMIN_REQUIRES_TWO_STEP = env.bool("ADMIN_REQUIRES_TWO_STEP", default=not DEVELOPMENT)
# For how long after a password or a code was entered sensitive acts ask for none.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 60 * env.int("REAUTHENTICATION_MINUTES", default=15)
# How many proxies in front may be believed about the caller's address.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
AXES_HANDLER = "directory.accounts.lockout.LockoutHandler"
# Wrong passwords and codes within the time below: of one account from one address, of one address, and of
# one account from everywhere but where its person signed in lately.
AXES_FAILURE_LIMIT = 8
LOCKOUT_FAILURES_PER_ADDRESS = 50
LOCKOUT_FAILURES_PER_ACCOUNT = 40
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # or trying on would keep it locked for ever
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "directory.accounts.lockout.get_lockout_name"
AXES_CLIENT_IP_CALLABLE = "directory.client_address.get_rate_limit_address"
AXES_ENABLE_ADMIN = False
AXES_LOCKOUT_TEMPLATE = "account/locked_out.html"
AXES_HTTP_RESPONSE_CODE = 429
AXES_SENSITIVE_PARAMETERS = ["password", "login"]
AXES_VERBOSE = False

# Security
SESSION_COOKIE_NAME = f"ledgergate_{public.port}" if DEVELOPMENT else "__Host-ledgergate"
CSRF_COOKIE_NAME = f"{SESSION_COOKIE_NAME}_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEVELOPMENT
# A session ends after so long without use, and after so long in any case.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=60)
SESSION_HOURS = env.int("SESSION_HOURS", default=12)
SESSION_COOKIE_AGE = 60 * 60 * SESSION_HOURS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "directory.views.csrf_failure"
SECURE_SSL_REDIRECT = not DEVELOPMENT and env.bool("SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
SECURE_HSTS_SECONDS = 0 if DEVELOPMENT else env.int("HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEVELOPMENT
SECURE_REFERRER_POLICY = "same-origin"
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "connect-src": [SELF],
        "img-src": [SELF, "data:"],  # Django admin's icons
        "base-uri": [NONE],
        "object-src": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "upgrade-insecure-requests": not DEVELOPMENT,
    }
}
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # a Schedule of Values of a thousand lines
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440  # bytes of a whole request, for which it is checked first
DATA_UPLOAD_MAX_NUMBER_FILES = 100  # and none but where UploadHandler takes them
FILE_UPLOAD_HANDLERS = ["config.headers.UploadHandler"]
WHITENOISE_ALLOW_ALL_ORIGINS = False
# Searches, reviews, spreadsheets: see directory/web/rate_limits.py. Counted in each web process by itself.
COSTLY_PAGES_PER_MINUTE = env.int("COSTLY_PAGES_PER_MINUTE", default=120)

# Language, time, files
LANGUAGE_CODE = "en-us"
USE_I18N = True
FORMAT_MODULE_PATH = "config.formats"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEVELOPMENT
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# Files that people attach to commitments: in a folder, or in any S3. Neither: nothing can be attached.
ATTACHMENTS_DIR = env.str("ATTACHMENTS_DIR", default=str(BASE_DIR / "var/attachments") if DEVELOPMENT else "")
if bucket := env.str("ATTACHMENTS_S3_BUCKET", default=""):
    STORAGES["attachments"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": env.str("ATTACHMENTS_S3_ENDPOINT", default=None),
            "region_name": env.str("ATTACHMENTS_S3_REGION", default=None),
            "file_overwrite": False,
            "max_memory_size": 1_048_576,
            # A storage that hangs holds a page for so long and no longer.
            "client_config": Config(connect_timeout=3, read_timeout=20, retries={"max_attempts": 1}),
        },
    }
elif ATTACHMENTS_DIR:
    STORAGES["attachments"] = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": ATTACHMENTS_DIR,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    }
ATTACHMENT_MAX_MB = env.int("ATTACHMENT_MAX_MB", default=25)
ATTACHMENTS_PER_COMMITMENT = env.int("ATTACHMENTS_PER_COMMITMENT", default=20)
# A program that looks at a file before it is kept, whose path it gets last: 0 lets it in, 1 refuses it.
ATTACHMENTS_SCAN_COMMAND = shlex.split(env.str("ATTACHMENTS_SCAN_COMMAND", default=""))
ATTACHMENTS_SCAN_SECONDS = env.float("ATTACHMENTS_SCAN_SECONDS", default=60.0)
# Development looks each file up when it is asked for, and so shows an edited one at once.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEVELOPMENT

# Mail
if DEVELOPMENT:
    env.ENVIRON.setdefault("EMAIL_URL", "smtp://127.0.0.1:1025")
vars().update(read_url("EMAIL_URL", env.str("EMAIL_URL"), env.email_url_config))
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=20)  # seconds that each answer of the server may take
MAIL_PER_CONNECTION = env.int("MAIL_PER_CONNECTION", default=100)  # then a new one is opened
MAIL_PER_MINUTE = env.int("MAIL_PER_MINUTE", default=0)  # of all workers together; 0: as many as there are
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Ledgergate <ledgergate@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# A token by OAuth in the place of the password in EMAIL_URL, and in IMAP_URL: who gives it out, and to whom.
EMAIL_OAUTH_TOKEN_URL = env.str("EMAIL_OAUTH_TOKEN_URL", default="")
EMAIL_OAUTH_CLIENT_ID = env.str("EMAIL_OAUTH_CLIENT_ID", default="")
EMAIL_OAUTH_CLIENT_SECRET = env.str("EMAIL_OAUTH_CLIENT_SECRET", default="")
EMAIL_OAUTH_REFRESH_TOKEN = env.str("EMAIL_OAUTH_REFRESH_TOKEN", default="")
EMAIL_OAUTH_SCOPE = env.str("EMAIL_OAUTH_SCOPE", default="")
if EMAIL_OAUTH_TOKEN_URL:
    EMAIL_BACKEND, EMAIL_HOST_PASSWORD = "notifications.oauth.OAuthBackend", ""
# The inbox of DEFAULT_FROM_EMAIL, to which mail that can't be delivered comes back.
IMAP_URL = env.str("IMAP_URL", default="")
if IMAP_URL:
    IMAP_URL = read_url("IMAP_URL", IMAP_URL, Concealed)
for name, start in (("EMAIL_OAUTH_TOKEN_URL", "https://"), ("IMAP_URL", "imaps://")):
    if vars()[name] and not DEVELOPMENT and not vars()[name].startswith(start):
        raise ImproperlyConfigured(f"{name} must begin with {start}, as secrets travel there.")

# Background work: the broker only wakes, so it keeps no result and retries nothing.
CELERY_BROKER_URL = read_url("REDIS_URL", env.str("REDIS_URL"), Concealed)
# Whoever reaches the broker could else ask workers for their settings, and shut them down.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = CELERY_TASK_SEND_SENT_EVENT = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_DB_REUSE_MAX = 2**62  # a session outlives its task, with its plans
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = CELERY_EVENT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    # Without these a publisher tries for six seconds to reach a broker that is down.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
    "connect_retries_timeout": 1,
}

# Who is told of a change of rights where nobody else is left who has no part in it; see rights_mails.
OPERATOR_EMAIL = env.str("OPERATOR_EMAIL", default="operator@localhost" if DEVELOPMENT else "")

# How long the confirmation of who may push to accounting counts: a quarter.
APPROVERS_REVIEW_DAYS = env.int("APPROVERS_REVIEW_DAYS", default=92)

# Spectrum: which servers exist is the operator's decision, never typed on a screen.
SPECTRUM_SERVERS: dict[str, str] = env.dict("SPECTRUM_SERVERS", default={})
# Where a hosted site gives out access tokens, by the same names; left out, the server itself.
SPECTRUM_TOKEN_SERVERS: dict[str, str] = env.dict("SPECTRUM_TOKEN_SERVERS", default={})
# Files with a company's own certificate authorities, by the same names.
SPECTRUM_CA_FILES: dict[str, str] = env.dict("SPECTRUM_CA_FILES", default={})
# Read-only databases to read back from, by the same names; their addresses hold passwords.
INFO_LINKS: dict[str, str] = {
    name: read_url("INFO_LINKS", url, Concealed) for name, url in env.dict("INFO_LINKS", default={}).items()
}
READ_BACK_LAG_SECONDS = env.float("READ_BACK_LAG_SECONDS", default=30.0)  # how late Info-Link may be
# Where each machine with a worker names how far it has written to Spectrum: a folder outside the database,
# that a restore of it leaves alone, and that all workers share where there are several machines.
WIRE_WATERMARK_DIR = env.str("WIRE_WATERMARK_DIR", default="")
# How often everything that is synced is compared with Info-Link.
RECONCILE_HOURS = env.float("RECONCILE_HOURS", default=24.0)
LIVE_CHECK_SECONDS = env.float("LIVE_CHECK_SECONDS", default=2.0)  # how long a page waits for Info-Link
# From one reading of vendors, jobs and phases to the next.
MASTERS_PULL_HOURS = env.float("MASTERS_PULL_HOURS", default=24.0)
# Where GetPhase's reply and Info-Link have the dollars of a phase, which is not public; empty: nowhere.
SPECTRUM_PHASE_ESTIMATE_FIELD = env.str("SPECTRUM_PHASE_ESTIMATE_FIELD", default="Estimated_Dollars")
SPECTRUM_PHASE_TO_DATE_FIELD = env.str("SPECTRUM_PHASE_TO_DATE_FIELD", default="JTD_Dollars")
WIRE_CONNECT_TIMEOUT = env.float("WIRE_CONNECT_TIMEOUT", default=5.0)  # seconds
WIRE_READ_TIMEOUT = env.float("WIRE_READ_TIMEOUT", default=60.0)  # seconds
# How long an absence must be waited for after a call of which nobody knows whether it was written:
# the call itself, five minutes for a commit that comes late, and the lag of Info-Link. Seconds.
QUIET_PERIOD_SECONDS = env.float(
    "QUIET_PERIOD_SECONDS",
    default=WIRE_CONNECT_TIMEOUT + WIRE_READ_TIMEOUT + 300.0 + READ_BACK_LAG_SECONDS,
)
# How long the site's service descriptions are believed without another look.
WSDL_CHECK_SECONDS = env.float("WSDL_CHECK_SECONDS", default=900.0)
# Longer than one call may take, so that a healthy worker never loses its lease.
EXPORT_LEASE_SECONDS = env.int("EXPORT_LEASE_SECONDS", default=180)
# For so long after Accept a worker does not begin, and the approver can undo. Seconds.
UNDO_SECONDS = env.float("UNDO_SECONDS", default=10.0)
EXPORT_MAX_TRIES = env.int("EXPORT_MAX_TRIES", default=10)
# Alarms of a connection, and what one person causes for another, are gathered so long after a mail. Seconds.
MAIL_GATHER_SECONDS = env.float("MAIL_GATHER_SECONDS", default=900.0)
# Whether an answer to a mail goes to the person who acted.
MAIL_REPLY_TO_PERSON = env.bool("MAIL_REPLY_TO_PERSON", default=True)
# How many connections one worker process may serve at once by itself, beside Celery's own threads.
EXPORT_SLOTS = env.int("EXPORT_SLOTS", default=8)
EXPORT_BACKOFF_SECONDS = env.float("EXPORT_BACKOFF_SECONDS", default=10.0)  # doubled by each try
WORKER_POLL_SECONDS = env.float("WORKER_POLL_SECONDS", default=5.0)

# For how many days after their use these are kept; 0: for ever. History always is.
KEEP_EMAILS_DAYS = env.int("KEEP_EMAILS_DAYS", default=400)
KEEP_SIGN_INS_DAYS = env.int("KEEP_SIGN_INS_DAYS", default=90)
KEEP_REPLIES_DAYS = env.int("KEEP_REPLIES_DAYS", default=400)

# Where the history's daily checkpoints are written, to be copied away; empty for nowhere.
HISTORY_CHECKPOINTS_DIR = env.str("HISTORY_CHECKPOINTS_DIR", default="")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "config.logs.SafeFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "zeep": {"level": "WARNING"},  # its debug level prints whole messages, secrets included
        "urllib3": {"level": "WARNING"},
    },
}
