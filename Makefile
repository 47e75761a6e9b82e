# Liftwatch · 电梯安全运行监测. `make` alone tells what there is.
# Works with GNU make ≥3.81 and bash ≥3.2, so with what macOS ships too.

SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev

.PHONY: help
help: ## this list · 本列表
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

.PHONY: install
install: $(READY) ## .venv with everything that runs · 安装到 .venv

$(READY): pyproject.toml requirements.lock requirements-build.lock
	@bash scripts/install.sh $(VENV) requirements-build.lock requirements.lock
	@touch $@

$(READY_DEV): $(READY) requirements-dev.lock
	@bash scripts/install.sh $(VENV) requirements-build.lock requirements-dev.lock
	@touch $@

.PHONY: run
run: $(READY) ## broker, service and demo district · 启动：消息服务器、服务、演示辖区
	@exec $(BIN)/liftwatch run $(ARGS)

.PHONY: demo
demo: $(READY) ## the district at speed, one JSON line last · 加速演示，末行为 JSON
	@$(BIN)/liftwatch demo --seconds 60 --json $(ARGS)

.PHONY: test
test: $(READY_DEV) ## every test, against real servers · 全部测试
	@bash scripts/system.sh mosquitto mosquitto-clients victoria-metrics chromium fonts-noto-cjk \
		openssl prometheus-alertmanager postgresql rabbitmq-server
	@bash scripts/peers.sh $(VENV)
	@$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: torture
torture: $(READY_DEV) ## KILLS=100 kills, a million broken messages · 长时间断电与坏数据测试
	@bash scripts/system.sh mosquitto mosquitto-clients
	@LIFTWATCH_KILLS=$(or $(KILLS),100) LIFTWATCH_FUZZ=1000000 \
		$(BIN)/pytest -q -m "" tests/monitor/test_kill.py tests/devices/test_codecs_fuzz.py $(ARGS)

.PHONY: pages
pages: $(READY_DEV) ## every page in all languages, widths, themes · 每一页的完整检查
	@bash scripts/system.sh chromium fonts-noto-cjk
	@LIFTWATCH_PAGES=all $(BIN)/pytest -q tests/monitor/web/test_every_page.py $(ARGS)

.PHONY: check
check: $(READY_DEV) ## lint, format, strict types, import rules, texts · 代码检查
	@bash scripts/check.sh $(BIN)

.PHONY: format
format: $(READY_DEV) ## put files into the enforced format · 统一格式
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .

.PHONY: bench
bench: $(READY_DEV) ## NAME=pipeline: one benchmark · 性能测量
	@$(BIN)/python -m benchmarks $(NAME) $(ARGS)

.PHONY: lock
lock: ## write the lock files anew; UPGRADE=1 for newest · 重新锁定依赖
	@bash scripts/lock.sh $(VENV) $(UPGRADE)

.PHONY: clean
clean: ## remove .venv and caches, keep var/ · 清理（保留 var/ 数据）
	@rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
