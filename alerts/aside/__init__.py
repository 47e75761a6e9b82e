"""挂起的警情：暂停、按设计抑制、电梯停用，以及把它们放回来的规则。

Alerts that are set aside: shelved, suppressed by design, of a lift out of service; inhibition.
"""
