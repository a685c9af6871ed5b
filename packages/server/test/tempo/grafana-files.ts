import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export type Target = {
  readonly refId: string
  readonly datasource: { readonly type: string; readonly uid: string }
  readonly queryType: string
  readonly query: string
  readonly metricsQueryType?: 'range' | 'instant'
  readonly limit: number
  readonly spss: number
  readonly exemplars?: number
}

export type Panel = {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly Target[]
}

export type Variable = {
  readonly name: string
  readonly type: 'query' | 'custom'
  readonly query: string | { readonly type: number; readonly label: string }
  readonly allValue?: string
  readonly current: { readonly value: string | readonly string[] }
}

export type Dashboard = {
  readonly uid: string
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly Variable[] }
}

const DIRECTORY = new URL('../../../../deploy/grafana/', import.meta.url)

export function readGrafanaFile(path: string): string {
  return readFileSync(fileURLToPath(new URL(path, DIRECTORY)), 'utf8')
}

/** Replaces `$name` and `${name:pipe}` as Grafana does for TraceQL: several values become `a|b`. */
export function interpolate(query: string, values: Readonly<Record<string, readonly string[]>>): string {
  return query.replaceAll(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g, (text, braced?: string, bare?: string) => {
    const value = values[braced ?? bare ?? '']
    if (value === undefined) throw new Error(`${text} is no variable of the dashboard`)
    return value.join('|')
  })
}

type Yaml = string | { [key: string]: Yaml } | Yaml[]

/**
 * Parses the YAML of the provisioning files: maps and lists by indentation, scalars as text,
 * comments on lines of their own. Throws for anything else.
 */
export function parseYaml(text: string): unknown {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .map((line) => ({ indent: line.search(/\S/), text: line.trim() }))
  let at = 0
  const parseBlock = (indent: number): Yaml => {
    if (lines[at]?.text.startsWith('- ')) {
      const list: Yaml[] = []
      for (let line = lines[at]; line?.indent === indent && line.text.startsWith('- '); line = lines[at]) {
        // The item is a map whose first key stands behind the dash.
        lines[at] = { indent: indent + 2, text: line.text.slice(2) }
        list.push(parseBlock(indent + 2))
      }
      return list
    }
    const map: { [key: string]: Yaml } = {}
    for (let line = lines[at]; line?.indent === indent; line = lines[at]) {
      const [, key, value] = /^(\w+):(?: ([^#]*))?$/.exec(line.text) ?? []
      if (key === undefined || key in map) throw new Error(`not a key and a value, or twice: ${line.text}`)
      at += 1
      map[key] = value === undefined ? parseBlock(lines[at]?.indent ?? 0) : value.replace(/^'(.*)'$/, '$1')
    }
    return map
  }
  const parsed = parseBlock(0)
  if (at < lines.length) throw new Error(`unexpected indentation: ${lines[at]?.text}`)
  return parsed
}
