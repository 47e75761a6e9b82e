"""The directory as a spreadsheet: reading, comparing, writing. See docs/directory.md."""
