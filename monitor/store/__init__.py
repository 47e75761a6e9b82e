"""History: what was taken from the wire, kept once, and the ledger that says so."""
