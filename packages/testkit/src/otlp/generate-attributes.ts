import type { OtlpAnyValue, OtlpKeyValue } from './types.ts'
import { pick, randomInt, skewedInt, type Random } from './random.ts'

export type SpanRole = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

export interface AttributesOf {
  readonly random: Random
  readonly role: SpanRole
  readonly service: string
  readonly topic: string
  readonly failed: boolean
  readonly count: number
}

/**
 * A span's name and its first `count` attributes, by the semantic conventions of its role;
 * attributes beyond ten are application-specific.
 */
export function spanAttributes(of: AttributesOf): { readonly name: string; readonly attributes: OtlpKeyValue[] } {
  const { name, values } = VALUES_OF[of.role](of)
  const attributes = Object.entries(values)
    .slice(0, of.count)
    .map(([key, value]) => ({ key, value }))
  for (let index = attributes.length; index < of.count; index++) {
    attributes.push({ key: `app.field.${index}`, value: text(`value-${skewedInt(of.random, 1000)}`) })
  }
  return { name, attributes }
}

interface Named {
  readonly name: string
  readonly values: Readonly<Record<string, OtlpAnyValue>>
}

const VALUES_OF: Readonly<Record<SpanRole, (of: AttributesOf) => Named>> = {
  server: ({ random, service, failed }) => {
    const method = pick(random, METHODS)
    const route = `/${service}/${pick(random, NOUNS)}/{id}`
    return {
      name: `${method} ${route}`,
      values: {
        'http.request.method': text(method),
        'http.route': text(route),
        'url.path': text(route.replace('{id}', String(skewedInt(random, 100_000)))),
        'http.response.status_code': int(failed ? 504 : pick(random, [200, 200, 200, 201, 204, 404])),
        'url.scheme': text('https'),
        'server.address': text(`${service}.shop.example`),
        'server.port': int(8443),
        'client.address': text(address(random)),
        'user_agent.original': text(pick(random, AGENTS)),
        'network.protocol.version': text(pick(random, ['1.1', '2'])),
      },
    }
  },
  client: ({ random, service, failed }) => {
    const table = pick(random, NOUNS)
    const operation = pick(random, ['SELECT', 'SELECT', 'INSERT', 'UPDATE'])
    return {
      name: `${operation} ${table}`,
      values: {
        'db.system.name': text('postgresql'),
        'db.namespace': text(service),
        'db.operation.name': text(operation),
        'db.collection.name': text(table),
        'db.query.text': text(
          `${operation} ${table} where id = $1 and tenant = $2 limit ${pick(random, [1, 10, 100])}`,
        ),
        'server.address': text(`db-${randomInt(random, 4)}.internal`),
        'server.port': int(5432),
        'db.response.returned_rows': int(failed ? 0 : skewedInt(random, 200)),
        'network.peer.address': text(address(random)),
        'thread.id': int(randomInt(random, 32)),
      },
    }
  },
  producer: ({ random, service, topic }) => ({
    name: `send ${topic}`,
    values: { ...message(random, topic, 'send', 'send'), 'messaging.client.id': text(service) },
  }),
  consumer: ({ random, service, topic }) => ({
    name: `process ${topic}`,
    values: { ...message(random, topic, 'process', 'process'), 'messaging.consumer.group.name': text(service) },
  }),
  internal: ({ random, service }) => {
    const step = `${pick(random, ['load', 'validate', 'price', 'reserve', 'render'])}_${pick(random, NOUNS)}`
    return {
      name: step,
      values: {
        'code.function.name': text(step),
        'code.file.path': text(`/app/src/${service}/${step}.ts`),
        'code.line.number': int(10 + skewedInt(random, 400)),
        'app.customer.id': text(`c-${skewedInt(random, 50_000)}`),
        'app.customer.tier': text(pick(random, ['bronze', 'silver', 'gold'])),
        'app.cart.items': int(1 + skewedInt(random, 30)),
        'app.cart.total': { doubleValue: skewedInt(random, 100_000) / 100 },
        'app.feature.fast_checkout': { boolValue: random() < 0.3 },
        'app.region': text(pick(random, ['eu-west-1', 'us-east-1', 'ap-south-1'])),
        'app.request.id': text(`r-${randomInt(random, 2 ** 31).toString(36)}`),
      },
    }
  },
}

function message(random: Random, topic: string, operation: string, type: string): Record<string, OtlpAnyValue> {
  return {
    'messaging.system': text('kafka'),
    'messaging.destination.name': text(topic),
    'messaging.operation.name': text(operation),
    'messaging.operation.type': text(type),
    'messaging.destination.partition.id': text(String(randomInt(random, 12))),
    'messaging.kafka.offset': int(randomInt(random, 10_000_000)),
    'messaging.kafka.message.key': text(`order-${randomInt(random, 1_000_000)}`),
    'messaging.message.body.size': int(120 + skewedInt(random, 4000)),
    'server.address': text(`kafka-${randomInt(random, 6)}.internal`),
  }
}

const METHODS = ['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE'] as const
const NOUNS = ['orders', 'items', 'customers', 'invoices', 'shipments', 'carts', 'prices', 'reviews'] as const
const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/159.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/605.1.15',
  'shop-app/8.2.1 (iOS 20.1)',
  'curl/8.14.1',
] as const

function address(random: Random): string {
  return `10.${randomInt(random, 4)}.${randomInt(random, 16)}.${randomInt(random, 250)}`
}

function text(value: string): OtlpAnyValue {
  return { stringValue: value }
}

function int(value: number): OtlpAnyValue {
  return { intValue: String(value) }
}
