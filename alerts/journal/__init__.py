"""日志：只增不改、逐行散列相连的记录，及其核验。

The journal: append-only, every line chained to the one before by its hash; and its audit.
"""
