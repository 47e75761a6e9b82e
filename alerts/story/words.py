"""What a story says, in both languages: kinds of events, states of pages, parts of units."""

from __future__ import annotations

from collections.abc import Mapping

from config.text import Text

EVENTS: Mapping[str, Text] = {
    "raised": Text("报警", "Raised"),
    "again": Text("再次报警", "Reported again"),
    "upgraded": Text("确认轿内有人", "Now with people in the car"),
    "inherited": Text("并入进行中的救援", "Joined to a rescue under way"),
    "cleared": Text("信号恢复", "Condition gone"),
    "closed": Text("关闭", "Closed"),
    "acknowledged": Text("确认", "Acknowledged"),
    "accepted": Text("接单", "Accepted"),
    "departed": Text("赶往", "On the way"),
    "arrived": Text("到场", "Arrived"),
    "freed": Text("解困", "Freed"),
    "cause_filed": Text("填报原因", "Cause filed"),
    "verified": Text("复查", "Verified"),
    "cancelled": Text("取消", "Cancelled"),
    "answered": Text("应答", "Answered"),
    "tapped": Text("尝试操作", "Tried"),
    "shelved": Text("搁置", "Shelved"),
    "suppressed": Text("按计划抑制", "Suppressed by design"),
    "out_of_service": Text("电梯停用", "Set aside: the lift is out of service"),
    "resumed": Text("恢复通知", "Pages again"),
    "paged": Text("通知", "Called"),
    "sending": Text("发送中", "Sending"),
    "failed": Text("发送失败", "Sending failed"),
    "withdrawn": Text("撤回通知", "Calls withdrawn"),
    "fallback": Text("改通知他人", "Called somebody else instead"),
    "nobody": Text("无人可通知", "Nobody to call"),
    "accident": Text("达到事故等级", "Accident class"),
    "delivered": Text("通知送达", "Page delivered"),
    "reached": Text("通知到达本人", "Page reached the person"),
    "read": Text("通知已读", "Page read"),
    "next_channel": Text("改用下一通道", "Trying the next channel"),
    "undelivered": Text("通知未能送达", "Page could not be delivered"),
    "summarised": Text("汇总通知", "Told in a summary"),
    "photo": Text("上传照片", "Photo added"),
    "note": Text("交接备注", "Hand-over note"),
    "note_off": Text("撤下交接备注", "Hand-over note taken off"),
    "exercise": Text("演练", "Exercise"),
    "exercise_over": Text("演练结束", "Exercise over"),
}
MILESTONES: Mapping[str, Text] = {
    "signal": Text("信号", "Signal"),
    "raised": Text("报警", "Alert"),
    "called": Text("通知", "Call"),
    "delivered": Text("送达", "Delivered"),
    "read": Text("已读", "Read"),
    "answered": Text("应答", "Answer"),
    "accepted": Text("接单", "Accepted"),
    "departed": Text("赶往", "On the way"),
    "arrived": Text("到场", "Arrival"),
    "freed": Text("解困", "Freed"),
    "cause_filed": Text("原因", "Cause"),
    "verified": Text("复查", "Verified"),
    "cancelled": Text("取消", "Cancelled"),
    "closed": Text("关闭", "Closed"),
}
DURATIONS: tuple[tuple[str, str, str, Text], ...] = (
    ("notice", "signal", "raised", Text("信号 → 报警", "Signal → alert")),
    ("delivery", "called", "delivered", Text("通知 → 送达", "Call → delivered")),
    ("answer", "called", "answered", Text("通知 → 应答", "Call → answer")),
    ("way", "answered", "arrived", Text("应答 → 到场", "Answer → arrival")),
    ("freeing", "arrived", "freed", Text("到场 → 解困", "Arrival → freed")),
    ("held", "signal", "freed", Text("被困总时长", "Held in total")),
    ("cause", "freed", "cause_filed", Text("解困 → 原因", "Freed → cause")),
)
PAGE_STATES: Mapping[str, Text] = {
    "due": Text("待发送", "waiting"),
    "leased": Text("发送中", "sending"),
    "delivered": Text("已送达", "delivered"),
    "withdrawn": Text("已撤回", "withdrawn"),
    "dead": Text("未送达", "failed"),
    "gathered": Text("待汇总", "to be summed up"),
    "summarised": Text("已汇总发送", "told in a summary"),
}
CHANNELS: Mapping[str, Text] = {
    "webhook": Text("网络回调", "web hook"),
    "email": Text("邮件", "e-mail"),
    "sms": Text("短信", "SMS"),
    "voice": Text("语音电话", "voice call"),
    "apprise": Text("即时消息", "messenger"),
    "alertmanager": Text("Alertmanager", "Alertmanager"),
}
PARTS: Mapping[str, Text] = {
    "maintenance": Text("维保单位", "Maintenance"),
    "use_unit": Text("使用单位", "Use unit"),
    "paged": Text("被通知单位", "Called unit"),
}
RESULTS: Mapping[str, Text] = {
    "met": Text("按时", "met"),
    "missed": Text("超时", "missed"),
    "open": Text("未到时限", "still open"),
    "not_needed": Text("无需", "not needed"),
}
REASONS: Mapping[str, Text] = {
    "closed": Text("警情已关闭", "the alert was closed"),
    "cleared": Text("信号已恢复", "the condition had gone"),
    "again": Text("再次报警，重新计时", "raised again: counted anew"),
    "upgraded": Text("转入救援链", "moved to the rescue chain"),
    "chain changed": Text("处置链已修改", "the chain was changed"),
}
OTHER_STEPS: Mapping[str, Text] = {
    "summary": Text("多条警情汇总", "many alerts in one page"),
    "reply": Text("答复", "answer to a reply"),
    "resolved": Text("警情已结束", "the alert is over"),
}
"""What a page may be for beside the steps of a chain."""
SET_ASIDE = Text("已搁置，暂不通知", "set aside: pages nobody for now")
ARRIVAL = Text("到场时限", "Arrival limit")
EXERCISE = Text("演练", "EXERCISE")


def event_text(kind: str) -> Text:
    """Return a kind of journal line in words; one we have no word for is shown as it is."""
    return EVENTS.get(kind) or Text(kind, kind)


def channel_text(name: str) -> Text:
    """Return a channel's name; brands and protocols are the same in both languages."""
    return CHANNELS.get(name) or Text(name.upper(), name.upper())
