// The Collector's own Kafka exporter: one request of each signal, in each encoding and compression, to its default topics.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/kafkaexporter"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func main() {
	number := byte(0)
	for _, encoding := range []string{"otlp_proto", "otlp_json"} {
		for _, compression := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
			number++
			export(encoding, compression, pcommon.TraceID{0xc0, 15: number})
		}
	}
	printCodecs(int(number))
}

// printCodecs prints the compression of each record of spans as the broker stored it.
func printCodecs(records int) {
	consumer, err := kgo.NewClient(kgo.SeedBrokers(os.Getenv("KAFKA_BROKERS")), kgo.ConsumeTopics("otlp_spans"))
	check(err)
	defer consumer.Close()
	for records > 0 {
		fetches := consumer.PollFetches(context.Background())
		check(fetches.Err())
		fetches.EachRecord(func(record *kgo.Record) {
			records--
			fmt.Println("stored", record.Attrs.CompressionType())
		})
	}
}

// export prints service and trace id of what it has sent.
func export(encoding, compression string, traceID pcommon.TraceID) {
	ctx := context.Background()
	factory := kafkaexporter.NewFactory()
	config := factory.CreateDefaultConfig().(*kafkaexporter.Config)
	config.ClientConfig.Brokers = []string{os.Getenv("KAFKA_BROKERS")}
	config.Producer.Compression = compression
	config.Traces.Encoding = encoding
	config.Logs.Encoding = encoding
	config.Metrics.Encoding = encoding
	settings := exportertest.NewNopSettings(factory.Type())

	service := encoding + "-" + compression
	now := pcommon.NewTimestampFromTime(time.Now())
	traces, err := factory.CreateTraces(ctx, settings, config)
	check(err)
	check(traces.Start(ctx, componenttest.NewNopHost()))
	check(traces.ConsumeTraces(ctx, newTraces(service, traceID, now)))
	check(traces.Shutdown(ctx))
	logs, err := factory.CreateLogs(ctx, settings, config)
	check(err)
	check(logs.Start(ctx, componenttest.NewNopHost()))
	check(logs.ConsumeLogs(ctx, newLogs(service, now)))
	check(logs.Shutdown(ctx))
	metrics, err := factory.CreateMetrics(ctx, settings, config)
	check(err)
	check(metrics.Start(ctx, componenttest.NewNopHost()))
	check(metrics.ConsumeMetrics(ctx, newMetrics(service, now)))
	check(metrics.Shutdown(ctx))
	fmt.Println("sent", service, traceID)
}

// spansPerRequest is enough that a batch is smaller compressed: an encoder sends one as it is that is not.
const spansPerRequest = 100

func newTraces(service string, traceID pcommon.TraceID, now pcommon.Timestamp) ptrace.Traces {
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", service)
	spans := resource.ScopeSpans().AppendEmpty().Spans()
	for number := range spansPerRequest {
		span := spans.AppendEmpty()
		span.SetTraceID(traceID)
		span.SetSpanID(pcommon.SpanID{7: byte(number + 1)})
		span.SetName("work")
		span.SetStartTimestamp(now)
		span.SetEndTimestamp(now)
	}
	return traces
}

func newLogs(service string, now pcommon.Timestamp) plog.Logs {
	logs := plog.NewLogs()
	resource := logs.ResourceLogs().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", service)
	record := resource.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetTimestamp(now)
	record.Body().SetStr("sent by " + service)
	return logs
}

func newMetrics(service string, now pcommon.Timestamp) pmetric.Metrics {
	metrics := pmetric.NewMetrics()
	resource := metrics.ResourceMetrics().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", service)
	metric := resource.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("work.done")
	point := metric.SetEmptyGauge().DataPoints().AppendEmpty()
	point.SetTimestamp(now)
	point.SetIntValue(1)
	return metrics
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
