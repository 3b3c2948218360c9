"""What the list and a submission's page show: where it stands, what was sent, what would be sent."""
