FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 PATH=/opt/ledgergate/.venv/bin:$PATH
WORKDIR /opt/ledgergate
COPY requirements.txt ./
RUN python -m venv .venv && pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . ./
# Settings want values, of which none is kept.
RUN SECRET_KEY=none FIELD_ENCRYPTION_KEYS=none HISTORY_SIGNING_KEY=none DECISION_PUBLIC_KEYS=none \
    PUBLIC_URL=https://none DATABASE_URL=postgres://none REDIS_URL=redis://none EMAIL_URL=smtp://none \
    python manage.py collectstatic --noinput --verbosity 0 \
    && useradd --system ledgergate \
    && install -d -o ledgergate /var/lib/ledgergate/attachments /var/lib/ledgergate/wire /var/lib/ledgergate/checkpoints
USER ledgergate
CMD ["gunicorn", "-c", "python:config.gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4"]
