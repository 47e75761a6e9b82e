"""What administrators see and change while the service runs."""
