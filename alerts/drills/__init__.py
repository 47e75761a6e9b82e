"""演练：带标记的真实处置链，不会被当作真实警情。

Drills: a marked exercise that runs the true chain and cannot be taken for real.
"""
