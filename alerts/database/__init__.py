"""数据库：表、打开方式、成批读写。迁移在 alerts/migrations。

The database: its tables, how it is opened, many rows at once. Migrations: alerts/migrations.
"""
