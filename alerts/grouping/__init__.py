"""归并：哪些警情属于同一事件，洪峰时一条通知说明多条警情。

Grouping: which alerts belong together, and one page that tells of many in a flood.
"""
