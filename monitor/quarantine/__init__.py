"""The quarantine: a look, a fix and a second try."""
