"""警情台：警情改变的唯一入口，以及一次事务里发生的一切。

The alert desk: the one door through which alerts change, and what happens in one transaction.
"""
