import type { OperationsResponse, OperationsQuery, SearchedRange, ServicesResponse } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { toSearchedRange } from '../sql/searched-range.ts'
import { MAX_UINT64 } from '../sql/time-parameters.ts'

// Some instrumentations put request ids into service or operation names; a picker must survive it.
const MAX_NAMES = 10_000

export async function listServices(store: Store, options: QueryOptions): Promise<ServicesResponse> {
  const rows = await store.query<{ service: string }>(
    `select distinct service from operations where service != '' order by service limit ${MAX_NAMES + 1}`,
    {},
    options,
  )
  return { services: rows.slice(0, MAX_NAMES).map((row) => row.service), ...searchedNames(rows) }
}

export async function listOperations(
  store: Store,
  query: OperationsQuery,
  options: QueryOptions,
): Promise<OperationsResponse> {
  const ofService = query.service === undefined ? '' : 'where service = {service:String}'
  const rows = await store.query<OperationsResponse['operations'][number]>(
    `select distinct service, name, kind from operations ${ofService}
    order by service, name, kind limit ${MAX_NAMES + 1}`,
    query.service === undefined ? {} : { service: query.service },
    options,
  )
  return { operations: rows.slice(0, MAX_NAMES), ...searchedNames(rows) }
}

function searchedNames(rows: readonly unknown[]): SearchedRange {
  return toSearchedRange({ start: 0n, end: MAX_UINT64, hasDefaultEnd: true }, { isCut: rows.length > MAX_NAMES })
}
