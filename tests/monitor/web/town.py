"""The lifts, units and people of the house that the web tests run."""

from __future__ import annotations

from alerts.directory.units import Contact, Directory, Unit
from alerts.model import RuleMeta
from config.text import Text
from devices.registry import Gateway, Lift, Registry

PASSWORD = "correct horse battery"
FIRM_A, FIRM_B = "anda", "kaili"
UNITS = (
    ("desk", "operator", "区值班台", "duty desk"),
    ("longhu", "use_unit", "龙湖物业", "Longhu Property"),
    ("wanda", "use_unit", "万达物业", "Wanda Property"),
    (FIRM_A, "maintenance", "安达维保", "Anda Maintenance"),
    (FIRM_B, "maintenance", "凯力维保", "Kaili Maintenance"),
    ("north", "rescue_station", "北站救援", "north station"),
    ("fire", "public_rescue", "119", "119"),
    ("bureau", "bureau", "区市场监管局", "the bureau"),
    ("jie-1", "street_office", "石桥铺街道", "Shiqiaopu"),
    ("jie-2", "street_office", "杨家坪街道", "Yangjiaping"),
    ("jie-3", "street_office", "白市驿镇", "Baishiyi"),
)
PEOPLE = {
    "desk": "值班台", "longhu": "王芳", "wanda": "赵敏", FIRM_A: "张伟", FIRM_B: "李强",
    "north": "救援一队", "fire": "119", "bureau": "区局值班", "jie-1": "街道一", "jie-2": "街道二",
    "jie-3": "镇办",
}  # fmt: skip
PLACES = ("龙湖花园 1 栋", "龙湖花园 2 栋", "万达广场 A 座", "区人民医院", "石桥大厦", "白市驿中学")
RULES = (
    RuleMeta(
        "1",
        Text("非平层困人", "trapped, not level"),
        "critical",
        chain="R",
        latched=True,
        code=1012,
    ),
    RuleMeta("7", Text("运行中开门", "door open while running"), "critical", chain="F", code=1002),
    RuleMeta("12", Text("门区外停梯", "stopped outside the zone"), "major", chain="F", code=4),
    RuleMeta("18", Text("反复开关门", "door cycling"), "minor", chain="F", code=1004),
    RuleMeta("23", Text("终端离线", "terminal offline"), "minor", chain="F", code=1090),
)


def reg_code(number: int) -> str:
    return f"3110500100201501{number:04d}"


def registry_of(count: int) -> Registry:
    lifts = [
        Lift(
            reg_code(i), f"{770100 + i}", f"{1 + i // 6} 号梯", PLACES[i % 6], f"jie-{1 + i % 3}",
            "longhu" if i % 2 else "wanda", FIRM_A if i % 2 == 0 else FIRM_B, f"gw-{i % 2 + 1}",
            "passenger", 1.75, 1000, -2 if i % 6 == 2 else 1, 18 + i % 14, f"f{i // 4}", 1.0,
            29.53 + i / 500, 106.46 + i / 500,
        )
        for i in range(count)
    ]  # fmt: skip
    gateways = [Gateway("gw-1", "acme", "龙湖花园"), Gateway("gw-2", "otis", "万达广场")]
    return Registry(lifts, gateways)


def directory_of() -> Directory:
    units = {i: Unit(i, kind, Text(zh, en), "023-68000000") for i, kind, zh, en in UNITS}
    contacts = {
        f"c-{unit}": Contact(f"c-{unit}", unit, name, "", "zh", "member", {"mqtt": f"t/{unit}"})
        for unit, name in PEOPLE.items()
    }
    return Directory(units, contacts)
