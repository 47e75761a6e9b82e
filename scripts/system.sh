#!/usr/bin/env bash
# system.sh PACKAGE...: sees to it that these system packages (Debian's names) are there.
# Installs them with apt-get where we are root, names the command in one line where we are not.
set -euo pipefail

PATH="$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"

have() {
    case "$1" in
        mosquitto-clients) command -v mosquitto_pub ;;
        chromium) command -v chromium || command -v chromium-browser || command -v google-chrome ||
            ls -d "/Applications/Chromium.app" || ls -d "/Applications/Google Chrome.app" ;;
        fonts-noto-cjk) [ "$(uname)" = Darwin ] || { fc-list :lang=zh family | grep -q .; } ;;
        postgresql) command -v postgres || ls /usr/lib/postgresql/*/bin/postgres ;;
        rabbitmq-server) command -v rabbitmq-server || ls /usr/lib/rabbitmq/bin/rabbitmq-server ;;
        python3*-venv) "${1%-venv}" -c 'import venv, ensurepip' ;;
        *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

missing=()
for package in "$@"; do
    have "$package" || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

if [ "$(uname)" = Darwin ]; then
    command="brew install"
    for package in "${missing[@]}"; do
        case "$package" in
            mosquitto*) command="brew install mosquitto" ;; # its clients come along
        esac
    done
    for package in "${missing[@]}"; do
        case "$package" in
            mosquitto*) ;;
            chromium) [ "$command" = "brew install" ] && command="brew install --cask chromium" ||
                command="$command && brew install --cask chromium" ;;
            victoria-metrics) command="$command victoriametrics" ;;
            *) command="$command $package" ;;
        esac
    done
    echo "缺少 · missing, please run:  $command" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "缺少 · missing, please run:  sudo apt-get install ${missing[*]}" >&2
    exit 1
fi

# Debian starts a server as soon as it is installed. Ours are started by the tests, on free ports:
# while we install, a policy forbids starting, and mosquitto does not come up with the machine.
guard=/usr/sbin/policy-rc.d
if [ ! -e "$guard" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod 755 "$guard"
    trap 'rm -f "$guard"' EXIT
fi
log="$(mktemp)"
echo "→ 安装系统软件 · installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}"; } \
    >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    echo "安装失败 · installation failed; full log: $log" >&2
    exit 1
fi
rm -f "$log"
case " ${missing[*]} " in
    *" mosquitto "* | *" postgresql "* | *" rabbitmq-server "*) [ -d /run/systemd/system ] && for unit in mosquitto postgresql rabbitmq-server; do
            systemctl disable -q "$unit" 2>/dev/null || true
        done ;;
esac
