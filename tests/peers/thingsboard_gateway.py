"""ThingsBoard's own client as a gateway; run by the interpreter of its venv, never imported.

thingsboard_gateway.py HOST PORT DEVICE OTHER_DEVICE TS_MS: says what the tests look for later.
"""

import sys

from tb_device_mqtt import TBPublishInfo
from tb_gateway_mqtt import TBGatewayMqttClient

host, port, device, other, ts_ms = *sys.argv[1:5], int(sys.argv[5])
client = TBGatewayMqttClient(host, int(port), username="token", client_id="tb-gateway")
client.connect(timeout=5)
client.gw_connect_device(device).get()
client.gw_connect_device(other, "lift").get()
rows = [
    {"ts": ts_ms + 1000 * i, "values": {"speed": 0.5 * i, "car_position": i, "door_closed": True}}
    for i in range(3)
]
done = client.gw_send_telemetry(device, rows).get()
done = max(done, client.gw_send_telemetry(other, {"velocity": 1.25, "rssi": -70}).get())
done = max(done, client.gw_send_telemetry(other, {"ts": ts_ms, "values": {"speed": 99}}).get())
done = max(done, client.gw_send_attributes(device, {"firmware": "1.0", "people": 3}).get())
client.gw_disconnect_device(other).get()
client.disconnect()
client.stop()
sys.exit(0 if done == TBPublishInfo.TB_ERR_SUCCESS else 1)
