"""Django admin for the ERP Integrations tool: connections and links are set here, deliveries are seen."""

from erp_integrations.admin import connections, deliveries, exemptions, links

__all__ = ["connections", "deliveries", "exemptions", "links"]
