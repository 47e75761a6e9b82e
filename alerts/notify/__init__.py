"""Pages on their way to people: the outbox worker and one file per channel."""
