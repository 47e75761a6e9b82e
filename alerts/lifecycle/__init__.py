"""警情的一生：允许的步骤（一张表）、怎样按表移动、按表绘图、原因分类。

The life of an alert: the table of allowed steps, moving by it, its drawing, the causes.
"""
