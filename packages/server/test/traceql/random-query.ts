import fc from 'fast-check'

/** Random queries over the values of the dataset. */
export function randomSearch(): fc.Arbitrary<string> {
  const filter = condition().map((text) => `{ ${text} }`)
  const operator = fc.constantFrom(
    '&&',
    '||',
    '>>',
    '>',
    '<<',
    '<',
    '~',
    '!>>',
    '!>',
    '!<<',
    '!<',
    '!~',
    '&>>',
    '&>',
    '&<<',
    '&<',
    '&~',
    '->>',
    '<<-',
    '&->>',
    '&<<-',
  )
  const spanset = fc.oneof(
    { weight: 3, arbitrary: filter },
    { weight: 3, arbitrary: fc.tuple(filter, operator, filter).map((parts) => parts.join(' ')) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(filter, operator, filter, operator, filter)
        .map(([a, x, b, y, c]) => `(${a} ${x} ${b}) ${y} ${c}`),
    },
  )
  return fc
    .tuple(spanset, fc.array(stage(filter), { maxLength: 2 }))
    .map(([first, rest]) => [first, ...rest].join(' | '))
}

const operands = {
  number: [
    'span.items',
    '.http.status_code',
    'span.limit',
    'span.weight',
    '.replicas',
    'span.step',
    'childCount',
    'span.mixed',
    'parent.step',
    'span.absent',
    'event.tries',
    'nestedSetLeft',
    'nestedSetParent',
    'span.sizes',
  ],
  string: [
    'name',
    'resource.service.name',
    'span.http.method',
    '.region',
    'span.mixed',
    'rootName',
    'span.empty',
    'statusMessage',
    'link.topic',
    'event:name',
    'parent.region',
    'parent.resource.service.name',
    'instrumentation:name',
    'span.tags',
    '.absent',
  ],
  boolean: ['span.sampled', '.canary', 'instrumentation.pooled', 'link.lost', '.absent'],
  duration: ['duration', 'trace:duration', 'event:timeSinceStart'],
} as const

function comparison(): fc.Arbitrary<string> {
  const order = fc.constantFrom('=', '!=', '<', '<=', '>', '>=')
  const equality = fc.constantFrom('=', '!=')
  const numbers = fc.constantFrom('0', '1', '2', '3', '5', '7.5', '-1', '200', '404', '1 + 1')
  const strings = fc.constantFrom(
    '""',
    '"GET"',
    '"eu"',
    '"zone-1"',
    '"gateway"',
    '"orders"',
    '"handle"',
    '"exception"',
    '"seven"',
    '"blue"',
    '"POST /orders"',
  )
  const patterns = fc.constantFrom('".*"', '"[a-m].*"', '".*e"', '""', '"GET|eu|orders"', '"(?i)POST.*"')
  const join = (...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
    fc.tuple(...parts).map((each) => each.join(' '))
  return fc.oneof(
    join(fc.constantFrom(...operands.number), order, numbers),
    join(fc.constantFrom(...operands.string), order, strings),
    join(fc.constantFrom(...operands.string), fc.constantFrom('=~', '!~'), patterns),
    join(fc.constantFrom(...operands.boolean), equality, fc.constantFrom('true', 'false')),
    join(fc.constantFrom(...operands.duration), order, fc.constantFrom('0s', '1ms', '5ms', '30ms', '200ms')),
    join(fc.constantFrom(...operands.number, ...operands.string), equality, fc.constant('nil')),
    join(fc.constantFrom('kind', 'span:kind'), equality, fc.constantFrom('server', 'client', 'producer', 'consumer')),
    join(fc.constant('status'), equality, fc.constantFrom('error', 'ok', 'unset')),
    join(
      fc.constantFrom('span.items', 'span.weight', 'parent.step'),
      fc.constantFrom('+', '-', '*'),
      numbers,
      order,
      fc.constantFrom('span.limit', 'span.step', '.replicas'),
    ),
  )
}

function condition(): fc.Arbitrary<string> {
  return fc.letrec<{ condition: string }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 2, depthIdentifier: 'condition' },
      comparison(),
      fc.tuple(tie('condition'), fc.constantFrom('&&', '||'), tie('condition')).map((parts) => parts.join(' ')),
      tie('condition').map((inner) => `!(${inner})`),
      tie('condition').map((inner) => `(${inner})`),
    ),
  })).condition
}

function stage(filter: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    filter,
    fc
      .tuple(
        fc.constantFrom('count()', 'max(duration)', 'sum(span.items)', 'avg(span.step)', 'min(duration)'),
        fc.constantFrom('>', '<=', '!='),
        fc.constantFrom('1', '2', '5ms', '3'),
      )
      .map((parts) => parts.join(' ')),
    fc.constantFrom(
      'by(name)',
      'by(span.step)',
      'by(kind, .region)',
      'by(rootName)',
      'coalesce()',
      'select(span.items)',
    ),
  )
}
