"""通知的内容：写什么，以及那一条签名链接。

What a page says, and the one signed link it carries.
"""
