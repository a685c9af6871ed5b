import type { Correlation, KafkaTelemetryOptions } from '../options.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Options from environment variables.
 *
 * | variable                            | value                                                |
 * |-------------------------------------|------------------------------------------------------|
 * | `SPANLINK_KAFKA_CORRELATION`        | `link`, `parent`, and by topic: `link,orders=parent` |
 * | `SPANLINK_KAFKA_TOPICS`             | the topics to trace: `orders,payments.*`             |
 * | `SPANLINK_KAFKA_EXCLUDED_TOPICS`    | the topics not to trace                              |
 * | `SPANLINK_KAFKA_SEND_SPANS`         | `perMessage`, `perCall`                              |
 * | `SPANLINK_KAFKA_RECEIVE_SPANS`      | `true`, `false`                                      |
 * | `SPANLINK_KAFKA_MESSAGE_KEY`        | `true`, `false`                                      |
 * | `SPANLINK_KAFKA_BAGGAGE_ATTRIBUTES` | names, separated by commas                           |
 * | `SPANLINK_KAFKA_SEMCONV`            | `1.45`, `1.44`, `dup`                                |
 * | `SPANLINK_KAFKA_CLIENT_ID`          | text                                                 |
 * | `SPANLINK_KAFKA_METRICS`            | `true`, `false`                                      |
 * | `SPANLINK_KAFKA_EVENTS`             | `true`, `false`                                      |
 *
 * A `*` at the end of a topic matches any suffix; the most specific pattern wins.
 * @param refuse is called with a message about each invalid value; the option keeps its default
 */
export function readEnvironmentOptions(
  environment: Environment,
  refuse: (message: string) => void,
): KafkaTelemetryOptions {
  const readText = (name: string): string | undefined => environment[`SPANLINK_KAFKA_${name}`]?.trim() || undefined
  const readChoice = <const T extends string>(name: string, values: readonly T[]): T | undefined => {
    const value = readText(name)
    const known = values.find((one) => one === value)
    if (value !== undefined && known === undefined) refuse(formatInvalid(name, value, values))
    return known
  }
  const readFlag = (name: string): boolean | undefined => {
    const value = readChoice(name, ['true', 'false'])
    return value && value === 'true'
  }
  const correlation = parseCorrelations(readText('CORRELATION'), (value) => {
    refuse(formatInvalid('CORRELATION', value, [...CORRELATIONS, '<topic>=link', '<topic>=parent']))
  })
  const filter = createTopicFilter(splitList(readText('TOPICS')), splitList(readText('EXCLUDED_TOPICS')))
  return {
    ...(correlation && { correlation }),
    ...(filter && { filter }),
    sendSpans: readChoice('SEND_SPANS', ['perMessage', 'perCall']),
    receiveSpans: readFlag('RECEIVE_SPANS'),
    messageKey: readFlag('MESSAGE_KEY'),
    baggageAttributes: splitList(readText('BAGGAGE_ATTRIBUTES')),
    semconv: readChoice('SEMCONV', ['1.45', '1.44', 'dup']),
    clientId: readText('CLIENT_ID'),
    metrics: readFlag('METRICS'),
    events: readFlag('EVENTS'),
  }
}

const CORRELATIONS: readonly Correlation[] = ['link', 'parent']

function formatInvalid(name: string, value: string, values: readonly string[]): string {
  return `SPANLINK_KAFKA_${name} is "${value}", which is ignored: it can be ${values.join(', ')}`
}

function splitList(value: string | undefined): readonly string[] {
  return (value ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

function parseCorrelations(
  value: string | undefined,
  refuse: (value: string) => void,
): ((topic: string) => Correlation) | Correlation | undefined {
  let fallback: Correlation | undefined
  const rules = new Map<string, Correlation>()
  for (const rule of splitList(value)) {
    // Topics have no `=` in their names.
    const [topic, name] = rule.includes('=') ? rule.split('=', 2) : [undefined, rule]
    const correlation = CORRELATIONS.find((one) => one === name?.trim())
    if (correlation === undefined) refuse(rule)
    else if (topic === undefined) fallback = correlation
    else rules.set(topic.trim(), correlation)
  }
  if (rules.size === 0) return fallback
  return (topic) => {
    const rule = findBestMatch(topic, [...rules.keys()])
    return (rule !== undefined && rules.get(rule)) || (fallback ?? 'link')
  }
}

function createTopicFilter(
  included: readonly string[],
  excluded: readonly string[],
): ((topic: string) => boolean) | undefined {
  if (included.length === 0 && excluded.length === 0) return undefined
  return (topic) => {
    const no = findBestMatch(topic, excluded)
    const yes = findBestMatch(topic, included)
    if (no === undefined || yes === undefined) return no === undefined && (included.length === 0 || yes !== undefined)
    return getPrecision(yes) > getPrecision(no)
  }
}

function findBestMatch(topic: string, patterns: readonly string[]): string | undefined {
  let best: string | undefined
  for (const pattern of patterns) {
    const matches = pattern.endsWith('*') ? topic.startsWith(pattern.slice(0, -1)) : topic === pattern
    if (matches && (best === undefined || getPrecision(pattern) > getPrecision(best))) best = pattern
  }
  return best
}

function getPrecision(pattern: string): number {
  return pattern.endsWith('*') ? pattern.length - 1 : Infinity
}
