-- Reads OWNER_PASSWORD, WEB_PASSWORD and WORKER_PASSWORD from the environment of psql.
\set ON_ERROR_STOP 1
\set owner `printf %s "$OWNER_PASSWORD"`
\set web `printf %s "$WEB_PASSWORD"`
\set worker `printf %s "$WORKER_PASSWORD"`
CREATE ROLE ledgergate_owner LOGIN PASSWORD :'owner';
CREATE ROLE ledgergate;
CREATE ROLE ledgergate_web LOGIN PASSWORD :'web' IN ROLE ledgergate;
CREATE ROLE ledgergate_worker LOGIN PASSWORD :'worker' IN ROLE ledgergate;
ALTER ROLE ledgergate_web SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE ledgergate_web SET jit = off;
ALTER ROLE ledgergate_worker SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE ledgergate_worker SET jit = off;
CREATE DATABASE ledgergate OWNER ledgergate_owner;
\connect ledgergate
GRANT USAGE ON SCHEMA public TO ledgergate;
ALTER DEFAULT PRIVILEGES FOR ROLE ledgergate_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ledgergate;
ALTER DEFAULT PRIVILEGES FOR ROLE ledgergate_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO ledgergate;
