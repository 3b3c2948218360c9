"""A person's own names for what they narrow the tool's list down by."""

from django.db import models

from directory.models import Company, User

LONGEST_NAME = 60


class SavedFilter(models.Model):
    """Seen, used and deleted by its person alone."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=LONGEST_NAME)
    query = models.TextField(help_text="Of the list's address.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "company", "name"], name="a_saved_filter_has_a_name_of_its_own"
            )
        ]

    def __str__(self) -> str:
        return self.name
