"""The list and a submission's page: where it stands, what was sent, what would be sent."""
