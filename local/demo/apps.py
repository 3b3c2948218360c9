from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "local.demo"
    label = "demo"
    verbose_name = "Demo data"
