"""The whole fleet at once, in columns: what groups there are, how each lift is, where words are."""
