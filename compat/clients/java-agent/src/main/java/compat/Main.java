package compat;

import static org.apache.kafka.clients.consumer.ConsumerConfig.AUTO_OFFSET_RESET_CONFIG;
import static org.apache.kafka.clients.consumer.ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG;
import static org.apache.kafka.clients.consumer.ConsumerConfig.GROUP_ID_CONFIG;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** kafka-clients under the OpenTelemetry Java agent. README.md of the parent folder describes the environment. */
public final class Main {
  private static final String ORDERS = System.getenv("ORDERS_TOPIC");
  private static final String RETRY = System.getenv("RETRY_TOPIC");
  private static final int SHIPPED = -1;
  private static final int CRASHED = 3;

  public static void main(String[] arguments) throws Exception {
    int code;
    try (var producer = new KafkaProducer<>(client(), new StringSerializer(), new StringSerializer());
        var consumer = new KafkaConsumer<>(consumer(), new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(ORDERS, RETRY));
      code = consume(consumer, producer);
    }
    System.exit(code);
  }

  /** Returns the exit code. A record's span ends when the loop asks for the next one, so every loop runs to its end. */
  private static int consume(KafkaConsumer<String, String> consumer, KafkaProducer<String, String> producer)
      throws Exception {
    while (true) {
      var code = SHIPPED;
      for (var record : consumer.poll(Duration.ofSeconds(1))) {
        code = handle(record, producer);
      }
      if (code == CRASHED) return code;
      consumer.commitSync();
      if (code != SHIPPED) return code;
    }
  }

  private static int handle(ConsumerRecord<String, String> record, KafkaProducer<String, String> producer)
      throws Exception {
    var isFirst = record.topic().equals(ORDERS);
    var next = System.getenv("OUTPUT_TOPIC");
    if (has(record, "crash") && "1".equals(System.getenv("RUN"))) return CRASHED;
    if (isFirst && has(record, "retry")) {
      recordError(new IllegalStateException("cannot reach the carrier " + record.key()));
      next = RETRY;
    } else if (isFirst && has(record, "reject")) {
      recordError(new IllegalStateException("cannot ship " + record.key()));
      next = System.getenv("DEAD_LETTER_TOPIC");
    }
    producer.send(new ProducerRecord<>(next, record.key(), record.value())).get();
    return record.value().contains("\"last\":true") ? 0 : SHIPPED;
  }

  private static boolean has(ConsumerRecord<String, String> record, String action) {
    return record.value().contains("\"action\":\"" + action + "\"");
  }

  private static void recordError(Exception error) {
    Span.current().recordException(error).setStatus(StatusCode.ERROR, error.getMessage());
  }

  private static Map<String, Object> client() {
    return Map.of("bootstrap.servers", System.getenv("KAFKA_BROKERS"), "client.id", System.getenv("GROUP"));
  }

  private static Map<String, Object> consumer() {
    var properties = new java.util.HashMap<>(client());
    properties.put(GROUP_ID_CONFIG, System.getenv("GROUP"));
    properties.put(ENABLE_AUTO_COMMIT_CONFIG, false);
    properties.put(AUTO_OFFSET_RESET_CONFIG, "earliest");
    return properties;
  }
}
