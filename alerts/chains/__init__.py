"""处置链：谁在多久之后接到通知，直到有人处理。

Chains: who is told, after how long, until what; the durable timers that fire their steps.
"""
