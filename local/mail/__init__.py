"""A mail catcher: takes every mail over SMTP, shows it on a page, and sends none of it on."""
