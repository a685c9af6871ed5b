export type QueryPart = readonly [
  text: string,
  kind: 'string' | 'number' | 'attribute' | 'keyword' | 'operator' | 'link' | 'brace' | 'plain',
]

const WORDS =
  /^(?:true|false|nil|ok|error|unset|server|client|producer|consumer|internal|unspecified|by|count|avg|min|max|sum|select|coalesce|rate|topk|bottomk|\w+_over_time)$/

/** Splits a query into coloured parts. Never fails: unknown text is plain. */
export function highlightQuery(text: string): readonly QueryPart[] {
  const parts: QueryPart[] = []
  const tokens =
    /("(?:[^"\\]|\\.)*"?|`[^`]*`?)|((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|[µμ]s|ms|s|m|h|d|w|y))+\b|(?:\d+\.?\d*|\.\d+)\b)|((?:(?:parent\.)?(?:span|resource|event|link|instrumentation)|parent)?\.[^\s{}()=~!<>&|^,"]+)|(&?->>|&?<<-)|([A-Za-z_]\w*(?::\w+)?)|([{}(),])|([=!<>~&|+\-*/%^]+)|\s+|[\s\S]/g
  for (const [token, string, number, attribute, link, word, brace, operator] of text.matchAll(tokens)) {
    if (string !== undefined) parts.push([token, 'string'])
    else if (number !== undefined) parts.push([token, 'number'])
    else if (attribute !== undefined) parts.push([token, 'attribute'])
    else if (link !== undefined) parts.push([token, 'link'])
    else if (word !== undefined) parts.push([token, WORDS.test(word) ? 'keyword' : 'attribute'])
    else if (brace !== undefined) parts.push([token, 'brace'])
    else parts.push([token, operator === undefined ? 'plain' : 'operator'])
  }
  return parts
}
