"""The registry as the service lives with it: who spoke, who never did, who moved, who left.

The site's files say what is; the table `registry_entry` remembers since when, and what happened.
"""
