"""回复：网络回调、邮件、MQTT 与网关来的答复、照片，以及给回复者的话。

Replies: answers by web hook, e-mail, MQTT or gateway, photos, and what is said back.
"""
