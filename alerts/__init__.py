"""人怎样处置：规则、生命周期、处置链、名录、通知、日志。每个文件夹管一件事。

What people do about it: rules, lifecycle, chains, directory, notices, journal; a folder for each.
`model.py` holds the nouns that all of them share.
"""
