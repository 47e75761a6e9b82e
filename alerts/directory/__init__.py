"""名录：谁在此刻负责这部电梯——单位、合同、联系人、值班表，及其导入导出。

The directory: who is responsible for a lift now: units, contracts, contacts, rosters; as files too.
"""
