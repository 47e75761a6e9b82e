"""What a site may set: one typed settings object, and the shipped defaults as data."""
