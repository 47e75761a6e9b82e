"""Real servers and small tools for tests. Fixtures (all on free loopback ports):

| fixture           | what it gives                                                        |
|-------------------|----------------------------------------------------------------------|
| `embedded_broker` | the broker that ships in a wheel, as its own process                 |
| `mosquitto`       | a real mosquitto with persistence                                    |
| `any_broker`      | parametrised: the test runs once against each of the two             |
| `broker_factory`  | `broker_factory("mosquitto", max_queued_messages=0)` for own options |
| `smtp_server`     | a mail server that keeps what it received; can refuse                |
| `webhook`         | an HTTP receiver that records; can fail, hang or be slow             |
| `page`            | a page of Debian's chromium (sync playwright; no async tests beside) |
| `spawn`           | starts a program, keeps its output, ends it by its own process id    |

Plain tools: `wait.until`, `wait.until_async`, `ports.free_port`, `certs.make_certs`.
"""
