import type { OperationsAnswer, OperationsQuery, ServicesAnswer } from '@spanlink/contract'
import type { QueryOptions, Store } from '../store/store.ts'

// A service or operation name per request id is a mistake that instrumentations make; a picker must survive it.
const NAMES_AT_MOST = 10_000

export async function listServices(store: Store, options: QueryOptions): Promise<ServicesAnswer> {
  const rows = await store.query<{ service: string }>(
    `select distinct service from operations where service != '' order by service limit ${NAMES_AT_MOST}`,
    {},
    options,
  )
  return { services: rows.map((row) => row.service) }
}

export async function listOperations(
  store: Store,
  query: OperationsQuery,
  options: QueryOptions,
): Promise<OperationsAnswer> {
  const ofService = query.service === undefined ? '' : 'where service = {service:String}'
  const rows = await store.query<OperationsAnswer['operations'][number]>(
    `select distinct service, name, kind from operations ${ofService}
    order by service, name, kind limit ${NAMES_AT_MOST}`,
    query.service === undefined ? {} : { service: query.service },
    options,
  )
  return { operations: rows }
}
