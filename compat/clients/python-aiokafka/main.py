"""aiokafka with its OpenTelemetry instrumentation. README.md of the parent folder describes the environment."""

import asyncio
import json
import os
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.aiokafka import AIOKafkaInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
AIOKafkaInstrumentor().instrument()

BROKERS, GROUP, ORDERS, RETRY = (
    os.environ[name] for name in ("KAFKA_BROKERS", "GROUP", "ORDERS_TOPIC", "RETRY_TOPIC")
)
CRASHED = 3


async def main():
    producer = AIOKafkaProducer(bootstrap_servers=BROKERS, client_id=GROUP)
    consumer = AIOKafkaConsumer(
        ORDERS,
        RETRY,
        bootstrap_servers=BROKERS,
        client_id=GROUP,
        group_id=GROUP,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await producer.start()
    await consumer.start()
    code = await consume(consumer, producer)
    await consumer.stop()
    await producer.stop()
    provider.shutdown()
    return code


async def consume(consumer, producer):
    """Returns the exit code. The instrumentation's span ends before the loop has the record: no span is current here."""
    async for record in consumer:
        order = json.loads(record.value)
        if order["action"] == "crash" and os.environ["RUN"] == "1":
            return CRASHED
        await producer.send_and_wait(next_topic(record.topic, order), record.value, record.key)
        await consumer.commit({TopicPartition(record.topic, record.partition): record.offset + 1})
        if order.get("last"):
            return 0


def next_topic(topic, order):
    if topic == ORDERS and order["action"] == "retry":
        return RETRY
    if topic == ORDERS and order["action"] == "reject":
        return os.environ["DEAD_LETTER_TOPIC"]
    return os.environ["OUTPUT_TOPIC"]


sys.exit(asyncio.run(main()))
