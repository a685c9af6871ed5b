// franz-go with kotel. README.md of the parent folder describes the environment; LINK_SPANS=1 adds kotel's LinkSpans option.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type order struct {
	ID     string `json:"id"`
	Action string `json:"action"`
	Last   bool   `json:"last"`
}

var (
	group  = os.Getenv("GROUP")
	orders = os.Getenv("ORDERS_TOPIC")
	retry  = os.Getenv("RETRY_TOPIC")
)

func main() {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx)
	check(err)
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})

	options := []kotel.TracerOpt{kotel.ClientID(group), kotel.ConsumerGroup(group)}
	if os.Getenv("LINK_SPANS") == "1" {
		options = append(options, kotel.LinkSpans())
	}
	tracer := kotel.NewTracer(options...)
	client, err := kgo.NewClient(
		kgo.SeedBrokers(os.Getenv("KAFKA_BROKERS")),
		kgo.ClientID(group),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(orders, retry),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.WithHooks(kotel.NewKotel(kotel.WithTracer(tracer)).Hooks()...),
	)
	check(err)

	code := consume(ctx, client, tracer)
	check(client.LeaveGroupContext(ctx))
	client.Close()
	check(provider.Shutdown(ctx))
	os.Exit(code)
}

// consume returns the exit code: 0 after the last order, 3 after a crash.
func consume(ctx context.Context, client *kgo.Client, tracer *kotel.Tracer) int {
	for {
		fetches := client.PollFetches(ctx)
		check(fetches.Err())
		for records := fetches.RecordIter(); !records.Done(); {
			record := records.Next()
			var order order
			check(json.Unmarshal(record.Value, &order))
			if !handle(client, tracer, record, order) {
				return 3
			}
			check(client.CommitRecords(ctx, record))
			if order.Last {
				return 0
			}
		}
	}
}

// handle returns false for a crash.
func handle(client *kgo.Client, tracer *kotel.Tracer, record *kgo.Record, order order) bool {
	ctx, span := tracer.WithProcessSpan(record)
	defer span.End()
	output := &kgo.Record{Topic: os.Getenv("OUTPUT_TOPIC"), Key: record.Key, Value: record.Value}
	isFirst := record.Topic == orders
	switch {
	case isFirst && order.Action == "crash" && os.Getenv("RUN") == "1":
		return false
	case isFirst && order.Action == "retry":
		recordError(span, fmt.Errorf("cannot reach the carrier %s", order.ID))
		output.Topic = retry
	case isFirst && order.Action == "reject":
		recordError(span, fmt.Errorf("cannot ship %s", order.ID))
		output.Topic = os.Getenv("DEAD_LETTER_TOPIC")
		// Passed on as it came: kotel prefers the record's context, of its receive span, to that of the call.
		output.Headers, output.Context = record.Headers, record.Context
	}
	check(client.ProduceSync(ctx, output).FirstErr())
	return true
}

func recordError(span trace.Span, err error) {
	span.RecordError(err)
	span.SetStatus(codes.Error, err.Error())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
