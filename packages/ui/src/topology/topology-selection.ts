import { replace } from '../lib/url.ts'
import { topologyUrl, type TopologyPageState } from './topology-url.ts'

export function closeDetails(pageState: TopologyPageState): void {
  replace(topologyUrl({ ...pageState, node: undefined, edge: undefined }))
}
