"""The Athena source: a history asked where it lies, by Athena's SQL over the projected table."""
