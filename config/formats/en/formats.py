"""The one way in which every page, mail and command writes a date and a time."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i T"  # T: the zone
