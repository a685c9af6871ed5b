"""confluent-kafka with its OpenTelemetry instrumentation. README.md of the parent folder describes the environment."""

import json
import os
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
ConfluentKafkaInstrumentor().instrument()

# The instrumentation replaces the classes of the module, so they are looked up after it.
import confluent_kafka  # noqa: E402

GROUP, ORDERS, RETRY = (os.environ[name] for name in ("GROUP", "ORDERS_TOPIC", "RETRY_TOPIC"))
SETTINGS = {"bootstrap.servers": os.environ["KAFKA_BROKERS"], "client.id": GROUP}
CRASHED = 3


def main():
    producer = confluent_kafka.Producer(SETTINGS)
    consumer = confluent_kafka.Consumer(
        SETTINGS | {"group.id": GROUP, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    consumer.subscribe([ORDERS, RETRY])
    code = consume(consumer, producer)
    consumer.close()
    provider.shutdown()
    sys.exit(code)


def consume(consumer, producer):
    """Returns the exit code."""
    while True:
        record = consumer.poll(1.0)
        if record is None:
            continue
        if record.error():
            raise confluent_kafka.KafkaException(record.error())
        order = json.loads(record.value())
        if order["action"] == "crash" and os.environ["RUN"] == "1":
            return CRASHED
        producer.produce(next_topic(record.topic(), order), record.value(), record.key())
        producer.flush()
        consumer.commit(record, asynchronous=False)
        if order.get("last"):
            return 0


def next_topic(topic, order):
    if topic == ORDERS and order["action"] == "retry":
        record_error(RuntimeError(f"cannot reach the carrier {order['id']}"))
        return RETRY
    if topic == ORDERS and order["action"] == "reject":
        record_error(RuntimeError(f"cannot ship {order['id']}"))
        return os.environ["DEAD_LETTER_TOPIC"]
    return os.environ["OUTPUT_TOPIC"]


def record_error(error):
    span = trace.get_current_span()
    span.record_exception(error)
    span.set_status(trace.StatusCode.ERROR, str(error))


main()
